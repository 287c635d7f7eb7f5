/* What an application does with one session: sends, pings, ends it, holds it. What it asks of it: details.c. */

#include <string.h>

#include "client.h"
#include "crossing.h"
#include "loop.h"

int limpet_session_send_with(limpet_session session, enum limpet_type type, const void *data,
                             size_t length, uint32_t flags) {
  if (type != LIMPET_TEXT && type != LIMPET_BINARY) {
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "a message is LIMPET_TEXT or LIMPET_BINARY");
  }
  if (flags & ~(uint32_t)LIMPET_SEND_UNCOMPRESSED)
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "unknown flags of a send");
  if (!data && length > 0)
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "a message of %zu bytes at NULL", length);
  struct loop *loop;
  struct connection *connection;
  const int entered = loop_enter(session, &loop, &connection), kind = (int)type | (int)flags;
  if (entered == LIMPET_E_THREAD) return crossing_send(session, kind, data, length);
  return entered != 0 ? entered : settle(outbox_send(loop, connection, kind, data, length));
}

int limpet_session_send(limpet_session session, enum limpet_type type, const void *data,
                        size_t length) {
  return limpet_session_send_with(session, type, data, length, 0);
}

int limpet_session_send_text(limpet_session session, const char *text) {
  if (!text) return fail(LIMPET_ERROR_CODE_ARGUMENT, "limpet_session_send_text takes a text");
  return limpet_session_send(session, LIMPET_TEXT, text, strlen(text));
}

int limpet_session_send_fragment(limpet_session session, enum limpet_type type, const void *data,
                                 size_t length, bool last) {
  struct loop *loop;
  struct connection *connection;
  const int entered = loop_enter(session, &loop, &connection);
  if (entered != 0) return entered;
  if (type != LIMPET_TEXT && type != LIMPET_BINARY) {
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "a message is LIMPET_TEXT or LIMPET_BINARY");
  }
  const bool goes_on = (connection->flags & CONNECTION_FRAGMENTS) != 0;
  const int kind =
      (goes_on ? LIMPET_OPCODE_CONTINUATION : (int)type) | (last ? 0 : LIMPET_SEND_MORE);
  const int status = outbox_send(loop, connection, kind, data, length);
  if (status != LIMPET_SENT_OK && status != LIMPET_SENT_BACKPRESSURE) return settle(status);
  if (last) connection->flags &= (uint16_t)~CONNECTION_FRAGMENTS;
  else connection->flags |= CONNECTION_FRAGMENTS;
  return status;
}

static int session_control(limpet_session session, int opcode, const void *data, size_t length) {
  struct loop *loop;
  struct connection *connection;
  const int entered = loop_enter(session, &loop, &connection);
  return entered != 0 ? entered : settle(outbox_send(loop, connection, opcode, data, length));
}

int limpet_session_ping(limpet_session session, const void *data, size_t length) {
  return session_control(session, LIMPET_OPCODE_PING, data, length);
}

int limpet_session_pong(limpet_session session, const void *data, size_t length) {
  return session_control(session, LIMPET_OPCODE_PONG, data, length);
}

int limpet_session_close(limpet_session session, uint16_t code, const char *reason) {
  if (reason && strlen(reason) >= LIMPET_REASON_SIZE) {
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "a close reason has at most %d bytes",
                LIMPET_REASON_SIZE - 1);
  }
  struct loop *loop;
  struct connection *connection;
  const int entered = loop_enter(session, &loop, &connection);
  if (entered == LIMPET_E_THREAD) return crossing_close(session, code, reason ? reason : "");
  if (entered != 0) return entered;
  // A client that is not open has nobody to tell.
  if (client_give_up(loop, connection)) return 0;
  return settle(outbox_close(loop, connection, code, reason ? reason : ""));
}

int limpet_session_terminate(limpet_session session) {
  struct loop *loop;
  struct connection *connection;
  const int entered = loop_enter(session, &loop, &connection);
  if (entered == LIMPET_E_THREAD) return crossing_terminate(session);
  if (entered != 0) return entered;
  return client_give_up(loop, connection)
             ? 0
             : settle(limpet_core_terminate(loop->core, connection->handle));
}

int limpet_session_pause(limpet_session session) {
  struct loop *loop;
  struct connection *connection;
  const int entered = loop_enter(session, &loop, &connection);
  if (entered != 0) return entered;
  connection->flags |= CONNECTION_PAUSED;
  link_watch(loop, connection, connection->interest & POLLOUT);
  return settle(limpet_core_option_set(loop->core, connection->handle, LIMPET_OPTION_PAUSED, 1));
}

int limpet_session_resume(limpet_session session) {
  struct loop *loop;
  struct connection *connection;
  const int entered = loop_enter(session, &loop, &connection);
  if (entered != 0) return entered;
  if (!(connection->flags & CONNECTION_PAUSED)) return 0;
  connection->flags &= (uint16_t)~CONNECTION_PAUSED;
  reader_resume(loop, connection);
  // The core is told the time: the peer's silence counts from now on.
  limpet_core_rx(loop->core, connection->handle, (int32_t)loop->ingress, 0, loop_now(loop));
  return settle(limpet_core_option_set(loop->core, connection->handle, LIMPET_OPTION_PAUSED, 0));
}

int limpet_session_queued(limpet_session session) {
  struct loop *loop;
  struct connection *connection;
  const int entered = loop_enter(session, &loop, &connection);
  if (entered != 0) return entered;
  const struct limpet_session_info *info = link_info(loop, connection->handle);
  if (!info) return refuse(LIMPET_ERROR_CODE_HANDLE);
  const size_t waiting = connection->extra ? connection->extra->waiting.bytes : 0;
  const uint64_t bytes = info->queued + waiting;
  return bytes > INT32_MAX ? INT32_MAX : (int)bytes;
}

int limpet_session_call_writable(limpet_session session) {
  struct loop *loop;
  struct connection *connection;
  const int entered = loop_enter(session, &loop, &connection);
  if (entered != 0) return entered;
  row_set_add(&loop->asked, link_row(loop, connection));
  loop->asking = true;
  return 0;
}

int limpet_server_call_writable_all(limpet_server *server) {
  if (!server)
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "limpet_server_call_writable_all takes a server");
  int count = 0;
  for (int i = 0; i < server->loop_count; i++) {
    struct loop *loop = server->loops[i];
    if (!loop_is_mine(loop)) continue;
    for (uint32_t row = 0; row < loop->rows; row++) {
      if (!(loop->connections[row].flags & CONNECTION_OPENED)) continue;
      row_set_add(&loop->asked, row);
      loop->asking = true;
      count++;
    }
  }
  return count;
}

int limpet_session_fd(limpet_session session) {
  struct loop *loop;
  struct connection *connection;
  const int entered = loop_enter(session, &loop, &connection);
  if (entered != 0) return entered;
  return connection->fd >= 0 ? connection->fd : LIMPET_ERROR_CODE_STATE;
}
