/* One thread's turn: descriptors that have something to say ─► sessions ─► what they have to write.
 *
 *   wait ─► loop_ready (each descriptor) ─► loop_work: posts, timers, what waits, all writing ─► wait */

#include "loop.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "counters.h"
#include "crossing.h"
#include "hub.h"
#include "memory.h"
#include "threads.h"

/* Descriptors that one turn handles. */
#define READY_MAX 256

/* ------------------------------------------------------------------- beginning, end */

static int64_t milliseconds(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

int64_t loop_clock(void) { return milliseconds(CLOCK_MONOTONIC); }

static bool loop_make_core(struct loop *loop) {
  loop->core = memory_core(loop->server);
  if (!loop->core) {
    fail(LIMPET_ERROR_CODE_MEMORY, "the core: %s", limpet_core_failure());
    return false;
  }
  if (limpet_core_abi_version(loop->core) != LIMPET_ABI_VERSION) {
    fail(LIMPET_E_UNSUPPORTED, "the core has another ABI than this host: %d in place of %d",
         limpet_core_abi_version(loop->core), LIMPET_ABI_VERSION);
    return false;
  }
  loop->memory = limpet_core_memory(loop->core);
  loop->ring = (const void *)(loop->memory + limpet_core_events(loop->core));
  loop->stats = (const void *)(loop->memory + limpet_core_stats(loop->core));
  loop->ingress = (uint32_t)limpet_core_region(loop->core, LIMPET_REGION_INGRESS);
  loop->ingress_size = (uint32_t)limpet_core_region_size(loop->core, LIMPET_REGION_INGRESS);
  loop->scratch = (uint32_t)limpet_core_region(loop->core, LIMPET_REGION_SCRATCH);
  loop->scratch_size = (uint32_t)limpet_core_region_size(loop->core, LIMPET_REGION_SCRATCH);
  loop->send_max = (uint32_t)limpet_core_send_max(loop->core);
  limpet_core_tick(loop->core, loop_now(loop));
  if (settings_apply(loop->server->settings, loop->core, loop->scratch, loop->server->loop_count) !=
      0)
    return false;
  // A core that does not tell has its default: four of the largest blocks.
  const int32_t queue_max = limpet_core_option_get(loop->core, 0, LIMPET_OPTION_QUEUE_MAX);
  loop->queue_max = queue_max > 0 ? (uint32_t)queue_max : 4 * loop->send_max;
  return true;
}

static bool loop_make_tables(struct loop *loop) {
  limpet_server *server = loop->server;
  // Sessions take the pool's first places: of a pool that is bounded, the others stay free.
  const int32_t most = limpet_core_option_get(loop->core, 0, LIMPET_OPTION_SESSIONS_MAX);
  loop->rows =
      most > 0 && (uint32_t)most < loop->stats->sessions ? (uint32_t)most : loop->stats->sessions;
  loop->connections = memory_table(server, loop->rows * sizeof *loop->connections);
  loop->resuming.words = memory_table(server, row_set_bytes(loop->rows));
  loop->waiting.words = memory_table(server, row_set_bytes(loop->rows));
  loop->asked.words = memory_table(server, row_set_bytes(loop->rows));
  loop->poller = loop->polling->create(server, loop->rows);
  loop->counters = counters_new(server);
  if (loop->connections && loop->resuming.words && loop->waiting.words && loop->asked.words &&
      loop->poller && loop->counters) {
    counters_publish(loop);
    return true;
  }
  fail(LIMPET_ERROR_CODE_MEMORY, "no memory for a table of %u connections", (unsigned)loop->rows);
  return false;
}

struct loop *loop_new(limpet_server *server, int index) {
  struct loop *loop = memory_table(server, sizeof *loop);
  if (!loop) {
    fail(LIMPET_ERROR_CODE_MEMORY, "no memory for a loop");
    return NULL;
  }
  loop->server = server;
  loop->index = index;
  loop->listener = loop->posts.wake.reader = -1;
  atomic_init(&loop->stop_asked, -1);
  loop->polling = server->polling;
  loop->now = loop_clock();
  // The core widens its clock from the lower 32 bits of the first moment that it is told.
  loop->epoch = milliseconds(CLOCK_REALTIME) - (uint32_t)loop->now;
  loop->due = loop->now;
  if (!registry_add(loop)) {
    fail(LIMPET_E_UNSUPPORTED, "a process has at most %d loops", LOOPS_MAX);
    memory_give(server, loop);
    return NULL;
  }
  if (loop_make_core(loop) && loop_make_tables(loop) && crossing_open(loop)) return loop;
  loop_free(loop);
  return NULL;
}

void loop_free(struct loop *loop) {
  if (!loop) return;
  registry_remove(loop);
  limpet_server *server = loop->server;
  for (uint32_t row = 0; loop->connections && row < loop->rows; row++) {
    if (loop->connections[row].handle != 0) link_forget(loop, &loop->connections[row]);
  }
  buffer_trim(loop);
  crossing_end(loop);
  listen_end(loop);
  if (loop->poller) loop->polling->destroy(loop->poller);
  limpet_core_free(loop->core);
  prepared_free_all(loop);
  memory_give(server, loop->counters);
  memory_give(server, loop->connections);
  memory_give(server, loop->resuming.words);
  memory_give(server, loop->waiting.words);
  memory_give(server, loop->asked.words);
  memory_give(server, loop);
}

/* ------------------------------------------------------------------------- the turn */

/* A connection's descriptor: the transport's handshake, then bytes. */
static void loop_ready_connection(struct loop *loop, struct connection *connection, short events) {
  const int32_t handle = connection->handle;
  if (connection->flags & CONNECTION_CONNECTING) {
    client_ready(loop, connection);
    return;
  }
  if (connection->flags & CONNECTION_SHAKING) {
    const int wants = connection->transport->handshake(connection);
    if (wants < 0) {
      events_broke(loop, connection, LIMPET_E_TLS, limpet_last_error());
      link_gone(loop, connection);
      return;
    }
    if (wants > 0) {
      link_watch(loop, connection, (short)wants);
      return;
    }
    connection->flags &= (uint16_t)~CONNECTION_SHAKING;
    link_watch(loop, connection, POLLIN);
    events = POLLIN | POLLOUT;
  }
  if (events & POLLOUT) writer_write(loop, connection);
  if (connection->handle != handle || connection->fd < 0) return;
  if ((events & POLLIN) && (connection->interest & POLLIN)) {
    reader_ready(loop, connection);
  } else if (events & (POLLERR | POLLHUP)) {
    // What is not read from cannot tell its end in another way.
    link_gone(loop, connection);
  }
}

void loop_ready(struct loop *loop, const struct ready *ready) {
  if (ready->row == ROW_LISTENER) {
    listen_accept(loop);
  } else if (ready->row == ROW_WAKE) {
    crossing_woken(loop);
  } else {
    struct connection *connection = &loop->connections[ready->row];
    if (connection->handle != 0 && connection->fd >= 0)
      loop_ready_connection(loop, connection, ready->events);
  }
}

/* on_writable for those who asked, as far as their sockets took all that was queued. */
static void loop_tell_writable(struct loop *loop) {
  // Who asks from within is told in the next turn.
  loop->asking = false;
  for (uint32_t row = 0; (row = row_set_next(&loop->asked, row, loop->rows)) < loop->rows; row++) {
    struct connection *connection = &loop->connections[row];
    if (connection->interest & POLLOUT || (connection->extra && connection->extra->waiting.first))
      continue;
    row_set_remove(&loop->asked, row);
    events_say(loop, connection, LIMPET_EVENT_KIND_WRITABLE, 0);
  }
}

void loop_tick(struct loop *loop) {
  loop->now = loop_clock();
  const int32_t delay = limpet_core_tick(loop->core, loop_now(loop));
  loop->due = delay < 0 ? INT64_MAX : loop->now + delay;
}

void loop_settle(struct loop *loop) {
  writer_write_all(loop);
  loop_tick(loop);
}

void loop_work(struct loop *loop) {
  crossing_take(loop);
  if (loop->now >= loop->due) loop_tick(loop);
  if (loop->listener_wait != 0 && loop->now >= loop->listener_wait) listen_accept(loop);
  events_drain(loop);
  outbox_retry_all(loop);
  reader_resume_all(loop);
  writer_write_all(loop);
  // Queues that shrank owe a WRITABLE, connections that went a CLOSED; their callbacks may send.
  while (events_drain(loop) > 0) writer_write_all(loop);
  if (loop->asked.count > 0 || loop->asking) {
    loop_tell_writable(loop);
    writer_write_all(loop);
  }
  if (limpet_core_abi_version(loop->core) == LIMPET_CORE_TRAP) loop_break(loop);
  counters_publish(loop);
}

int loop_delay(const struct loop *loop) {
  if (loop->broken) return -1;
  if (loop->asking || loop->resuming.count > 0 || loop->ring->head != loop->ring->tail) return 0;
  int64_t due = loop->due;
  if (loop->listener_wait != 0 && loop->listener_wait < due) due = loop->listener_wait;
  if (due == INT64_MAX) return -1;
  const int64_t delay = due - loop_clock();
  return delay < 0 ? 0 : delay > INT32_MAX ? INT32_MAX : (int)delay;
}

int loop_turn(struct loop *loop, int timeout_ms) {
  struct ready ready[READY_MAX];
  loop_settle(loop);
  const int delay = loop_delay(loop);
  const int wait_ms = delay < 0                              ? timeout_ms
                      : timeout_ms < 0 || delay < timeout_ms ? delay
                                                             : timeout_ms;
  const int count = loop->polling->wait(loop->poller, ready, READY_MAX, wait_ms);
  if (count < 0) return fail(LIMPET_E_SYSTEM, "waiting for sockets: %s", strerror(errno));
  loop->now = loop_clock();
  // Nothing came: memory for busy times goes back.
  if (count == 0 && wait_ms != 0) buffer_trim(loop);
  for (int i = 0; i < count; i++) loop_ready(loop, &ready[i]);
  loop_work(loop);
  return count;
}

/* What limpet_core_shutdown does, for a core without it: open sessions are told and closed, the others cut off. */
static void loop_close_all(struct loop *loop, int timeout_ms) {
  limpet_core_option_set(loop->core, 0, LIMPET_OPTION_SESSIONS_MAX, 0);
  for (uint32_t row = 0; row < loop->rows; row++) {
    struct connection *connection = &loop->connections[row];
    const int32_t handle = connection->handle;
    if (handle == 0) continue;
    if (link_state(loop, handle) == LIMPET_STATE_OPEN && timeout_ms > 0) {
      limpet_core_option_set(loop->core, handle, LIMPET_OPTION_CLOSE_MS, timeout_ms);
      events_say(loop, connection, LIMPET_EVENT_KIND_SHUTDOWN, 0);
      if (connection->handle == handle) outbox_close(loop, connection, 1001, "");
    } else if (timeout_ms == 0 || link_state(loop, handle) < LIMPET_STATE_OPEN) {
      limpet_core_terminate(loop->core, handle);
    }
  }
}

void loop_stop(struct loop *loop, int timeout_ms) {
  listen_end(loop);
  loop->stopping = true;
  loop->now = loop_clock();
  const int32_t answer = limpet_core_shutdown(loop->core, timeout_ms, 0, loop_now(loop));
  if (answer == LIMPET_ERROR_CODE_UNSUPPORTED) loop_close_all(loop, timeout_ms);
  loop->due = loop->now;
}

bool loop_is_over(const struct loop *loop) {
  return loop->stopping && (loop->broken || loop->stats->active == 0);
}

void loop_break(struct loop *loop) {
  if (loop->broken) return;
  loop->broken = true;
  threads_lose(loop);
  events_failed(loop, 0, LIMPET_E_TRAP, limpet_strerror(LIMPET_E_TRAP));
  for (uint32_t row = 0; row < loop->rows; row++) {
    if (loop->connections[row].handle == 0) continue;
    events_say(loop, &loop->connections[row], LIMPET_EVENT_KIND_CLOSED, 1006);
  }
}

int loop_here(limpet_server *server, struct loop **loop) {
  if (atomic_load(&server->phase) != SERVER_STARTED) {
    return fail(LIMPET_E_STATE, "the server has not started, or it stops");
  }
  for (int i = 0; i < server->loop_count; i++) {
    *loop = server->loops[i];
    if (loop_is_mine(*loop)) return 0;
  }
  return fail(LIMPET_E_THREAD, "this thread does not serve");
}

uint32_t loop_pass(struct loop *loop, uint32_t *at, const void *bytes, size_t length) {
  if (length > loop->scratch_size - *at) return 0;
  const uint32_t ptr = loop->scratch + *at;
  if (length > 0) memcpy(loop->memory + ptr, bytes, length);
  *at += (uint32_t)length;
  return ptr;
}
