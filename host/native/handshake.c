/* UPGRADE and REQUEST events ─► the application's decision ─► 101, or an answer. RFC 6455 4.2.
 *
 *   UPGRADE ─► bounds.c ─► on_upgrade ─┬─ LIMPET_ACCEPT   101, with the first allowed subprotocol that was offered
 *                                      ├─ LIMPET_REFUSE   403
 *                                      └─ LIMPET_DECIDED  limpet_session_accept or _respond, then or later
 *   REQUEST ─► on_request ─► limpet_session_respond; without the callback 426 */

#include <string.h>

#include "bounds.h"
#include "loop.h"
#include "memory.h"
#include "text.h"

/* A session is open: frames that came with its head are read behind on_connect. */
static int handshake_accept(struct loop *loop, struct connection *connection, const char *protocol,
                            const char *headers) {
  const int32_t handle = connection->handle;
  uint32_t at = 0;
  int32_t chosen, chosen_length, lines, lines_length;
  int code = text_pass(loop, &at, protocol, "a subprotocol", &chosen, &chosen_length);
  if (code == 0) code = text_pass(loop, &at, headers, "a head", &lines, &lines_length);
  if (code != 0) return code;
  code = limpet_core_accept(loop->core, connection->handle, chosen, chosen_length, lines,
                            lines_length);
  if (code != 0) return refuse(code);
  reader_resume(loop, connection);
  events_opened(loop, connection);
  // At once: a crowd that comes at the same time would touch a block of the arena each.
  if (connection->handle == handle) writer_write(loop, connection);
  return 0;
}

/* Answers a request; the body stays outside of linear memory. */
static int handshake_respond(struct loop *loop, struct connection *connection, int status,
                             const char *headers, const void *body, size_t length) {
  uint32_t at = 0;
  int32_t lines, lines_length;
  int code = text_pass(loop, &at, headers, "a head", &lines, &lines_length);
  if (code != 0) return code;
  struct outgoing *payload = NULL;
  if (length > 0) {
    struct extra *extra = link_extra(loop, connection);
    payload = extra ? outgoing_new(loop, LIMPET_OPCODE_BINARY, body, length) : NULL;
    if (!payload) return refuse(LIMPET_ERROR_CODE_MEMORY);
  }
  code = limpet_core_respond(loop->core, connection->handle, status, lines, lines_length, 0,
                             (int32_t)length);
  // An answer to HEAD has no body.
  if (payload && code > 0) outgoing_append(&connection->extra->outside, payload);
  else if (payload) outgoing_free(loop, payload);
  return code < 0 ? refuse(code) : 0;
}

static bool handshake_pends(struct loop *loop, const struct connection *connection) {
  return link_state(loop, connection->handle) == LIMPET_STATE_PENDING;
}

/* A decision is awaited: nothing is read meanwhile. Both answers resume it. */
static void handshake_await(struct loop *loop, struct connection *connection) {
  link_watch(loop, connection, connection->interest & POLLOUT);
}

/* ------------------------------------------------------------------------- events */

/* The first subprotocol that the client offers of those on the list; "" without a list, or an offer. The core
 * tells of no others. NULL without memory. */
static char *handshake_protocol(struct loop *loop, const struct connection *connection) {
  if (loop->server->settings->protocols.count == 0) return text_take(loop, loop->scratch, 0);
  const int32_t at = limpet_core_protocol_at(loop->core, connection->handle, 0);
  if (at <= 0) return text_take(loop, loop->scratch, 0);
  const struct limpet_field_record *field = (const void *)(loop->memory + at);
  return text_take(loop, field->ptr, field->len);
}

static void handshake_accept_it(struct loop *loop, struct connection *connection) {
  const limpet_session session = loop_session(loop, connection->handle);
  char *protocol = handshake_protocol(loop, connection);
  const int code =
      protocol ? handshake_accept(loop, connection, protocol, NULL) : LIMPET_ERROR_CODE_MEMORY;
  memory_give(loop->server, protocol);
  if (code == 0 || code == LIMPET_ERROR_CODE_STATE || code == LIMPET_ERROR_CODE_HANDLE) return;
  events_failed(loop, session, code, limpet_strerror(code));
  if (handshake_respond(loop, connection, 503, NULL, NULL, 0) != 0) {
    limpet_core_terminate(loop->core, connection->handle);
  }
}

/* What the application says; without an answer of its own nobody is let in or turned away. */
static enum limpet_verdict handshake_ask(struct loop *loop, const struct connection *connection,
                                         uint32_t path, uint32_t length) {
  const struct callbacks *calls = &loop->server->callbacks;
  if (!calls->upgrade) return LIMPET_ACCEPT;
  char *text = text_take(loop, path, length);
  if (!text) return LIMPET_REFUSE;
  const limpet_session session = loop_session(loop, connection->handle);
  const enum limpet_verdict verdict =
      calls->upgrade(loop->server, session, text, calls->upgrade_user);
  memory_give(loop->server, text);
  return verdict;
}

void handshake_upgrade(struct loop *loop, struct connection *connection, const char *path,
                       size_t length) {
  if (!bounds_admit(loop, connection)) {
    const int code = LIMPET_ERROR_CODE_HTTP_ADDRESS;
    events_failed(loop, loop_session(loop, connection->handle), code, limpet_strerror(code));
    (void)handshake_respond(loop, connection, 429, NULL, NULL, 0);
    return;
  }
  const uint32_t at = (uint32_t)((const uint8_t *)path - loop->memory);
  const enum limpet_verdict verdict = handshake_ask(loop, connection, at, (uint32_t)length);
  // It may have been decided on, or ended, by a call from within.
  if (!handshake_pends(loop, connection)) return;
  if (verdict == LIMPET_DECIDED) handshake_await(loop, connection);
  else if (verdict == LIMPET_ACCEPT) handshake_accept_it(loop, connection);
  else (void)handshake_respond(loop, connection, 403, NULL, NULL, 0);
}

void handshake_request(struct loop *loop, struct connection *connection, const char *path,
                       size_t length) {
  const struct callbacks *calls = &loop->server->callbacks;
  if (!calls->request) {
    (void)handshake_respond(loop, connection, 0, NULL, NULL, 0);
    return;
  }
  const limpet_session session = loop_session(loop, connection->handle);
  char method[32] = "GET";
  // Without the feature `headers` what comes is a GET.
  (void)limpet_session_request_part(session, LIMPET_PART_METHOD, method, sizeof method);
  char *text = text_take(loop, (uint32_t)((const uint8_t *)path - loop->memory), (uint32_t)length);
  if (text) calls->request(loop->server, session, method, text, calls->request_user);
  else (void)handshake_respond(loop, connection, 503, NULL, NULL, 0);
  memory_give(loop->server, text);
  if (handshake_pends(loop, connection)) handshake_await(loop, connection);
}

/* ---------------------------------------------------------------- the application's */

int limpet_session_accept(limpet_session session, const char *protocol, const char *headers) {
  struct loop *loop;
  struct connection *connection;
  const int entered = loop_enter(session, &loop, &connection);
  return entered != 0 ? refuse(entered) : handshake_accept(loop, connection, protocol, headers);
}

int limpet_session_respond(limpet_session session, int status, const char *headers,
                           const void *body, size_t length) {
  if (status != 0 && (status < 200 || status > 599)) {
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "a status is 200 to 599, or 0, not %d", status);
  }
  if (length > INT32_MAX || (!body && length > 0)) {
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "a body of %zu bytes", length);
  }
  struct loop *loop;
  struct connection *connection;
  const int entered = loop_enter(session, &loop, &connection);
  return entered != 0 ? refuse(entered)
                      : handshake_respond(loop, connection, status, headers, body, length);
}
