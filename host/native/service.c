/* A server in a loop of the application's: its descriptors are told, and what is found on them is handed back.
 *
 *   poller/external.c ─► add, change, remove ─► the application's poll(2), select(2), event library
 *   limpet_server_service_fd ◄─ one descriptor that has something to say
 *   limpet_server_service ◄─ after each round, and when the time that it returned has passed */

#include "loop.h"
#include "poller/external.h"
#include "server.h"

int limpet_server_set_poll(limpet_server *server, const struct limpet_poll_callbacks *callbacks) {
  if (!server || !callbacks)
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "a server and callbacks are needed");
  if (atomic_load(&server->phase) != SERVER_NEW) {
    return fail(LIMPET_E_STATE, "limpet_server_set_poll comes before limpet_server_start");
  }
  if (server->loop_count != 1)
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "limpet_server_set_poll: for one thread only");
  struct loop *loop = server->loops[0];
  struct poller *poller = polling_external.create(server, loop->rows);
  if (!poller) return fail(LIMPET_ERROR_CODE_MEMORY, "no memory for a poller");
  server->external = *callbacks;
  // Until the server starts there is one descriptor: that which wakes it.
  if (polling_external.add(poller, loop->posts.wake.reader, ROW_WAKE, POLLIN) != 0) {
    polling_external.destroy(poller);
    return fail(LIMPET_E_SYSTEM, "the poller takes no descriptor");
  }
  loop->polling->remove(loop->poller, loop->posts.wake.reader, ROW_WAKE);
  loop->polling->destroy(loop->poller);
  loop->polling = server->polling = &polling_external;
  loop->poller = poller;
  return 0;
}

/* The loop of a server that the application polls. */
static int service_enter(limpet_server *server, struct loop **loop) {
  if (!server) return fail(LIMPET_ERROR_CODE_ARGUMENT, "a server is needed");
  const int phase = atomic_load(&server->phase);
  *loop = server->loops[0];
  if (server->polling != &polling_external || phase == SERVER_NEW || phase == SERVER_STOPPED) {
    return fail(LIMPET_E_STATE,
                "the server was not given to a loop of the caller's, or does not run");
  }
  if (!loop_is_mine(*loop)) return fail(LIMPET_E_THREAD, "another thread serves");
  return (*loop)->telling ? fail(LIMPET_E_STATE, "a callback runs") : 0;
}

int limpet_server_service_fd(limpet_server *server, int fd, int revents) {
  struct loop *loop;
  const int code = service_enter(server, &loop);
  if (code != 0) return code;
  struct ready ready = {.events = (short)revents};
  if (!external_row(loop->poller, fd, &ready.row)) return 0;
  loop->now = loop_clock();
  loop_ready(loop, &ready);
  return 1;
}

int limpet_server_service(limpet_server *server) {
  struct loop *loop;
  const int code = service_enter(server, &loop);
  if (code != 0) return code;
  loop->now = loop_clock();
  loop_work(loop);
  loop_settle(loop);
  server_settle(server);
  // All is over: the next call says so, and nothing else would bring it about.
  if (atomic_load(&server->phase) == SERVER_STOPPED) return 0;
  return loop_delay(loop);
}
