/* limpet_config, whole: what config.c sets, and what a server copies.
 *
 *   limpet_config_set_* ─► struct limpet_config ─► settings_apply ─► options and lists of each core */

#ifndef LIMPET_SETTINGS_H
#define LIMPET_SETTINGS_H

#include "limpet.h"

/* Options of the core that a config may set: one more than the last. */
#define SETTINGS_OPTIONS 64

/* Strings that were added, in order. */
struct settings_list {
  char **items;
  size_t count;
};

/* A certificate and its key, for one server name. */
struct settings_certificate {
  /* NULL: for all that have none of their own. */
  char *name;
  char *cert_file, *key_file;
};

struct limpet_config {
  /* NULL: does not listen. */
  char *host;
  int port, backlog, threads;
  /* 0: all that the pools have. */
  uint32_t max_connections;
  uint32_t max_per_address;
  /* The core's defaults: `options[i]` counts where `option_set[i]`. */
  int32_t options[SETTINGS_OPTIONS];
  bool option_set[SETTINGS_OPTIONS];
  /* 0: none; with several threads each has its part. */
  uint32_t rate_all_messages, rate_all_bytes;
  bool rates_enabled, origins_enabled;
  /* limpet_config_set_origin_validation(true) was called: a list without an entry is a mistake then. */
  bool origins_required;
  struct settings_list origins, protocols, tokens;
  uint32_t trust;
  /* NULL: nothing is kept of requests. */
  char *keep_request;
  int keepalive_idle_s, keepalive_interval_s, keepalive_probes;

  struct settings_certificate *certificates;
  size_t certificate_count;
  char *tls_ciphers, *tls_client_ca, *tls_peer_ca;
  bool tls_client_required, tls_peer_unchecked;

  void *memory;
  size_t memory_bytes;
};

/* A copy that shares nothing, for a server; NULL without memory. limpet_config_free frees it. */
struct limpet_config *settings_copy(const limpet_config *config);

/* Sets the defaults and lists of a new core: 0, or the code of what it refused (limpet_last_error has the
 * words). `scratch` is where strings may be put, `parts` into how many parts go what bounds all together. */
int settings_apply(const limpet_config *config, limpet_core *core, uint32_t scratch, int parts);

/* Overwrites and frees the tokens, once all cores of a server have them: those keep their SHA-256. */
void settings_forget_tokens(limpet_config *config);

/* config.c: appends a copy of a string to a list; 0, or LIMPET_ERROR_CODE_MEMORY. */
int settings_append(struct settings_list *list, const char *text);

/* errors.c: remembers words for limpet_last_error, and answers the code. */
int fail(int code, const char *format, ...) LIMPET_PRINTF(2, 3);

/* errors.c: answers a code that says all: there are no more words. */
int refuse(int code);
/* The same for an answer that may be a code or none. */
static inline int settle(int answer) { return answer < 0 ? refuse(answer) : answer; }

#endif
