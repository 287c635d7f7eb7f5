/* UPGRADE and REQUEST events ─► the application's decision ─► 101, or an answer. */

#include <stdio.h>

#include "loop.h"

/* Accepts, and lets frames that came with the head be read. */
static int handshake_accept(struct loop *loop, struct connection *connection) {
  const int status = limpet_core_accept(loop->core, connection->handle, (int32_t)loop->scratch, 0, (int32_t)loop->scratch, 0);
  if (status != 0) return status;
  reader_resume(loop, connection);
  events_opened(loop, connection);
  return 0;
}

void handshake_upgrade(struct loop *loop, struct connection *connection, const char *path, size_t length) {
  (void)path;
  (void)length;
  handshake_accept(loop, connection);
}

void handshake_request(struct loop *loop, struct connection *connection, const char *path, size_t length) {
  (void)path;
  (void)length;
  limpet_core_respond(loop->core, connection->handle, 0, (int32_t)loop->scratch, 0, 0, 0);
}
