/* What a server's other files ask of it. */

#ifndef LIMPET_SERVER_H
#define LIMPET_SERVER_H

#include "loop.h"

/* How servers to come wait for descriptors: the best that the system has, unless a test says otherwise. */
extern const struct polling *server_polling;

/* Begins to stop: nobody is let in, all sessions end within timeout_ms. On the loop's thread. */
void server_stop(limpet_server *server, int timeout_ms);
/* Whether all is over after server_stop. */
bool server_is_over(const limpet_server *server);

#endif
