/* Messages → the same messages back. A peer that does not read is not read from, either. */

#include "echo.h"

#include <string.h>

/* Longest subprotocol that is taken. */
#define PROTOCOL_SIZE 128

enum limpet_verdict echo_upgrade(limpet_server *server, limpet_session session, const char *path,
                                 void *user) {
  (void)server;
  const bool *everywhere = user;
  if (!*everywhere && strcmp(path, "/echo") != 0) {
    limpet_session_respond(session, 404, NULL, NULL, 0);
    return LIMPET_DECIDED;
  }
  /* A subprotocol is taken as offered: a client that asks for one expects an answer. */
  char protocol[PROTOCOL_SIZE];
  int length = limpet_session_offered_protocol(session, 0, protocol, sizeof protocol);
  if (length <= 0 || (size_t)length >= sizeof protocol) return LIMPET_ACCEPT;
  if (limpet_session_accept(session, protocol, NULL) < 0) return LIMPET_REFUSE;
  return LIMPET_DECIDED;
}

void echo_message(limpet_server *server, limpet_session session, enum limpet_type type, char *data,
                  size_t length, void *user) {
  (void)server;
  (void)user;
  if (limpet_session_send(session, type, data, length) == LIMPET_SENT_BACKPRESSURE) {
    limpet_session_pause(session);
  }
}

static void echo_writable(limpet_server *server, limpet_session session, void *user) {
  (void)server;
  (void)user;
  limpet_session_resume(session);
}

void echo_serve(limpet_server *server, const bool *everywhere) {
  /* The pointer comes back as it went: nobody writes there. */
  limpet_server_set_on_upgrade(server, echo_upgrade, (void *)(uintptr_t)everywhere);
  limpet_server_set_on_message(server, echo_message, NULL);
  limpet_server_set_on_writable(server, echo_writable, NULL);
}
