/* What the loop tells of connections that limpet_ws has. */

#ifndef LIMPET_WS_H
#define LIMPET_WS_H

#include "loop.h"

/* An event of a connection that is CONNECTION_QUIET; false where the loop has to go on with it. */
bool ws_told(struct loop *loop, struct connection *connection, const struct limpet_event_record *event);
/* It will not go on: why, for limpet_ws_attach. False for other connections. */
bool ws_broke(struct connection *connection, int code);
/* A message of it, until it is received. */
void ws_keep(struct loop *loop, struct connection *connection, int opcode, const void *data, size_t length);

#endif
