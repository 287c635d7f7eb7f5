/* What is known of a session, and kept with it. */

#include <pthread.h>

#include "support.h"

static limpet_session session;

/* ms since 1970. */
static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

static void test_figures(void) {
  serve(NULL);
  const uint64_t before = now();
  struct check_client client = join(&session);
  check_client_send(&client, CHECK_TEXT_FRAME, "hello", 5);
  CHECK_SOON(limpet_session_messages_received(session) == 1);
  CHECK_EQUAL(limpet_session_send_text(session, "hi"), 0);
  CHECK_FRAME(&client, CHECK_TEXT_FRAME, "hi");
  struct limpet_session_details details;
  CHECK_EQUAL(limpet_session_info(session, &details), 0);
  CHECK_EQUAL(details.state, LIMPET_STATE_OPEN);
  CHECK_EQUAL(details.role, LIMPET_ROLE_SERVER);
  // Two clocks, both in whole ms.
  CHECK(details.connected_at + 2 >= before && details.connected_at <= now() + 2);
  CHECK(details.active_at >= details.connected_at && details.active_at <= now() + 2);
  CHECK_EQUAL(details.messages_received, 1);
  CHECK_EQUAL(details.bytes_received, 5);
  CHECK_EQUAL(details.messages_sent, 1);
  CHECK_EQUAL(details.bytes_sent, 2);
  CHECK_EQUAL(details.queued, 0);
  CHECK_EQUAL(details.deflate_in, 0);
  CHECK_EQUAL(limpet_session_connected_at(session), details.connected_at);
  CHECK_EQUAL(limpet_session_active_at(session), details.active_at);
  CHECK_EQUAL(limpet_session_bytes_received(session), 5);
  CHECK_EQUAL(limpet_session_bytes_sent(session), 2);
  CHECK_EQUAL(limpet_session_messages_sent(session), 1);
  CHECK(limpet_session_server(session) == server);
  CHECK(limpet_session_fd(session) >= 0);
  part(&client);
  CHECK_EQUAL(limpet_session_info(session, &details), LIMPET_ERROR_CODE_HANDLE);
  CHECK_EQUAL(limpet_session_messages_received(session), 0);
  serve_end();
  CHECK(limpet_session_server(session) == NULL);
}

static void test_deflate(void) {
  limpet_config *config = limpet_config_new();
  limpet_config_set_compression_enabled(config, true);
  limpet_config_set_compression_window(config, 12);
  serve(config);
  struct check_client client = join_as(
      "/", "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n", &session);
  struct limpet_session_details details;
  CHECK_EQUAL(limpet_session_info(session, &details), 0);
  CHECK_EQUAL(details.deflate_out, 12);
  CHECK(details.deflate_in >= 8 && details.deflate_in <= 12);
  part(&client);
  serve_end();
}

static void test_address(void) {
  limpet_config *config = limpet_config_new();
  limpet_config_set_trust_proxy(config, LIMPET_TRUST_PROXY | LIMPET_TRUST_FORWARDED);
  serve(config);
  struct check_client client = join(&session);
  char address[46];
  int from, family;
  CHECK_EQUAL(limpet_session_remote_address(session, address, sizeof address, &from, &family), 9);
  CHECK_STRING(address, "127.0.0.1");
  CHECK_EQUAL(family, 4);
  CHECK(from > 0);
  // Cut off, but not its length.
  CHECK_EQUAL(limpet_session_remote_address(session, address, 4, NULL, NULL), 9);
  CHECK_STRING(address, "127");
  CHECK_EQUAL(limpet_session_remote_address(session, NULL, 0, NULL, NULL), 9);
  CHECK_EQUAL(limpet_session_remote_address(session, NULL, 4, NULL, NULL),
              LIMPET_ERROR_CODE_ARGUMENT);
  part(&client);
  client = join_as("/", "X-Forwarded-For: 192.0.2.1, 2001:db8::7\r\n", &session);
  CHECK_EQUAL(limpet_session_remote_address(session, address, sizeof address, &from, &family), 11);
  CHECK_STRING(address, "2001:db8::7");
  CHECK_EQUAL(family, 6);
  CHECK_EQUAL(from, 0);
  part(&client);
  client = check_client_open(port);
  const char proxy[] = "PROXY TCP4 203.0.113.9 127.0.0.1 4711 80\r\n";
  check_client_write(&client, proxy, sizeof proxy - 1);
  check_client_ask(&client, "/", "");
  CHECK_EQUAL(check_client_head(&client), 101);
  CHECK_EQUAL(limpet_session_remote_address(opened, address, sizeof address, &from, &family), 11);
  CHECK_STRING(address, "203.0.113.9");
  CHECK_EQUAL(from, 4711);
  part(&client);
  serve_end();
}

static void test_user(void) {
  int one, other;
  serve(NULL);
  struct check_client client = join(&session);
  CHECK(limpet_session_user(session) == NULL);
  CHECK(limpet_session_set_user(session, &one) == NULL);
  CHECK(limpet_session_user(session) == &one);
  CHECK(limpet_session_set_user(session, &other) == &one);
  part(&client);
  CHECK(limpet_session_user(session) == NULL);
  CHECK(limpet_session_set_user(session, &one) == NULL);
  // Nobody inherits it.
  client = join(&session);
  CHECK(limpet_session_user(session) == NULL);
  part(&client);
  serve_end();
}

/* on_close still finds what was kept. */
static char kept[16];

static void keep_on_close(limpet_server *told, limpet_session gone, uint16_t code,
                          const char *reason, void *user) {
  (void)told, (void)code, (void)reason, (void)user;
  CHECK_EQUAL(limpet_session_metadata(gone, "name", kept, sizeof kept), 3);
  kept[3] = '\0';
  // Where its peer was is not: the connection is gone.
  int family = 9;
  CHECK_EQUAL(limpet_session_remote_address(gone, NULL, 0, NULL, &family), 0);
  CHECK_EQUAL(family, 0);
  closed_count++;
}

static void test_metadata(void) {
  static char endless[8192];
  memset(endless, 'a', sizeof endless - 1);
  serve_new(NULL);
  limpet_server_set_on_close(server, keep_on_close, NULL);
  serve_start();
  struct check_client client = join(&session);
  char value[16] = "";
  CHECK_EQUAL(limpet_session_metadata(session, "name", value, sizeof value),
              LIMPET_ERROR_CODE_ABSENT);
  CHECK_EQUAL(limpet_session_set_metadata(session, "name", "a\0b", 3), 0);
  CHECK_EQUAL(limpet_session_metadata(session, "name", value, sizeof value), 3);
  CHECK(memcmp(value, "a\0b", 3) == 0);
  CHECK_EQUAL(limpet_session_metadata(session, "name", NULL, 0), 3);
  CHECK_EQUAL(limpet_session_metadata(session, "name", value, 1), 3);
  CHECK_EQUAL(limpet_session_set_metadata(session, "empty", NULL, 0), 0);
  CHECK_EQUAL(limpet_session_metadata(session, "empty", NULL, 0), 0);
  CHECK_EQUAL(limpet_session_delete_metadata(session, "empty"), 1);
  CHECK_EQUAL(limpet_session_delete_metadata(session, "empty"), 0);
  CHECK_EQUAL(limpet_session_set_metadata(session, endless, "x", 1), LIMPET_ERROR_CODE_ARGUMENT);
  CHECK_EQUAL(limpet_session_set_metadata(session, "name", endless, sizeof endless),
              LIMPET_ERROR_CODE_ARGUMENT);
  CHECK_EQUAL(limpet_session_set_metadata(session, "", "x", 1), LIMPET_ERROR_CODE_ARGUMENT);
  CHECK_EQUAL(limpet_session_set_metadata(session, "name", "Ada", 3), 0);
  part(&client);
  CHECK_STRING(kept, "Ada");
  CHECK_EQUAL(limpet_session_metadata(session, "name", value, sizeof value),
              LIMPET_ERROR_CODE_HANDLE);
  serve_end();
}

static int fields;

static bool count_field(const char *name, const char *value, void *user) {
  CHECK(name[0] != '\0' && user == &fields);
  if (strcasecmp(name, "x-two") == 0) CHECK_STRING(value, "b c");
  return ++fields < 100;
}

static bool first_field(const char *name, const char *value, void *user) {
  (void)name, (void)value, (void)user;
  return false;
}

static void test_request(void) {
  limpet_config *config = limpet_config_new();
  limpet_config_set_keep_request(config, "*");
  serve(config);
  struct check_client client = join_as(
      "/a/b?c=d", "Origin: https://example.com\r\nX-One: a\r\nX-Two: b c\r\nCookie: k=v; id=7\r\n",
      &session);
  char text[64];
  CHECK_EQUAL(limpet_session_request_part(session, LIMPET_PART_PATH, text, sizeof text), 4);
  CHECK_STRING(text, "/a/b");
  CHECK_EQUAL(limpet_session_request_part(session, LIMPET_PART_QUERY, text, sizeof text), 3);
  CHECK_STRING(text, "c=d");
  CHECK_EQUAL(limpet_session_request_part(session, LIMPET_PART_ORIGIN, text, 9), 19);
  CHECK_STRING(text, "https://");
  CHECK_EQUAL(limpet_session_request_part(session, LIMPET_PART_PROTOCOL, text, sizeof text),
              LIMPET_ERROR_CODE_ABSENT);
  CHECK_EQUAL(limpet_session_request_part(session, (enum limpet_part)99, text, sizeof text),
              LIMPET_ERROR_CODE_ARGUMENT);
  CHECK_EQUAL(limpet_session_header(session, "x-one", text, sizeof text), 1);
  CHECK_STRING(text, "a");
  CHECK_EQUAL(limpet_session_header(session, "x-three", text, sizeof text),
              LIMPET_ERROR_CODE_ABSENT);
  CHECK_EQUAL(limpet_session_cookie(session, "id", text, sizeof text), 1);
  CHECK_STRING(text, "7");
  CHECK_EQUAL(limpet_session_cookie(session, "ID", text, sizeof text), LIMPET_ERROR_CODE_ABSENT);
  const int told = limpet_session_headers(session, count_field, &fields);
  CHECK_EQUAL(told, fields);
  CHECK(fields >= 5);
  CHECK_EQUAL(limpet_session_headers(session, first_field, NULL), 1);
  part(&client);
  serve_end();
  // Not kept: nothing is known once the session is open.
  serve(NULL);
  client = join(&session);
  CHECK_EQUAL(limpet_session_header(session, "host", text, sizeof text), LIMPET_ERROR_CODE_STATE);
  CHECK_EQUAL(limpet_session_headers(session, count_field, &fields), LIMPET_ERROR_CODE_STATE);
  part(&client);
  serve_end();
}

static void *other_thread(void *nothing) {
  struct limpet_session_details details;
  CHECK_EQUAL(limpet_session_info(session, &details), LIMPET_E_THREAD);
  CHECK_EQUAL(limpet_session_set_metadata(session, "k", "v", 1), LIMPET_E_THREAD);
  CHECK_EQUAL(limpet_session_header(session, "host", NULL, 0), LIMPET_E_THREAD);
  CHECK(limpet_session_user(session) == NULL);
  CHECK(limpet_session_server(session) == server);
  // Counters are for all threads.
  CHECK_EQUAL(limpet_server_active_count(server), 1);
  CHECK_EQUAL(limpet_server_total_count(server), 1);
  return nothing;
}

static void test_threads(void) {
  serve(NULL);
  struct check_client client = join(&session);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, other_thread, NULL) == 0);
  CHECK(pthread_join(thread, NULL) == 0);
  part(&client);
  serve_end();
}

int main(void) {
  test_figures();
  test_deflate();
  test_address();
  test_user();
  test_metadata();
  test_request();
  test_threads();
  return 0;
}
