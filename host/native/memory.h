/* Memory of a server beside the core's: the heap, or a block that limpet_config_set_memory gave. */

#ifndef LIMPET_MEMORY_H
#define LIMPET_MEMORY_H

#include <stddef.h>

struct limpet_server;

/* Bytes that are zero, for the server's tables; NULL when there are none. Given back by memory_give. */
void *memory_table(struct limpet_server *server, size_t bytes);
/* Bytes for something rare: what was read and not taken, a payload that does not fit into the core. NULL
 * when there are none. */
void *memory_take(struct limpet_server *server, size_t bytes);
/* The same bytes in a larger piece; NULL, and the old piece stays, when there is none. */
void *memory_grow(struct limpet_server *server, void *piece, size_t bytes);
/* NULL is fine. */
void memory_give(struct limpet_server *server, void *piece);

/* A block of the caller's, out of which pieces are taken. One thread at a time. */
struct memory_block;

/* Makes a block of 16-byte aligned memory, in it; NULL when it is not aligned, or too small for anything. */
struct memory_block *memory_begin(void *memory, size_t bytes);
/* Bytes with 16-byte alignment out of a block; NULL when no free piece has so many. */
void *block_take(struct memory_block *block, size_t bytes);
/* A piece of block_take. */
void block_give(struct memory_block *block, void *piece);
/* How many bytes of a block a piece takes, and how many it has for itself. */
size_t memory_room(size_t bytes);
size_t memory_overhead(void);

#endif
