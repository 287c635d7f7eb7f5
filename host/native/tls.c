/* A server's settings -> a context for each of its loops; the files are read again without a restart.
 *
 *   tls_open ─► contexts of all loops      reload ─► new contexts of all loops, or an error and the old ones
 *   tls_take ─► a loop's context, kept by a connection until it ends */

#include <stdlib.h>

#include "tls-context.h"

#if defined(MBEDTLS_USE_PSA_CRYPTO) || defined(MBEDTLS_SSL_PROTO_TLS1_3)
#include <psa/crypto.h>
#endif

struct tls {
  /* Loops take contexts while a reload puts others there. */
  pthread_mutex_t lock;
  int count;
  /* By loop; NULL without certificates. */
  struct tls_context **serving;
  /* By loop; made when a loop first connects to "wss:". */
  struct tls_context **calling;
};

const char *tls_library(void) { return "mbedtls"; }

static void contexts_free(struct tls_context **contexts, int count) {
  for (int i = 0; contexts && i < count; i++) tls_context_drop(contexts[i]);
  free(contexts);
}

/* A context for each loop; NULL after fail, with the code in `code`. */
static struct tls_context **contexts_read(const limpet_config *settings, int count, int *code) {
  *code = LIMPET_E_TLS;
  struct tls_sessions *sessions = tls_sessions_new();
  struct tls_context **contexts = calloc((size_t)count, sizeof *contexts);
  if (!contexts) *code = fail(LIMPET_ERROR_CODE_MEMORY, "TLS: no memory for contexts");
  bool whole = sessions && contexts;
  for (int i = 0; whole && i < count; i++) {
    contexts[i] = tls_context_serving(settings, sessions);
    whole = contexts[i] != NULL;
  }
  tls_sessions_drop(sessions);
  if (whole) return contexts;
  contexts_free(contexts, count);
  return NULL;
}

/* What mbedTLS has once for the whole process. */
static int library_open(int loops) {
#if defined(MBEDTLS_USE_PSA_CRYPTO) && !defined(MBEDTLS_THREADING_C)
  if (loops > 1) {
    return fail(LIMPET_E_UNSUPPORTED, "TLS for several threads: mbedTLS lacks MBEDTLS_THREADING_C");
  }
#endif
#if defined(MBEDTLS_USE_PSA_CRYPTO) || defined(MBEDTLS_SSL_PROTO_TLS1_3)
  if (psa_crypto_init() != PSA_SUCCESS) return fail(LIMPET_E_TLS, "mbedTLS's PSA does not start");
#endif
  (void)loops;
  return 0;
}

int tls_open(limpet_server *server) {
  const limpet_config *settings = server->settings;
  // A start that failed later may be tried again.
  tls_close(server);
  int code = library_open(server->loop_count);
  if (code != 0) return code;
  struct tls *tls = calloc(1, sizeof *tls);
  if (!tls) return fail(LIMPET_ERROR_CODE_MEMORY, "TLS: no memory");
  pthread_mutex_init(&tls->lock, NULL);
  tls->count = server->loop_count;
  tls->calling = calloc((size_t)tls->count, sizeof *tls->calling);
  if (!tls->calling) code = fail(LIMPET_ERROR_CODE_MEMORY, "TLS: no memory for contexts");
  server->tls = tls;
  if (code == 0 && settings->certificate_count > 0)
    tls->serving = contexts_read(settings, tls->count, &code);
  if (code == 0 || tls->serving) return 0;
  tls_close(server);
  return code;
}

void tls_close(limpet_server *server) {
  struct tls *tls = server->tls;
  server->tls = NULL;
  if (!tls) return;
  contexts_free(tls->serving, tls->count);
  contexts_free(tls->calling, tls->count);
  pthread_mutex_destroy(&tls->lock);
  free(tls);
}

int limpet_server_reload_tls(limpet_server *server) {
  if (!server) return fail(LIMPET_ERROR_CODE_ARGUMENT, "limpet_server_reload_tls: no server");
  struct tls *tls = server->tls;
  if (!tls) return fail(LIMPET_E_STATE, "limpet_server_reload_tls: the server has not started");
  if (!tls->serving)
    return fail(LIMPET_E_STATE, "TLS: the server has no certificate: see limpet_config_set_tls");
  int code;
  struct tls_context **fresh = contexts_read(server->settings, tls->count, &code);
  struct tls_context **calling = calloc((size_t)tls->count, sizeof *calling);
  if (!fresh || !calling) {
    if (fresh)
      contexts_free(fresh, tls->count),
          code = fail(LIMPET_ERROR_CODE_MEMORY, "TLS: no memory for contexts");
    free(calling);
    return code;
  }
  pthread_mutex_lock(&tls->lock);
  struct tls_context **old_serving = tls->serving, **old_calling = tls->calling;
  tls->serving = fresh;
  tls->calling = calling;
  pthread_mutex_unlock(&tls->lock);
  contexts_free(old_serving, tls->count);
  contexts_free(old_calling, tls->count);
  return 0;
}

struct tls_context *tls_take(const struct loop *loop, bool client, int *code) {
  struct tls *tls = loop->server->tls;
  *code = LIMPET_E_TLS;
  if (!tls) return *code = fail(LIMPET_E_STATE, "TLS: the server has not started"), NULL;
  pthread_mutex_lock(&tls->lock);
  struct tls_context *context = NULL;
  if (client) {
    struct tls_context **mine = &tls->calling[loop->index];
    if (!*mine) *mine = tls_context_calling(loop->server->settings);
    context = *mine;
  } else if (tls->serving) {
    context = tls->serving[loop->index];
  } else {
    *code = fail(LIMPET_E_STATE, "TLS: the server has no certificate: see limpet_config_set_tls");
  }
  if (context) tls_context_keep(context);
  pthread_mutex_unlock(&tls->lock);
  return context;
}
