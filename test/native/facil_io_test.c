/* facil.io's Websocket extension, call by call, in Limpet's words: docs/coming-from.md lists these tests. */

#include "support.h"

/* What callbacks saw. */
static int messages, shutdowns, tasks, finished;
static char order[64];
static void *udata_at_close;

static void note(char what) {
  size_t length = strlen(order);
  if (length + 1 < sizeof order) order[length] = what;
}

static void reset(void) {
  messages = shutdowns = tasks = finished = 0;
  memset(order, 0, sizeof order);
}

static void echo(limpet_server *of, limpet_session session, enum limpet_type type, char *data,
                 size_t length, void *user) {
  (void)of, (void)user;
  messages++;
  note('m');
  /* The buffer is the callback's until it returns: it may be changed in place. */
  if (length > 0 && data[0] == 'h') data[0] = 'H';
  CHECK_EQUAL(limpet_session_send(session, type, data, length), LIMPET_SENT_OK);
}

static limpet_config *settings(void) {
  limpet_config *config = limpet_config_new();
  CHECK(config);
  return config;
}

static void echoing(limpet_config *config) {
  reset();
  serve_new(config);
  limpet_server_set_on_message(server, echo, NULL);
  serve_start();
}

static void test_max_msg_size(void) {
  limpet_config *config = settings();
  CHECK_EQUAL(limpet_config_set_max_message_size(config, 1000), 0);
  echoing(config);
  char text[1001];
  memset(text, 'x', sizeof text);
  struct check_client client = join(NULL);
  check_client_send(&client, CHECK_TEXT_FRAME, text, 1000);
  CHECK_EQUAL(check_client_receive(&client).length, 1000);
  /* The bound is of the message, in fragments, too. */
  check_client_send(&client, 0x01, text, 600);
  check_client_send(&client, 0x80, text, 401);
  struct check_frame frame = check_client_receive(&client);
  CHECK_EQUAL(check_close_code(&frame), 1009);
  check_client_end(&client);
  serve_end();
}

static void test_max_msg_size_default(void) {
  echoing(NULL);
  static char big[262145];
  struct check_client client = join(NULL);
  check_client_send(&client, CHECK_BINARY_FRAME, big, sizeof big);
  CHECK_EQUAL(check_client_receive(&client).length, sizeof big);
  check_client_end(&client);
  serve_end();
}

static void test_timeout(void) {
  limpet_config *config = settings();
  CHECK_EQUAL(limpet_config_set_ping_interval(config, 100), 0);
  CHECK_EQUAL(limpet_config_set_ping_timeout(config, 300), 0);
  echoing(config);
  struct check_client alive = join(NULL), dead = join(NULL);
  /* One that does not answer is given up; the other one stays. */
  int pings = 0;
  while (closed_count == 0) {
    CHECK_EQUAL(check_client_receive(&alive).first, CHECK_PING_FRAME);
    check_client_send(&alive, CHECK_PONG_FRAME, "", 0);
    CHECK(++pings < 100);
  }
  check_client_send(&alive, CHECK_TEXT_FRAME, "still here", 10);
  struct check_frame frame = check_client_receive(&alive);
  while (frame.first == CHECK_PING_FRAME) frame = check_client_receive(&alive);
  CHECK_STRING(frame.payload, "still here");
  check_client_end(&alive);
  check_client_end(&dead);
  serve_end();
}

static void test_on_message(void) {
  echoing(NULL);
  struct check_client client = join(NULL);
  check_client_send(&client, CHECK_TEXT_FRAME, "hello", 5);
  CHECK_FRAME(&client, CHECK_TEXT_FRAME, "Hello");
  check_client_send(&client, CHECK_BINARY_FRAME, "bytes", 5);
  CHECK_FRAME(&client, CHECK_BINARY_FRAME, "bytes");
  CHECK_EQUAL(messages, 2);
  check_client_end(&client);
  serve_end();
}

static void first(limpet_server *of, limpet_session session, void *user) {
  (void)of, (void)session;
  CHECK(user == order);
  note('o');
}

static void last(limpet_server *of, limpet_session session, uint16_t code, const char *reason,
                 void *user) {
  (void)of, (void)code, (void)reason;
  CHECK(user == order);
  note('c');
  udata_at_close = limpet_session_user(session);
  closed_count++;
}

static void going(limpet_server *of, limpet_session session, void *user) {
  (void)of, (void)user;
  note('s');
  shutdowns++;
  CHECK_EQUAL(limpet_session_send_text(session, "see you"), LIMPET_SENT_OK);
}

static void test_on_open_shutdown_close(void) {
  reset();
  serve_new(NULL);
  limpet_server_set_on_message(server, echo, NULL);
  limpet_server_set_on_connect(server, first, order);
  limpet_server_set_on_close(server, last, order);
  limpet_server_set_on_shutdown(server, going, NULL);
  serve_start();
  struct check_client client = check_client_connect(port, "/", "");
  check_client_send(&client, CHECK_TEXT_FRAME, "hello", 5);
  CHECK_FRAME(&client, CHECK_TEXT_FRAME, "Hello");
  CHECK_STRING(order, "om");
  limpet_server_interrupt(server, 1000);
  CHECK_FRAME(&client, CHECK_TEXT_FRAME, "see you");
  struct check_frame frame = check_client_receive(&client);
  CHECK_EQUAL(check_close_code(&frame), 1001);
  check_client_send(&client, CHECK_CLOSE_FRAME, "\x03\xe9", 2);
  CHECK_SOON(closed_count == 1);
  CHECK_STRING(order, "omsc");
  check_client_end(&client);
  limpet_server_free(server);
}

static enum limpet_verdict with_cookie(limpet_server *of, limpet_session session, const char *path,
                                       void *user) {
  (void)of, (void)user;
  CHECK_STRING(path, "/chat");
  /* What is set before the connection is there stays. */
  CHECK(limpet_session_set_user(session, order) == NULL);
  CHECK_EQUAL(limpet_session_accept(session, NULL, "Set-Cookie: sid=1\r\n"), 0);
  return LIMPET_DECIDED;
}

static void test_upgrade(void) {
  reset();
  serve_new(NULL);
  limpet_server_set_on_upgrade(server, with_cookie, NULL);
  serve_start();
  limpet_session session;
  struct check_client client = join_as("/chat?a=b", "", &session);
  CHECK_STRING(check_client_field(&client, "Set-Cookie"), "sid=1");
  CHECK(limpet_session_user(session) == order);
  check_client_end(&client);
  serve_end();
}

static void test_udata(void) {
  reset();
  serve_new(NULL);
  limpet_server_set_on_close(server, last, order);
  serve_start();
  limpet_session session;
  struct check_client client = join(&session);
  CHECK(limpet_session_user(session) == NULL);
  CHECK(limpet_session_set_user(session, &messages) == NULL);
  CHECK(limpet_session_set_user(session, &tasks) == &messages);
  CHECK(limpet_session_user(session) == &tasks);
  check_client_end(&client);
  CHECK_SOON(closed_count == 1);
  CHECK(udata_at_close == &tasks);
  CHECK(limpet_session_user(session) == NULL);
  serve_end();
}

static void test_get_server_and_uuid(void) {
  echoing(NULL);
  limpet_session one, other;
  struct check_client a = join(&one), b = join(&other);
  CHECK(one != other);
  CHECK(limpet_session_server(one) == server && limpet_session_server(other) == server);
  CHECK(limpet_session_fd(one) >= 0 && limpet_session_fd(one) != limpet_session_fd(other));
  part(&a);
  /* A number of the past is nobody else's: unlike a descriptor. */
  struct check_client c = join(NULL);
  CHECK(limpet_session_fd(one) < 0);
  check_client_end(&b);
  check_client_end(&c);
  serve_end();
}

static void test_write_and_close(void) {
  echoing(NULL);
  limpet_session session;
  struct check_client client = join(&session);
  CHECK_EQUAL(limpet_session_send(session, LIMPET_TEXT, "text", 4), LIMPET_SENT_OK);
  CHECK_EQUAL(limpet_session_send(session, LIMPET_BINARY, "bytes", 5), LIMPET_SENT_OK);
  CHECK_EQUAL(limpet_session_close(session, 0, NULL), 0);
  CHECK(limpet_session_send(session, LIMPET_TEXT, "late", 4) < 0);
  CHECK_FRAME(&client, CHECK_TEXT_FRAME, "text");
  CHECK_FRAME(&client, CHECK_BINARY_FRAME, "bytes");
  CHECK_FRAME(&client, CHECK_CLOSE_FRAME, "");
  part(&client);
  CHECK(limpet_session_send(session, LIMPET_TEXT, "later", 5) < 0);
  serve_end();
}

static void task(limpet_session session, void *arg) {
  CHECK(arg == order);
  tasks++;
  limpet_session_send_text(session, "to all");
}

static void finish(limpet_server *of, void *arg) {
  CHECK(of == server && arg == order);
  finished = tasks;
}

static void test_each_and_count(void) {
  echoing(NULL);
  CHECK_EQUAL(limpet_server_active_count(server), 0);
  limpet_session first_one;
  struct check_client clients[3] = {join(&first_one), join(NULL), join(NULL)};
  CHECK_EQUAL(limpet_server_active_count(server), 3);
  CHECK(limpet_server_each(server, first_one, task, order, finish) >= 0);
  CHECK_SOON(finished == 2);
  CHECK_FRAME(&clients[1], CHECK_TEXT_FRAME, "to all");
  CHECK_FRAME(&clients[2], CHECK_TEXT_FRAME, "to all");
  /* The one that asks is left out, unless it is 0. */
  CHECK(limpet_server_each(server, 0, task, order, finish) >= 0);
  CHECK_SOON(finished == 5);
  CHECK_FRAME(&clients[0], CHECK_TEXT_FRAME, "to all");
  for (int i = 0; i < 3; i++) check_client_end(&clients[i]);
  CHECK_SOON(limpet_server_active_count(server) == 0);
  serve_end();
}

static void hello(limpet_server *of, limpet_session session, const char *method, const char *path,
                  void *user) {
  (void)of, (void)path, (void)user;
  CHECK_STRING(method, "GET");
  CHECK_EQUAL(limpet_session_respond(session, 200, NULL, "Hello World!", 12), 0);
}

static void test_http(void) {
  reset();
  serve_new(NULL);
  limpet_server_set_on_message(server, echo, NULL);
  limpet_server_set_on_request(server, hello, NULL);
  serve_start();
  struct check_client plain = check_client_open(port);
  static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  check_client_write(&plain, request, sizeof request - 1);
  CHECK_EQUAL(check_client_head(&plain), 200);
  CHECK(check_client_fill(&plain, 12, CHECK_PATIENCE_MS));
  CHECK(memcmp(plain.bytes, "Hello World!", 12) == 0);
  struct check_client client = join(NULL);
  check_client_send(&client, CHECK_TEXT_FRAME, "both", 4);
  CHECK_FRAME(&client, CHECK_TEXT_FRAME, "both");
  check_client_end(&plain);
  check_client_end(&client);
  serve_end();
}

static void test_threads(void) {
  limpet_config *config = settings();
  CHECK_EQUAL(limpet_config_set_threads(config, 4), 0);
  reset();
  serve_new(config);
  /* Their own threads call back: support.h's counters are of one. */
  limpet_server_set_on_connect(server, NULL, NULL);
  limpet_server_set_on_close(server, NULL, NULL);
  CHECK_EQUAL(limpet_server_start(server), 0);
  struct check_client clients[8];
  for (int i = 0; i < 8; i++) {
    clients[i] = check_client_connect(limpet_server_port(server), "/", "");
    CHECK_EQUAL(clients[i].status, 101);
  }
  CHECK_SOON(limpet_server_active_count(server) == 8);
  CHECK(limpet_server_broadcast(server, LIMPET_TEXT, "all", 3) >= 0);
  for (int i = 0; i < 8; i++) CHECK_FRAME(&clients[i], CHECK_TEXT_FRAME, "all");
  for (int i = 0; i < 8; i++) check_client_end(&clients[i]);
  CHECK_EQUAL(limpet_server_stop(server, 1000), 0);
  limpet_server_free(server);
}

int main(void) {
  test_max_msg_size();
  test_max_msg_size_default();
  test_timeout();
  test_on_message();
  test_on_open_shutdown_close();
  test_upgrade();
  test_udata();
  test_get_server_and_uuid();
  test_write_and_close();
  test_each_and_count();
  test_http();
  test_threads();
  return 0;
}
