/* Strings of C <-> strings of the core: a pointer into linear memory and a length. */

#include "text.h"

#include <string.h>

#include "memory.h"

int text_copy(char *buffer, size_t size, const void *text, size_t length) {
  if (size > 0) {
    const size_t copied = length < size ? length : size - 1;
    memcpy(buffer, text, copied);
    buffer[copied] = '\0';
  }
  return (int)length;
}

int text_pass(struct loop *loop, uint32_t *at, const char *text, const char *what, int32_t *ptr,
              int32_t *length) {
  const size_t bytes = text ? strlen(text) : 0;
  const uint32_t to = loop_pass(loop, at, text, bytes);
  if (to == 0) return fail(LIMPET_ERROR_CODE_ARGUMENT, "%s of %zu bytes is too long", what, bytes);
  *ptr = (int32_t)to;
  *length = (int32_t)bytes;
  return 0;
}

char *text_take(struct loop *loop, uint32_t ptr, uint32_t length) {
  char *copy = memory_take(loop->server, (size_t)length + 1);
  if (!copy) {
    (void)refuse(LIMPET_ERROR_CODE_MEMORY);
    return NULL;
  }
  memcpy(copy, loop->memory + ptr, length);
  copy[length] = '\0';
  return copy;
}
