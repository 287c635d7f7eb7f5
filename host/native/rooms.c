/* Rooms: who is in which, and what there is. MQTT 5 4.7. Publishing to them: hub.c. */

#include <string.h>

#include "hub.h"
#include "memory.h"
#include "text.h"

/* limpet_core_subscribe and its kin. */
typedef int32_t (*room_call)(limpet_core *core, int32_t handle, int32_t ptr, int32_t length);

static int rooms_call(limpet_session session, const char *topic, room_call call) {
  if (!topic) return fail(LIMPET_ERROR_CODE_ARGUMENT, "a room has a topic");
  struct loop *loop;
  struct connection *connection;
  const int entered = loop_enter(session, &loop, &connection);
  if (entered != 0) return refuse(entered);
  uint32_t at = 0;
  int32_t ptr, length;
  const int code = text_pass(loop, &at, topic, "a topic", &ptr, &length);
  if (code != 0) return code;
  const int answer = call(loop->core, connection->handle, ptr, length);
  if (answer == LIMPET_ERROR_CODE_VALUE) return fail(answer, "\"%.128s\" is no topic", topic);
  return settle(answer);
}

int limpet_session_join(limpet_session session, const char *topic) {
  return rooms_call(session, topic, limpet_core_subscribe);
}

int limpet_session_leave(limpet_session session, const char *topic) {
  return rooms_call(session, topic, limpet_core_unsubscribe);
}

int limpet_session_in_room(limpet_session session, const char *topic) {
  return rooms_call(session, topic, limpet_core_subscribed);
}

/* ------------------------------------------------------------------------ members */

/* Handles that one page of members has at the most. */
#define PAGE_MAX 1024u

/* Writes members of a room of this loop behind the first `count`; how many there are then, or a code. */
static int rooms_members(struct loop *loop, const char *topic, limpet_session *sessions, size_t max,
                         size_t count) {
  int32_t after = 0;
  for (;;) {
    uint32_t at = 0;
    int32_t ptr, length;
    const int code = text_pass(loop, &at, topic, "a topic", &ptr, &length);
    if (code != 0) return code;
    // The page lies behind the topic, at a word's border.
    at = (at + 3u) & ~3u;
    const uint32_t room =
        at < loop->scratch_size ? (loop->scratch_size - at) / (uint32_t)sizeof(int32_t) : 0;
    const uint32_t most = room < PAGE_MAX ? room : PAGE_MAX;
    if (most == 0) return fail(LIMPET_ERROR_CODE_ARGUMENT, "a topic is too long");
    const int32_t found = limpet_core_room_members(loop->core, ptr, length, after,
                                                   (int32_t)(loop->scratch + at), (int32_t)most);
    if (found == LIMPET_ERROR_CODE_ABSENT) return (int)count;
    if (found < 0) return refuse(found);
    for (int32_t i = 0; i < found; i++) {
      memcpy(&after, loop->memory + loop->scratch + at + (size_t)i * sizeof after, sizeof after);
      if (count < max) sessions[count] = loop_session(loop, after);
      count++;
    }
    if ((uint32_t)found < most) return (int)count;
  }
}

int limpet_server_room_members(limpet_server *server, const char *topic, limpet_session *sessions,
                               size_t max) {
  if (!server || !topic)
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "members are those of a server's room");
  if (!sessions && max > 0) return fail(LIMPET_ERROR_CODE_ARGUMENT, "%zu sessions at NULL", max);
  int count = 0;
  bool mine = false;
  for (int i = 0; i < server->loop_count && count >= 0; i++) {
    if (!loop_is_mine(server->loops[i])) continue;
    mine = true;
    count = rooms_members(server->loops[i], topic, sessions, max, (size_t)count);
  }
  return mine ? count : refuse(LIMPET_E_THREAD);
}

/* -------------------------------------------------------------------------- rooms */

/* Tells of the rooms of this loop; false when the callback has enough. */
static bool rooms_tell(struct loop *loop, bool (*told)(const struct limpet_room *room, void *user),
                       void *user) {
  for (int32_t at = 0; (at = limpet_core_room_next(loop->core, at)) > 0;) {
    const struct limpet_room_record record =
        *(const struct limpet_room_record *)(const void *)(loop->memory + at);
    char *topic = text_take(loop, record.ptr, record.len);
    if (!topic) return false;
    const struct limpet_room room = {
        .topic = topic,
        .members = record.members,
        .messages = record.messages,
        .bytes = record.bytes,
        .pattern = record.wildcard != 0,
    };
    const bool goes_on = told(&room, user);
    memory_give(loop->server, topic);
    if (!goes_on) return false;
  }
  return true;
}

int limpet_server_rooms(limpet_server *server,
                        bool (*told)(const struct limpet_room *room, void *user), void *user) {
  if (!server || !told)
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "somebody is told of a server's rooms");
  uint32_t count = 0;
  bool mine = false, goes_on = true;
  for (int i = 0; i < server->loop_count; i++) {
    struct loop *loop = server->loops[i];
    if (!loop_is_mine(loop)) continue;
    mine = true;
    count += loop->stats->rooms_used;
    if (goes_on) goes_on = rooms_tell(loop, told, user);
  }
  return mine ? (int)count : refuse(LIMPET_E_THREAD);
}
