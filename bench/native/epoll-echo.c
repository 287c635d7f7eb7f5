/* Bytes → the same bytes: what a socket costs a C program before any protocol. The same as
   bench/peers/net-echo.ts: no WebSocket at all, so frames come back as they went, masked. */

#include "loop.h"

static bool echo(connection *c, const uint8_t *bytes, size_t length) {
  loop_send(c, bytes, length);
  return true;
}

int main(void) {
  static const loop_calls calls = {.connection_size = sizeof(connection), .taken = echo};
  return loop_run(&calls);
}
