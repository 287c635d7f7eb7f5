/* The core's event ring ─► the callbacks of the application. */

#include <string.h>

#include "client.h"
#include "loop.h"
#include "ws.h"

/* Calls a callback that is there, with the server and its own user pointer around the rest. */
#define CALL(name, ...)                                                          \
  do {                                                                           \
    const struct callbacks *calls = &loop->server->callbacks;                    \
    if (calls->name) calls->name(loop->server, __VA_ARGS__, calls->name##_user); \
  } while (0)

void events_failed(struct loop *loop, limpet_session session, int code, const char *words) {
  // What this host itself could not do is no client's doing: whoever runs the server wants to know.
  const bool is_own = code <= LIMPET_E_THREAD;
  const enum limpet_log_level level = code == LIMPET_E_TRAP ? LIMPET_LOG_ERROR
                                      : is_own              ? LIMPET_LOG_WARN
                                                            : LIMPET_LOG_INFO;
  if (session == 0) limpet_log(level, "%s", words);
  CALL(error, session, code, words);
}

void events_broke(struct loop *loop, struct connection *connection, int code, const char *words) {
  if (client_note(loop, connection, code, "%s", words) || ws_broke(connection, code)) return;
  events_failed(loop, loop_session(loop, connection->handle), code, words);
}

void events_opened(struct loop *loop, struct connection *connection) {
  client_opened(loop, connection);
  connection->flags |= CONNECTION_OPENED;
  CALL(connect, loop_session(loop, connection->handle));
}

static void events_message(struct loop *loop, struct connection *connection, int opcode, char *data,
                           size_t length) {
  if (connection->flags & CONNECTION_QUIET) {
    ws_keep(loop, connection, opcode, data, length);
    return;
  }
  CALL(message, loop_session(loop, connection->handle), (enum limpet_type)opcode, data, length);
}

/* -------------------------------------------- messages longer than the core's blocks */

/* The largest buffer that is made for a message before its bytes have come. */
#define TRUSTED_BYTES (1u << 20)

/* Adds a piece to the message under way; false without memory. */
static bool gather(struct loop *loop, struct extra *extra,
                   const struct limpet_event_record *event) {
  if (event->flags & LIMPET_EVENT_FLAG_BEGIN) extra->gathered_length = 0;
  const size_t need = extra->gathered_length + event->len;
  if (!extra->gathered || need > extra->gathered->size) {
    // Declared bytes are believed up to a bound, so that a header alone costs little memory; from there
    // on, and for fragments, the buffer doubles.
    const size_t declared =
        need + event->remaining < TRUSTED_BYTES ? need + event->remaining : TRUSTED_BYTES;
    const bool last = (event->flags & LIMPET_EVENT_FLAG_END) != 0;
    struct buffer *larger = buffer_take(loop, last                  ? need
                                              : declared > 2 * need ? declared
                                                                    : 2 * need);
    if (!larger) return false;
    if (extra->gathered) memcpy(larger->bytes, extra->gathered->bytes, extra->gathered_length);
    buffer_leave(loop, extra->gathered);
    extra->gathered = larger;
  }
  memcpy(extra->gathered->bytes + extra->gathered_length, loop->memory + event->ptr, event->len);
  extra->gathered_length = need;
  return true;
}

static void events_chunk(struct loop *loop, struct connection *connection,
                         const struct limpet_event_record *event) {
  char *data = (char *)loop->memory + event->ptr;
  const bool last = (event->flags & LIMPET_EVENT_FLAG_END) != 0;
  if (loop->server->callbacks.chunk && !(connection->flags & CONNECTION_QUIET)) {
    CALL(chunk, loop_session(loop, connection->handle), (enum limpet_type)event->code, data,
         event->len, (event->flags & LIMPET_EVENT_FLAG_BEGIN) != 0, last, event->remaining);
    return;
  }
  struct extra *extra = link_extra(loop, connection);
  if (!extra || !gather(loop, extra, event)) {
    if (extra) {
      buffer_leave(loop, extra->gathered);
      extra->gathered = NULL;
    }
    events_broke(loop, connection, LIMPET_ERROR_CODE_OVERLOAD,
                 "no memory for a message that is longer than the core's blocks");
    outbox_close(loop, connection, 1013, "");
    return;
  }
  if (!last) return;
  // The callback may end the connection: the buffer is this function's meanwhile.
  struct buffer *message = extra->gathered;
  const size_t length = extra->gathered_length;
  extra->gathered = NULL;
  extra->gathered_length = 0;
  loop->told = message;
  events_message(loop, connection, event->code, (char *)message->bytes, length);
  loop->told = NULL;
  buffer_leave(loop, message);
}

/* ------------------------------------------------------------------------- endings */

static void events_closed(struct loop *loop, struct connection *connection,
                          const struct limpet_event_record *event) {
  const limpet_session session = loop_session(loop, connection->handle);
  if (connection->flags & CONNECTION_OPENED) {
    char reason[LIMPET_REASON_SIZE] = "";
    if (connection->extra) memcpy(reason, connection->extra->told_reason, sizeof reason);
    CALL(close, session, event->code, reason);
  } else {
    client_closed(loop, connection);
  }
  link_forget(loop, connection);
}

static void events_closing(struct loop *loop, struct connection *connection,
                           const struct limpet_event_record *event) {
  if (event->len == 0) return;
  struct extra *extra = link_extra(loop, connection);
  if (!extra) return;
  const size_t length = event->len < LIMPET_REASON_SIZE ? event->len : LIMPET_REASON_SIZE - 1;
  memcpy(extra->told_reason, loop->memory + event->ptr, length);
  extra->told_reason[length] = '\0';
}

static void events_writable(struct loop *loop, struct connection *connection) {
  if (connection->extra && connection->extra->waiting.first) return;
  CALL(writable, loop_session(loop, connection->handle));
}

/* ------------------------------------------------------------------------ the ring */

static void events_tell(struct loop *loop, struct connection *connection,
                        const struct limpet_event_record *event) {
  const limpet_session session = loop_session(loop, connection->handle);
  char *data = (char *)loop->memory + event->ptr;
  if ((connection->flags & CONNECTION_QUIET) && ws_told(loop, connection, event)) return;
  switch (event->kind) {
    case LIMPET_EVENT_KIND_MESSAGE:
      events_message(loop, connection, event->code, data, event->len);
      return;
    case LIMPET_EVENT_KIND_CHUNK: events_chunk(loop, connection, event); return;
    case LIMPET_EVENT_KIND_PING: CALL(ping, session, data, event->len); return;
    case LIMPET_EVENT_KIND_PONG: CALL(pong, session, data, event->len); return;
    case LIMPET_EVENT_KIND_UPGRADE: handshake_upgrade(loop, connection, data, event->len); return;
    case LIMPET_EVENT_KIND_REQUEST: handshake_request(loop, connection, data, event->len); return;
    case LIMPET_EVENT_KIND_OPEN: events_opened(loop, connection); return;
    case LIMPET_EVENT_KIND_WRITABLE: events_writable(loop, connection); return;
    case LIMPET_EVENT_KIND_READABLE: reader_resume(loop, connection); return;
    case LIMPET_EVENT_KIND_CLOSING: events_closing(loop, connection, event); return;
    case LIMPET_EVENT_KIND_HEARTBEAT: CALL(heartbeat, session, (uint32_t)event->detail); return;
    case LIMPET_EVENT_KIND_SHUTDOWN: CALL(shutdown, session); return;
    case LIMPET_EVENT_KIND_ERROR:
      if (client_failed(loop, connection, event)) return;
      events_failed(loop, session, event->detail, limpet_strerror(event->detail));
      return;
    case LIMPET_EVENT_KIND_CLOSED: events_closed(loop, connection, event); return;
    default: return;
  }
}

void events_say(struct loop *loop, struct connection *connection, enum limpet_event_kind kind,
                uint16_t code) {
  const struct limpet_event_record event = {
      .kind = (uint8_t)kind, .code = code, .session = connection->handle};
  const bool telling = loop->telling;
  loop->telling = true;
  events_tell(loop, connection, &event);
  loop->telling = telling;
}

uint32_t events_drain(struct loop *loop) {
  const struct limpet_event_ring *ring = loop->ring;
  if (loop->telling || loop->broken || ring->tail == ring->head) return 0;
  loop->telling = true;
  const uint32_t from = ring->tail;
  uint32_t at = from;
  while (at != ring->head) {
    const uint32_t entry = ring->base + (at & ring->mask) * LIMPET_EVENT_RECORD_SIZE;
    at++;
    // A copy: callbacks make further events, which may lie where this one does.
    const struct limpet_event_record event =
        *(const struct limpet_event_record *)(const void *)(loop->memory + entry);
    struct connection *connection = link_of(loop, event.session);
    if (connection) events_tell(loop, connection, &event);
  }
  loop->telling = false;
  // A core that trapped takes nothing back: loop_work sees to it.
  if (limpet_core_event_ack(loop->core, (int32_t)(at - from)) == LIMPET_CORE_TRAP) return 0;
  return at - from;
}
