/* Rows of a loop's table: descriptor ◄─► session. */

#include "link.h"

#include <string.h>
#include <unistd.h>

#include "bounds.h"
#include "client.h"
#include "loop.h"
#include "memory.h"

uint32_t link_row(const struct loop *loop, const struct connection *connection) {
  return (uint32_t)(connection - loop->connections);
}

struct connection *link_of(struct loop *loop, int32_t handle) {
  const uint32_t row = (uint32_t)handle & LIMPET_HANDLE_SLOT;
  if (handle <= 0 || row >= loop->rows) return NULL;
  struct connection *connection = &loop->connections[row];
  return connection->handle == handle ? connection : NULL;
}

const struct limpet_session_info *link_info(struct loop *loop, int32_t handle) {
  const int32_t at = limpet_core_session_info(loop->core, handle);
  return at > 0 ? (const void *)(loop->memory + at) : NULL;
}

enum limpet_state link_state(struct loop *loop, int32_t handle) {
  const struct limpet_session_info *info = link_info(loop, handle);
  return info ? (enum limpet_state)info->state : LIMPET_STATE_CLOSED;
}

struct connection *link_add(struct loop *loop, int32_t handle, int fd,
                            const struct transport *transport) {
  struct connection *connection = &loop->connections[(uint32_t)handle & LIMPET_HANDLE_SLOT];
  *connection = (struct connection){.handle = handle, .fd = fd, .transport = transport};
  return connection;
}

void link_begin(struct loop *loop, struct connection *connection) {
  if (connection->transport->handshake) {
    connection->flags |= CONNECTION_SHAKING;
    link_watch(loop, connection, connection->flags & CONNECTION_CLIENT ? POLLOUT : POLLIN);
  } else {
    link_watch(loop, connection, POLLIN);
  }
}

void link_watch(struct loop *loop, struct connection *connection, short events) {
  if (connection->fd < 0 || (connection->watched && connection->interest == events)) return;
  const uint32_t row = link_row(loop, connection);
  const int done = connection->watched
                       ? loop->polling->change(loop->poller, connection->fd, row, events)
                       : loop->polling->add(loop->poller, connection->fd, row, events);
  connection->watched = true;
  connection->interest = events;
  if (done == 0) return;
  events_broke(loop, connection, LIMPET_E_SYSTEM, "the poller takes no more");
  limpet_core_terminate(loop->core, connection->handle);
}

int link_release(struct loop *loop, struct connection *connection) {
  const int fd = connection->fd;
  if (fd < 0) return -1;
  if (connection->watched) loop->polling->remove(loop->poller, fd, link_row(loop, connection));
  connection->watched = false;
  if (connection->transport->release) connection->transport->release(connection);
  connection->secure = NULL;
  connection->fd = -1;
  return fd;
}

/* The descriptor of a limpet_ws is its own to close. */
static void link_close(const struct connection *connection, int fd) {
  if (fd >= 0 && !(connection->flags & CONNECTION_QUIET)) close(fd);
}

void link_gone(struct loop *loop, struct connection *connection) {
  const int fd = link_release(loop, connection);
  link_close(connection, fd);
  // Descriptors are free again.
  if (fd >= 0 && loop->listener_wait != 0) loop->listener_wait = loop->now;
  limpet_core_eof(loop->core, connection->handle, loop_now(loop));
}

/* -------------------------------------------------------------------- rare things */

struct extra *link_extra(struct loop *loop, struct connection *connection) {
  if (connection->extra) return connection->extra;
  struct extra *extra = memory_take(loop->server, sizeof *extra);
  if (!extra) return NULL;
  memset(extra, 0, sizeof *extra);
  extra->close_code = -1;
  return connection->extra = extra;
}

struct outgoing *outgoing_new(struct loop *loop, int kind, const void *data, size_t length) {
  struct outgoing *outgoing = memory_take(loop->server, sizeof *outgoing);
  if (!outgoing) return NULL;
  struct buffer *buffer = loop->told;
  if (buffer_has(buffer, data, length)) {
    buffer->holders++;
    *outgoing = (struct outgoing){.kind = kind, .bytes = data, .length = length, .buffer = buffer};
    return outgoing;
  }
  buffer = buffer_take(loop, length);
  if (!buffer) {
    memory_give(loop->server, outgoing);
    return NULL;
  }
  if (length > 0) memcpy(buffer->bytes, data, length);
  *outgoing =
      (struct outgoing){.kind = kind, .bytes = buffer->bytes, .length = length, .buffer = buffer};
  return outgoing;
}

void outgoing_free(struct loop *loop, struct outgoing *outgoing) {
  buffer_leave(loop, outgoing->buffer);
  memory_give(loop->server, outgoing);
}

void outgoing_append(struct outgoing_list *list, struct outgoing *payload) {
  if (list->last) list->last->next = payload;
  else list->first = payload;
  list->last = payload;
  list->bytes += payload->length;
}

void outgoing_insert(struct outgoing_list *list, struct outgoing *payload) {
  if (!list->first || list->first == list->last) {
    outgoing_append(list, payload);
    return;
  }
  payload->next = list->first->next;
  list->first->next = payload;
  list->bytes += payload->length;
}

void outgoing_drop(struct loop *loop, struct outgoing_list *list) {
  struct outgoing *payload = list->first;
  list->bytes -= payload->length;
  list->first = payload->next;
  if (!list->first) list->last = NULL;
  outgoing_free(loop, payload);
}

static void extra_free(struct loop *loop, struct extra *extra) {
  if (!extra) return;
  client_release(loop, extra);
  while (extra->outside.first) outgoing_drop(loop, &extra->outside);
  while (extra->waiting.first) outgoing_drop(loop, &extra->waiting);
  memory_give(loop->server, extra->stash);
  buffer_leave(loop, extra->gathered);
  memory_give(loop->server, extra);
}

void link_forget(struct loop *loop, struct connection *connection) {
  link_close(connection, link_release(loop, connection));
  extra_free(loop, connection->extra);
  bounds_leave(loop, connection);
  const uint32_t row = link_row(loop, connection);
  row_set_remove(&loop->resuming, row);
  row_set_remove(&loop->waiting, row);
  row_set_remove(&loop->asked, row);
  *connection = (struct connection){.fd = -1};
}
