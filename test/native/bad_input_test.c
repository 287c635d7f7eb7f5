/* Every function of limpet.h with NULL, zero, stale sessions, lengths out of range and from the wrong thread: it
 * answers a code, and crashes never (run it under AddressSanitizer and UBSan, too). api.test.ts makes sure that no
 * function is left out. */

#include <pthread.h>
#include <sys/wait.h>

#include "support.h"

#define ARGUMENT LIMPET_ERROR_CODE_ARGUMENT
#define HANDLE LIMPET_ERROR_CODE_HANDLE

/* Longer than all scratch regions, and than any string that a call takes. */
static char endless[100000];
static char buffer[64];

/* ----------------------------------------------------------------------- a config */

static void test_config_null(void) {
  limpet_config_free(NULL);
  CHECK(limpet_config_get_host(NULL) == NULL);
  CHECK_EQUAL(limpet_config_get_port(NULL), ARGUMENT);
  CHECK_EQUAL(limpet_config_memory_size(NULL), 0);
  CHECK_EQUAL(limpet_config_set_host(NULL, "h"), ARGUMENT);
  CHECK_EQUAL(limpet_config_set_port(NULL, 1), ARGUMENT);
  CHECK_EQUAL(limpet_config_set_backlog(NULL, 1), ARGUMENT);
  CHECK_EQUAL(limpet_config_set_threads(NULL, 1), ARGUMENT);
  CHECK_EQUAL(limpet_config_set_max_connections(NULL, 1), ARGUMENT);
  CHECK_EQUAL(limpet_config_set_max_connections_per_address(NULL, 1), ARGUMENT);
  CHECK_EQUAL(limpet_config_set_max_message_size(NULL, 1), ARGUMENT);
  CHECK_EQUAL(limpet_config_set_max_backpressure(NULL, 1), ARGUMENT);
  CHECK_EQUAL(limpet_config_set_full_policy(NULL, LIMPET_FULL_POLICY_DROP), ARGUMENT);
  CHECK_EQUAL(limpet_config_set_delivery(NULL, LIMPET_DELIVERY_STREAM), ARGUMENT);
  CHECK_EQUAL(limpet_config_set_ping_interval(NULL, 1), ARGUMENT);
  CHECK_EQUAL(limpet_config_set_ping_timeout(NULL, 1), ARGUMENT);
  CHECK_EQUAL(limpet_config_set_idle_timeout(NULL, 1), ARGUMENT);
  CHECK_EQUAL(limpet_config_set_handshake_timeout(NULL, 1), ARGUMENT);
  CHECK_EQUAL(limpet_config_set_close_timeout(NULL, 1), ARGUMENT);
  CHECK_EQUAL(limpet_config_set_heartbeat(NULL, 1, 1), ARGUMENT);
  CHECK_EQUAL(limpet_config_set_compression_enabled(NULL, true), ARGUMENT);
  CHECK_EQUAL(limpet_config_set_compression_level(NULL, 1), ARGUMENT);
  CHECK_EQUAL(limpet_config_set_compression_window(NULL, 9), ARGUMENT);
  CHECK_EQUAL(limpet_config_set_compression_threshold(NULL, 1), ARGUMENT);
  CHECK_EQUAL(limpet_config_set_context_takeover(NULL, true), ARGUMENT);
  CHECK_EQUAL(limpet_config_set_origin_validation(NULL, true), ARGUMENT);
  CHECK_EQUAL(limpet_config_add_allowed_origin(NULL, "*"), ARGUMENT);
  CHECK_EQUAL(limpet_config_add_subprotocol(NULL, "p"), ARGUMENT);
  CHECK_EQUAL(limpet_config_add_token(NULL, "t"), ARGUMENT);
  CHECK_EQUAL(limpet_config_set_token_sources(NULL, 1), ARGUMENT);
  CHECK_EQUAL(limpet_config_set_rate_limit_enabled(NULL, true), ARGUMENT);
  CHECK_EQUAL(limpet_config_set_rate_limit_messages(NULL, 1), ARGUMENT);
  CHECK_EQUAL(limpet_config_set_rate_limit_bytes(NULL, 1), ARGUMENT);
  CHECK_EQUAL(limpet_config_set_rate_limit_window(NULL, 1), ARGUMENT);
  CHECK_EQUAL(limpet_config_set_rate_limit_policy(NULL, LIMPET_RATE_POLICY_DROP), ARGUMENT);
  CHECK_EQUAL(limpet_config_set_rate_limit_all(NULL, 1, 1), ARGUMENT);
  CHECK_EQUAL(limpet_config_set_trust_proxy(NULL, 1), ARGUMENT);
  CHECK_EQUAL(limpet_config_set_keep_request(NULL, "*"), ARGUMENT);
  CHECK_EQUAL(limpet_config_set_keepalive(NULL, 1, 1, 1), ARGUMENT);
  CHECK_EQUAL(limpet_config_set_batch(NULL, 1), ARGUMENT);
  CHECK_EQUAL(limpet_config_set_option(NULL, LIMPET_OPTION_UTF8, 1), ARGUMENT);
  CHECK_EQUAL(limpet_config_set_memory(NULL, buffer, sizeof buffer), ARGUMENT);
  CHECK(limpet_server_new(NULL) == NULL);
}

/* Without TLS in the library these answer LIMPET_E_UNSUPPORTED for any config. */
static void test_config_tls(void) {
  limpet_config *config = limpet_config_new();
  const bool is_there = strstr(limpet_version(), "mbedtls") != NULL;
  const int expected = is_there ? ARGUMENT : LIMPET_E_UNSUPPORTED;
  CHECK_EQUAL(limpet_config_set_tls(NULL, "c", "k"), ARGUMENT);
  CHECK_EQUAL(limpet_config_set_tls(config, NULL, NULL), expected);
  CHECK_EQUAL(limpet_config_set_tls(config, endless, "k"), expected);
  CHECK_EQUAL(limpet_config_add_tls_host(NULL, "n", "c", "k"), ARGUMENT);
  CHECK_EQUAL(limpet_config_add_tls_host(config, NULL, "c", "k"), expected);
  CHECK_EQUAL(limpet_config_add_tls_host(config, endless, "c", "k"), expected);
  CHECK_EQUAL(limpet_config_set_tls_ciphers(NULL, "s"), ARGUMENT);
  CHECK(limpet_config_set_tls_ciphers(config, endless) < 0);
  CHECK(limpet_config_set_tls_ciphers(config, "NO-SUCH-SUITE") < 0);
  CHECK_EQUAL(limpet_config_set_tls_client_ca(NULL, "c", true), ARGUMENT);
  CHECK_EQUAL(limpet_config_set_tls_client_ca(config, endless, true), expected);
  CHECK_EQUAL(limpet_config_set_tls_peer(NULL, "c", true), ARGUMENT);
  CHECK_EQUAL(limpet_config_set_tls_peer(config, endless, true), expected);
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
static bool field_told(const char *name, const char *value, void *user) { return name && value && user; }

static void test_server_null(void) {
  limpet_session sessions[2] = {0};
  struct limpet_stats_record stats;
  struct limpet_poll_callbacks callbacks = {NULL, NULL, NULL, NULL};
  limpet_server_free(NULL);
  CHECK_EQUAL(limpet_server_start(NULL), ARGUMENT);
  CHECK_EQUAL(limpet_server_poll(NULL, 0), ARGUMENT);
  CHECK_EQUAL(limpet_server_run(NULL), ARGUMENT);
  CHECK_EQUAL(limpet_server_stop(NULL, 0), ARGUMENT);
  CHECK_EQUAL(limpet_server_interrupt(NULL, 0), ARGUMENT);
  CHECK_EQUAL(limpet_server_wake(NULL), ARGUMENT);
  CHECK_EQUAL(limpet_server_port(NULL), ARGUMENT);
  CHECK(limpet_server_user(NULL) == NULL);
  CHECK_EQUAL(limpet_server_set_user(NULL, NULL), ARGUMENT);
  CHECK(limpet_server_reload_tls(NULL) < 0);
#define CHECK_CALLBACK(name) CHECK_EQUAL(limpet_server_set_on_##name(NULL, NULL, NULL), ARGUMENT)
  CHECK_CALLBACK(upgrade), CHECK_CALLBACK(request), CHECK_CALLBACK(connect), CHECK_CALLBACK(connect_error);
  CHECK_CALLBACK(message), CHECK_CALLBACK(chunk), CHECK_CALLBACK(close), CHECK_CALLBACK(error);
  CHECK_CALLBACK(ping), CHECK_CALLBACK(pong), CHECK_CALLBACK(writable), CHECK_CALLBACK(shutdown);
  CHECK_CALLBACK(heartbeat);
  CHECK_EQUAL(limpet_server_broadcast(NULL, LIMPET_TEXT, "x", 1), ARGUMENT);
  CHECK_EQUAL(limpet_server_broadcast_to(NULL, NULL, LIMPET_TEXT, "x", 1, NULL), ARGUMENT);
  CHECK_EQUAL(limpet_server_publish(NULL, "t", 0, LIMPET_TEXT, "x", 1, NULL), ARGUMENT);
  CHECK_EQUAL(limpet_server_send_many(NULL, sessions, 2, LIMPET_TEXT, "x", 1), ARGUMENT);
  CHECK(limpet_server_prepare(NULL, LIMPET_TEXT, "x", 1) == NULL);
  limpet_prepared_free(NULL);
  CHECK_EQUAL(limpet_server_each(NULL, 0, task, NULL, NULL), ARGUMENT);
  CHECK_EQUAL(limpet_server_sessions(NULL, sessions, 2), ARGUMENT);
  CHECK_EQUAL(limpet_server_select(NULL, NULL, sessions, 2), ARGUMENT);
  CHECK_EQUAL(limpet_server_room_members(NULL, "t", sessions, 2), ARGUMENT);
  CHECK_EQUAL(limpet_server_rooms(NULL, room_told, NULL), ARGUMENT);
  CHECK_EQUAL(limpet_server_active_count(NULL), 0);
  CHECK_EQUAL(limpet_server_total_count(NULL), 0);
  CHECK_EQUAL(limpet_server_total_messages(NULL), 0);
  CHECK_EQUAL(limpet_server_stats(NULL, &stats), ARGUMENT);
  CHECK_EQUAL(limpet_server_metrics(NULL, buffer, sizeof buffer), ARGUMENT);
  CHECK_EQUAL(limpet_server_memory(NULL), 0);
  CHECK_EQUAL(limpet_server_call_writable_all(NULL), ARGUMENT);
  CHECK_EQUAL(limpet_server_connect(NULL, "ws://h", NULL, sessions), ARGUMENT);
  CHECK_EQUAL(limpet_server_attach(NULL, 0, 0, sessions), ARGUMENT);
  CHECK_EQUAL(limpet_server_set_poll(NULL, &callbacks), ARGUMENT);
  CHECK_EQUAL(limpet_server_service_fd(NULL, 0, POLLIN), ARGUMENT);
  CHECK_EQUAL(limpet_server_service(NULL), ARGUMENT);
}

/* A server that is there, and everything else that is not. */
static void test_server_arguments(void) {
  limpet_session one[1] = {0};
  struct limpet_poll_callbacks callbacks = {NULL, NULL, NULL, NULL};
  const struct limpet_selection long_key = {.key = endless};
  const struct limpet_selection no_key = {.key = ""};
  const struct limpet_selection long_value = {.key = "k", .value = endless, .value_length = SIZE_MAX};
  CHECK_EQUAL(limpet_server_start(server), LIMPET_E_STATE);
  CHECK_EQUAL(limpet_server_set_on_connect(server, NULL, NULL), LIMPET_E_STATE);
  CHECK(limpet_server_set_poll(server, &callbacks) < 0);
  CHECK(limpet_server_set_poll(server, NULL) < 0);
  CHECK(limpet_server_reload_tls(server) < 0);
  const int no_type = 7;
  CHECK_EQUAL(limpet_server_broadcast(server, (enum limpet_type)no_type, "x", 1), ARGUMENT);
  CHECK_EQUAL(limpet_server_broadcast(server, LIMPET_TEXT, NULL, 1), ARGUMENT);
  CHECK_EQUAL(limpet_server_broadcast(server, LIMPET_TEXT, "x", SIZE_MAX), ARGUMENT);
  CHECK_EQUAL(limpet_server_broadcast_to(server, &long_key, LIMPET_TEXT, "x", 1, NULL), ARGUMENT);
  CHECK_EQUAL(limpet_server_broadcast_to(server, &no_key, LIMPET_TEXT, "x", 1, NULL), ARGUMENT);
  CHECK_EQUAL(limpet_server_broadcast_to(server, &long_value, LIMPET_TEXT, "x", 1, NULL), ARGUMENT);
  CHECK_EQUAL(limpet_server_publish(server, NULL, 0, LIMPET_TEXT, "x", 1, NULL), ARGUMENT);
  CHECK_EQUAL(limpet_server_publish(server, endless, 0, LIMPET_TEXT, "x", 1, NULL), ARGUMENT);
  CHECK(limpet_server_publish(server, "", 0, LIMPET_TEXT, "x", 1, NULL) < 0);
  CHECK_EQUAL(limpet_server_publish(server, "\xff", 0, LIMPET_TEXT, "x", 1, NULL), LIMPET_ERROR_CODE_VALUE);
  CHECK_EQUAL(limpet_server_publish(server, "t", 0, LIMPET_TEXT, NULL, 1, NULL), ARGUMENT);
  CHECK_EQUAL(limpet_server_publish(server, "t", 0, LIMPET_TEXT, "x", SIZE_MAX, NULL), ARGUMENT);
  CHECK_EQUAL(limpet_server_send_many(server, NULL, 1, LIMPET_TEXT, "x", 1), ARGUMENT);
  CHECK_EQUAL(limpet_server_send_many(server, one, 1, LIMPET_TEXT, "x", SIZE_MAX), ARGUMENT);
  CHECK(limpet_server_prepare(server, LIMPET_TEXT, NULL, 1) == NULL);
  CHECK(limpet_server_prepare(server, LIMPET_TEXT, "x", SIZE_MAX) == NULL);
  CHECK_EQUAL(limpet_server_each(server, 0, NULL, NULL, NULL), ARGUMENT);
  CHECK_EQUAL(limpet_server_sessions(server, NULL, 1), ARGUMENT);
  CHECK_EQUAL(limpet_server_select(server, NULL, NULL, 1), ARGUMENT);
  CHECK_EQUAL(limpet_server_select(server, &long_key, one, 1), ARGUMENT);
  CHECK_EQUAL(limpet_server_room_members(server, NULL, one, 1), ARGUMENT);
  CHECK_EQUAL(limpet_server_room_members(server, "t", NULL, 1), ARGUMENT);
  CHECK_EQUAL(limpet_server_room_members(server, endless, one, 1), ARGUMENT);
  CHECK_EQUAL(limpet_server_rooms(server, NULL, NULL), ARGUMENT);
  CHECK_EQUAL(limpet_server_stats(server, NULL), ARGUMENT);
  CHECK_EQUAL(limpet_server_metrics(server, NULL, 1), ARGUMENT);
  CHECK(limpet_server_metrics(server, NULL, 0) > 0);
  CHECK(limpet_server_metrics(server, buffer, 1) > 0);
}

static void test_server_endpoints(void) {
  limpet_session session = 0;
  CHECK_EQUAL(limpet_server_connect(server, NULL, NULL, &session), ARGUMENT);
  CHECK_EQUAL(limpet_server_connect(server, "ws://h", NULL, NULL), ARGUMENT);
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
  CHECK_EQUAL(limpet_server_attach(server, ends[0], UINT32_MAX, &session), ARGUMENT);
  CHECK_EQUAL(limpet_server_attach(server, ends[0], 0, NULL), ARGUMENT);
  // What is no socket, or not one of the server's.
  CHECK(limpet_server_attach(server, ends[0], 0, &session) < 0);
  CHECK(limpet_server_service_fd(server, ends[0], POLLIN) <= 0);
  CHECK(limpet_server_service_fd(server, -1, -1) <= 0);
  close(ends[0]);
  close(ends[1]);
}

/* ---------------------------------------------------------------------- a session */

/* All functions of a session that is none. */
static void session_is(limpet_session session, int code) {
  struct limpet_session_details details;
  size_t rest = sizeof buffer;
  CHECK_EQUAL(limpet_session_send(session, LIMPET_TEXT, "x", 1), code);
  CHECK_EQUAL(limpet_session_send_text(session, "x"), code);
  CHECK_EQUAL(limpet_session_send_fragment(session, LIMPET_TEXT, "x", 1, true), code);
  CHECK_EQUAL(limpet_session_send_with(session, LIMPET_TEXT, "x", 1, 0), code);
  CHECK_EQUAL(limpet_session_ping(session, "x", 1), code);
  CHECK_EQUAL(limpet_session_pong(session, "x", 1), code);
  CHECK_EQUAL(limpet_session_close(session, 1000, "x"), code);
  CHECK_EQUAL(limpet_session_terminate(session), code);
  CHECK_EQUAL(limpet_session_pause(session), code);
  CHECK_EQUAL(limpet_session_resume(session), code);
  CHECK_EQUAL(limpet_session_queued(session), code);
  CHECK_EQUAL(limpet_session_call_writable(session), code);
  CHECK_EQUAL(limpet_session_info(session, &details), code);
  CHECK_EQUAL(limpet_session_connected_at(session), 0);
  CHECK_EQUAL(limpet_session_active_at(session), 0);
  CHECK_EQUAL(limpet_session_messages_sent(session), 0);
  CHECK_EQUAL(limpet_session_messages_received(session), 0);
  CHECK_EQUAL(limpet_session_bytes_sent(session), 0);
  CHECK_EQUAL(limpet_session_bytes_received(session), 0);
  CHECK_EQUAL(limpet_session_remote_address(session, buffer, sizeof buffer, NULL, NULL), code);
  CHECK_EQUAL(limpet_session_fd(session), code);
#ifdef LIMPET_TLS
  struct limpet_tls_details tls;
  CHECK_EQUAL(limpet_session_tls(session, &tls), code);
#endif
  CHECK_EQUAL(limpet_session_tls(session, NULL), LIMPET_ERROR_CODE_ARGUMENT);
  CHECK(limpet_session_user(session) == NULL);
  CHECK(limpet_session_set_user(session, buffer) == NULL);
  CHECK_EQUAL(limpet_session_set_metadata(session, "k", "v", 1), code);
  CHECK_EQUAL(limpet_session_metadata(session, "k", buffer, sizeof buffer), code);
  CHECK_EQUAL(limpet_session_delete_metadata(session, "k"), code);
  CHECK_EQUAL(limpet_session_request_part(session, LIMPET_PART_PATH, buffer, sizeof buffer), code);
  CHECK_EQUAL(limpet_session_header(session, "host", buffer, sizeof buffer), code);
  CHECK_EQUAL(limpet_session_cookie(session, "c", buffer, sizeof buffer), code);
  CHECK_EQUAL(limpet_session_offered_protocol(session, 0, buffer, sizeof buffer), code);
  CHECK_EQUAL(limpet_session_headers(session, field_told, NULL), code);
  CHECK_EQUAL(limpet_session_accept(session, NULL, NULL), code);
  CHECK_EQUAL(limpet_session_respond(session, 404, NULL, NULL, 0), code);
  CHECK_EQUAL(limpet_session_join(session, "t"), code);
  CHECK_EQUAL(limpet_session_leave(session, "t"), code);
  CHECK_EQUAL(limpet_session_in_room(session, "t"), code);
  CHECK_EQUAL(limpet_session_detach(session, buffer, &rest), code);
}

/* Those that other threads may call hand over what cannot be judged there: a session whose loop is there. */
static void test_stale(limpet_session ended) {
  session_is(0, HANDLE);
  session_is(1, HANDLE);
  session_is(UINT64_MAX, HANDLE);
  session_is(ended, HANDLE);
  session_is(ended ^ 1, HANDLE);
  session_is(ended | 0x80000000u, HANDLE);
  session_is(ended ^ UINT64_C(1) << 48, HANDLE);
  CHECK(limpet_session_server(0) == NULL);
  CHECK(limpet_session_server(UINT64_MAX) == NULL);
}

/* A session that is open, and everything else out of range. */
static void test_session_arguments(limpet_session session) {
  const int no_type = 0, no_part = -5;
  size_t rest = 0;
  CHECK_EQUAL(limpet_session_send(session, (enum limpet_type)no_type, "x", 1), ARGUMENT);
  CHECK_EQUAL(limpet_session_send(session, LIMPET_TEXT, NULL, 1), ARGUMENT);
  CHECK_EQUAL(limpet_session_send(session, LIMPET_TEXT, "x", SIZE_MAX), ARGUMENT);
  CHECK_EQUAL(limpet_session_send(session, LIMPET_TEXT, "x", (size_t)INT32_MAX + 1), ARGUMENT);
  CHECK_EQUAL(limpet_session_send_text(session, NULL), ARGUMENT);
  CHECK_EQUAL(limpet_session_send_fragment(session, (enum limpet_type)no_type, "x", 1, true), ARGUMENT);
  CHECK_EQUAL(limpet_session_send_fragment(session, LIMPET_TEXT, NULL, 1, true), ARGUMENT);
  CHECK_EQUAL(limpet_session_send_fragment(session, LIMPET_TEXT, "x", SIZE_MAX, true), ARGUMENT);
  CHECK_EQUAL(limpet_session_send_with(session, LIMPET_TEXT, "x", 1, UINT32_MAX), ARGUMENT);
  CHECK_EQUAL(limpet_session_send_with(session, LIMPET_TEXT, "x", SIZE_MAX, 0), ARGUMENT);
  CHECK_EQUAL(limpet_session_send_prepared(session, NULL), ARGUMENT);
  CHECK_EQUAL(limpet_session_ping(session, endless, 126), ARGUMENT);
  CHECK_EQUAL(limpet_session_ping(session, NULL, 1), ARGUMENT);
  CHECK_EQUAL(limpet_session_pong(session, endless, SIZE_MAX), ARGUMENT);
  CHECK_EQUAL(limpet_session_close(session, 1000, endless), ARGUMENT);
  CHECK_EQUAL(limpet_session_close(session, 1005, NULL), LIMPET_ERROR_CODE_VALUE);
  CHECK_EQUAL(limpet_session_close(session, 65535, NULL), LIMPET_ERROR_CODE_VALUE);
  CHECK_EQUAL(limpet_session_close(session, 1000, "\xff"), LIMPET_ERROR_CODE_VALUE);
  CHECK(limpet_session_close(session, 0, "a reason without a code") < 0);
  CHECK_EQUAL(limpet_session_info(session, NULL), ARGUMENT);
  CHECK_EQUAL(limpet_session_remote_address(session, NULL, 9, NULL, NULL), ARGUMENT);
  CHECK_EQUAL(limpet_session_set_metadata(session, NULL, "v", 1), ARGUMENT);
  CHECK_EQUAL(limpet_session_set_metadata(session, "k", NULL, 1), ARGUMENT);
  CHECK_EQUAL(limpet_session_set_metadata(session, "k", "v", SIZE_MAX), ARGUMENT);
  CHECK_EQUAL(limpet_session_set_metadata(session, endless, "v", 1), ARGUMENT);
  CHECK_EQUAL(limpet_session_metadata(session, NULL, buffer, 1), ARGUMENT);
  CHECK_EQUAL(limpet_session_metadata(session, "k", NULL, 1), ARGUMENT);
  CHECK_EQUAL(limpet_session_delete_metadata(session, NULL), ARGUMENT);
  CHECK_EQUAL(limpet_session_delete_metadata(session, endless), ARGUMENT);
  CHECK(limpet_session_request_part(session, (enum limpet_part)no_part, buffer, 1) < 0);
  CHECK_EQUAL(limpet_session_request_part(session, LIMPET_PART_PATH, NULL, 1), ARGUMENT);
  CHECK_EQUAL(limpet_session_header(session, NULL, buffer, 1), ARGUMENT);
  CHECK_EQUAL(limpet_session_header(session, endless, buffer, 1), ARGUMENT);
  CHECK_EQUAL(limpet_session_header(session, "host", NULL, 1), ARGUMENT);
  CHECK_EQUAL(limpet_session_cookie(session, NULL, buffer, 1), ARGUMENT);
  CHECK_EQUAL(limpet_session_cookie(session, endless, buffer, 1), ARGUMENT);
  CHECK_EQUAL(limpet_session_offered_protocol(session, -1, buffer, 1), ARGUMENT);
  CHECK(limpet_session_offered_protocol(session, INT32_MAX, buffer, 1) < 0);
  CHECK_EQUAL(limpet_session_headers(session, NULL, NULL), ARGUMENT);
  CHECK_EQUAL(limpet_session_accept(session, endless, NULL), ARGUMENT);
  CHECK_EQUAL(limpet_session_accept(session, NULL, endless), ARGUMENT);
  CHECK_EQUAL(limpet_session_accept(session, NULL, NULL), LIMPET_ERROR_CODE_STATE);
  CHECK_EQUAL(limpet_session_respond(session, 99, NULL, NULL, 0), ARGUMENT);
  CHECK_EQUAL(limpet_session_respond(session, 600, NULL, NULL, 0), ARGUMENT);
  CHECK_EQUAL(limpet_session_respond(session, 200, endless, NULL, 0), ARGUMENT);
  CHECK_EQUAL(limpet_session_respond(session, 200, NULL, NULL, 1), ARGUMENT);
  CHECK_EQUAL(limpet_session_respond(session, 200, NULL, "x", SIZE_MAX), ARGUMENT);
  CHECK_EQUAL(limpet_session_join(session, NULL), ARGUMENT);
  CHECK_EQUAL(limpet_session_join(session, endless), ARGUMENT);
  CHECK_EQUAL(limpet_session_leave(session, NULL), ARGUMENT);
  CHECK_EQUAL(limpet_session_in_room(session, NULL), ARGUMENT);
  CHECK_EQUAL(limpet_session_in_room(session, endless), ARGUMENT);
  rest = 1;
  CHECK(limpet_session_detach(session, NULL, &rest) < 0);
}

/* ----------------------------------------------------------------- the wrong thread */

static limpet_session living;
static limpet_prepared *message;

/* Most functions of a session are its thread's. */
static void *wrong_thread(void *nothing) {
  struct limpet_session_details details;
  limpet_session one[1];
  const int no = LIMPET_E_THREAD;
  size_t rest = sizeof buffer;
  CHECK_EQUAL(limpet_session_send_fragment(living, LIMPET_TEXT, "x", 1, true), no);
  CHECK_EQUAL(limpet_session_ping(living, "x", 1), no);
  CHECK_EQUAL(limpet_session_pong(living, "x", 1), no);
  CHECK_EQUAL(limpet_session_pause(living), no);
  CHECK_EQUAL(limpet_session_resume(living), no);
  CHECK_EQUAL(limpet_session_queued(living), no);
  CHECK_EQUAL(limpet_session_call_writable(living), no);
  CHECK_EQUAL(limpet_session_info(living, &details), no);
  CHECK_EQUAL(limpet_session_remote_address(living, buffer, sizeof buffer, NULL, NULL), no);
  CHECK_EQUAL(limpet_session_fd(living), no);
  CHECK(limpet_session_set_user(living, buffer) == NULL);
  CHECK_EQUAL(limpet_session_set_metadata(living, "k", "v", 1), no);
  CHECK_EQUAL(limpet_session_metadata(living, "k", buffer, sizeof buffer), no);
  CHECK_EQUAL(limpet_session_delete_metadata(living, "k"), no);
  CHECK_EQUAL(limpet_session_request_part(living, LIMPET_PART_PATH, buffer, sizeof buffer), no);
  CHECK_EQUAL(limpet_session_header(living, "host", buffer, sizeof buffer), no);
  CHECK_EQUAL(limpet_session_cookie(living, "c", buffer, sizeof buffer), no);
  CHECK_EQUAL(limpet_session_offered_protocol(living, 0, buffer, sizeof buffer), no);
  CHECK_EQUAL(limpet_session_headers(living, field_told, NULL), no);
  CHECK_EQUAL(limpet_session_accept(living, NULL, NULL), no);
  CHECK_EQUAL(limpet_session_respond(living, 404, NULL, NULL, 0), no);
  CHECK_EQUAL(limpet_session_join(living, "t"), no);
  CHECK_EQUAL(limpet_session_leave(living, "t"), no);
  CHECK_EQUAL(limpet_session_in_room(living, "t"), no);
  CHECK_EQUAL(limpet_session_detach(living, buffer, &rest), no);
  CHECK_EQUAL(limpet_session_send_prepared(living, message), no);
  CHECK_EQUAL(limpet_server_sessions(server, one, 1), no);
  CHECK_EQUAL(limpet_server_select(server, NULL, one, 1), no);
  CHECK_EQUAL(limpet_server_room_members(server, "t", one, 1), no);
  CHECK_EQUAL(limpet_server_rooms(server, room_told, NULL), no);
  // These are for any thread.
  CHECK(limpet_session_server(living) == server);
  CHECK_EQUAL(limpet_session_send(living, LIMPET_TEXT, "x", 1), 0);
  CHECK_EQUAL(limpet_session_send(living, LIMPET_TEXT, NULL, 1), ARGUMENT);
  CHECK_EQUAL(limpet_session_send(living, LIMPET_TEXT, "x", SIZE_MAX), ARGUMENT);
  CHECK_EQUAL(limpet_session_send_text(living, NULL), ARGUMENT);
  CHECK_EQUAL(limpet_session_close(living, 1000, endless), ARGUMENT);
  CHECK_EQUAL(limpet_server_broadcast(server, LIMPET_TEXT, "x", SIZE_MAX), ARGUMENT);
  CHECK_EQUAL(limpet_server_active_count(server), 1);
  return nothing;
}

static void test_threads(void) {
  pthread_t thread;
  message = limpet_server_prepare(server, LIMPET_TEXT, "x", 1);
  CHECK(message);
  CHECK(pthread_create(&thread, NULL, wrong_thread, NULL) == 0);
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(limpet_session_user(living) == NULL);
  limpet_prepared_free(message);
}

/* ----------------------------------------------------------- one connection, blocking */

static void test_ws(void) {
  limpet_ws *ws = NULL;
  enum limpet_type type;
  const int64_t now = limpet_now();
  CHECK_EQUAL(limpet_ws_attach(NULL, 0, 0, NULL, 0, NULL, 0, NULL, now, &ws), ARGUMENT);
  CHECK_EQUAL(limpet_ws_attach(server, 0, 0, NULL, 0, NULL, 0, NULL, now, NULL), ARGUMENT);
  CHECK_EQUAL(limpet_ws_attach(server, 0, 0, NULL, 1, NULL, 0, NULL, now, &ws), ARGUMENT);
  CHECK_EQUAL(limpet_ws_attach(server, 0, 0, NULL, 0, NULL, 1, NULL, now, &ws), ARGUMENT);
  CHECK(limpet_ws_attach(server, -1, 0, NULL, 0, NULL, 0, NULL, now, &ws) < 0);
  CHECK(ws == NULL);
  CHECK_EQUAL(limpet_ws_send(NULL, "x", 1, now), ARGUMENT);
  CHECK_EQUAL(limpet_ws_send_as(NULL, LIMPET_TEXT, "x", 1, now), ARGUMENT);
  CHECK_EQUAL(limpet_ws_receive(NULL, buffer, sizeof buffer, &type, now), ARGUMENT);
  CHECK_EQUAL(limpet_ws_status(NULL, buffer, sizeof buffer), ARGUMENT);
  CHECK_EQUAL(limpet_ws_session(NULL), 0);
  CHECK_EQUAL(limpet_ws_detach(NULL, 1000, NULL, now), ARGUMENT);
  CHECK_EQUAL(limpet_ws_close(NULL, now), ARGUMENT);
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
  if (child == 0) _exit(limpet_daemonize("/no/such/folder/limpet.pid") < 0 && limpet_daemonize(endless) < 0 ? 3 : 4);
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 3);
}

int main(void) {
  memset(endless, 'a', sizeof endless - 1);
  test_config_null();
  test_config_tls();
  test_config_memory();
  test_server_null();
  test_process();
  serve(NULL);
  struct check_client client = join(&living);
  limpet_session ended = living;
  part(&client);
  test_stale(ended);
  client = join(&living);
  test_server_arguments();
  test_server_endpoints();
  test_session_arguments(living);
  test_threads();
  test_ws();
  // After all that it serves.
  CHECK_FRAME(&client, CHECK_TEXT_FRAME, "x");
  CHECK_EQUAL(limpet_session_send_text(living, "still here"), 0);
  CHECK_FRAME(&client, CHECK_TEXT_FRAME, "still here");
  part(&client);
  ended = living;
  serve_end();
  session_is(ended, HANDLE);
  return 0;
}
