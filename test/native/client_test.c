/* limpet_server_connect: on_connect or on_connect_error, once; and why. RFC 6455 4.1. */

#include "check.h"
#include "limpet.h"

#include <sys/resource.h>

/* Both ends are polled by this thread: the clients' server, and one that they connect to. */
static limpet_server *clients, *echo;
static limpet_session session;

static int connected, failed, closed, messages;
static limpet_session told;
static int code;
static char words[512], last[256];
/* How often on_connect_error and on_close connect again, and whereto. */
static int again;
static const char *again_url;
static uint16_t close_code;

static void pump(void) {
  if (echo) limpet_server_poll(echo, 0);
  limpet_server_poll(clients, 5);
}

static void on_connect(limpet_server *server, limpet_session of, void *user) {
  (void)server, (void)user;
  connected++;
  told = of;
}

static void on_connect_error(limpet_server *server, limpet_session of, int why, const char *message,
                             void *user) {
  (void)server, (void)user;
  failed++;
  told = of;
  code = why;
  snprintf(words, sizeof words, "%s", message);
  if (again-- > 0) CHECK_EQUAL(limpet_server_connect(server, again_url, NULL, &session), 0);
}

static void on_close(limpet_server *server, limpet_session of, uint16_t with, const char *reason,
                     void *user) {
  (void)server, (void)of, (void)reason, (void)user;
  closed++;
  close_code = with;
  if (again-- > 0) CHECK_EQUAL(limpet_server_connect(server, again_url, NULL, &session), 0);
}

static void on_message(limpet_server *server, limpet_session of, enum limpet_type type, char *data,
                       size_t length, void *user) {
  (void)server, (void)of, (void)user;
  CHECK_EQUAL(type, LIMPET_TEXT);
  snprintf(last, sizeof last, "%.*s", (int)length, data);
  messages++;
}

static void on_error(limpet_server *server, limpet_session of, int why, const char *message,
                     void *user) {
  (void)server, (void)of, (void)user;
  fprintf(stderr, "on_error: %d %s\n", why, message);
  exit(1);
}

static void on_echo(limpet_server *server, limpet_session of, enum limpet_type type, char *data,
                    size_t length, void *user) {
  (void)server, (void)user;
  CHECK(limpet_session_send(of, type, data, length) >= 0);
}

static void begin(void) {
  limpet_config *config = limpet_config_new();
  limpet_config_set_host(config, NULL);
  clients = limpet_server_new(config);
  CHECK(clients);
  limpet_config_free(config);
  limpet_server_set_on_connect(clients, on_connect, NULL);
  limpet_server_set_on_connect_error(clients, on_connect_error, NULL);
  limpet_server_set_on_close(clients, on_close, NULL);
  limpet_server_set_on_message(clients, on_message, NULL);
  limpet_server_set_on_error(clients, on_error, NULL);
  CHECK_EQUAL(limpet_server_start(clients), 0);
}

static limpet_server *begin_echo(const char *host) {
  limpet_config *config = limpet_config_new();
  limpet_config_set_host(config, host);
  limpet_config_set_port(config, 0);
  limpet_config_add_subprotocol(config, "chat.v2");
  limpet_config_set_keep_request(config, "X-Name");
  limpet_server *server = limpet_server_new(config);
  CHECK(server);
  limpet_config_free(config);
  limpet_server_set_on_message(server, on_echo, NULL);
  if (limpet_server_start(server) == 0) return server;
  limpet_server_free(server);
  return NULL;
}

static void reset(void) {
  connected = failed = closed = messages = code = again = 0;
  told = 0;
  words[0] = last[0] = '\0';
}

static void connect_to(const char *url, const struct limpet_connect_options *options) {
  reset();
  session = 0;
  const int answer = limpet_server_connect(clients, url, options, &session);
  if (answer != 0) fprintf(stderr, "%s: %s\n", url, limpet_last_error());
  CHECK_EQUAL(answer, 0);
  CHECK(session != 0);
  // Nothing is told from within, and nothing can be sent before it is open.
  CHECK_EQUAL(connected + failed, 0);
  CHECK_EQUAL(limpet_session_send_text(session, "too early"), LIMPET_ERROR_CODE_STATE);
}

/* It fails, once, with this code and these words, and the session is gone. */
static void expect_error(int why, const char *said) {
  CHECK_SOON(failed > 0);
  for (int i = 0; i < 3; i++) pump();
  if (code != why || !strstr(words, said)) {
    fprintf(stderr, "%d \"%s\" in place of %d \"%s\"\n", code, words, why, said);
    exit(1);
  }
  CHECK_EQUAL(failed, 1);
  CHECK_EQUAL(connected + closed, 0);
  CHECK(told == session);
  CHECK_EQUAL(limpet_session_send_text(session, "gone"), LIMPET_ERROR_CODE_HANDLE);
  CHECK_EQUAL(limpet_server_active_count(clients), 0);
}

static char *url_of(const char *host, int port, const char *rest) {
  static char url[256];
  snprintf(url, sizeof url, "ws://%s:%d%s", host, port, rest);
  return url;
}

/* ------------------------------------------------------------------- it connects */

static void expect_echo(const char *text) {
  CHECK_SOON(connected == 1);
  CHECK(told == session);
  CHECK_EQUAL(failed, 0);
  CHECK(limpet_session_send_text(session, text) >= 0);
  CHECK_SOON(messages == 1);
  CHECK_STRING(last, text);
  CHECK_EQUAL(limpet_session_close(session, 1000, "enough"), 0);
  CHECK_SOON(closed == 1);
  CHECK_EQUAL(close_code, 1000);
  CHECK_EQUAL(failed, 0);
}

static void test_echo(void) {
  echo = begin_echo("127.0.0.1");
  const int port = limpet_server_port(echo);
  check_pump = pump;
  connect_to(url_of("127.0.0.1", port, "/"), NULL);
  expect_echo("an address");
  connect_to(url_of("localhost", port, ""), NULL);
  expect_echo("a name, whose other addresses may refuse");
  connect_to(url_of("LOCALHOST", port, "?query"), NULL);
  expect_echo("no path");

  // What the handshake says beside the URL.
  const struct limpet_connect_options options = {.protocols = "other, chat.v2",
                                                 .headers = "X-Name: limpet\r\n"};
  connect_to(url_of("127.0.0.1", port, "/path?a=b"), &options);
  CHECK_SOON(connected == 1);
  limpet_session server_side;
  CHECK_SOON(limpet_server_sessions(echo, &server_side, 1) == 1);
  char part[64];
  CHECK_EQUAL(limpet_session_header(server_side, "X-Name", part, sizeof part), 6);
  CHECK_STRING(part, "limpet");
  CHECK_EQUAL(limpet_session_request_part(server_side, LIMPET_PART_PATH, part, sizeof part), 5);
  CHECK_STRING(part, "/path");
  CHECK_EQUAL(limpet_session_request_part(server_side, LIMPET_PART_PROTOCOL, part, sizeof part), 7);
  CHECK_STRING(part, "chat.v2");
  CHECK(limpet_session_request_part(server_side, LIMPET_PART_HOST, part, sizeof part) > 10);
  CHECK_EQUAL(limpet_session_terminate(session), 0);
  CHECK_SOON(closed == 1);
  CHECK_EQUAL(failed, 0);

  // Many at once.
  reset();
  limpet_session many[40];
  for (int i = 0; i < 40; i++) {
    CHECK_EQUAL(limpet_server_connect(clients, url_of(i & 1 ? "localhost" : "127.0.0.1", port, "/"),
                                      NULL, &many[i]),
                0);
  }
  CHECK_SOON(connected == 40);
  for (int i = 0; i < 40; i++) CHECK_EQUAL(limpet_session_close(many[i], 1000, NULL), 0);
  CHECK_SOON(closed == 40);
  CHECK_EQUAL(failed, 0);
  limpet_server_free(echo);
  echo = NULL;
}

static void test_ipv6(void) {
  echo = begin_echo("::1");
  if (!echo) {
    printf("no IPv6 here: %s\n", limpet_last_error());
    return;
  }
  connect_to(url_of("[::1]", limpet_server_port(echo), "/"), NULL);
  expect_echo("over IPv6");
  limpet_server_free(echo);
  echo = NULL;
}

/* --------------------------------------------------------------------- it does not */

/* A listening socket that nobody answers at. */
static int listener(int *port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in where = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof where;
  CHECK(bind(fd, (struct sockaddr *)&where, sizeof where) == 0);
  CHECK(listen(fd, 8) == 0);
  CHECK(getsockname(fd, (struct sockaddr *)&where, &size) == 0);
  *port = ntohs(where.sin_port);
  return fd;
}

static void test_nobody(void) {
  int port;
  const int fd = listener(&port);
  close(fd);
  connect_to(url_of("127.0.0.1", port, "/"), NULL);
  expect_error(LIMPET_E_CONNECT, "connect 127.0.0.1:");
  CHECK(strstr(words, "refused"));
  connect_to("ws://no-such-host.invalid/", NULL);
  expect_error(LIMPET_E_CONNECT, "no-such-host.invalid");
  // Addresses for documentation: RFC 5737 and RFC 3849. Nobody has them.
  const struct limpet_connect_options brief = {.timeout_ms = 100};
  connect_to("ws://192.0.2.1/", &brief);
  CHECK_SOON(failed > 0);
  CHECK(code == LIMPET_E_TIMEOUT || code == LIMPET_E_CONNECT);
  connect_to("ws://[2001:db8::1]/", &brief);
  CHECK_SOON(failed > 0);
  CHECK(code == LIMPET_E_TIMEOUT || code == LIMPET_E_CONNECT);
}

static void test_timeout(void) {
  int port;
  const int fd = listener(&port);
  const struct limpet_connect_options brief = {.timeout_ms = 60};
  const int64_t from = limpet_now();
  connect_to(url_of("127.0.0.1", port, "/"), &brief);
  expect_error(LIMPET_E_TIMEOUT, "within 60 ms");
  CHECK(limpet_now() - from >= 55 && limpet_now() - from < 5000);
  close(fd);
}

/* What a server of another kind answers; what the client makes of it. */
static void check_answer(const char *answer, int why, const char *said) {
  int port;
  const int fd = listener(&port);
  connect_to(url_of("127.0.0.1", port, "/"), NULL);
  CHECK(check_wait(fd, POLLIN, CHECK_PATIENCE_MS));
  const int peer = accept(fd, NULL, NULL);
  CHECK(peer >= 0);
  CHECK(check_wait(peer, POLLIN, CHECK_PATIENCE_MS));
  char request[2048];
  const ssize_t length = read(peer, request, sizeof request - 1);
  CHECK(length > 0);
  request[length] = '\0';
  CHECK(strncmp(request, "GET / HTTP/1.1\r\n", 16) == 0);
  if (*answer) CHECK(write(peer, answer, strlen(answer)) > 0);
  else close(peer);
  expect_error(why, said);
  if (*answer) close(peer);
  close(fd);
}

static void test_answers(void) {
  check_answer("", LIMPET_E_CONNECT, "ended during the handshake");
  check_answer("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
               LIMPET_ERROR_CODE_RESPONSE_STATUS, "HTTP/1.1 401 Unauthorized");
  check_answer("HTTP/1.1 302 Found\r\nLocation: ws://elsewhere/\r\n\r\n",
               LIMPET_ERROR_CODE_RESPONSE_STATUS, "HTTP/1.1 302 Found");
  check_answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", LIMPET_ERROR_CODE_RESPONSE_STATUS,
               "200 OK");
  check_answer(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
      LIMPET_ERROR_CODE_RESPONSE_ACCEPT, "127.0.0.1");
  check_answer("HTTP/1.1 101 Switching Protocols\r\n\r\n", LIMPET_ERROR_CODE_RESPONSE_HEADER,
               "127.0.0.1");
  check_answer("220 smtp.example.com ready\r\n\r\n", LIMPET_ERROR_CODE_HTTP_SYNTAX, "220 smtp");
  check_answer("\x15\x03\x01\r\n\r\n", LIMPET_ERROR_CODE_HTTP_SYNTAX, "");
}

/* A token that is not there: 401 of a server of our own. */
static void test_401(void) {
  limpet_config *config = limpet_config_new();
  limpet_config_set_port(config, 0);
  limpet_config_add_token(config, "secret");
  echo = limpet_server_new(config);
  limpet_config_free(config);
  CHECK_EQUAL(limpet_server_start(echo), 0);
  connect_to(url_of("127.0.0.1", limpet_server_port(echo), "/"), NULL);
  expect_error(LIMPET_ERROR_CODE_RESPONSE_STATUS, "401");
  const struct limpet_connect_options options = {.headers = "Authorization: Bearer secret\r\n"};
  connect_to(url_of("127.0.0.1", limpet_server_port(echo), "/"), &options);
  CHECK_SOON(connected == 1);
  CHECK_EQUAL(limpet_session_terminate(session), 0);
  CHECK_SOON(closed == 1);
  limpet_server_free(echo);
  echo = NULL;
}

/* ------------------------------------------------------- the application changes its mind */

static void test_given_up(void) {
  int port;
  const int fd = listener(&port);
  const char *urls[] = {url_of("127.0.0.1", port, "/"), "ws://no-such-host.invalid/"};
  for (int i = 0; i < 4; i++) {
    connect_to(urls[i & 1], NULL);
    if (i & 2) CHECK_EQUAL(limpet_session_close(session, 1000, "never mind"), 0);
    else CHECK_EQUAL(limpet_session_terminate(session), 0);
    CHECK_EQUAL(failed, 0);
    expect_error(LIMPET_E_CLOSED, "given up");
  }
  // While the handshake is under way, too.
  connect_to(url_of("127.0.0.1", port, "/"), NULL);
  for (int i = 0; i < 5; i++) pump();
  CHECK_EQUAL(limpet_session_close(session, 1000, NULL), 0);
  expect_error(LIMPET_E_CLOSED, "given up");
  close(fd);
}

/* Callbacks connect again: while nobody listens, then when somebody does and closes. */
static void test_again(void) {
  int port;
  close(listener(&port));
  connect_to(url_of("127.0.0.1", port, "/"), NULL);
  char url[256];
  snprintf(url, sizeof url, "%s", url_of("127.0.0.1", port, "/"));
  again = 5;
  again_url = url;
  CHECK_SOON(failed == 6);
  CHECK_EQUAL(limpet_server_active_count(clients), 0);

  echo = begin_echo("127.0.0.1");
  connect_to(url_of("127.0.0.1", limpet_server_port(echo), "/"), NULL);
  CHECK_SOON(connected == 1);
  snprintf(url, sizeof url, "%s", url_of("127.0.0.1", limpet_server_port(echo), "/"));
  again = 5;
  for (int i = 1; i <= 6; i++) {
    CHECK_SOON(connected == i);
    CHECK_EQUAL(limpet_session_terminate(session), 0);
  }
  CHECK_SOON(closed == 6);
  CHECK_EQUAL(failed, 0);
  limpet_server_free(echo);
  echo = NULL;
}

/* No descriptor is left for a socket, or for the resolver. */
static void test_out_of_descriptors(void) {
  struct rlimit before, few;
  CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
  few = before;
  few.rlim_cur = 64;
  CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
  int files[64], count = 0;
  while (count < 64 && (files[count] = open("/dev/null", O_RDONLY)) >= 0) count++;
  CHECK(count < 64);
  connect_to("ws://127.0.0.1:1/", NULL);
  expect_error(LIMPET_E_CONNECT, "socket 127.0.0.1:1: ");
  connect_to("ws://localhost:1/", NULL);
  expect_error(LIMPET_E_SYSTEM, "looking up localhost: ");
  while (count > 0) close(files[--count]);
  CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
}

static void test_bad_calls(void) {
  limpet_session none = 1;
  CHECK_EQUAL(limpet_server_connect(NULL, "ws://h/", NULL, &none), LIMPET_ERROR_CODE_ARGUMENT);
  CHECK(none == 0);
  CHECK_EQUAL(limpet_server_connect(clients, NULL, NULL, &none), LIMPET_ERROR_CODE_ARGUMENT);
  CHECK_EQUAL(limpet_server_connect(clients, "ws://h/", NULL, NULL), LIMPET_ERROR_CODE_ARGUMENT);
  CHECK_EQUAL(limpet_server_connect(clients, "http://h/", NULL, &none), LIMPET_ERROR_CODE_ARGUMENT);
  const struct limpet_connect_options options[] = {{.headers = "no colon\r\n"},
                                                   {.headers = "Host: other\r\n"},
                                                   {.headers = "X: y"},
                                                   {.protocols = "a b"},
                                                   {.protocols = "a, a"}};
  for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
    CHECK_EQUAL(limpet_server_connect(clients, "ws://127.0.0.1:1/", &options[i], &none),
                LIMPET_ERROR_CODE_VALUE);
    CHECK(none == 0);
  }
  static char headers[1 << 17];
  memset(headers, 'x', sizeof headers - 1);
  const struct limpet_connect_options long_one = {.headers = headers};
  CHECK_EQUAL(limpet_server_connect(clients, "ws://127.0.0.1:1/", &long_one, &none),
              LIMPET_ERROR_CODE_ARGUMENT);
  CHECK_EQUAL(limpet_server_active_count(clients), 0);
}

/* The server stops, or goes, while some connect. */
static void test_stop(void) {
  int port;
  const int fd = listener(&port);
  connect_to(url_of("127.0.0.1", port, "/"), NULL);
  CHECK_EQUAL(limpet_server_stop(clients, 1000), 0);
  CHECK_EQUAL(failed, 1);
  CHECK_EQUAL(code, LIMPET_ERROR_CODE_SHUTDOWN);
  CHECK_EQUAL(limpet_server_connect(clients, "ws://127.0.0.1/", NULL, &session), LIMPET_E_STATE);
  limpet_server_free(clients);
  // A name is looked up, and nobody waits for it any more.
  begin();
  connect_to("ws://no-such-host.invalid/", NULL);
  connect_to(url_of("127.0.0.1", port, "/"), NULL);
  limpet_server_free(clients);
  close(fd);
}

int main(void) {
  begin();
  CHECK_EQUAL(limpet_server_connect(clients, "ws://127.0.0.1:1/", NULL, NULL),
              LIMPET_ERROR_CODE_ARGUMENT);
  check_pump = pump;
  test_echo();
  test_ipv6();
  test_nobody();
  test_timeout();
  test_answers();
  test_401();
  test_given_up();
  test_again();
  test_out_of_descriptors();
  test_bad_calls();
  test_stop();
  return 0;
}
