/* What the loop asks of a client's session while it is no open one yet. */

#ifndef LIMPET_CLIENT_H
#define LIMPET_CLIENT_H

#include "loop.h"

/* poll(2) found something on the descriptor of a session that is CONNECTION_CONNECTING. */
void client_ready(struct loop *loop, struct connection *connection);
/* Keeps why a client's session will not come to be, for on_connect_error; the first reason stays. False for
 * sessions that are no clients', or are open. */
bool client_note(struct loop *loop, struct connection *connection, int code, const char *format,
                 ...) LIMPET_PRINTF(4, 5);
/* An ERROR event: what the core refused is kept, and the connection cut. False as client_note. */
bool client_failed(struct loop *loop, struct connection *connection,
                   const struct limpet_event_record *event);
/* The handshake succeeded. */
void client_opened(struct loop *loop, struct connection *connection);
/* The CLOSED event: on_connect_error, unless the session was open. */
void client_closed(struct loop *loop, struct connection *connection);
/* The application closes or terminates a session that is not open yet. False as client_note. */
bool client_give_up(struct loop *loop, struct connection *connection);
/* Gives back what a connection attempt has. */
void client_release(struct loop *loop, struct extra *extra);
/* Seeds the core's masking keys: 0, or LIMPET_E_SYSTEM. RFC 6455 10.3. */
int client_seed(struct loop *loop);

#endif
