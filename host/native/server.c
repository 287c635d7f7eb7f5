/* limpet_server: a life from limpet_server_new to limpet_server_free.
 *
 *   NEW ─ start ─► STARTED ─ stop, a signal ─► STOPPING ─ all sessions over ─► STOPPED */

#include "server.h"

#include <errno.h>
#include <string.h>

#include "bounds.h"
#include "crossing.h"
#include "memory.h"
#include "threads.h"
#include "tls.h"

const struct polling *server_polling = POLLING_DEFAULT;

limpet_server *limpet_server_new(const limpet_config *config) {
  if (!config) {
    fail(LIMPET_ERROR_CODE_ARGUMENT, "limpet_server_new takes a config");
    return NULL;
  }
  limpet_server *server = memory_server(config);
  if (!server) return NULL;
  server->polling = server_polling;
  atomic_init(&server->phase, SERVER_NEW);
  atomic_init(&server->port, 0);
  server->loop_count = config->threads > 1 ? config->threads : 1;
  server->settings = settings_copy(config);
  server->loops = memory_table(server, (size_t)server->loop_count * sizeof *server->loops);
  if (!server->settings || !server->loops) {
    fail(LIMPET_ERROR_CODE_MEMORY, "no memory for a server");
    limpet_server_free(server);
    return NULL;
  }
  bool whole = true;
  for (int i = 0; i < server->loop_count && whole; i++)
    whole = (server->loops[i] = loop_new(server, i)) != NULL;
  settings_forget_tokens(server->settings);
  if (whole && bounds_new(server, server->loops[0]->rows) == 0 && threads_new(server) == 0)
    return server;
  limpet_server_free(server);
  return NULL;
}

void limpet_server_free(limpet_server *server) {
  if (!server) return;
  threads_free(server);
  for (int i = 0; server->loops && i < server->loop_count; i++) loop_free(server->loops[i]);
  if (server->loops) memory_give(server, server->loops);
  bounds_free(server);
  tls_close(server);
  limpet_config_free(server->settings);
  memory_server_free(server);
}

int limpet_server_start(limpet_server *server) {
  if (!server) return fail(LIMPET_ERROR_CODE_ARGUMENT, "limpet_server_start takes a server");
  if (atomic_load(&server->phase) != SERVER_NEW)
    return fail(LIMPET_E_STATE, "the server has started before");
  const int secured = tls_open(server);
  if (secured != 0) return secured;
  if (server->threads) return threads_start(server);
  struct loop *loop = server->loops[0];
  registry_own(loop);
  if (server->settings->host) {
    int port = server->settings->port;
    const int answer = listen_begin(loop, &port, false);
    if (answer < 0) return answer;
    atomic_store(&server->port, port);
  }
  atomic_store(&server->phase, SERVER_STARTED);
  return 0;
}

void server_stopping(limpet_server *server) {
  if (atomic_load(&server->phase) != SERVER_STOPPED) atomic_store(&server->phase, SERVER_STOPPING);
}

void server_settle(limpet_server *server) {
  if (loop_is_over(server->loops[0])) atomic_store(&server->phase, SERVER_STOPPED);
}

int limpet_server_poll(limpet_server *server, int timeout_ms) {
  if (!server) return fail(LIMPET_ERROR_CODE_ARGUMENT, "limpet_server_poll takes a server");
  if (server->threads) return threads_poll(server, timeout_ms);
  if (atomic_load(&server->phase) == SERVER_STOPPED) return refuse(LIMPET_E_STATE);
  struct loop *loop = server->loops[0];
  // Whoever polls may touch the loop from then on, one after the other.
  if (atomic_exchange(&loop->turning, true)) {
    if (loop_is_mine(loop)) return fail(LIMPET_E_STATE, "limpet_server_poll is not for callbacks");
    return fail(LIMPET_E_THREAD, "another thread is in limpet_server_poll");
  }
  registry_own(loop);
  // A callback that limpet_server_service_fd called.
  const bool told = loop->telling;
  const int count = told ? fail(LIMPET_E_STATE, "limpet_server_poll is not for callbacks")
                         : loop_turn(loop, timeout_ms);
  server_settle(server);
  atomic_store(&loop->turning, false);
  return count;
}

int limpet_server_run(limpet_server *server) {
  for (;;) {
    const int count = limpet_server_poll(server, -1);
    if (count < 0) return count == LIMPET_E_STATE ? 0 : count;
  }
}

int limpet_server_interrupt(limpet_server *server, int timeout_ms) {
  if (!server) return LIMPET_ERROR_CODE_ARGUMENT;
  for (int i = 0; i < server->loop_count; i++) {
    atomic_store(&server->loops[i]->stop_asked, timeout_ms < 0 ? 0 : timeout_ms);
    crossing_wake(server->loops[i]);
  }
  return 0;
}

int limpet_server_stop(limpet_server *server, int timeout_ms) {
  if (!server) return fail(LIMPET_ERROR_CODE_ARGUMENT, "limpet_server_stop takes a server");
  if (atomic_load(&server->phase) == SERVER_STOPPED) return 0;
  if (server->threads) return threads_stop(server, timeout_ms);
  struct loop *loop = server->loops[0];
  const bool begins = !loop_is_mine(loop) || atomic_load(&loop->turning);
  const int asked = limpet_server_interrupt(server, timeout_ms);
  if (begins) return asked;
  const int answer = limpet_server_run(server);
  return answer == LIMPET_E_STATE ? 0 : answer;
}

int limpet_server_wake(limpet_server *server) {
  if (!server) return fail(LIMPET_ERROR_CODE_ARGUMENT, "limpet_server_wake takes a server");
  if (server->threads) threads_wake(server);
  else crossing_wake(server->loops[0]);
  return 0;
}

int limpet_server_port(const limpet_server *server) {
  if (!server) return fail(LIMPET_ERROR_CODE_ARGUMENT, "limpet_server_port takes a server");
  if (atomic_load(&server->phase) == SERVER_NEW) return refuse(LIMPET_E_STATE);
  return atomic_load(&server->port);
}

void *limpet_server_user(const limpet_server *server) { return server ? server->user : NULL; }

int limpet_server_set_user(limpet_server *server, void *user) {
  if (!server) return fail(LIMPET_ERROR_CODE_ARGUMENT, "limpet_server_set_user takes a server");
  server->user = user;
  return 0;
}

/* limpet_server_set_on_connect and all its kin. */
#define CALLBACK(name, type)                                                               \
  int limpet_server_set_on_##name(limpet_server *server, type callback, void *user) {      \
    if (!server) return fail(LIMPET_ERROR_CODE_ARGUMENT, "a callback is set of a server"); \
    if (atomic_load(&server->phase) != SERVER_NEW) {                                       \
      return fail(LIMPET_E_STATE, "callbacks are set before limpet_server_start");         \
    }                                                                                      \
    server->callbacks.name = callback;                                                     \
    server->callbacks.name##_user = user;                                                  \
    return 0;                                                                              \
  }
CALLBACKS(CALLBACK)
#undef CALLBACK
