/* Settings: what is in range is kept, what is not answers a code with words and changes nothing. */

#include <pthread.h>

#include "check.h"
#include "settings.h"

/* Longer than any string that a setting takes. */
static char endless[8192];

/* A refusal has words of its own. */
#define CHECK_REFUSED(call)                          \
  do {                                               \
    CHECK_EQUAL((call), LIMPET_ERROR_CODE_ARGUMENT); \
    CHECK(limpet_last_error()[0] != 0);              \
  } while (0)

static void test_defaults(void) {
  limpet_config *config = limpet_config_new();
  CHECK_STRING(limpet_config_get_host(config), "127.0.0.1");
  CHECK_EQUAL(limpet_config_get_port(config), 8080);
  CHECK_EQUAL(config->backlog, 511);
  CHECK_EQUAL(config->threads, 1);
  CHECK_EQUAL(config->max_connections, 0);
  CHECK(config->rates_enabled && config->origins_enabled && !config->origins_required);
  for (int i = 0; i < SETTINGS_OPTIONS; i++) CHECK(!config->option_set[i]);
  limpet_config_free(config);
  limpet_config_free(NULL);
}

static void test_host_and_port(limpet_config *config) {
  CHECK_EQUAL(limpet_config_set_host(config, "0.0.0.0"), 0);
  CHECK_STRING(limpet_config_get_host(config), "0.0.0.0");
  CHECK_REFUSED(limpet_config_set_host(config, ""));
  CHECK_REFUSED(limpet_config_set_host(config, endless));
  CHECK_STRING(limpet_config_get_host(config), "0.0.0.0");
  CHECK_EQUAL(limpet_config_set_host(config, NULL), 0);
  CHECK(limpet_config_get_host(config) == NULL);
  CHECK_EQUAL(limpet_config_set_port(config, 65535), 0);
  CHECK_REFUSED(limpet_config_set_port(config, 65536));
  CHECK_REFUSED(limpet_config_set_port(config, -1));
  CHECK_EQUAL(limpet_config_get_port(config), 65535);
  CHECK_STRING(limpet_last_error(), "the port is 0 to 65535, not -1");
  CHECK_EQUAL(limpet_config_get_port(NULL), LIMPET_ERROR_CODE_ARGUMENT);
  CHECK(limpet_config_get_host(NULL) == NULL);
}

static void test_ranges(limpet_config *config) {
  CHECK_REFUSED(limpet_config_set_backlog(config, 0));
  CHECK_REFUSED(limpet_config_set_threads(config, 257));
  CHECK_EQUAL(limpet_config_set_threads(config, 256), 0);
  CHECK_REFUSED(limpet_config_set_max_connections(config, 0));
  CHECK_REFUSED(limpet_config_set_max_connections(config, UINT32_MAX));
  CHECK_REFUSED(limpet_config_set_max_connections_per_address(config, UINT32_MAX));
  CHECK_REFUSED(limpet_config_set_max_message_size(config, UINT32_MAX));
  CHECK_REFUSED(limpet_config_set_max_backpressure(config, 0));
  CHECK_REFUSED(limpet_config_set_full_policy(config, (enum limpet_full_policy)4));
  CHECK_REFUSED(limpet_config_set_delivery(config, (enum limpet_delivery)3));
  CHECK_REFUSED(limpet_config_set_ping_interval(config, UINT32_MAX));
  CHECK_REFUSED(limpet_config_set_ping_timeout(config, UINT32_MAX));
  CHECK_REFUSED(limpet_config_set_idle_timeout(config, UINT32_MAX));
  CHECK_REFUSED(limpet_config_set_handshake_timeout(config, UINT32_MAX));
  CHECK_REFUSED(limpet_config_set_close_timeout(config, UINT32_MAX));
  CHECK_REFUSED(limpet_config_set_compression_level(config, -1));
  CHECK_REFUSED(limpet_config_set_compression_level(config, 10));
  CHECK_REFUSED(limpet_config_set_compression_window(config, 7));
  CHECK_REFUSED(limpet_config_set_compression_window(config, 16));
  CHECK_REFUSED(limpet_config_set_compression_window(config, -9));
  CHECK_REFUSED(limpet_config_set_compression_threshold(config, UINT32_MAX));
  CHECK_REFUSED(limpet_config_set_token_sources(config, 0));
  CHECK_REFUSED(limpet_config_set_token_sources(config, 8));
  CHECK_REFUSED(limpet_config_set_trust_proxy(config, 8));
  CHECK_REFUSED(limpet_config_set_rate_limit_messages(config, UINT32_MAX));
  CHECK_REFUSED(limpet_config_set_rate_limit_bytes(config, UINT32_MAX));
  CHECK_REFUSED(limpet_config_set_rate_limit_window(config, 0));
  CHECK_REFUSED(limpet_config_set_rate_limit_policy(config, (enum limpet_rate_policy)3));
  CHECK_REFUSED(limpet_config_set_rate_limit_all(config, 1, UINT32_MAX));
  CHECK_REFUSED(limpet_config_set_rate_limit_all(config, UINT32_MAX, 1));
  CHECK_REFUSED(limpet_config_set_keepalive(config, -1, 1, 1));
  CHECK_REFUSED(limpet_config_set_keepalive(config, 60, 0, 1));
  CHECK_REFUSED(limpet_config_set_keepalive(config, 60, 1, 128));
  CHECK_EQUAL(limpet_config_set_keepalive(config, 0, 0, 0), 0);
  CHECK_REFUSED(limpet_config_set_batch(config, UINT32_MAX));
  for (int i = 0; i < SETTINGS_OPTIONS; i++) CHECK(!config->option_set[i]);
}

/* A pair of values is taken whole or not at all. */
static void test_heartbeat(limpet_config *config) {
  CHECK_REFUSED(limpet_config_set_heartbeat(config, 1000, UINT32_MAX));
  CHECK_REFUSED(limpet_config_set_heartbeat(config, UINT32_MAX, 1000));
  CHECK(!config->option_set[LIMPET_OPTION_HEARTBEAT_MS]);
  CHECK_EQUAL(limpet_config_set_heartbeat(config, 1000, 500), 0);
  CHECK_EQUAL(config->options[LIMPET_OPTION_HEARTBEAT_MS], 1000);
  CHECK_EQUAL(config->options[LIMPET_OPTION_HEARTBEAT_TIMEOUT_MS], 500);
}

static void test_options(limpet_config *config) {
  CHECK_REFUSED(limpet_config_set_option(config, (enum limpet_option) - 1, 0));
  CHECK_REFUSED(limpet_config_set_option(config, (enum limpet_option)SETTINGS_OPTIONS, 0));
  CHECK_REFUSED(limpet_config_set_option(config, LIMPET_OPTION_USER, 0));
  CHECK_REFUSED(limpet_config_set_option(config, LIMPET_OPTION_PAUSED, 1));
  CHECK_REFUSED(limpet_config_set_option(config, LIMPET_OPTION_TEXT_MAX, -1));
  CHECK_EQUAL(limpet_config_set_option(config, LIMPET_OPTION_TEXT_MAX, 100), 0);
  CHECK_EQUAL(config->options[LIMPET_OPTION_TEXT_MAX], 100);
  /* What has a setting of its own is that setting. */
  CHECK_EQUAL(limpet_config_set_option(config, LIMPET_OPTION_SESSIONS_MAX, 5), 0);
  CHECK_EQUAL(config->max_connections, 5);
  CHECK_EQUAL(limpet_config_set_option(config, LIMPET_OPTION_ADDRESS_SESSIONS, 2), 0);
  CHECK_EQUAL(config->max_per_address, 2);
  CHECK_EQUAL(limpet_config_set_option(config, LIMPET_OPTION_RATE_ALL_MESSAGES, 7), 0);
  CHECK_EQUAL(limpet_config_set_option(config, LIMPET_OPTION_RATE_ALL_BYTES, 8), 0);
  CHECK_EQUAL(config->rate_all_messages, 7);
  CHECK_EQUAL(config->rate_all_bytes, 8);
}

static void test_lists(limpet_config *config) {
  CHECK_REFUSED(limpet_config_add_allowed_origin(config, NULL));
  CHECK_REFUSED(limpet_config_add_allowed_origin(config, endless));
  CHECK_EQUAL(limpet_config_add_allowed_origin(config, ""), 0);
  CHECK_EQUAL(limpet_config_add_allowed_origin(config, "https://example.com"), 0);
  CHECK_EQUAL(config->origins.count, 2);
  CHECK_STRING(config->origins.items[1], "https://example.com");
  CHECK_REFUSED(limpet_config_add_subprotocol(config, ""));
  CHECK_REFUSED(limpet_config_add_token(config, NULL));
  CHECK_EQUAL(limpet_config_add_token(config, "secret"), 0);
  CHECK_REFUSED(limpet_config_set_keep_request(config, endless));
  CHECK_EQUAL(limpet_config_set_keep_request(config, "*"), 0);
  CHECK_EQUAL(limpet_config_set_keep_request(config, NULL), 0);
  CHECK(config->keep_request == NULL);
}

/* One certificate for a name: a second one takes its place. */
static void test_certificates(limpet_config *config) {
  if (!strstr(limpet_version(), "mbedtls")) {
    CHECK_EQUAL(limpet_config_set_tls(config, "cert.pem", "key.pem"), LIMPET_E_UNSUPPORTED);
    return;
  }
  CHECK_REFUSED(limpet_config_set_tls(config, NULL, "key.pem"));
  CHECK_REFUSED(limpet_config_set_tls(config, "cert.pem", ""));
  CHECK_REFUSED(limpet_config_add_tls_host(config, NULL, "cert.pem", "key.pem"));
  CHECK_EQUAL(config->certificate_count, 0);
  CHECK_EQUAL(limpet_config_set_tls(config, "cert.pem", "key.pem"), 0);
  CHECK_EQUAL(limpet_config_add_tls_host(config, "a.example", "a.pem", "a.key"), 0);
  CHECK_EQUAL(limpet_config_add_tls_host(config, "a.example", "b.pem", "b.key"), 0);
  CHECK_EQUAL(limpet_config_set_tls(config, "c.pem", "c.key"), 0);
  CHECK_EQUAL(config->certificate_count, 2);
  CHECK_STRING(config->certificates[0].cert_file, "c.pem");
  CHECK_STRING(config->certificates[1].key_file, "b.key");
  CHECK_REFUSED(limpet_config_set_tls_ciphers(config, ""));
  CHECK_REFUSED(limpet_config_set_tls_client_ca(config, endless, true));
  CHECK(!config->tls_client_required);
  CHECK_EQUAL(limpet_config_set_tls_peer(config, NULL, false), 0);
  CHECK(config->tls_peer_unchecked);
}

/* Each code has words of its own; what is no code has some, too. */
static void test_words(void) {
#define CHECK_WORDS(name, value, words) CHECK_STRING(limpet_strerror(value), words);
  LIMPET_ERROR_CODES(CHECK_WORDS)
#undef CHECK_WORDS
  const char *unknown = limpet_strerror(-12345);
  CHECK_STRING(unknown, "An unknown code");
  for (int code = LIMPET_E_TYPE; code <= LIMPET_E_THREAD; code++) {
    CHECK(strcmp(limpet_strerror(code), unknown) != 0);
    CHECK(code == LIMPET_E_THREAD || limpet_strerror(code) != limpet_strerror(code + 1));
  }
  CHECK_STRING(limpet_strerror(0), "No error");
  CHECK_STRING(limpet_strerror(3), "No error");
  CHECK_STRING(limpet_strerror(INT32_MIN + 1), unknown);
}

static void *other_thread(void *nothing) {
  CHECK_STRING(limpet_last_error(), "");
  return nothing;
}

/* Words are the thread's that failed, and errno is as it was. */
static void test_last_error(void) {
  errno = ENOENT;
  CHECK_EQUAL(fail(LIMPET_E_SYSTEM, "bind %s:%d", "127.0.0.1", 80), LIMPET_E_SYSTEM);
  CHECK_EQUAL(errno, ENOENT);
  CHECK_STRING(limpet_last_error(), "bind 127.0.0.1:80");
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, other_thread, NULL) == 0);
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK_STRING(limpet_last_error(), "bind 127.0.0.1:80");
  CHECK_EQUAL(fail(LIMPET_E_SYSTEM, "%s", endless), LIMPET_E_SYSTEM);
  CHECK(strlen(limpet_last_error()) > 100 && strlen(limpet_last_error()) < sizeof endless - 1);
  CHECK_EQUAL(refuse(LIMPET_ERROR_CODE_MEMORY), LIMPET_ERROR_CODE_MEMORY);
  CHECK_STRING(limpet_last_error(), "");
}

static void test_version(void) {
  char start[64];
  (void)snprintf(start, sizeof start, "%s %s", LIMPET_VERSION, limpet_core_engine());
  CHECK(strncmp(limpet_version(), start, strlen(start)) == 0);
}

int main(void) {
  memset(endless, 'a', sizeof endless - 1);
  limpet_config *config = limpet_config_new();
  test_defaults();
  test_host_and_port(config);
  test_ranges(config);
  test_heartbeat(config);
  test_options(config);
  test_lists(config);
  test_certificates(config);
  test_words();
  test_last_error();
  test_version();
  limpet_config_free(config);
  return 0;
}
