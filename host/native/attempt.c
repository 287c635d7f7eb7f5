/* A name ─► addresses ─► connect(2), one after the other ─► TLS ─► the request goes.
 *
 * The connection's descriptor is the resolver's first, then that of one socket after the other. Why it fails is
 * kept, and the session terminated: CLOSED tells it (client.c). */

#include "attempt.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "memory.h"
#include "tls.h"

bool client_note(struct loop *loop, struct connection *connection, int code, const char *format,
                 ...) {
  (void)loop;
  struct attempt *attempt = attempt_of(connection);
  if (!attempt) return false;
  if (attempt->code != 0) return true;
  attempt->code = code;
  va_list arguments;
  va_start(arguments, format);
  if (vsnprintf(attempt->words, sizeof attempt->words, format, arguments) < 0)
    attempt->words[0] = 0;
  va_end(arguments);
  return true;
}

void client_release(struct loop *loop, struct extra *extra) {
  if (!extra->attempt) return;
  resolve_drop(extra->attempt->resolution);
  memory_give(loop->server, extra->attempt);
  extra->attempt = NULL;
}

/* No address is left, or none was found: CLOSED follows. */
static void give_up(struct loop *loop, struct connection *connection, int code, const char *words) {
  client_note(loop, connection, code, "%s", words);
  limpet_core_terminate(loop->core, connection->handle);
}

/* Keeps what became of one address, until the last one failed. */
static void note_address(struct attempt *attempt, const char *what, int error) {
  const struct address *address = &attempt->addresses[attempt->next - 1];
  const bool is6 = address->socket.any.sa_family == AF_INET6;
  const void *ip =
      is6 ? (const void *)&address->socket.in6.sin6_addr : &address->socket.in4.sin_addr;
  char text[INET6_ADDRSTRLEN] = "?";
  inet_ntop(address->socket.any.sa_family, ip, text, sizeof text);
  const unsigned port = ntohs(is6 ? address->socket.in6.sin6_port : address->socket.in4.sin_port);
  snprintf(attempt->words, sizeof attempt->words, is6 ? "%s [%s]:%u: %s" : "%s %s:%u: %s", what,
           text, port, strerror(error));
}

/* A socket that connects without waiting; -1 and errno. */
static int begin_connect(const struct loop *loop, const struct address *address,
                         const char **what) {
  *what = "socket";
  const int fd = socket(address->socket.any.sa_family, SOCK_STREAM, 0);
  if (fd < 0) return -1;
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  fcntl(fd, F_SETFL, O_NONBLOCK);
  listen_prepare(loop->server->settings, fd, address->socket.any.sa_family);
  *what = "connect";
  if (connect(fd, &address->socket.any, address->length) == 0 || errno == EINPROGRESS ||
      errno == EINTR)
    return fd;
  const int why = errno;
  close(fd);
  errno = why;
  return -1;
}

/* Tries the next address. */
static void connect_next(struct loop *loop, struct connection *connection) {
  struct attempt *attempt = attempt_of(connection);
  while (attempt->next < attempt->count) {
    const char *what;
    const int fd = begin_connect(loop, &attempt->addresses[attempt->next++], &what);
    if (fd >= 0) {
      connection->fd = fd;
      link_watch(loop, connection, POLLOUT);
      return;
    }
    note_address(attempt, what, errno);
  }
  char words[ATTEMPT_WORDS_BYTES];
  memcpy(words, attempt->words, sizeof words);
  give_up(loop, connection, LIMPET_E_CONNECT, words);
}

/* The socket is connected: TLS, or the request at once. */
static void connected(struct loop *loop, struct connection *connection) {
  const struct attempt *attempt = attempt_of(connection);
  connection->flags &= (uint16_t)~CONNECTION_CONNECTING;
  if (attempt->secure) {
    const int code = tls_begin(loop, connection, true, attempt->host);
    if (code != 0) {
      give_up(loop, connection, code, limpet_last_error());
      return;
    }
  }
  link_begin(loop, connection);
  writer_write(loop, connection);
}

/* 0 once connect(2) has succeeded, EINPROGRESS while it has not ended, else what went wrong. */
static int connect_result(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  if (error != 0) return error;
  // A caller's own loop may tell what was of another descriptor with this number.
  struct sockaddr_storage peer;
  size = sizeof peer;
  if (getpeername(fd, (struct sockaddr *)&peer, &size) == 0) return 0;
  return errno == ENOTCONN ? EINPROGRESS : errno;
}

void client_ready(struct loop *loop, struct connection *connection) {
  struct attempt *attempt = attempt_of(connection);
  if (attempt->resolution) {
    close(link_release(loop, connection));
    attempt->count = resolve_end(attempt->resolution, attempt->addresses);
    attempt->resolution = NULL;
    if (attempt->count > 0) connect_next(loop, connection);
    else give_up(loop, connection, attempt->count, limpet_last_error());
    return;
  }
  const int result = connect_result(connection->fd);
  if (result == EINPROGRESS) return;
  if (result == 0) {
    connected(loop, connection);
    return;
  }
  note_address(attempt, "connect", result);
  close(link_release(loop, connection));
  connect_next(loop, connection);
}

void attempt_begin(struct loop *loop, struct connection *connection, const struct url *url) {
  struct attempt *attempt = attempt_of(connection);
  attempt->count = resolve_literal(url->host, url->port, attempt->addresses);
  if (attempt->count > 0) {
    connect_next(loop, connection);
    return;
  }
  attempt->resolution = resolve_begin(url->host, url->port, &connection->fd);
  if (attempt->resolution) {
    link_watch(loop, connection, POLLIN);
    return;
  }
  connection->fd = -1;
  client_note(loop, connection, LIMPET_E_SYSTEM, "looking up %s: %s", url->host, strerror(errno));
  limpet_core_terminate(loop->core, connection->handle);
}
