/* Plain HTTP requests → counters and pages. RFC 9110 9.3, 15. */

#include "web.h"

#include <stdlib.h>
#include <string.h>

#define METRICS_HEADERS                                       \
  "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n" \
  "Cache-Control: no-store\r\n"

/* Bytes that the counters may grow by between two readings of them. */
#define METRICS_SLACK 256

bool web_reads(limpet_session session, const char *method) {
  if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0) return true;
  limpet_session_respond(session, 405, "Allow: GET, HEAD\r\n", NULL, 0);
  return false;
}

void web_absent(limpet_session session) {
  limpet_session_respond(session, 404, "Content-Type: text/plain\r\n", "not found\n", 10);
}

/* The counters as a scraper gets them. */
static void web_metrics(limpet_server *server, limpet_session session) {
  int length = limpet_server_metrics(server, NULL, 0);
  size_t size = length < 0 ? 0 : (size_t)length + METRICS_SLACK;
  char *text = size ? malloc(size) : NULL;
  if (text) length = limpet_server_metrics(server, text, size);
  if (!text || length < 0 || (size_t)length >= size) {
    limpet_session_respond(session, 503, NULL, NULL, 0);
  } else {
    limpet_session_respond(session, 200, METRICS_HEADERS, text, (size_t)length);
  }
  free(text);
}

static void web_request(limpet_server *server, limpet_session session, const char *method,
                        const char *path, void *user) {
  const struct arguments *arguments = user;
  if (arguments->metrics && strcmp(path, "/metrics") == 0) {
    if (web_reads(session, method)) web_metrics(server, session);
    return;
  }
  limpet_session_respond(session, 0, NULL, NULL, 0);
}

void web_serve(limpet_server *server, const struct arguments *arguments) {
  limpet_server_set_on_request(server, web_request, (void *)(uintptr_t)arguments);
}
