/* What a server's other files ask of it. */

#ifndef LIMPET_SERVER_H
#define LIMPET_SERVER_H

#include "loop.h"

/* A loop of it has begun to stop. Any loop's thread. */
void server_stopping(limpet_server *server);

#endif
