/* Names of cipher suites -> mbedTLS's numbers.
 *
 *   "ECDHE-RSA-AES128-GCM-SHA256"              OpenSSL's: the table below
 *   "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"    IANA's: mbedTLS's with other marks between
 *   "TLS-ECDHE-RSA-WITH-AES-128-GCM-SHA256"    mbedTLS's */

#include <stdlib.h>
#include <string.h>

#include <mbedtls/ssl_ciphersuites.h>
#include <mbedtls/version.h>

#include "tls-context.h"

/* The longest name is shorter: "TLS-ECDHE-ECDSA-WITH-CHACHA20-POLY1305-SHA256" has 45 bytes. */
#define NAME_MAX_BYTES 64

/* Suites with forward secrecy and authenticated encryption: all of TLS 1.3, and what RFC 9325 4.2 recommends of
 * TLS 1.2. */
static const char *const recommended[] = {
    "TLS1-3-AES-128-GCM-SHA256",
    "TLS1-3-AES-256-GCM-SHA384",
    "TLS1-3-CHACHA20-POLY1305-SHA256",
    "TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256",
    "TLS-ECDHE-RSA-WITH-AES-128-GCM-SHA256",
    "TLS-ECDHE-ECDSA-WITH-AES-256-GCM-SHA384",
    "TLS-ECDHE-RSA-WITH-AES-256-GCM-SHA384",
    "TLS-ECDHE-ECDSA-WITH-CHACHA20-POLY1305-SHA256",
    "TLS-ECDHE-RSA-WITH-CHACHA20-POLY1305-SHA256",
};
#define RECOMMENDED (sizeof recommended / sizeof *recommended)

/* Names that OpenSSL has and mbedTLS has not; for TLS 1.3 they are IANA's. */
static const struct {
  const char *openssl, *mbedtls;
} others[] = {
    {"TLS-AES-128-GCM-SHA256", "TLS1-3-AES-128-GCM-SHA256"},
    {"TLS-AES-256-GCM-SHA384", "TLS1-3-AES-256-GCM-SHA384"},
    {"TLS-CHACHA20-POLY1305-SHA256", "TLS1-3-CHACHA20-POLY1305-SHA256"},
    {"TLS-AES-128-CCM-SHA256", "TLS1-3-AES-128-CCM-SHA256"},
    {"TLS-AES-128-CCM-8-SHA256", "TLS1-3-AES-128-CCM-8-SHA256"},
    {"ECDHE-ECDSA-AES128-GCM-SHA256", "TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256"},
    {"ECDHE-ECDSA-AES256-GCM-SHA384", "TLS-ECDHE-ECDSA-WITH-AES-256-GCM-SHA384"},
    {"ECDHE-ECDSA-CHACHA20-POLY1305", "TLS-ECDHE-ECDSA-WITH-CHACHA20-POLY1305-SHA256"},
    {"ECDHE-ECDSA-AES128-CCM", "TLS-ECDHE-ECDSA-WITH-AES-128-CCM"},
    {"ECDHE-ECDSA-AES256-CCM", "TLS-ECDHE-ECDSA-WITH-AES-256-CCM"},
    {"ECDHE-ECDSA-AES128-CCM8", "TLS-ECDHE-ECDSA-WITH-AES-128-CCM-8"},
    {"ECDHE-ECDSA-AES256-CCM8", "TLS-ECDHE-ECDSA-WITH-AES-256-CCM-8"},
    {"ECDHE-ECDSA-AES128-SHA256", "TLS-ECDHE-ECDSA-WITH-AES-128-CBC-SHA256"},
    {"ECDHE-ECDSA-AES256-SHA384", "TLS-ECDHE-ECDSA-WITH-AES-256-CBC-SHA384"},
    {"ECDHE-ECDSA-AES128-SHA", "TLS-ECDHE-ECDSA-WITH-AES-128-CBC-SHA"},
    {"ECDHE-ECDSA-AES256-SHA", "TLS-ECDHE-ECDSA-WITH-AES-256-CBC-SHA"},
    {"ECDHE-RSA-AES128-GCM-SHA256", "TLS-ECDHE-RSA-WITH-AES-128-GCM-SHA256"},
    {"ECDHE-RSA-AES256-GCM-SHA384", "TLS-ECDHE-RSA-WITH-AES-256-GCM-SHA384"},
    {"ECDHE-RSA-CHACHA20-POLY1305", "TLS-ECDHE-RSA-WITH-CHACHA20-POLY1305-SHA256"},
    {"ECDHE-RSA-AES128-SHA256", "TLS-ECDHE-RSA-WITH-AES-128-CBC-SHA256"},
    {"ECDHE-RSA-AES256-SHA384", "TLS-ECDHE-RSA-WITH-AES-256-CBC-SHA384"},
    {"ECDHE-RSA-AES128-SHA", "TLS-ECDHE-RSA-WITH-AES-128-CBC-SHA"},
    {"ECDHE-RSA-AES256-SHA", "TLS-ECDHE-RSA-WITH-AES-256-CBC-SHA"},
    {"DHE-RSA-AES128-GCM-SHA256", "TLS-DHE-RSA-WITH-AES-128-GCM-SHA256"},
    {"DHE-RSA-AES256-GCM-SHA384", "TLS-DHE-RSA-WITH-AES-256-GCM-SHA384"},
    {"DHE-RSA-CHACHA20-POLY1305", "TLS-DHE-RSA-WITH-CHACHA20-POLY1305-SHA256"},
    {"AES128-GCM-SHA256", "TLS-RSA-WITH-AES-128-GCM-SHA256"},
    {"AES256-GCM-SHA384", "TLS-RSA-WITH-AES-256-GCM-SHA384"},
    {"AES128-SHA256", "TLS-RSA-WITH-AES-128-CBC-SHA256"},
    {"AES256-SHA256", "TLS-RSA-WITH-AES-256-CBC-SHA256"},
    {"AES128-SHA", "TLS-RSA-WITH-AES-128-CBC-SHA"},
    {"AES256-SHA", "TLS-RSA-WITH-AES-256-CBC-SHA"},
};

/* The number of one suite; 0 when mbedTLS has it not. */
static int suite_number(const char *name, size_t length) {
  char marked[NAME_MAX_BYTES];
  if (length >= sizeof marked) return 0;
  for (size_t i = 0; i < length; i++) marked[i] = name[i] == '_' ? '-' : name[i];
  marked[length] = 0;
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    if (strcmp(marked, others[i].openssl) == 0)
      return mbedtls_ssl_get_ciphersuite_id(others[i].mbedtls);
  }
  return mbedtls_ssl_get_ciphersuite_id(marked);
}

static void suites_recommended(int *suites) {
  for (size_t i = 0; i < RECOMMENDED; i++) {
    const int number = mbedtls_ssl_get_ciphersuite_id(recommended[i]);
    if (number) *suites++ = number;
  }
  *suites = 0;
}

int *tls_suites(const char *names) {
  size_t most = names ? 1 : RECOMMENDED;
  for (const char *at = names; at && *at; at++) most += *at == ':';
  int *suites = calloc(most + 1, sizeof *suites);
  if (!suites) return fail(LIMPET_ERROR_CODE_MEMORY, "TLS: no memory for cipher suites"), NULL;
  if (!names) return suites_recommended(suites), suites;
  for (size_t count = 0;; count++) {
    const size_t length = strcspn(names, ":");
    suites[count] = suite_number(names, length);
    if (!suites[count]) {
      fail(LIMPET_ERROR_CODE_ARGUMENT, "mbedTLS %s has no cipher suite \"%.*s\"",
           MBEDTLS_VERSION_STRING, (int)length, names);
      free(suites);
      return NULL;
    }
    if (!names[length]) return suites;
    names += length + 1;
  }
}

int tls_check_suites(const char *names) {
  int *suites = tls_suites(names);
  free(suites);
  return suites ? 0 : LIMPET_ERROR_CODE_ARGUMENT;
}
