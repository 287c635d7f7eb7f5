/* A message to /publish → the same message to all others, by wslay: it is queued for each, and each
   gets one write for all messages of a read. */

#include "members.h"
#include "wslay-server.h"

static members everyone;

static void opened(session *s) { members_add(&everyone, &s->base); }

static void publish(session *publisher, const struct wslay_event_on_msg_recv_arg *message) {
  if (!publisher->publisher) return;
  for (size_t i = 0; i < everyone.count; i++) {
    session *each = (session *)everyone.all[i];
    if (each != publisher) server_queue(each, message);
  }
}

/* One that is at its end is closed when it is read. */
static void flush_all(session *publisher) {
  if (!publisher->publisher) return;
  for (size_t i = 0; i < everyone.count; i++) {
    session *each = (session *)everyone.all[i];
    if (each != publisher) server_flush(each);
  }
}

static void closed(session *s) { members_remove(&everyone, &s->base); }

int main(void) {
  static const server_calls calls = {
      .message = publish,
      .opened = opened,
      .read = flush_all,
      .closed = closed,
  };
  return server_run(&calls);
}
