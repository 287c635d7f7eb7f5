/* "wss://host:port/path?query" ─► where a client connects, and what it asks for there. RFC 6455 3.
 *
 *   ws   "://"  host             [":" port]  [path]  ["?" query]
 *   wss         "[" IPv6 "]"
 *
 * What is no part of that is refused: user names, fragments, escapes in the host. */

#include "url.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "settings.h"

#define PORT_WS 80
#define PORT_WSS 443

static int url_refuse(const char *text, const char *why) {
  return fail(LIMPET_ERROR_CODE_ARGUMENT, "%.200s: %s", text, why);
}

/* Bytes of a name that stand for themselves: unreserved and sub-delims of RFC 3986 2.2 and 2.3. */
static bool host_byte(char byte) {
  const bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
  return letter || (byte >= '0' && byte <= '9') || (byte && strchr("-._~!$&'()*+,;=", byte));
}

/* The port behind a colon, up to `end`; 0 when it is none. An empty one is the scheme's. RFC 3986 3.2.3. */
static uint16_t port_of(const char *at, const char *end, uint16_t usual) {
  if (at == end) return usual;
  uint32_t port = 0;
  for (; at < end; at++) {
    if (*at < '0' || *at > '9') return 0;
    port = port * 10 + (uint32_t)(*at - '0');
    if (port > UINT16_MAX) return 0;
  }
  return (uint16_t)port;
}

/* The host at `at`: where it ends, or NULL when it is none. */
static const char *host_end(const char *at, const char *end, struct url *url) {
  const bool bracketed = at < end && *at == '[';
  const char *from = bracketed ? at + 1 : at, *to = from;
  if (bracketed) {
    while (to < end && *to != ']') to++;
    if (to == end) return NULL;
  } else {
    while (to < end && host_byte(*to)) to++;
  }
  const size_t length = (size_t)(to - from);
  if (length == 0 || length >= sizeof url->host) return NULL;
  memcpy(url->host, from, length);
  url->host[length] = 0;
  struct in6_addr address;
  if (!bracketed) return to;
  return inet_pton(AF_INET6, url->host, &address) == 1 ? to + 1 : NULL;
}

int url_parse(const char *text, struct url *url) {
  memset(url, 0, sizeof *url);
  const char *at;
  if (strncasecmp(text, "ws://", 5) == 0) {
    at = text + 5;
  } else if (strncasecmp(text, "wss://", 6) == 0) {
    at = text + 6;
    url->secure = true;
  } else {
    return url_refuse(text, "a URL begins with ws:// or wss://");
  }
  // RFC 6455 3: "Fragment identifiers are meaningless in the context of WebSocket URIs and MUST NOT be
  // used on these URIs."
  if (strchr(at, '#')) return url_refuse(text, "a fragment has no meaning here");
  const char *end = at + strcspn(at, "/?");
  if (memchr(at, '@', (size_t)(end - at))) return url_refuse(text, "a user name has no place here");
  const char *colon = host_end(at, end, url);
  if (!colon) return url_refuse(text, "that is no host");
  if (colon < end && *colon != ':') return url_refuse(text, "that is no host");
  const uint16_t usual = url->secure ? PORT_WSS : PORT_WS;
  url->port = colon < end ? port_of(colon + 1, end, usual) : usual;
  if (url->port == 0) return url_refuse(text, "a port is 1 to 65535");

  url->authority = at;
  url->authority_length = (size_t)((url->port == usual ? colon : end) - at);
  url->target = end;
  url->target_length = strlen(end);
  for (const char *byte = end; *byte; byte++) {
    if (*byte < 0x21 || *byte > 0x7e) return url_refuse(text, "the path is to be visible ASCII");
  }
  return 0;
}
