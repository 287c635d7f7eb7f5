/* What an application wants of compression, handshakes and rates -> struct limpet_config; and the core's own
 * options. */

#include <string.h>

#include "config.h"

/* Longest entry of a list: an origin is a name with a scheme, a token a few hundred bytes. */
#define ENTRY_MAX 4096

/* --------------------------------------------------------------- compression */

int limpet_config_set_compression_enabled(limpet_config *config, bool enabled) {
  return config_option(config, LIMPET_OPTION_DEFLATE, "compression", enabled, 0, 1);
}

int limpet_config_set_compression_level(limpet_config *config, int level) {
  if (level < 0) return config_range("the compression level", level, 0, 9);
  return config_option(config, LIMPET_OPTION_DEFLATE_LEVEL, "the compression level",
                       (uint32_t)level, 0, 9);
}

int limpet_config_set_compression_window(limpet_config *config, int bits) {
  if (bits < 0) return config_range("the compression window", bits, 8, 15);
  return config_option(config, LIMPET_OPTION_DEFLATE_WINDOW, "the compression window",
                       (uint32_t)bits, 8, 15);
}

int limpet_config_set_compression_threshold(limpet_config *config, uint32_t bytes) {
  return config_option(config, LIMPET_OPTION_DEFLATE_THRESHOLD, "the compression threshold", bytes,
                       0, INT32_MAX);
}

int limpet_config_set_context_takeover(limpet_config *config, bool kept) {
  uint32_t both = LIMPET_TAKEOVER_OUT | LIMPET_TAKEOVER_IN;
  return config_option(config, LIMPET_OPTION_DEFLATE_TAKEOVER, "context takeover", kept ? both : 0,
                       0, both);
}

/* ------------------------------------------------------------- who may connect */

int limpet_config_set_origin_validation(limpet_config *config, bool enabled) {
  if (!config) return config_missing("origin validation");
  config->origins_enabled = enabled;
  config->origins_required = enabled;
  return 0;
}

/* `least`: bytes of the shortest entry. */
static int add_entry(limpet_config *config, struct settings_list *list, const char *what,
                     const char *text, size_t least) {
  if (!config) return config_missing(what);
  int code = config_text(what, text, ENTRY_MAX);
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
  return config_option(config, LIMPET_OPTION_TOKEN_SOURCES, "token sources", sources, 1, all);
}

int limpet_config_set_trust_proxy(limpet_config *config, uint32_t trust) {
  uint32_t all = LIMPET_TRUST_PROXY | LIMPET_TRUST_PROXY_REQUIRED | LIMPET_TRUST_FORWARDED;
  if (!config) return config_missing("trust_proxy");
  if (trust > all) return config_range("trust_proxy", trust, 0, all);
  config->trust = trust;
  return 0;
}

int limpet_config_set_keep_request(limpet_config *config, const char *names) {
  if (!config) return config_missing("keep_request");
  return config_replace(&config->keep_request, "keep_request", names, ENTRY_MAX);
}

/* --------------------------------------------------------------------- rates */

int limpet_config_set_rate_limit_enabled(limpet_config *config, bool enabled) {
  if (!config) return config_missing("the rate limit");
  config->rates_enabled = enabled;
  return 0;
}

int limpet_config_set_rate_limit_messages(limpet_config *config, uint32_t messages) {
  return config_option(config, LIMPET_OPTION_RATE_MESSAGES, "messages of the rate limit", messages,
                       0, INT32_MAX);
}

int limpet_config_set_rate_limit_bytes(limpet_config *config, uint32_t bytes) {
  return config_option(config, LIMPET_OPTION_RATE_BYTES, "bytes of the rate limit", bytes, 0,
                       INT32_MAX);
}

int limpet_config_set_rate_limit_window(limpet_config *config, uint32_t ms) {
  return config_option(config, LIMPET_OPTION_RATE_WINDOW_MS, "the rate limit's window", ms, 1,
                       INT32_MAX);
}

int limpet_config_set_rate_limit_policy(limpet_config *config, enum limpet_rate_policy policy) {
  return config_option(config, LIMPET_OPTION_RATE_POLICY, "the rate limit's policy",
                       (uint32_t)policy, LIMPET_RATE_POLICY_DROP, LIMPET_RATE_POLICY_REJECT);
}

int limpet_config_set_rate_limit_all(limpet_config *config, uint32_t messages, uint32_t bytes) {
  if (!config) return config_missing("the rate limit of all");
  if (messages > INT32_MAX) return config_range("messages of all", messages, 0, INT32_MAX);
  if (bytes > INT32_MAX) return config_range("bytes of all", bytes, 0, INT32_MAX);
  config->rate_all_messages = messages;
  config->rate_all_bytes = bytes;
  return 0;
}

/* ---------------------------------------------------------- the core's options */

int limpet_config_set_batch(limpet_config *config, uint32_t messages) {
  return config_option(config, LIMPET_OPTION_BATCH, "the batch", messages, 0, INT32_MAX);
}

int limpet_config_set_option(limpet_config *config, enum limpet_option option, int32_t value) {
  if (!config) return config_missing("an option");
  if ((int)option < 0 || (int)option >= SETTINGS_OPTIONS)
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "there is no option %d", (int)option);
  if (value < 0) return config_range("an option", value, 0, INT32_MAX);
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
