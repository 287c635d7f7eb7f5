/* Pieces of one block of memory: what malloc is to the heap. */

#ifndef LIMPET_BLOCK_H
#define LIMPET_BLOCK_H

#include <stddef.h>

/* What a block must be aligned to, and what its pieces are. */
#define BLOCK_ALIGNMENT 16

/* The block's own record, at its beginning. One thread at a time. */
struct block;

/* Makes a block of memory, in it; NULL when that is not aligned, or too small for anything. */
struct block *block_begin(void *memory, size_t bytes);
/* A piece of so many bytes; NULL when none is free that is large enough. */
void *block_take(struct block *block, size_t bytes);
/* Gives back what block_take gave. */
void block_give(struct block *block, void *piece);
/* How many bytes a piece has: as many as were asked for, or a few more. */
size_t block_piece(const void *piece);
/* How many bytes of a block a piece of so many takes, and how many the block takes for itself. */
size_t block_room(size_t bytes);
size_t block_overhead(void);

#endif
