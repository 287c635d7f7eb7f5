/* Plain HTTP requests → counters and pages. RFC 9110 9.3, 15. */

#include "web.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "demo.h"
#include "pages.h"

#define METRICS_HEADERS                                        \
  "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n" \
  "Cache-Control: no-store\r\n"

/* What a page may do: its own script and style, its own server, and nothing else. CSP 3. */
#define PAGE_HEADERS                                                                          \
  "Content-Type: text/html; charset=utf-8\r\n"                                                \
  "X-Content-Type-Options: nosniff\r\n"                                                       \
  "Referrer-Policy: no-referrer\r\n"                                                          \
  "Content-Security-Policy: default-src 'none'; connect-src 'self' ws: wss:; img-src data:; " \
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; %s\r\n"

/* Bytes that the counters may grow by between two readings of them. */
#define METRICS_SLACK 256

/* Whether it is GET or HEAD; else the request is answered with 405. */
static bool web_reads(limpet_session session, const char *method) {
  if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0) return true;
  limpet_session_respond(session, 405, "Allow: GET, HEAD\r\n", NULL, 0);
  return false;
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

static void web_page(limpet_session session, const unsigned char *html, size_t size,
                     const char *policy) {
  char headers[768];
  snprintf(headers, sizeof headers, PAGE_HEADERS, policy);
  limpet_session_respond(session, 200, headers, html, size);
}

static void web_request(limpet_server *server, limpet_session session, const char *method,
                        const char *path, void *user) {
  const struct arguments *arguments = user;
  bool is_metrics = arguments->metrics && strcmp(path, "/metrics") == 0;
  bool has_page = arguments->demo || arguments->chat;
  if (!is_metrics && !has_page) {
    /* 426: this is for WebSockets. */
    limpet_session_respond(session, 0, NULL, NULL, 0);
    return;
  }
  if (!web_reads(session, method)) return;
  if (is_metrics) {
    web_metrics(server, session);
  } else if (arguments->chat && strcmp(path, "/") == 0) {
    web_page(session, chat_html, chat_html_size, chat_html_policy);
  } else if (arguments->demo && strcmp(path, "/") == 0) {
    web_page(session, page_html, page_html_size, page_html_policy);
  } else if (arguments->demo && strcmp(path, "/stats") == 0) {
    demo_stats(server, session);
  } else {
    limpet_session_respond(session, 404, "Content-Type: text/plain\r\n", "not found\n", 10);
  }
}

void web_serve(limpet_server *server, const struct arguments *arguments) {
  limpet_server_set_on_request(server, web_request, (void *)(uintptr_t)arguments);
}
