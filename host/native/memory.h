/* Memory of a server beside the core's: the heap, or a block that limpet_config_set_memory gave. */

#ifndef LIMPET_MEMORY_H
#define LIMPET_MEMORY_H

#include <stddef.h>

#include "limpet.h"

/* A server's own record, all zero, in memory of its own; NULL with limpet_last_error. */
limpet_server *memory_server(const limpet_config *config);
void memory_server_free(limpet_server *server);

/* Bytes that are zero, for the server's tables; NULL when there are none. Given back by memory_give. */
void *memory_table(limpet_server *server, size_t bytes);
/* Bytes for something rare: what was read and not taken, a payload that does not fit into the core. NULL
 * when there are none. */
void *memory_take(limpet_server *server, size_t bytes);
/* The same bytes in a larger piece; NULL, and the old piece stays, when there is none. */
void *memory_grow(limpet_server *server, void *piece, size_t bytes);
/* NULL is fine. */
void memory_give(limpet_server *server, void *piece);

/* An instance of the core: where the engine can do it, in the server's memory. NULL without memory. */
limpet_core *memory_core(limpet_server *server);

/* With memory of the application's, one read takes at most this, so that what a session does not take of it
 * finds a place. */
#define MEMORY_READ_MAX ((size_t)16 << 10)

#endif
