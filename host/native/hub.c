/* One message -> many sessions: of a topic, of a selection. Of a list: many.c.
 *
 *   limpet_server_publish ─┬─ this thread's loop ─► hub_publish ─┬─ limpet_core_publish     the frame is made once
 *                          │                                     └─ outbox_send to each     what the core has no
 *                          └─ other loops ─► crossing.c                                     room for */

#include "hub.h"

#include <string.h>

#include "crossing.h"
#include "memory.h"
#include "text.h"

void hub_count(struct limpet_published *published, int status) {
  const bool over = status == LIMPET_SENT_BACKPRESSURE;
  published->delivered += status == LIMPET_SENT_OK || over;
  published->over += over;
  published->dropped += status != LIMPET_SENT_OK && !over;
}

/* ------------------------------------------------------------------ made once */

int32_t hub_place(struct loop *loop, const void *data, size_t length) {
  const uint8_t *bytes = data;
  if (length > 0 && bytes >= loop->memory &&
      bytes < loop->memory + limpet_core_memory_size(loop->core)) {
    return (int32_t)(bytes - loop->memory);
  }
  int32_t at = limpet_core_publish_room(loop->core, (int32_t)length);
  if (at == LIMPET_ERROR_CODE_MEMORY) {
    // What was published in this turn may be what is in the way.
    writer_write_all(loop);
    at = limpet_core_publish_room(loop->core, (int32_t)length);
  }
  if (at <= 0) return 0;
  if (length > 0) memcpy(loop->memory + at, data, length);
  return at;
}

/* What a PublishRecord says; a code gives the room back. */
static int hub_made(struct loop *loop, int32_t at, struct limpet_published *published) {
  if (at <= 0) {
    limpet_core_publish_room(loop->core, -1);
    return at;
  }
  const struct limpet_publish_record record =
      *(const struct limpet_publish_record *)(const void *)(loop->memory + at);
  published->delivered += record.delivered;
  published->over += record.over;
  published->dropped += record.dropped;
  if (record.flush) writer_write_all(loop);
  return 0;
}

bool hub_may_make(const struct loop *loop, size_t length) {
  return length <= loop->send_max && loop->waiting.count == 0;
}

/* ------------------------------------------------------------------ each by itself */

struct alone hub_alone(struct loop *loop, const void *data, size_t length) {
  struct alone alone = {.data = data, .told = loop->told};
  if (length > loop->send_max && !buffer_has(alone.told, data, length))
    alone.buffer = buffer_take(loop, length);
  if (!alone.buffer) return alone;
  memcpy(alone.buffer->bytes, data, length);
  alone.data = alone.buffer->bytes;
  loop->told = alone.buffer;
  return alone;
}

void hub_alone_end(struct loop *loop, const struct alone *alone) {
  loop->told = alone->told;
  buffer_leave(loop, alone->buffer);
}

/* ---------------------------------------------------------------------- topics */

/* Sends to the subscribers one by one. */
static int hub_publish_each(struct loop *loop, const char *topic, int32_t except, int kind,
                            const void *data, size_t length, struct limpet_published *published) {
  for (int32_t handle = 0;;) {
    uint32_t at = 0;
    int32_t ptr, topic_length;
    const int code = text_pass(loop, &at, topic, "a topic", &ptr, &topic_length);
    if (code != 0) return code;
    handle = limpet_core_topic_next(loop->core, ptr, topic_length, handle);
    if (handle <= 0) return handle;
    struct connection *connection = handle == except ? NULL : link_of(loop, handle);
    if (connection) hub_count(published, outbox_send(loop, connection, kind, data, length));
  }
}

int hub_publish(struct loop *loop, const char *topic, limpet_session except, int kind,
                const void *data, size_t length, struct limpet_published *published) {
  const int32_t left_out = loop_find(except) == loop ? session_handle(except) : 0;
  const int32_t from = hub_may_make(loop, length) ? hub_place(loop, data, length) : 0;
  if (from == 0) {
    const struct alone alone = hub_alone(loop, data, length);
    const int code = hub_publish_each(loop, topic, left_out, kind, alone.data, length, published);
    hub_alone_end(loop, &alone);
    return code;
  }
  uint32_t at = 0;
  int32_t ptr, topic_length;
  int32_t record = text_pass(loop, &at, topic, "a topic", &ptr, &topic_length);
  if (record == 0) {
    record =
        limpet_core_publish(loop->core, ptr, topic_length, kind, from, (int32_t)length, left_out);
  }
  return hub_made(loop, record, published);
}

/* ------------------------------------------------------------------ selections */

int hub_broadcast(struct loop *loop, const struct limpet_selection *selection, int kind,
                  const void *data, size_t length, struct limpet_published *published) {
  const bool together = hub_may_make(loop, length) && !(selection && selection->filter);
  const int32_t from = together ? hub_place(loop, data, length) : 0;
  if (from != 0) {
    uint32_t at;
    int32_t record = select_record(loop, selection, &at);
    if (record >= 0)
      record = limpet_core_broadcast(loop->core, record, kind, from, (int32_t)length);
    return hub_made(loop, record, published);
  }
  const struct alone alone = hub_alone(loop, data, length);
  int32_t handle = 0;
  while ((handle = select_next(loop, selection, handle)) > 0) {
    struct connection *connection = link_of(loop, handle);
    if (connection) hub_count(published, outbox_send(loop, connection, kind, alone.data, length));
  }
  hub_alone_end(loop, &alone);
  return handle;
}

void hub_each(struct loop *loop, limpet_session except,
              void (*task)(limpet_session session, void *arg), void *arg) {
  int32_t handle = 0;
  while ((handle = select_next(loop, NULL, handle)) > 0) {
    if (loop_session(loop, handle) != except) task(loop_session(loop, handle), arg);
  }
}

/* -------------------------------------------------------------- the application's */

int hub_check(const limpet_server *server, enum limpet_type type, const void *data, size_t length) {
  if (!server)
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "many sessions are those of a server, not of NULL");
  if (type != LIMPET_TEXT && type != LIMPET_BINARY) {
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "a message is LIMPET_TEXT or LIMPET_BINARY");
  }
  if (length > INT32_MAX || (!data && length > 0)) {
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "a message of %zu bytes", length);
  }
  return 0;
}

int limpet_server_broadcast_to(limpet_server *server, const struct limpet_selection *selection,
                               enum limpet_type type, const void *data, size_t length,
                               struct limpet_published *published) {
  struct limpet_published sum = {0};
  if (published) *published = sum;
  int code = hub_check(server, type, data, length);
  if (code != 0) return code;
  if (selection && selection->filter && server->loop_count > 1) {
    return fail(LIMPET_E_THREAD, "a filter is for servers of one thread");
  }
  for (int i = 0; i < server->loop_count && code == 0; i++) {
    struct loop *loop = server->loops[i];
    if (loop_is_mine(loop)) code = hub_broadcast(loop, selection, (int)type, data, length, &sum);
  }
  if (code == 0) code = crossing_broadcast(server, selection, (int)type, data, length);
  if (published) *published = sum;
  return code < 0 ? refuse(code) : (int)sum.delivered;
}

int limpet_server_broadcast(limpet_server *server, enum limpet_type type, const void *data,
                            size_t length) {
  return limpet_server_broadcast_to(server, NULL, type, data, length, NULL);
}

int limpet_server_publish(limpet_server *server, const char *topic, limpet_session except,
                          enum limpet_type type, const void *data, size_t length,
                          struct limpet_published *published) {
  struct limpet_published sum = {0};
  if (published) *published = sum;
  int code = hub_check(server, type, data, length);
  if (code != 0) return code;
  if (!topic)
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "a message is published to a topic, not to NULL");
  for (int i = 0; i < server->loop_count && code == 0; i++) {
    struct loop *loop = server->loops[i];
    if (loop_is_mine(loop)) code = hub_publish(loop, topic, except, (int)type, data, length, &sum);
  }
  if (code == 0) code = crossing_publish(server, topic, except, (int)type, data, length);
  if (published) *published = sum;
  if (code == LIMPET_ERROR_CODE_VALUE)
    return fail(code, "\"%.128s\" is no topic to publish to", topic);
  return code < 0 ? refuse(code) : (int)sum.delivered;
}

int limpet_server_each(limpet_server *server, limpet_session except,
                       void (*task)(limpet_session session, void *arg), void *arg,
                       void (*on_finish)(limpet_server *server, void *arg)) {
  if (!server || !task)
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "limpet_server_each takes a server and a task");
  if (server->loop_count > 1 || !loop_is_mine(server->loops[0])) {
    return crossing_each(server, except, task, arg, on_finish);
  }
  hub_each(server->loops[0], except, task, arg);
  if (on_finish) on_finish(server, arg);
  return 0;
}
