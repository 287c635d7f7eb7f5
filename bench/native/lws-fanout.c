/* A message to /publish → the same message to all others, by libwebsockets: published messages
   stand in one list for all, and each subscriber goes along it when it is writable, as in the
   library's own examples of one ring for many. */

#include "lws-server.h"

#include <stdlib.h>
#include <string.h>

typedef struct session {
  message *partial;
  bool publisher;
  /* Number of the published message that it gets next. */
  size_t next;
} session;

/* As many messages may be under way at once; who has not got older ones by then is closed. */
#define KEPT 1024

/* Published message n, at n % KEPT. */
static message *published[KEPT];
static size_t count;

static void begin(struct lws *wsi, session *s) {
  char path[16];
  s->next = count;
  s->publisher =
      lws_hdr_copy(wsi, path, sizeof path, WSI_TOKEN_GET_URI) > 0 && strcmp(path, "/publish") == 0;
}

static void publish(struct lws *wsi, session *s, const void *bytes, size_t length) {
  message *whole = server_join(wsi, &s->partial, bytes, length);
  if (!whole) return;
  free(published[count % KEPT]);
  published[count++ % KEPT] = whole;
  lws_callback_on_writable_all_protocol(lws_get_context(wsi), lws_get_protocol(wsi));
}

/* -1, which closes it, when what comes next has been dropped. */
static int write_published(struct lws *wsi, session *s) {
  bool more = true;
  if (s->publisher) return 0;
  if (count - s->next > KEPT) return -1;
  while (s->next != count && more) more = server_write(wsi, published[s->next++ % KEPT]);
  if (s->next != count) lws_callback_on_writable(wsi);
  return 0;
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t length) {
  session *s = user;
  switch (reason) {
    case LWS_CALLBACK_ESTABLISHED: begin(wsi, s); return 0;
    case LWS_CALLBACK_RECEIVE:
      if (s->publisher) publish(wsi, s, in, length);
      return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE: return write_published(wsi, s);
    case LWS_CALLBACK_CLOSED: free(s->partial); return 0;
    default: return lws_callback_http_dummy(wsi, reason, user, in, length);
  }
}

int main(void) { return server_run(callback, sizeof(session)); }
