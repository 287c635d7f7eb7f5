/* The name that a client asks for -> the certificate it gets; a name that a client wants to reach -> whether the
 * certificate that it is shown is for an address. RFC 6066 3, RFC 9525. */

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "tls-context.h"

/* How well a name of the settings fits one that is asked for: not at all, as "*.example.com", as it is. */
enum fit { FIT_NONE, FIT_PATTERN, FIT_EXACT };

static enum fit name_fits(const char *own, const char *asked, size_t length) {
  const size_t own_length = strlen(own);
  if (own_length == length && strncasecmp(own, asked, length) == 0) return FIT_EXACT;
  if (strncmp(own, "*.", 2) != 0) return FIT_NONE;
  // RFC 9525 6.3: "*" is one label, and the whole of it.
  const char *dot = memchr(asked, '.', length);
  if (!dot || dot == asked) return FIT_NONE;
  const size_t rest = length - (size_t)(dot - asked);
  return rest == own_length - 1 && strncasecmp(own + 1, dot, rest) == 0 ? FIT_PATTERN : FIT_NONE;
}

struct tls_identity *tls_identity_for(struct tls_context *context, const char *name,
                                      size_t length) {
  struct tls_identity *found = NULL;
  enum fit best = FIT_NONE;
  for (size_t i = 0; i < context->identity_count; i++) {
    struct tls_identity *identity = &context->identities[i];
    if (!identity->name) {
      if (!found) found = identity;
      continue;
    }
    const enum fit fit = name_fits(identity->name, name, length);
    if (fit <= best) continue;
    best = fit;
    found = identity;
  }
  return found;
}

size_t tls_address(const char *name, unsigned char address[16]) {
  if (inet_pton(AF_INET, name, address) == 1) return 4;
  if (inet_pton(AF_INET6, name, address) == 1) return 16;
  return 0;
}

bool tls_certifies_address(const mbedtls_x509_crt *certificate, const unsigned char *address,
                           size_t length) {
  const mbedtls_x509_sequence *name = &certificate->subject_alt_names;
  for (; name; name = name->next) {
    // GeneralName: iPAddress is [7].
    if ((name->buf.tag & MBEDTLS_ASN1_TAG_VALUE_MASK) != MBEDTLS_X509_SAN_IP_ADDRESS) continue;
    if (name->buf.len == length && memcmp(name->buf.p, address, length) == 0) return true;
  }
  return false;
}
