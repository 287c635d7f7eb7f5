/* Many sessions at once: broadcasts, selections, rooms, lists, prepared messages; long ones, too. */

#include <pthread.h>

#include "support.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

#define CLIENTS 4

static struct check_client clients[CLIENTS];
static limpet_session sessions[CLIENTS];

static void gather(limpet_config *config) {
  serve(config);
  for (int i = 0; i < CLIENTS; i++) clients[i] = join(&sessions[i]);
}

static void scatter(void) {
  for (int i = 0; i < CLIENTS; i++) check_client_end(&clients[i]);
  CHECK_SOON(closed_count == opened_count);
  serve_end();
}

/* Exactly the clients whose bits are set get the message. */
static void told(unsigned bits, const char *text) {
  for (int i = 0; i < CLIENTS; i++) {
    if (bits >> i & 1) {
      CHECK_FRAME(&clients[i], CHECK_TEXT_FRAME, text);
    } else {
      CHECK(!check_wait(clients[i].fd, POLLIN, 10) && clients[i].held == 0);
    }
  }
}

static int say_to(const struct limpet_selection *selection, const char *text,
                  struct limpet_published *published) {
  return limpet_server_broadcast_to(server, selection, LIMPET_TEXT, text, strlen(text), published);
}

static void test_broadcast(void) {
  gather(NULL);
  CHECK_EQUAL(limpet_server_broadcast(server, LIMPET_TEXT, "all", 3), CLIENTS);
  told(0xf, "all");
  CHECK_EQUAL(limpet_server_broadcast(server, LIMPET_TEXT, NULL, 0), CLIENTS);
  told(0xf, "");
  struct limpet_published published = {9, 9, 9};
  const struct limpet_selection others = {.except = sessions[1]};
  CHECK_EQUAL(say_to(&others, "but one", &published), CLIENTS - 1);
  CHECK_EQUAL(published.delivered, CLIENTS - 1);
  CHECK_EQUAL(published.over, 0);
  CHECK_EQUAL(published.dropped, 0);
  told(0xd, "but one");
  const struct limpet_selection none = {0};
  CHECK_EQUAL(say_to(&none, "none left out", NULL), CLIENTS);
  told(0xf, "none left out");
  scatter();
}

/* A peer that answers as soon as it hears something. */
static void *answer(void *client) {
  char byte;
  const int fd = ((struct check_client *)client)->fd;
  CHECK(recv(fd, &byte, 1, MSG_PEEK) == 1);
  CHECK(send(fd, "\x81\x80....", 6, 0) == 6);
  return NULL;
}

/* What is sent between two polls leaves when the second one begins, not when its time is over. */
static void test_at_once(void) {
  serve(NULL);
  limpet_session session;
  struct check_client client = join(&session);
  pthread_t thread;
  for (int i = 0; i < 5; i++) support_pump();
  CHECK(pthread_create(&thread, NULL, answer, &client) == 0);
  CHECK_EQUAL(limpet_server_broadcast(server, LIMPET_TEXT, "now", 3), 1);
  CHECK_EQUAL(limpet_server_poll(server, CHECK_PATIENCE_MS), 1);
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK_FRAME(&client, CHECK_TEXT_FRAME, "now");
  part(&client);
  serve_end();
}

static bool is_third(limpet_session session, void *user) {
  CHECK(user == sessions);
  // The filter may call whatever it wants.
  limpet_session_set_metadata(session, "asked", "yes", 3);
  return session == sessions[2];
}

static void test_selections(void) {
  gather(NULL);
  limpet_session_set_metadata(sessions[0], "role", "admin", 5);
  limpet_session_set_metadata(sessions[1], "role", "guest", 5);
  limpet_session_set_metadata(sessions[3], "role", "", 0);
  struct limpet_selection selection = {.key = "role"};
  CHECK_EQUAL(say_to(&selection, "role", NULL), 3);
  told(0xb, "role");
  selection = (struct limpet_selection){.key = "role", .value = "admin", .value_length = 5};
  CHECK_EQUAL(say_to(&selection, "admin", NULL), 1);
  told(0x1, "admin");
  selection = (struct limpet_selection){.key = "role", .value = "", .value_length = 0};
  CHECK_EQUAL(say_to(&selection, "empty", NULL), 1);
  told(0x8, "empty");
  // Counted so far: three, one, two and three messages, the "role" that is told now not among them.
  selection = (struct limpet_selection){.messages_out_from = 2};
  CHECK_EQUAL(say_to(&selection, "two", NULL), 2);
  told(0x9, "two");
  selection = (struct limpet_selection){.messages_out_to = 1, .messages_in_from = 0};
  CHECK_EQUAL(limpet_server_select(server, &selection, NULL, 0), 2);
  check_client_send(&clients[2], CHECK_TEXT_FRAME, "x", 1);
  CHECK_SOON(limpet_session_messages_received(sessions[2]) == 1);
  selection = (struct limpet_selection){.messages_in_from = 1};
  limpet_session found[CLIENTS] = {0};
  CHECK_EQUAL(limpet_server_select(server, &selection, found, CLIENTS), 1);
  CHECK(found[0] == sessions[2]);
  selection = (struct limpet_selection){.filter = is_third, .user = sessions};
  CHECK_EQUAL(say_to(&selection, "third", NULL), 1);
  told(0x4, "third");
  CHECK_EQUAL(limpet_session_metadata(sessions[3], "asked", NULL, 0), 3);
  scatter();
}

static void test_times(void) {
  gather(NULL);
  const uint64_t last = limpet_session_connected_at(sessions[3]);
  struct limpet_selection selection = {.opened_from = last + 1};
  CHECK_EQUAL(limpet_server_select(server, &selection, NULL, 0), 0);
  selection = (struct limpet_selection){.opened_until = last + 1};
  CHECK_EQUAL(limpet_server_select(server, &selection, NULL, 0), CLIENTS);
  selection = (struct limpet_selection){.opened_from = 1, .opened_until = last + 1};
  CHECK_EQUAL(limpet_server_select(server, &selection, NULL, 0), CLIENTS);
  // Long ago nobody was there.
  selection = (struct limpet_selection){.opened_until = 1};
  CHECK_EQUAL(limpet_server_select(server, &selection, NULL, 0), 0);
  scatter();
}

static void test_lists(void) {
  gather(NULL);
  limpet_session all[CLIENTS] = {0};
  CHECK_EQUAL(limpet_server_sessions(server, all, 2), CLIENTS);
  CHECK(all[0] != 0 && all[1] != 0 && all[2] == 0);
  CHECK_EQUAL(limpet_server_active_count(server), CLIENTS);
  CHECK_EQUAL(limpet_server_total_count(server), CLIENTS);
  const limpet_session list[] = {sessions[2], sessions[0], 0, 12345, sessions[2]};
  CHECK_EQUAL(limpet_server_send_many(server, list, 5, LIMPET_TEXT, "many", 4), 3);
  told(0x5, "many");
  CHECK_FRAME(&clients[2], CHECK_TEXT_FRAME, "many");
  CHECK_EQUAL(limpet_server_send_many(server, NULL, 0, LIMPET_TEXT, "none", 4), 0);
  CHECK_EQUAL(limpet_server_total_messages(server), 3);
  struct limpet_stats_record stats;
  CHECK_EQUAL(limpet_server_stats(server, &stats), 0);
  CHECK_EQUAL(stats.messages_out, 3);
  CHECK_EQUAL(stats.active_peak, CLIENTS);
  scatter();
}

/* ---------------------------------------------------------------------------- rooms */

static int rooms_told;

static bool on_room(const struct limpet_room *room, void *user) {
  CHECK(user == &rooms_told);
  if (strcmp(room->topic, "news/+") == 0) {
    CHECK(room->pattern);
    CHECK_EQUAL(room->members, 1);
  } else {
    CHECK_STRING(room->topic, "news/sport");
    CHECK(!room->pattern);
    CHECK_EQUAL(room->members, 2);
    CHECK_EQUAL(room->messages, 2);
    CHECK_EQUAL(room->bytes, 9);
  }
  return ++rooms_told < 10;
}

static bool enough(const struct limpet_room *room, void *user) {
  (void)room;
  ++*(int *)user;
  return false;
}

static int publish(const char *topic, limpet_session except, const char *text,
                   struct limpet_published *published) {
  return limpet_server_publish(server, topic, except, LIMPET_TEXT, text, strlen(text), published);
}

static void test_rooms(void) {
  gather(NULL);
  CHECK_EQUAL(limpet_session_join(sessions[0], "news/sport"), 1);
  CHECK_EQUAL(limpet_session_join(sessions[0], "news/sport"), 0);
  CHECK_EQUAL(limpet_session_join(sessions[1], "news/sport"), 1);
  CHECK_EQUAL(limpet_session_join(sessions[3], "news/+"), 1);
  CHECK_EQUAL(limpet_session_in_room(sessions[0], "news/sport"), 1);
  CHECK_EQUAL(limpet_session_in_room(sessions[3], "news/sport"), 0);
  CHECK_EQUAL(limpet_session_join(sessions[0], "a#b"), LIMPET_ERROR_CODE_VALUE);
  CHECK_STRING(limpet_last_error(), "\"a#b\" is no topic");
  struct limpet_published published;
  CHECK_EQUAL(publish("news/sport", 0, "goal", &published), 3);
  CHECK_EQUAL(published.delivered, 3);
  told(0xb, "goal");
  CHECK_EQUAL(publish("news/sport", sessions[0], "other", NULL), 2);
  told(0xa, "other");
  CHECK_EQUAL(publish("nobody", 0, "x", &published), 0);
  CHECK_EQUAL(publish("news/+", 0, "x", NULL), LIMPET_ERROR_CODE_VALUE);
  CHECK_STRING(limpet_last_error(), "\"news/+\" is no topic to publish to");
  CHECK_EQUAL(limpet_server_rooms(server, on_room, &rooms_told), 2);
  CHECK_EQUAL(rooms_told, 2);
  int once = 0;
  CHECK_EQUAL(limpet_server_rooms(server, enough, &once), 2);
  CHECK_EQUAL(once, 1);
  limpet_session members[CLIENTS] = {0};
  CHECK_EQUAL(limpet_server_room_members(server, "news/sport", members, CLIENTS), 2);
  CHECK(members[0] == sessions[1] && members[1] == sessions[0]);
  CHECK_EQUAL(limpet_server_room_members(server, "news/sport", members, 1), 2);
  CHECK_EQUAL(limpet_server_room_members(server, "nobody", members, CLIENTS), 0);
  CHECK_EQUAL(limpet_session_leave(sessions[0], "news/sport"), 1);
  CHECK_EQUAL(limpet_session_leave(sessions[0], "news/sport"), 0);
  CHECK_EQUAL(publish("news/sport", 0, "left", NULL), 2);
  told(0xa, "left");
  scatter();
}

/* --------------------------------------------------------------------------- longer */

static char *long_text(size_t length) {
  char *text = malloc(length + 1);
  CHECK(text);
  for (size_t i = 0; i < length; i++) text[i] = (char)('a' + i % 23);
  text[length] = '\0';
  return text;
}

static void got_long(int client, size_t length, const char *text) {
  struct check_frame frame = check_client_receive(&clients[client]);
  CHECK_EQUAL(frame.first, CHECK_TEXT_FRAME);
  CHECK_EQUAL(frame.length, length);
  CHECK(strncmp(frame.payload, text, 60000) == 0);
}

/* Longer than the core's blocks: it goes to each by itself, in its turn. */
static void test_long(void) {
  const size_t length = 700001;
  char *text = long_text(length);
  gather(NULL);
  limpet_session_join(sessions[0], "room");
  limpet_session_join(sessions[2], "room");
  struct limpet_published published;
  CHECK_EQUAL(limpet_server_publish(server, "room", 0, LIMPET_TEXT, text, length, &published), 2);
  CHECK_EQUAL(publish("room", 0, "behind", NULL), 2);
  for (int i = 0; i <= 2; i += 2) {
    got_long(i, length, text);
    CHECK_FRAME(&clients[i], CHECK_TEXT_FRAME, "behind");
  }
  const struct limpet_selection others = {.except = sessions[0]};
  CHECK_EQUAL(limpet_server_broadcast_to(server, &others, LIMPET_TEXT, text, length, NULL), 3);
  for (int i = 1; i < CLIENTS; i++) got_long(i, length, text);
  CHECK_EQUAL(limpet_server_send_many(server, sessions, 2, LIMPET_TEXT, text, length), 2);
  for (int i = 0; i < 2; i++) got_long(i, length, text);
  limpet_prepared *message = limpet_server_prepare(server, LIMPET_TEXT, text, length);
  CHECK(message);
  CHECK_EQUAL(limpet_session_send_prepared(sessions[3], message), 0);
  got_long(3, length, text);
  limpet_prepared_free(message);
  CHECK_EQUAL(limpet_server_publish(server, "no#topic", 0, LIMPET_TEXT, text, length, NULL),
              LIMPET_ERROR_CODE_VALUE);
  scatter();
  free(text);
}

/* What glibc has handed out, bytes; 0 where it is not told. */
static size_t allocated(void) {
#ifdef __GLIBC__
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
#else
  return 0;
#endif
}

/* A long message for many is one copy, whoever is slow. */
static void test_shared(void) {
  const size_t length = 8 << 20;
  char *text = long_text(length);
  gather(NULL);
  for (int i = 0; i < CLIENTS; i++) limpet_session_join(sessions[i], "room");
  const size_t before = allocated();
  CHECK_EQUAL(limpet_server_broadcast(server, LIMPET_TEXT, text, length), CLIENTS);
  CHECK(allocated() - before < 3 * length / 2);
  CHECK_EQUAL(limpet_server_publish(server, "room", 0, LIMPET_TEXT, text, length, NULL), CLIENTS);
  CHECK_EQUAL(limpet_server_send_many(server, sessions, CLIENTS, LIMPET_TEXT, text, length),
              CLIENTS);
  CHECK(allocated() - before < 7 * length / 2);
  // The application's bytes are its own again.
  memset(text, '!', length);
  for (int i = 0; i < CLIENTS; i++) {
    for (int k = 0; k < 3; k++) {
      struct check_frame frame = check_client_receive(&clients[i]);
      CHECK_EQUAL(frame.length, length);
      CHECK(memcmp(frame.payload, "abcdefg", 7) == 0);
    }
  }
  scatter();
  free(text);
}

/* A queue that is full drops what is for many, and says for how many. */
static void test_full(void) {
  limpet_config *config = limpet_config_new();
  limpet_config_set_max_backpressure(config, 1 << 20);
  gather(config);
  char *text = long_text(100000);
  struct limpet_published published;
  int dropped = 0;
  for (int i = 0; i < 200 && dropped == 0; i++) {
    CHECK(limpet_server_broadcast_to(server, NULL, LIMPET_TEXT, text, 100000, &published) >= 0);
    dropped = (int)published.dropped;
    CHECK_EQUAL(published.delivered + published.dropped, CLIENTS);
  }
  CHECK(dropped > 0);
  free(text);
  scatter();
}

/* ------------------------------------------------------------------------- prepared */

static void test_prepared(void) {
  limpet_config *config = limpet_config_new();
  limpet_config_set_compression_enabled(config, true);
  gather(config);
  limpet_prepared *message = limpet_server_prepare(server, LIMPET_TEXT, "again", 5);
  limpet_prepared *other = limpet_server_prepare(server, LIMPET_BINARY, NULL, 0);
  CHECK(message && other);
  for (int round = 0; round < 3; round++) {
    for (int i = 0; i < CLIENTS; i++)
      CHECK_EQUAL(limpet_session_send_prepared(sessions[i], message), 0);
    told(0xf, "again");
  }
  CHECK_EQUAL(limpet_session_send_prepared(sessions[0], other), 0);
  CHECK_FRAME(&clients[0], CHECK_BINARY_FRAME, "");
  struct limpet_stats_record stats;
  limpet_server_stats(server, &stats);
  CHECK_EQUAL(stats.prepared_used, 2);
  // What is queued of it is still sent.
  CHECK_EQUAL(limpet_session_send_prepared(sessions[1], message), 0);
  limpet_prepared_free(message);
  limpet_server_stats(server, &stats);
  CHECK_EQUAL(stats.prepared_used, 1);
  told(0x2, "again");
  CHECK_EQUAL(limpet_session_send_prepared(12345, other), LIMPET_ERROR_CODE_HANDLE);
  CHECK_EQUAL(limpet_session_send_prepared(sessions[0], NULL), LIMPET_ERROR_CODE_ARGUMENT);
  CHECK(limpet_server_prepare(server, (enum limpet_type)9, "x", 1) == NULL);
  scatter();
  // Freed behind its server.
  limpet_prepared_free(other);
  limpet_prepared_free(NULL);
}

/* ----------------------------------------------------------------------------- each */

static int visits, finished;

static void visit(limpet_session session, void *arg) {
  CHECK(arg == &visits && session != sessions[1]);
  visits++;
  // Ending sessions on the way is allowed.
  limpet_session_terminate(session);
}

static void finish(limpet_server *done, void *arg) {
  CHECK(done == server && arg == &visits);
  CHECK_EQUAL(visits, CLIENTS - 1);
  finished++;
}

static void test_each(void) {
  gather(NULL);
  CHECK_EQUAL(limpet_server_each(server, sessions[1], visit, &visits, finish), 0);
  CHECK_EQUAL(finished, 1);
  CHECK_SOON(closed_count == CLIENTS - 1);
  CHECK_EQUAL(limpet_server_sessions(server, NULL, 0), 1);
  scatter();
}

int main(void) {
  test_broadcast();
  test_at_once();
  test_selections();
  test_times();
  test_lists();
  test_rooms();
  test_long();
  test_shared();
  test_full();
  test_prepared();
  test_each();
  return 0;
}
