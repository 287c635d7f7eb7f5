/* Connections at once, of all and of one address, over the loops of a server. A server of one loop has no need of
 * it: the core counts. */

#ifndef LIMPET_LIMITS_H
#define LIMPET_LIMITS_H

#include <stdbool.h>

#include "limpet.h"

struct loop;
struct connection;
struct limits;

/* What limits.c keeps for a server of several loops, of `rows` sessions each: 0, with NULL where there is nothing to
 * count, or LIMPET_ERROR_CODE_MEMORY. */
int limits_new(limpet_server *server, uint32_t rows);
void limits_free(limpet_server *server);

/* Whether one connection more may be opened; if so it counts until limits_leave. Any loop's thread. */
bool limits_enter(struct loop *loop);
/* It was not opened after all. */
void limits_undo(struct loop *loop);
/* Whether the address of a connection whose head is whole may have it; if so it counts until limits_leave. */
bool limits_admit(struct loop *loop, const struct connection *connection);
/* A connection that was entered is over. */
void limits_leave(struct loop *loop, const struct connection *connection);
/* Connections that were refused for there were max_connections. */
uint64_t limits_refused(const limpet_server *server);

#endif
