/* Messages ↔ sockets by wslay's event API. */

#include "wslay-server.h"

#include <stdlib.h>
#include <string.h>

#include "listen.h"

/* What one write puts together; longer payloads are written from where they lie. */
#define OUTPUT_BYTES (64 * 1024)

static const server_calls *server;

/* What one read brought, as far as wslay has not taken it. */
static const uint8_t *input;
static size_t input_length;

static uint8_t output[OUTPUT_BYTES];
static size_t output_length;

/* ---- what wslay calls */

static ssize_t would_block(wslay_event_context_ptr context) {
  wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
  return -1;
}

static ssize_t on_receive(wslay_event_context_ptr context, uint8_t *to, size_t room, int flags,
                          void *user) {
  (void)flags, (void)user;
  size_t n = input_length < room ? input_length : room;
  if (n == 0) return would_block(context);
  memcpy(to, input, n);
  input += n;
  input_length -= n;
  return (ssize_t)n;
}

static ssize_t on_send(wslay_event_context_ptr context, const uint8_t *bytes, size_t length,
                       int flags, void *user) {
  session *s = user;
  (void)flags;
  if (s->base.stuck) return would_block(context);
  if (length <= OUTPUT_BYTES - output_length) {
    memcpy(output + output_length, bytes, length);
    output_length += length;
    return (ssize_t)length;
  }

  const struct iovec parts[] = {
      {.iov_base = output, .iov_len = output_length},
      {.iov_base = (void *)(uintptr_t)bytes, .iov_len = length},
  };
  ptrdiff_t sent = loop_try(&s->base, parts, 2);
  if (sent < 0) {
    wslay_event_set_error(context, WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
  }
  if ((size_t)sent < output_length) {
    output_length -= (size_t)sent;
    memmove(output, output + sent, output_length);
  } else {
    sent -= (ptrdiff_t)output_length;
    output_length = 0;
    if (sent > 0) return sent;
  }
  loop_hold(&s->base);
  return would_block(context);
}

static void on_message(wslay_event_context_ptr context,
                       const struct wslay_event_on_msg_recv_arg *message, void *user) {
  (void)context;
  if (!wslay_is_ctrl_frame(message->opcode)) server->message(user, message);
}

/* ---- sending */

void server_queue(session *s, const struct wslay_event_on_msg_recv_arg *message) {
  const struct wslay_event_msg copy = {
      .opcode = message->opcode,
      .msg = message->msg,
      .msg_length = message->msg_length,
  };
  wslay_event_queue_msg(s->context, &copy);
}

bool server_flush(session *s) {
  output_length = 0;
  if (wslay_event_send(s->context) != 0) return false;
  if (output_length) loop_send(&s->base, output, output_length);
  return wslay_event_want_read(s->context) || wslay_event_want_write(s->context) || s->base.stuck;
}

/* ---- what the loop calls */

static void opened(connection *c) {
  session *s = (session *)c;
  s->head = malloc(sizeof *s->head);
  if (!s->head) listen_fail("malloc");
  s->head->have = 0;
}

/* How many of the bytes were the request's; -1 when it is none. */
static ptrdiff_t upgraded(session *s, const uint8_t *bytes, size_t length) {
  static const struct wslay_event_callbacks callbacks = {
      .recv_callback = on_receive,
      .send_callback = on_send,
      .on_msg_recv_callback = on_message,
  };
  char response[UPGRADE_RESPONSE_BYTES];
  size_t used;
  upgrade_state state = upgrade_take(s->head, bytes, length, &used, response);
  if (state == UPGRADE_MORE) return (ptrdiff_t)length;
  if (state == UPGRADE_REFUSED) return -1;
  s->publisher = upgrade_asks(s->head, "/publish");
  free(s->head);
  s->head = NULL;
  if (wslay_event_context_server_init(&s->context, &callbacks, s) != 0) return -1;
  loop_send(&s->base, (const uint8_t *)response, strlen(response));
  if (server->opened) server->opened(s);
  return (ptrdiff_t)used;
}

static bool taken(connection *c, const uint8_t *bytes, size_t length) {
  session *s = (session *)c;
  if (s->head) {
    ptrdiff_t used = upgraded(s, bytes, length);
    if (used < 0) return false;
    bytes += used;
    length -= (size_t)used;
    if (length == 0) return true;
  }
  input = bytes;
  input_length = length;
  if (wslay_event_recv(s->context) != 0) return false;
  if (server->read) server->read(s);
  return server_flush(s);
}

static bool drained(connection *c) {
  session *s = (session *)c;
  return !s->context || server_flush(s);
}

static void closed(connection *c) {
  session *s = (session *)c;
  if (s->context) {
    if (server->closed) server->closed(s);
    wslay_event_context_free(s->context);
  }
  free(s->head);
}

int server_run(const server_calls *calls) {
  static const loop_calls loop = {
      .connection_size = sizeof(session),
      .opened = opened,
      .taken = taken,
      .drained = drained,
      .closed = closed,
  };
  server = calls;
  return loop_run(&loop);
}
