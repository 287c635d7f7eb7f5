/* The callbacks of a server, each with its user pointer. */

#ifndef LIMPET_CALLBACKS_H
#define LIMPET_CALLBACKS_H

#include "limpet.h"

/* X(name, type) for each callback. */
#define CALLBACKS(X)                        \
  X(upgrade, limpet_on_upgrade)             \
  X(request, limpet_on_request)             \
  X(connect, limpet_on_connect)             \
  X(connect_error, limpet_on_connect_error) \
  X(message, limpet_on_message)             \
  X(chunk, limpet_on_chunk)                 \
  X(close, limpet_on_close)                 \
  X(error, limpet_on_error)                 \
  X(ping, limpet_on_ping)                   \
  X(pong, limpet_on_ping)                   \
  X(writable, limpet_on_writable)           \
  X(shutdown, limpet_on_shutdown)           \
  X(heartbeat, limpet_on_heartbeat)

struct callbacks {
#define CALLBACK(name, type) \
  type name;                 \
  void *name##_user;
  CALLBACKS(CALLBACK)
#undef CALLBACK
};

#endif
