/* struct limpet_selection -> the core's SelectRecord -> sessions. */

#include <string.h>

#include "hub.h"
#include "text.h"

/* A bound in ms since 1970 as one of the core's clock; 0 leaves it out, so what lies before that clock's beginning
 * becomes `least`. */
static uint64_t select_time(const struct loop *loop, uint64_t time, uint64_t least) {
  if (time == 0) return 0;
  const uint64_t epoch = (uint64_t)loop->epoch;
  return time > epoch ? time - epoch : least;
}

int32_t select_record(struct loop *loop, const struct limpet_selection *selection, uint32_t *at) {
  if (!selection) return 0;
  struct limpet_select_record record;
  memset(&record, 0, sizeof record);
  record.opened_from = select_time(loop, selection->opened_from, 0);
  record.opened_until = select_time(loop, selection->opened_until, 1);
  record.messages_in_from = selection->messages_in_from;
  record.messages_in_to = selection->messages_in_to;
  record.messages_out_from = selection->messages_out_from;
  record.messages_out_to = selection->messages_out_to;
  if (loop_find(selection->except) == loop) record.except = session_handle(selection->except);
  // The record lies in front, at a border of 8 bytes as the scratch region does.
  *at = sizeof record;
  if (selection->key) {
    int32_t ptr, length;
    if (text_pass(loop, at, selection->key, "a key", &ptr, &length) != 0)
      return LIMPET_ERROR_CODE_ARGUMENT;
    record.key_ptr = (uint32_t)ptr;
    record.key_len = (uint32_t)length;
    // An empty key is one that nobody has; the core takes it for none.
    if (length == 0) return LIMPET_ERROR_CODE_ARGUMENT;
  }
  if (selection->key && selection->value) {
    record.value_ptr = loop_pass(loop, at, selection->value, selection->value_length);
    record.value_len = (uint32_t)selection->value_length;
    if (record.value_ptr == 0) return LIMPET_ERROR_CODE_ARGUMENT;
  }
  memcpy(loop->memory + loop->scratch, &record, sizeof record);
  return (int32_t)loop->scratch;
}

/* A core without the feature `topics` does not go through its sessions: the table does, for a selection of all. */
static int32_t select_row(struct loop *loop, const struct limpet_selection *selection,
                          int32_t after) {
  if (selection) return LIMPET_ERROR_CODE_UNSUPPORTED;
  uint32_t row = after == 0 ? 0 : ((uint32_t)after & LIMPET_HANDLE_SLOT) + 1;
  for (; row < loop->rows; row++) {
    const int32_t handle = loop->connections[row].handle;
    if (handle != 0 && link_state(loop, handle) == LIMPET_STATE_OPEN) return handle;
  }
  return 0;
}

int32_t select_next(struct loop *loop, const struct limpet_selection *selection, int32_t after) {
  for (;;) {
    uint32_t at;
    const int32_t record = select_record(loop, selection, &at);
    if (record < 0) return record;
    const int32_t next = limpet_core_select(loop->core, record, after);
    if (next == LIMPET_ERROR_CODE_UNSUPPORTED) return select_row(loop, selection, after);
    after = next;
    if (after <= 0 || !selection || !selection->filter) return after;
    if (selection->filter(loop_session(loop, after), selection->user)) return after;
  }
}

/* -------------------------------------------------------------- the application's */

int limpet_server_select(limpet_server *server, const struct limpet_selection *selection,
                         limpet_session *sessions, size_t max) {
  if (!server) return fail(LIMPET_ERROR_CODE_ARGUMENT, "limpet_server_select takes a server");
  if (!sessions && max > 0) return fail(LIMPET_ERROR_CODE_ARGUMENT, "%zu sessions at NULL", max);
  size_t count = 0;
  bool mine = false;
  for (int i = 0; i < server->loop_count; i++) {
    struct loop *loop = server->loops[i];
    if (!loop_is_mine(loop)) continue;
    mine = true;
    int32_t handle = 0;
    while ((handle = select_next(loop, selection, handle)) > 0) {
      if (count < max) sessions[count] = loop_session(loop, handle);
      count++;
    }
    if (handle < 0) return refuse(handle);
  }
  return mine ? (int)count : refuse(LIMPET_E_THREAD);
}

int limpet_server_sessions(limpet_server *server, limpet_session *sessions, size_t max) {
  return limpet_server_select(server, NULL, sessions, max);
}
