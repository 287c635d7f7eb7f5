/* A server of the test's own thread, and what its callbacks saw last: for tests of limpet.h's functions. */

#ifndef LIMPET_SUPPORT_H
#define LIMPET_SUPPORT_H

#include "check.h"
#include "settings.h"

/* The code of a call, which has no words but its own: none of the call before it are left. */
#define CHECK_CODE(call, code)                                                \
  do {                                                                        \
    (void)fail(LIMPET_E_STATE, "words of another call");                      \
    CHECK_EQUAL(call, code);                                                  \
    if (strcmp(limpet_last_error(), "words of another call") == 0) {          \
      fprintf(stderr, "%s:%d: stale words: %s\n", __FILE__, __LINE__, #call); \
      exit(1);                                                                \
    }                                                                         \
  } while (0)

static limpet_server *server;
static int port;

/* The session that opened last, how many opened and closed, and the last code of on_error with how many. */
static limpet_session opened;
static int opened_count, closed_count, error_code, error_count;

static void support_pump(void) { limpet_server_poll(server, 1); }

static void support_on_connect(limpet_server *told, limpet_session session, void *user) {
  (void)told, (void)user;
  opened = session;
  opened_count++;
}

static void support_on_close(limpet_server *told, limpet_session session, uint16_t code,
                             const char *reason, void *user) {
  (void)told, (void)session, (void)code, (void)reason, (void)user;
  closed_count++;
}

static void support_on_error(limpet_server *told, limpet_session session, int code,
                             const char *message, void *user) {
  (void)told, (void)session, (void)user;
  CHECK_STRING(message, limpet_strerror(code));
  error_code = code;
  error_count++;
}

/* A server to come, with these settings (freed; NULL: the defaults), on a free port. */
static inline void serve_new(limpet_config *config) {
  if (!config) config = limpet_config_new();
  CHECK_EQUAL(limpet_config_set_port(config, 0), 0);
  server = limpet_server_new(config);
  if (!server) fprintf(stderr, "%s\n", limpet_last_error());
  CHECK(server);
  limpet_config_free(config);
  limpet_server_set_on_connect(server, support_on_connect, NULL);
  limpet_server_set_on_close(server, support_on_close, NULL);
  limpet_server_set_on_error(server, support_on_error, NULL);
  opened = 0;
  opened_count = closed_count = error_code = error_count = 0;
}

static inline void serve_start(void) {
  CHECK_EQUAL(limpet_server_start(server), 0);
  port = limpet_server_port(server);
  CHECK(port > 0);
  check_pump = support_pump;
}

static inline void serve(limpet_config *config) {
  serve_new(config);
  serve_start();
}

static inline void serve_end(void) {
  CHECK_EQUAL(limpet_server_stop(server, 0), 0);
  limpet_server_free(server);
  check_pump = NULL;
}

/* A client whose session is open; `session` may be NULL. */
static inline struct check_client join_as(const char *path, const char *lines,
                                          limpet_session *session) {
  const int before = opened_count;
  struct check_client client = check_client_connect(port, path, lines);
  CHECK_EQUAL(client.status, 101);
  CHECK_EQUAL(opened_count, before + 1);
  if (session) *session = opened;
  return client;
}

static inline struct check_client join(limpet_session *session) {
  return join_as("/", "", session);
}

/* It goes, and its session with it. */
static inline void part(struct check_client *client) {
  const int before = closed_count;
  check_client_end(client);
  CHECK_SOON(closed_count == before + 1);
}

#endif
