/* A block of memory ─► pieces of it, and back.
 *
 *   struct block | piece | piece | ... | end           16-byte aligned
 *
 *   piece:  bytes of the piece before, 0 = it is in use        8 bytes
 *           bytes of this piece, bit 0: it is in use           8 bytes
 *           what it is for; in a free one: next and previous of its list
 *
 * Free pieces are in lists by the power of two of their size, and neighbours that are both free are
 * one: what is taken and given back leaves no holes. Taking one looks at pieces of about its size only. */

#include "block.h"

#include <stdint.h>
#include <string.h>

#define ALIGNMENT ((size_t)BLOCK_ALIGNMENT)
/* Lists of free pieces: list i has those of 2^i bytes and more, but less than 2^(i + 1). */
#define LISTS 48
#define IN_USE ((uint64_t)1)

struct piece {
  uint64_t before, size;
  /* Of free pieces only. */
  struct piece *next, *previous;
};

/* What every piece has, whether it is in use or not. */
#define HEADER_BYTES offsetof(struct piece, next)
#define PIECE_MIN sizeof(struct piece)

struct block {
  uint64_t filled;
  struct piece *lists[LISTS];
};

_Static_assert(HEADER_BYTES == ALIGNMENT && PIECE_MIN % ALIGNMENT == 0,
               "pieces keep the alignment");

static size_t aligned(size_t bytes) { return (bytes + ALIGNMENT - 1) & ~(ALIGNMENT - 1); }

static struct piece *piece_at(void *at) { return at; }

static size_t piece_size(const struct piece *piece) { return (size_t)(piece->size & ~IN_USE); }

static struct piece *piece_behind(struct piece *piece) {
  return piece_at((uint8_t *)piece + piece_size(piece));
}

static int list_of(size_t bytes) {
  int list = 0;
  while (bytes >>= 1) list++;
  return list < LISTS ? list : LISTS - 1;
}

static void list_add(struct block *block, struct piece *piece) {
  const int list = list_of(piece_size(piece));
  piece->previous = NULL;
  piece->next = block->lists[list];
  if (piece->next) piece->next->previous = piece;
  block->lists[list] = piece;
  block->filled |= UINT64_C(1) << list;
  piece_behind(piece)->before = piece_size(piece);
}

static void list_remove(struct block *block, struct piece *piece) {
  const int list = list_of(piece_size(piece));
  if (piece->next) piece->next->previous = piece->previous;
  if (piece->previous) {
    piece->previous->next = piece->next;
    return;
  }
  block->lists[list] = piece->next;
  if (!piece->next) block->filled &= ~(UINT64_C(1) << list);
}

/* A free piece of `size` bytes or more: of its own list one that fits, of the longer ones any. */
static struct piece *find(struct block *block, size_t size) {
  const int own = list_of(size);
  for (struct piece *piece = block->lists[own]; piece; piece = piece->next) {
    if (piece_size(piece) >= size) return piece;
  }
  for (int list = own + 1; list < LISTS; list++) {
    if (block->filled >> list & 1) return block->lists[list];
  }
  return NULL;
}

struct block *block_begin(void *memory, size_t bytes) {
  const size_t head = aligned(sizeof(struct block));
  if (!memory || (uintptr_t)memory % ALIGNMENT != 0) return NULL;
  bytes &= ~(ALIGNMENT - 1);
  // The last piece is a header that is in use for ever: nothing is joined past the end.
  if (bytes < head + PIECE_MIN + HEADER_BYTES) return NULL;
  struct block *block = memory;
  memset(block, 0, sizeof *block);
  struct piece *all = piece_at((uint8_t *)memory + head);
  all->before = 0;
  all->size = bytes - head - HEADER_BYTES;
  struct piece *end = piece_behind(all);
  end->size = IN_USE | HEADER_BYTES;
  list_add(block, all);
  return block;
}

size_t block_room(size_t bytes) {
  const size_t size = aligned(bytes) + HEADER_BYTES;
  return size < PIECE_MIN ? PIECE_MIN : size;
}

size_t block_overhead(void) { return aligned(sizeof(struct block)) + HEADER_BYTES; }

void *block_take(struct block *block, size_t bytes) {
  if (bytes > SIZE_MAX / 2) return NULL;
  const size_t size = block_room(bytes);
  struct piece *piece = find(block, size);
  if (!piece) return NULL;
  list_remove(block, piece);
  const size_t rest = piece_size(piece) - size;
  if (rest >= PIECE_MIN) {
    piece->size = size;
    struct piece *behind = piece_behind(piece);
    behind->before = 0;
    behind->size = rest;
    list_add(block, behind);
  } else {
    piece_behind(piece)->before = 0;
  }
  piece->size |= IN_USE;
  return (uint8_t *)piece + HEADER_BYTES;
}

void block_give(struct block *block, void *bytes) {
  struct piece *piece = piece_at((uint8_t *)bytes - HEADER_BYTES);
  piece->size &= ~IN_USE;
  struct piece *behind = piece_behind(piece);
  if (!(behind->size & IN_USE)) {
    list_remove(block, behind);
    piece->size += piece_size(behind);
  }
  if (piece->before) {
    struct piece *before = piece_at((uint8_t *)piece - piece->before);
    list_remove(block, before);
    before->size += piece_size(piece);
    piece = before;
  }
  list_add(block, piece);
}

size_t block_piece(const void *bytes) {
  return piece_size((const struct piece *)(const void *)((const uint8_t *)bytes - HEADER_BYTES)) -
         HEADER_BYTES;
}
