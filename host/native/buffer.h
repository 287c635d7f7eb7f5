/* Long payloads outside of linear memory: messages that are put together, and what waits to be sent.
 *
 * A buffer is counted, so that a message which is sent from where on_message got it is not copied. Some that
 * were given back stay at hand: fresh pages from the system cost more than the bytes that go into them. */

#ifndef LIMPET_BUFFER_H
#define LIMPET_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;

struct buffer {
  /* Those at hand are a list. */
  struct buffer *next;
  size_t size;
  uint32_t holders;
  uint8_t bytes[];
};

/* Buffers at hand. */
struct buffer_pool {
  struct buffer *first;
  size_t bytes;
};

/* At least so many bytes, with one holder; NULL without memory. */
struct buffer *buffer_take(struct loop *loop, size_t size);
/* One holder less; the last one gives it back. NULL is fine. */
void buffer_leave(struct loop *loop, struct buffer *buffer);
/* Whether bytes lie in a buffer; not in NULL. */
bool buffer_has(const struct buffer *buffer, const void *data, size_t length);
/* Gives those at hand back to the system. */
void buffer_trim(struct loop *loop);

#endif
