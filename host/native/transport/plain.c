/* A stream socket's bytes as they are. */

#include <errno.h>
#include <sys/socket.h>

#include "../link.h"
#include "transport.h"

static ssize_t plain_result(ssize_t bytes) {
  if (bytes >= 0) return bytes;
  const bool later = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
  return later ? TRANSPORT_AGAIN : TRANSPORT_FAILED;
}

static ssize_t plain_read(struct connection *connection, void *buffer, size_t size) {
  return plain_result(recv(connection->fd, buffer, size, 0));
}

static ssize_t plain_write(struct connection *connection, const struct iovec *spans, int count) {
  if (count == 1) {
    return plain_result(send(connection->fd, spans->iov_base, spans->iov_len, MSG_NOSIGNAL));
  }
  // sendmsg only reads them; it has no type that says so.
  const struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)spans,
                                 .msg_iovlen = (size_t)count};
  return plain_result(sendmsg(connection->fd, &message, MSG_NOSIGNAL));
}

static void plain_finish(struct connection *connection) { shutdown(connection->fd, SHUT_WR); }

const struct transport transport_plain = {
    .read = plain_read,
    .write = plain_write,
    .finish = plain_finish,
};
