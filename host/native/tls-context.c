/* Settings -> what the connections of one loop are made with. */

#include <stdlib.h>
#include <string.h>

#include "tls-context.h"

/* RFC 7301 6: what browsers offer for WebSocket connections; who offers other protocols only is refused. */
static const char *protocols[] = {"http/1.1", NULL};

/* Groups for the exchange of keys, the one first that costs least: mbedTLS itself begins with P-521, which OpenSSL's
 * clients offer, too. RFC 9325 4.4 asks for P-256 and X25519. */
#if MBEDTLS_VERSION_NUMBER >= 0x03010000
#define GROUP(iana, own) MBEDTLS_SSL_IANA_TLS_GROUP_##iana
static const uint16_t groups[] = {
#else
#define GROUP(iana, own) MBEDTLS_ECP_DP_##own
static const mbedtls_ecp_group_id groups[] = {
#endif
#if defined(MBEDTLS_ECP_DP_SECP256R1_ENABLED)
    GROUP(SECP256R1, SECP256R1),
#endif
#if defined(MBEDTLS_ECP_DP_CURVE25519_ENABLED)
    GROUP(X25519, CURVE25519),
#endif
#if defined(MBEDTLS_ECP_DP_SECP384R1_ENABLED)
    GROUP(SECP384R1, SECP384R1),
#endif
#if defined(MBEDTLS_ECP_DP_SECP521R1_ENABLED)
    GROUP(SECP521R1, SECP521R1),
#endif
    GROUP(NONE, NONE),
};

int tls_random_open(struct tls_random *random) {
  mbedtls_entropy_init(&random->entropy);
  mbedtls_ctr_drbg_init(&random->generator);
  return mbedtls_ctr_drbg_seed(&random->generator, mbedtls_entropy_func, &random->entropy, NULL, 0);
}

void tls_random_close(struct tls_random *random) {
  mbedtls_ctr_drbg_free(&random->generator);
  mbedtls_entropy_free(&random->entropy);
}

/* fail, with mbedTLS's words. */
static int context_fail(const char *what, int code) {
  char words[TLS_WORDS_MAX];
  return fail(LIMPET_E_TLS, "%s: %s", what, tls_words(code, words));
}

/* TLS 1.2 and up, as far as there is a suite for it. RFC 8996: "TLS 1.0 and TLS 1.1 MUST NOT be used". */
static int context_versions(struct tls_context *context, const limpet_config *settings) {
#if defined(MBEDTLS_SSL_PROTO_TLS1_3)
  // Both ends would settle on a version that they have no suite for. RFC 8446 B.4: those of TLS 1.3 are 0x13...
  bool has_old = false, has_new = false;
  for (const int *suite = context->suites; *suite; suite++)
    *(*suite >> 8 == 0x13 ? &has_new : &has_old) = true;
#if !defined(MBEDTLS_THREADING_C)
  // TLS 1.3 keeps its keys in mbedTLS's PSA, of which there is one for all threads.
  if (settings->threads > 1) has_new = false;
  if (!has_new && !has_old) {
    return fail(LIMPET_E_UNSUPPORTED,
                "TLS 1.3 for several threads: mbedTLS lacks MBEDTLS_THREADING_C");
  }
#endif
  mbedtls_ssl_conf_min_tls_version(
      &context->config, has_old ? MBEDTLS_SSL_VERSION_TLS1_2 : MBEDTLS_SSL_VERSION_TLS1_3);
  mbedtls_ssl_conf_max_tls_version(
      &context->config, has_new ? MBEDTLS_SSL_VERSION_TLS1_3 : MBEDTLS_SSL_VERSION_TLS1_2);
#elif MBEDTLS_VERSION_NUMBER >= 0x03020000
  mbedtls_ssl_conf_min_tls_version(&context->config, MBEDTLS_SSL_VERSION_TLS1_2);
#else
  mbedtls_ssl_conf_min_version(&context->config, MBEDTLS_SSL_MAJOR_VERSION_3,
                               MBEDTLS_SSL_MINOR_VERSION_3);
#endif
  (void)settings;
  return 0;
}

/* What servers and clients have in common. */
static int context_configure(struct tls_context *context, const limpet_config *settings, int role) {
  mbedtls_ssl_config *config = &context->config;
  int code = tls_random_open(&context->random);
  if (code != 0) return context_fail("random bytes", code);
  code = mbedtls_ssl_config_defaults(config, role, MBEDTLS_SSL_TRANSPORT_STREAM,
                                     MBEDTLS_SSL_PRESET_DEFAULT);
  if (code != 0) return context_fail("configuration", code);
  context->suites = tls_suites(settings->tls_ciphers);
  if (!context->suites) return LIMPET_E_TLS;
  mbedtls_ssl_conf_rng(config, mbedtls_ctr_drbg_random, &context->random.generator);
  mbedtls_ssl_conf_ciphersuites(config, context->suites);
  if (context_versions(context, settings) != 0) return LIMPET_E_UNSUPPORTED;
#if MBEDTLS_VERSION_NUMBER >= 0x03010000
  mbedtls_ssl_conf_groups(config, groups);
#else
  mbedtls_ssl_conf_curves(config, groups);
#endif
#if defined(MBEDTLS_SSL_RENEGOTIATION)
  // TLS 1.2 lets a client ask for one expensive handshake after the other.
  mbedtls_ssl_conf_renegotiation(config, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
#endif
#if defined(MBEDTLS_SSL_ALPN)
  code = mbedtls_ssl_conf_alpn_protocols(config, protocols);
  if (code != 0) return context_fail("ALPN", code);
#endif
  context->received = malloc(TLS_RECEIVE_BYTES);
  context->gathered = malloc(TLS_RECORD_MAX);
  if (context->received && context->gathered) return 0;
  return fail(LIMPET_ERROR_CODE_MEMORY, "TLS: no memory for records");
}

static int sni(void *user, mbedtls_ssl_context *ssl, const unsigned char *name, size_t length) {
  struct tls_context *context = user;
  struct tls_identity *identity = tls_identity_for(context, (const char *)name, length);
  tls_asked(context->shaking, (const char *)name, length);
  // mbedTLS answers with the alert unrecognized_name.
  if (!identity) return MBEDTLS_ERR_SSL_BAD_INPUT_DATA;
  return mbedtls_ssl_set_hs_own_cert(ssl, &identity->certificate, &identity->key);
}

static int identity_read(struct tls_context *context, const struct settings_certificate *files) {
  struct tls_identity *identity = &context->identities[context->identity_count++];
  mbedtls_x509_crt_init(&identity->certificate);
  mbedtls_pk_init(&identity->key);
  if (files->name && !(identity->name = strdup(files->name)))
    return fail(LIMPET_ERROR_CODE_MEMORY, "TLS: no memory");
  int result = tls_read_certificates(files->cert_file, &identity->certificate, false);
  if (result == 0) result = tls_read_key(files->key_file, &identity->key, &context->random);
  if (result == 0) result = tls_check_pair(files, identity, &context->random);
  if (result != 0 || files->name) return result;
  const int code =
      mbedtls_ssl_conf_own_cert(&context->config, &identity->certificate, &identity->key);
  return code == 0 ? 0 : context_fail(files->cert_file, code);
}

static int context_serve(struct tls_context *context, const limpet_config *settings) {
  context->identities = calloc(settings->certificate_count, sizeof *context->identities);
  if (!context->identities)
    return fail(LIMPET_ERROR_CODE_MEMORY, "TLS: no memory for certificates");
  for (size_t i = 0; i < settings->certificate_count; i++) {
    const int result = identity_read(context, &settings->certificates[i]);
    if (result != 0) return result;
  }
  mbedtls_ssl_conf_sni(&context->config, sni, context);
  tls_sessions_use(context->sessions, &context->config);
  if (!settings->tls_client_ca) {
    mbedtls_ssl_conf_authmode(&context->config, MBEDTLS_SSL_VERIFY_NONE);
    return 0;
  }
  const int result = tls_read_certificates(settings->tls_client_ca, &context->authorities, false);
  mbedtls_ssl_conf_ca_chain(&context->config, &context->authorities, NULL);
  mbedtls_ssl_conf_authmode(&context->config, settings->tls_client_required
                                                  ? MBEDTLS_SSL_VERIFY_REQUIRED
                                                  : MBEDTLS_SSL_VERIFY_OPTIONAL);
  return result;
}

static int context_call(struct tls_context *context, const limpet_config *settings) {
  if (settings->tls_peer_unchecked) {
    mbedtls_ssl_conf_authmode(&context->config, MBEDTLS_SSL_VERIFY_NONE);
    return 0;
  }
  const char *file = settings->tls_peer_ca ? settings->tls_peer_ca : tls_system_authorities();
  if (!file) {
    return fail(
        LIMPET_E_TLS,
        "no certificates of authorities on this system: name some by limpet_config_set_tls_peer");
  }
  mbedtls_ssl_conf_authmode(&context->config, MBEDTLS_SSL_VERIFY_REQUIRED);
  mbedtls_ssl_conf_ca_chain(&context->config, &context->authorities, NULL);
  // The system's may have some for which mbedTLS has no algorithm.
  return tls_read_certificates(file, &context->authorities, !settings->tls_peer_ca);
}

static struct tls_context *context_new(void) {
  struct tls_context *context = calloc(1, sizeof *context);
  if (!context) return fail(LIMPET_ERROR_CODE_MEMORY, "TLS: no memory"), NULL;
  atomic_init(&context->references, 1);
  mbedtls_ssl_config_init(&context->config);
  mbedtls_x509_crt_init(&context->authorities);
  return context;
}

struct tls_context *tls_context_serving(const limpet_config *settings,
                                        struct tls_sessions *sessions) {
  struct tls_context *context = context_new();
  if (!context) return NULL;
  context->sessions = tls_sessions_keep(sessions);
  int result = context_configure(context, settings, MBEDTLS_SSL_IS_SERVER);
  if (result == 0) result = context_serve(context, settings);
  if (result == 0) return context;
  tls_context_drop(context);
  return NULL;
}

struct tls_context *tls_context_calling(const limpet_config *settings) {
  struct tls_context *context = context_new();
  if (!context) return NULL;
  int result = context_configure(context, settings, MBEDTLS_SSL_IS_CLIENT);
  if (result == 0) result = context_call(context, settings);
  if (result == 0) return context;
  tls_context_drop(context);
  return NULL;
}

struct tls_context *tls_context_keep(struct tls_context *context) {
  atomic_fetch_add(&context->references, 1);
  return context;
}

void tls_context_drop(struct tls_context *context) {
  if (!context || atomic_fetch_sub(&context->references, 1) > 1) return;
  mbedtls_ssl_config_free(&context->config);
  for (size_t i = 0; i < context->identity_count; i++) {
    free(context->identities[i].name);
    mbedtls_x509_crt_free(&context->identities[i].certificate);
    mbedtls_pk_free(&context->identities[i].key);
  }
  free(context->identities);
  mbedtls_x509_crt_free(&context->authorities);
  tls_sessions_drop(context->sessions);
  tls_random_close(&context->random);
  free(context->suites);
  free(context->received);
  free(context->gathered);
  free(context);
}
