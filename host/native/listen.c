/* Addresses ─► listening sockets; those who wait there ─► sessions. */

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bounds.h"
#include "loop.h"
#include "threads.h"
#include "tls.h"

/* Connections taken in one turn: others have their turn, too. */
#define ACCEPT_MAX 64
/* When descriptors ran out the listener rests so long, ms. */
#define ACCEPT_REST_MS 100

static int listen_ready(int fd, int backlog) {
  if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) return -1;
  return listen(fd, backlog);
}

/* Whether nobody listens at a path any more: its process was killed, and left it behind. */
static bool listen_stale(const struct sockaddr_un *address) {
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (fd < 0) return false;
  const bool refused =
      connect(fd, (const struct sockaddr *)address, sizeof *address) != 0 && errno == ECONNREFUSED;
  close(fd);
  return refused;
}

static int listen_bind_unix(int fd, const struct sockaddr_un *address) {
  const struct sockaddr *where = (const struct sockaddr *)address;
  const int answer = bind(fd, where, sizeof *address), error = errno;
  if (answer == 0 || error != EADDRINUSE) return answer;
  if (listen_stale(address) && unlink(address->sun_path) == 0)
    return bind(fd, where, sizeof *address);
  errno = error;
  return -1;
}

static int listen_unix(const limpet_config *settings, const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) {
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "%s: a socket's path has at most %zu bytes", path,
                sizeof address.sun_path - 1);
  }
  strcpy(address.sun_path, path);
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (fd < 0) return fail(LIMPET_E_SYSTEM, "a socket: %s", strerror(errno));
  if (listen_bind_unix(fd, &address) == 0 && listen_ready(fd, settings->backlog) == 0) return fd;
  const int answer = fail(LIMPET_E_SYSTEM, "bind %s: %s", path, strerror(errno));
  close(fd);
  return answer;
}

/* The port that a socket has. */
static int listen_port(int fd) {
  struct sockaddr_storage address;
  socklen_t size = sizeof address;
  if (getsockname(fd, (struct sockaddr *)&address, &size) != 0) return 0;
  if (address.ss_family == AF_INET) return ntohs(((struct sockaddr_in *)&address)->sin_port);
  if (address.ss_family == AF_INET6) return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
  return 0;
}

static int listen_address(const struct addrinfo *one, int backlog, bool shared) {
  const int fd = socket(one->ai_family, one->ai_socktype, one->ai_protocol);
  if (fd < 0) return -1;
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
#ifdef SO_REUSEPORT
  if (shared) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
#else
  (void)shared;
#endif
  if (bind(fd, one->ai_addr, one->ai_addrlen) == 0 && listen_ready(fd, backlog) == 0) return fd;
  const int error = errno;
  close(fd);
  errno = error;
  return -1;
}

int listen_open(const limpet_config *settings, int *port, bool shared) {
  if (strncmp(settings->host, "unix:", 5) == 0) {
    *port = 0;
    return listen_unix(settings, settings->host + 5);
  }
  char service[8];
  snprintf(service, sizeof service, "%d", *port);
  const struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
                                 .ai_socktype = SOCK_STREAM};
  struct addrinfo *all;
  const int failed = getaddrinfo(settings->host, service, &hints, &all);
  if (failed != 0) return fail(LIMPET_E_CONNECT, "%s: %s", settings->host, gai_strerror(failed));
  int fd = -1;
  for (const struct addrinfo *one = all; one && fd < 0; one = one->ai_next) {
    fd = listen_address(one, settings->backlog, shared);
  }
  const int error = errno;
  freeaddrinfo(all);
  errno = error;
  if (fd < 0)
    return fail(LIMPET_E_SYSTEM, "bind %s:%d: %s", settings->host, *port, strerror(error));
  *port = listen_port(fd);
  return fd;
}

int listen_begin(struct loop *loop, int *port, bool shared) {
  const int fd = listen_open(loop->server->settings, port, shared);
  if (fd < 0) return fd;
  loop->listener = fd;
  if (loop->polling->add(loop->poller, fd, ROW_LISTENER, POLLIN) == 0) return 0;
  return fail(LIMPET_E_SYSTEM, "the poller: %s", strerror(errno));
}

/* A socket in the file system goes with its server. */
static void listen_unlink(int fd) {
  struct sockaddr_un address = {0};
  socklen_t size = sizeof address;
  if (getsockname(fd, (struct sockaddr *)&address, &size) != 0 || address.sun_family != AF_UNIX)
    return;
  if (address.sun_path[0]) unlink(address.sun_path);
}

void listen_end(struct loop *loop) {
  if (loop->listener < 0) return;
  listen_unlink(loop->listener);
  if (loop->listener_wait == 0) loop->polling->remove(loop->poller, loop->listener, ROW_LISTENER);
  close(loop->listener);
  loop->listener = -1;
  loop->listener_wait = 0;
}

/* ----------------------------------------------------------------------- accepting */

/* Small messages leave at once; silent peers are noticed where that was asked for. */
void listen_prepare(const limpet_config *settings, int fd, int family) {
  if (family != AF_INET && family != AF_INET6) return;
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (settings->keepalive_idle_s <= 0) return;
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
#ifdef TCP_KEEPIDLE
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &settings->keepalive_idle_s, sizeof(int));
  if (settings->keepalive_interval_s > 0) {
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &settings->keepalive_interval_s, sizeof(int));
  }
  if (settings->keepalive_probes > 0) {
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &settings->keepalive_probes, sizeof(int));
  }
#endif
}

/* Tells the core where a peer is; what a trusted proxy says of it the core reads itself. */
static void listen_tell(struct loop *loop, int32_t handle, const struct sockaddr *address) {
  const void *ip = NULL;
  size_t length = 0;
  int port = 0;
  if (address->sa_family == AF_INET) {
    const struct sockaddr_in *in = (const void *)address;
    ip = &in->sin_addr;
    length = sizeof in->sin_addr;
    port = ntohs(in->sin_port);
  } else if (address->sa_family == AF_INET6) {
    const struct sockaddr_in6 *in = (const void *)address;
    ip = &in->sin6_addr;
    length = sizeof in->sin6_addr;
    port = ntohs(in->sin6_port);
  }
  uint32_t at = 0;
  const uint32_t ptr = loop_pass(loop, &at, ip, length);
  // An address that has its share is answered 429 by the core.
  limpet_core_address_set(loop->core, handle, (int32_t)ptr, (int32_t)length, port,
                          (int32_t)loop->server->settings->trust);
}

struct connection *listen_join(struct loop *loop, int32_t handle, int fd,
                               const struct sockaddr *address) {
  listen_prepare(loop->server->settings, fd, address->sa_family);
  struct connection *connection = link_add(loop, handle, fd, &transport_plain);
  connection->flags |= CONNECTION_COUNTED;
  listen_tell(loop, handle, address);
  // A session has timers from now on.
  loop->due = loop->now;
  return connection;
}

int listen_enter(struct loop *loop, int fd, const struct sockaddr *address,
                 struct connection **connection) {
  if (!bounds_enter(loop)) return LIMPET_ERROR_CODE_SESSIONS;
  const int32_t handle = limpet_core_open(loop->core, loop_now(loop));
  if (handle < 0) {
    bounds_undo(loop);
    return handle;
  }
  *connection = listen_join(loop, handle, fd, address);
  return 0;
}

/* A session for an accepted socket, under TLS where the server has a certificate. */
void listen_take(struct loop *loop, int fd, const struct sockaddr *address) {
  struct connection *connection;
  const int entered = listen_enter(loop, fd, address, &connection);
  if (entered != 0) {
    close(fd);
    events_failed(loop, 0, entered, limpet_strerror(entered));
    return;
  }
  if (loop->server->settings->certificate_count > 0 &&
      tls_begin(loop, connection, false, NULL) != 0) {
    events_failed(loop, loop_session(loop, connection->handle), LIMPET_E_TLS, limpet_last_error());
    link_gone(loop, connection);
    return;
  }
  link_begin(loop, connection);
}

/* The descriptors ran out: who waits goes on waiting until some are free. */
static void listen_rest(struct loop *loop) {
  if (loop->listener_wait == 0) {
    loop->polling->remove(loop->poller, loop->listener, ROW_LISTENER);
    char words[128];
    snprintf(words, sizeof words, "no descriptor for a connection (%s): accepting rests",
             strerror(errno));
    events_failed(loop, 0, LIMPET_E_SYSTEM, words);
  }
  loop->listener_wait = loop->now + ACCEPT_REST_MS;
}

void listen_accept(struct loop *loop) {
  for (int i = 0; i < ACCEPT_MAX && loop->listener >= 0; i++) {
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
#ifdef __linux__
    const int fd =
        accept4(loop->listener, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
#else
    const int fd = accept(loop->listener, (struct sockaddr *)&address, &size);
    if (fd >= 0) fcntl(fd, F_SETFL, O_NONBLOCK), fcntl(fd, F_SETFD, FD_CLOEXEC);
#endif
    if (fd < 0) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        listen_rest(loop);
        return;
      }
      if (errno == EAGAIN || errno == EWOULDBLOCK) break;
      continue;
    }
    const struct sockaddr *peer = (const struct sockaddr *)&address;
    if (!threads_deal(loop, fd, peer, size)) listen_take(loop, fd, peer);
  }
  if (loop->listener_wait == 0 || loop->listener < 0) return;
  // There are descriptors again.
  loop->listener_wait = 0;
  loop->polling->add(loop->poller, loop->listener, ROW_LISTENER, POLLIN);
}
