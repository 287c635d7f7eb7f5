/* What a peer can do wrong: on_error has the core's code for each, and the peer is told what RFC 6455 says. A list at
 * the end makes sure that no code is left out. */

#include "support.h"

/* Codes that were told, by their negative value. */
static bool told[128];

/* The settings of a row: what it takes for the rule to be there. */
typedef void (*setting)(limpet_config *config);

static void start(setting set) {
  limpet_config *config = limpet_config_new();
  if (set) set(config);
  serve(config);
}

/* The one code that on_error was told. */
static void expect(int code) {
  CHECK_SOON(error_count > 0);
  if (error_code != code)
    fprintf(stderr, "%s in place of\n%s\n", limpet_strerror(error_code), limpet_strerror(code));
  CHECK_EQUAL(error_code, code);
  CHECK_EQUAL(error_count, 1);
  told[-code] = true;
}

/* --------------------------------------------------------------------- handshakes */

static void short_heads(limpet_config *config) {
  limpet_config_set_option(config, LIMPET_OPTION_HEAD_MAX, 256);
}
static void origins(limpet_config *config) {
  limpet_config_add_allowed_origin(config, "https://example.com");
}
static void tokens(limpet_config *config) { limpet_config_add_token(config, "secret"); }
static void protocols(limpet_config *config) { limpet_config_add_subprotocol(config, "chat"); }
static void proxied(limpet_config *config) {
  limpet_config_set_trust_proxy(config, LIMPET_TRUST_PROXY | LIMPET_TRUST_PROXY_REQUIRED);
}

#define LINES "Host: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define GET "GET / HTTP/1.1\r\n"

static const struct {
  int code;
  /* 0: the connection is dropped. */
  int status;
  setting set;
  const char *request;
} HANDSHAKES[] = {
    {LIMPET_ERROR_CODE_HTTP_SYNTAX, 400, NULL, "What is this?\r\n\r\n"},
    {LIMPET_ERROR_CODE_HTTP_SYNTAX, 400, NULL, GET "No field\r\n\r\n"},
    {LIMPET_ERROR_CODE_HTTP_TOO_LARGE, 431, short_heads,
     GET LINES VERSION KEY
     "X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n\r\n"},
    {LIMPET_ERROR_CODE_HTTP_VERSION, 505, NULL, "GET / HTTP/1.0\r\n" LINES VERSION KEY "\r\n"},
    {LIMPET_ERROR_CODE_HTTP_HOST, 400, NULL,
     GET "Upgrade: websocket\r\nConnection: Upgrade\r\n" VERSION KEY "\r\n"},
    {LIMPET_ERROR_CODE_HTTP_HOST, 400, NULL, GET "Host: other\r\n" LINES VERSION KEY "\r\n"},
    {LIMPET_ERROR_CODE_HTTP_BODY, 400, NULL,
     GET LINES VERSION KEY "Content-Length: 5\r\n\r\nhello"},
    {LIMPET_ERROR_CODE_UPGRADE_METHOD, 405, NULL, "POST / HTTP/1.1\r\n" LINES VERSION KEY "\r\n"},
    {LIMPET_ERROR_CODE_UPGRADE_HEADER, 400, NULL,
     GET "Host: h\r\nUpgrade: websocket\r\nConnection: keep-alive\r\n" VERSION KEY "\r\n"},
    {LIMPET_ERROR_CODE_UPGRADE_VERSION, 426, NULL,
     GET LINES "Sec-WebSocket-Version: 8\r\n" KEY "\r\n"},
    {LIMPET_ERROR_CODE_UPGRADE_KEY, 400, NULL, GET LINES VERSION "\r\n"},
    {LIMPET_ERROR_CODE_UPGRADE_KEY, 400, NULL,
     GET LINES VERSION "Sec-WebSocket-Key: short\r\n\r\n"},
    {LIMPET_ERROR_CODE_UPGRADE_PROTOCOL, 400, NULL,
     GET LINES VERSION KEY "Sec-WebSocket-Protocol: a, a\r\n\r\n"},
    {LIMPET_ERROR_CODE_UPGRADE_EXTENSION, 400, NULL,
     GET LINES VERSION KEY "Sec-WebSocket-Extensions: ;=\r\n\r\n"},
    {LIMPET_ERROR_CODE_UPGRADE_ORIGIN, 403, origins,
     GET LINES VERSION KEY "Origin: https://other.com\r\n\r\n"},
    {LIMPET_ERROR_CODE_UPGRADE_TOKEN, 401, tokens, GET LINES VERSION KEY "\r\n"},
    {LIMPET_ERROR_CODE_UPGRADE_TOKEN, 401, tokens,
     GET LINES VERSION KEY "Authorization: Bearer wrong\r\n\r\n"},
    {LIMPET_ERROR_CODE_UPGRADE_PROTOCOL_REFUSED, 400, protocols,
     GET LINES VERSION KEY "Sec-WebSocket-Protocol: other\r\n\r\n"},
    {LIMPET_ERROR_CODE_PROXY, 0, proxied, GET LINES VERSION KEY "\r\n"},
    {LIMPET_ERROR_CODE_PROXY, 0, proxied, "PROXY TCP9 nobody\r\n"},
};

static void test_handshakes(void) {
  for (size_t i = 0; i < sizeof HANDSHAKES / sizeof *HANDSHAKES; i++) {
    start(HANDSHAKES[i].set);
    struct check_client client = check_client_open(port);
    CHECK(check_client_write(&client, HANDSHAKES[i].request, strlen(HANDSHAKES[i].request)));
    CHECK_EQUAL(check_client_head(&client), HANDSHAKES[i].status);
    expect(HANDSHAKES[i].code);
    CHECK_EQUAL(opened_count, 0);
    check_client_end(&client);
    serve_end();
  }
}

static void one_each(limpet_config *config) {
  limpet_config_set_max_connections_per_address(config, 1);
}

static void test_address(void) {
  start(one_each);
  struct check_client client = join(NULL), other = check_client_connect(port, "/", "");
  CHECK_EQUAL(other.status, 429);
  expect(LIMPET_ERROR_CODE_HTTP_ADDRESS);
  check_client_end(&other);
  part(&client);
  serve_end();
}

/* ------------------------------------------------------------------------- frames */

static void short_messages(limpet_config *config) {
  limpet_config_set_max_message_size(config, 1000);
}
static void few_fragments(limpet_config *config) {
  limpet_config_set_option(config, LIMPET_OPTION_FRAGMENTS_MAX, 2);
}
static void compressed(limpet_config *config) {
  limpet_config_set_compression_enabled(config, true);
}
static void slow(limpet_config *config) {
  limpet_config_set_rate_limit_messages(config, 1);
  limpet_config_set_rate_limit_window(config, 60000);
  limpet_config_set_rate_limit_policy(config, LIMPET_RATE_POLICY_REJECT);
}

/* A masking key of zeros: the payload is as it stands. */
#define ZERO "\0\0\0\0"
#define FRAME(bytes) bytes, sizeof bytes - 1

static const struct {
  int code, close;
  setting set;
  const char *bytes;
  size_t length;
} FRAMES[] = {
    {LIMPET_ERROR_CODE_RSV, 1002, NULL, FRAME("\xc1\x80" ZERO)},
    {LIMPET_ERROR_CODE_OPCODE, 1002, NULL, FRAME("\x83\x80" ZERO)},
    {LIMPET_ERROR_CODE_CONTROL_FRAGMENTED, 1002, NULL, FRAME("\x09\x80" ZERO)},
    {LIMPET_ERROR_CODE_CONTROL_LENGTH, 1002, NULL, FRAME("\x89\xfe\x00\x7e" ZERO)},
    {LIMPET_ERROR_CODE_LENGTH_FORM, 1002, NULL, FRAME("\x82\xfe\x00\x7d" ZERO)},
    {LIMPET_ERROR_CODE_LENGTH_SIGN, 1002, NULL, FRAME("\x82\xff\x80\0\0\0\0\0\0\0" ZERO)},
    {LIMPET_ERROR_CODE_UNMASKED, 1002, NULL,
     FRAME("\x81\x01"
           "a")},
    {LIMPET_ERROR_CODE_CONTINUATION, 1002, NULL, FRAME("\x80\x80" ZERO)},
    {LIMPET_ERROR_CODE_INTERLEAVED, 1002, NULL,
     FRAME("\x01\x81" ZERO "a"
           "\x81\x81" ZERO "b")},
    {LIMPET_ERROR_CODE_UTF8, 1007, NULL, FRAME("\x81\x81" ZERO "\xff")},
    {LIMPET_ERROR_CODE_CLOSE_LENGTH, 1002, NULL, FRAME("\x88\x81" ZERO "\x03")},
    {LIMPET_ERROR_CODE_CLOSE_CODE, 1002, NULL, FRAME("\x88\x82" ZERO "\x03\xed")},
    {LIMPET_ERROR_CODE_CLOSE_REASON, 1007, NULL, FRAME("\x88\x83" ZERO "\x03\xe8\xff")},
    {LIMPET_ERROR_CODE_TOO_BIG, 1009, short_messages, FRAME("\x82\xfe\x03\xe9" ZERO)},
    {LIMPET_ERROR_CODE_FRAGMENTS, 1008, few_fragments,
     FRAME("\x01\x80" ZERO "\0\x80" ZERO "\0\x80" ZERO)},
    {LIMPET_ERROR_CODE_RATE, 1008, slow, FRAME("\x81\x80" ZERO "\x81\x80" ZERO)},
    // Block type 3 is reserved. RFC 1951 3.2.3.
    {LIMPET_ERROR_CODE_DEFLATE, 1007, compressed, FRAME("\xc1\x81" ZERO "\x07")},
};

/* The code of the Close frame that comes in the end. */
static int close_code(struct check_client *client) {
  struct check_frame frame;
  do frame = check_client_receive(client);
  while (frame.first != 0 && frame.first != CHECK_CLOSE_FRAME);
  return check_close_code(&frame);
}

static void test_frames(void) {
  for (size_t i = 0; i < sizeof FRAMES / sizeof *FRAMES; i++) {
    start(FRAMES[i].set);
    struct check_client client =
        join_as("/", "Sec-WebSocket-Extensions: permessage-deflate\r\n", NULL);
    CHECK(check_client_write(&client, FRAMES[i].bytes, FRAMES[i].length));
    CHECK_EQUAL(close_code(&client), FRAMES[i].close);
    expect(FRAMES[i].code);
    check_client_end(&client);
    CHECK_SOON(closed_count == 1);
    serve_end();
  }
}

/* ------------------------------------------------------------------------- memory */

static void whole_only(limpet_config *config) {
  limpet_config_set_delivery(config, LIMPET_DELIVERY_WHOLE);
}

#define CROWD 120

static struct check_client crowd[CROWD];

/* One client more that begins a message and does not end it: it takes one of the core's largest blocks. */
static void begin_message(struct check_client *client) {
  static char piece[140000];
  // Declared longer than it will ever be.
  CHECK(check_client_write(client, "\x82\xff\0\0\0\0\0\x03\0\0" ZERO, 14));
  check_client_write(client, piece, sizeof piece);
  for (int i = 0; i < 20; i++) support_pump();
}

static void crowd_in(int count) {
  crowd[count] = check_client_connect(port, "/", "");
  if (crowd[count].status == 101) begin_message(&crowd[count]);
}

static void crowd_out(int count) {
  for (int i = 0; i < count; i++) check_client_end(&crowd[i]);
  serve_end();
}

/* Messages under way have all the memory that what comes may have, and nobody gathers one elsewhere. */
static void test_overload(void) {
  int count = 0;
  start(whole_only);
  struct check_client spare = join(NULL);
  for (; count < CROWD && error_count == 0; count++) crowd_in(count);
  CHECK(error_count > 0);
  struct check_client *last = &crowd[count - 1];
  if (last->status != 101) {
    // It was a head that found none first.
    error_count = 0;
    last = &spare;
    begin_message(last);
  }
  CHECK_EQUAL(close_code(last), 1013);
  expect(LIMPET_ERROR_CODE_OVERLOAD);
  check_client_end(&spare);
  crowd_out(count);
}

/* A head finds none either. */
static void test_head_overload(void) {
  int count = 0;
  for (start(NULL); count < CROWD && error_count == 0; count++) crowd_in(count);
  CHECK_EQUAL(crowd[count - 1].status, 503);
  expect(LIMPET_ERROR_CODE_HTTP_OVERLOAD);
  crowd_out(count);
}

/* ------------------------------------------------------------------------ silence */

static void impatient(limpet_config *config) { limpet_config_set_handshake_timeout(config, 30); }
static void restless(limpet_config *config) { limpet_config_set_idle_timeout(config, 30); }
static void pinging(limpet_config *config) {
  limpet_config_set_ping_interval(config, 30);
  limpet_config_set_ping_timeout(config, 30);
}
static void beating(limpet_config *config) { limpet_config_set_heartbeat(config, 30, 30); }

static void test_silence(void) {
  start(impatient);
  struct check_client client = check_client_open(port);
  CHECK_EQUAL(check_client_head(&client), 408);
  expect(LIMPET_ERROR_CODE_TIMEOUT_HANDSHAKE);
  check_client_end(&client);
  serve_end();
  const struct {
    int code, close;
    setting set;
  } rows[] = {
      {LIMPET_ERROR_CODE_TIMEOUT_IDLE, 1001, restless},
      {LIMPET_ERROR_CODE_TIMEOUT_PONG, 0, pinging},
      {LIMPET_ERROR_CODE_TIMEOUT_HEARTBEAT, 0, beating},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    start(rows[i].set);
    client = join(NULL);
    CHECK_EQUAL(close_code(&client), rows[i].close);
    expect(rows[i].code);
    check_client_end(&client);
    CHECK_SOON(closed_count == 1);
    serve_end();
  }
}

/* ------------------------------------------------------------------------- the list */

/* Codes from here down are of what peers do; those above answer calls. */
#define FIRST_OF_PEERS LIMPET_ERROR_CODE_RSV

/* What only a client is told (refusals_client_test.c), or only a core without the feature `http`. */
static bool is_elsewhere(int code) {
  return code == LIMPET_ERROR_CODE_MASKED || code == LIMPET_ERROR_CODE_HTTP_PLAIN ||
         (code <= LIMPET_ERROR_CODE_RESPONSE_STATUS &&
          code >= LIMPET_ERROR_CODE_RESPONSE_EXTENSION);
}

static void test_none_left_out(void) {
#define CHECK_TOLD(name, code, words)                                    \
  if (code <= FIRST_OF_PEERS && !told[-(code)] && !is_elsewhere(code)) { \
    fprintf(stderr, "no test tells %s: %s\n", #name, words);             \
    exit(1);                                                             \
  }
  LIMPET_ERROR_CODES(CHECK_TOLD)
#undef CHECK_TOLD
}

int main(void) {
  test_handshakes();
  test_address();
  test_frames();
  test_overload();
  test_head_overload();
  test_silence();
  test_none_left_out();
  return 0;
}
