/* A server's loops, and what the files of this host know of each other.
 *
 *   limpet_server ─┬─ struct loop ─┬─ limpet_core     one pool of sessions
 *                  │               ├─ struct poller   which descriptors have something to say
 *                  │               └─ connections[]   one row per session (link.h)
 *                  └─ struct loop ...                 one thread each
 *
 *   readable ─► reader.c ─► limpet_core_rx ─► events.c ─► callbacks ─► outbox.c ─┐
 *   writable ─► writer.c ◄─ limpet_core_tx ◄─ limpet_core_tx_next (turn's end) ◄─┘ */

#ifndef LIMPET_LOOP_H
#define LIMPET_LOOP_H

#include <pthread.h>
#include <stdatomic.h>

#include "buffer.h"
#include "callbacks.h"
#include "limpet.h"
#include "link.h"
#include "poller/poller.h"
#include "posts.h"
#include "registry.h"
#include "rows.h"
#include "settings.h"

/* What one thread serves. */
struct loop {
  limpet_server *server;
  /* Its place among all loops of the process, and how often that place was used before: with a handle
   * they are a session's number. */
  uint16_t slot, generation;
  /* Among the loops of its server. */
  int index;

  limpet_core *core;
  uint8_t *memory;
  const struct limpet_event_ring *ring;
  const struct limpet_stats_record *stats;
  uint32_t ingress, ingress_size, scratch, scratch_size, send_max, queue_max;

  const struct polling *polling;
  struct poller *poller;
  /* -1: none. `listener_wait`: when it is looked at again after the descriptors ran out, 0 = it is. */
  int listener;
  int64_t listener_wait;

  struct connection *connections;
  uint32_t rows;
  /* Rows that are read from before the loop waits; whose messages wait for the core's memory; for which
   * on_writable was asked. */
  struct row_set resuming, waiting, asked;
  /* Somebody asked for on_writable since it was told last: the next turn is due now. */
  bool asking;

  /* ms of CLOCK_MONOTONIC as this turn began; what makes the core's times ms since 1970; when limpet_core_tick is
   * due. */
  int64_t now, epoch, due;
  /* Callbacks run: what events point at is not overwritten. */
  bool telling;
  /* limpet_server_poll is under way. */
  atomic_bool turning;
  /* loop_stop was called: it is over when its last session is. */
  bool stopping;
  /* Of the message that on_message has now, if it lies in one. */
  struct buffer *told;
  struct buffer_pool buffers;
  /* The core trapped. */
  bool broken;

  /* For threads that ask of it: counters.c. */
  struct counters *counters;
  /* Messages of limpet_server_prepare that this loop's core keeps. */
  struct limpet_prepared *prepared;
  /* What other threads want of it; the timeout of a stop that somebody asked for, in ms, -1 = nobody did. */
  struct posts posts;
  _Atomic int stop_asked;
};

/* What a server does. */
enum server_phase {
  SERVER_NEW,
  SERVER_STARTED,
  /* limpet_server_stop was called: nobody is let in. */
  SERVER_STOPPING,
  SERVER_STOPPED
};

struct limpet_server {
  limpet_config *settings;
  struct callbacks callbacks;
  void *user;
  int loop_count;
  struct loop **loops;
  const struct polling *polling;
  /* The application's own loop: limpet_server_set_poll. */
  struct limpet_poll_callbacks external;
  struct tls *tls;
  _Atomic int phase;
  _Atomic int port;
  struct threads *threads;
  struct bounds *bounds;
  /* limpet_config_set_memory; NULL: the heap. */
  struct block *memory;
};

/* loop.c */

/* A loop with a core of its own; NULL and limpet_last_error when there cannot be one. */
struct loop *loop_new(limpet_server *server, int index);
void loop_free(struct loop *loop);
/* The clock of loops: ms of CLOCK_MONOTONIC. */
int64_t loop_clock(void);
/* One turn: waits up to timeout_ms (-1 = for ever), does what there is to do. How many descriptors had
 * something to say, or a negative code. */
int loop_turn(struct loop *loop, int timeout_ms);
/* What there is to do beside descriptors: posts, timers, what waits, all writing. */
void loop_work(struct loop *loop);
/* Tells the core the time, and does what is due: whatever a deadline is counted from comes behind it. */
void loop_tick(struct loop *loop);
/* Before it waits: what was sent since the last turn leaves, and what callbacks and callers did may have brought
 * the next deadline nearer. */
void loop_settle(struct loop *loop);
/* Handles one descriptor. */
void loop_ready(struct loop *loop, const struct ready *ready);
/* ms until loop_work has something to do, -1 = nothing waits. */
int loop_delay(const struct loop *loop);
/* Lets nobody in, and ends all sessions within timeout_ms. */
void loop_stop(struct loop *loop, int timeout_ms);
/* Whether it was stopped, and all its sessions are over. */
bool loop_is_over(const struct loop *loop);
/* The core trapped: its sessions are told to be gone. */
void loop_break(struct loop *loop);

/* registry.c */

/* The loop of a session's number, to compare it with this thread's own: another thread's may end meanwhile. NULL for
 * one that is gone. */
struct loop *loop_find(limpet_session session);
/* Whether this thread may touch it. */
bool loop_is_mine(const struct loop *loop);
/* Its loop if this thread may touch it, with its connection: 0, or LIMPET_ERROR_CODE_HANDLE or
 * LIMPET_E_THREAD, which is then to be the answer. */
int loop_enter(limpet_session session, struct loop **loop, struct connection **connection);

static inline limpet_session loop_session(const struct loop *loop, int32_t handle) {
  return (uint64_t)loop->generation << 48 | (uint64_t)loop->slot << 32 | (uint32_t)handle;
}

static inline int32_t session_handle(limpet_session session) { return (int32_t)(uint32_t)session; }

/* The loop of a started server that this thread serves: 0, or LIMPET_E_STATE or LIMPET_E_THREAD with words. */
int loop_here(limpet_server *server, struct loop **loop);

/* The clock as the core takes it: its lower 32 bits. */
static inline int32_t loop_now(const struct loop *loop) { return (int32_t)(uint32_t)loop->now; }

/* Copies bytes into the scratch region behind `at`: their address, or 0 when they do not fit. */
uint32_t loop_pass(struct loop *loop, uint32_t *at, const void *bytes, size_t length);

/* reader.c */

/* poll(2) says that there is something to read. */
void reader_ready(struct loop *loop, struct connection *connection);
/* Bytes that were read by somebody else. */
void reader_feed(struct loop *loop, struct connection *connection, const void *bytes,
                 size_t length);
/* Reads from it before the loop waits: something that it waited for may have come. */
void reader_resume(struct loop *loop, struct connection *connection);
void reader_resume_all(struct loop *loop);

/* events.c */

/* Tells the callbacks what happened; how many events there were. */
uint32_t events_drain(struct loop *loop);
/* A session is open: on_connect. */
void events_opened(struct loop *loop, struct connection *connection);
/* Tells an event that the core did not: WRITABLE, SHUTDOWN, or CLOSED with 1006, whose row is free then. */
void events_say(struct loop *loop, struct connection *connection, enum limpet_event_kind kind,
                uint16_t code);
/* What is wrong with a connection: on_error, or what its client or its limpet_ws is told in the end. */
void events_broke(struct loop *loop, struct connection *connection, int code, const char *words);
/* on_error. */
void events_failed(struct loop *loop, limpet_session session, int code, const char *words);

/* writer.c */

/* Writes what a connection has queued, as far as its socket takes it. */
void writer_write(struct loop *loop, struct connection *connection);
/* Of all that have something. */
void writer_write_all(struct loop *loop);

/* outbox.c */

/* Queues a frame: a LIMPET_SENT_*, or a code. `kind` as limpet_core_send has it. */
int outbox_send(struct loop *loop, struct connection *connection, int kind, const void *data,
                size_t length);
/* Begins the close handshake behind all that was sent. */
int outbox_close(struct loop *loop, struct connection *connection, int code, const char *reason);
/* Queues what had to wait, as far as the core has memory now. */
void outbox_retry_all(struct loop *loop);

/* handshake.c */

/* UPGRADE and REQUEST events: asks the application, and answers. */
void handshake_upgrade(struct loop *loop, struct connection *connection, const char *path,
                       size_t length);
void handshake_request(struct loop *loop, struct connection *connection, const char *path,
                       size_t length);

/* listen.c */

/* Listens: a descriptor, or a negative code. `port` 0 becomes the one that it is. `shared`: SO_REUSEPORT. */
int listen_open(const limpet_config *settings, int *port, bool shared);
/* The same for a loop, which takes in from then on who comes: 0, or a negative code. */
int listen_begin(struct loop *loop, int *port, bool shared);
/* Lets nobody in any more. */
void listen_end(struct loop *loop);
/* Small messages leave at once; silent peers are noticed where that was asked for. */
void listen_prepare(const limpet_config *settings, int fd, int family);
/* Takes those in who wait. */
void listen_accept(struct loop *loop);
/* One that was accepted, here or by another loop: becomes a session, or is closed. */
struct sockaddr;
void listen_take(struct loop *loop, int fd, const struct sockaddr *address);
/* Opens a session for an accepted socket, whose peer is at `address`: 0, or a negative code and the socket stays. */
int listen_enter(struct loop *loop, int fd, const struct sockaddr *address,
                 struct connection **connection);
/* A row for a connected socket whose session was opened. */
struct connection *listen_join(struct loop *loop, int32_t handle, int fd,
                               const struct sockaddr *address);

#endif
