/* What was agreed on in a handshake -> a shorter one later, on any loop of the server. RFC 5077, RFC 8446 2.2.
 *
 *   client takes tickets:  keys of the server, changed by mbedTLS as they age; nothing is kept per client
 *   client does not:       the session itself, by its id; the oldest goes where there are too many */

#include <stdlib.h>

#include <mbedtls/ssl_cache.h>
#include <mbedtls/ssl_ticket.h>

#include "tls-context.h"

/* RFC 8446 4.6.1: at most seven days. A day, so that a stolen key opens no more than that. */
#define TICKET_LIFETIME_S 86400
/* A session is some 200 bytes, and its client's certificate where one was asked for. */
#define CACHE_SESSIONS_MAX 1024

struct tls_sessions {
  atomic_uint references;
  pthread_mutex_t lock;
  struct tls_random random;
#if defined(MBEDTLS_SSL_TICKET_C)
  mbedtls_ssl_ticket_context tickets;
#endif
#if defined(MBEDTLS_SSL_CACHE_C)
  mbedtls_ssl_cache_context cache;
#endif
};

struct tls_sessions *tls_sessions_new(void) {
  struct tls_sessions *sessions = calloc(1, sizeof *sessions);
  if (!sessions) return fail(LIMPET_ERROR_CODE_MEMORY, "TLS: no memory for sessions"), NULL;
  atomic_init(&sessions->references, 1);
  pthread_mutex_init(&sessions->lock, NULL);
  int code = tls_random_open(&sessions->random);
#if defined(MBEDTLS_SSL_CACHE_C)
  mbedtls_ssl_cache_init(&sessions->cache);
  mbedtls_ssl_cache_set_max_entries(&sessions->cache, CACHE_SESSIONS_MAX);
  mbedtls_ssl_cache_set_timeout(&sessions->cache, TICKET_LIFETIME_S);
#endif
#if defined(MBEDTLS_SSL_TICKET_C)
  mbedtls_ssl_ticket_init(&sessions->tickets);
  if (code == 0) {
    code = mbedtls_ssl_ticket_setup(&sessions->tickets, mbedtls_ctr_drbg_random,
                                    &sessions->random.generator, MBEDTLS_CIPHER_AES_256_GCM,
                                    TICKET_LIFETIME_S);
  }
#endif
  if (code == 0) return sessions;
  char words[TLS_WORDS_MAX];
  fail(LIMPET_E_TLS, "TLS: keys of tickets: %s", tls_words(code, words));
  tls_sessions_drop(sessions);
  return NULL;
}

struct tls_sessions *tls_sessions_keep(struct tls_sessions *sessions) {
  atomic_fetch_add(&sessions->references, 1);
  return sessions;
}

void tls_sessions_drop(struct tls_sessions *sessions) {
  if (!sessions || atomic_fetch_sub(&sessions->references, 1) > 1) return;
#if defined(MBEDTLS_SSL_TICKET_C)
  mbedtls_ssl_ticket_free(&sessions->tickets);
#endif
#if defined(MBEDTLS_SSL_CACHE_C)
  mbedtls_ssl_cache_free(&sessions->cache);
#endif
  tls_random_close(&sessions->random);
  pthread_mutex_destroy(&sessions->lock);
  free(sessions);
}

/* mbedTLS's functions, one thread at a time. */

#if defined(MBEDTLS_SSL_TICKET_C)
static int ticket_write(void *user, const mbedtls_ssl_session *session, unsigned char *start,
                        const unsigned char *end, size_t *length, uint32_t *lifetime) {
  struct tls_sessions *sessions = user;
  pthread_mutex_lock(&sessions->lock);
  const int code =
      mbedtls_ssl_ticket_write(&sessions->tickets, session, start, end, length, lifetime);
  pthread_mutex_unlock(&sessions->lock);
  return code;
}

static int ticket_parse(void *user, mbedtls_ssl_session *session, unsigned char *bytes,
                        size_t length) {
  struct tls_sessions *sessions = user;
  pthread_mutex_lock(&sessions->lock);
  const int code = mbedtls_ssl_ticket_parse(&sessions->tickets, session, bytes, length);
  pthread_mutex_unlock(&sessions->lock);
  return code;
}
#endif

#if defined(MBEDTLS_SSL_CACHE_C) && MBEDTLS_VERSION_NUMBER >= 0x03000000
static int cache_get(void *user, unsigned char const *id, size_t id_length,
                     mbedtls_ssl_session *session) {
  struct tls_sessions *sessions = user;
  pthread_mutex_lock(&sessions->lock);
  const int code = mbedtls_ssl_cache_get(&sessions->cache, id, id_length, session);
  pthread_mutex_unlock(&sessions->lock);
  return code;
}

static int cache_set(void *user, unsigned char const *id, size_t id_length,
                     const mbedtls_ssl_session *session) {
  struct tls_sessions *sessions = user;
  pthread_mutex_lock(&sessions->lock);
  const int code = mbedtls_ssl_cache_set(&sessions->cache, id, id_length, session);
  pthread_mutex_unlock(&sessions->lock);
  return code;
}
#elif defined(MBEDTLS_SSL_CACHE_C)
static int cache_get(void *user, mbedtls_ssl_session *session) {
  struct tls_sessions *sessions = user;
  pthread_mutex_lock(&sessions->lock);
  const int code = mbedtls_ssl_cache_get(&sessions->cache, session);
  pthread_mutex_unlock(&sessions->lock);
  return code;
}

static int cache_set(void *user, const mbedtls_ssl_session *session) {
  struct tls_sessions *sessions = user;
  pthread_mutex_lock(&sessions->lock);
  const int code = mbedtls_ssl_cache_set(&sessions->cache, session);
  pthread_mutex_unlock(&sessions->lock);
  return code;
}
#endif

void tls_sessions_use(struct tls_sessions *sessions, mbedtls_ssl_config *config) {
#if defined(MBEDTLS_SSL_TICKET_C) && defined(MBEDTLS_SSL_SESSION_TICKETS)
  mbedtls_ssl_conf_session_tickets_cb(config, ticket_write, ticket_parse, sessions);
#endif
#if defined(MBEDTLS_SSL_CACHE_C)
  mbedtls_ssl_conf_session_cache(config, sessions, cache_get, cache_set);
#endif
}
