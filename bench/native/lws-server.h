/* Messages ↔ sockets by libwebsockets, for lws-echo.c and lws-fanout.c, as its documentation has it:
   messages are put together from fragments, and written only in WRITEABLE callbacks, as many there
   as the socket takes. */

#ifndef BENCH_LWS_SERVER_H
#define BENCH_LWS_SERVER_H

#include <libwebsockets.h>
#include <stdbool.h>
#include <stddef.h>

/* A message with the room before its payload that lws_write wants. */
typedef struct message {
  struct message *next;
  size_t length;
  size_t room;
  enum lws_write_protocol kind;
  unsigned char bytes[];
} message;

/* A fragment joins the message so far (NULL: none). The message after its last one, else NULL. */
message *server_join(struct lws *wsi, message **partial, const void *bytes, size_t length);

/* False: the connection is gone, or the rest waits for the next WRITEABLE, as lws has kept it. */
bool server_write(struct lws *wsi, message *m);

/* Serves until a signal ends it, by the library's own loop on poll: with 64 connections libev takes
   1.1 times its CPU time, libuv 1.6 times, and with 1,000 neither is ahead. */
int server_run(lws_callback_function *callback, size_t session_size);

#endif
