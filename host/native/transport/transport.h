/* How bytes come and go on a connection's descriptor. Nothing here blocks. */

#ifndef LIMPET_TRANSPORT_H
#define LIMPET_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

struct connection;

enum transport_result {
  /* Nothing now. */
  TRANSPORT_AGAIN = -1,
  /* The connection is broken: errno, or limpet_last_error for TLS, says why. */
  TRANSPORT_FAILED = -2
};

struct transport {
  /* Goes on with the transport's own handshake: what poll(2) has to tell next (POLLIN, POLLOUT), 0 once it is
   * done; TRANSPORT_FAILED ends the connection. NULL: there is none. */
  int (*handshake)(struct connection *connection);
  /* Up to `size` bytes; 0 at the end of the stream; or a transport_result. */
  ssize_t (*read)(struct connection *connection, void *buffer, size_t size);
  /* Writes spans as one: how many bytes of them, or a transport_result. */
  ssize_t (*write)(struct connection *connection, const struct iovec *spans, int count);
  /* Whether it holds bytes that poll(2) cannot tell of. NULL: never. */
  bool (*pending)(struct connection *connection);
  /* Ends the write side. */
  void (*finish)(struct connection *connection);
  /* Gives back connection->secure; the descriptor is closed by others. NULL: there is nothing. */
  void (*release)(struct connection *connection);
};

/* The bytes of the descriptor as they are. */
extern const struct transport transport_plain;
/* Those within TLS; tls_begin puts it there. */
extern const struct transport transport_tls;

#endif
