/* Message → the same message, by libwebsockets. */

#include "lws-server.h"

#include <stdlib.h>

typedef struct session {
  message *partial;
  /* Echoes that are to be written, in their order. */
  message *first;
  message **last;
} session;

static void take(struct lws *wsi, session *s, const void *bytes, size_t length) {
  message *whole = server_join(wsi, &s->partial, bytes, length);
  if (!whole) return;
  *s->last = whole;
  s->last = &whole->next;
  lws_callback_on_writable(wsi);
}

static void write_echoes(struct lws *wsi, session *s) {
  bool more = true;
  while (s->first && more) {
    message *echo = s->first;
    more = server_write(wsi, echo);
    s->first = echo->next;
    if (!s->first) s->last = &s->first;
    free(echo);
  }
  if (s->first) lws_callback_on_writable(wsi);
}

static void drop_all(session *s) {
  free(s->partial);
  while (s->first) {
    message *next = s->first->next;
    free(s->first);
    s->first = next;
  }
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t length) {
  session *s = user;
  switch (reason) {
    case LWS_CALLBACK_ESTABLISHED: s->last = &s->first; return 0;
    case LWS_CALLBACK_RECEIVE: take(wsi, s, in, length); return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE: write_echoes(wsi, s); return 0;
    case LWS_CALLBACK_CLOSED: drop_all(s); return 0;
    default: return lws_callback_http_dummy(wsi, reason, user, in, length);
  }
}

int main(void) { return server_run(callback, sizeof(session)); }
