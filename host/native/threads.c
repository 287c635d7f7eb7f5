/* A server of several loops: a thread for each, behind one port.
 *
 *                       ┌─ SO_REUSEPORT: a listener each, the kernel chooses ─┐
 *   limpet_server_start ┤                                                     ├─► thread i: loop_turn, loop_turn, ...
 *                       └─ one listener, whose loop deals them out in turn ───┘
 *   limpet_server_poll  ── waits until all threads have ended
 *
 * Threads share what is behind posts (crossing.c), the table of addresses (bounds.c), and nothing else. */

#include "threads.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "crossing.h"
#include "loop.h"
#include "memory.h"
#include "server.h"

/* How long a thread rests whose poller failed: for want of memory, most likely. */
#define FAILED_REST_NS 10000000

struct threads {
  pthread_t *ids;
  int started;
  bool joined;
  /* Threads that have not ended. */
  atomic_int running;
  /* They end without closing anything. */
  atomic_bool quits;
  /* For limpet_server_poll. */
  struct wake wake;
  /* The thread that started them. */
  uintptr_t owner;
  /* One loop has the listener, and deals: to this one next. */
  bool deals;
  int dealt;
};

int threads_new(limpet_server *server) {
  if (server->loop_count == 1) return 0;
  struct threads *threads = memory_table(server, sizeof *threads);
  if (!threads) return fail(LIMPET_ERROR_CODE_MEMORY, "no memory for threads");
  server->threads = threads;
  threads->ids = memory_table(server, (size_t)server->loop_count * sizeof *threads->ids);
  threads->wake.reader = threads->wake.writer = -1;
  if (!threads->ids)
    return fail(LIMPET_ERROR_CODE_MEMORY, "no memory for %d threads", server->loop_count);
  if (wake_open(&threads->wake) != 0)
    return fail(LIMPET_E_SYSTEM, "what wakes a server: %s", strerror(errno));
  return 0;
}

/* ------------------------------------------------------------------- what each runs */

/* Its poller failed: the application is told, and it goes on a moment later. */
static void threads_failed(struct loop *loop) {
  const struct timespec rest = {.tv_nsec = FAILED_REST_NS};
  events_failed(loop, 0, LIMPET_E_SYSTEM, limpet_last_error());
  nanosleep(&rest, NULL);
}

static void *threads_run(void *argument) {
  struct loop *loop = argument;
  limpet_server *server = loop->server;
  struct threads *threads = server->threads;
  registry_own(loop);
  while (!atomic_load(&threads->quits) && !loop_is_over(loop)) {
    if (loop_turn(loop, -1) < 0) threads_failed(loop);
  }
  crossing_shut(loop);
  registry_disown(loop);
  if (atomic_fetch_sub(&threads->running, 1) == 1) atomic_store(&server->phase, SERVER_STOPPED);
  wake_ring(&threads->wake);
  return NULL;
}

/* ------------------------------------------------------------------------ beginning */

/* Whether one listener has to do for all. Linux spreads connections over the sockets of a port; other systems give
 * all to one of them, and a path has one socket anywhere. */
static bool threads_must_deal(const limpet_config *settings) {
#if defined(__linux__) && defined(SO_REUSEPORT) && !defined(LIMPET_DEALS)
  return strncmp(settings->host, "unix:", 5) == 0;
#else
  (void)settings;
  return true;
#endif
}

/* One listener, or one for each loop. */
static int threads_listen(limpet_server *server) {
  const limpet_config *settings = server->settings;
  if (!settings->host) return 0;
  int port = settings->port;
  server->threads->deals = threads_must_deal(settings);
  const int listeners = server->threads->deals ? 1 : server->loop_count;
  if (listeners > 1) {
    // A socket that does not share finds a free port, and whether somebody else has this one: a socket that
    // shares would take half of another server's connections.
    const int alone = listen_open(settings, &port, false);
    if (alone < 0) return alone;
    close(alone);
  }
  for (int i = 0; i < listeners; i++) {
    const int answer = listen_begin(server->loops[i], &port, listeners > 1);
    if (answer < 0) return answer;
  }
  atomic_store(&server->port, port);
  return 0;
}

/* Threads take no signals: they are the application's. Those that a thread raises itself stay: guard pages make
 * a fault of the core a signal of the engine's. */
static void threads_block(sigset_t *before) {
  static const int raised[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
  sigset_t others;
  sigfillset(&others);
  for (size_t i = 0; i < sizeof raised / sizeof *raised; i++) sigdelset(&others, raised[i]);
  pthread_sigmask(SIG_SETMASK, &others, before);
}

static int threads_create(limpet_server *server) {
  struct threads *threads = server->threads;
  sigset_t before;
  threads_block(&before);
  int error = 0;
  /* They were this thread's until now, each is its own thread's from its first line on. */
  for (int i = 0; i < server->loop_count; i++) registry_disown(server->loops[i]);
  while (error == 0 && threads->started < server->loop_count) {
    atomic_fetch_add(&threads->running, 1);
    error = pthread_create(&threads->ids[threads->started], NULL, threads_run,
                           server->loops[threads->started]);
    if (error == 0) threads->started++;
    else atomic_fetch_sub(&threads->running, 1);
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return error;
}

static void threads_join(struct threads *threads) {
  for (int i = 0; i < threads->started; i++) pthread_join(threads->ids[i], NULL);
  threads->started = 0;
}

/* Ends them without a word to anybody. */
static void threads_quit(limpet_server *server) {
  struct threads *threads = server->threads;
  atomic_store(&threads->quits, true);
  for (int i = 0; i < server->loop_count; i++) {
    if (server->loops[i]) crossing_wake(server->loops[i]);
  }
  threads_join(threads);
}

int threads_start(limpet_server *server) {
  server->threads->owner = registry_here();
  const int answer = threads_listen(server);
  if (answer < 0) {
    for (int i = 0; i < server->loop_count; i++) listen_end(server->loops[i]);
    return answer;
  }
  atomic_store(&server->phase, SERVER_STARTED);
  const int error = threads_create(server);
  if (error == 0) return 0;
  threads_quit(server);
  atomic_store(&server->phase, SERVER_STOPPED);
  return fail(LIMPET_E_SYSTEM, "a thread: %s", strerror(error));
}

bool threads_deal(struct loop *loop, int fd, const struct sockaddr *address, size_t size) {
  struct threads *threads = loop->server->threads;
  if (!threads || !threads->deals) return false;
  for (int tried = 0; tried < loop->server->loop_count; tried++) {
    struct loop *to = loop->server->loops[threads->dealt];
    threads->dealt = (threads->dealt + 1) % loop->server->loop_count;
    if (to == loop && !loop->broken) return false;
    // One that ended, or whose queue is full, is passed over.
    if (to != loop && crossing_socket(to, fd, address, size)) return true;
  }
  return false;
}

void threads_lose(struct loop *loop) {
  const struct threads *threads = loop->server->threads;
  if (!threads) return;
  crossing_shut(loop);
  // Who listens for all goes on accepting for the others.
  if (!threads->deals) listen_end(loop);
}

/* ------------------------------------------------------------------- waiting, the end */

void threads_wake(limpet_server *server) { wake_ring(&server->threads->wake); }

/* Whether this thread is one of the loops'. */
static bool threads_are_here(const limpet_server *server) {
  for (int i = 0; i < server->loop_count; i++) {
    if (loop_is_mine(server->loops[i])) return true;
  }
  return false;
}

int threads_poll(limpet_server *server, int timeout_ms) {
  struct threads *threads = server->threads;
  if (atomic_load(&server->phase) == SERVER_NEW)
    return fail(LIMPET_E_STATE, "the server has not started");
  if (threads_are_here(server))
    return fail(LIMPET_E_STATE, "limpet_server_poll is not for callbacks");
  if (threads->owner != registry_here())
    return fail(LIMPET_E_THREAD, "limpet_server_poll is for the thread that started");
  if (atomic_load(&server->phase) != SERVER_STOPPED) {
    struct pollfd ended = {.fd = threads->wake.reader, .events = POLLIN};
    if (poll(&ended, 1, timeout_ms) > 0) wake_clear(&threads->wake);
  }
  if (atomic_load(&server->phase) != SERVER_STOPPED) return 0;
  threads_join(threads);
  return refuse(LIMPET_E_STATE);
}

int threads_stop(limpet_server *server, int timeout_ms) {
  int fresh = SERVER_NEW;
  if (atomic_compare_exchange_strong(&server->phase, &fresh, SERVER_STOPPED)) return 0;
  limpet_server_interrupt(server, timeout_ms);
  if (threads_are_here(server) || server->threads->owner != registry_here()) return 0;
  return limpet_server_run(server);
}

void threads_free(limpet_server *server) {
  struct threads *threads = server->threads;
  if (!threads) return;
  threads_quit(server);
  wake_close(&threads->wake);
  memory_give(server, threads->ids);
  memory_give(server, threads);
  server->threads = NULL;
}
