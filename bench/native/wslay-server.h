/* Messages ↔ sockets by wslay's event API, for wslay-echo.c and wslay-fanout.c.
 *
 *   one read ─► wslay_event_recv ─► message() for each ─► queued ─► wslay_event_send ─► one write
 *
 * wslay asks for 4 KiB at a time and offers a header and a payload apart, so what one recv brought is
 * handed to it in pieces, and what it has to send is put together before one write.
 */

#ifndef BENCH_WSLAY_SERVER_H
#define BENCH_WSLAY_SERVER_H

#include <wslay/wslay.h>

#include "loop.h"
#include "upgrade.h"

typedef struct session {
  connection base;
  /* The request until it is whole, then NULL. */
  upgrade *head;
  wslay_event_context_ptr context;
  /* It asked for /publish. */
  bool publisher;
} session;

typedef struct server_calls {
  void (*message)(session *s, const struct wslay_event_on_msg_recv_arg *message);
  /* Each may be NULL: it is upgraded, all messages of one read have been told, it is going. */
  void (*opened)(session *s);
  void (*read)(session *s);
  void (*closed)(session *s);
} server_calls;

int server_run(const server_calls *calls);

/* Queues a copy, as the library has it. */
void server_queue(session *s, const struct wslay_event_on_msg_recv_arg *message);

/* Writes what is queued, as far as the socket takes it. False: this connection is at its end. */
bool server_flush(session *s);

#endif
