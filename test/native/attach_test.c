/* limpet_server_attach and limpet_session_detach: sockets that were connected elsewhere become sessions, and
 * sessions become sockets again. */

#include "check.h"
#include "limpet.h"

#include <sys/un.h>

static limpet_server *server;
static limpet_session opened, closed;
static int opened_count, closed_count, message_count;
static char last_message[4096];
static bool pause_next;

static void pump(void) { limpet_server_poll(server, 5); }

static void on_connect(limpet_server *of, limpet_session session, void *user) {
  (void)of, (void)user;
  opened = session;
  opened_count++;
}

static void on_message(limpet_server *of, limpet_session session, enum limpet_type type, char *data,
                       size_t length, void *user) {
  (void)of, (void)user;
  snprintf(last_message, sizeof last_message, "%.*s", (int)length, data);
  message_count++;
  // Whoever is told of a message may not take the socket away.
  size_t none = 0;
  CHECK_EQUAL(limpet_session_detach(session, NULL, &none), LIMPET_ERROR_CODE_STATE);
  if (pause_next) CHECK_EQUAL(limpet_session_pause(session), 0);
  pause_next = false;
  CHECK(limpet_session_send(session, type, data, length) >= 0);
}

static void on_close(limpet_server *of, limpet_session session, uint16_t code, const char *reason,
                     void *user) {
  (void)of, (void)code, (void)reason, (void)user;
  closed = session;
  closed_count++;
}

static void begin(uint32_t max_connections) {
  limpet_config *config = limpet_config_new();
  CHECK_EQUAL(limpet_config_set_host(config, NULL), 0);
  if (max_connections > 0) limpet_config_set_max_connections(config, max_connections);
  server = limpet_server_new(config);
  CHECK(server);
  limpet_config_free(config);
  limpet_server_set_on_connect(server, on_connect, NULL);
  limpet_server_set_on_message(server, on_message, NULL);
  limpet_server_set_on_close(server, on_close, NULL);
  CHECK_EQUAL(limpet_server_start(server), 0);
  opened = closed = 0;
  opened_count = closed_count = message_count = 0;
  check_pump = pump;
}

static void end(void) {
  check_pump = NULL;
  limpet_server_free(server);
}

static struct check_client client_of(int fd) {
  struct check_client client = {.fd = fd, .status = 0, .held = 0};
  return client;
}

static void pair(int ends[2]) { CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0); }

/* Whether a descriptor is open. */
static bool is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }

/* An echo over one end of a connection whose other end is attached. */
static void check_echo(struct check_client *client, const char *text) {
  CHECK(check_client_send(client, CHECK_TEXT_FRAME, text, strlen(text)));
  CHECK_FRAME(client, CHECK_TEXT_FRAME, text);
}

static void test_pair(void) {
  begin(0);
  int ends[2];
  pair(ends);
  limpet_session session;
  CHECK_EQUAL(limpet_server_attach(server, ends[0], 0, &session), 0);
  CHECK(session != 0);
  CHECK_EQUAL(opened_count, 0);
  CHECK_EQUAL(limpet_session_fd(session), ends[0]);
  CHECK_EQUAL(limpet_session_send_text(session, "too early"), LIMPET_ERROR_CODE_STATE);
  struct check_client client = client_of(ends[1]);
  check_client_ask(&client, "/pair", "");
  CHECK_EQUAL(check_client_head(&client), 101);
  CHECK_EQUAL(opened_count, 1);
  CHECK(opened == session);
  check_echo(&client, "over a pair");
  check_client_end(&client);
  CHECK_SOON(closed_count == 1);
  CHECK(closed == session);
  CHECK(!is_open(ends[0]));
  end();
}

/* A listening socket of the test's own, of TCP or of a path; the accepted end is attached. */
static void check_accepted(int listener, const struct sockaddr *address, socklen_t size,
                           int family) {
  CHECK(bind(listener, address, size) == 0);
  CHECK(listen(listener, 1) == 0);
  struct sockaddr_storage where;
  socklen_t length = sizeof where;
  CHECK(getsockname(listener, (struct sockaddr *)&where, &length) == 0);
  const int far = socket(where.ss_family, SOCK_STREAM, 0);
  CHECK(connect(far, (struct sockaddr *)&where, length) == 0);
  const int near = accept(listener, NULL, NULL);
  CHECK(near >= 0);
  limpet_session session;
  CHECK_EQUAL(limpet_server_attach(server, near, 0, &session), 0);
  struct check_client client = client_of(far);
  check_client_ask(&client, "/", "");
  CHECK_EQUAL(check_client_head(&client), 101);
  char text[64] = "";
  int port = -1, told = -1;
  const int bytes = limpet_session_remote_address(session, text, sizeof text, &port, &told);
  CHECK_EQUAL(told, family);
  if (family == 4) {
    CHECK_STRING(text, "127.0.0.1");
    CHECK_EQUAL(bytes, 9);
    struct sockaddr_in own;
    length = sizeof own;
    CHECK(getsockname(far, (struct sockaddr *)&own, &length) == 0);
    CHECK_EQUAL(port, ntohs(own.sin_port));
  }
  check_echo(&client, "accepted elsewhere");
  check_client_end(&client);
  close(listener);
}

static void test_accepted(void) {
  begin(0);
  struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  check_accepted(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&in, sizeof in, 4);
  struct sockaddr_un un = {.sun_family = AF_UNIX};
  snprintf(un.sun_path, sizeof un.sun_path, "/tmp/limpet-attach-%d", (int)getpid());
  check_accepted(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&un, sizeof un, 0);
  unlink(un.sun_path);
  end();
}

/* Both ends are sessions: one masks, the other wants it so. */
static void test_no_http(void) {
  begin(0);
  int ends[2];
  pair(ends);
  limpet_session near, far;
  CHECK_EQUAL(limpet_server_attach(server, ends[0], LIMPET_NO_HTTP, &near), 0);
  CHECK(opened == near && opened_count == 1);
  CHECK_EQUAL(limpet_server_attach(server, ends[1], LIMPET_NO_HTTP | LIMPET_AS_CLIENT, &far), 0);
  CHECK(opened == far && opened_count == 2);
  struct limpet_session_details details;
  CHECK_EQUAL(limpet_session_info(near, &details), 0);
  CHECK_EQUAL(details.role, LIMPET_ROLE_SERVER);
  CHECK_EQUAL(details.state, LIMPET_STATE_OPEN);
  CHECK_EQUAL(limpet_session_info(far, &details), 0);
  CHECK_EQUAL(details.role, LIMPET_ROLE_CLIENT);
  CHECK_EQUAL(limpet_session_send_text(far, "ping pong"), LIMPET_SENT_OK);
  // Each end echoes what comes: it goes on until one is closed.
  CHECK_SOON(message_count >= 10);
  CHECK_STRING(last_message, "ping pong");
  CHECK_EQUAL(limpet_session_close(near, 1000, "enough"), 0);
  CHECK_SOON(closed_count == 2);
  end();
}

static void test_raw_no_http(void) {
  begin(0);
  int ends[2];
  pair(ends);
  limpet_session session;
  CHECK_EQUAL(limpet_server_attach(server, ends[0], LIMPET_NO_HTTP, &session), 0);
  struct check_client client = client_of(ends[1]);
  check_echo(&client, "frames from the first byte on");
  check_client_end(&client);
  CHECK_SOON(closed_count == 1);
  end();
}

/* Each failure leaves the descriptor to the caller, as it was. */
static void test_refused(void) {
  begin(2);
  limpet_session session = 7;
  int ends[2], more[2];
  pair(ends);
  CHECK_EQUAL(limpet_server_attach(NULL, ends[0], 0, &session), LIMPET_ERROR_CODE_ARGUMENT);
  CHECK_EQUAL(session, 0);
  CHECK_EQUAL(limpet_server_attach(server, ends[0], 0, NULL), LIMPET_ERROR_CODE_ARGUMENT);
  CHECK_EQUAL(limpet_server_attach(server, ends[0], LIMPET_AS_CLIENT, &session),
              LIMPET_ERROR_CODE_ARGUMENT);
  CHECK_EQUAL(limpet_server_attach(server, ends[0], 1u << 30, &session),
              LIMPET_ERROR_CODE_ARGUMENT);
  CHECK_EQUAL(limpet_server_attach(server, -1, 0, &session), LIMPET_E_SYSTEM);

  const int file = open("/dev/null", O_RDWR);
  CHECK_EQUAL(limpet_server_attach(server, file, 0, &session), LIMPET_ERROR_CODE_ARGUMENT);
  CHECK(is_open(file));
  close(file);
  CHECK_EQUAL(limpet_server_attach(server, file, 0, &session), LIMPET_E_SYSTEM);
  CHECK(strlen(limpet_last_error()) > 0);
  const int datagrams = socket(AF_INET, SOCK_DGRAM, 0);
  CHECK_EQUAL(limpet_server_attach(server, datagrams, 0, &session), LIMPET_ERROR_CODE_ARGUMENT);
  close(datagrams);
  const int lonely = socket(AF_INET, SOCK_STREAM, 0);
  CHECK_EQUAL(limpet_server_attach(server, lonely, 0, &session), LIMPET_ERROR_CODE_ARGUMENT);
  close(lonely);

  // The pool is full.
  limpet_session first, second;
  CHECK_EQUAL(limpet_server_attach(server, ends[0], LIMPET_NO_HTTP, &first), 0);
  CHECK_EQUAL(limpet_server_attach(server, ends[1], LIMPET_NO_HTTP | LIMPET_AS_CLIENT, &second), 0);
  pair(more);
  CHECK_EQUAL(limpet_server_attach(server, more[0], 0, &session), LIMPET_ERROR_CODE_SESSIONS);
  CHECK(is_open(more[0]));
  CHECK((fcntl(more[0], F_GETFL) & O_NONBLOCK) == 0);
  CHECK(write(more[0], "mine", 4) == 4);
  close(more[0]);
  close(more[1]);
  end();

  limpet_config *config = limpet_config_new();
  limpet_server *unstarted = limpet_server_new(config);
  limpet_config_free(config);
  pair(more);
  CHECK_EQUAL(limpet_server_attach(unstarted, more[0], 0, &session), LIMPET_E_STATE);
  CHECK(is_open(more[0]));
  close(more[0]);
  close(more[1]);
  limpet_server_free(unstarted);
}

/* A session becomes a socket again; on_close is not called. */
static void test_detach(void) {
  begin(0);
  int ends[2];
  pair(ends);
  limpet_session session;
  CHECK_EQUAL(limpet_server_attach(server, ends[0], 0, &session), 0);
  char rest[4096];
  size_t length = sizeof rest;
  CHECK_EQUAL(limpet_session_detach(session, rest, &length), LIMPET_ERROR_CODE_STATE);
  struct check_client client = client_of(ends[1]);
  check_client_ask(&client, "/", "");
  CHECK_EQUAL(check_client_head(&client), 101);
  check_echo(&client, "before");
  CHECK_EQUAL(limpet_session_detach(session, NULL, &length), LIMPET_ERROR_CODE_ARGUMENT);
  CHECK_EQUAL(limpet_session_detach(session, rest, &length), ends[0]);
  CHECK_EQUAL(length, 0);
  CHECK_EQUAL(closed_count, 0);
  CHECK_EQUAL(limpet_session_send_text(session, "gone"), LIMPET_ERROR_CODE_HANDLE);
  CHECK_EQUAL(limpet_session_detach(session, NULL, NULL), LIMPET_ERROR_CODE_HANDLE);
  CHECK_EQUAL(limpet_server_active_count(server), 0);
  CHECK((fcntl(ends[0], F_GETFL) & O_NONBLOCK) != 0);
  CHECK(write(ends[1], "raw", 3) == 3);
  CHECK(read(ends[0], rest, sizeof rest) == 3);
  // What was detached may be attached again.
  CHECK_EQUAL(limpet_server_attach(server, ends[0], LIMPET_NO_HTTP, &session), 0);
  check_echo(&client, "after");
  check_client_end(&client);
  CHECK_SOON(closed_count == 1);
  end();
}

/* What was read, but not used by a session that its callback paused, comes with the descriptor. */
static void test_rest(void) {
  begin(0);
  int ends[2];
  pair(ends);
  limpet_session session;
  CHECK_EQUAL(limpet_server_attach(server, ends[0], LIMPET_NO_HTTP, &session), 0);
  struct check_client client = client_of(ends[1]);
  // A ping is not answered before the reply to the message in front of it: the read ends there. Keys are 0.
  static const uint8_t frames[] = {0x81, 0x83, 0, 0,    0,    0, 'o', 'n', 'e', 0x89, 0x80, 0,
                                   0,    0,    0, 0x81, 0x83, 0, 0,   0,   0,   't',  'w',  'o'};
  pause_next = true;
  CHECK(check_client_write(&client, frames, sizeof frames));
  CHECK_FRAME(&client, CHECK_TEXT_FRAME, "one");
  for (int i = 0; i < 5; i++) pump();
  CHECK_EQUAL(message_count, 1);
  char rest[64];
  size_t length = 8;
  CHECK_EQUAL(limpet_session_detach(session, rest, &length), LIMPET_E_STORAGE);
  CHECK_EQUAL(length, 8);
  CHECK_EQUAL(limpet_session_fd(session), ends[0]);
  length = sizeof rest;
  CHECK_EQUAL(limpet_session_detach(session, rest, &length), ends[0]);
  CHECK(length >= 9 + 5 && length <= 9 + 6);
  CHECK(memcmp(rest + length - 9, frames + sizeof frames - 9, 9) == 0);
  CHECK_EQUAL(closed_count, 0);
  close(ends[0]);
  check_client_end(&client);
  end();
}

/* An unsent rest keeps a session from being detached until it is written. */
static void test_unwritten(void) {
  begin(0);
  int ends[2];
  pair(ends);
  limpet_session session;
  CHECK_EQUAL(limpet_server_attach(server, ends[0], LIMPET_NO_HTTP, &session), 0);
  static char big[1 << 20];
  memset(big, 'x', sizeof big);
  CHECK(limpet_session_send(session, LIMPET_TEXT, big, sizeof big) >= 0);
  CHECK_EQUAL(limpet_session_detach(session, NULL, NULL), LIMPET_ERROR_CODE_STATE);
  struct check_client client = client_of(ends[1]);
  const struct check_frame frame = check_client_receive(&client);
  CHECK_EQUAL(frame.length, sizeof big);
  CHECK_EQUAL(limpet_session_detach(session, NULL, NULL), ends[0]);
  close(ends[0]);
  check_client_end(&client);
  end();
}

int main(void) {
  test_pair();
  test_accepted();
  test_no_http();
  test_raw_no_http();
  test_refused();
  test_detach();
  test_rest();
  test_unwritten();
  return 0;
}
