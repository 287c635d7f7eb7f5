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

/* What limpet_ws_close says. RFC 6455 7.4.1. */
#define CODE_NORMAL 1000

_Static_assert(sizeof(struct limpet_ws) <= sizeof(struct limpet_ws_storage),
               "limpet_ws_storage holds one");

int64_t limpet_now(void) { return loop_clock(); }

/* ------------------------------------------------------------------------- waiting */

/* Its connection; NULL once that is over. */
static struct connection *ws_connection(const struct limpet_ws *ws, struct loop **loop) {
  struct connection *connection;
  return loop_enter(ws->session, loop, &connection) == 0 ? connection : NULL;
}

/* Polls until something holds: 0, LIMPET_E_TIMEOUT, or what the server's poll has to say. */
static int wait_for(struct limpet_ws *ws, bool (*holds)(struct limpet_ws *ws), int64_t deadline) {
  if (!loop_is_mine(ws->loop))
    return fail(LIMPET_E_THREAD, "another thread serves this connection");
  if (ws->loop->telling) return fail(LIMPET_E_STATE, "a call that waits is not for callbacks");
  // What is at hand takes two turns: one to read, one to write.
  for (int turns = 0;; turns++) {
    loop_settle(ws->loop);
    if (holds(ws)) return 0;
    const int64_t left = deadline < 0 ? -1 : deadline - limpet_now();
    if (deadline >= 0 && left <= 0 && turns >= 2)
      return fail(LIMPET_E_TIMEOUT, "the deadline has passed");
    const int wait_ms = deadline < 0       ? -1
                        : left <= 0        ? 0
                        : left < INT32_MAX ? (int)left
                                           : INT32_MAX;
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

static bool ws_has_news(struct limpet_ws *ws) {
  return ws->first || ws->code != 0 || ws->failure != 0 || ws->over;
}

/* Both Close frames have gone their way, and nothing is left to be written. */
static bool ws_parted(struct limpet_ws *ws) {
  struct loop *loop;
  struct connection *connection = ws_connection(ws, &loop);
  if (!connection || connection->fd < 0) return true;
  return link_state(loop, connection->handle) >= LIMPET_STATE_ENDING &&
         attach_written(loop, connection);
}

static bool ws_over(struct limpet_ws *ws) { return ws->over; }

/* ----------------------------------------------------------------------- the calls */

/* Why nothing more can be sent or received: 0 while it can. */
static int ws_fault(const struct limpet_ws *ws) {
  if (ws->failure != 0) return fail(ws->failure, "%s", limpet_strerror(ws->failure));
  return ws->over || ws->code != 0
             ? fail(LIMPET_E_CLOSED, "the connection is closed: %u", (unsigned)ws->code)
             : 0;
}

/* Frees it; its session is over. */
static void ws_free(struct limpet_ws *ws) {
  while (ws->first) ws_drop(ws);
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
    code = ws->failure ? ws_fault(ws)
                       : fail(LIMPET_E_CLOSED, "the connection ended during the handshake");
  }
  if (code == 0) code = wait_for(ws, ws_written, deadline);
  return code;
}

int limpet_ws_attach(limpet_server *server, int fd, uint32_t flags, char *resource,
                     size_t resource_size, char *host, size_t host_size,
                     struct limpet_ws_storage *storage, int64_t deadline, limpet_ws **out) {
  if (out) *out = NULL;
  if (!server || !out)
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "limpet_ws_attach takes a server and a limpet_ws");
  if ((!resource && resource_size > 0) || (!host && host_size > 0)) {
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "limpet_ws_attach: bytes at NULL");
  }
  struct loop *loop;
  struct connection *connection;
  int code = loop_here(server, &loop);
  if (code != 0) return code;
  if (loop->telling) return fail(LIMPET_E_STATE, "a call that waits is not for callbacks");
  struct limpet_ws *ws =
      storage ? (struct limpet_ws *)(void *)storage : memory_take(server, sizeof *ws);
  if (!ws) return fail(LIMPET_ERROR_CODE_MEMORY, "no memory for a limpet_ws");
  struct opening opening = {resource, host, resource_size, host_size};
  *ws = (struct limpet_ws){
      .server = server, .loop = loop, .opening = &opening, .heap = !storage, .fd = fd};
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

int limpet_ws_send_as(limpet_ws *ws, enum limpet_type type, const void *data, size_t length,
                      int64_t deadline) {
  if (!ws) return fail(LIMPET_ERROR_CODE_ARGUMENT, "limpet_ws_send takes a limpet_ws");
  const int fault = ws_fault(ws);
  if (fault != 0) return fault;
  const int status = limpet_session_send(ws->session, type, data, length);
  if (status < 0) return status;
  if (status == LIMPET_SENT_DROPPED) return fail(LIMPET_ERROR_CODE_FULL, "the queue is full");
  const int code = wait_for(ws, ws_written, deadline);
  if (code != 0) return code;
  return ws->over ? ws_fault(ws) : 0;
}

int limpet_ws_send(limpet_ws *ws, const void *data, size_t length, int64_t deadline) {
  return limpet_ws_send_as(ws, ws ? ws->type : LIMPET_BINARY, data, length, deadline);
}

int limpet_ws_receive(limpet_ws *ws, void *buffer, size_t size, enum limpet_type *type,
                      int64_t deadline) {
  if (!ws || (!buffer && size > 0))
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "limpet_ws_receive: NULL");
  const int code = wait_for(ws, ws_has_news, deadline);
  if (code != 0) return code;
  const struct letter *letter = ws->first;
  if (!letter) return ws_fault(ws);
  if (!type && letter->type != ws->type) {
    return fail(LIMPET_E_TYPE, "a message of the other type came: %d", (int)letter->type);
  }
  if (letter->length > size || letter->length > INT32_MAX) {
    return fail(LIMPET_ERROR_CODE_TOO_BIG, "a message of %zu bytes came, for %zu", letter->length,
                size);
  }
  const int length = (int)letter->length;
  if (length > 0) memcpy(buffer, letter->bytes, (size_t)length);
  if (type) *type = letter->type;
  ws_drop(ws);
  struct loop *loop;
  struct connection *connection = ws_connection(ws, &loop);
  if (connection && !ws->first) ws_hold(loop, connection, false);
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
    if (connection->transport != &transport_plain)
      return fail(LIMPET_E_UNSUPPORTED, "TLS has bytes of its own");
    connection->flags |= CONNECTION_LENT;
    if (link_state(loop, connection->handle) == LIMPET_STATE_OPEN) {
      const int status = limpet_session_close(ws->session, code, reason);
      if (status != 0) return status;
    }
    while (ws->first) ws_drop(ws);
    ws_hold(loop, connection, false);
    const int waited = wait_for(ws, ws_parted, deadline);
    if (waited != 0) return waited;
  }
  // The peer may have gone since its Close frame: its socket is handed back all the same.
  if (ws->code == 0 || ws->code == WS_CODE_ABNORMAL) {
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
    if (link_state(loop, connection->handle) == LIMPET_STATE_OPEN)
      limpet_session_close(ws->session, CODE_NORMAL, NULL);
    ws_hold(loop, connection, false);
    reader_resume(loop, connection);
    writer_write(loop, connection);
    answer = wait_for(ws, ws_over, deadline);
  }
  close(ws_leave(ws));
  ws_free(ws);
  return answer;
}
