/* A set of rows: a bit each. Adding and taking out cost the same whatever is in it. */

#ifndef LIMPET_ROWS_H
#define LIMPET_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct row_set {
  uint64_t *words;
  uint32_t count;
};

/* Bytes of `words` for so many rows. */
static inline size_t row_set_bytes(uint32_t rows) {
  return ((size_t)rows + 63) / 64 * sizeof(uint64_t);
}

static inline bool row_set_has(const struct row_set *set, uint32_t row) {
  return (set->words[row >> 6] >> (row & 63) & 1) != 0;
}

static inline void row_set_add(struct row_set *set, uint32_t row) {
  if (row_set_has(set, row)) return;
  set->words[row >> 6] |= UINT64_C(1) << (row & 63);
  set->count++;
}

static inline void row_set_remove(struct row_set *set, uint32_t row) {
  if (!row_set_has(set, row)) return;
  set->words[row >> 6] &= ~(UINT64_C(1) << (row & 63));
  set->count--;
}

/* The first row from `from` on; `rows` when there is none. The set may change between two calls. */
static inline uint32_t row_set_next(const struct row_set *set, uint32_t from, uint32_t rows) {
  while (from < rows) {
    const uint64_t rest = set->words[from >> 6] >> (from & 63);
    if (rest != 0) {
      uint32_t row = from;
      for (uint64_t bits = rest; (bits & 1) == 0; bits >>= 1) row++;
      return row < rows ? row : rows;
    }
    from = (from | 63) + 1;
  }
  return rows;
}

#endif
