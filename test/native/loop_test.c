/* A loop and its sockets: what comes, in which order, how connections end. Under epoll and under poll(2). */

#include "check.h"
#include "limpet.h"
#include "server.h"

/* What the callbacks saw since the last serve(). */
static struct {
  int opened, closed, errors, writable, shutdowns;
  int code, status;
  char reason[128];
  limpet_session session;
  /* What on_connect sends until its queue is full. */
  size_t flood;
} seen;

static limpet_server *server;
static limpet_config *config;
static int port;

static void pump(void) { limpet_server_poll(server, 1); }

static void flood(limpet_session session) {
  static char block[50000];
  memset(block, 'f', sizeof block);
  while (seen.flood > 0) {
    seen.status = limpet_session_send(session, LIMPET_BINARY, block, sizeof block);
    if (seen.status < 0) return;
    seen.flood -= sizeof block;
    if (seen.status == LIMPET_SENT_BACKPRESSURE) return;
  }
}

static void on_connect(limpet_server *told, limpet_session session, void *user) {
  CHECK(told == server && user == &seen);
  seen.opened++;
  seen.session = session;
  flood(session);
}

static void on_message(limpet_server *told, limpet_session session, enum limpet_type type,
                       char *data, size_t length, void *user) {
  (void)told, (void)user;
  if (length == 5 && memcmp(data, "leave", 5) == 0) {
    CHECK_EQUAL(limpet_session_close(session, 4001, "left"), 0);
    return;
  }
  if (length > 300000) data[0] = '!';
  const int status = limpet_session_send(session, type, data, length);
  CHECK(status == LIMPET_SENT_OK || status == LIMPET_SENT_BACKPRESSURE ||
        status == LIMPET_ERROR_CODE_STATE);
}

static void on_close(limpet_server *told, limpet_session session, uint16_t code, const char *reason,
                     void *user) {
  (void)told, (void)user;
  // Its number is good until this returns, and takes nothing any more.
  CHECK_EQUAL(limpet_session_send_text(session, "late"), LIMPET_ERROR_CODE_STATE);
  seen.closed++;
  seen.code = code;
  snprintf(seen.reason, sizeof seen.reason, "%s", reason);
}

static void on_error(limpet_server *told, limpet_session session, int code, const char *message,
                     void *user) {
  (void)told, (void)session, (void)user;
  CHECK(code < 0 && message && message[0] != '\0');
  seen.errors++;
}

static void on_writable(limpet_server *told, limpet_session session, void *user) {
  (void)told, (void)user;
  seen.writable++;
  flood(session);
}

static void on_shutdown(limpet_server *told, limpet_session session, void *user) {
  (void)told, (void)user;
  seen.shutdowns++;
  CHECK_EQUAL(limpet_session_send_text(session, "last words"), LIMPET_SENT_OK);
}

/* Starts a server with the settings of `config`, which is freed. */
static void serve(void) {
  memset(&seen, 0, sizeof seen);
  CHECK_EQUAL(limpet_config_set_port(config, 0), 0);
  server = limpet_server_new(config);
  CHECK(server);
  limpet_config_free(config);
  limpet_server_set_on_connect(server, on_connect, &seen);
  limpet_server_set_on_message(server, on_message, NULL);
  limpet_server_set_on_close(server, on_close, NULL);
  limpet_server_set_on_error(server, on_error, NULL);
  limpet_server_set_on_writable(server, on_writable, NULL);
  limpet_server_set_on_shutdown(server, on_shutdown, NULL);
  CHECK_EQUAL(limpet_server_start(server), 0);
  port = limpet_server_port(server);
  CHECK(port > 0);
  check_pump = pump;
}

static void end(void) {
  CHECK_EQUAL(limpet_server_stop(server, 0), 0);
  CHECK_EQUAL(limpet_server_poll(server, 0), LIMPET_E_STATE);
  limpet_server_free(server);
  check_pump = NULL;
}

static void default_server(void) {
  config = limpet_config_new();
  CHECK(config);
  serve();
}

/* ------------------------------------------------------------------------- what comes */

static void test_echo_and_close(void) {
  default_server();
  struct check_client client = check_client_connect(port, "/", "");
  CHECK_EQUAL(client.status, 101);
  CHECK(check_client_send(&client, CHECK_TEXT_FRAME, "hello", 5));
  CHECK_FRAME(&client, CHECK_TEXT_FRAME, "hello");
  CHECK(check_client_send(&client, CHECK_TEXT_FRAME, "leave", 5));
  struct check_frame frame = check_client_receive(&client);
  CHECK_EQUAL(check_close_code(&frame), 4001);
  CHECK_STRING(frame.payload + 2, "left");
  CHECK(check_client_send(&client, CHECK_CLOSE_FRAME, "\x0f\xa1", 2));
  // The server ends its side first. RFC 6455 7.1.1.
  CHECK_EQUAL(check_client_receive(&client).first, 0);
  check_client_end(&client);
  CHECK_SOON(seen.closed == 1);
  CHECK_EQUAL(seen.opened, 1);
  CHECK_EQUAL(seen.code, 4001);
  CHECK_EQUAL(limpet_session_send_text(seen.session, "stale"), LIMPET_ERROR_CODE_HANDLE);
  end();
}

/* Frames in one write with the head, pings in between: replies come in the order of what they answer. */
static void test_order_of_replies(void) {
  default_server();
  struct check_client client = check_client_open(port);
  uint8_t frames[400];
  size_t length = 0;
  for (int i = 0; i < 20; i++) {
    const uint8_t frame[] = {
        i % 2 ? CHECK_PING_FRAME : CHECK_TEXT_FRAME, 0x81, 0, 0, 0, 0, (uint8_t)('a' + i)};
    memcpy(frames + length, frame, sizeof frame);
    length += sizeof frame;
  }
  check_client_ask(&client, "/", "");
  CHECK(check_client_write(&client, frames, length));
  CHECK_EQUAL(check_client_head(&client), 101);
  for (int i = 0; i < 20; i++) {
    const char text[2] = {(char)('a' + i), '\0'};
    CHECK_FRAME(&client, i % 2 ? CHECK_PONG_FRAME : CHECK_TEXT_FRAME, text);
  }
  check_client_end(&client);
  CHECK_SOON(seen.closed == 1);
  CHECK_EQUAL(seen.code, 1006);
  end();
}

/* Longer than the core's blocks: put together, changed in place, and sent on. */
static void test_long_message(void) {
  default_server();
  struct check_client client = check_client_connect(port, "/", "");
  const size_t length = 3u << 20;
  char *message = malloc(length);
  CHECK(message);
  for (size_t i = 0; i < length; i++) message[i] = (char)(i * 7 + i / 251);
  CHECK(check_client_send(&client, CHECK_BINARY_FRAME, message, length));
  CHECK(check_client_send(&client, CHECK_TEXT_FRAME, "behind", 6));
  CHECK(check_client_fill(&client, 10, CHECK_PATIENCE_MS));
  CHECK_EQUAL(client.bytes[0], CHECK_BINARY_FRAME);
  CHECK_EQUAL(client.bytes[1], 127);
  check_client_take(&client, 10);
  message[0] = '!';
  for (size_t at = 0; at < length;) {
    const size_t piece = length - at < 4096 ? length - at : 4096;
    CHECK(check_client_fill(&client, piece, CHECK_PATIENCE_MS));
    CHECK(memcmp(client.bytes, message + at, piece) == 0);
    check_client_take(&client, piece);
    at += piece;
  }
  free(message);
  CHECK_FRAME(&client, CHECK_TEXT_FRAME, "behind");
  check_client_end(&client);
  end();
}

/* ----------------------------------------------------------------------- how it ends */

/* Who has ended its side still gets what is owed. */
static void test_half_close(void) {
  default_server();
  struct check_client client = check_client_connect(port, "/", "");
  static char big[200000];
  memset(big, 'h', sizeof big);
  CHECK(check_client_send(&client, CHECK_TEXT_FRAME, big, sizeof big));
  CHECK(shutdown(client.fd, SHUT_WR) == 0);
  const struct check_frame frame = check_client_receive(&client);
  CHECK_EQUAL(frame.length, sizeof big);
  CHECK_EQUAL(check_client_receive(&client).first, 0);
  check_client_end(&client);
  CHECK_SOON(seen.closed == 1);
  CHECK_EQUAL(seen.code, 1006);
  end();
}

static void test_reset(void) {
  default_server();
  struct check_client client = check_client_connect(port, "/", "");
  const struct linger now = {.l_onoff = 1, .l_linger = 0};
  CHECK(setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now) == 0);
  // Half of a frame, then nothing.
  CHECK(check_client_write(&client, "\x81\x85\x01\x02", 4));
  check_client_end(&client);
  CHECK_SOON(seen.closed == 1);
  CHECK_EQUAL(seen.code, 1006);
  CHECK_EQUAL(limpet_server_poll(server, 0) >= 0, 1);
  end();
}

static void test_stop(void) {
  default_server();
  struct check_client client = check_client_connect(port, "/", "");
  CHECK_SOON(seen.opened == 1);
  CHECK_EQUAL(limpet_server_interrupt(server, 5000), 0);
  CHECK_FRAME(&client, CHECK_TEXT_FRAME, "last words");
  struct check_frame frame = check_client_receive(&client);
  CHECK_EQUAL(check_close_code(&frame), 1001);
  CHECK(check_client_send(&client, CHECK_CLOSE_FRAME, "\x03\xe9", 2));
  CHECK_EQUAL(check_client_receive(&client).first, 0);
  check_client_end(&client);
  CHECK_SOON(limpet_server_poll(server, 1) == LIMPET_E_STATE);
  CHECK_EQUAL(seen.shutdowns, 1);
  CHECK_EQUAL(seen.closed, 1);
  CHECK_EQUAL(seen.code, 1001);
  limpet_server_free(server);
  check_pump = NULL;
}

/* ---------------------------------------------------------------------- slow readers */

static void test_back_pressure(void) {
  config = limpet_config_new();
  CHECK_EQUAL(limpet_config_set_option(config, LIMPET_OPTION_HIGH_WATER, 100000), 0);
  serve();
  seen.flood = 50000 * 400;
  struct check_client client = check_client_connect(port, "/", "");
  CHECK_EQUAL(seen.status, LIMPET_SENT_BACKPRESSURE);
  for (int i = 0; i < 400; i++) {
    const struct check_frame frame = check_client_receive(&client);
    CHECK_EQUAL(frame.first, CHECK_BINARY_FRAME);
    CHECK_EQUAL(frame.length, 50000);
  }
  CHECK(seen.writable > 10);
  CHECK_EQUAL(seen.flood, 0);
  check_client_end(&client);
  end();
}

/* Past what may wait, a message is refused, whether it fits into the core's blocks or not; nothing else is lost. */
static void test_full(void) {
  config = limpet_config_new();
  CHECK_EQUAL(limpet_config_set_max_backpressure(config, 1u << 20), 0);
  serve();
  struct check_client client = check_client_connect(port, "/", "");
  CHECK_SOON(seen.opened == 1);
  // Not before the kernel takes no more.
  static char block[60000], longer[2u << 20];
  int sent = 0, status;
  while ((status = limpet_session_send(seen.session, LIMPET_BINARY, block, sizeof block)) >= 0) {
    sent++;
    pump();
  }
  CHECK_EQUAL(status, LIMPET_ERROR_CODE_FULL);
  CHECK_EQUAL(limpet_session_send(seen.session, LIMPET_BINARY, longer, sizeof longer),
              LIMPET_ERROR_CODE_FULL);
  CHECK(limpet_session_queued(seen.session) > (1 << 20) - 70000);
  for (int i = 0; i < sent; i++) CHECK_EQUAL(check_client_receive(&client).length, sizeof block);
  CHECK(check_client_send(&client, CHECK_TEXT_FRAME, "still here", 10));
  CHECK_FRAME(&client, CHECK_TEXT_FRAME, "still here");
  check_client_end(&client);
  end();
}

static void test_pause(void) {
  default_server();
  struct check_client client = check_client_connect(port, "/", "");
  CHECK_SOON(seen.opened == 1);
  CHECK_EQUAL(limpet_session_pause(seen.session), 0);
  CHECK(check_client_send(&client, CHECK_TEXT_FRAME, "held", 4));
  CHECK_EQUAL(check_client_receive_in(&client, 100).first, 0);
  CHECK_EQUAL(limpet_session_resume(seen.session), 0);
  CHECK_FRAME(&client, CHECK_TEXT_FRAME, "held");
  // A close handshake is read, whatever is paused.
  CHECK_EQUAL(limpet_session_pause(seen.session), 0);
  CHECK_EQUAL(limpet_session_close(seen.session, 1000, NULL), 0);
  CHECK_EQUAL(check_client_receive(&client).first, CHECK_CLOSE_FRAME);
  CHECK(check_client_send(&client, CHECK_CLOSE_FRAME, "\x03\xe8", 2));
  CHECK_EQUAL(check_client_receive(&client).first, 0);
  check_client_end(&client);
  CHECK_SOON(seen.closed == 1);
  CHECK_EQUAL(seen.code, 1000);
  end();
}

/* ------------------------------------------------------------------------- the pool */

/* A connection past the pool is cut off; once there is room the next one is served. */
static void test_pool(void) {
  config = limpet_config_new();
  CHECK_EQUAL(limpet_config_set_max_connections(config, 2), 0);
  serve();
  struct check_client first = check_client_connect(port, "/", "");
  struct check_client second = check_client_connect(port, "/", "");
  CHECK_EQUAL(second.status, 101);
  struct check_client third = check_client_open(port);
  CHECK_EQUAL(check_client_fill(&third, 1, CHECK_PATIENCE_MS), 0);
  check_client_end(&third);
  check_client_end(&first);
  CHECK_SOON(seen.closed == 1);
  struct check_client fourth = check_client_connect(port, "/", "");
  CHECK_EQUAL(fourth.status, 101);
  check_client_end(&second);
  check_client_end(&fourth);
  CHECK_SOON(seen.closed == 3);
  end();
}

/* Rows are used again and again, by sessions of other numbers. */
static void test_reuse(void) {
  default_server();
  limpet_session last = 0;
  for (int i = 0; i < 300; i++) {
    struct check_client client = check_client_connect(port, "/", "");
    CHECK_EQUAL(client.status, 101);
    CHECK(seen.session != last);
    if (last) CHECK_EQUAL(limpet_session_send_text(last, "stale"), LIMPET_ERROR_CODE_HANDLE);
    last = seen.session;
    check_client_end(&client);
    CHECK_SOON(seen.closed == i + 1);
  }
  CHECK_EQUAL(seen.errors, 0);
  end();
}

int main(void) {
  const struct polling *pollings[] = {server_polling, &polling_poll};
  for (size_t i = 0; i < sizeof pollings / sizeof *pollings; i++) {
    server_polling = pollings[i];
    test_echo_and_close();
    test_order_of_replies();
    test_long_message();
    test_half_close();
    test_reset();
    test_stop();
    test_back_pressure();
    test_full();
    test_pause();
    test_pool();
    test_reuse();
  }
  return 0;
}
