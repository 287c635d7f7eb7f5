/* What an application wants -> struct limpet_config. Each setter answers 0, or a code with words
 * (limpet_last_error) and changes nothing. What only a core can judge (an origin, an option of a feature
 * that it lacks) is judged by limpet_server_new: settings.c. */

#include <stdlib.h>
#include <string.h>

#include "config.h"

/* A path of an AF_UNIX socket is shorter, a name of the DNS too. RFC 1035 2.3.4. */
#define HOST_MAX 255
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

int config_missing(const char *what) {
  return fail(LIMPET_ERROR_CODE_ARGUMENT, "%s: the config is NULL", what);
}

int config_range(const char *what, long long value, long long least, long long most) {
  return fail(LIMPET_ERROR_CODE_ARGUMENT, "%s is %lld to %lld, not %lld", what, least, most, value);
}

int config_int(limpet_config *config, int *field, const char *what, int value, int least,
               int most) {
  if (!config) return config_missing(what);
  if (value < least || value > most) return config_range(what, value, least, most);
  *field = value;
  return 0;
}

int config_option(limpet_config *config, enum limpet_option option, const char *what,
                  uint32_t value, uint32_t least, uint32_t most) {
  if (!config) return config_missing(what);
  if (value < least || value > most) return config_range(what, value, least, most);
  config->options[option] = (int32_t)value;
  config->option_set[option] = true;
  return 0;
}

int config_text(const char *what, const char *text, size_t most) {
  if (!text) return fail(LIMPET_ERROR_CODE_ARGUMENT, "%s is NULL", what);
  if (strnlen(text, most + 1) <= most) return 0;
  return fail(LIMPET_ERROR_CODE_ARGUMENT, "%s is longer than %zu bytes", what, most);
}

int config_replace(char **field, const char *what, const char *text, size_t most) {
  char *copy = NULL;
  if (text) {
    int code = config_text(what, text, most);
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
  if (!config) return config_missing("the host");
  if (host && !*host) return fail(LIMPET_ERROR_CODE_ARGUMENT, "the host is empty");
  return config_replace(&config->host, "the host", host, HOST_MAX);
}

int limpet_config_set_port(limpet_config *config, int port) {
  return config_int(config, config ? &config->port : NULL, "the port", port, 0, 65535);
}

const char *limpet_config_get_host(const limpet_config *config) {
  return config ? config->host : NULL;
}

int limpet_config_get_port(const limpet_config *config) {
  return config ? config->port : config_missing("the port");
}

int limpet_config_set_backlog(limpet_config *config, int connections) {
  return config_int(config, config ? &config->backlog : NULL, "the backlog", connections, 1, 65535);
}

int limpet_config_set_threads(limpet_config *config, int threads) {
  return config_int(config, config ? &config->threads : NULL, "threads", threads, 1,
                    LIMPET_THREADS_MAX);
}

int limpet_config_set_keepalive(limpet_config *config, int idle_s, int interval_s, int probes) {
  if (!config) return config_missing("keepalive");
  if (idle_s < 0 || idle_s > KEEPALIVE_MAX_S)
    return config_range("keepalive: silence before the first probe", idle_s, 0, KEEPALIVE_MAX_S);
  if (idle_s > 0 && (interval_s < 1 || interval_s > KEEPALIVE_MAX_S))
    return config_range("keepalive: seconds between probes", interval_s, 1, KEEPALIVE_MAX_S);
  if (idle_s > 0 && (probes < 1 || probes > KEEPALIVE_MAX_PROBES))
    return config_range("keepalive: probes", probes, 1, KEEPALIVE_MAX_PROBES);
  config->keepalive_idle_s = idle_s;
  config->keepalive_interval_s = interval_s;
  config->keepalive_probes = probes;
  return 0;
}

/* -------------------------------------------------------------------- limits */

int limpet_config_set_max_connections(limpet_config *config, uint32_t connections) {
  if (!config) return config_missing("max_connections");
  if (connections < 1 || connections > INT32_MAX)
    return config_range("max_connections", connections, 1, INT32_MAX);
  config->max_connections = connections;
  return 0;
}

int limpet_config_set_max_connections_per_address(limpet_config *config, uint32_t connections) {
  if (!config) return config_missing("max_connections_per_address");
  if (connections > INT32_MAX)
    return config_range("max_connections_per_address", connections, 0, INT32_MAX);
  config->max_per_address = connections;
  return 0;
}

int limpet_config_set_max_message_size(limpet_config *config, uint32_t bytes) {
  return config_option(config, LIMPET_OPTION_MESSAGE_MAX, "max_message_size", bytes, 0, INT32_MAX);
}

int limpet_config_set_max_backpressure(limpet_config *config, uint32_t bytes) {
  return config_option(config, LIMPET_OPTION_QUEUE_MAX, "max_backpressure", bytes, 1, INT32_MAX);
}

int limpet_config_set_full_policy(limpet_config *config, enum limpet_full_policy policy) {
  return config_option(config, LIMPET_OPTION_FULL_POLICY, "the full policy", (uint32_t)policy,
                       LIMPET_FULL_POLICY_REFUSE, LIMPET_FULL_POLICY_CLOSE_1013);
}

int limpet_config_set_delivery(limpet_config *config, enum limpet_delivery delivery) {
  return config_option(config, LIMPET_OPTION_DELIVERY, "the delivery", (uint32_t)delivery,
                       LIMPET_DELIVERY_WHOLE, LIMPET_DELIVERY_AUTO);
}

/* --------------------------------------------------------------------- times */

int limpet_config_set_ping_interval(limpet_config *config, uint32_t ms) {
  return config_option(config, LIMPET_OPTION_PING_MS, "the ping interval", ms, 0, INT32_MAX);
}

int limpet_config_set_ping_timeout(limpet_config *config, uint32_t ms) {
  return config_option(config, LIMPET_OPTION_PONG_MS, "the ping timeout", ms, 0, INT32_MAX);
}

int limpet_config_set_idle_timeout(limpet_config *config, uint32_t ms) {
  return config_option(config, LIMPET_OPTION_IDLE_MS, "the idle timeout", ms, 0, INT32_MAX);
}

int limpet_config_set_handshake_timeout(limpet_config *config, uint32_t ms) {
  return config_option(config, LIMPET_OPTION_HANDSHAKE_MS, "the handshake timeout", ms, 0,
                       INT32_MAX);
}

int limpet_config_set_close_timeout(limpet_config *config, uint32_t ms) {
  return config_option(config, LIMPET_OPTION_CLOSE_MS, "the close timeout", ms, 0, INT32_MAX);
}

int limpet_config_set_heartbeat(limpet_config *config, uint32_t interval_ms, uint32_t timeout_ms) {
  if (config && timeout_ms > INT32_MAX)
    return config_range("the heartbeat timeout", timeout_ms, 0, INT32_MAX);
  int code = config_option(config, LIMPET_OPTION_HEARTBEAT_MS, "the heartbeat interval",
                           interval_ms, 0, INT32_MAX);
  if (code < 0) return code;
  return config_option(config, LIMPET_OPTION_HEARTBEAT_TIMEOUT_MS, "the heartbeat timeout",
                       timeout_ms, 0, INT32_MAX);
}
