/* Bytes of one connection → the same bytes to all others: what sending to many costs a C program
   before any protocol. One write for each, of all that one read brought. */

#include "members.h"

static members everyone;

static void opened(connection *c) { members_add(&everyone, c); }

static bool publish(connection *c, const uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < everyone.count; i++) {
    if (everyone.all[i] != c) loop_send(everyone.all[i], bytes, length);
  }
  return true;
}

static void closed(connection *c) { members_remove(&everyone, c); }

int main(void) {
  static const loop_calls calls = {
      .connection_size = sizeof(connection),
      .opened = opened,
      .taken = publish,
      .closed = closed,
  };
  return loop_run(&calls);
}
