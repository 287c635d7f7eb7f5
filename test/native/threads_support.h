/* What tests of several loops share: servers whose callbacks keep books, clients, threads. */

#ifndef LIMPET_THREADS_SUPPORT_H
#define LIMPET_THREADS_SUPPORT_H

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

#include "check.h"
#include "limpet.h"

#define LOOPS 4

/* ------------------------------------------------------------------ what all use */

/* Sessions by the order in which they were told; never taken out, so that most are stale after a while. */
#define KNOWN_MAX 4096
static _Atomic limpet_session known[KNOWN_MAX];
static atomic_int known_count, closed_count, error_count;
/* The threads that called back, told apart by an address of theirs. */
static _Atomic uintptr_t serving[LOOPS];
static atomic_int served[LOOPS];

static inline int loop_number(void) {
  static _Thread_local char mark;
  for (int i = 0; i < LOOPS; i++) {
    uintptr_t nobody = 0;
    if (atomic_compare_exchange_strong(&serving[i], &nobody, (uintptr_t)&mark)) return i;
    if (nobody == (uintptr_t)&mark) return i;
  }
  CHECK(!"more threads than loops");
  return -1;
}

static void on_connect(limpet_server *server, limpet_session session, void *user) {
  (void)user;
  CHECK(limpet_session_server(session) == server);
  atomic_fetch_add(&served[loop_number()], 1);
  int at = atomic_fetch_add(&known_count, 1);
  if (at < KNOWN_MAX) atomic_store(&known[at], session);
}

static void on_message(limpet_server *server, limpet_session session, enum limpet_type type,
                       char *data, size_t length, void *user) {
  (void)server, (void)user;
  int status = limpet_session_send(session, type, data, length);
  CHECK(status == LIMPET_SENT_OK || status == LIMPET_SENT_BACKPRESSURE);
}

static void on_close(limpet_server *server, limpet_session session, uint16_t code,
                     const char *reason, void *user) {
  (void)server, (void)session, (void)code, (void)reason, (void)user;
  atomic_fetch_add(&closed_count, 1);
}

static void on_error(limpet_server *server, limpet_session session, int code, const char *message,
                     void *user) {
  (void)server, (void)session, (void)user;
  CHECK(code < 0 && *message);
  atomic_fetch_add(&error_count, 1);
}

static void server_prepare(limpet_server *server) {
  CHECK_EQUAL(limpet_server_set_on_connect(server, on_connect, NULL), 0);
  CHECK_EQUAL(limpet_server_set_on_message(server, on_message, NULL), 0);
  CHECK_EQUAL(limpet_server_set_on_close(server, on_close, NULL), 0);
  CHECK_EQUAL(limpet_server_set_on_error(server, on_error, NULL), 0);
  atomic_store(&known_count, 0);
  atomic_store(&closed_count, 0);
  atomic_store(&error_count, 0);
  for (int i = 0; i < LOOPS; i++) {
    atomic_store(&serving[i], 0);
    atomic_store(&served[i], 0);
  }
}

static inline limpet_server *server_of(int threads, const char *host) {
  limpet_config *config = limpet_config_new();
  CHECK(config != NULL);
  CHECK_EQUAL(limpet_config_set_host(config, host), 0);
  CHECK_EQUAL(limpet_config_set_port(config, 0), 0);
  CHECK_EQUAL(limpet_config_set_threads(config, threads), 0);
  limpet_server *server = limpet_server_new(config);
  limpet_config_free(config);
  if (!server) fprintf(stderr, "%s\n", limpet_last_error());
  CHECK(server != NULL);
  server_prepare(server);
  return server;
}

static inline limpet_server *server_started(int threads, const char *host) {
  limpet_server *server = server_of(threads, host);
  CHECK_EQUAL(limpet_server_start(server), 0);
  return server;
}

/* Clients are large: on the heap. */
static inline struct check_client *clients_new(int count, int port) {
  struct check_client *clients = calloc((size_t)count, sizeof *clients);
  CHECK(clients != NULL);
  for (int i = 0; i < count; i++) {
    clients[i] = check_client_connect(port, "/", "");
    CHECK_EQUAL(clients[i].status, 101);
  }
  return clients;
}

static void clients_free(struct check_client *clients, int count) {
  for (int i = 0; i < count; i++) check_client_end(&clients[i]);
  free(clients);
}

static inline pthread_t thread_start(void *(*run)(void *), void *arg) {
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, run, arg) == 0);
  return thread;
}

static inline void tests_begin(void) {
  signal(SIGPIPE, SIG_IGN);
  /* Errors are counted here. */
  CHECK_EQUAL(limpet_log_set(LIMPET_LOG_NOTICE, NULL, NULL), 0);
}

#endif
