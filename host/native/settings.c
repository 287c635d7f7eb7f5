/* struct limpet_config -> what a server keeps of it, and the defaults and lists of its cores.
 *
 *   limpet_server_new ─► settings_copy ─► settings_apply, for each core ─► settings_forget_tokens
 *
 * What a core refuses, for its value or because its profile has no such feature, is an error with words:
 * a bound that silently does not hold is worse than none. */

#include "settings.h"

#include <stdlib.h>
#include <string.h>

/* Queued bytes of one session, unless the config says: four messages of the longest kind, and no less than this. */
#define BACKPRESSURE_LEAST (INT32_C(64) << 20)
/* From so many queued bytes on a session is over its mark, or from an eighth of the arena: one that does not
 * read holds no more than its share of the memory that all send through. */
#define HIGH_WATER_MOST (UINT32_C(1) << 20)
#define HIGH_WATER_SHARE 8

/* ---------------------------------------------------------------------- copies */

static bool copy_text(char **to, const char *from) {
  *to = from ? strdup(from) : NULL;
  return *to || !from;
}

static bool copy_list(struct settings_list *to, const struct settings_list *from) {
  *to = (struct settings_list){0};
  for (size_t i = 0; i < from->count; i++) {
    if (settings_append(to, from->items[i]) < 0) return false;
  }
  return true;
}

static bool copy_certificates(struct limpet_config *to, const limpet_config *from) {
  to->certificates = NULL;
  to->certificate_count = 0;
  if (from->certificate_count == 0) return true;
  to->certificates = calloc(from->certificate_count, sizeof *to->certificates);
  if (!to->certificates) return false;
  to->certificate_count = from->certificate_count;
  bool whole = true;
  for (size_t i = 0; i < from->certificate_count; i++) {
    const struct settings_certificate *one = &from->certificates[i];
    struct settings_certificate *copy = &to->certificates[i];
    whole &= copy_text(&copy->name, one->name);
    whole &= copy_text(&copy->cert_file, one->cert_file);
    whole &= copy_text(&copy->key_file, one->key_file);
  }
  return whole;
}

struct limpet_config *settings_copy(const limpet_config *config) {
  struct limpet_config *copy = malloc(sizeof *copy);
  if (!copy) {
    (void)refuse(LIMPET_ERROR_CODE_MEMORY);
    return NULL;
  }
  *copy = *config;
  /* Each of these leaves a field of its own behind, whether there was memory for it or not. */
  bool whole = copy_text(&copy->host, config->host);
  whole &= copy_text(&copy->keep_request, config->keep_request);
  whole &= copy_text(&copy->tls_ciphers, config->tls_ciphers);
  whole &= copy_text(&copy->tls_client_ca, config->tls_client_ca);
  whole &= copy_text(&copy->tls_peer_ca, config->tls_peer_ca);
  whole &= copy_list(&copy->origins, &config->origins);
  whole &= copy_list(&copy->protocols, &config->protocols);
  whole &= copy_list(&copy->tokens, &config->tokens);
  whole &= copy_certificates(copy, config);
  if (whole) return copy;
  limpet_config_free(copy);
  (void)refuse(LIMPET_ERROR_CODE_MEMORY);
  return NULL;
}

/* --------------------------------------------------------------------- options */

/* The names of options, for words. */
static const char *const OPTION_NAMES[] = {
    [LIMPET_OPTION_MESSAGE_MAX] = "max_message_size",
    [LIMPET_OPTION_DELIVERY] = "the delivery",
    [LIMPET_OPTION_HIGH_WATER] = "the high-water mark",
    [LIMPET_OPTION_QUEUE_MAX] = "max_backpressure",
    [LIMPET_OPTION_FULL_POLICY] = "the full policy",
    [LIMPET_OPTION_HANDSHAKE_MS] = "the handshake timeout",
    [LIMPET_OPTION_IDLE_MS] = "the idle timeout",
    [LIMPET_OPTION_PING_MS] = "the ping interval",
    [LIMPET_OPTION_PONG_MS] = "the ping timeout",
    [LIMPET_OPTION_CLOSE_MS] = "the close timeout",
    [LIMPET_OPTION_SESSIONS_MAX] = "max_connections",
    [LIMPET_OPTION_DEFLATE] = "compression",
    [LIMPET_OPTION_DEFLATE_LEVEL] = "the compression level",
    [LIMPET_OPTION_DEFLATE_WINDOW] = "the compression window",
    [LIMPET_OPTION_DEFLATE_THRESHOLD] = "the compression threshold",
    [LIMPET_OPTION_DEFLATE_TAKEOVER] = "context takeover",
    [LIMPET_OPTION_ADDRESS_SESSIONS] = "max_connections_per_address",
    [LIMPET_OPTION_RATE_WINDOW_MS] = "the rate limit",
    [LIMPET_OPTION_RATE_MESSAGES] = "the rate limit",
    [LIMPET_OPTION_RATE_BYTES] = "the rate limit",
    [LIMPET_OPTION_RATE_ALL_MESSAGES] = "the rate limit of all",
    [LIMPET_OPTION_RATE_ALL_BYTES] = "the rate limit of all",
    [LIMPET_OPTION_RATE_POLICY] = "the rate limit",
    [LIMPET_OPTION_TOKEN_SOURCES] = "token sources",
    [LIMPET_OPTION_BATCH] = "the batch",
    [LIMPET_OPTION_HEARTBEAT_MS] = "the heartbeat",
    [LIMPET_OPTION_HEARTBEAT_TIMEOUT_MS] = "the heartbeat",
};

/* Sets an option, or says what the core has against it: every option that a core has may be 0 or 1. */
static int apply(limpet_core *core, int option, int32_t value) {
  int code = limpet_core_option_set(core, 0, option, value);
  if (code >= 0 || code == LIMPET_CORE_TRAP) return code;
  const char *name = NULL;
  if ((size_t)option < sizeof OPTION_NAMES / sizeof *OPTION_NAMES) name = OPTION_NAMES[option];
  if (!name) name = "an option";
  if (limpet_core_option_set(core, 0, option, 0) < 0 &&
      limpet_core_option_set(core, 0, option, 1) < 0)
    return fail(LIMPET_ERROR_CODE_UNSUPPORTED, "%s (option %d): this core has none", name, option);
  return fail(code, "%s (option %d) cannot be %ld in this core", name, option, (long)value);
}

/* What belongs to a feature that is off is left alone: a core without it takes none of these. */
static bool is_off(const limpet_config *config, int option) {
  if (option >= LIMPET_OPTION_DEFLATE && option <= LIMPET_OPTION_DEFLATE_WINDOW_IN)
    return !config->option_set[LIMPET_OPTION_DEFLATE] || !config->options[LIMPET_OPTION_DEFLATE];
  if (option >= LIMPET_OPTION_RATE_WINDOW_MS && option <= LIMPET_OPTION_RATE_POLICY)
    return !config->rates_enabled;
  return false;
}

static int apply_options(const limpet_config *config, limpet_core *core) {
  for (int option = 0; option < SETTINGS_OPTIONS; option++) {
    if (!config->option_set[option] || is_off(config, option)) continue;
    int code = apply(core, option, config->options[option]);
    if (code < 0) return code;
  }
  return 0;
}

static const struct limpet_stats_record *stats_of(limpet_core *core) {
  const void *record = limpet_core_memory(core) + limpet_core_stats(core);
  return record;
}

/* The queue of a session, where the config leaves it open. With memory of the application's alone, longer
 * messages than the core's blocks have nowhere to wait: the core's own bounds stay. */
static int apply_queue(const limpet_config *config, limpet_core *core) {
  if (config->memory) return 0;
  int code = 0;
  if (!config->option_set[LIMPET_OPTION_QUEUE_MAX]) {
    int64_t most = BACKPRESSURE_LEAST;
    if (config->option_set[LIMPET_OPTION_MESSAGE_MAX])
      most = INT64_C(4) * config->options[LIMPET_OPTION_MESSAGE_MAX];
    if (most < BACKPRESSURE_LEAST) most = BACKPRESSURE_LEAST;
    if (most > INT32_MAX) most = INT32_MAX;
    code = apply(core, LIMPET_OPTION_QUEUE_MAX, (int32_t)most);
  }
  if (code == 0 && !config->option_set[LIMPET_OPTION_HIGH_WATER]) {
    uint32_t mark = stats_of(core)->arena / HIGH_WATER_SHARE;
    if (mark > HIGH_WATER_MOST) mark = HIGH_WATER_MOST;
    code = apply(core, LIMPET_OPTION_HIGH_WATER, (int32_t)mark);
  }
  return code;
}

/* What bounds all sessions together is shared out among the cores; each has at least one. */
static int32_t part_of(uint32_t bound, int parts) {
  return (int32_t)(bound / (uint32_t)parts + (bound % (uint32_t)parts != 0));
}

static int apply_shared(const limpet_config *config, limpet_core *core, int parts) {
  int code = 0;
  uint32_t pool = stats_of(core)->sessions;
  /* Over several cores bounds.c counts: sessions are not spread evenly. */
  if (config->max_connections > 0 && config->max_connections < pool)
    code = apply(core, LIMPET_OPTION_SESSIONS_MAX, (int32_t)config->max_connections);
  if (code == 0 && config->max_per_address > 0)
    code = apply(core, LIMPET_OPTION_ADDRESS_SESSIONS, (int32_t)config->max_per_address);
  if (!config->rates_enabled) return code;
  if (code == 0 && config->rate_all_messages > 0)
    code = apply(core, LIMPET_OPTION_RATE_ALL_MESSAGES, part_of(config->rate_all_messages, parts));
  if (code == 0 && config->rate_all_bytes > 0)
    code = apply(core, LIMPET_OPTION_RATE_ALL_BYTES, part_of(config->rate_all_bytes, parts));
  return code;
}

/* ----------------------------------------------------------------------- lists */

typedef int32_t (*add_call)(limpet_core *core, int32_t ptr, int32_t len);

/* Passes on what the core has against an entry; a token is not told. */
static int refused(int code, const char *what, const char *entry) {
  switch (code) {
    case LIMPET_ERROR_CODE_UNSUPPORTED:
      return fail(code, "%s: this core has no list of them", what);
    case LIMPET_ERROR_CODE_MEMORY:
      return fail(code, "%s: there are more than this core has room for", what);
    default: return fail(code, "%s: \"%.128s\" is none", what, entry);
  }
}

static int add_all(limpet_core *core, uint32_t scratch, const struct settings_list *list,
                   const char *what, add_call add, bool is_secret) {
  int32_t room = limpet_core_region_size(core, LIMPET_REGION_SCRATCH);
  for (size_t i = 0; i < list->count; i++) {
    const char *entry = list->items[i];
    size_t length = strlen(entry);
    if (length > (size_t)room)
      return fail(LIMPET_ERROR_CODE_ARGUMENT, "%s: an entry is too long", what);
    memcpy(limpet_core_memory(core) + scratch, entry, length);
    int code = add(core, (int32_t)scratch, (int32_t)length);
    /* The core overwrites a token that it takes. */
    if (is_secret) memset(limpet_core_memory(core) + scratch, 0, length);
    if (code < 0) return refused(code, what, is_secret ? "it" : entry);
  }
  return 0;
}

static int apply_lists(const limpet_config *config, limpet_core *core, uint32_t scratch) {
  if (config->origins_required && config->origins.count == 0)
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "origins are looked at, but none is allowed");
  int code = 0;
  if (config->origins_enabled)
    code = add_all(core, scratch, &config->origins, "origins", limpet_core_origin_add, false);
  if (code == 0)
    code =
        add_all(core, scratch, &config->protocols, "subprotocols", limpet_core_protocol_add, false);
  if (code == 0)
    code = add_all(core, scratch, &config->tokens, "tokens", limpet_core_token_add, true);
  return code;
}

static int apply_keep(const limpet_config *config, limpet_core *core, uint32_t scratch) {
  if (!config->keep_request) return 0;
  /* What is kept beside fields is kept with any name: with that of one that is kept in any case, too. */
  const char *names = *config->keep_request ? config->keep_request : "host";
  size_t length = strlen(names);
  if (length > (size_t)limpet_core_region_size(core, LIMPET_REGION_SCRATCH))
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "keep_request is too long");
  memcpy(limpet_core_memory(core) + scratch, names, length);
  int code = limpet_core_request_keep(core, (int32_t)scratch, (int32_t)length);
  if (code == LIMPET_ERROR_CODE_UNSUPPORTED)
    return fail(code, "keep_request: this core keeps none");
  if (code == LIMPET_ERROR_CODE_MEMORY) return fail(code, "keep_request has too many names");
  return code < 0 ? fail(code, "keep_request: \"%.128s\" is no list of names", names) : 0;
}

/* ------------------------------------------------------------------- the whole */

/* Without a bound a message could not be kept whole. */
static int check_lengths(const limpet_config *config) {
  bool streams = config->option_set[LIMPET_OPTION_DELIVERY] &&
                 config->options[LIMPET_OPTION_DELIVERY] == LIMPET_DELIVERY_STREAM;
  bool unbounded = config->option_set[LIMPET_OPTION_MESSAGE_MAX] &&
                   config->options[LIMPET_OPTION_MESSAGE_MAX] == 0;
  if (!unbounded || streams) return 0;
  return fail(LIMPET_ERROR_CODE_ARGUMENT, "max_message_size 0 is for LIMPET_DELIVERY_STREAM");
}

int settings_apply(const limpet_config *config, limpet_core *core, uint32_t scratch, int parts) {
  int code = check_lengths(config);
  /* Whole messages, of any length that is allowed: the loop gathers what the core's blocks do not hold; with
   * memory of the application's alone they are refused. */
  const int delivery = config->memory ? LIMPET_DELIVERY_WHOLE : LIMPET_DELIVERY_AUTO;
  if (code == 0) code = apply(core, LIMPET_OPTION_DELIVERY, delivery);
  if (code == 0) code = apply_options(config, core);
  if (code == 0) code = apply_queue(config, core);
  if (code == 0) code = apply_shared(config, core, parts);
  if (code == 0) code = apply_lists(config, core, scratch);
  if (code == 0) code = apply_keep(config, core, scratch);
  if (code == 0 && config->trust && limpet_core_address(core, 0) == LIMPET_ERROR_CODE_UNSUPPORTED)
    code = fail(LIMPET_ERROR_CODE_UNSUPPORTED, "trust_proxy: this core knows no addresses");
  return code == LIMPET_CORE_TRAP ? fail(LIMPET_E_TRAP, "settings: the core trapped") : code;
}
