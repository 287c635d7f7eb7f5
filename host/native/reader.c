/* What a socket has to say ─► INGRESS ─► limpet_core_rx ─► events.
 *
 * What was read and is not taken now is kept as the connection's stash, and comes first when it resumes;
 * until then nothing is read, so TCP holds the peer back. Whether a session takes bytes shows when it gets
 * some: to ask before each read costs more than the stash that it may save. */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "loop.h"
#include "memory.h"

/* One read takes at most this: more would only leave the cache. */
#define READ_MAX ((size_t)256 << 10)

static void reader_pause(struct loop *loop, struct connection *connection) {
  link_watch(loop, connection, connection->interest & POLLOUT);
}

/* Lets the session take what lies in the ingress region; how much it took. */
static uint32_t reader_take(struct loop *loop, struct connection *connection, uint32_t length) {
  const int32_t handle = connection->handle;
  uint32_t at = 0;
  for (;;) {
    const int32_t from = (int32_t)(loop->ingress + at);
    const int32_t took =
        limpet_core_rx(loop->core, handle, from, (int32_t)(length - at), loop_now(loop));
    // A stale handle: the connection is over, its bytes mean nothing.
    if (took < 0) return length;
    at += (uint32_t)took;
    // Events that were told may be what kept the rest, or what the core holds itself, waiting.
    const bool told = events_drain(loop) > 0;
    if (connection->handle != handle || (at == length && length > 0)) return length;
    if (!told && took == 0) return at;
    if (!told && at == length) return at;
  }
}

/* Keeps what was not taken. */
static void reader_keep(struct loop *loop, struct connection *connection, const uint8_t *rest,
                        size_t length) {
  struct extra *extra = link_extra(loop, connection);
  uint8_t *stash = extra ? memory_take(loop->server, length) : NULL;
  if (!stash) {
    events_broke(loop, connection, LIMPET_ERROR_CODE_MEMORY,
                 "no memory for what was read: the connection is given up");
    limpet_core_terminate(loop->core, connection->handle);
    return;
  }
  memcpy(stash, rest, length);
  memory_give(loop->server, extra->stash);
  extra->stash = stash;
  extra->stash_length = length;
  reader_pause(loop, connection);
}

/* The peer has ended its side: what is queued is still written, then the connection goes. */
static void reader_ended(struct loop *loop, struct connection *connection) {
  connection->flags |= CONNECTION_PEER_FINISHED;
  reader_pause(loop, connection);
  // A request may be answered later: its connection goes then.
  const enum limpet_state state = link_state(loop, connection->handle);
  if (state == LIMPET_STATE_PENDING) return;
  // Who has ended its side and takes nothing either is not waited for without end.
  if (state == LIMPET_STATE_OPEN) {
    const int32_t close_ms =
        limpet_core_option_get(loop->core, connection->handle, LIMPET_OPTION_CLOSE_MS);
    if (close_ms > 0) {
      limpet_core_option_set(loop->core, connection->handle, LIMPET_OPTION_IDLE_MS, close_ms);
    }
  }
  writer_write(loop, connection);
}

/* Whether more may be read now. */
static bool reader_may(const struct connection *connection) {
  const uint16_t never =
      CONNECTION_PEER_FINISHED | CONNECTION_SHAKING | CONNECTION_CONNECTING | CONNECTION_HELD;
  if (connection->fd < 0 || (connection->flags & never)) return false;
  return !connection->extra || !connection->extra->stash;
}

/* How far a look goes that takes nothing away. */
#define LOOK_BYTES ((size_t)4 << 10)

/* The socket goes back to the application behind the peer's Close frame: what follows it is not read. The
 * core knows where that frame ends, so it gets the bytes one by one, and only these are taken. */
static void reader_last(struct loop *loop, struct connection *connection) {
  const int32_t handle = connection->handle;
  uint8_t *ingress = loop->memory + loop->ingress;
  const ssize_t seen = recv(connection->fd, ingress, LOOK_BYTES, MSG_PEEK);
  if (seen < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
  if (seen < 0) {
    link_gone(loop, connection);
    return;
  }
  if (seen == 0) {
    reader_ended(loop, connection);
    return;
  }
  ssize_t used = 0;
  while (used < seen && link_state(loop, handle) < LIMPET_STATE_ENDING) {
    const int32_t at = (int32_t)loop->ingress + (int32_t)used;
    const int32_t took = limpet_core_rx(loop->core, handle, at, 1, loop_now(loop));
    const bool told = events_drain(loop) > 0;
    if (took == 0 && !told) break;
    used += took > 0;
  }
  if (used > 0 && recv(connection->fd, ingress, (size_t)used, 0) != used)
    link_gone(loop, connection);
  if (link_state(loop, handle) < LIMPET_STATE_ENDING) return;
  connection->flags |= CONNECTION_HELD;
  reader_pause(loop, connection);
}

void reader_ready(struct loop *loop, struct connection *connection) {
  if (!reader_may(connection)) {
    if (connection->fd >= 0) reader_pause(loop, connection);
    return;
  }
  const int32_t handle = connection->handle;
  if (connection->flags & CONNECTION_LENT) {
    reader_last(loop, connection);
    return;
  }
  const size_t bound = loop->server->memory ? MEMORY_READ_MAX : READ_MAX;
  const size_t most = loop->ingress_size < bound ? loop->ingress_size : bound;
  uint8_t *ingress = loop->memory + loop->ingress;
  do {
    const ssize_t bytes = connection->transport->read(connection, ingress, most);
    if (bytes == TRANSPORT_AGAIN) return;
    if (bytes == 0) {
      reader_ended(loop, connection);
      return;
    }
    if (bytes < 0) {
      // A record that was tampered with, an alert.
      if (connection->secure && *limpet_last_error()) {
        events_failed(loop, loop_session(loop, handle), LIMPET_E_TLS, limpet_last_error());
      }
      link_gone(loop, connection);
      return;
    }
    const uint32_t took = reader_take(loop, connection, (uint32_t)bytes);
    if (connection->handle != handle) return;
    if (took < (uint32_t)bytes) {
      reader_keep(loop, connection, ingress + took, (size_t)bytes - took);
      return;
    }
    // TLS holds whole records: poll(2) does not know of the rest.
  } while (connection->transport->pending && connection->fd >= 0 &&
           connection->transport->pending(connection));
}

void reader_feed(struct loop *loop, struct connection *connection, const void *bytes,
                 size_t length) {
  const uint8_t *from = bytes;
  const int32_t handle = connection->handle;
  while (length > 0) {
    const int32_t room = limpet_core_rx_room(loop->core, handle);
    if (room <= 0) break;
    size_t piece = length < loop->ingress_size ? length : loop->ingress_size;
    if (piece > (uint32_t)room) piece = (uint32_t)room;
    memcpy(loop->memory + loop->ingress, from, piece);
    const uint32_t took = reader_take(loop, connection, (uint32_t)piece);
    if (connection->handle != handle) return;
    from += took;
    length -= took;
    if (took < piece) break;
  }
  if (length > 0) reader_keep(loop, connection, from, length);
}

void reader_resume(struct loop *loop, struct connection *connection) {
  row_set_add(&loop->resuming, link_row(loop, connection));
}

/* Feeds what was kept, and what the core holds, as far as the session takes it now; then reads on. */
static void reader_unstash(struct loop *loop, struct connection *connection) {
  const int32_t handle = connection->handle;
  if ((connection->flags & CONNECTION_HELD) || limpet_core_rx_room(loop->core, handle) <= 0) return;
  // Early frames may be held in the core itself.
  reader_take(loop, connection, 0);
  if (connection->handle != handle) return;
  struct extra *extra = connection->extra;
  if (extra && extra->stash) {
    uint8_t *stash = extra->stash;
    extra->stash = NULL;
    reader_feed(loop, connection, stash, extra->stash_length);
    memory_give(loop->server, stash);
    if (connection->handle != handle) return;
  }
  if (!reader_may(connection)) return;
  link_watch(loop, connection, connection->interest | POLLIN);
  if (connection->transport->pending && connection->transport->pending(connection))
    reader_ready(loop, connection);
}

void reader_resume_all(struct loop *loop) {
  if (loop->resuming.count == 0) return;
  // One way through the table: what is added behind is for the next turn at the latest.
  for (uint32_t row = 0; (row = row_set_next(&loop->resuming, row, loop->rows)) < loop->rows;
       row++) {
    row_set_remove(&loop->resuming, row);
    reader_unstash(loop, &loop->connections[row]);
  }
}
