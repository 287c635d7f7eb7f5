/* What one session is sent: messages of both types, fragments, pings and pongs, Close frames. */

#include "support.h"

static char heard[128];
static int pings, pongs;

static void on_ping(limpet_server *told, limpet_session session, const char *data, size_t length,
                    void *user) {
  (void)told, (void)session;
  CHECK(length < sizeof heard && user);
  memcpy(heard, data, length);
  heard[length] = '\0';
  ++*(int *)user;
}

static limpet_session start(struct check_client *client) {
  limpet_session session;
  serve_new(NULL);
  CHECK_EQUAL(limpet_server_set_on_ping(server, on_ping, &pings), 0);
  CHECK_EQUAL(limpet_server_set_on_pong(server, on_ping, &pongs), 0);
  serve_start();
  *client = join(&session);
  return session;
}

static void end(struct check_client *client) {
  part(client);
  serve_end();
}

static void test_messages(void) {
  struct check_client client;
  const limpet_session session = start(&client);
  CHECK_EQUAL(limpet_session_send_text(session, "text"), 0);
  CHECK_FRAME(&client, CHECK_TEXT_FRAME, "text");
  CHECK_EQUAL(limpet_session_send(session, LIMPET_BINARY, "\0\xff", 2), 0);
  struct check_frame frame = check_client_receive(&client);
  CHECK_EQUAL(frame.first, CHECK_BINARY_FRAME);
  CHECK(frame.length == 2 && memcmp(frame.payload, "\0\xff", 2) == 0);
  CHECK_EQUAL(limpet_session_send(session, LIMPET_TEXT, NULL, 0), 0);
  CHECK_FRAME(&client, CHECK_TEXT_FRAME, "");
  CHECK_EQUAL(limpet_session_send_with(session, LIMPET_TEXT, "plain", 5, LIMPET_SEND_UNCOMPRESSED),
              0);
  CHECK_FRAME(&client, CHECK_TEXT_FRAME, "plain");
  end(&client);
}

/* RFC 6455 5.4: the first fragment has the opcode, the last one FIN. */
static void test_fragments(void) {
  struct check_client client;
  const limpet_session session = start(&client);
  CHECK_EQUAL(limpet_session_send_fragment(session, LIMPET_TEXT, "a", 1, false), 0);
  CHECK_EQUAL(limpet_session_send_text(session, "no"), LIMPET_ERROR_CODE_STATE);
  CHECK_EQUAL(limpet_session_ping(session, "in between", 10), 0);
  CHECK_EQUAL(limpet_session_send_fragment(session, LIMPET_TEXT, NULL, 0, false), 0);
  CHECK_EQUAL(limpet_session_send_fragment(session, LIMPET_TEXT, "b", 1, true), 0);
  CHECK_EQUAL(limpet_session_send_fragment(session, LIMPET_BINARY, "whole", 5, true), 0);
  CHECK_FRAME(&client, 0x01, "a");
  CHECK_FRAME(&client, CHECK_PING_FRAME, "in between");
  CHECK_FRAME(&client, 0x00, "");
  CHECK_FRAME(&client, 0x80, "b");
  CHECK_FRAME(&client, CHECK_BINARY_FRAME, "whole");
  end(&client);
}

/* RFC 6455 5.5: pings are answered by themselves, and told; at most 125 bytes. */
static void test_control(void) {
  struct check_client client;
  const limpet_session session = start(&client);
  char most[126];
  memset(most, 'm', sizeof most);
  CHECK_EQUAL(limpet_session_ping(session, most, 126), LIMPET_ERROR_CODE_ARGUMENT);
  CHECK_EQUAL(limpet_session_ping(session, most, 125), 0);
  CHECK_EQUAL(check_client_receive(&client).length, 125);
  check_client_send(&client, CHECK_PONG_FRAME, "2026-11-21T22:00:00Z", 20);
  CHECK_SOON(pongs == 1);
  CHECK_STRING(heard, "2026-11-21T22:00:00Z");
  check_client_send(&client, CHECK_PING_FRAME, "there?", 6);
  CHECK_FRAME(&client, CHECK_PONG_FRAME, "there?");
  CHECK_EQUAL(pings, 1);
  CHECK_EQUAL(limpet_session_pong(session, "unasked", 7), 0);
  CHECK_FRAME(&client, CHECK_PONG_FRAME, "unasked");
  end(&client);
}

static void test_close(void) {
  const struct {
    uint16_t code;
    const char *reason;
    size_t length;
  } closings[] = {{1000, "bye", 5}, {4999, NULL, 2}, {0, NULL, 0}, {3000, "\xc3\xa9", 4}};
  for (size_t i = 0; i < sizeof closings / sizeof *closings; i++) {
    struct check_client client;
    const limpet_session session = start(&client);
    CHECK_EQUAL(limpet_session_close(session, closings[i].code, closings[i].reason), 0);
    CHECK_EQUAL(limpet_session_close(session, closings[i].code, closings[i].reason),
                LIMPET_ERROR_CODE_STATE);
    CHECK_EQUAL(limpet_session_send_text(session, "late"), LIMPET_ERROR_CODE_STATE);
    struct check_frame frame = check_client_receive(&client);
    CHECK_EQUAL(frame.length, closings[i].length);
    CHECK_EQUAL(check_close_code(&frame), closings[i].code ? closings[i].code : 1005);
    end(&client);
  }
}

/* ------------------------------------------------------------------- messages in pieces */

static size_t streamed;
static int pieces, begun, ended;

static void on_chunk(limpet_server *told, limpet_session session, enum limpet_type type, char *data,
                     size_t length, bool first, bool last, uint32_t remaining, void *user) {
  (void)told, (void)session, (void)user;
  CHECK_EQUAL(type, LIMPET_BINARY);
  // What is to come of this frame, and no message without a beginning.
  CHECK(first == (streamed == 0 && begun == ended));
  for (size_t i = 0; i < length; i++)
    CHECK_EQUAL((uint8_t)data[i], (uint8_t)((streamed + i) % 251));
  if (first) begun++;
  streamed += length;
  pieces++;
  if (last) CHECK_EQUAL(remaining, 0);
  if (!last) return;
  ended++;
}

/* Longer than any block of the core, in two frames: told as it comes. */
static void test_chunks(void) {
  static uint8_t message[1500000];
  limpet_config *config = limpet_config_new();
  CHECK_EQUAL(limpet_config_set_max_message_size(config, 0), LIMPET_ERROR_CODE_NONE);
  CHECK_EQUAL(limpet_config_set_delivery(config, LIMPET_DELIVERY_STREAM), 0);
  serve_new(config);
  CHECK_EQUAL(limpet_server_set_on_chunk(server, on_chunk, NULL), 0);
  serve_start();
  struct check_client client = join(NULL);
  for (size_t i = 0; i < sizeof message; i++) message[i] = (uint8_t)(i % 251);
  check_client_send(&client, 0x02, message, 1000000);
  check_client_send(&client, 0x80, message + 1000000, 500000);
  CHECK_SOON(ended == 1);
  CHECK_EQUAL(streamed, sizeof message);
  CHECK(pieces > 4);
  streamed = 0;
  check_client_send(&client, CHECK_BINARY_FRAME, message, 3);
  CHECK_SOON(ended == 2);
  CHECK_EQUAL(streamed, 3);
  end(&client);
}

int main(void) {
  test_messages();
  test_chunks();
  test_fragments();
  test_control();
  test_close();
  return 0;
}
