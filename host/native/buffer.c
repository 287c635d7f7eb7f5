/* Long payloads outside of linear memory. */

#include "buffer.h"

#include "loop.h"
#include "memory.h"

/* Smaller ones are the heap's own business. */
#define POOLED_BYTES (64u << 10)
/* What stays at hand at most. */
#define POOL_BYTES (16u << 20)

struct buffer *buffer_take(struct loop *loop, size_t size) {
  // The first one that is large enough, but not a waste.
  for (struct buffer **at = &loop->buffers.first; *at && size >= POOLED_BYTES; at = &(*at)->next) {
    struct buffer *buffer = *at;
    if (buffer->size < size || buffer->size / 2 > size) continue;
    *at = buffer->next;
    loop->buffers.bytes -= buffer->size;
    buffer->holders = 1;
    return buffer;
  }
  struct buffer *buffer = memory_take(loop->server, sizeof *buffer + size);
  if (!buffer) return NULL;
  buffer->size = size;
  buffer->holders = 1;
  return buffer;
}

void buffer_leave(struct loop *loop, struct buffer *buffer) {
  if (!buffer || --buffer->holders > 0) return;
  // Memory of the application's is for whoever comes next.
  if (loop->server->memory || buffer->size < POOLED_BYTES ||
      loop->buffers.bytes + buffer->size > POOL_BYTES) {
    memory_give(loop->server, buffer);
    return;
  }
  buffer->next = loop->buffers.first;
  loop->buffers.first = buffer;
  loop->buffers.bytes += buffer->size;
}

bool buffer_has(const struct buffer *buffer, const void *data, size_t length) {
  const uint8_t *bytes = data;
  return buffer && bytes >= buffer->bytes && length <= buffer->size &&
         bytes - buffer->bytes <= (ptrdiff_t)(buffer->size - length);
}

void buffer_trim(struct loop *loop) {
  while (loop->buffers.first) {
    struct buffer *buffer = loop->buffers.first;
    loop->buffers.first = buffer->next;
    memory_give(loop->server, buffer);
  }
  loop->buffers.bytes = 0;
}
