/* The chat of `limpetd --chat`. A room is the topic `chat/ROOM`, a name is metadata, and who is typing is
 * published to all in the room but who types. Messages are JSON with a `type`, as with host/node/commands/chat.ts:
 *
 *   page   ─► join { room, name }   say { text }   typing { on }   leave
 *   server ─► rooms { rooms }       joined { room, you, members }  came { id, name }  gone { id }
 *             said { id, name, text }   typing { id, on }   left   error { message } */

#include "chat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "names.h"

#define PREFIX "chat/"
/* The topic on which the list of rooms is published. */
#define LOBBY "lobby"

/* Longest name of a room or a person, and longest message, in UTF-16 code units. */
#define NAME_MAX_UNITS 24
#define TEXT_MAX_UNITS 2000
/* A code unit is at most three bytes of UTF-8; a zero byte. */
#define NAME_SIZE (3 * NAME_MAX_UNITS + 1)
#define TOPIC_SIZE (sizeof PREFIX + NAME_SIZE)
/* How many rooms, and members of a room, are listed. */
#define ROOMS_LISTED 100
#define MEMBERS_LISTED 200
/* How often the list of rooms is published while it changes, ms. */
#define ROOMS_MS 100

/* A session's own: the room that it is in, "" for none. */
struct person {
  char room[NAME_SIZE];
};

/* When the list of rooms is published, on the clock of limpet_now; 0: it has not changed. */
static int64_t announce_at;

/* What a page calls a session. One core: its handle is enough. */
static unsigned long long id_of(limpet_session session) { return session & 0xffffffffu; }

static void topic_of(const char *room, char topic[TOPIC_SIZE]) {
  snprintf(topic, TOPIC_SIZE, PREFIX "%s", room);
}

static size_t name_of(limpet_session session, char name[NAME_SIZE]) {
  int length = limpet_session_metadata(session, "name", name, NAME_SIZE - 1);
  size_t end = length < 0 ? 0 : length < NAME_SIZE ? (size_t)length : NAME_SIZE - 1;
  name[end] = 0;
  return end;
}

/* ------------------------------------------------------------------------------ saying */

/* Begins a message: {"type":"…" */
static struct json_text message_of(const char *type) {
  struct json_text text = {0};
  json_add(&text, "{\"type\":\"");
  json_add(&text, type);
  json_add(&text, "\"");
  return text;
}

static void add_id(struct json_text *text, const char *name, limpet_session session) {
  json_add(text, name);
  json_add_number(text, id_of(session));
}

static void add_text(struct json_text *text, const char *name, const char *value, size_t length) {
  json_add(text, name);
  json_add_string(text, value, length);
}

/* Ends a message and sends it. One for which there is no memory is not sent. */
static void tell(limpet_session session, struct json_text *text) {
  json_add(text, "}");
  if (!text->failed) limpet_session_send(session, LIMPET_TEXT, text->bytes, text->length);
  json_free(text);
}

/* The same to all in a topic, but `except`. */
static void tell_all(limpet_server *server, const char *topic, limpet_session except,
                     struct json_text *text) {
  json_add(text, "}");
  if (!text->failed) {
    limpet_server_publish(server, topic, except, LIMPET_TEXT, text->bytes, text->length, NULL);
  }
  json_free(text);
}

/* ------------------------------------------------------------------------------- rooms */

struct listed {
  char name[NAME_SIZE];
  uint32_t members;
};

struct listing {
  struct listed *rooms;
  size_t count, size;
};

static bool list_room(const struct limpet_room *room, void *user) {
  struct listing *listing = user;
  if (strncmp(room->topic, PREFIX, strlen(PREFIX)) != 0) return true;
  if (listing->count == listing->size) {
    size_t size = listing->size * 2 + 16;
    struct listed *more = realloc(listing->rooms, size * sizeof *more);
    if (!more) return false;
    listing->rooms = more;
    listing->size = size;
  }
  struct listed *one = &listing->rooms[listing->count++];
  snprintf(one->name, sizeof one->name, "%s", room->topic + strlen(PREFIX));
  one->members = room->members;
  return true;
}

static int by_members(const void *a, const void *b) {
  const struct listed *one = a, *other = b;
  if (one->members != other->members) return one->members > other->members ? -1 : 1;
  return strcmp(one->name, other->name);
}

/* The rooms with the most members, and how many there are in each. */
static struct json_text rooms_of(limpet_server *server) {
  struct listing listing = {0};
  limpet_server_rooms(server, list_room, &listing);
  if (listing.count > 1) qsort(listing.rooms, listing.count, sizeof *listing.rooms, by_members);
  struct json_text text = message_of("rooms");
  json_add(&text, ",\"rooms\":[");
  for (size_t i = 0; i < listing.count && i < ROOMS_LISTED; i++) {
    const struct listed *room = &listing.rooms[i];
    add_text(&text, i ? ",{\"name\":" : "{\"name\":", room->name, strlen(room->name));
    json_add(&text, ",\"members\":");
    json_add_number(&text, room->members);
    json_add(&text, "}");
  }
  json_add(&text, "]");
  free(listing.rooms);
  return text;
}

/* Publishes the list of rooms, soon: many may come and go at once. */
static void announce(void) {
  if (announce_at == 0) announce_at = limpet_now() + ROOMS_MS;
}

int chat_wait(void) {
  if (announce_at == 0) return -1;
  int64_t wait = announce_at - limpet_now();
  return wait < 0 ? 0 : (int)wait;
}

void chat_turn(limpet_server *server) {
  if (announce_at == 0 || limpet_now() < announce_at) return;
  announce_at = 0;
  struct json_text text = rooms_of(server);
  tell_all(server, LOBBY, 0, &text);
}

/* --------------------------------------------------------------------------- messages in */

/* What a page is told of a call that failed. */
static const char *explained(int code) {
  if (code == LIMPET_ERROR_CODE_ROOMS) return "there are as many rooms as there can be";
  if (code == LIMPET_ERROR_CODE_MEMBERSHIPS) return "all rooms are full";
  if (code == LIMPET_ERROR_CODE_METADATA) return "there is no place for another name";
  /* Names that are short enough for people may be too long for a small core. */
  return "that name is too long here";
}

static void leave(limpet_server *server, limpet_session session, struct person *person) {
  if (!person->room[0]) return;
  char topic[TOPIC_SIZE];
  topic_of(person->room, topic);
  person->room[0] = 0;
  limpet_session_leave(session, topic);
  struct json_text text = message_of("gone");
  add_id(&text, ",\"id\":", session);
  tell_all(server, topic, session, &text);
  announce();
}

/* The name of a room or a person in `into`; NULL, or why it is none. */
static const char *name_given(struct json_member *member, bool is_room, char into[NAME_SIZE]) {
  size_t length = member->kind == JSON_STRING ? member->length : 0;
  const char *name = length ? names_trim(member->text, &length) : "";
  if (length == 0) return is_room ? "a room has a name" : "a person has a name";
  if (names_units(name, length) > NAME_MAX_UNITS) {
    return is_room ? "the name of a room has at most 24 characters"
                   : "the name of a person has at most 24 characters";
  }
  if (!names_fit(name, length)) {
    return is_room ? "the name of a room is letters, digits and signs"
                   : "the name of a person is letters, digits and signs";
  }
  if (is_room && strpbrk(name, "/+#")) return "the name of a room is without / + #";
  memcpy(into, name, length);
  into[length] = 0;
  return NULL;
}

/* Who is in a room, and how many; NULL when nobody is, or without memory. */
static limpet_session *members_of(limpet_server *server, const char *topic, size_t *count) {
  int found = limpet_server_room_members(server, topic, NULL, 0);
  *count = found < 0 ? 0 : (size_t)found;
  limpet_session *members = *count ? malloc(*count * sizeof *members) : NULL;
  if (!members) *count = 0;
  else limpet_server_room_members(server, topic, members, *count);
  return members;
}

/* Tells who came who is there: itself first. */
static void tell_joined(limpet_session session, const char *room, const limpet_session *members,
                        size_t count) {
  char name[NAME_SIZE];
  struct json_text text = message_of("joined");
  add_text(&text, ",\"room\":", room, strlen(room));
  add_id(&text, ",\"you\":", session);
  add_id(&text, ",\"members\":[{\"id\":", session);
  add_text(&text, ",\"name\":", name, name_of(session, name));
  json_add(&text, "}");
  size_t listed = 1;
  for (size_t i = 0; i < count && listed < MEMBERS_LISTED; i++) {
    if (members[i] == session) continue;
    add_id(&text, ",{\"id\":", members[i]);
    add_text(&text, ",\"name\":", name, name_of(members[i], name));
    json_add(&text, "}");
    listed++;
  }
  json_add(&text, "]");
  tell(session, &text);
}

/* What can fail comes before what the others are told. */
static const char *enter(limpet_session session, const char *topic, const char *name, bool is_new) {
  int code = is_new ? limpet_session_join(session, topic) : 0;
  if (code < 0) return explained(code);
  code = limpet_session_set_metadata(session, "name", name, strlen(name));
  if (code >= 0) return NULL;
  if (is_new) limpet_session_leave(session, topic);
  return explained(code);
}

static const char *join(limpet_server *server, limpet_session session, struct person *person,
                        const char *room, const char *name) {
  static char taken[NAME_SIZE + 40];
  char topic[TOPIC_SIZE], other[NAME_SIZE];
  topic_of(room, topic);
  size_t count;
  limpet_session *members = members_of(server, topic, &count);
  const char *refused = NULL;
  for (size_t i = 0; i < count && !refused; i++) {
    if (members[i] == session) continue;
    name_of(members[i], other);
    if (!names_same(other, name)) continue;
    snprintf(taken, sizeof taken, "there is %s in this room already", name);
    refused = taken;
  }
  bool is_new = strcmp(person->room, room) != 0;
  if (!refused) refused = enter(session, topic, name, is_new);
  if (!refused) {
    if (is_new) leave(server, session, person);
    snprintf(person->room, sizeof person->room, "%s", room);
    struct json_text text = message_of("came");
    add_id(&text, ",\"id\":", session);
    add_text(&text, ",\"name\":", name, strlen(name));
    tell_all(server, topic, session, &text);
    tell_joined(session, room, members, count);
    announce();
  }
  free(members);
  return refused;
}

static const char *say(limpet_server *server, limpet_session session, const struct person *person,
                       struct json_member *said) {
  bool is_text = said->kind == JSON_STRING;
  size_t units = is_text ? names_units(said->text, said->length) : 0, length = said->length;
  char *words = is_text ? names_trim(said->text, &length) : NULL;
  if (!is_text || length == 0) return "say something";
  if (units > TEXT_MAX_UNITS) return "a message has at most 2000 characters";
  char topic[TOPIC_SIZE], name[NAME_SIZE];
  topic_of(person->room, topic);
  struct json_text text = message_of("said");
  add_id(&text, ",\"id\":", session);
  add_text(&text, ",\"name\":", name, name_of(session, name));
  add_text(&text, ",\"text\":", words, length);
  tell_all(server, topic, 0, &text);
  return NULL;
}

/* Does what a page asks for; NULL, or why not. */
static const char *asked(limpet_server *server, limpet_session session, struct person *person,
                         char *data, size_t length) {
  struct json_member members[] = {
      {.name = "type"}, {.name = "room"}, {.name = "name"}, {.name = "text"}, {.name = "on"}};
  if (!data || !json_read(data, length, members, 5)) return "a message is a JSON object";
  const char *type = members[0].kind == JSON_STRING ? members[0].text : "";
  char room[NAME_SIZE], name[NAME_SIZE], topic[TOPIC_SIZE];
  if (strcmp(type, "join") == 0) {
    const char *why = name_given(&members[1], true, room);
    if (!why) why = name_given(&members[2], false, name);
    return why ? why : join(server, session, person, room, name);
  }
  if (!person->room[0]) return "join a room first";
  if (strcmp(type, "say") == 0) return say(server, session, person, &members[3]);
  if (strcmp(type, "typing") == 0) {
    topic_of(person->room, topic);
    struct json_text text = message_of("typing");
    add_id(&text, ",\"id\":", session);
    json_add(&text, members[4].kind == JSON_TRUE ? ",\"on\":true" : ",\"on\":false");
    tell_all(server, topic, session, &text);
    return NULL;
  }
  if (strcmp(type, "leave") != 0) return "there are join, say, typing and leave";
  leave(server, session, person);
  struct json_text text = message_of("left");
  tell(session, &text);
  return NULL;
}

/* --------------------------------------------------------------------------- callbacks */

static enum limpet_verdict chat_upgrade(limpet_server *server, limpet_session session,
                                        const char *path, void *user) {
  (void)server;
  (void)user;
  if (strcmp(path, "/chat") == 0) return LIMPET_ACCEPT;
  limpet_session_respond(session, 404, NULL, NULL, 0);
  return LIMPET_DECIDED;
}

static void chat_connect(limpet_server *server, limpet_session session, void *user) {
  (void)user;
  struct person *person = calloc(1, sizeof *person);
  limpet_session_set_user(session, person);
  if (!person || limpet_session_join(session, LOBBY) < 0) {
    limpet_session_close(session, 1013, "the chat is full");
    return;
  }
  struct json_text text = rooms_of(server);
  tell(session, &text);
}

static void chat_message(limpet_server *server, limpet_session session, enum limpet_type type,
                         char *data, size_t length, void *user) {
  (void)user;
  struct person *person = limpet_session_user(session);
  if (!person) return;
  const char *why = asked(server, session, person, type == LIMPET_TEXT ? data : NULL, length);
  if (!why) return;
  struct json_text text = message_of("error");
  add_text(&text, ",\"message\":", why, strlen(why));
  tell(session, &text);
}

static void chat_close(limpet_server *server, limpet_session session, uint16_t code,
                       const char *reason, void *user) {
  (void)code;
  (void)reason;
  (void)user;
  struct person *person = limpet_session_set_user(session, NULL);
  if (person) leave(server, session, person);
  free(person);
}

void chat_serve(limpet_server *server) {
  limpet_server_set_on_upgrade(server, chat_upgrade, NULL);
  limpet_server_set_on_connect(server, chat_connect, NULL);
  limpet_server_set_on_message(server, chat_message, NULL);
  limpet_server_set_on_close(server, chat_close, NULL);
}
