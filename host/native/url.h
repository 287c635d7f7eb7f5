/* A WebSocket URL, taken apart. RFC 6455 3. */

#ifndef LIMPET_URL_H
#define LIMPET_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A name of the DNS has at most 253 bytes. RFC 1035 2.3.4. */
#define URL_HOST_MAX 254

struct url {
  /* wss: TLS is spoken. */
  bool secure;
  uint16_t port;
  /* Name or address, without the brackets of RFC 3986 3.2.2. */
  char host[URL_HOST_MAX];
  /* The Host field's value, within the URL: the port is left out where it is the scheme's. */
  const char *authority;
  size_t authority_length;
  /* Path and query, within the URL; a path that is not there has no "/" either. */
  const char *target;
  size_t target_length;
};

/* Takes a URL apart: 0, or LIMPET_ERROR_CODE_ARGUMENT with words. `url` points into `text`. */
int url_parse(const char *text, struct url *url);

#endif
