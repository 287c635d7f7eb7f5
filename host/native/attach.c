/* limpet_server_attach: a connected socket ─► a session. limpet_session_detach: a session ─► its socket.
 *
 *   attach           limpet_core_open: the request comes next, as on an accepted socket
 *   attach NO_HTTP   limpet_core_attach: the handshake was done elsewhere, messages flow at once
 *   detach           the socket, and what was read of it but not taken by the session */

#include "attach.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "bounds.h"
#include "client.h"
#include "tls.h"

#define ATTACH_FLAGS ((uint32_t)(LIMPET_NO_HTTP | LIMPET_AS_CLIENT | LIMPET_WITH_TLS))

/* Whether it is a stream socket that is connected; where its peer is. */
static int look(int fd, struct sockaddr_storage *peer) {
  int type = 0;
  socklen_t size = sizeof type;
  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0) {
    const int code = errno == ENOTSOCK ? LIMPET_ERROR_CODE_ARGUMENT : LIMPET_E_SYSTEM;
    return fail(code, "descriptor %d: %s", fd, strerror(errno));
  }
  if (type != SOCK_STREAM)
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "descriptor %d: not a stream socket", fd);
  memset(peer, 0, sizeof *peer);
  size = sizeof *peer;
  if (getpeername(fd, (struct sockaddr *)peer, &size) == 0) return 0;
  return fail(LIMPET_ERROR_CODE_ARGUMENT, "descriptor %d: %s", fd, strerror(errno));
}

static int flags_check(uint32_t flags) {
  if (flags & ~ATTACH_FLAGS)
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "unknown flags: %#x", (unsigned)flags);
  if (!(flags & LIMPET_AS_CLIENT)) return 0;
  if (!(flags & LIMPET_NO_HTTP)) {
    return fail(LIMPET_ERROR_CODE_ARGUMENT,
                "LIMPET_AS_CLIENT goes with LIMPET_NO_HTTP: see limpet_server_connect");
  }
  return flags & LIMPET_WITH_TLS
             ? fail(LIMPET_ERROR_CODE_ARGUMENT, "LIMPET_WITH_TLS is for the server's end")
             : 0;
}

/* A session: its handle, or a code. */
static int32_t open_session(struct loop *loop, uint32_t flags) {
  if (!(flags & LIMPET_NO_HTTP)) return limpet_core_open(loop->core, loop_now(loop));
  const int32_t role = flags & LIMPET_AS_CLIENT ? LIMPET_ROLE_CLIENT : LIMPET_ROLE_SERVER;
  const int32_t handle = limpet_core_attach(loop->core, role, 0, loop_now(loop));
  if (handle != LIMPET_ERROR_CODE_UNSEEDED) return handle;
  const int code = client_seed(loop);
  return code == 0 ? limpet_core_attach(loop->core, role, 0, loop_now(loop)) : code;
}

/* The same, counted among all connections of the server. */
static int32_t enter_session(struct loop *loop, uint32_t flags) {
  if (!bounds_enter(loop)) return LIMPET_ERROR_CODE_SESSIONS;
  const int32_t handle = open_session(loop, flags);
  if (handle < 0) bounds_undo(loop);
  return handle;
}

int attach_enter(struct loop *loop, int fd, uint32_t flags, uint16_t more,
                 struct connection **connection) {
  struct sockaddr_storage peer;
  int code = flags_check(flags);
  if (code == 0) code = look(fd, &peer);
  if (code != 0) return code;
  const int modes = fcntl(fd, F_GETFL);
  if (modes < 0 || fcntl(fd, F_SETFL, modes | O_NONBLOCK) != 0) {
    return fail(LIMPET_E_SYSTEM, "descriptor %d: %s", fd, strerror(errno));
  }
  loop->now = loop_clock();
  const int32_t handle = enter_session(loop, flags);
  if (handle < 0) {
    fcntl(fd, F_SETFL, modes);
    return fail(handle, "descriptor %d: %s", fd, limpet_strerror(handle));
  }
  *connection = listen_join(loop, handle, fd, (const struct sockaddr *)&peer);
  (*connection)->flags |= more | (flags & LIMPET_AS_CLIENT ? CONNECTION_CLIENT : 0);
  if (flags & LIMPET_WITH_TLS) code = tls_begin(loop, *connection, false, NULL);
  if (code == 0) return 0;
  attach_leave(loop, *connection);
  fcntl(fd, F_SETFL, modes);
  return code;
}

int attach_leave(struct loop *loop, struct connection *connection) {
  connection->flags &= (uint16_t)~CONNECTION_OPENED;
  const int fd = link_release(loop, connection);
  limpet_core_eof(loop->core, connection->handle, loop_now(loop));
  events_drain(loop);
  return fd;
}

bool attach_written(struct loop *loop, const struct connection *connection) {
  const struct extra *extra = connection->extra;
  if (extra && (extra->waiting.first || extra->outside.first)) return false;
  const struct limpet_session_info *info = link_info(loop, connection->handle);
  return info && info->queued == 0;
}

int limpet_server_attach(limpet_server *server, int fd, uint32_t flags, limpet_session *session) {
  if (session) *session = 0;
  if (!server || !session)
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "limpet_server_attach takes a server and a session");
  struct loop *loop;
  struct connection *connection;
  int code = loop_here(server, &loop);
  if (code == 0) code = attach_enter(loop, fd, flags, 0, &connection);
  if (code != 0) return code;
  *session = loop_session(loop, connection->handle);
  link_begin(loop, connection);
  if (flags & LIMPET_NO_HTTP) events_opened(loop, connection);
  return 0;
}

int limpet_session_detach(limpet_session session, void *rest, size_t *rest_length) {
  struct loop *loop;
  struct connection *connection;
  const int entered = loop_enter(session, &loop, &connection);
  if (entered != 0) return entered;
  const size_t size = rest_length ? *rest_length : 0;
  if (size > 0 && !rest)
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "limpet_session_detach: %zu bytes at NULL", size);
  if (loop->telling)
    return fail(LIMPET_ERROR_CODE_STATE, "limpet_session_detach is not for callbacks");
  if (connection->transport != &transport_plain)
    return fail(LIMPET_E_UNSUPPORTED, "TLS has bytes of its own");
  const int32_t handle = connection->handle;
  if (link_state(loop, handle) < LIMPET_STATE_OPEN) {
    return fail(LIMPET_ERROR_CODE_STATE, "the handshake is under way");
  }
  writer_write(loop, connection);
  if (connection->handle != handle || connection->fd < 0)
    return fail(LIMPET_E_CLOSED, "the connection is over");
  if (!attach_written(loop, connection)) {
    return fail(LIMPET_ERROR_CODE_STATE, "what was sent is not written yet");
  }
  const struct extra *extra = connection->extra;
  const size_t length = extra && extra->stash ? extra->stash_length : 0;
  if (length > size) return fail(LIMPET_E_STORAGE, "%zu bytes were read and not used", length);
  if (length > 0) memcpy(rest, extra->stash, length);
  if (rest_length) *rest_length = length;
  return attach_leave(loop, connection);
}
