/* What an application asks of one session, and keeps with it: figures, address, user pointer, metadata.
 * What it does with one: session.c. What its request said: request.c. */

#include <arpa/inet.h>
#include <limits.h>
#include <string.h>

#include "loop.h"
#include "text.h"

/* --------------------------------------------------------------------- figures */

/* The core's record of a session: 0, or the code to answer with. */
static int details_record(limpet_session session, struct loop **loop,
                          const struct limpet_session_info **info) {
  struct connection *connection;
  const int entered = loop_enter(session, loop, &connection);
  if (entered != 0) return refuse(entered);
  *info = link_info(*loop, connection->handle);
  return *info ? 0 : refuse(LIMPET_ERROR_CODE_HANDLE);
}

/* A time of the core's as ms since 1970. */
static uint64_t details_time(const struct loop *loop, uint64_t time) {
  return time + (uint64_t)loop->epoch;
}

int limpet_session_info(limpet_session session, struct limpet_session_details *details) {
  if (!details) return fail(LIMPET_ERROR_CODE_ARGUMENT, "limpet_session_info takes details");
  struct loop *loop;
  const struct limpet_session_info *info = NULL;
  const int code = details_record(session, &loop, &info);
  if (code != 0) return code;
  const int queued = limpet_session_queued(session);
  *details = (struct limpet_session_details){
      .state = (enum limpet_state)info->state,
      .role = (enum limpet_role)info->role,
      .connected_at = details_time(loop, info->opened_at),
      .active_at = details_time(loop, info->active_at),
      .messages_received = info->messages_in,
      .messages_sent = info->messages_out,
      .bytes_received = info->bytes_in,
      .bytes_sent = info->bytes_out,
      .queued = queued < 0 ? 0 : (uint32_t)queued,
      // Bit 4 says that the context is kept.
      .deflate_in = info->deflate_in & 0x0f,
      .deflate_out = info->deflate_out & 0x0f,
      .heartbeats = info->heartbeats,
      .heartbeats_answered = info->heartbeats_answered,
      .rtt_last = info->rtt_last,
      .rtt_least = info->rtt_least,
      .rtt_most = info->rtt_most,
      .rtt_smoothed = info->rtt_smoothed,
  };
  return 0;
}

/* limpet_session_connected_at and its kin: one field of the above. */
#define FIGURE(name)                                                       \
  uint64_t limpet_session_##name(limpet_session session) {                 \
    struct limpet_session_details details;                                 \
    return limpet_session_info(session, &details) == 0 ? details.name : 0; \
  }
FIGURE(connected_at)
FIGURE(active_at)
FIGURE(messages_sent)
FIGURE(messages_received)
FIGURE(bytes_sent)
FIGURE(bytes_received)
#undef FIGURE

/* --------------------------------------------------------------------- address */

int limpet_session_remote_address(limpet_session session, char *buffer, size_t size, int *port,
                                  int *family) {
  if (!buffer && size > 0)
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "an address for %zu bytes at NULL", size);
  struct loop *loop;
  struct connection *connection;
  const int entered = loop_enter(session, &loop, &connection);
  if (entered != 0) return refuse(entered);
  const int32_t at = limpet_core_address(loop->core, connection->handle);
  if (at < 0) return refuse(at);
  const struct limpet_address_record *record = (const void *)(loop->memory + at);
  char text[INET6_ADDRSTRLEN] = "";
  if (record->family != 0) {
    inet_ntop(record->family == 6 ? AF_INET6 : AF_INET, &record->ip0, text, sizeof text);
  }
  if (port) *port = record->port;
  if (family) *family = record->family;
  return text_copy(buffer, size, text, strlen(text));
}

/* ---------------------------------------------------------------- user pointer */

void *limpet_session_user(limpet_session session) {
  struct loop *loop;
  struct connection *connection;
  const int entered = loop_enter(session, &loop, &connection);
  if (entered == 0) return connection->user;
  (void)refuse(entered);
  return NULL;
}

void *limpet_session_set_user(limpet_session session, void *user) {
  struct loop *loop;
  struct connection *connection;
  const int entered = loop_enter(session, &loop, &connection);
  if (entered != 0) {
    (void)refuse(entered);
    return NULL;
  }
  void *old = connection->user;
  connection->user = user;
  return old;
}

/* -------------------------------------------------------------------- metadata */

/* A key in the scratch region, of a session that this thread may touch. */
struct entry {
  struct loop *loop;
  struct connection *connection;
  int32_t ptr, length;
  /* Bytes of the scratch region that are used. */
  uint32_t at;
};

static int details_key(limpet_session session, const char *key, struct entry *entry) {
  if (!key) return fail(LIMPET_ERROR_CODE_ARGUMENT, "metadata has a key");
  const int entered = loop_enter(session, &entry->loop, &entry->connection);
  if (entered != 0) return refuse(entered);
  entry->at = 0;
  return text_pass(entry->loop, &entry->at, key, "a key", &entry->ptr, &entry->length);
}

int limpet_session_set_metadata(limpet_session session, const char *key, const void *value,
                                size_t length) {
  struct entry entry;
  if (!value && length > 0)
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "a value of %zu bytes at NULL", length);
  const int code = details_key(session, key, &entry);
  if (code != 0) return code;
  const uint32_t ptr = loop_pass(entry.loop, &entry.at, value, length);
  if (ptr == 0) return fail(LIMPET_ERROR_CODE_ARGUMENT, "a value of %zu bytes is too long", length);
  return refuse(limpet_core_meta_set(entry.loop->core, entry.connection->handle, entry.ptr,
                                     entry.length, (int32_t)ptr, (int32_t)length));
}

int limpet_session_metadata(limpet_session session, const char *key, void *buffer, size_t size) {
  struct entry entry;
  if (!buffer && size > 0)
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "a value for %zu bytes at NULL", size);
  const int code = details_key(session, key, &entry);
  if (code != 0) return code;
  const int32_t at =
      limpet_core_meta_get(entry.loop->core, entry.connection->handle, entry.ptr, entry.length);
  if (at < 0) return refuse(at);
  const struct limpet_field_record *field = (const void *)(entry.loop->memory + at);
  const size_t copied = field->len < size ? field->len : size;
  if (copied > 0) memcpy(buffer, entry.loop->memory + field->ptr, copied);
  return (int)field->len;
}

int limpet_session_delete_metadata(limpet_session session, const char *key) {
  struct entry entry;
  const int code = details_key(session, key, &entry);
  if (code != 0) return code;
  return refuse(
      limpet_core_meta_delete(entry.loop->core, entry.connection->handle, entry.ptr, entry.length));
}
