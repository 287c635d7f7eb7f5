/* Messages ─► the core's send queues. What leaves them: writer.c.
 *
 *   outbox_send ─► limpet_core_send_begin, _end   payloads up to the core's largest block: copied in
 *               ─► limpet_core_send_external      longer ones stay outside, in extra.outside
 *               ─► fragments                      longer ones that have to be compressed or masked
 *               ─► extra.waiting                  those for which the core has no memory now, and what
 *                                                 comes behind them */

#include <string.h>

#include "loop.h"

/* What counts against a queue beside the payload: more than a frame's header. */
#define HEADER_BYTES 16u
/* A fragment of this size is compressed as well as a longer one: twice the largest window. */
#define PIECE_BYTES (64u << 10)
/* Payloads shorter than this always find room in the end. */
#define SHORT_BYTES 512u

static bool queued(int status) {
  return status == LIMPET_SENT_OK || status == LIMPET_SENT_BACKPRESSURE;
}

static int opcode_of(int kind) { return kind & ~(LIMPET_SEND_MORE | LIMPET_SEND_PLAIN); }

/* Queues a frame's header; its payload stays outside of linear memory. */
static int outbox_outside(struct loop *loop, struct connection *connection, int kind,
                          const void *data, size_t length) {
  struct extra *extra = link_extra(loop, connection);
  struct outgoing *payload = extra ? outgoing_new(loop, kind, data, length) : NULL;
  if (!payload) return LIMPET_ERROR_CODE_MEMORY;
  const int status =
      limpet_core_send_external(loop->core, connection->handle, kind, (int32_t)length);
  if (queued(status)) outgoing_append(&extra->outside, payload);
  else outgoing_free(loop, payload);
  return status;
}

static int outbox_queue(struct loop *loop, struct connection *connection, int kind,
                        const void *data, size_t length);

/* Queues a message that is longer than the core's blocks, piece by piece. */
static int outbox_fragments(struct loop *loop, struct connection *connection, int kind,
                            const uint8_t *data, size_t length) {
  const size_t piece = PIECE_BYTES < loop->send_max ? PIECE_BYTES : loop->send_max;
  int status = LIMPET_SENT_OK;
  for (size_t at = 0; at < length; at += piece) {
    const size_t part = length - at < piece ? length - at : piece;
    const int opcode = at == 0 ? kind & ~LIMPET_SEND_MORE : LIMPET_OPCODE_CONTINUATION;
    const int more = at + part < length ? LIMPET_SEND_MORE : kind & LIMPET_SEND_MORE;
    status = outbox_queue(loop, connection, opcode | more, data + at, part);
    if (queued(status)) continue;
    if (at == 0 || status == LIMPET_ERROR_CODE_STATE || status == LIMPET_ERROR_CODE_HANDLE)
      return status;
    // What has begun has to end: the rest waits.
    const int rest = LIMPET_OPCODE_CONTINUATION | (kind & LIMPET_SEND_MORE);
    struct extra *extra = link_extra(loop, connection);
    struct outgoing *payload = extra ? outgoing_new(loop, rest, data + at, length - at) : NULL;
    if (payload) {
      outgoing_insert(&extra->waiting, payload);
      row_set_add(&loop->waiting, link_row(loop, connection));
      return LIMPET_SENT_BACKPRESSURE;
    }
    outbox_close(loop, connection, 1011, "");
    return LIMPET_ERROR_CODE_MEMORY;
  }
  return status;
}

/* Puts a frame into the core's queue. */
static int outbox_queue(struct loop *loop, struct connection *connection, int kind,
                        const void *data, size_t length) {
  if (length <= loop->send_max) {
    const int32_t to =
        limpet_core_send_begin(loop->core, connection->handle, kind, (int32_t)length);
    if (to > 0) {
      if (length > 0) memmove(loop->memory + to, data, length);
      return limpet_core_send_end(loop->core, connection->handle);
    }
    if (to == 0) return LIMPET_SENT_DROPPED;
    // There is no memory for the payload: its header may still have room.
    if (to != LIMPET_ERROR_CODE_MEMORY || length < SHORT_BYTES ||
        opcode_of(kind) > LIMPET_OPCODE_BINARY)
      return to;
    const int status = outbox_outside(loop, connection, kind, data, length);
    // What has to be compressed or masked is none to leave outside.
    return status == LIMPET_ERROR_CODE_STATE ? LIMPET_ERROR_CODE_MEMORY : status;
  }
  const struct limpet_session_info *info = link_info(loop, connection->handle);
  if (!info) return LIMPET_ERROR_CODE_HANDLE;
  const bool inside =
      info->role == LIMPET_ROLE_CLIENT || (info->deflate_out != 0 && !(kind & LIMPET_SEND_PLAIN));
  if (!inside) return outbox_outside(loop, connection, kind, data, length);
  if (info->queued + length > loop->queue_max) return LIMPET_ERROR_CODE_FULL;
  return outbox_fragments(loop, connection, kind, data, length);
}

/* What the core does when its queue is full: Option.FULL_POLICY. */
static int outbox_full(struct loop *loop, struct connection *connection, int kind) {
  const int32_t policy =
      limpet_core_option_get(loop->core, connection->handle, LIMPET_OPTION_FULL_POLICY);
  // A message of which one fragment is dropped would be another message.
  const bool whole = opcode_of(kind) != LIMPET_OPCODE_CONTINUATION && !(kind & LIMPET_SEND_MORE);
  if (policy == LIMPET_FULL_POLICY_DROP && whole) return LIMPET_SENT_DROPPED;
  if (policy == LIMPET_FULL_POLICY_CLOSE_1008) outbox_close(loop, connection, 1008, "");
  if (policy == LIMPET_FULL_POLICY_CLOSE_1013) outbox_close(loop, connection, 1013, "");
  return LIMPET_ERROR_CODE_FULL;
}

/* Keeps a message until the core has memory, as long as the connection's queue may be that long. */
static int outbox_wait(struct loop *loop, struct connection *connection, int kind, const void *data,
                       size_t length) {
  struct extra *extra = link_extra(loop, connection);
  if (!extra) return LIMPET_ERROR_CODE_MEMORY;
  if (extra->waiting.bytes + length + HEADER_BYTES > loop->queue_max)
    return outbox_full(loop, connection, kind);
  struct outgoing *payload = outgoing_new(loop, kind, data, length);
  if (!payload) return LIMPET_ERROR_CODE_MEMORY;
  outgoing_append(&extra->waiting, payload);
  row_set_add(&loop->waiting, link_row(loop, connection));
  return LIMPET_SENT_BACKPRESSURE;
}

int outbox_send(struct loop *loop, struct connection *connection, int kind, const void *data,
                size_t length) {
  const struct extra *extra = connection->extra;
  if (length > INT32_MAX || (!data && length > 0)) return LIMPET_ERROR_CODE_ARGUMENT;
  if (extra && extra->close_code >= 0) return LIMPET_ERROR_CODE_STATE;
  const bool control = opcode_of(kind) > LIMPET_OPCODE_BINARY;
  if (extra && extra->waiting.first && !control)
    return outbox_wait(loop, connection, kind, data, length);
  const int status = outbox_queue(loop, connection, kind, data, length);
  if (status == LIMPET_ERROR_CODE_MEMORY && !control)
    return outbox_wait(loop, connection, kind, data, length);
  // A payload longer than all that may wait.
  if (status == LIMPET_ERROR_CODE_FULL && length > loop->send_max)
    return outbox_full(loop, connection, kind);
  return status;
}

static int outbox_close_now(struct loop *loop, struct connection *connection, int code,
                            const char *reason) {
  const size_t length = strlen(reason);
  uint32_t at = 0;
  const uint32_t ptr = loop_pass(loop, &at, reason, length);
  if (ptr == 0) return LIMPET_ERROR_CODE_ARGUMENT;
  // The close handshake has its time from now on, not from when the core last heard of the time.
  loop_tick(loop);
  const int status =
      limpet_core_close(loop->core, connection->handle, code, (int32_t)ptr, (int32_t)length);
  // The peer's Close frame has to be read, whatever is paused.
  if (status == 0 && (connection->flags & CONNECTION_PAUSED)) {
    connection->flags &= (uint16_t)~CONNECTION_PAUSED;
    limpet_core_option_set(loop->core, connection->handle, LIMPET_OPTION_PAUSED, 0);
    reader_resume(loop, connection);
  }
  return status;
}

int outbox_close(struct loop *loop, struct connection *connection, int code, const char *reason) {
  struct extra *extra = connection->extra;
  if (!extra || !extra->waiting.first) return outbox_close_now(loop, connection, code, reason);
  if (extra->close_code >= 0) return LIMPET_ERROR_CODE_STATE;
  const size_t length = strlen(reason);
  uint32_t at = 0;
  const uint32_t ptr = loop_pass(loop, &at, reason, length);
  if (ptr == 0) return LIMPET_ERROR_CODE_ARGUMENT;
  const int status = limpet_core_close_check(loop->core, code, (int32_t)ptr, (int32_t)length);
  if (status != 0) return status;
  extra->close_code = code;
  memcpy(extra->close_reason, reason, length + 1);
  return 0;
}

/* Queues what waits for a connection, in order; whether something still does. */
static bool outbox_retry(struct loop *loop, struct connection *connection) {
  struct extra *extra = connection->extra;
  const int32_t handle = connection->handle;
  while (extra && extra->waiting.first) {
    struct outgoing *payload = extra->waiting.first;
    const int status =
        outbox_queue(loop, connection, payload->kind, payload->bytes, payload->length);
    if (status == LIMPET_ERROR_CODE_MEMORY || status == LIMPET_ERROR_CODE_FULL) return true;
    outgoing_drop(loop, &extra->waiting);
  }
  if (extra && extra->close_code >= 0) {
    const int code = extra->close_code;
    extra->close_code = -1;
    outbox_close_now(loop, connection, code, extra->close_reason);
  } else {
    events_say(loop, connection, LIMPET_EVENT_KIND_WRITABLE, 0);
  }
  return extra && connection->handle == handle && extra->waiting.first;
}

void outbox_retry_all(struct loop *loop) {
  if (loop->waiting.count == 0) return;
  for (uint32_t row = 0; (row = row_set_next(&loop->waiting, row, loop->rows)) < loop->rows;
       row++) {
    if (!outbox_retry(loop, &loop->connections[row])) row_set_remove(&loop->waiting, row);
  }
}
