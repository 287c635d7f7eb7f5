/* What the files of this host know of each other: a server, its loops, and the connections of a loop.
 *
 *   limpet_server ─┬─ struct loop ─┬─ limpet_core         one pool of sessions, one thread at a time
 *                  │               ├─ struct poller       which descriptors have something to say
 *                  │               └─ connections[]       one row per session; the row is its user-data word
 *                  └─ struct loop ...
 *
 *   readable ─► transport->read ─► INGRESS ─► limpet_core_rx ─► events.c ─► callbacks
 *   turn end ─► limpet_core_tx_next ─► limpet_core_tx ─► transport->write */

#ifndef LIMPET_LOOP_H
#define LIMPET_LOOP_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "limpet.h"
#include "settings.h"

struct loop;
struct connection;

/* ---------------------------------------------------------------- transport/ */

enum transport_result {
  /* Nothing now: wait for what `wants` says. */
  TRANSPORT_AGAIN = -1,
  /* The connection is broken; errno, or limpet_last_error for TLS, says why. */
  TRANSPORT_FAILED = -2
};

/* How bytes come and go on a connection's descriptor. Functions never block. */
struct transport {
  /* What poll(2) has to watch for before the transport's own handshake can go on (POLLIN, POLLOUT), or 0 when
   * there is none (any more). May be NULL: there never is one. TRANSPORT_FAILED ends the connection. */
  int (*handshake)(struct connection *connection);
  /* Up to `size` bytes; 0 at the end of the stream; a transport_result. */
  ssize_t (*read)(struct connection *connection, void *buffer, size_t size);
  /* Writes spans as one; how many bytes, or a transport_result. */
  ssize_t (*write)(struct connection *connection, const struct iovec *spans, int count);
  /* Whether it holds bytes that poll(2) cannot see. May be NULL: never. */
  bool (*pending)(struct connection *connection);
  /* Ends the write side. */
  void (*finish)(struct connection *connection);
  /* Gives back what the transport keeps in connection->secure; the descriptor is the loop's to close. May be NULL. */
  void (*release)(struct connection *connection);
};

/* The bytes of the descriptor as they are. */
extern const struct transport transport_plain;

/* ------------------------------------------------------------------- poller/ */

/* One descriptor with something to say. */
struct ready {
  /* As told to add: a connection's row, or one of ROW_*. */
  uint32_t row;
  /* POLLIN, POLLOUT, POLLERR, POLLHUP. */
  short events;
};

/* Which descriptors have something to say: epoll(7), poll(2), or the application's own loop. */
struct poller {
  struct poller *(*create)(void);
  void (*destroy)(struct poller *poller);
  int (*add)(struct poller *poller, int fd, uint32_t row, short events);
  int (*change)(struct poller *poller, int fd, uint32_t row, short events);
  void (*remove)(struct poller *poller, int fd, uint32_t row);
  /* Fills `ready`, at most `max`; 0 after the timeout. Interrupted by a signal: 0. */
  int (*wait)(struct poller *poller, struct ready *ready, int max, int timeout_ms);
};

/* A poller's own record begins with a pointer to its functions: `struct poller` itself. */
extern const struct poller poller_epoll;
extern const struct poller poller_poll;

/* Rows that are no connections. */
#define ROW_LISTENER UINT32_C(0xffffffff)
#define ROW_WAKE UINT32_C(0xfffffffe)

/* --------------------------------------------------------------- connections */

/* Bits of connection.flags. */
enum connection_flag {
  /* The session was told open: on_connect was called, so on_close will be. */
  CONNECTION_OPENED = 1 << 0,
  /* It is a client's. */
  CONNECTION_CLIENT = 1 << 1,
  /* The write side has ended: FIN was sent. */
  CONNECTION_FINISHED = 1 << 2,
  /* The peer's side has ended while a decision was awaited. */
  CONNECTION_HALF_CLOSED = 1 << 3,
  /* The application paused it. */
  CONNECTION_PAUSED = 1 << 4,
  /* It is in loop.resuming. */
  CONNECTION_RESUMING = 1 << 5,
  /* on_writable was asked for. */
  CONNECTION_ASKED = 1 << 6,
  /* The transport's handshake is under way. */
  CONNECTION_SHAKING = 1 << 7,
  /* connect(2) is under way. */
  CONNECTION_CONNECTING = 1 << 8,
  /* limpet_server_attach opened it without HTTP. */
  CONNECTION_ATTACHED = 1 << 9,
  /* No callback is called for it: limpet_ws keeps what comes. */
  CONNECTION_QUIET = 1 << 10,
  /* It waits for the memory of the core: in loop.waiting. */
  CONNECTION_WAITING = 1 << 11
};

/* Rare things of a connection, on the heap while there are any. */
struct extra;

/* One row of a loop's table, as long as the pool of the core. All zero: free. */
struct connection {
  /* The session's handle in the loop's core; 0: the row is free. */
  int32_t handle;
  /* -1 when there is none (yet, any more). */
  int fd;
  uint16_t flags;
  /* What the poller watches for: POLLIN, POLLOUT. */
  short interest;
  /* The loop's number in loop_registry. */
  uint16_t loop;
  const struct transport *transport;
  /* The transport's own (TLS). */
  void *secure;
  /* limpet_session_set_user. */
  void *user;
  struct extra *extra;
};

/* --------------------------------------------------------------------- loops */

/* What one thread serves. */
struct loop {
  limpet_server *server;
  /* Its place in loop_registry and how often that place was used before: the upper half of its sessions' numbers. */
  uint16_t slot, generation;
  /* Among the loops of its server. */
  int index;
  /* The thread that may touch it. */
  pthread_t owner;

  limpet_core *core;
  uint8_t *memory;
  struct limpet_event_ring *ring;
  struct limpet_stats_record *stats;
  uint32_t ingress, ingress_size, scratch, scratch_size, send_max;

  struct poller *poller;
  int listener, wake;
  struct connection *connections;
  /* Rows in the table; rows used so far; the free ones below that, linked by their fd. */
  uint32_t rows, rows_used, free_row;

  /* ms: CLOCK_MONOTONIC at the beginning of this turn; what is added for ms since 1970. */
  int64_t now, epoch;
  /* When limpet_core_tick is due, on that clock; INT64_MAX for never. */
  int64_t due;
  /* Events are being told: no read may overwrite what they point at. */
  bool telling;
  /* Row of the session whose callback runs, and whether the loop has to look again before it waits. */
  bool restless;
  bool stopping;
  /* The core trapped. */
  bool broken;

  struct posts *posts;
};

struct limpet_server {
  struct settings *settings;
  struct callbacks *callbacks;
  void *user;
  int loop_count;
  struct loop **loops;
  const struct poller *polling;
  void *tls;
  /* enum server_phase. */
  atomic_int phase;
  /* The timeout of a stop that a signal handler or another thread asked for, -1 for none. */
  atomic_int stop_asked;
  int port;
  struct threads *threads;
};

/* The connections of a session's number: its loop, or NULL; `row` NULL when not wanted. */
struct loop *loop_find(limpet_session session);
static inline limpet_session loop_session(const struct loop *loop, int32_t handle) {
  return (uint64_t)loop->generation << 48 | (uint64_t)loop->slot << 32 | (uint32_t)handle;
}
static inline int32_t session_handle(limpet_session session) { return (int32_t)(uint32_t)session; }

#endif
