/* Sockets ↔ the functions of a server: one thread, epoll, what epoll-*.c and wslay-*.c run on.
 *
 *   readable │ one recv into a buffer that all share │ taken(bytes)
 *            │ what a socket does not take at once is kept, and read on when it is gone
 *   writable │ what was kept │ drained()
 */

#ifndef BENCH_LOOP_H
#define BENCH_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* Begins every connection of a server. */
typedef struct connection {
  int fd;
  /* Nothing is read as long as this is set: the socket took not all. */
  bool stuck;
  /* From `rest_at` on, what the socket has not taken; NULL when it took all. */
  uint8_t *rest;
  size_t rest_at;
  size_t rest_length;
} connection;

typedef struct loop_calls {
  /* Bytes of a connection; they are zero when it begins. */
  size_t connection_size;
  /* Each may be NULL but `taken`. */
  void (*opened)(connection *c);
  /* Bytes came; they are good until it returns. False closes the connection. */
  bool (*taken)(connection *c, const uint8_t *bytes, size_t length);
  /* All that was kept has been taken, or the wait of loop_hold is over. False closes it. */
  bool (*drained)(connection *c);
  /* The last word of a connection: it is freed. */
  void (*closed)(connection *c);
} loop_calls;

/* Serves until SIGTERM or SIGINT; then the exit code. */
int loop_run(const loop_calls *calls);

/* Writes, or keeps what the socket does not take. One that is gone says so when it is read. */
void loop_send(connection *c, const uint8_t *bytes, size_t length);

/* Reads nothing more until the socket takes bytes again; then `drained` is called. */
void loop_hold(connection *c);

/* One writev of `count` parts, of which nothing is kept: bytes that were taken, 0 when none now, -1
   when the connection is gone. */
ptrdiff_t loop_try(connection *c, const struct iovec *parts, int count);

#endif
