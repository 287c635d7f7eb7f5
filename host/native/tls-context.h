/* What the connections of one loop are made with: files, suites, tickets -> an mbedtls_ssl_config.
 *
 *   struct tls, one per server ─┬─ tls_context of loop 0 ◄─┬─ connections, until they end
 *                               ├─ tls_context of loop 1   │
 *                               └─ tls_sessions ◄──────────┴─ all contexts: a ticket is good on every loop
 *
 * Loops share nothing but tls_sessions, which has a lock of its own: mbedTLS may have been built without
 * MBEDTLS_THREADING_C, and its keys remember things when they sign. A context that was replaced by another
 * stays until its last connection has gone. */

#ifndef LIMPET_TLS_CONTEXT_H
#define LIMPET_TLS_CONTEXT_H

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>
#include <pthread.h>
#include <stdatomic.h>

#include "tls.h"

/* Plaintext of the longest record. RFC 8446 5.1. */
#define TLS_RECORD_MAX 16384
/* What one recv(2) takes: two of the longest records, with what is around them. */
#define TLS_RECEIVE_BYTES (2 * (TLS_RECORD_MAX + 512))
/* mbedtls_strerror: the words for a module and those for what went wrong in it. */
#define TLS_WORDS_MAX 256

struct tls_stream;

/* Random bytes: one thread at a time. */
struct tls_random {
  mbedtls_entropy_context entropy;
  mbedtls_ctr_drbg_context generator;
};
int tls_random_open(struct tls_random *random);
void tls_random_close(struct tls_random *random);

/* What lets clients resume: keys of tickets, and sessions of clients that take none. */
struct tls_sessions;
struct tls_sessions *tls_sessions_new(void);
struct tls_sessions *tls_sessions_keep(struct tls_sessions *sessions);
void tls_sessions_drop(struct tls_sessions *sessions);
void tls_sessions_use(struct tls_sessions *sessions, mbedtls_ssl_config *config);

/* A certificate, those between it and a root, and its key. */
struct tls_identity {
  /* As settings_certificate has it; NULL for all that have none of their own. */
  char *name;
  mbedtls_x509_crt certificate;
  mbedtls_pk_context key;
};

struct tls_context {
  atomic_uint references;
  mbedtls_ssl_config config;
  struct tls_random random;
  struct tls_identity *identities;
  size_t identity_count;
  /* Who signs the certificates of the other end. */
  mbedtls_x509_crt authorities;
  /* As mbedTLS numbers them, 0 at the end; it looks here as long as the context lives. */
  int *suites;
  struct tls_sessions *sessions;
  /* What came last, and spans that leave as one record: both only while one function of the transport runs. */
  unsigned char *received, *gathered;
  /* Whose handshake runs: the name that its client asks for is told to it. */
  struct tls_stream *shaking;
};

/* What servers, and what clients are made with; NULL after fail. */
struct tls_context *tls_context_serving(const limpet_config *settings,
                                        struct tls_sessions *sessions);
struct tls_context *tls_context_calling(const limpet_config *settings);
struct tls_context *tls_context_keep(struct tls_context *context);
/* The last one to drop it frees it. NULL is fine. */
void tls_context_drop(struct tls_context *context);

/* A loop's context, kept for the caller; NULL after fail, with the code in `code`. Any thread. */
struct tls_context *tls_take(const struct loop *loop, bool client, int *code);

/* tls-files.c: PEM files -> certificates and keys; 0, or the code of fail. */
int tls_read_certificates(const char *file, mbedtls_x509_crt *certificates, bool tolerant);
int tls_read_key(const char *file, mbedtls_pk_context *key, struct tls_random *random);
/* Whether a key is that of a certificate: 0, or the code of fail. */
int tls_check_pair(const struct settings_certificate *files, struct tls_identity *identity,
                   struct tls_random *random);
/* Where this system keeps the certificates of authorities, or NULL. */
const char *tls_system_authorities(void);

/* tls-suites.c: names with colons between -> numbers, with a 0 at the end, on the heap; NULL after fail. NULL
 * takes those of RFC 9325 4.2. */
int *tls_suites(const char *names);

/* transport/tls-handshake.c: the name that a client asks for, `length` bytes. */
void tls_asked(struct tls_stream *stream, const char *name, size_t length);

/* tls-names.c: the identity for a name of `length` bytes; NULL when none is. */
struct tls_identity *tls_identity_for(struct tls_context *context, const char *name, size_t length);
/* Whether `name` is an IPv4 or IPv6 address: its bytes to `address`, and how many (4, 16), or 0. */
size_t tls_address(const char *name, unsigned char address[16]);
/* Whether a certificate is for that address. RFC 5280 4.2.1.6, RFC 9525 6.5. */
bool tls_certifies_address(const mbedtls_x509_crt *certificate, const unsigned char *address,
                           size_t length);

/* mbedTLS's own words for its code, and its number. */
const char *tls_words(int code, char words[TLS_WORDS_MAX]);

#endif
