/* Connections at once, of all and of one address, over the loops of a server. A server of one loop has no need of
 * it: the core counts. */

#ifndef LIMPET_BOUNDS_H
#define LIMPET_BOUNDS_H

#include <stdbool.h>

#include "limpet.h"

struct loop;
struct connection;
struct bounds;

/* What bounds.c keeps for a server of several loops, of `rows` sessions each: 0, with NULL where there is nothing to
 * count, or LIMPET_ERROR_CODE_MEMORY. */
int bounds_new(limpet_server *server, uint32_t rows);
void bounds_free(limpet_server *server);

/* Whether one connection more may be opened; if so it counts until bounds_leave. Any loop's thread. */
bool bounds_enter(struct loop *loop);
/* It was not opened after all. */
void bounds_undo(struct loop *loop);
/* Whether the address of a connection whose head is whole may have it; if so it counts until bounds_leave. */
bool bounds_admit(struct loop *loop, const struct connection *connection);
/* A connection that was entered is over. */
void bounds_leave(struct loop *loop, const struct connection *connection);
/* Connections that were refused for there were max_connections. */
uint64_t bounds_refused(const limpet_server *server);

#endif
