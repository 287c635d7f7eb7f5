/* The core's send queues ─► sockets.
 *
 *   limpet_core_tx: spans of linear memory, and places (address 0) for payloads that stayed outside
 *                   ─► one write for all of them ─► limpet_core_tx_ack */

#include "loop.h"

/* Spans of a TxRecord as buffers of one write. */
static int writer_spans(struct loop *loop, struct connection *connection,
                        const struct limpet_tx_record *record, struct iovec *out) {
  const struct limpet_span *spans = (const void *)(record + 1);
  const struct outgoing *outside = connection->extra ? connection->extra->outside.first : NULL;
  for (uint32_t i = 0; i < record->count; i++) {
    if (spans[i].ptr != 0) {
      out[i] = (struct iovec){.iov_base = loop->memory + spans[i].ptr, .iov_len = spans[i].len};
      continue;
    }
    if (!outside) return -1;
    // writev only reads them; it has no type that says so.
    out[i] = (struct iovec){.iov_base = (void *)(uintptr_t)outside->bytes, .iov_len = spans[i].len};
    outside = outside->next;
  }
  return (int)record->count;
}

/* So many bytes have left: the payloads outside that are whole go. */
static void writer_left(struct loop *loop, struct connection *connection,
                        const struct limpet_tx_record *record, size_t bytes) {
  struct extra *extra = connection->extra;
  if (!extra || !extra->outside.first) return;
  const struct limpet_span *spans = (const void *)(record + 1);
  for (uint32_t i = 0; i < record->count && bytes > 0; i++) {
    const size_t part = bytes < spans[i].len ? bytes : spans[i].len;
    bytes -= part;
    if (spans[i].ptr != 0) continue;
    struct outgoing *first = extra->outside.first;
    first->bytes += part;
    first->length -= part;
    extra->outside.bytes -= part;
    if (first->length == 0) outgoing_drop(loop, &extra->outside);
  }
}

/* Nothing is left to write: the end, if it is one. */
static void writer_empty(struct loop *loop, struct connection *connection, uint32_t flags) {
  const uint16_t stays = CONNECTION_FINISHED | CONNECTION_LENT | CONNECTION_HELD;
  if ((flags & LIMPET_TX_FLAG_END) && !(connection->flags & stays)) {
    connection->flags |= CONNECTION_FINISHED;
    connection->transport->finish(connection);
  }
  if ((connection->flags & CONNECTION_PEER_FINISHED) &&
      link_state(loop, connection->handle) != LIMPET_STATE_PENDING) {
    link_gone(loop, connection);
    return;
  }
  link_watch(loop, connection, connection->interest & POLLIN);
}

void writer_write(struct loop *loop, struct connection *connection) {
  for (;;) {
    const int32_t at = limpet_core_tx(loop->core, connection->handle);
    if (at <= 0) return;
    const struct limpet_tx_record *record = (const void *)(loop->memory + at);
    const uint32_t flags = record->flags, bytes = record->bytes;
    // A session that ends before the transport's handshake did has nobody to tell: it took too long.
    const bool silent = (flags & LIMPET_TX_FLAG_END) && (connection->flags & CONNECTION_SHAKING);
    if ((flags & LIMPET_TX_FLAG_ABORT) || silent) {
      link_gone(loop, connection);
      return;
    }
    if (connection->fd < 0 || (connection->flags & (CONNECTION_SHAKING | CONNECTION_CONNECTING)))
      return;
    if (bytes == 0) {
      writer_empty(loop, connection, flags);
      break;
    }
    struct iovec spans[LIMPET_TX_SPANS_MAX];
    const int count = writer_spans(loop, connection, record, spans);
    const ssize_t wrote =
        count < 0 ? TRANSPORT_FAILED : connection->transport->write(connection, spans, count);
    if (wrote == TRANSPORT_FAILED) {
      link_gone(loop, connection);
      return;
    }
    if (wrote == TRANSPORT_AGAIN) {
      link_watch(loop, connection, connection->interest | POLLOUT);
      return;
    }
    writer_left(loop, connection, record, (size_t)wrote);
    const int32_t more = limpet_core_tx_ack(loop->core, connection->handle, (int32_t)wrote);
    if ((uint32_t)wrote < bytes) {
      link_watch(loop, connection, connection->interest | POLLOUT);
      return;
    }
    if (more > 0) continue;
    if (connection->interest & POLLOUT || connection->flags & CONNECTION_PEER_FINISHED) {
      writer_empty(loop, connection, 0);
    }
    break;
  }
  // Room in its queue may be what it waited for to be read from.
  if (connection->handle != 0 && connection->watched && !(connection->interest & POLLIN)) {
    reader_resume(loop, connection);
  }
}

void writer_write_all(struct loop *loop) {
  for (;;) {
    const int32_t handle = limpet_core_tx_next(loop->core);
    if (handle <= 0) return;
    struct connection *connection = link_of(loop, handle);
    if (connection) writer_write(loop, connection);
  }
}
