/* One message -> a list of sessions.
 *
 *   limpet_server_send_many ─► handles, TOGETHER_MAX at a time ─► limpet_core_send_many   the frame is made once
 *                           ─► outbox_send            behind messages that wait, and long ones
 *                           ─► limpet_session_send    those of other threads' loops */

#include <string.h>

#include "hub.h"

/* Handles of one call of limpet_core_send_many. */
#define TOGETHER_MAX 1024

/* One message for sessions of one loop. */
struct many {
  struct loop *loop;
  int kind;
  const void *data;
  size_t length;
  struct limpet_published *published;
  /* Those that get it together. */
  uint32_t count, most;
  int32_t handles[TOGETHER_MAX];
};

/* Sends to those that are gathered; those for whom there is no memory now wait for it. */
static void many_together(struct many *many) {
  if (many->count == 0) return;
  struct loop *loop = many->loop;
  const size_t bytes = many->count * sizeof *many->handles;
  int32_t answers[TOGETHER_MAX];
  const int32_t from = hub_place(loop, many->data, many->length);
  int code = LIMPET_ERROR_CODE_MEMORY;
  if (from != 0) {
    memcpy(loop->memory + loop->scratch, many->handles, bytes);
    code = limpet_core_send_many(loop->core, (int32_t)loop->scratch, (int32_t)many->count,
                                 many->kind, from, (int32_t)many->length);
    memcpy(answers, loop->memory + loop->scratch, bytes);
  }
  for (uint32_t i = 0; i < many->count; i++) {
    int status = code == 0 ? answers[i] : LIMPET_ERROR_CODE_MEMORY;
    struct connection *connection = link_of(loop, many->handles[i]);
    if (status == LIMPET_ERROR_CODE_MEMORY && connection) {
      status = outbox_send(loop, connection, many->kind, many->data, many->length);
    }
    hub_count(many->published, status);
  }
  many->count = 0;
}

/* Behind messages that wait, and where it has to be cut into pieces, each gets it by itself. */
static void many_add(struct many *many, int32_t handle) {
  struct connection *connection = link_of(many->loop, handle);
  if (!connection) {
    hub_count(many->published, LIMPET_ERROR_CODE_HANDLE);
  } else if (connection->extra || many->most == 0) {
    hub_count(many->published,
              outbox_send(many->loop, connection, many->kind, many->data, many->length));
  } else {
    many->handles[many->count++] = handle;
    if (many->count == many->most) many_together(many);
  }
}

/* Sends to those of a list that are of this loop. */
static void many_send(struct loop *loop, const limpet_session *sessions, size_t count, int kind,
                      const void *data, size_t length, struct limpet_published *published) {
  const struct alone copy = hub_alone(loop, data, length);
  struct many many = {
      .loop = loop, .kind = kind, .data = copy.data, .length = length, .published = published};
  const uint32_t room = loop->scratch_size / (uint32_t)sizeof *many.handles;
  if (hub_may_make(loop, length)) many.most = room < TOGETHER_MAX ? room : TOGETHER_MAX;
  for (size_t i = 0; i < count; i++) {
    if (loop_find(sessions[i]) == loop) many_add(&many, session_handle(sessions[i]));
  }
  many_together(&many);
  hub_alone_end(loop, &copy);
}

/* The loop of a server that a session's number names; what the number means there its thread judges. */
static const struct loop *many_loop_of(const limpet_server *server, limpet_session session) {
  for (int i = 0; i < server->loop_count; i++) {
    const struct loop *loop = server->loops[i];
    if (loop->slot == (uint16_t)(session >> 32) && loop->generation == (uint16_t)(session >> 48))
      return loop;
  }
  return NULL;
}

int limpet_server_send_many(limpet_server *server, const limpet_session *sessions, size_t count,
                            enum limpet_type type, const void *data, size_t length) {
  const int code = hub_check(server, type, data, length);
  if (code != 0) return code;
  if (!sessions && count > 0)
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "%zu sessions at NULL", count);
  struct limpet_published sum = {0};
  for (int i = 0; i < server->loop_count; i++) {
    struct loop *loop = server->loops[i];
    if (loop_is_mine(loop)) many_send(loop, sessions, count, (int)type, data, length, &sum);
  }
  // Those of other threads are handed over one by one.
  for (size_t i = 0; i < count; i++) {
    const struct loop *loop = many_loop_of(server, sessions[i]);
    if (!loop || loop_is_mine(loop)) continue;
    hub_count(&sum, limpet_session_send(sessions[i], type, data, length));
  }
  return (int)sum.delivered;
}
