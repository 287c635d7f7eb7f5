/* What the loop tells of a connection that limpet_ws has.
 *
 *   UPGRADE ─► resource and host for limpet_ws_attach, 101
 *   MESSAGE ─► a letter, until limpet_ws_receive takes it; the session is paused meanwhile
 *   CLOSING ─► limpet_ws_status; nothing is read behind the peer's Close frame
 *   ERROR, CLOSED ─► what the calls answer from then on */

#include "ws.h"

#include <string.h>

#include "memory.h"

/* Copies a part of the request; false when it does not fit. NULL and 0: it is not wanted. */
static bool copy_part(struct loop *loop, const struct connection *connection, enum limpet_part part,
                      char *buffer, size_t size, size_t *at) {
  const int32_t record = limpet_core_request_part(loop->core, connection->handle, (int32_t)part);
  if (record <= 0) return true;
  const struct limpet_field_record *field = (const void *)(loop->memory + record);
  const bool query = part == LIMPET_PART_QUERY;
  if (query && field->len == 0) return true;
  if (*at + query + field->len + 1 > size) return false;
  if (query) buffer[(*at)++] = '?';
  memcpy(buffer + *at, loop->memory + field->ptr, field->len);
  *at += field->len;
  buffer[*at] = '\0';
  return true;
}

/* The subprotocol that is chosen: the first one offered of the server's list. RFC 6455 4.2.2. */
static int accept_upgrade(struct loop *loop, struct connection *connection) {
  uint32_t protocol = loop->scratch, length = 0;
  const int32_t record = loop->server->settings->protocols.count > 0
                             ? limpet_core_protocol_at(loop->core, connection->handle, 0)
                             : LIMPET_ERROR_CODE_ABSENT;
  if (record > 0) {
    const struct limpet_field_record *field = (const void *)(loop->memory + record);
    protocol = field->ptr;
    length = field->len;
  }
  return limpet_core_accept(loop->core, connection->handle, (int32_t)protocol, (int32_t)length,
                            (int32_t)loop->scratch, 0);
}

static void ws_upgrade(struct loop *loop, struct connection *connection, struct limpet_ws *ws) {
  const struct opening *opening = ws->opening;
  size_t resource = 0, host = 0;
  const bool fits =
      !opening ||
      ((!opening->resource || (copy_part(loop, connection, LIMPET_PART_PATH, opening->resource,
                                         opening->resource_size, &resource) &&
                               copy_part(loop, connection, LIMPET_PART_QUERY, opening->resource,
                                         opening->resource_size, &resource))) &&
       (!opening->host ||
        copy_part(loop, connection, LIMPET_PART_HOST, opening->host, opening->host_size, &host)));
  if (!fits) {
    ws->failure = LIMPET_ERROR_CODE_ARGUMENT;
    return;
  }
  const int code = accept_upgrade(loop, connection);
  if (code == 0) ws->open = true;
  else ws->failure = code;
  reader_resume(loop, connection);
}

static void ws_closing(struct loop *loop, struct connection *connection, struct limpet_ws *ws,
                       const struct limpet_event_record *event) {
  if (!(event->flags & LIMPET_EVENT_FLAG_REMOTE)) return;
  ws->code = event->code ? event->code : WS_CODE_NONE;
  const size_t length = event->len < LIMPET_REASON_SIZE ? event->len : LIMPET_REASON_SIZE - 1;
  memcpy(ws->reason, loop->memory + event->ptr, length);
  ws->reason[length] = '\0';
  // What follows the peer's Close frame is for who gets the socket back.
  connection->flags |= CONNECTION_HELD;
  link_watch(loop, connection, connection->interest & POLLOUT);
}

bool ws_told(struct loop *loop, struct connection *connection,
             const struct limpet_event_record *event) {
  struct limpet_ws *ws = connection->extra ? connection->extra->ws : NULL;
  if (!ws) return false;
  switch (event->kind) {
    case LIMPET_EVENT_KIND_MESSAGE:
    case LIMPET_EVENT_KIND_CHUNK:
    case LIMPET_EVENT_KIND_READABLE: return false;
    case LIMPET_EVENT_KIND_UPGRADE: ws_upgrade(loop, connection, ws); return true;
    case LIMPET_EVENT_KIND_REQUEST: ws->failure = LIMPET_ERROR_CODE_HTTP_PLAIN; return true;
    case LIMPET_EVENT_KIND_CLOSING: ws_closing(loop, connection, ws, event); return true;
    case LIMPET_EVENT_KIND_ERROR:
      if (ws->failure == 0) ws->failure = event->detail;
      return true;
    case LIMPET_EVENT_KIND_CLOSED:
      ws->over = true;
      if (ws->code == 0) ws->code = WS_CODE_ABNORMAL;
      return false;
    default: return true;
  }
}

bool ws_broke(struct connection *connection, int code) {
  struct limpet_ws *ws =
      connection->flags & CONNECTION_QUIET && connection->extra ? connection->extra->ws : NULL;
  if (ws && ws->failure == 0) ws->failure = code;
  return ws != NULL;
}

void ws_hold(struct loop *loop, struct connection *connection, bool held) {
  if (((connection->flags & CONNECTION_PAUSED) != 0) == held) return;
  if (held) limpet_session_pause(loop_session(loop, connection->handle));
  else limpet_session_resume(loop_session(loop, connection->handle));
}

void ws_keep(struct loop *loop, struct connection *connection, int opcode, const void *data,
             size_t length) {
  struct limpet_ws *ws = connection->extra->ws;
  struct letter *letter = memory_take(loop->server, sizeof *letter + length);
  if (!letter) {
    ws->failure = LIMPET_ERROR_CODE_OVERLOAD;
    outbox_close(loop, connection, 1013, "");
    return;
  }
  *letter = (struct letter){.type = (enum limpet_type)opcode, .length = length};
  if (length > 0) memcpy(letter->bytes, data, length);
  if (ws->last) ws->last->next = letter;
  else ws->first = letter;
  ws->last = letter;
  ws_hold(loop, connection, true);
}

void ws_drop(struct limpet_ws *ws) {
  struct letter *letter = ws->first;
  ws->first = letter->next;
  if (!ws->first) ws->last = NULL;
  memory_give(ws->server, letter);
}
