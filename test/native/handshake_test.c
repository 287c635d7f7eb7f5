/* Opening handshakes and plain requests: what the application decides, at once or later, and what it is told. */

#include "support.h"

static limpet_session asked;
static enum limpet_verdict verdict;
static char path[64];

static enum limpet_verdict on_upgrade(limpet_server *told, limpet_session session,
                                      const char *where, void *user) {
  CHECK(told == server && user == path);
  asked = session;
  (void)snprintf(path, sizeof path, "%s", where);
  return verdict;
}

static void serve_asking(limpet_config *config) {
  serve_new(config);
  limpet_server_set_on_upgrade(server, on_upgrade, path);
  serve_start();
}

static void test_verdicts(void) {
  serve_asking(NULL);
  verdict = LIMPET_ACCEPT;
  struct check_client client = join_as("/chat?x=1", "", NULL);
  CHECK_STRING(path, "/chat");
  CHECK_STRING(check_client_field(&client, "Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  part(&client);
  verdict = LIMPET_REFUSE;
  client = check_client_connect(port, "/", "");
  CHECK_EQUAL(client.status, 403);
  check_client_end(&client);
  // What is no verdict lets nobody in.
  verdict = (enum limpet_verdict)77;
  client = check_client_connect(port, "/", "");
  CHECK_EQUAL(client.status, 403);
  check_client_end(&client);
  CHECK_EQUAL(opened_count, 1);
  serve_end();
}

/* Decided after the callback returned: what came with the head is told behind on_connect. */
static void test_later(void) {
  serve_asking(NULL);
  verdict = LIMPET_DECIDED;
  asked = 0;
  struct check_client client = check_client_open(port);
  check_client_ask(&client, "/", "Sec-WebSocket-Protocol: a, b\r\n");
  check_client_send(&client, CHECK_TEXT_FRAME, "early", 5);
  CHECK_SOON(asked != 0);
  char text[16];
  CHECK_EQUAL(limpet_session_offered_protocol(asked, 1, text, sizeof text), 1);
  CHECK_STRING(text, "b");
  CHECK_EQUAL(limpet_session_offered_protocol(asked, 2, text, sizeof text),
              LIMPET_ERROR_CODE_ABSENT);
  CHECK_EQUAL(limpet_session_send_text(asked, "too soon"), LIMPET_ERROR_CODE_STATE);
  CHECK_EQUAL(limpet_session_accept(asked, "c", NULL), LIMPET_ERROR_CODE_VALUE);
  CHECK_EQUAL(limpet_session_accept(asked, "b", "no field"), LIMPET_ERROR_CODE_VALUE);
  CHECK_EQUAL(limpet_session_accept(asked, "b", "X-Served-By: limpet\r\n"), 0);
  CHECK_EQUAL(opened_count, 1);
  CHECK(opened == asked);
  CHECK_EQUAL(limpet_session_accept(asked, "b", NULL), LIMPET_ERROR_CODE_STATE);
  CHECK_EQUAL(limpet_session_respond(asked, 404, NULL, NULL, 0), LIMPET_ERROR_CODE_STATE);
  CHECK_EQUAL(check_client_head(&client), 101);
  CHECK_STRING(check_client_field(&client, "Sec-WebSocket-Protocol"), "b");
  CHECK_STRING(check_client_field(&client, "X-Served-By"), "limpet");
  CHECK_SOON(limpet_session_messages_received(asked) == 1);
  part(&client);
  serve_end();
}

static enum limpet_verdict accept_within(limpet_server *told, limpet_session session,
                                         const char *where, void *user) {
  (void)told, (void)where, (void)user;
  CHECK_EQUAL(limpet_session_accept(session, NULL, NULL), 0);
  CHECK_EQUAL(opened_count, 1);
  return LIMPET_REFUSE;
}

static enum limpet_verdict terminate_within(limpet_server *told, limpet_session session,
                                            const char *where, void *user) {
  (void)told, (void)where, (void)user;
  CHECK_EQUAL(limpet_session_terminate(session), 0);
  return LIMPET_ACCEPT;
}

/* What a call from within the callback did counts, whatever the callback says. */
static void test_within(void) {
  serve_new(NULL);
  limpet_server_set_on_upgrade(server, accept_within, NULL);
  serve_start();
  struct check_client client = join(NULL);
  part(&client);
  serve_end();
  serve_new(NULL);
  limpet_server_set_on_upgrade(server, terminate_within, NULL);
  serve_start();
  client = check_client_connect(port, "/", "");
  CHECK_EQUAL(client.status, 0);
  CHECK_EQUAL(opened_count, 0);
  check_client_end(&client);
  serve_end();
}

/* The first one offered that is on the list, unless the application chooses. RFC 6455 1.9. */
static void test_subprotocols(void) {
  limpet_config *config = limpet_config_new();
  limpet_config_add_subprotocol(config, "chat.v2");
  limpet_config_add_subprotocol(config, "chat.v1");
  serve_asking(config);
  verdict = LIMPET_ACCEPT;
  struct check_client client =
      join_as("/", "Sec-WebSocket-Protocol: other, chat.v1, chat.v2\r\n", NULL);
  CHECK_STRING(check_client_field(&client, "Sec-WebSocket-Protocol"), "chat.v1");
  part(&client);
  client = join(NULL);
  CHECK_STRING(check_client_field(&client, "Sec-WebSocket-Protocol"), "");
  part(&client);
  client = check_client_connect(port, "/", "Sec-WebSocket-Protocol: other\r\n");
  CHECK_EQUAL(client.status, 400);
  CHECK_EQUAL(error_code, LIMPET_ERROR_CODE_UPGRADE_PROTOCOL_REFUSED);
  check_client_end(&client);
  serve_end();
  // Without a list nothing is chosen for the application.
  serve(NULL);
  client = join_as("/", "Sec-WebSocket-Protocol: chat.v1\r\n", NULL);
  CHECK_STRING(check_client_field(&client, "Sec-WebSocket-Protocol"), "");
  part(&client);
  serve_end();
}

/* ------------------------------------------------------------------ plain requests */

static char method[16];
static size_t body_length;

static void on_request(limpet_server *told, limpet_session session, const char *how,
                       const char *where, void *user) {
  CHECK(told == server && user == method);
  (void)snprintf(method, sizeof method, "%s", how);
  (void)snprintf(path, sizeof path, "%s", where);
  asked = session;
  if (strcmp(where, "/later") == 0) return;
  static char body[600000];
  memset(body, 'b', sizeof body);
  CHECK_EQUAL(limpet_session_respond(session, 100, NULL, NULL, 0), LIMPET_ERROR_CODE_ARGUMENT);
  CHECK_EQUAL(limpet_session_respond(session, 200, "Content-Length: 1\r\n", "x", 1),
              LIMPET_ERROR_CODE_VALUE);
  CHECK_EQUAL(
      limpet_session_respond(session, 200, "Content-Type: text/plain\r\n", body, body_length), 0);
}

/* Sends a request and reads the answer until the end of the stream; how many bytes the body has. */
static size_t fetch(struct check_client *client, const char *request) {
  *client = check_client_open(port);
  CHECK(check_client_write(client, request, strlen(request)));
  CHECK(check_client_head(client) > 0);
  size_t length = 0;
  do {
    for (size_t i = 0; i < client->held; i++) CHECK_EQUAL(client->bytes[i], 'b');
    length += client->held;
    client->held = 0;
  } while (check_client_fill(client, 1, CHECK_PATIENCE_MS));
  check_client_end(client);
  return length;
}

static void test_requests(void) {
  serve_new(NULL);
  limpet_server_set_on_request(server, on_request, method);
  serve_start();
  static struct check_client client;
  const size_t lengths[] = {0, 11, 600000};
  for (int i = 0; i < 3; i++) {
    body_length = lengths[i];
    CHECK_EQUAL(fetch(&client, "GET /hello?q HTTP/1.1\r\nHost: h\r\n\r\n"), body_length);
    CHECK_EQUAL(client.status, 200);
    CHECK_EQUAL(atoi(check_client_field(&client, "Content-Length")), (int)body_length);
    CHECK_STRING(check_client_field(&client, "Content-Type"), "text/plain");
  }
  CHECK_STRING(method, "GET");
  CHECK_STRING(path, "/hello");
  // An answer to HEAD says how long the body would be.
  CHECK_EQUAL(fetch(&client, "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"), 0);
  CHECK_EQUAL(atoi(check_client_field(&client, "Content-Length")), 600000);
  CHECK_STRING(method, "HEAD");
  serve_end();
}

static void test_request_later(void) {
  serve_new(NULL);
  limpet_server_set_on_request(server, on_request, method);
  serve_start();
  asked = 0;
  struct check_client client = check_client_open(port);
  const char *request = "GET /later HTTP/1.1\r\nHost: h\r\n\r\n";
  CHECK(check_client_write(&client, request, strlen(request)));
  CHECK_SOON(asked != 0);
  CHECK_EQUAL(limpet_session_accept(asked, NULL, NULL), LIMPET_ERROR_CODE_STATE);
  CHECK_EQUAL(limpet_session_respond(asked, 404, NULL, NULL, 0), 0);
  CHECK_EQUAL(check_client_head(&client), 404);
  check_client_end(&client);
  serve_end();
  // Without the callback what is no handshake is told what to do. RFC 9110 15.5.22.
  serve(NULL);
  client = check_client_open(port);
  CHECK(check_client_write(&client, request, strlen(request)));
  CHECK_EQUAL(check_client_head(&client), 426);
  check_client_end(&client);
  serve_end();
}

/* ------------------------------------------------------------------------- limits */

static void test_limits(void) {
  limpet_config *config = limpet_config_new();
  limpet_config_set_max_connections(config, 2);
  serve(config);
  struct check_client one = join(NULL), other = join(NULL);
  struct check_client third = check_client_connect(port, "/", "");
  CHECK_EQUAL(third.status, 0);
  CHECK_EQUAL(error_code, LIMPET_ERROR_CODE_SESSIONS);
  check_client_end(&third);
  part(&one);
  one = join(NULL);
  part(&one);
  part(&other);
  serve_end();
  config = limpet_config_new();
  limpet_config_set_max_connections_per_address(config, 1);
  serve(config);
  one = join(NULL);
  other = check_client_connect(port, "/", "");
  CHECK_EQUAL(other.status, 429);
  CHECK_EQUAL(error_code, LIMPET_ERROR_CODE_HTTP_ADDRESS);
  check_client_end(&other);
  part(&one);
  one = join(NULL);
  part(&one);
  serve_end();
}

int main(void) {
  test_verdicts();
  test_later();
  test_within();
  test_subprotocols();
  test_requests();
  test_request_later();
  test_limits();
  return 0;
}
