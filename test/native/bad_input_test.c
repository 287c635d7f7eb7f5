/* Every function of limpet.h with NULL, zero and lengths out of range, too soon and too late: it answers a code, and
 * crashes never (run it under AddressSanitizer and UBSan, too). Those of a session: bad_input_session_test.c.
 * api.test.ts makes sure that no function is left out. */

#include <sys/wait.h>

#include "support.h"

#define ARGUMENT LIMPET_ERROR_CODE_ARGUMENT

/* Longer than all scratch regions, and than any string that a call takes. */
static char endless[100000];
static char buffer[64];

/* ----------------------------------------------------------------------- a config */

static void test_config_null(void) {
  limpet_config_free(NULL);
  CHECK(limpet_config_get_host(NULL) == NULL);
  CHECK_CODE(limpet_config_get_port(NULL), ARGUMENT);
  CHECK_EQUAL(limpet_config_memory_size(NULL), 0);
  CHECK_CODE(limpet_config_set_host(NULL, "h"), ARGUMENT);
  CHECK_CODE(limpet_config_set_port(NULL, 1), ARGUMENT);
  CHECK_CODE(limpet_config_set_backlog(NULL, 1), ARGUMENT);
  CHECK_CODE(limpet_config_set_threads(NULL, 1), ARGUMENT);
  CHECK_CODE(limpet_config_set_max_connections(NULL, 1), ARGUMENT);
  CHECK_CODE(limpet_config_set_max_connections_per_address(NULL, 1), ARGUMENT);
  CHECK_CODE(limpet_config_set_max_message_size(NULL, 1), ARGUMENT);
  CHECK_CODE(limpet_config_set_max_backpressure(NULL, 1), ARGUMENT);
  CHECK_CODE(limpet_config_set_full_policy(NULL, LIMPET_FULL_POLICY_DROP), ARGUMENT);
  CHECK_CODE(limpet_config_set_delivery(NULL, LIMPET_DELIVERY_STREAM), ARGUMENT);
  CHECK_CODE(limpet_config_set_ping_interval(NULL, 1), ARGUMENT);
  CHECK_CODE(limpet_config_set_ping_timeout(NULL, 1), ARGUMENT);
  CHECK_CODE(limpet_config_set_idle_timeout(NULL, 1), ARGUMENT);
  CHECK_CODE(limpet_config_set_handshake_timeout(NULL, 1), ARGUMENT);
  CHECK_CODE(limpet_config_set_close_timeout(NULL, 1), ARGUMENT);
  CHECK_CODE(limpet_config_set_heartbeat(NULL, 1, 1), ARGUMENT);
  CHECK_CODE(limpet_config_set_compression_enabled(NULL, true), ARGUMENT);
  CHECK_CODE(limpet_config_set_compression_level(NULL, 1), ARGUMENT);
  CHECK_CODE(limpet_config_set_compression_window(NULL, 9), ARGUMENT);
  CHECK_CODE(limpet_config_set_compression_threshold(NULL, 1), ARGUMENT);
  CHECK_CODE(limpet_config_set_context_takeover(NULL, true), ARGUMENT);
  CHECK_CODE(limpet_config_set_origin_validation(NULL, true), ARGUMENT);
  CHECK_CODE(limpet_config_add_allowed_origin(NULL, "*"), ARGUMENT);
  CHECK_CODE(limpet_config_add_subprotocol(NULL, "p"), ARGUMENT);
  CHECK_CODE(limpet_config_add_token(NULL, "t"), ARGUMENT);
  CHECK_CODE(limpet_config_set_token_sources(NULL, 1), ARGUMENT);
  CHECK_CODE(limpet_config_set_rate_limit_enabled(NULL, true), ARGUMENT);
  CHECK_CODE(limpet_config_set_rate_limit_messages(NULL, 1), ARGUMENT);
  CHECK_CODE(limpet_config_set_rate_limit_bytes(NULL, 1), ARGUMENT);
  CHECK_CODE(limpet_config_set_rate_limit_window(NULL, 1), ARGUMENT);
  CHECK_CODE(limpet_config_set_rate_limit_policy(NULL, LIMPET_RATE_POLICY_DROP), ARGUMENT);
  CHECK_CODE(limpet_config_set_rate_limit_all(NULL, 1, 1), ARGUMENT);
  CHECK_CODE(limpet_config_set_trust_proxy(NULL, 1), ARGUMENT);
  CHECK_CODE(limpet_config_set_keep_request(NULL, "*"), ARGUMENT);
  CHECK_CODE(limpet_config_set_keepalive(NULL, 1, 1, 1), ARGUMENT);
  CHECK_CODE(limpet_config_set_batch(NULL, 1), ARGUMENT);
  CHECK_CODE(limpet_config_set_option(NULL, LIMPET_OPTION_UTF8, 1), ARGUMENT);
  CHECK_CODE(limpet_config_set_memory(NULL, buffer, sizeof buffer), ARGUMENT);
  CHECK(limpet_server_new(NULL) == NULL);
}

/* Without TLS in the library these answer LIMPET_E_UNSUPPORTED for any config. */
static void test_config_tls(void) {
  limpet_config *config = limpet_config_new();
  const bool is_there = strstr(limpet_version(), "mbedtls") != NULL;
  const int expected = is_there ? ARGUMENT : LIMPET_E_UNSUPPORTED;
  CHECK_CODE(limpet_config_set_tls(NULL, "c", "k"), ARGUMENT);
  CHECK_CODE(limpet_config_set_tls(config, NULL, NULL), expected);
  CHECK_CODE(limpet_config_set_tls(config, endless, "k"), expected);
  CHECK_CODE(limpet_config_add_tls_host(NULL, "n", "c", "k"), ARGUMENT);
  CHECK_CODE(limpet_config_add_tls_host(config, NULL, "c", "k"), expected);
  CHECK_CODE(limpet_config_add_tls_host(config, endless, "c", "k"), expected);
  CHECK_CODE(limpet_config_set_tls_ciphers(NULL, "s"), ARGUMENT);
  CHECK(limpet_config_set_tls_ciphers(config, endless) < 0);
  CHECK(limpet_config_set_tls_ciphers(config, "NO-SUCH-SUITE") < 0);
  CHECK_CODE(limpet_config_set_tls_client_ca(NULL, "c", true), ARGUMENT);
  CHECK_CODE(limpet_config_set_tls_client_ca(config, endless, true), expected);
  CHECK_CODE(limpet_config_set_tls_peer(NULL, "c", true), ARGUMENT);
  CHECK_CODE(limpet_config_set_tls_peer(config, endless, true), expected);
  limpet_config_free(config);
}

static void test_config_memory(void) {
  limpet_config *config = limpet_config_new();
  CHECK(limpet_config_set_memory(config, NULL, 1000) < 0);
  if (limpet_config_memory_size(config) > 0 && limpet_config_set_memory(config, endless, 16) == 0) {
    CHECK(limpet_server_new(config) == NULL);
  }
  limpet_config_free(config);
}

/* ----------------------------------------------------------------------- a server */

static void task(limpet_session session, void *arg) { (void)session, (void)arg; }
static bool room_told(const struct limpet_room *room, void *user) { return room && user; }

static void test_server_null(void) {
  limpet_session sessions[2] = {0};
  struct limpet_stats_record stats;
  struct limpet_poll_callbacks callbacks = {NULL, NULL, NULL, NULL};
  limpet_server_free(NULL);
  CHECK_CODE(limpet_server_start(NULL), ARGUMENT);
  CHECK_CODE(limpet_server_poll(NULL, 0), ARGUMENT);
  CHECK_CODE(limpet_server_run(NULL), ARGUMENT);
  CHECK_CODE(limpet_server_stop(NULL, 0), ARGUMENT);
  CHECK_EQUAL(limpet_server_interrupt(NULL, 0), ARGUMENT);
  CHECK_CODE(limpet_server_wake(NULL), ARGUMENT);
  CHECK_CODE(limpet_server_port(NULL), ARGUMENT);
  CHECK(limpet_server_user(NULL) == NULL);
  CHECK_CODE(limpet_server_set_user(NULL, NULL), ARGUMENT);
  CHECK(limpet_server_reload_tls(NULL) < 0);
#define CHECK_CALLBACK(name) CHECK_EQUAL(limpet_server_set_on_##name(NULL, NULL, NULL), ARGUMENT)
  CHECK_CALLBACK(upgrade), CHECK_CALLBACK(request), CHECK_CALLBACK(connect),
      CHECK_CALLBACK(connect_error);
  CHECK_CALLBACK(message), CHECK_CALLBACK(chunk), CHECK_CALLBACK(close), CHECK_CALLBACK(error);
  CHECK_CALLBACK(ping), CHECK_CALLBACK(pong), CHECK_CALLBACK(writable), CHECK_CALLBACK(shutdown);
  CHECK_CALLBACK(heartbeat);
  CHECK_CODE(limpet_server_broadcast(NULL, LIMPET_TEXT, "x", 1), ARGUMENT);
  CHECK_CODE(limpet_server_broadcast_to(NULL, NULL, LIMPET_TEXT, "x", 1, NULL), ARGUMENT);
  CHECK_CODE(limpet_server_publish(NULL, "t", 0, LIMPET_TEXT, "x", 1, NULL), ARGUMENT);
  CHECK_CODE(limpet_server_send_many(NULL, sessions, 2, LIMPET_TEXT, "x", 1), ARGUMENT);
  CHECK(limpet_server_prepare(NULL, LIMPET_TEXT, "x", 1) == NULL);
  limpet_prepared_free(NULL);
  CHECK_CODE(limpet_server_each(NULL, 0, task, NULL, NULL), ARGUMENT);
  CHECK_CODE(limpet_server_sessions(NULL, sessions, 2), ARGUMENT);
  CHECK_CODE(limpet_server_select(NULL, NULL, sessions, 2), ARGUMENT);
  CHECK_CODE(limpet_server_room_members(NULL, "t", sessions, 2), ARGUMENT);
  CHECK_CODE(limpet_server_rooms(NULL, room_told, NULL), ARGUMENT);
  CHECK_EQUAL(limpet_server_active_count(NULL), 0);
  CHECK_EQUAL(limpet_server_total_count(NULL), 0);
  CHECK_EQUAL(limpet_server_total_messages(NULL), 0);
  CHECK_CODE(limpet_server_stats(NULL, &stats), ARGUMENT);
  CHECK_CODE(limpet_server_metrics(NULL, buffer, sizeof buffer), ARGUMENT);
  CHECK_EQUAL(limpet_server_memory(NULL), 0);
  CHECK_CODE(limpet_server_call_writable_all(NULL), ARGUMENT);
  CHECK_CODE(limpet_server_connect(NULL, "ws://h", NULL, sessions), ARGUMENT);
  CHECK_CODE(limpet_server_attach(NULL, 0, 0, sessions), ARGUMENT);
  CHECK_CODE(limpet_server_set_poll(NULL, &callbacks), ARGUMENT);
  CHECK_CODE(limpet_server_service_fd(NULL, 0, POLLIN), ARGUMENT);
  CHECK_CODE(limpet_server_service(NULL), ARGUMENT);
}

/* A server that is there, and everything else that is not. */
static void test_server_arguments(void) {
  limpet_session one[1] = {0};
  struct limpet_poll_callbacks callbacks = {NULL, NULL, NULL, NULL};
  const struct limpet_selection long_key = {.key = endless};
  const struct limpet_selection no_key = {.key = ""};
  const struct limpet_selection long_value = {
      .key = "k", .value = endless, .value_length = SIZE_MAX};
  CHECK_CODE(limpet_server_start(server), LIMPET_E_STATE);
  CHECK_CODE(limpet_server_set_on_connect(server, NULL, NULL), LIMPET_E_STATE);
  CHECK(limpet_server_set_poll(server, &callbacks) < 0);
  CHECK(limpet_server_set_poll(server, NULL) < 0);
  CHECK(limpet_server_reload_tls(server) < 0);
  const int no_type = 7;
  CHECK_CODE(limpet_server_broadcast(server, (enum limpet_type)no_type, "x", 1), ARGUMENT);
  CHECK_CODE(limpet_server_broadcast(server, LIMPET_TEXT, NULL, 1), ARGUMENT);
  CHECK_CODE(limpet_server_broadcast(server, LIMPET_TEXT, "x", SIZE_MAX), ARGUMENT);
  CHECK_CODE(limpet_server_broadcast_to(server, &long_key, LIMPET_TEXT, "x", 1, NULL), ARGUMENT);
  CHECK_CODE(limpet_server_broadcast_to(server, &no_key, LIMPET_TEXT, "x", 1, NULL), ARGUMENT);
  CHECK_CODE(limpet_server_broadcast_to(server, &long_value, LIMPET_TEXT, "x", 1, NULL), ARGUMENT);
  CHECK_CODE(limpet_server_publish(server, NULL, 0, LIMPET_TEXT, "x", 1, NULL), ARGUMENT);
  CHECK_CODE(limpet_server_publish(server, endless, 0, LIMPET_TEXT, "x", 1, NULL), ARGUMENT);
  CHECK(limpet_server_publish(server, "", 0, LIMPET_TEXT, "x", 1, NULL) < 0);
  CHECK_CODE(limpet_server_publish(server, "\xff", 0, LIMPET_TEXT, "x", 1, NULL),
             LIMPET_ERROR_CODE_VALUE);
  CHECK_CODE(limpet_server_publish(server, "t", 0, LIMPET_TEXT, NULL, 1, NULL), ARGUMENT);
  CHECK_CODE(limpet_server_publish(server, "t", 0, LIMPET_TEXT, "x", SIZE_MAX, NULL), ARGUMENT);
  CHECK_CODE(limpet_server_send_many(server, NULL, 1, LIMPET_TEXT, "x", 1), ARGUMENT);
  CHECK_CODE(limpet_server_send_many(server, one, 1, LIMPET_TEXT, "x", SIZE_MAX), ARGUMENT);
  CHECK(limpet_server_prepare(server, LIMPET_TEXT, NULL, 1) == NULL);
  CHECK(limpet_server_prepare(server, LIMPET_TEXT, "x", SIZE_MAX) == NULL);
  CHECK_CODE(limpet_server_each(server, 0, NULL, NULL, NULL), ARGUMENT);
  CHECK_CODE(limpet_server_sessions(server, NULL, 1), ARGUMENT);
  CHECK_CODE(limpet_server_select(server, NULL, NULL, 1), ARGUMENT);
  CHECK_CODE(limpet_server_select(server, &long_key, one, 1), ARGUMENT);
  CHECK_CODE(limpet_server_room_members(server, NULL, one, 1), ARGUMENT);
  CHECK_CODE(limpet_server_room_members(server, "t", NULL, 1), ARGUMENT);
  CHECK_CODE(limpet_server_room_members(server, endless, one, 1), ARGUMENT);
  CHECK_CODE(limpet_server_rooms(server, NULL, NULL), ARGUMENT);
  CHECK_CODE(limpet_server_stats(server, NULL), ARGUMENT);
  CHECK_CODE(limpet_server_metrics(server, NULL, 1), ARGUMENT);
  CHECK(limpet_server_metrics(server, NULL, 0) > 0);
  CHECK(limpet_server_metrics(server, buffer, 1) > 0);
}

static void test_server_endpoints(void) {
  limpet_session session = 0;
  CHECK_CODE(limpet_server_connect(server, NULL, NULL, &session), ARGUMENT);
  CHECK_CODE(limpet_server_connect(server, "ws://h", NULL, NULL), ARGUMENT);
  CHECK(limpet_server_connect(server, "http://h", NULL, &session) < 0);
  CHECK(limpet_server_connect(server, "ws://", NULL, &session) < 0);
  CHECK(limpet_server_connect(server, "ws://h:99999/", NULL, &session) < 0);
  CHECK(limpet_server_connect(server, endless, NULL, &session) < 0);
  const struct limpet_connect_options bad = {.protocols = "a b", .headers = "no field"};
  CHECK(limpet_server_connect(server, "ws://127.0.0.1:1/", &bad, &session) < 0);
  CHECK_EQUAL(session, 0);
  CHECK(limpet_server_attach(server, -1, 0, &session) < 0);
  CHECK(limpet_server_attach(server, 1 << 28, 0, &session) < 0);
  int ends[2];
  CHECK(pipe(ends) == 0);
  CHECK_CODE(limpet_server_attach(server, ends[0], UINT32_MAX, &session), ARGUMENT);
  CHECK_CODE(limpet_server_attach(server, ends[0], 0, NULL), ARGUMENT);
  // What is no socket, or not one of the server's.
  CHECK(limpet_server_attach(server, ends[0], 0, &session) < 0);
  CHECK(limpet_server_service_fd(server, ends[0], POLLIN) <= 0);
  CHECK(limpet_server_service_fd(server, -1, -1) <= 0);
  close(ends[0]);
  close(ends[1]);
}

/* ----------------------------------------------------------- one connection, blocking */

static void test_ws(void) {
  limpet_ws *ws = NULL;
  enum limpet_type type;
  const int64_t now = limpet_now();
  CHECK_CODE(limpet_ws_attach(NULL, 0, 0, NULL, 0, NULL, 0, NULL, now, &ws), ARGUMENT);
  CHECK_CODE(limpet_ws_attach(server, 0, 0, NULL, 0, NULL, 0, NULL, now, NULL), ARGUMENT);
  CHECK_CODE(limpet_ws_attach(server, 0, 0, NULL, 1, NULL, 0, NULL, now, &ws), ARGUMENT);
  CHECK_CODE(limpet_ws_attach(server, 0, 0, NULL, 0, NULL, 1, NULL, now, &ws), ARGUMENT);
  CHECK(limpet_ws_attach(server, -1, 0, NULL, 0, NULL, 0, NULL, now, &ws) < 0);
  CHECK(ws == NULL);
  CHECK_CODE(limpet_ws_send(NULL, "x", 1, now), ARGUMENT);
  CHECK_CODE(limpet_ws_send_as(NULL, LIMPET_TEXT, "x", 1, now), ARGUMENT);
  CHECK_CODE(limpet_ws_receive(NULL, buffer, sizeof buffer, &type, now), ARGUMENT);
  CHECK_CODE(limpet_ws_status(NULL, buffer, sizeof buffer), ARGUMENT);
  CHECK_EQUAL(limpet_ws_session(NULL), 0);
  CHECK_CODE(limpet_ws_detach(NULL, 1000, NULL, now), ARGUMENT);
  CHECK_CODE(limpet_ws_close(NULL, now), ARGUMENT);
}

/* ------------------------------------------------------------------- logs, processes */

static void no_emitter(enum limpet_log_level level, const char *line, void *user) {
  (void)level, (void)line, (void)user;
}

static void test_process(void) {
  const char *nothing = NULL;
  const int no_level = 4096;
  CHECK(limpet_log_set(UINT32_MAX, NULL, NULL) <= 0);
  CHECK_EQUAL(limpet_log_set(LIMPET_LOG_ERROR | LIMPET_LOG_DEBUG, no_emitter, NULL), 0);
  limpet_log(LIMPET_LOG_ERROR, nothing, 0);
  limpet_log((enum limpet_log_level)no_level, "%s", endless);
  limpet_log(LIMPET_LOG_ERROR, "%s", endless);
  limpet_log_emit_stderr(LIMPET_LOG_ERROR, NULL, NULL);
  limpet_log_emit_syslog(LIMPET_LOG_ERROR, NULL, NULL);
  CHECK(limpet_strerror(INT32_MAX) != NULL && limpet_strerror(INT32_MIN) != NULL);
  CHECK(limpet_version()[0] != '\0' && limpet_last_error() != NULL);
  // A process of its own: it might go on as a daemon.
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0)
    _exit(limpet_daemonize("/no/such/folder/limpet.pid") < 0 && limpet_daemonize(endless) < 0 ? 3
                                                                                              : 4);
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 3);
}

/* ---------------------------------------------------------------- too soon, too late */

static void test_phases(void) {
  limpet_config *config = limpet_config_new();
  limpet_config_set_port(config, 0);
  server = limpet_server_new(config);
  CHECK(server);
  limpet_config_free(config);
  CHECK_CODE(limpet_server_port(server), LIMPET_E_STATE);
  CHECK_EQUAL(limpet_server_start(server), 0);
  CHECK_CODE(limpet_server_start(server), LIMPET_E_STATE);
  CHECK_CODE(limpet_server_set_on_message(server, NULL, NULL), LIMPET_E_STATE);
  CHECK_EQUAL(limpet_server_stop(server, 0), 0);
  CHECK_EQUAL(limpet_server_stop(server, 0), 0);
  CHECK_CODE(limpet_server_poll(server, 0), LIMPET_E_STATE);
  CHECK_EQUAL(limpet_server_run(server), 0);
  CHECK_CODE(limpet_server_start(server), LIMPET_E_STATE);
  CHECK_EQUAL(limpet_server_broadcast(server, LIMPET_TEXT, "x", 1), 0);
  limpet_server_free(server);
}

int main(void) {
  memset(endless, 'a', sizeof endless - 1);
  test_config_null();
  test_config_tls();
  test_config_memory();
  test_server_null();
  test_process();
  serve(NULL);
  struct check_client client = join(NULL);
  test_server_arguments();
  test_server_endpoints();
  test_ws();
  // After all that it serves.
  check_client_send(&client, CHECK_PING_FRAME, "there?", 6);
  CHECK_FRAME(&client, CHECK_PONG_FRAME, "there?");
  part(&client);
  serve_end();
  test_phases();
  return 0;
}
