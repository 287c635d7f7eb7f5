/* limpet_ws: one connection, call by call. What libdill documents of ws_attach_server_mem, ws_send, ws_recv,
 * ws_done, ws_status and ws_detach has its sister here. */

#include "check.h"
#include "limpet.h"

#include <pthread.h>

static limpet_server *server;

static void pump(void) { limpet_server_poll(server, 5); }

static void begin(void) {
  limpet_config *config = limpet_config_new();
  limpet_config_set_host(config, NULL);
  server = limpet_server_new(config);
  CHECK(server);
  limpet_config_free(config);
  CHECK_EQUAL(limpet_server_start(server), 0);
  check_pump = pump;
}

static void pair(int ends[2]) { CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0); }

static struct check_client client_of(int fd) {
  struct check_client client = {.fd = fd, .status = 0, .held = 0};
  return client;
}

static bool is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }

static int64_t soon(void) { return limpet_now() + CHECK_PATIENCE_MS; }

/* A WebSocket over one end of a pair, past its handshake, and a raw client at the other. */
static limpet_ws *attached(struct check_client *client, uint32_t flags,
                           struct limpet_ws_storage *storage) {
  int ends[2];
  pair(ends);
  *client = client_of(ends[1]);
  limpet_ws *ws = NULL;
  CHECK_EQUAL(
      limpet_ws_attach(server, ends[0], flags | LIMPET_NO_HTTP, NULL, 0, NULL, 0, storage, 0, &ws),
      0);
  CHECK(ws);
  return ws;
}

/* ---------------------------------------------------------------------- handshake */

static void test_resource_and_host(void) {
  int ends[2];
  pair(ends);
  struct check_client client = client_of(ends[1]);
  check_client_ask(&client, "/chat/room?name=a%20b&x", "");
  char resource[256], host[256];
  limpet_ws *ws;
  const int code = limpet_ws_attach(server, ends[0], 0, resource, sizeof resource, host,
                                    sizeof host, NULL, soon(), &ws);
  CHECK_EQUAL(code, 0);
  CHECK_STRING(resource, "/chat/room?name=a%20b&x");
  CHECK_STRING(host, "127.0.0.1");
  CHECK_EQUAL(check_client_head(&client), 101);
  CHECK_EQUAL(limpet_ws_close(ws, 0), LIMPET_E_TIMEOUT);
  CHECK(!is_open(ends[0]));
  check_client_end(&client);
}

/* Buffers that are too small by one byte, and that just fit. */
static void test_buffers(void) {
  for (int short_by = 0; short_by < 2; short_by++) {
    for (int which = 0; which < 2; which++) {
      int ends[2];
      pair(ends);
      struct check_client client = client_of(ends[1]);
      check_client_ask(&client, "/abc?d", "");
      char resource[7], host[10];
      const size_t resource_size = sizeof resource - (which == 0 && short_by ? 1 : 0);
      const size_t host_size = sizeof host - (which == 1 && short_by ? 1 : 0);
      limpet_ws *ws;
      const int code = limpet_ws_attach(server, ends[0], 0, resource, resource_size, host,
                                        host_size, NULL, soon(), &ws);
      if (short_by) {
        CHECK_EQUAL(code, LIMPET_ERROR_CODE_ARGUMENT);
        CHECK(!ws);
        // The socket stays the caller's, in the mode in which it came.
        CHECK(is_open(ends[0]));
        CHECK((fcntl(ends[0], F_GETFL) & O_NONBLOCK) == 0);
        close(ends[0]);
      } else {
        CHECK_EQUAL(code, 0);
        CHECK_STRING(resource, "/abc?d");
        CHECK_STRING(host, "127.0.0.1");
        limpet_ws_close(ws, 0);
      }
      check_client_end(&client);
    }
  }
}

/* Each that leaves no WebSocket leaves the socket to the caller. */
static void test_failures(void) {
  int ends[2];
  limpet_ws *ws;
  // Nothing comes: the deadline of "do not wait", and one that passes.
  pair(ends);
  CHECK_EQUAL(limpet_ws_attach(server, ends[0], 0, NULL, 0, NULL, 0, NULL, 0, &ws),
              LIMPET_E_TIMEOUT);
  CHECK(!ws);
  const int64_t from = limpet_now();
  CHECK_EQUAL(limpet_ws_attach(server, ends[0], 0, NULL, 0, NULL, 0, NULL, from + 50, &ws),
              LIMPET_E_TIMEOUT);
  CHECK(limpet_now() >= from + 50 && limpet_now() < from + 5000);
  // The same socket all the same gets its handshake, when that comes.
  struct check_client client = client_of(ends[1]);
  check_client_ask(&client, "/", "");
  CHECK_EQUAL(limpet_ws_attach(server, ends[0], 0, NULL, 0, NULL, 0, NULL, 0, &ws), 0);
  CHECK_EQUAL(check_client_head(&client), 101);
  limpet_ws_close(ws, 0);
  check_client_end(&client);
  // The peer goes.
  pair(ends);
  close(ends[1]);
  CHECK_EQUAL(limpet_ws_attach(server, ends[0], 0, NULL, 0, NULL, 0, NULL, soon(), &ws),
              LIMPET_E_CLOSED);
  CHECK(is_open(ends[0]));
  close(ends[0]);
  // No WebSocket, and no HTTP.
  const char *said[] = {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "\x16\x03\x01 hello\r\n\r\n"};
  for (int i = 0; i < 2; i++) {
    pair(ends);
    CHECK(write(ends[1], said[i], strlen(said[i])) > 0);
    CHECK(limpet_ws_attach(server, ends[0], 0, NULL, 0, NULL, 0, NULL, soon(), &ws) < 0);
    CHECK(is_open(ends[0]));
    close(ends[0]);
    close(ends[1]);
  }
  CHECK_EQUAL(limpet_ws_attach(server, -1, 0, NULL, 0, NULL, 0, NULL, 0, &ws), LIMPET_E_SYSTEM);
  CHECK_EQUAL(limpet_ws_attach(NULL, 0, 0, NULL, 0, NULL, 0, NULL, 0, &ws),
              LIMPET_ERROR_CODE_ARGUMENT);
  CHECK_EQUAL(limpet_ws_attach(server, 0, 0, NULL, 1, NULL, 0, NULL, 0, &ws),
              LIMPET_ERROR_CODE_ARGUMENT);
  CHECK_EQUAL(limpet_ws_attach(server, 0, 0, NULL, 0, NULL, 0, NULL, 0, NULL),
              LIMPET_ERROR_CODE_ARGUMENT);
  CHECK_EQUAL(limpet_server_active_count(server), 0);
}

/* ----------------------------------------------------------------------- messages */

static void test_messages(void) {
  struct check_client client;
  struct limpet_ws_storage storage;
  limpet_ws *ws = attached(&client, 0, &storage);
  CHECK((void *)ws == (void *)&storage);
  char buffer[64];
  enum limpet_type type;
  CHECK_EQUAL(limpet_ws_receive(ws, buffer, sizeof buffer, NULL, 0), LIMPET_E_TIMEOUT);

  // Binary is what is agreed on unless LIMPET_WS_TEXT says otherwise.
  CHECK_EQUAL(limpet_ws_send(ws, "\x00\xff", 2, soon()), 0);
  struct check_frame frame = check_client_receive(&client);
  CHECK_EQUAL(frame.first, CHECK_BINARY_FRAME);
  CHECK_EQUAL(frame.length, 2);
  CHECK(check_client_send(&client, CHECK_BINARY_FRAME, "abc", 3));
  CHECK_EQUAL(limpet_ws_receive(ws, buffer, sizeof buffer, NULL, soon()), 3);
  CHECK(memcmp(buffer, "abc", 3) == 0);

  // One of the other type stays until it is asked for with its type.
  CHECK(check_client_send(&client, CHECK_TEXT_FRAME, "text", 4));
  CHECK(check_client_send(&client, CHECK_BINARY_FRAME, "next", 4));
  CHECK_EQUAL(limpet_ws_receive(ws, buffer, sizeof buffer, NULL, soon()), LIMPET_E_TYPE);
  CHECK_EQUAL(limpet_ws_receive(ws, buffer, sizeof buffer, NULL, 0), LIMPET_E_TYPE);
  CHECK_EQUAL(limpet_ws_receive(ws, buffer, sizeof buffer, &type, 0), 4);
  CHECK_EQUAL(type, LIMPET_TEXT);
  CHECK_EQUAL(limpet_ws_receive(ws, buffer, sizeof buffer, &type, soon()), 4);
  CHECK_EQUAL(type, LIMPET_BINARY);
  CHECK(memcmp(buffer, "next", 4) == 0);
  CHECK_EQUAL(limpet_ws_send_as(ws, LIMPET_TEXT, "text", 4, soon()), 0);
  CHECK_FRAME(&client, CHECK_TEXT_FRAME, "text");

  // One that does not fit stays, too.
  CHECK(check_client_send(&client, CHECK_BINARY_FRAME, "0123456789", 10));
  CHECK_EQUAL(limpet_ws_receive(ws, buffer, 9, NULL, soon()), LIMPET_ERROR_CODE_TOO_BIG);
  CHECK_EQUAL(limpet_ws_receive(ws, NULL, 0, NULL, 0), LIMPET_ERROR_CODE_TOO_BIG);
  CHECK_EQUAL(limpet_ws_receive(ws, buffer, 10, NULL, 0), 10);
  // One of no bytes is a message.
  CHECK(check_client_send(&client, CHECK_BINARY_FRAME, "", 0));
  CHECK_EQUAL(limpet_ws_receive(ws, NULL, 0, NULL, soon()), 0);
  CHECK_EQUAL(limpet_ws_receive(ws, NULL, 5, NULL, 0), LIMPET_ERROR_CODE_ARGUMENT);
  CHECK_EQUAL(limpet_ws_status(ws, NULL, 0), 0);
  limpet_ws_close(ws, 0);
  check_client_end(&client);
}

static void test_text(void) {
  struct check_client client;
  limpet_ws *ws = attached(&client, LIMPET_WS_TEXT, NULL);
  char buffer[64];
  CHECK_EQUAL(limpet_ws_send(ws, "hi", 2, soon()), 0);
  CHECK_FRAME(&client, CHECK_TEXT_FRAME, "hi");
  CHECK(check_client_send(&client, CHECK_BINARY_FRAME, "b", 1));
  CHECK_EQUAL(limpet_ws_receive(ws, buffer, sizeof buffer, NULL, soon()), LIMPET_E_TYPE);
  limpet_ws_close(ws, 0);
  check_client_end(&client);
}

/* Many in one write: each is one call, in order; pings are answered meanwhile. */
static void test_many(void) {
  struct check_client client;
  limpet_ws *ws = attached(&client, LIMPET_WS_TEXT, NULL);
  char text[16], buffer[16];
  for (int i = 0; i < 150; i++) {
    snprintf(text, sizeof text, "%d", i);
    CHECK(check_client_send(&client, CHECK_TEXT_FRAME, text, strlen(text)));
  }
  CHECK(check_client_send(&client, CHECK_PING_FRAME, "?", 1));
  for (int i = 0; i < 150; i++) {
    snprintf(text, sizeof text, "%d", i);
    const int length = limpet_ws_receive(ws, buffer, sizeof buffer, NULL, soon());
    CHECK_EQUAL(length, strlen(text));
    CHECK(memcmp(buffer, text, (size_t)length) == 0);
  }
  CHECK_EQUAL(limpet_ws_receive(ws, buffer, sizeof buffer, NULL, 0), LIMPET_E_TIMEOUT);
  CHECK_FRAME(&client, CHECK_PONG_FRAME, "?");
  limpet_ws_close(ws, 0);
  check_client_end(&client);
}

/* A message that the socket does not take: the deadline passes, and the rest leaves in later calls. */
static void test_send_deadline(void) {
  struct check_client client;
  limpet_ws *ws = attached(&client, 0, NULL);
  static char big[4 << 20];
  memset(big, 7, sizeof big);
  CHECK_EQUAL(limpet_ws_send(ws, big, sizeof big, 0), LIMPET_E_TIMEOUT);
  const int64_t from = limpet_now();
  char buffer[4];
  CHECK_EQUAL(limpet_ws_receive(ws, buffer, sizeof buffer, NULL, from + 60), LIMPET_E_TIMEOUT);
  CHECK(limpet_now() >= from + 60);
  size_t got = 0;
  static char sink[65536];
  while (got < sizeof big) {
    const ssize_t bytes = recv(client.fd, sink, sizeof sink, MSG_DONTWAIT);
    if (bytes > 0) got += (size_t)bytes;
    else limpet_ws_receive(ws, buffer, sizeof buffer, NULL, 0);
  }
  limpet_ws_close(ws, 0);
  check_client_end(&client);
}

/* ------------------------------------------------------------------------ endings */

static void test_peer_closes(void) {
  struct check_client client;
  limpet_ws *ws = attached(&client, LIMPET_WS_TEXT, NULL);
  CHECK(check_client_send(&client, CHECK_TEXT_FRAME, "last words", 10));
  CHECK(check_client_send(&client, CHECK_CLOSE_FRAME,
                          "\x0b\xb8"
                          "because",
                          9));
  char buffer[64], reason[64];
  CHECK_EQUAL(limpet_ws_receive(ws, buffer, sizeof buffer, NULL, soon()), 10);
  CHECK_EQUAL(limpet_ws_receive(ws, buffer, sizeof buffer, NULL, soon()), LIMPET_E_CLOSED);
  CHECK_EQUAL(limpet_ws_status(ws, reason, sizeof reason), 3000);
  CHECK_STRING(reason, "because");
  CHECK_EQUAL(limpet_ws_status(ws, reason, 4), 3000);
  CHECK_STRING(reason, "bec");
  CHECK_EQUAL(limpet_ws_send(ws, "x", 1, soon()), LIMPET_E_CLOSED);
  const struct check_frame frame = check_client_receive(&client);
  CHECK_EQUAL(check_close_code(&frame), 3000);
  check_client_end(&client);
  CHECK_EQUAL(limpet_ws_close(ws, soon()), 0);
  CHECK_EQUAL(limpet_server_active_count(server), 0);
}

/* The peer breaks a rule: what it was, at once. RFC 6455 5.1. */
static void test_broken_rule(void) {
  struct check_client client;
  limpet_ws *ws = attached(&client, LIMPET_WS_TEXT, NULL);
  CHECK(check_client_send(&client, CHECK_TEXT_FRAME, "fine", 4));
  CHECK(check_client_write(&client,
                           "\x81\x05"
                           "naked",
                           7));
  char buffer[16];
  CHECK_EQUAL(limpet_ws_receive(ws, buffer, sizeof buffer, NULL, soon()), 4);
  CHECK_EQUAL(limpet_ws_receive(ws, buffer, sizeof buffer, NULL, soon()),
              LIMPET_ERROR_CODE_UNMASKED);
  CHECK_EQUAL(limpet_ws_receive(ws, buffer, sizeof buffer, NULL, 0), LIMPET_ERROR_CODE_UNMASKED);
  CHECK_EQUAL(limpet_ws_send(ws, "x", 1, soon()), LIMPET_ERROR_CODE_UNMASKED);
  CHECK_EQUAL(limpet_ws_status(ws, NULL, 0), 0);
  const struct check_frame frame = check_client_receive(&client);
  CHECK_EQUAL(check_close_code(&frame), 1002);
  CHECK_EQUAL(limpet_ws_detach(ws, 1000, NULL, soon()), LIMPET_E_CLOSED);
  check_client_end(&client);
  CHECK_EQUAL(limpet_ws_close(ws, soon()), 0);
}

/* The connection breaks without a Close frame. RFC 6455 7.1.5. */
static void test_peer_breaks(void) {
  struct check_client client;
  limpet_ws *ws = attached(&client, 0, NULL);
  const int fd = limpet_session_fd(limpet_ws_session(ws));
  check_client_end(&client);
  char buffer[4];
  CHECK_EQUAL(limpet_ws_receive(ws, buffer, sizeof buffer, NULL, soon()), LIMPET_E_CLOSED);
  CHECK_EQUAL(limpet_ws_status(ws, NULL, 0), 1006);
  CHECK_EQUAL(limpet_ws_send(ws, "x", 1, 0), LIMPET_E_CLOSED);
  CHECK_EQUAL(limpet_ws_detach(ws, 1000, NULL, 0), LIMPET_E_CLOSED);
  CHECK(is_open(fd));
  CHECK_EQUAL(limpet_ws_close(ws, 0), 0);
  CHECK(!is_open(fd));
}

static void test_close(void) {
  struct check_client client;
  limpet_ws *ws = attached(&client, 0, NULL);
  CHECK(check_client_send(&client, CHECK_CLOSE_FRAME, "\x03\xe8", 2));
  // Nobody reads the answer; the socket is closed when the peer has closed its own, or at the deadline.
  const int64_t from = limpet_now();
  CHECK_EQUAL(limpet_ws_close(ws, from + 60), LIMPET_E_TIMEOUT);
  CHECK(limpet_now() >= from + 60);
  const struct check_frame frame = check_client_receive(&client);
  CHECK_EQUAL(check_close_code(&frame), 1000);
  check_client_end(&client);
  CHECK_EQUAL(limpet_server_active_count(server), 0);
}

/* The socket goes on with other bytes once both Close frames have passed. */
static void check_detach(bool peer_first) {
  struct check_client client;
  limpet_ws *ws = attached(&client, 0, NULL);
  const int own = limpet_session_fd(limpet_ws_session(ws));
  if (peer_first) {
    char buffer[4];
    CHECK(check_client_send(&client, CHECK_CLOSE_FRAME, "\x03\xe9", 2));
    CHECK_EQUAL(limpet_ws_receive(ws, buffer, sizeof buffer, NULL, soon()), LIMPET_E_CLOSED);
    const struct check_frame frame = check_client_receive(&client);
    CHECK_EQUAL(check_close_code(&frame), 1001);
  } else {
    // A message and a ping cross the Close frame; what follows the answer is no frame.
    CHECK_EQUAL(limpet_ws_detach(ws, 1000, "bye", 0), LIMPET_E_TIMEOUT);
    CHECK(check_client_send(&client, CHECK_BINARY_FRAME, "crosses", 7));
    CHECK(check_client_send(&client, CHECK_PING_FRAME, "?", 1));
    CHECK(check_client_send(&client, CHECK_CLOSE_FRAME, "\x03\xe8", 2));
  }
  CHECK(write(client.fd, "other bytes", 11) == 11);
  CHECK_EQUAL(limpet_ws_detach(ws, 1000, "bye", soon()), own);
  CHECK((fcntl(own, F_GETFL) & O_NONBLOCK) == 0);
  char buffer[64];
  CHECK_EQUAL(read(own, buffer, sizeof buffer), 11);
  CHECK(memcmp(buffer, "other bytes", 11) == 0);
  if (!peer_first) {
    const struct check_frame frame = check_client_receive(&client);
    CHECK_EQUAL(check_close_code(&frame), 1000);
    CHECK_STRING(frame.payload + 2, "bye");
    CHECK_FRAME(&client, CHECK_PONG_FRAME, "?");
  }
  // No FIN was sent: this side may write, too.
  CHECK(write(own, "and back", 8) == 8);
  CHECK_EQUAL(read(client.fd, buffer, sizeof buffer), 8);
  CHECK_EQUAL(limpet_server_active_count(server), 0);
  close(own);
  check_client_end(&client);
}

static void test_detach_refused(void) {
  struct check_client client;
  limpet_ws *ws = attached(&client, 0, NULL);
  CHECK(limpet_ws_detach(ws, 1005, NULL, 0) < 0);
  CHECK(limpet_ws_detach(ws, 1000, "\xff", 0) < 0);
  // Nothing was sent by that.
  CHECK_EQUAL(limpet_ws_send(ws, "x", 1, soon()), 0);
  CHECK_EQUAL(check_client_receive(&client).first, CHECK_BINARY_FRAME);
  limpet_ws_close(ws, 0);
  check_client_end(&client);
}

/* Both ends are limpet_ws: in a thread each, with a server of its own. */
static void *far_end(void *argument) {
  const int fd = *(const int *)argument;
  limpet_config *config = limpet_config_new();
  limpet_config_set_host(config, NULL);
  limpet_server *own = limpet_server_new(config);
  limpet_config_free(config);
  CHECK_EQUAL(limpet_server_start(own), 0);
  limpet_ws *ws;
  const uint32_t flags = LIMPET_NO_HTTP | LIMPET_AS_CLIENT | LIMPET_WS_TEXT;
  CHECK_EQUAL(limpet_ws_attach(own, fd, flags, NULL, 0, NULL, 0, NULL, -1, &ws), 0);
  char buffer[64];
  for (int i = 0; i < 100; i++) {
    const int length = limpet_ws_receive(ws, buffer, sizeof buffer, NULL, -1);
    CHECK(length > 0);
    CHECK_EQUAL(limpet_ws_send(ws, buffer, (size_t)length, -1), 0);
  }
  CHECK_EQUAL(limpet_ws_receive(ws, buffer, sizeof buffer, NULL, -1), LIMPET_E_CLOSED);
  CHECK_EQUAL(limpet_ws_detach(ws, 1000, NULL, -1), fd);
  limpet_server_free(own);
  CHECK(write(fd, "far", 3) == 3);
  return NULL;
}

static void test_both_ends(void) {
  int ends[2];
  pair(ends);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, far_end, &ends[1]) == 0);
  limpet_ws *ws;
  CHECK_EQUAL(limpet_ws_attach(server, ends[0], LIMPET_NO_HTTP | LIMPET_WS_TEXT, NULL, 0, NULL, 0,
                               NULL, -1, &ws),
              0);
  char text[32], buffer[64];
  for (int i = 0; i < 100; i++) {
    snprintf(text, sizeof text, "message %d", i);
    CHECK_EQUAL(limpet_ws_send(ws, text, strlen(text), -1), 0);
    CHECK_EQUAL(limpet_ws_receive(ws, buffer, sizeof buffer, NULL, -1), strlen(text));
  }
  CHECK_EQUAL(limpet_ws_detach(ws, 1000, "done", -1), ends[0]);
  CHECK_EQUAL(read(ends[0], buffer, sizeof buffer), 3);
  CHECK(memcmp(buffer, "far", 3) == 0);
  CHECK(pthread_join(thread, NULL) == 0);
  close(ends[0]);
  close(ends[1]);
}

static void test_null(void) {
  char buffer[4];
  CHECK_EQUAL(limpet_ws_send(NULL, "", 0, 0), LIMPET_ERROR_CODE_ARGUMENT);
  CHECK_EQUAL(limpet_ws_send_as(NULL, LIMPET_TEXT, "", 0, 0), LIMPET_ERROR_CODE_ARGUMENT);
  CHECK_EQUAL(limpet_ws_receive(NULL, buffer, 4, NULL, 0), LIMPET_ERROR_CODE_ARGUMENT);
  CHECK_EQUAL(limpet_ws_status(NULL, NULL, 0), LIMPET_ERROR_CODE_ARGUMENT);
  CHECK_EQUAL(limpet_ws_session(NULL), 0);
  CHECK_EQUAL(limpet_ws_detach(NULL, 1000, NULL, 0), LIMPET_ERROR_CODE_ARGUMENT);
  CHECK_EQUAL(limpet_ws_close(NULL, 0), LIMPET_ERROR_CODE_ARGUMENT);
}

int main(void) {
  begin();
  test_resource_and_host();
  test_buffers();
  test_failures();
  test_messages();
  test_text();
  test_many();
  test_send_deadline();
  test_peer_closes();
  test_broken_rule();
  test_peer_breaks();
  test_close();
  check_detach(false);
  check_detach(true);
  test_detach_refused();
  test_both_ends();
  test_null();
  limpet_server_free(server);
  return 0;
}
