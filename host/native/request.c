/* The request of a session -> strings of C: while on_upgrade or on_request decides, and later as far as it is
 * kept (limpet_config_set_keep_request). */

#include <string.h>

#include "loop.h"
#include "memory.h"
#include "text.h"

/* A field that the core found, or a code -> the caller's buffer. */
static int request_copy(const struct loop *loop, int32_t at, char *buffer, size_t size) {
  if (at < 0) return refuse(at);
  const struct limpet_field_record *field = (const void *)(loop->memory + at);
  return text_copy(buffer, size, loop->memory + field->ptr, field->len);
}

/* The loop of a session that this thread may touch, and a buffer that is one. */
static int request_enter(limpet_session session, const char *buffer, size_t size,
                         struct loop **loop, struct connection **connection) {
  if (!buffer && size > 0)
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "a string for %zu bytes at NULL", size);
  const int entered = loop_enter(session, loop, connection);
  return entered != 0 ? refuse(entered) : 0;
}

int limpet_session_request_part(limpet_session session, enum limpet_part part, char *buffer,
                                size_t size) {
  struct loop *loop;
  struct connection *connection;
  const int code = request_enter(session, buffer, size, &loop, &connection);
  if (code != 0) return code;
  const int32_t at = limpet_core_request_part(loop->core, connection->handle, (int32_t)part);
  return request_copy(loop, at, buffer, size);
}

/* limpet_core_header, limpet_core_cookie. */
typedef int32_t (*named_part)(limpet_core *core, int32_t handle, int32_t ptr, int32_t length);

static int request_named(limpet_session session, named_part call, const char *name, char *buffer,
                         size_t size) {
  if (!name) return fail(LIMPET_ERROR_CODE_ARGUMENT, "a field and a cookie have a name");
  struct loop *loop;
  struct connection *connection;
  int code = request_enter(session, buffer, size, &loop, &connection);
  if (code != 0) return code;
  uint32_t used = 0;
  int32_t ptr, length;
  code = text_pass(loop, &used, name, "a name", &ptr, &length);
  if (code != 0) return code;
  return request_copy(loop, call(loop->core, connection->handle, ptr, length), buffer, size);
}

int limpet_session_header(limpet_session session, const char *name, char *buffer, size_t size) {
  return request_named(session, limpet_core_header, name, buffer, size);
}

int limpet_session_cookie(limpet_session session, const char *name, char *buffer, size_t size) {
  return request_named(session, limpet_core_cookie, name, buffer, size);
}

int limpet_session_offered_protocol(limpet_session session, int index, char *buffer, size_t size) {
  if (index < 0) return fail(LIMPET_ERROR_CODE_ARGUMENT, "subprotocols are counted from 0");
  struct loop *loop;
  struct connection *connection;
  const int code = request_enter(session, buffer, size, &loop, &connection);
  if (code != 0) return code;
  const int32_t at = limpet_core_protocol_at(loop->core, connection->handle, index);
  return request_copy(loop, at, buffer, size);
}

int limpet_session_headers(limpet_session session,
                           bool (*told)(const char *name, const char *value, void *user),
                           void *user) {
  if (!told) return fail(LIMPET_ERROR_CODE_ARGUMENT, "somebody is told of the fields");
  struct loop *loop;
  struct connection *connection;
  const int code = request_enter(session, NULL, 0, &loop, &connection);
  if (code != 0) return code;
  const int32_t handle = connection->handle;
  const int32_t at = limpet_core_request_part(loop->core, handle, LIMPET_PART_METHOD);
  if (at < 0) return refuse(at);
  int count = 0;
  bool goes_on = true;
  // Copies: the callback may call into the core, and may decide on the request.
  for (int32_t cursor = 0;
       goes_on && (cursor = limpet_core_header_next(loop->core, handle, cursor)) > 0;) {
    const struct limpet_field_record field =
        *(const struct limpet_field_record *)(const void *)(loop->memory + at);
    char *name = text_take(loop, field.name_ptr, field.name_len);
    char *value = text_take(loop, field.ptr, field.len);
    const bool whole = name && value;
    goes_on = whole && told(name, value, user);
    memory_give(loop->server, name);
    memory_give(loop->server, value);
    if (!whole) return LIMPET_ERROR_CODE_MEMORY;
    count++;
  }
  return count;
}
