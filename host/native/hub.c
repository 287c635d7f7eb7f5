/* One message -> many sessions: of a topic, of a selection, of a list.
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

/* Where a payload is sent from: it lies in linear memory already, or is put there. 0 when the core has no room. */
static int32_t hub_place(struct loop *loop, const void *data, size_t length) {
  const uint8_t *bytes = data;
  if (length > 0 && bytes >= loop->memory && bytes < loop->memory + limpet_core_memory_size(loop->core)) {
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
  const struct limpet_publish_record record = *(const struct limpet_publish_record *)(const void *)(loop->memory + at);
  published->delivered += record.delivered;
  published->over += record.over;
  published->dropped += record.dropped;
  if (record.flush) writer_write_all(loop);
  return 0;
}

/* Whether the core may make the frame: it takes payloads of that length, and nothing waits that has to come first. */
static bool hub_may_make(const struct loop *loop, size_t length) {
  return length <= loop->send_max && loop->waiting.count == 0;
}

/* ---------------------------------------------------------------------- topics */

/* Sends to the subscribers one by one. */
static int hub_publish_each(struct loop *loop, const char *topic, int32_t except, int kind, const void *data,
                            size_t length, struct limpet_published *published) {
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

int hub_publish(struct loop *loop, const char *topic, limpet_session except, int kind, const void *data, size_t length,
                struct limpet_published *published) {
  const int32_t left_out = loop_find(except) == loop ? session_handle(except) : 0;
  const int32_t from = hub_may_make(loop, length) ? hub_place(loop, data, length) : 0;
  if (from == 0) return hub_publish_each(loop, topic, left_out, kind, data, length, published);
  uint32_t at = 0;
  int32_t ptr, topic_length;
  int32_t record = text_pass(loop, &at, topic, "a topic", &ptr, &topic_length);
  if (record == 0) {
    record = limpet_core_publish(loop->core, ptr, topic_length, kind, from, (int32_t)length, left_out);
  }
  return hub_made(loop, record, published);
}

/* ------------------------------------------------------------------ selections */

int hub_broadcast(struct loop *loop, const struct limpet_selection *selection, int kind, const void *data,
                  size_t length, struct limpet_published *published) {
  const bool together = hub_may_make(loop, length) && !(selection && selection->filter);
  const int32_t from = together ? hub_place(loop, data, length) : 0;
  if (from != 0) {
    uint32_t at;
    int32_t record = select_record(loop, selection, &at);
    if (record >= 0) record = limpet_core_broadcast(loop->core, record, kind, from, (int32_t)length);
    return hub_made(loop, record, published);
  }
  int32_t handle = 0;
  while ((handle = select_next(loop, selection, handle)) > 0) {
    struct connection *connection = link_of(loop, handle);
    if (connection) hub_count(published, outbox_send(loop, connection, kind, data, length));
  }
  return handle;
}

void hub_each(struct loop *loop, limpet_session except, void (*task)(limpet_session session, void *arg), void *arg) {
  int32_t handle = 0;
  while ((handle = select_next(loop, NULL, handle)) > 0) {
    if (loop_session(loop, handle) != except) task(loop_session(loop, handle), arg);
  }
}

/* -------------------------------------------------------------- the application's */

static int hub_check(const limpet_server *server, enum limpet_type type, const void *data, size_t length) {
  if (!server) return fail(LIMPET_ERROR_CODE_ARGUMENT, "many sessions are those of a server, not of NULL");
  if (type != LIMPET_TEXT && type != LIMPET_BINARY) {
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "a message is LIMPET_TEXT or LIMPET_BINARY");
  }
  if (length > INT32_MAX || (!data && length > 0)) {
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "a message of %zu bytes", length);
  }
  return 0;
}

int limpet_server_broadcast_to(limpet_server *server, const struct limpet_selection *selection, enum limpet_type type,
                               const void *data, size_t length, struct limpet_published *published) {
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

int limpet_server_broadcast(limpet_server *server, enum limpet_type type, const void *data, size_t length) {
  return limpet_server_broadcast_to(server, NULL, type, data, length, NULL);
}

int limpet_server_publish(limpet_server *server, const char *topic, limpet_session except, enum limpet_type type,
                          const void *data, size_t length, struct limpet_published *published) {
  struct limpet_published sum = {0};
  if (published) *published = sum;
  int code = hub_check(server, type, data, length);
  if (code != 0) return code;
  if (!topic) return fail(LIMPET_ERROR_CODE_ARGUMENT, "a message is published to a topic, not to NULL");
  for (int i = 0; i < server->loop_count && code == 0; i++) {
    struct loop *loop = server->loops[i];
    if (loop_is_mine(loop)) code = hub_publish(loop, topic, except, (int)type, data, length, &sum);
  }
  if (code == 0) code = crossing_publish(server, topic, except, (int)type, data, length);
  if (published) *published = sum;
  if (code == LIMPET_ERROR_CODE_VALUE) return fail(code, "\"%.128s\" is no topic to publish to", topic);
  return code < 0 ? refuse(code) : (int)sum.delivered;
}

int limpet_server_each(limpet_server *server, limpet_session except, void (*task)(limpet_session session, void *arg),
                       void *arg, void (*on_finish)(limpet_server *server, void *arg)) {
  if (!server || !task) return fail(LIMPET_ERROR_CODE_ARGUMENT, "limpet_server_each takes a server and a task");
  if (server->loop_count > 1 || !loop_is_mine(server->loops[0])) {
    return crossing_each(server, except, task, arg, on_finish);
  }
  hub_each(server->loops[0], except, task, arg);
  if (on_finish) on_finish(server, arg);
  return 0;
}

/* --------------------------------------------------------------------- to a list */

/* Handles of one turn of limpet_core_send_many. */
#define TOGETHER_MAX 1024

/* Sends to those whose handles lie in the scratch region; those for whom there was no memory wait. */
static void hub_send_together(struct loop *loop, uint32_t count, int kind, const void *data, size_t length,
                              struct limpet_published *published) {
  const int32_t from = count > 0 ? hub_place(loop, data, length) : 0;
  if (count == 0) return;
  int32_t handles[TOGETHER_MAX], answers[TOGETHER_MAX];
  const size_t bytes = count * sizeof *handles;
  memcpy(handles, loop->memory + loop->scratch, bytes);
  int code = LIMPET_ERROR_CODE_MEMORY;
  if (from != 0) {
    code = limpet_core_send_many(loop->core, (int32_t)loop->scratch, (int32_t)count, kind, from, (int32_t)length);
    memcpy(answers, loop->memory + loop->scratch, bytes);
  }
  for (uint32_t i = 0; i < count; i++) {
    int status = code == 0 ? answers[i] : LIMPET_ERROR_CODE_MEMORY;
    struct connection *connection = link_of(loop, handles[i]);
    if (status == LIMPET_ERROR_CODE_MEMORY && connection) status = outbox_send(loop, connection, kind, data, length);
    hub_count(published, status);
  }
}

/* Those of a list that are of this loop; NULL data is of no bytes. */
static void hub_send_many(struct loop *loop, const limpet_session *sessions, size_t count, int kind, const void *data,
                          size_t length, struct limpet_published *published) {
  uint32_t together = 0;
  const uint32_t most = loop->scratch_size / sizeof(int32_t) < TOGETHER_MAX
                            ? (uint32_t)(loop->scratch_size / sizeof(int32_t))
                            : TOGETHER_MAX;
  for (size_t i = 0; i < count; i++) {
    if (loop_find(sessions[i]) != loop) continue;
    const int32_t handle = session_handle(sessions[i]);
    struct connection *connection = link_of(loop, handle);
    // Behind messages that wait, and where it has to be cut into pieces, each gets it by itself.
    const bool alone = !hub_may_make(loop, length) || (connection && connection->extra);
    if (alone && connection) hub_count(published, outbox_send(loop, connection, kind, data, length));
    else if (!connection) hub_count(published, LIMPET_ERROR_CODE_HANDLE);
    if (alone || !connection) continue;
    memcpy(loop->memory + loop->scratch + together * sizeof handle, &handle, sizeof handle);
    if (++together < most) continue;
    hub_send_together(loop, together, kind, data, length, published);
    together = 0;
  }
  hub_send_together(loop, together, kind, data, length, published);
}

/* The loop of a server that a session's number names; what the number means there its thread judges. */
static const struct loop *hub_loop_of(const limpet_server *server, limpet_session session) {
  for (int i = 0; i < server->loop_count; i++) {
    const struct loop *loop = server->loops[i];
    if (loop->slot == (uint16_t)(session >> 32) && loop->generation == (uint16_t)(session >> 48)) return loop;
  }
  return NULL;
}

int limpet_server_send_many(limpet_server *server, const limpet_session *sessions, size_t count, enum limpet_type type,
                            const void *data, size_t length) {
  const int code = hub_check(server, type, data, length);
  if (code != 0) return code;
  if (!sessions && count > 0) return fail(LIMPET_ERROR_CODE_ARGUMENT, "%zu sessions at NULL", count);
  struct limpet_published sum = {0};
  for (int i = 0; i < server->loop_count; i++) {
    struct loop *loop = server->loops[i];
    if (loop_is_mine(loop)) hub_send_many(loop, sessions, count, (int)type, data, length, &sum);
  }
  // Those of other threads are handed over one by one.
  for (size_t i = 0; i < count; i++) {
    const struct loop *loop = hub_loop_of(server, sessions[i]);
    if (!loop || loop_is_mine(loop)) continue;
    hub_count(&sum, limpet_session_send(sessions[i], type, data, length));
  }
  return (int)sum.delivered;
}
