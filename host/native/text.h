/* Strings of C <-> strings of the core: a pointer into linear memory and a length. */

#ifndef LIMPET_TEXT_H
#define LIMPET_TEXT_H

#include "loop.h"

/* Copies a string into a buffer of so many bytes, cut off, with a zero byte; its length. `buffer` may be
 * NULL when `size` is 0. */
int text_copy(char *buffer, size_t size, const void *text, size_t length);

/* Puts a string into the scratch region behind `at`: 0, or LIMPET_ERROR_CODE_ARGUMENT with words when it is
 * longer than that. NULL is the empty string. */
int text_pass(struct loop *loop, uint32_t *at, const char *text, const char *what, int32_t *ptr,
              int32_t *length);

/* A copy of bytes of linear memory with a zero byte, until memory_give; NULL without memory. */
char *text_take(struct loop *loop, uint32_t ptr, uint32_t length);

#endif
