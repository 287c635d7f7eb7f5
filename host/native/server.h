/* What a server's other files ask of it. */

#ifndef LIMPET_SERVER_H
#define LIMPET_SERVER_H

#include "loop.h"

/* How servers to come wait for descriptors: the best that the system has, unless a test says otherwise. */
extern const struct polling *server_polling;

/* A loop of it has begun to stop. Any loop's thread. */
void server_stopping(limpet_server *server);
/* After each turn: a server that stops, and whose sessions are over, has stopped. */
void server_settle(limpet_server *server);

#endif
