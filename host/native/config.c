/* What an application wants -> struct limpet_config. Each setter answers 0, or a code with words
 * (limpet_last_error) and changes nothing. What only a core can judge (an origin, an option of a feature
 * that it lacks) is judged by limpet_server_new: settings.c. */

#include <stdlib.h>
#include <string.h>

#include "settings.h"

/* A path of an AF_UNIX socket is shorter, a name of the DNS too. RFC 1035 2.3.4. */
#define HOST_MAX 255
/* Longest entry of a list: an origin is a name with a scheme, a token a few hundred bytes. */
#define ENTRY_MAX 4096
#define THREADS_MAX 256
/* What Linux takes for TCP_KEEPIDLE and TCP_KEEPINTVL, seconds, and for TCP_KEEPCNT. */
#define KEEPALIVE_MAX_S 32767
#define KEEPALIVE_MAX_PROBES 127

/* ------------------------------------------------------------- whole configs */

limpet_config *limpet_config_new(void) {
  limpet_config *config = calloc(1, sizeof *config);
  char *host = strdup("127.0.0.1");
  if (!config || !host) {
    free(host);
    free(config);
    (void)refuse(LIMPET_ERROR_CODE_MEMORY);
    return NULL;
  }
  config->host = host;
  config->port = 8080;
  config->backlog = 511;
  config->threads = 1;
  config->rates_enabled = true;
  config->origins_enabled = true;
  return config;
}

static void list_free(struct settings_list *list) {
  for (size_t i = 0; i < list->count; i++) free(list->items[i]);
  free(list->items);
  *list = (struct settings_list){0};
}

/* Overwrites what must not stay in freed memory; a call that the compiler cannot prove useless. */
static void wipe(char *text) {
  static void *(*const volatile overwrite)(void *, int, size_t) = memset;
  overwrite(text, 0, strlen(text));
}

void settings_forget_tokens(limpet_config *config) {
  for (size_t i = 0; i < config->tokens.count; i++) wipe(config->tokens.items[i]);
  list_free(&config->tokens);
}

void limpet_config_free(limpet_config *config) {
  if (!config) return;
  settings_forget_tokens(config);
  list_free(&config->origins);
  list_free(&config->protocols);
  for (size_t i = 0; i < config->certificate_count; i++) {
    free(config->certificates[i].name);
    free(config->certificates[i].cert_file);
    free(config->certificates[i].key_file);
  }
  free(config->certificates);
  free(config->host);
  free(config->keep_request);
  free(config->tls_ciphers);
  free(config->tls_client_ca);
  free(config->tls_peer_ca);
  free(config);
}

/* -------------------------------------------------------------------- checks */

static int no_config(const char *doing) {
  return fail(LIMPET_ERROR_CODE_ARGUMENT, "%s: the config is NULL", doing);
}

static int out_of_range(const char *what, long long value, long long least, long long most) {
  return fail(LIMPET_ERROR_CODE_ARGUMENT, "%s is %lld to %lld, not %lld", what, least, most, value);
}

static int set_int(limpet_config *config, int *field, const char *what, int value, int least,
                   int most) {
  if (!config) return no_config(what);
  if (value < least || value > most) return out_of_range(what, value, least, most);
  *field = value;
  return 0;
}

/* An option of the core's defaults; these are i32, 0 or more. */
static int set_option(limpet_config *config, enum limpet_option option, const char *what,
                      uint32_t value, uint32_t least, uint32_t most) {
  if (!config) return no_config(what);
  if (value < least || value > most) return out_of_range(what, value, least, most);
  config->options[option] = (int32_t)value;
  config->option_set[option] = true;
  return 0;
}

static int check_text(const char *what, const char *text, size_t most) {
  if (!text) return fail(LIMPET_ERROR_CODE_ARGUMENT, "%s is NULL", what);
  if (strnlen(text, most + 1) <= most) return 0;
  return fail(LIMPET_ERROR_CODE_ARGUMENT, "%s is longer than %zu bytes", what, most);
}

/* Replaces a string; NULL is none. */
static int set_text(char **field, const char *what, const char *text, size_t most) {
  char *copy = NULL;
  if (text) {
    int code = check_text(what, text, most);
    if (code < 0) return code;
    copy = strdup(text);
    if (!copy) return refuse(LIMPET_ERROR_CODE_MEMORY);
  }
  free(*field);
  *field = copy;
  return 0;
}

int settings_append(struct settings_list *list, const char *text) {
  char **items = realloc(list->items, (list->count + 1) * sizeof *items);
  if (!items) return refuse(LIMPET_ERROR_CODE_MEMORY);
  list->items = items;
  char *copy = strdup(text);
  if (!copy) return refuse(LIMPET_ERROR_CODE_MEMORY);
  items[list->count++] = copy;
  return 0;
}

/* ----------------------------------------------------------- where it listens */

int limpet_config_set_host(limpet_config *config, const char *host) {
  if (!config) return no_config("the host");
  if (host && !*host) return fail(LIMPET_ERROR_CODE_ARGUMENT, "the host is empty");
  return set_text(&config->host, "the host", host, HOST_MAX);
}

int limpet_config_set_port(limpet_config *config, int port) {
  return set_int(config, config ? &config->port : NULL, "the port", port, 0, 65535);
}

const char *limpet_config_get_host(const limpet_config *config) {
  return config ? config->host : NULL;
}

int limpet_config_get_port(const limpet_config *config) {
  return config ? config->port : no_config("the port");
}

int limpet_config_set_backlog(limpet_config *config, int connections) {
  return set_int(config, config ? &config->backlog : NULL, "the backlog", connections, 1, 65535);
}

int limpet_config_set_threads(limpet_config *config, int threads) {
  return set_int(config, config ? &config->threads : NULL, "threads", threads, 1, THREADS_MAX);
}

int limpet_config_set_keepalive(limpet_config *config, int idle_s, int interval_s, int probes) {
  if (!config) return no_config("keepalive");
  if (idle_s < 0 || idle_s > KEEPALIVE_MAX_S)
    return out_of_range("keepalive: silence before the first probe", idle_s, 0, KEEPALIVE_MAX_S);
  if (idle_s > 0 && (interval_s < 1 || interval_s > KEEPALIVE_MAX_S))
    return out_of_range("keepalive: seconds between probes", interval_s, 1, KEEPALIVE_MAX_S);
  if (idle_s > 0 && (probes < 1 || probes > KEEPALIVE_MAX_PROBES))
    return out_of_range("keepalive: probes", probes, 1, KEEPALIVE_MAX_PROBES);
  config->keepalive_idle_s = idle_s;
  config->keepalive_interval_s = interval_s;
  config->keepalive_probes = probes;
  return 0;
}

/* -------------------------------------------------------------------- limits */

int limpet_config_set_max_connections(limpet_config *config, uint32_t connections) {
  if (!config) return no_config("max_connections");
  if (connections < 1 || connections > INT32_MAX)
    return out_of_range("max_connections", connections, 1, INT32_MAX);
  config->max_connections = connections;
  return 0;
}

int limpet_config_set_max_connections_per_address(limpet_config *config, uint32_t connections) {
  if (!config) return no_config("max_connections_per_address");
  if (connections > INT32_MAX)
    return out_of_range("max_connections_per_address", connections, 0, INT32_MAX);
  config->max_per_address = connections;
  return 0;
}

int limpet_config_set_max_message_size(limpet_config *config, uint32_t bytes) {
  return set_option(config, LIMPET_OPTION_MESSAGE_MAX, "max_message_size", bytes, 0, INT32_MAX);
}

int limpet_config_set_max_backpressure(limpet_config *config, uint32_t bytes) {
  return set_option(config, LIMPET_OPTION_QUEUE_MAX, "max_backpressure", bytes, 1, INT32_MAX);
}

int limpet_config_set_full_policy(limpet_config *config, enum limpet_full_policy policy) {
  return set_option(config, LIMPET_OPTION_FULL_POLICY, "the full policy", (uint32_t)policy,
                    LIMPET_FULL_POLICY_REFUSE, LIMPET_FULL_POLICY_CLOSE_1013);
}

int limpet_config_set_delivery(limpet_config *config, enum limpet_delivery delivery) {
  return set_option(config, LIMPET_OPTION_DELIVERY, "the delivery", (uint32_t)delivery,
                    LIMPET_DELIVERY_WHOLE, LIMPET_DELIVERY_AUTO);
}

/* --------------------------------------------------------------------- times */

int limpet_config_set_ping_interval(limpet_config *config, uint32_t ms) {
  return set_option(config, LIMPET_OPTION_PING_MS, "the ping interval", ms, 0, INT32_MAX);
}

int limpet_config_set_ping_timeout(limpet_config *config, uint32_t ms) {
  return set_option(config, LIMPET_OPTION_PONG_MS, "the ping timeout", ms, 0, INT32_MAX);
}

int limpet_config_set_idle_timeout(limpet_config *config, uint32_t ms) {
  return set_option(config, LIMPET_OPTION_IDLE_MS, "the idle timeout", ms, 0, INT32_MAX);
}

int limpet_config_set_handshake_timeout(limpet_config *config, uint32_t ms) {
  return set_option(config, LIMPET_OPTION_HANDSHAKE_MS, "the handshake timeout", ms, 0, INT32_MAX);
}

int limpet_config_set_close_timeout(limpet_config *config, uint32_t ms) {
  return set_option(config, LIMPET_OPTION_CLOSE_MS, "the close timeout", ms, 0, INT32_MAX);
}

int limpet_config_set_heartbeat(limpet_config *config, uint32_t interval_ms, uint32_t timeout_ms) {
  if (config && timeout_ms > INT32_MAX)
    return out_of_range("the heartbeat timeout", timeout_ms, 0, INT32_MAX);
  int code = set_option(config, LIMPET_OPTION_HEARTBEAT_MS, "the heartbeat interval", interval_ms,
                        0, INT32_MAX);
  if (code < 0) return code;
  return set_option(config, LIMPET_OPTION_HEARTBEAT_TIMEOUT_MS, "the heartbeat timeout", timeout_ms,
                    0, INT32_MAX);
}

/* --------------------------------------------------------------- compression */

int limpet_config_set_compression_enabled(limpet_config *config, bool enabled) {
  return set_option(config, LIMPET_OPTION_DEFLATE, "compression", enabled, 0, 1);
}

int limpet_config_set_compression_level(limpet_config *config, int level) {
  if (level < 0) return out_of_range("the compression level", level, 0, 9);
  return set_option(config, LIMPET_OPTION_DEFLATE_LEVEL, "the compression level", (uint32_t)level,
                    0, 9);
}

int limpet_config_set_compression_window(limpet_config *config, int bits) {
  if (bits < 0) return out_of_range("the compression window", bits, 8, 15);
  return set_option(config, LIMPET_OPTION_DEFLATE_WINDOW, "the compression window", (uint32_t)bits,
                    8, 15);
}

int limpet_config_set_compression_threshold(limpet_config *config, uint32_t bytes) {
  return set_option(config, LIMPET_OPTION_DEFLATE_THRESHOLD, "the compression threshold", bytes, 0,
                    INT32_MAX);
}

int limpet_config_set_context_takeover(limpet_config *config, bool kept) {
  uint32_t both = LIMPET_TAKEOVER_OUT | LIMPET_TAKEOVER_IN;
  return set_option(config, LIMPET_OPTION_DEFLATE_TAKEOVER, "context takeover", kept ? both : 0, 0,
                    both);
}

/* ------------------------------------------------------------- who may connect */

int limpet_config_set_origin_validation(limpet_config *config, bool enabled) {
  if (!config) return no_config("origin validation");
  config->origins_enabled = enabled;
  config->origins_required = enabled;
  return 0;
}

/* `least`: bytes of the shortest entry. */
static int add_entry(limpet_config *config, struct settings_list *list, const char *what,
                     const char *text, size_t least) {
  if (!config) return no_config(what);
  int code = check_text(what, text, ENTRY_MAX);
  if (code < 0) return code;
  if (strlen(text) < least) return fail(LIMPET_ERROR_CODE_ARGUMENT, "%s is empty", what);
  return settings_append(list, text);
}

int limpet_config_add_allowed_origin(limpet_config *config, const char *origin) {
  return add_entry(config, config ? &config->origins : NULL, "the origin", origin, 0);
}

int limpet_config_add_subprotocol(limpet_config *config, const char *protocol) {
  return add_entry(config, config ? &config->protocols : NULL, "the subprotocol", protocol, 1);
}

int limpet_config_add_token(limpet_config *config, const char *token) {
  return add_entry(config, config ? &config->tokens : NULL, "the token", token, 1);
}

int limpet_config_set_token_sources(limpet_config *config, uint32_t sources) {
  uint32_t all =
      LIMPET_TOKEN_SOURCE_HEADER | LIMPET_TOKEN_SOURCE_PROTOCOL | LIMPET_TOKEN_SOURCE_QUERY;
  return set_option(config, LIMPET_OPTION_TOKEN_SOURCES, "token sources", sources, 1, all);
}

int limpet_config_set_trust_proxy(limpet_config *config, uint32_t trust) {
  uint32_t all = LIMPET_TRUST_PROXY | LIMPET_TRUST_PROXY_REQUIRED | LIMPET_TRUST_FORWARDED;
  if (!config) return no_config("trust_proxy");
  if (trust > all) return out_of_range("trust_proxy", trust, 0, all);
  config->trust = trust;
  return 0;
}

int limpet_config_set_keep_request(limpet_config *config, const char *names) {
  if (!config) return no_config("keep_request");
  return set_text(&config->keep_request, "keep_request", names, ENTRY_MAX);
}

/* --------------------------------------------------------------------- rates */

int limpet_config_set_rate_limit_enabled(limpet_config *config, bool enabled) {
  if (!config) return no_config("the rate limit");
  config->rates_enabled = enabled;
  return 0;
}

int limpet_config_set_rate_limit_messages(limpet_config *config, uint32_t messages) {
  return set_option(config, LIMPET_OPTION_RATE_MESSAGES, "messages of the rate limit", messages, 0,
                    INT32_MAX);
}

int limpet_config_set_rate_limit_bytes(limpet_config *config, uint32_t bytes) {
  return set_option(config, LIMPET_OPTION_RATE_BYTES, "bytes of the rate limit", bytes, 0,
                    INT32_MAX);
}

int limpet_config_set_rate_limit_window(limpet_config *config, uint32_t ms) {
  return set_option(config, LIMPET_OPTION_RATE_WINDOW_MS, "the rate limit's window", ms, 1,
                    INT32_MAX);
}

int limpet_config_set_rate_limit_policy(limpet_config *config, enum limpet_rate_policy policy) {
  return set_option(config, LIMPET_OPTION_RATE_POLICY, "the rate limit's policy", (uint32_t)policy,
                    LIMPET_RATE_POLICY_DROP, LIMPET_RATE_POLICY_REJECT);
}

int limpet_config_set_rate_limit_all(limpet_config *config, uint32_t messages, uint32_t bytes) {
  if (!config) return no_config("the rate limit of all");
  if (messages > INT32_MAX) return out_of_range("messages of all", messages, 0, INT32_MAX);
  if (bytes > INT32_MAX) return out_of_range("bytes of all", bytes, 0, INT32_MAX);
  config->rate_all_messages = messages;
  config->rate_all_bytes = bytes;
  return 0;
}

/* ---------------------------------------------------------- the core's options */

int limpet_config_set_batch(limpet_config *config, uint32_t messages) {
  return set_option(config, LIMPET_OPTION_BATCH, "the batch", messages, 0, INT32_MAX);
}

int limpet_config_set_option(limpet_config *config, enum limpet_option option, int32_t value) {
  if (!config) return no_config("an option");
  if ((int)option < 0 || (int)option >= SETTINGS_OPTIONS)
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "there is no option %d", (int)option);
  if (value < 0) return out_of_range("an option", value, 0, INT32_MAX);
  switch (option) {
    case LIMPET_OPTION_USER:
    case LIMPET_OPTION_PAUSED:
      return fail(LIMPET_ERROR_CODE_ARGUMENT, "option %d is of a session", (int)option);
    case LIMPET_OPTION_SESSIONS_MAX:
      return limpet_config_set_max_connections(config, (uint32_t)value);
    case LIMPET_OPTION_ADDRESS_SESSIONS:
      return limpet_config_set_max_connections_per_address(config, (uint32_t)value);
    case LIMPET_OPTION_RATE_ALL_MESSAGES:
      return limpet_config_set_rate_limit_all(config, (uint32_t)value, config->rate_all_bytes);
    case LIMPET_OPTION_RATE_ALL_BYTES:
      return limpet_config_set_rate_limit_all(config, config->rate_all_messages, (uint32_t)value);
    default:
      config->options[option] = value;
      config->option_set[option] = true;
      return 0;
  }
}
