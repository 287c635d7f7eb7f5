/* PEM or DER files -> certificates and keys. Who cannot be read is named, with mbedTLS's words and what to do. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mbedtls/error.h>
#include <mbedtls/platform_util.h>

#include "tls-context.h"

/* Larger files are no certificates: the largest collection of authorities has some 250 KiB. */
#define FILE_MAX_BYTES (8 << 20)

/* A file with a zero byte behind it. */
struct file {
  unsigned char *bytes;
  size_t length;
};

static int file_fail(const char *name, const char *what) {
  return fail(LIMPET_E_TLS, "%s: %s", name, what);
}

static void file_close(struct file *file) {
  if (!file->bytes) return;
  mbedtls_platform_zeroize(file->bytes, file->length);
  free(file->bytes);
}

static int file_fill(const char *name, FILE *stream, struct file *file) {
  size_t size = 0;
  for (;;) {
    if (size - file->length < 2) {
      size = size ? 4 * size : 16384;
      unsigned char *bytes = size > FILE_MAX_BYTES ? NULL : malloc(size);
      if (!bytes) return file_fail(name, "it is too large");
      if (file->bytes) memcpy(bytes, file->bytes, file->length);
      file_close(file);
      file->bytes = bytes;
    }
    const size_t got = fread(file->bytes + file->length, 1, size - file->length - 1, stream);
    file->length += got;
    if (got == 0) break;
  }
  file->bytes[file->length] = 0;
  return ferror(stream) ? file_fail(name, strerror(errno)) : 0;
}

static int file_open(const char *name, struct file *file) {
  *file = (struct file){0};
  FILE *stream = fopen(name, "rbe");
  if (!stream) return file_fail(name, strerror(errno));
  // The bytes of a key are not left in the memory of stdio.
  setvbuf(stream, NULL, _IONBF, 0);
  int result = file_fill(name, stream, file);
  fclose(stream);
  if (result == 0 && file->length == 0) result = file_fail(name, "it is empty");
  if (result != 0) file_close(file);
  return result;
}

/* mbedTLS wants the zero byte counted for PEM, and not for DER. */
static size_t file_counted(const struct file *file) {
  return strstr((const char *)file->bytes, "-----BEGIN ") ? file->length + 1 : file->length;
}

const char *tls_words(int code, char words[TLS_WORDS_MAX]) {
#if defined(MBEDTLS_ERROR_C)
  mbedtls_strerror(code, words, TLS_WORDS_MAX);
  const size_t length = strlen(words);
#else
  const size_t length = 0;
#endif
  snprintf(words + length, TLS_WORDS_MAX - length, "%s(-0x%04x)", length ? " " : "",
           (unsigned)-code);
  return words;
}

int tls_read_certificates(const char *name, mbedtls_x509_crt *certificates, bool tolerant) {
  struct file file;
  char words[TLS_WORDS_MAX];
  int result = file_open(name, &file);
  if (result != 0) return result;
  const int code = mbedtls_x509_crt_parse(certificates, file.bytes, file_counted(&file));
  if (code < 0) {
    result = fail(LIMPET_E_TLS, "%s: %s: give a file with certificates as PEM, the own one first",
                  name, tls_words(code, words));
  } else if (code > 0 && !tolerant) {
    result = fail(LIMPET_E_TLS, "%s: %d of its certificates cannot be read", name, code);
  }
  file_close(&file);
  return result;
}

int tls_read_key(const char *name, mbedtls_pk_context *key, struct tls_random *random) {
  struct file file;
  char words[TLS_WORDS_MAX];
  int result = file_open(name, &file);
  if (result != 0) return result;
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
  const int code = mbedtls_pk_parse_key(key, file.bytes, file_counted(&file), NULL, 0,
                                        mbedtls_ctr_drbg_random, &random->generator);
#else
  (void)random;
  const int code = mbedtls_pk_parse_key(key, file.bytes, file_counted(&file), NULL, 0);
#endif
  file_close(&file);
  if (code == 0) return 0;
  return fail(LIMPET_E_TLS, "%s: %s: give a file with a private key, RSA or EC, not encrypted",
              name, tls_words(code, words));
}

int tls_check_pair(const struct settings_certificate *files, struct tls_identity *identity,
                   struct tls_random *random) {
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
  const int code = mbedtls_pk_check_pair(&identity->certificate.pk, &identity->key,
                                         mbedtls_ctr_drbg_random, &random->generator);
#else
  (void)random;
  const int code = mbedtls_pk_check_pair(&identity->certificate.pk, &identity->key);
#endif
  char words[TLS_WORDS_MAX];
  if (code == 0) return 0;
  return fail(LIMPET_E_TLS, "%s is not the key of %s: %s", files->key_file, files->cert_file,
              tls_words(code, words));
}

const char *tls_system_authorities(void) {
  // OpenSSL's variable; then Debian and Alpine, Fedora, OpenSUSE, BSD and macOS.
  static const char *const places[] = {
      "/etc/ssl/certs/ca-certificates.crt",
      "/etc/pki/tls/certs/ca-bundle.crt",
      "/etc/ssl/ca-bundle.pem",
      "/etc/ssl/cert.pem",
  };
  const char *own = getenv("SSL_CERT_FILE");
  if (own && *own) return own;
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    if (access(places[i], R_OK) == 0) return places[i];
  }
  return NULL;
}
