/* Message → the same message, by wslay. */

#include "wslay-server.h"

int main(void) {
  static const server_calls calls = {.message = server_queue};
  return server_run(&calls);
}
