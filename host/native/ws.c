/* limpet_ws: one connection, call by call, over a server that is polled meanwhile.
 *
 *   limpet_ws_attach ─► attach.c ─► poll until the handshake is done
 *   limpet_ws_send ─► outbox.c ─► poll until it is written
 *   MESSAGE ─► ws_keep ─► letters ─► limpet_ws_receive
 *   Close frame ─► ws_told ─► limpet_ws_status; nothing is read behind it
 *   limpet_ws_detach ─► Close frames both ways ─► the socket
 *
 * While a letter waits the session is paused, so TCP holds the peer back. */

#include "ws.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attach.h"
#include "memory.h"

#define CODE_NORMAL 1000
/* RFC 6455 7.4.1: no code in the Close frame; no Close frame at all. */
#define CODE_NONE 1005
#define CODE_ABNORMAL 1006

/* A message that came. */
struct letter {
  struct letter *next;
  enum limpet_type type;
  size_t length;
  uint8_t bytes[];
};

/* Where limpet_ws_attach puts what the client asked for. */
struct opening {
  char *resource, *host;
  size_t resource_size, host_size;
};

struct limpet_ws {
  limpet_server *server;
  struct loop *loop;
  limpet_session session;
  /* Messages in order. */
  struct letter *first, *last;
  /* While limpet_ws_attach waits. */
  struct opening *opening;
  /* LIMPET_TEXT or LIMPET_BINARY: what was agreed on. */
  enum limpet_type type;
  /* The descriptor, and its modes before it came here. */
  int fd, modes;
  /* What failed: a code, 0 = nothing. */
  int failure;
  /* Of the peer's Close frame; CODE_ABNORMAL when the connection ended without one. */
  uint16_t code;
  /* The handshake is done; the session is over; the record is memory of its own. */
  bool open, over, heap;
  char reason[LIMPET_REASON_SIZE];
};

_Static_assert(sizeof(struct limpet_ws) <= sizeof(struct limpet_ws_storage), "limpet_ws_storage holds one");

int64_t limpet_now(void) { return loop_clock(); }

/* --------------------------------------------------------------- what is told of it */

/* Copies a part of the request; false when it does not fit. NULL and 0: it is not wanted. */
static bool copy_part(struct loop *loop, const struct connection *connection, enum limpet_part part, char *buffer,
                      size_t size, size_t *at) {
  const int32_t record = limpet_core_request_part(loop->core, connection->handle, part);
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
      ((!opening->resource ||
        (copy_part(loop, connection, LIMPET_PART_PATH, opening->resource, opening->resource_size, &resource) &&
         copy_part(loop, connection, LIMPET_PART_QUERY, opening->resource, opening->resource_size, &resource))) &&
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
  ws->code = event->code ? event->code : CODE_NONE;
  const size_t length = event->len < LIMPET_REASON_SIZE ? event->len : LIMPET_REASON_SIZE - 1;
  memcpy(ws->reason, loop->memory + event->ptr, length);
  ws->reason[length] = '\0';
  // What follows the peer's Close frame is for who gets the socket back.
  connection->flags |= CONNECTION_HELD;
  link_watch(loop, connection, connection->interest & POLLOUT);
}

bool ws_told(struct loop *loop, struct connection *connection, const struct limpet_event_record *event) {
  struct limpet_ws *ws = connection->extra ? connection->extra->ws : NULL;
  if (!ws) return false;
  switch (event->kind) {
    case LIMPET_EVENT_KIND_MESSAGE:
    case LIMPET_EVENT_KIND_CHUNK:
    case LIMPET_EVENT_KIND_READABLE:
      return false;
    case LIMPET_EVENT_KIND_UPGRADE:
      ws_upgrade(loop, connection, ws);
      return true;
    case LIMPET_EVENT_KIND_REQUEST:
      ws->failure = LIMPET_ERROR_CODE_HTTP_PLAIN;
      return true;
    case LIMPET_EVENT_KIND_CLOSING:
      ws_closing(loop, connection, ws, event);
      return true;
    case LIMPET_EVENT_KIND_ERROR:
      if (ws->failure == 0) ws->failure = event->detail;
      return true;
    case LIMPET_EVENT_KIND_CLOSED:
      ws->over = true;
      if (ws->code == 0) ws->code = CODE_ABNORMAL;
      return false;
    default:
      return true;
  }
}

bool ws_broke(struct connection *connection, int code) {
  struct limpet_ws *ws = connection->flags & CONNECTION_QUIET && connection->extra ? connection->extra->ws : NULL;
  if (ws && ws->failure == 0) ws->failure = code;
  return ws != NULL;
}

/* While a letter waits nothing more is read. */
static void hold_back(struct loop *loop, struct connection *connection, bool held) {
  if (((connection->flags & CONNECTION_PAUSED) != 0) == held) return;
  if (held) limpet_session_pause(loop_session(loop, connection->handle));
  else limpet_session_resume(loop_session(loop, connection->handle));
}

void ws_keep(struct loop *loop, struct connection *connection, int opcode, const void *data, size_t length) {
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
  hold_back(loop, connection, true);
}

static void letter_drop(struct limpet_ws *ws) {
  struct letter *letter = ws->first;
  ws->first = letter->next;
  if (!ws->first) ws->last = NULL;
  memory_give(ws->server, letter);
}

/* ------------------------------------------------------------------------- waiting */

/* Its connection; NULL once that is over. */
static struct connection *ws_connection(const struct limpet_ws *ws, struct loop **loop) {
  struct connection *connection;
  return loop_enter(ws->session, loop, &connection) == 0 ? connection : NULL;
}

/* Polls until something holds: 0, LIMPET_E_TIMEOUT, or what the server's poll has to say. */
static int wait_for(struct limpet_ws *ws, bool (*holds)(struct limpet_ws *ws), int64_t deadline) {
  if (!loop_is_mine(ws->loop)) return fail(LIMPET_E_THREAD, "another thread serves this connection");
  if (ws->loop->telling) return fail(LIMPET_E_STATE, "a call that waits is not for callbacks");
  // What is at hand takes two turns: one to read, one to write.
  for (int turns = 0;; turns++) {
    loop_settle(ws->loop);
    if (holds(ws)) return 0;
    const int64_t left = deadline < 0 ? -1 : deadline - limpet_now();
    if (deadline >= 0 && left <= 0 && turns >= 2) return fail(LIMPET_E_TIMEOUT, "the deadline has passed");
    const int wait_ms = deadline < 0 ? -1 : left <= 0 ? 0 : left < INT32_MAX ? (int)left : INT32_MAX;
    const int count = limpet_server_poll(ws->server, wait_ms);
    if (count < 0) return count;
  }
}

static bool ws_decided(struct limpet_ws *ws) { return ws->open || ws->over || ws->failure != 0; }

/* All that was sent is written, or never will be. */
static bool ws_written(struct limpet_ws *ws) {
  struct loop *loop;
  struct connection *connection = ws_connection(ws, &loop);
  return !connection || connection->fd < 0 || attach_written(loop, connection);
}

static bool ws_has_news(struct limpet_ws *ws) { return ws->first || ws->code != 0 || ws->over; }

/* Both Close frames have gone their way, and nothing is left to be written. */
static bool ws_parted(struct limpet_ws *ws) {
  struct loop *loop;
  struct connection *connection = ws_connection(ws, &loop);
  if (!connection || connection->fd < 0) return true;
  return link_state(loop, connection->handle) >= LIMPET_STATE_ENDING && attach_written(loop, connection);
}

static bool ws_over(struct limpet_ws *ws) { return ws->over; }

/* ----------------------------------------------------------------------- the calls */

/* Frees it; its session is over. */
static void ws_free(struct limpet_ws *ws) {
  while (ws->first) letter_drop(ws);
  if (ws->heap) memory_give(ws->server, ws);
}

/* Takes the socket out of the loop, in the mode in which it came. */
static int ws_leave(struct limpet_ws *ws) {
  struct loop *loop;
  struct connection *connection = ws_connection(ws, &loop);
  if (connection) attach_leave(loop, connection);
  fcntl(ws->fd, F_SETFL, ws->modes);
  return ws->fd;
}

/* The handshake, until the deadline. */
static int ws_open(struct limpet_ws *ws, int64_t deadline) {
  int code = wait_for(ws, ws_decided, deadline);
  if (code == 0 && !ws->open) {
    code = ws->failure ? fail(ws->failure, "%s", limpet_strerror(ws->failure))
                       : fail(LIMPET_E_CLOSED, "the connection ended during the handshake");
  }
  if (code == 0) code = wait_for(ws, ws_written, deadline);
  return code;
}

int limpet_ws_attach(limpet_server *server, int fd, uint32_t flags, char *resource, size_t resource_size, char *host,
                     size_t host_size, struct limpet_ws_storage *storage, int64_t deadline, limpet_ws **out) {
  if (out) *out = NULL;
  if (!server || !out) return fail(LIMPET_ERROR_CODE_ARGUMENT, "limpet_ws_attach takes a server and a limpet_ws");
  if ((!resource && resource_size > 0) || (!host && host_size > 0)) {
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "limpet_ws_attach: bytes at NULL");
  }
  struct loop *loop;
  struct connection *connection;
  int code = loop_here(server, &loop);
  if (code != 0) return code;
  if (loop->telling) return fail(LIMPET_E_STATE, "a call that waits is not for callbacks");
  struct limpet_ws *ws = storage ? (struct limpet_ws *)(void *)storage : memory_take(server, sizeof *ws);
  if (!ws) return fail(LIMPET_ERROR_CODE_MEMORY, "no memory for a limpet_ws");
  struct opening opening = {resource, host, resource_size, host_size};
  *ws = (struct limpet_ws){.server = server, .loop = loop, .opening = &opening, .heap = !storage, .fd = fd};
  ws->modes = fcntl(fd, F_GETFL);
  ws->type = flags & LIMPET_WS_TEXT ? LIMPET_TEXT : LIMPET_BINARY;
  code = attach_enter(loop, fd, flags & ~(uint32_t)LIMPET_WS_TEXT, CONNECTION_QUIET, &connection);
  if (code != 0) {
    ws_free(ws);
    return code;
  }
  struct extra *extra = link_extra(loop, connection);
  if (extra) {
    extra->ws = ws;
    ws->session = loop_session(loop, connection->handle);
    ws->open = (flags & LIMPET_NO_HTTP) != 0;
    link_begin(loop, connection);
    code = ws_open(ws, deadline);
  } else {
    attach_leave(loop, connection);
    code = fail(LIMPET_ERROR_CODE_MEMORY, "no memory for a connection");
  }
  ws->opening = NULL;
  if (code == 0) {
    *out = ws;
    return 0;
  }
  ws_leave(ws);
  ws_free(ws);
  return code;
}

int limpet_ws_send_as(limpet_ws *ws, enum limpet_type type, const void *data, size_t length, int64_t deadline) {
  if (!ws) return fail(LIMPET_ERROR_CODE_ARGUMENT, "limpet_ws_send takes a limpet_ws");
  if (ws->over || ws->code != 0) return fail(LIMPET_E_CLOSED, "the connection is closed");
  const int status = limpet_session_send(ws->session, type, data, length);
  if (status < 0) return status;
  if (status == LIMPET_SENT_DROPPED) return fail(LIMPET_ERROR_CODE_FULL, "the queue is full");
  const int code = wait_for(ws, ws_written, deadline);
  if (code != 0) return code;
  return ws->over ? fail(LIMPET_E_CLOSED, "the connection ended") : 0;
}

int limpet_ws_send(limpet_ws *ws, const void *data, size_t length, int64_t deadline) {
  return limpet_ws_send_as(ws, ws ? ws->type : LIMPET_BINARY, data, length, deadline);
}

int limpet_ws_receive(limpet_ws *ws, void *buffer, size_t size, enum limpet_type *type, int64_t deadline) {
  if (!ws || (!buffer && size > 0)) return fail(LIMPET_ERROR_CODE_ARGUMENT, "limpet_ws_receive: NULL");
  const int code = wait_for(ws, ws_has_news, deadline);
  if (code != 0) return code;
  const struct letter *letter = ws->first;
  if (!letter) return fail(LIMPET_E_CLOSED, "the connection is closed: %u", ws->code);
  if (!type && letter->type != ws->type) {
    return fail(LIMPET_E_TYPE, "a message of the other type came: %d", (int)letter->type);
  }
  if (letter->length > size || letter->length > INT32_MAX) {
    return fail(LIMPET_ERROR_CODE_TOO_BIG, "a message of %zu bytes came, for %zu", letter->length, size);
  }
  const int length = (int)letter->length;
  if (length > 0) memcpy(buffer, letter->bytes, (size_t)length);
  if (type) *type = letter->type;
  letter_drop(ws);
  struct loop *loop;
  struct connection *connection = ws_connection(ws, &loop);
  if (connection && !ws->first) hold_back(loop, connection, false);
  return length;
}

int limpet_ws_status(const limpet_ws *ws, char *reason, size_t size) {
  if (!ws) return fail(LIMPET_ERROR_CODE_ARGUMENT, "limpet_ws_status takes a limpet_ws");
  if (reason && size > 0) {
    const size_t length = strlen(ws->reason), most = length < size ? length : size - 1;
    memcpy(reason, ws->reason, most);
    reason[most] = '\0';
  }
  return ws->code;
}

limpet_session limpet_ws_session(const limpet_ws *ws) { return ws ? ws->session : 0; }

int limpet_ws_detach(limpet_ws *ws, uint16_t code, const char *reason, int64_t deadline) {
  if (!ws) return fail(LIMPET_ERROR_CODE_ARGUMENT, "limpet_ws_detach takes a limpet_ws");
  struct loop *loop;
  struct connection *connection = ws_connection(ws, &loop);
  if (connection) {
    if (connection->transport != &transport_plain) return fail(LIMPET_E_UNSUPPORTED, "TLS has bytes of its own");
    connection->flags |= CONNECTION_LENT;
    if (link_state(loop, connection->handle) == LIMPET_STATE_OPEN) {
      const int status = limpet_session_close(ws->session, code, reason);
      if (status != 0) return status;
    }
    while (ws->first) letter_drop(ws);
    hold_back(loop, connection, false);
    const int waited = wait_for(ws, ws_parted, deadline);
    if (waited != 0) return waited;
  }
  // The peer may have gone since its Close frame: its socket is handed back all the same.
  if (ws->code == 0 || ws->code == CODE_ABNORMAL) {
    return fail(LIMPET_E_CLOSED, "the connection ended without a Close frame");
  }
  const int fd = ws_leave(ws);
  ws_free(ws);
  return fd;
}

int limpet_ws_close(limpet_ws *ws, int64_t deadline) {
  if (!ws) return fail(LIMPET_ERROR_CODE_ARGUMENT, "limpet_ws_close takes a limpet_ws");
  struct loop *loop;
  struct connection *connection = ws_connection(ws, &loop);
  int answer = 0;
  if (connection) {
    if (loop->telling) return fail(LIMPET_E_STATE, "a call that waits is not for callbacks");
    connection->flags &= (uint16_t) ~(CONNECTION_HELD | CONNECTION_LENT);
    if (link_state(loop, connection->handle) == LIMPET_STATE_OPEN) limpet_session_close(ws->session, CODE_NORMAL, NULL);
    hold_back(loop, connection, false);
    reader_resume(loop, connection);
    writer_write(loop, connection);
    answer = wait_for(ws, ws_over, deadline);
  }
  close(ws_leave(ws));
  ws_free(ws);
  return answer;
}
