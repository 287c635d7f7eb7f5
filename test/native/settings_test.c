/* A config → a core: its options and lists as they lie there, and words for what it refuses. */

#include "settings.h"

#include "check.h"

static limpet_core *core;
static uint32_t scratch;

static void fresh(void) {
  limpet_core_free(core);
  core = limpet_core_new();
  CHECK(core);
  scratch = (uint32_t)limpet_core_region(core, LIMPET_REGION_SCRATCH);
}

static int option(enum limpet_option one) { return limpet_core_option_get(core, 0, (int32_t)one); }

/* What a fresh core says to a copy of a config: servers see copies. */
static int apply(const limpet_config *config, int parts) {
  fresh();
  limpet_config *copy = settings_copy(config);
  CHECK(copy);
  int code = settings_apply(copy, core, scratch, parts);
  limpet_config_free(copy);
  return code;
}

/* Feeds a request to a new session; the ErrorCode of the event that it brought, 0 for UPGRADE. */
static int ask(const char *lines) {
  int32_t session = limpet_core_open(core, 0);
  CHECK(session > 0);
  char request[4096];
  int length =
      snprintf(request, sizeof request,
               "GET /a?b HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
               "%s\r\n",
               lines);
  int32_t ingress = limpet_core_region(core, LIMPET_REGION_INGRESS);
  memcpy(limpet_core_memory(core) + ingress, request, (size_t)length);
  CHECK_EQUAL(limpet_core_rx(core, session, ingress, length, 0), length);
  const struct limpet_event_ring *ring =
      (const void *)(limpet_core_memory(core) + limpet_core_events(core));
  const struct limpet_event_record *event =
      (const void *)(limpet_core_memory(core) + ring->base +
                     (ring->tail & ring->mask) * LIMPET_EVENT_RECORD_SIZE);
  int code = event->kind == LIMPET_EVENT_KIND_ERROR ? (int)event->detail : 0;
  CHECK(code < 0 || event->kind == LIMPET_EVENT_KIND_UPGRADE);
  limpet_core_event_ack(core, (int32_t)(ring->head - ring->tail));
  limpet_core_eof(core, session, 0);
  limpet_core_event_ack(core, (int32_t)(ring->head - ring->tail));
  return code;
}

static void test_defaults(void) {
  limpet_config *config = limpet_config_new();
  CHECK_EQUAL(apply(config, 1), 0);
  CHECK_EQUAL(option(LIMPET_OPTION_MESSAGE_MAX), 16 << 20);
  CHECK_EQUAL(option(LIMPET_OPTION_DELIVERY), LIMPET_DELIVERY_AUTO);
  CHECK_EQUAL(option(LIMPET_OPTION_QUEUE_MAX), 64 << 20);
  CHECK_EQUAL(option(LIMPET_OPTION_HIGH_WATER), 1 << 20);
  CHECK_EQUAL(option(LIMPET_OPTION_DEFLATE), 0);
  CHECK_EQUAL(option(LIMPET_OPTION_PING_MS), 0);
  CHECK_EQUAL(ask("Origin: https://anywhere.example\r\n"), 0);
  limpet_config_free(config);
}

static void test_options(void) {
  limpet_config *config = limpet_config_new();
  limpet_config_set_max_message_size(config, 32 << 20);
  limpet_config_set_ping_interval(config, 30000);
  limpet_config_set_ping_timeout(config, 5000);
  limpet_config_set_idle_timeout(config, 60000);
  limpet_config_set_handshake_timeout(config, 1000);
  limpet_config_set_close_timeout(config, 2000);
  limpet_config_set_full_policy(config, LIMPET_FULL_POLICY_CLOSE_1013);
  limpet_config_set_heartbeat(config, 700, 600);
  limpet_config_set_compression_enabled(config, true);
  limpet_config_set_compression_level(config, 3);
  limpet_config_set_compression_window(config, 11);
  limpet_config_set_compression_threshold(config, 200);
  limpet_config_set_context_takeover(config, false);
  limpet_config_set_batch(config, 9);
  limpet_config_set_token_sources(config, LIMPET_TOKEN_SOURCE_QUERY);
  limpet_config_set_option(config, LIMPET_OPTION_FRAGMENTS_MAX, 50);
  CHECK_EQUAL(apply(config, 1), 0);
  CHECK_EQUAL(option(LIMPET_OPTION_MESSAGE_MAX), 32 << 20);
  CHECK_EQUAL(option(LIMPET_OPTION_QUEUE_MAX), 128 << 20);
  CHECK_EQUAL(option(LIMPET_OPTION_PING_MS), 30000);
  CHECK_EQUAL(option(LIMPET_OPTION_PONG_MS), 5000);
  CHECK_EQUAL(option(LIMPET_OPTION_IDLE_MS), 60000);
  CHECK_EQUAL(option(LIMPET_OPTION_HANDSHAKE_MS), 1000);
  CHECK_EQUAL(option(LIMPET_OPTION_CLOSE_MS), 2000);
  CHECK_EQUAL(option(LIMPET_OPTION_FULL_POLICY), LIMPET_FULL_POLICY_CLOSE_1013);
  CHECK_EQUAL(option(LIMPET_OPTION_HEARTBEAT_MS), 700);
  CHECK_EQUAL(option(LIMPET_OPTION_HEARTBEAT_TIMEOUT_MS), 600);
  CHECK_EQUAL(option(LIMPET_OPTION_DEFLATE), 1);
  CHECK_EQUAL(option(LIMPET_OPTION_DEFLATE_LEVEL), 3);
  CHECK_EQUAL(option(LIMPET_OPTION_DEFLATE_WINDOW), 11);
  CHECK_EQUAL(option(LIMPET_OPTION_DEFLATE_THRESHOLD), 200);
  CHECK_EQUAL(option(LIMPET_OPTION_DEFLATE_TAKEOVER), 0);
  CHECK_EQUAL(option(LIMPET_OPTION_BATCH), 9);
  CHECK_EQUAL(option(LIMPET_OPTION_TOKEN_SOURCES), LIMPET_TOKEN_SOURCE_QUERY);
  CHECK_EQUAL(option(LIMPET_OPTION_FRAGMENTS_MAX), 50);
  limpet_config_free(config);
}

/* What bounds all sessions together is shared out, rounded up; what is of one session or address is not. */
static void test_parts(void) {
  limpet_config *config = limpet_config_new();
  limpet_config_set_max_connections(config, 100);
  limpet_config_set_max_connections_per_address(config, 3);
  limpet_config_set_rate_limit_messages(config, 100);
  limpet_config_set_rate_limit_window(config, 500);
  limpet_config_set_rate_limit_policy(config, LIMPET_RATE_POLICY_REJECT);
  limpet_config_set_rate_limit_all(config, 10, 4000);
  CHECK_EQUAL(apply(config, 4), 0);
  CHECK_EQUAL(option(LIMPET_OPTION_SESSIONS_MAX), 100);
  CHECK_EQUAL(option(LIMPET_OPTION_ADDRESS_SESSIONS), 3);
  CHECK_EQUAL(option(LIMPET_OPTION_RATE_MESSAGES), 100);
  CHECK_EQUAL(option(LIMPET_OPTION_RATE_WINDOW_MS), 500);
  CHECK_EQUAL(option(LIMPET_OPTION_RATE_POLICY), LIMPET_RATE_POLICY_REJECT);
  CHECK_EQUAL(option(LIMPET_OPTION_RATE_ALL_MESSAGES), 3);
  CHECK_EQUAL(option(LIMPET_OPTION_RATE_ALL_BYTES), 1000);
  limpet_config_set_rate_limit_enabled(config, false);
  CHECK_EQUAL(apply(config, 4), 0);
  CHECK_EQUAL(option(LIMPET_OPTION_RATE_MESSAGES), 0);
  CHECK_EQUAL(option(LIMPET_OPTION_RATE_ALL_MESSAGES), 0);
  /* The pool is what there is. */
  limpet_config_set_max_connections(config, 1000000);
  CHECK_EQUAL(apply(config, 1), 0);
  limpet_config_free(config);
}

static void test_origins(void) {
  limpet_config *config = limpet_config_new();
  limpet_config_add_allowed_origin(config, "https://example.com");
  limpet_config_add_allowed_origin(config, "https://*.example.org");
  CHECK_EQUAL(apply(config, 1), 0);
  CHECK_EQUAL(ask("Origin: https://example.com\r\n"), 0);
  CHECK_EQUAL(ask("Origin: https://a.example.org\r\n"), 0);
  CHECK_EQUAL(ask("Origin: https://example.net\r\n"), LIMPET_ERROR_CODE_UPGRADE_ORIGIN);
  CHECK_EQUAL(ask(""), LIMPET_ERROR_CODE_UPGRADE_ORIGIN);
  limpet_config_set_origin_validation(config, false);
  CHECK_EQUAL(apply(config, 1), 0);
  CHECK_EQUAL(ask("Origin: https://example.net\r\n"), 0);
  limpet_config_add_allowed_origin(config, "no origin");
  CHECK_EQUAL(apply(config, 1), 0);
  limpet_config_set_origin_validation(config, true);
  CHECK_EQUAL(apply(config, 1), LIMPET_ERROR_CODE_VALUE);
  CHECK_STRING(limpet_last_error(), "origins: \"no origin\" is none");
  limpet_config_free(config);
  /* Who asks for validation and allows nobody has forgotten something. */
  config = limpet_config_new();
  limpet_config_set_origin_validation(config, true);
  CHECK_EQUAL(apply(config, 1), LIMPET_ERROR_CODE_ARGUMENT);
  CHECK_STRING(limpet_last_error(), "origins are looked at, but none is allowed");
  limpet_config_free(config);
}

static void test_protocols_and_tokens(void) {
  limpet_config *config = limpet_config_new();
  limpet_config_add_subprotocol(config, "chat");
  limpet_config_add_token(config, "open-sesame");
  CHECK_EQUAL(apply(config, 1), 0);
  CHECK_EQUAL(ask(""), LIMPET_ERROR_CODE_UPGRADE_TOKEN);
  CHECK_EQUAL(ask("Authorization: Bearer nothing\r\n"), LIMPET_ERROR_CODE_UPGRADE_TOKEN);
  CHECK_EQUAL(ask("Authorization: Bearer open-sesame\r\n"), 0);
  CHECK_EQUAL(ask("Authorization: Bearer open-sesame\r\nSec-WebSocket-Protocol: x\r\n"),
              LIMPET_ERROR_CODE_UPGRADE_PROTOCOL_REFUSED);
  /* Nothing of the token is left in linear memory but its digest. */
  const uint8_t *memory = limpet_core_memory(core);
  CHECK(memmem(memory + scratch, 4096, "open-sesame", 11) == NULL);
  limpet_config_add_token(config, "two words");
  CHECK_EQUAL(apply(config, 1), LIMPET_ERROR_CODE_VALUE);
  CHECK(strstr(limpet_last_error(), "two words") == NULL);
  CHECK(memmem(limpet_core_memory(core) + scratch, 4096, "two words", 9) == NULL);
  limpet_config_free(config);
}

/* A server forgets its tokens when its cores have them: they are overwritten, not only freed. */
static void test_forgotten(void) {
  limpet_config *config = limpet_config_new();
  limpet_config_add_token(config, "secret");
  limpet_config *copy = settings_copy(config);
  CHECK(copy && copy->tokens.items[0] != config->tokens.items[0]);
  settings_forget_tokens(copy);
  CHECK_EQUAL(copy->tokens.count, 0);
  CHECK_STRING(config->tokens.items[0], "secret");
  limpet_config_free(copy);
  limpet_config_free(config);
}

static void test_keep_request(void) {
  limpet_config *config = limpet_config_new();
  limpet_config_set_keep_request(config, "User-Agent, Accept");
  CHECK_EQUAL(apply(config, 1), 0);
  limpet_config_set_keep_request(config, "");
  CHECK_EQUAL(apply(config, 1), 0);
  limpet_config_set_keep_request(config, "*");
  CHECK_EQUAL(apply(config, 1), 0);
  limpet_config_set_keep_request(config, "a b");
  CHECK_EQUAL(apply(config, 1), LIMPET_ERROR_CODE_VALUE);
  CHECK_STRING(limpet_last_error(), "keep_request: \"a b\" is no list of names");
  limpet_config_free(config);
}

/* What a core does not take is told by name. */
static void test_refused(void) {
  limpet_config *config = limpet_config_new();
  limpet_config_set_option(config, LIMPET_OPTION_HEAD_MAX, 1 << 30);
  CHECK_EQUAL(apply(config, 1), LIMPET_ERROR_CODE_ARGUMENT);
  CHECK_STRING(limpet_last_error(), "an option (option 24) cannot be 1073741824 in this core");
  limpet_config_free(config);
  config = limpet_config_new();
  limpet_config_set_option(config, (enum limpet_option)(SETTINGS_OPTIONS - 1), 1);
  CHECK_EQUAL(apply(config, 1), LIMPET_ERROR_CODE_UNSUPPORTED);
  limpet_config_free(config);
  config = limpet_config_new();
  limpet_config_set_max_message_size(config, 0);
  CHECK_EQUAL(apply(config, 1), LIMPET_ERROR_CODE_ARGUMENT);
  limpet_config_set_delivery(config, LIMPET_DELIVERY_STREAM);
  CHECK_EQUAL(apply(config, 1), 0);
  limpet_config_free(config);
}

/* A copy shares nothing with the config that it is of. */
static void test_copy(void) {
  limpet_config *config = limpet_config_new();
  limpet_config_add_subprotocol(config, "chat");
  limpet_config_set_keep_request(config, "Accept");
  limpet_config *copy = settings_copy(config);
  limpet_config_free(config);
  CHECK_STRING(copy->host, "127.0.0.1");
  CHECK_STRING(copy->keep_request, "Accept");
  CHECK_STRING(copy->protocols.items[0], "chat");
  limpet_config_free(copy);
}

static void test_copy_of_tls(void) {
  if (!strstr(limpet_version(), "mbedtls")) return;
  const char *suite = "TLS-ECDHE-RSA-WITH-AES-128-GCM-SHA256";
  limpet_config *config = limpet_config_new();
  limpet_config_set_tls(config, "cert.pem", "key.pem");
  limpet_config_add_tls_host(config, "a.example", "a.pem", "a.key");
  CHECK_EQUAL(limpet_config_set_tls_ciphers(config, suite), 0);
  limpet_config_set_tls_client_ca(config, "ca.pem", true);
  limpet_config_set_tls_peer(config, "peers.pem", true);
  limpet_config *copy = settings_copy(config);
  limpet_config_free(config);
  CHECK_EQUAL(copy->certificate_count, 2);
  CHECK(copy->certificates[0].name == NULL);
  CHECK_STRING(copy->certificates[1].name, "a.example");
  CHECK_STRING(copy->certificates[1].cert_file, "a.pem");
  CHECK_STRING(copy->tls_ciphers, suite);
  CHECK_STRING(copy->tls_client_ca, "ca.pem");
  CHECK(copy->tls_client_required);
  CHECK_STRING(copy->tls_peer_ca, "peers.pem");
  limpet_config_free(copy);
}

int main(void) {
  test_defaults();
  test_options();
  test_parts();
  test_origins();
  test_protocols_and_tokens();
  test_forgotten();
  test_keep_request();
  test_refused();
  test_copy();
  test_copy_of_tls();
  limpet_core_free(core);
  return 0;
}
