/* URLs as RFC 6455 3 has them: what a client connects to, what it asks for, and what is refused. */

#include "url.h"

#include "check.h"
#include "limpet.h"

static struct url parsed(const char *text) {
  struct url url;
  CHECK_EQUAL(url_parse(text, &url), 0);
  return url;
}

static void check_parts(const char *text, const char *host, int port, const char *authority,
                        const char *target) {
  const struct url url = parsed(text);
  char copy[512];
  CHECK_STRING(url.host, host);
  CHECK_EQUAL(url.port, port);
  snprintf(copy, sizeof copy, "%.*s", (int)url.authority_length, url.authority);
  CHECK_STRING(copy, authority);
  snprintf(copy, sizeof copy, "%.*s", (int)url.target_length, url.target);
  CHECK_STRING(copy, target);
}

static void check_refused(const char *text, const char *words) {
  struct url url;
  CHECK_EQUAL(url_parse(text, &url), LIMPET_ERROR_CODE_ARGUMENT);
  if (!strstr(limpet_last_error(), words)) {
    fprintf(stderr, "%s: \"%s\" has no \"%s\"\n", text, limpet_last_error(), words);
    exit(1);
  }
}

int main(void) {
  check_parts("ws://example.com/chat?room=1", "example.com", 80, "example.com", "/chat?room=1");
  check_parts("ws://example.com", "example.com", 80, "example.com", "");
  check_parts("ws://example.com?a=b", "example.com", 80, "example.com", "?a=b");
  check_parts("wss://example.com:8443/", "example.com", 8443, "example.com:8443", "/");
  check_parts("WSS://Example.com:443/", "Example.com", 443, "Example.com", "/");
  check_parts("ws://example.com:80/x", "example.com", 80, "example.com", "/x");
  check_parts("ws://example.com:443/x", "example.com", 443, "example.com:443", "/x");
  check_parts("ws://example.com:/x", "example.com", 80, "example.com", "/x");
  check_parts("ws://127.0.0.1:65535/", "127.0.0.1", 65535, "127.0.0.1:65535", "/");
  check_parts("ws://[::1]:9001/", "::1", 9001, "[::1]:9001", "/");
  check_parts("ws://[2001:db8::1]/", "2001:db8::1", 80, "[2001:db8::1]", "/");
  check_parts("ws://h/a@b:c?d=[e]/@", "h", 80, "h", "/a@b:c?d=[e]/@");
  CHECK(!parsed("ws://a").secure);
  CHECK(parsed("wss://a").secure);

  check_refused("", "ws://");
  check_refused("http://example.com/", "ws://");
  check_refused("example.com", "ws://");
  check_refused("ws:/example.com", "ws://");
  check_refused("ws://example.com/#top", "fragment");
  check_refused("ws://example.com#", "fragment");
  check_refused("ws://user@example.com/", "user");
  check_refused("ws://user:word@example.com/", "user");
  check_refused("ws://", "host");
  check_refused("ws:///path", "host");
  check_refused("ws://:80/", "host");
  check_refused("ws://ex ample/", "host");
  check_refused("ws://ex%41mple/", "host");
  check_refused(
      "ws://b\xc3\xbc"
      "cher.example/",
      "host");
  check_refused("ws://::1/", "host");
  check_refused("ws://[::1/", "host");
  check_refused("ws://[::1]x/", "host");
  check_refused("ws://[127.0.0.1]/", "host");
  check_refused("ws://[example.com]/", "host");
  check_refused("ws://[]/", "host");
  check_refused("ws://h:0/", "port");
  check_refused("ws://h:65536/", "port");
  check_refused("ws://h:99999999999999999999/", "port");
  check_refused("ws://h:8o/", "port");
  check_refused("ws://h:-1/", "port");
  check_refused("ws://h/a b", "path");
  check_refused("ws://h/\r\nX: y", "path");
  check_refused("ws://h/\xc3\xa9", "path");

  // A name of 253 bytes is the longest that there is; one of 254 is none.
  char text[300] = "ws://";
  memset(text + 5, 'a', 253);
  CHECK_EQUAL(strlen(parsed(text).host), 253);
  memset(text + 5, 'a', 254);
  check_refused(text, "host");
  return 0;
}
