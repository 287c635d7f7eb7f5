/* Calls from threads that do not serve the session, and from loop to loop: who gets what, in which order, within
 * which bounds. */

#include "threads_support.h"

/* ------------------------------------------------------------------------- order */

#define ORDERED 2000
static void *ordered_run(void *arg) {
  const unsigned number = (unsigned)(uintptr_t)arg;
  for (unsigned i = 0; i < ORDERED; i++) {
    char text[32];
    snprintf(text, sizeof text, "%u %u", number, i);
    int answer;
    while ((answer = limpet_session_send_text(atomic_load(&known[0]), text)) ==
           LIMPET_ERROR_CODE_MEMORY)
      sched_yield();
    CHECK_EQUAL(answer, 0);
  }
  return NULL;
}

/* Four threads send to one session: all of it arrives, each thread's in its order. */
static void test_order(void) {
  limpet_server *server = server_started(2, "127.0.0.1");
  struct check_client *client = clients_new(1, limpet_server_port(server));
  CHECK_SOON(atomic_load(&known_count) == 1);
  pthread_t senders[4];
  for (uintptr_t i = 0; i < 4; i++) senders[i] = thread_start(ordered_run, (void *)i);
  unsigned next[4] = {0};
  for (int i = 0; i < 4 * ORDERED; i++) {
    struct check_frame frame = check_client_receive(client);
    CHECK_EQUAL(frame.first, CHECK_TEXT_FRAME);
    unsigned sender, number;
    CHECK(sscanf(frame.payload, "%u %u", &sender, &number) == 2 && sender < 4);
    CHECK_EQUAL(number, next[sender]++);
  }
  for (int i = 0; i < 4; i++) CHECK(pthread_join(senders[i], NULL) == 0);
  /* What is sent before a close arrives before it. */
  CHECK_EQUAL(limpet_session_send_text(known[0], "last"), 0);
  CHECK_EQUAL(limpet_session_close(known[0], 4000, "done"), 0);
  CHECK_FRAME(client, CHECK_TEXT_FRAME, "last");
  struct check_frame frame = check_client_receive(client);
  CHECK_EQUAL(check_close_code(&frame), 4000);
  CHECK_STRING(frame.payload + 2, "done");
  clients_free(client, 1);
  CHECK_SOON(atomic_load(&closed_count) == 1);
  /* The loop finds out, and nobody is harmed. */
  CHECK_EQUAL(limpet_session_send_text(known[0], "late"), 0);
  CHECK_EQUAL(atomic_load(&error_count), 0);
  /* What the session refuses later is told. */
  clients_free(clients_new(1, limpet_server_port(server)), 1);
  limpet_server_free(server);
  CHECK_EQUAL(limpet_session_send_text(known[0], "late"), LIMPET_ERROR_CODE_HANDLE);
  CHECK_EQUAL(limpet_session_close(known[0], 1000, NULL), LIMPET_ERROR_CODE_HANDLE);
  CHECK_EQUAL(limpet_session_terminate(known[0]), LIMPET_ERROR_CODE_HANDLE);
  CHECK(limpet_session_server(known[0]) == NULL);
}

/* What a session has against a call from elsewhere is told to on_error. */
static void test_refused(void) {
  limpet_server *server = server_started(2, "127.0.0.1");
  struct check_client *client = clients_new(1, limpet_server_port(server));
  CHECK_SOON(atomic_load(&known_count) == 1);
  CHECK_EQUAL(limpet_session_close(known[0], 1005, "never sent"), 0);
  CHECK_SOON(atomic_load(&error_count) == 1);
  /* The rest is for its own thread. */
  CHECK_EQUAL(limpet_session_ping(known[0], "", 0), LIMPET_E_THREAD);
  CHECK_EQUAL(limpet_session_pause(known[0]), LIMPET_E_THREAD);
  CHECK_EQUAL(limpet_session_queued(known[0]), LIMPET_E_THREAD);
  CHECK_EQUAL(limpet_session_fd(known[0]), LIMPET_E_THREAD);
  limpet_server_free(server);
  clients_free(client, 1);
}

/* ------------------------------------------------------------------------- rooms */

#define MEMBERS 200
#define PUBLISHERS 12
#define PUBLISHED 20

/* The path of a client is its room. */
static void on_connect_join(limpet_server *server, limpet_session session, void *user) {
  on_connect(server, session, user);
  char room[32];
  CHECK(limpet_session_request_part(session, LIMPET_PART_PATH, room, sizeof room) > 0);
  CHECK_EQUAL(limpet_session_join(session, room + 1), 1);
  CHECK_EQUAL(limpet_session_set_metadata(session, "room", room, strlen(room)), 0);
}

/* A client publishes to its room. */
static void on_message_publish(limpet_server *server, limpet_session session, enum limpet_type type,
                               char *data, size_t length, void *user) {
  (void)user, (void)session;
  CHECK(limpet_server_publish(server, data[0] == 'e' ? "even" : "odd", 0, type, data, length,
                              NULL) >= 0);
}

static limpet_server *server_of_rooms(int threads) {
  limpet_config *config = limpet_config_new();
  CHECK_EQUAL(limpet_config_set_port(config, 0), 0);
  CHECK_EQUAL(limpet_config_set_threads(config, threads), 0);
  CHECK_EQUAL(limpet_config_set_keep_request(config, ""), 0);
  limpet_server *server = limpet_server_new(config);
  CHECK(server != NULL);
  limpet_config_free(config);
  server_prepare(server);
  CHECK_EQUAL(limpet_server_set_on_connect(server, on_connect_join, NULL), 0);
  CHECK_EQUAL(limpet_server_set_on_message(server, on_message_publish, NULL), 0);
  CHECK_EQUAL(limpet_server_start(server), 0);
  return server;
}

struct publisher {
  limpet_server *server;
  unsigned number;
};

/* A thread that serves nothing publishes to both rooms, in turn. */
static void *publish_run(void *arg) {
  const struct publisher *publisher = arg;
  for (unsigned i = 0; i < 2 * PUBLISHED; i++) {
    char text[32];
    const char *room = i % 2 ? "odd" : "even";
    const int length = snprintf(text, sizeof text, "%c %u %u", *room, publisher->number, i / 2);
    CHECK_EQUAL(
        limpet_server_publish(publisher->server, room, 0, LIMPET_TEXT, text, (size_t)length, NULL),
        0);
    if (i % 8 == 0) sched_yield();
  }
  return NULL;
}

/* One client has had every message to its room, once, and each publisher's in their order. */
static void expect_published(struct check_client *client, char room) {
  unsigned next[PUBLISHERS] = {0};
  for (int i = 0; i < PUBLISHERS * PUBLISHED; i++) {
    const struct check_frame frame = check_client_receive(client);
    char of;
    unsigned publisher, number;
    CHECK_EQUAL(frame.first, CHECK_TEXT_FRAME);
    CHECK(sscanf(frame.payload, "%c %u %u", &of, &publisher, &number) == 3);
    CHECK_EQUAL(of, room);
    CHECK(publisher < PUBLISHERS);
    CHECK_EQUAL(number, next[publisher]++);
  }
}

/* Two hundred clients in two rooms over all loops; eight of them, and four threads, publish. */
static void test_rooms(int threads) {
  limpet_server *server = server_of_rooms(threads);
  const int port = limpet_server_port(server);
  struct check_client *clients = calloc(MEMBERS, sizeof *clients);
  CHECK(clients != NULL);
  for (int i = 0; i < MEMBERS; i++)
    clients[i] = check_client_connect(port, i % 2 ? "/odd" : "/even", "");
  CHECK_SOON(atomic_load(&known_count) == MEMBERS);
  struct publisher publishers[4];
  pthread_t others[4];
  for (unsigned i = 0; i < 4; i++) {
    publishers[i] = (struct publisher){server, 8 + i};
    others[i] = thread_start(publish_run, &publishers[i]);
  }
  for (unsigned i = 0; i < PUBLISHED; i++) {
    for (unsigned from = 0; from < 8; from++) {
      for (int room = 0; room < 2; room++) {
        char text[32];
        const int length = snprintf(text, sizeof text, "%c %u %u", "eo"[room], from, i);
        CHECK(check_client_send(&clients[from], CHECK_TEXT_FRAME, text, (size_t)length));
      }
    }
  }
  for (int i = 0; i < MEMBERS; i++) expect_published(&clients[i], "eo"[i % 2]);
  for (int i = 0; i < 4; i++) CHECK(pthread_join(others[i], NULL) == 0);
  CHECK_EQUAL(atomic_load(&error_count), 0);
  CHECK_EQUAL(limpet_server_stop(server, 0), 0);
  limpet_server_free(server);
  clients_free(clients, MEMBERS);
}

/* -------------------------------------------------------------- many, from elsewhere */

static atomic_int each_count, finish_count;

static void each_task(limpet_session session, void *arg) {
  CHECK(arg == &each_count);
  CHECK_EQUAL(limpet_session_send_text(session, "each"), 0);
  CHECK(limpet_session_fd(session) >= 0);
  atomic_fetch_add(&each_count, 1);
}

static void each_finish(limpet_server *server, void *arg) {
  CHECK(server && arg == &each_count);
  atomic_fetch_add(&finish_count, 1);
}

static bool odd_only(limpet_session session, void *user) {
  (void)session, (void)user;
  return true;
}

/* Broadcasts, selections, each and lists from a thread that serves nothing; the counters that it sees. */
static void test_many(int threads) {
  enum { CLIENTS = 40 };
  limpet_server *server = server_of_rooms(threads);
  const int port = limpet_server_port(server);
  struct check_client *clients = calloc(CLIENTS, sizeof *clients);
  CHECK(clients != NULL);
  for (int i = 0; i < CLIENTS; i++)
    clients[i] = check_client_connect(port, i % 2 ? "/odd" : "/even", "");
  CHECK_SOON(atomic_load(&known_count) == CLIENTS);

  CHECK_EQUAL(limpet_server_broadcast(server, LIMPET_TEXT, "all", 3), 0);
  for (int i = 0; i < CLIENTS; i++) CHECK_FRAME(&clients[i], CHECK_TEXT_FRAME, "all");

  const limpet_session except = atomic_load(&known[0]);
  struct limpet_selection selection = {.opened_from = 1, .except = except};
  struct limpet_published published = {1, 1, 1};
  CHECK_EQUAL(limpet_server_broadcast_to(server, &selection, LIMPET_BINARY, "most", 4, &published),
              0);
  CHECK_EQUAL(published.delivered + published.over + published.dropped, 0);
  CHECK_EQUAL(limpet_server_publish(server, "odd", except, LIMPET_TEXT, "odd", 3, NULL), 0);
  /* What a selection points at may change as soon as the call returns. */
  char key[] = "room", value[] = "/even";
  selection =
      (struct limpet_selection){.key = key, .value = value, .value_length = 5, .except = except};
  CHECK_EQUAL(limpet_server_broadcast_to(server, &selection, LIMPET_TEXT, "even", 4, NULL), 0);
  memset(key, 'x', sizeof key - 1);
  memset(value, 'x', sizeof value - 1);
  selection = (struct limpet_selection){.key = "no such key", .value = "x", .value_length = 1};
  CHECK_EQUAL(limpet_server_broadcast_to(server, &selection, LIMPET_TEXT, "none", 4, NULL), 0);
  selection = (struct limpet_selection){.filter = odd_only};
  CHECK_EQUAL(limpet_server_broadcast_to(server, &selection, LIMPET_TEXT, "none", 4, NULL),
              LIMPET_E_THREAD);

  CHECK_EQUAL(limpet_server_each(server, except, each_task, &each_count, each_finish), 0);
  CHECK_SOON(atomic_load(&finish_count) == 1);
  CHECK_EQUAL(atomic_load(&each_count), CLIENTS - 1);
  atomic_store(&each_count, 0);
  atomic_store(&finish_count, 0);

  limpet_session all[CLIENTS];
  for (int i = 0; i < CLIENTS; i++) all[i] = atomic_load(&known[i]);
  CHECK_EQUAL(limpet_server_send_many(server, all, CLIENTS, LIMPET_TEXT, "list", 4), CLIENTS);
  int left_out = 0;
  for (int i = 0; i < CLIENTS; i++) {
    struct check_frame frame = check_client_receive(&clients[i]);
    if (frame.first == CHECK_TEXT_FRAME) {
      left_out++;
    } else {
      CHECK_EQUAL(frame.first, CHECK_BINARY_FRAME);
      CHECK_STRING(frame.payload, "most");
      CHECK_FRAME(&clients[i], CHECK_TEXT_FRAME, i % 2 ? "odd" : "even");
      CHECK_FRAME(&clients[i], CHECK_TEXT_FRAME, "each");
      frame = check_client_receive(&clients[i]);
    }
    CHECK_STRING(frame.payload, "list");
  }
  CHECK_EQUAL(left_out, 1);

  struct limpet_stats_record stats;
  CHECK_SOON(limpet_server_active_count(server) == CLIENTS);
  CHECK_EQUAL(limpet_server_total_count(server), CLIENTS);
  CHECK_EQUAL(limpet_server_stats(server, &stats), 0);
  CHECK(stats.messages_out >= 4 * CLIENTS);
  /* No topic to publish to: each loop says so. */
  atomic_store(&error_count, 0);
  CHECK_EQUAL(limpet_server_publish(server, "odd/#", 0, LIMPET_TEXT, "x", 1, NULL), 0);
  CHECK_SOON(atomic_load(&error_count) == threads);
  CHECK_EQUAL(limpet_server_stop(server, 0), 0);
  CHECK_EQUAL(limpet_server_active_count(server), 0);
  limpet_server_free(server);
  clients_free(clients, CLIENTS);
}

/* ----------------------------------------------------------------- a loop that is stuck */

static _Atomic limpet_session stuck;
static atomic_bool let_go;

static void on_message_stuck(limpet_server *server, limpet_session session, enum limpet_type type,
                             char *data, size_t length, void *user) {
  (void)server, (void)type, (void)data, (void)length, (void)user;
  atomic_store(&stuck, session);
  while (!atomic_load(&let_go)) sched_yield();
}

/* A callback that does not return: what waits for its loop has a bound, and the others go on. */
static void test_stuck(void) {
  enum { CLIENTS = 16, PIECE = 4 << 20, HELD = 15 };
  limpet_server *server = server_of(2, "127.0.0.1");
  CHECK_EQUAL(limpet_server_set_on_message(server, on_message_stuck, NULL), 0);
  CHECK_EQUAL(limpet_server_start(server), 0);
  struct check_client *clients = clients_new(CLIENTS, limpet_server_port(server));
  CHECK_SOON(atomic_load(&known_count) == CLIENTS);
  atomic_store(&stuck, 0);
  atomic_store(&let_go, false);
  CHECK(check_client_send(&clients[0], CHECK_TEXT_FRAME, "stay", 4));
  CHECK_SOON(atomic_load(&stuck) != 0);
  char *data = calloc(1, PIECE);
  CHECK(data != NULL);
  for (int i = 0; i < HELD; i++)
    CHECK_EQUAL(limpet_session_send(atomic_load(&stuck), LIMPET_BINARY, data, PIECE), 0);
  CHECK_EQUAL(limpet_session_send(atomic_load(&stuck), LIMPET_BINARY, data, PIECE),
              LIMPET_ERROR_CODE_MEMORY);
  /* One of the two has no room: neither has it. */
  CHECK_EQUAL(limpet_server_broadcast(server, LIMPET_BINARY, data, PIECE),
              LIMPET_ERROR_CODE_MEMORY);
  CHECK_EQUAL(limpet_server_broadcast(server, LIMPET_TEXT, "small", 5), 0);
  int going_on = 0;
  for (int i = 1; i < CLIENTS; i++) {
    const struct check_frame frame = check_client_receive_in(&clients[i], 100);
    going_on += frame.first == CHECK_TEXT_FRAME && strcmp(frame.payload, "small") == 0;
  }
  CHECK(going_on > 0 && going_on < CLIENTS);
  atomic_store(&let_go, true);
  for (int i = 0; i < HELD; i++) CHECK_EQUAL(check_client_receive(&clients[0]).length, PIECE);
  CHECK_FRAME(&clients[0], CHECK_TEXT_FRAME, "small");
  CHECK_EQUAL(limpet_session_send(atomic_load(&stuck), LIMPET_BINARY, data, PIECE), 0);
  CHECK_EQUAL(check_client_receive(&clients[0]).length, PIECE);
  limpet_server_free(server);
  clients_free(clients, CLIENTS);
  free(data);
}

/* ------------------------------------------------------------------------ bounds */

#define RUSHING 24
static int rush_port;
static atomic_int rush_in, rush_429;
static pthread_barrier_t rush_gate;

static void *rush_run(void *arg) {
  (void)arg;
  struct check_client *client = calloc(1, sizeof *client);
  CHECK(client != NULL);
  pthread_barrier_wait(&rush_gate);
  *client = check_client_connect(rush_port, "/", "");
  if (client->status == 101) atomic_fetch_add(&rush_in, 1);
  if (client->status == 429) atomic_fetch_add(&rush_429, 1);
  pthread_barrier_wait(&rush_gate);
  clients_free(client, 1);
  return NULL;
}

/* Twenty-four clients come at once, again and again: exactly as many get in as may, over all loops. */
static void test_bounds(bool per_address) {
  limpet_config *config = limpet_config_new();
  CHECK_EQUAL(limpet_config_set_port(config, 0), 0);
  CHECK_EQUAL(limpet_config_set_threads(config, LOOPS), 0);
  if (per_address) CHECK_EQUAL(limpet_config_set_max_connections_per_address(config, 10), 0);
  else CHECK_EQUAL(limpet_config_set_max_connections(config, 10), 0);
  limpet_server *server = limpet_server_new(config);
  CHECK(server != NULL);
  limpet_config_free(config);
  server_prepare(server);
  CHECK_EQUAL(limpet_server_start(server), 0);
  rush_port = limpet_server_port(server);
  for (int round = 0; round < 5; round++) {
    atomic_store(&rush_in, 0);
    atomic_store(&rush_429, 0);
    pthread_barrier_init(&rush_gate, NULL, RUSHING);
    pthread_t clients[RUSHING];
    for (int i = 0; i < RUSHING; i++) clients[i] = thread_start(rush_run, NULL);
    for (int i = 0; i < RUSHING; i++) CHECK(pthread_join(clients[i], NULL) == 0);
    pthread_barrier_destroy(&rush_gate);
    CHECK_EQUAL(atomic_load(&rush_in), 10);
    CHECK_EQUAL(atomic_load(&rush_429), per_address ? RUSHING - 10 : 0);
    CHECK_SOON(limpet_server_active_count(server) == 0);
  }
  limpet_server_free(server);
}

int main(void) {
  tests_begin();
  test_order();
  test_refused();
  test_rooms(LOOPS);
  test_rooms(2);
  test_many(LOOPS);
  test_stuck();
  test_bounds(false);
  test_bounds(true);
  puts("crossing: ok");
  return 0;
}
