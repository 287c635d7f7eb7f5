/* A server of several loops, and calls from threads that serve nothing: who gets what, in which order, and that
 * sessions that are gone are codes. */

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>
#include <sys/un.h>

#include "check.h"
#include "loop.h"

#define LOOPS 4

/* ------------------------------------------------------------------ what all use */

/* Sessions by the order in which they were told; never taken out, so that most are stale after a while. */
#define KNOWN_MAX 4096
static _Atomic limpet_session known[KNOWN_MAX];
static atomic_int known_count, closed_count, error_count;
/* The threads that called back, told apart by an address of theirs. */
static _Atomic uintptr_t serving[LOOPS];
static atomic_int served[LOOPS];

static int loop_number(void) {
  static _Thread_local char mark;
  for (int i = 0; i < LOOPS; i++) {
    uintptr_t nobody = 0;
    if (atomic_compare_exchange_strong(&serving[i], &nobody, (uintptr_t)&mark)) return i;
    if (nobody == (uintptr_t)&mark) return i;
  }
  CHECK(!"more threads than loops");
  return -1;
}

static void on_connect(limpet_server *server, limpet_session session, void *user) {
  (void)user;
  CHECK(limpet_session_server(session) == server);
  atomic_fetch_add(&served[loop_number()], 1);
  int at = atomic_fetch_add(&known_count, 1);
  if (at < KNOWN_MAX) atomic_store(&known[at], session);
}

static void on_message(limpet_server *server, limpet_session session, enum limpet_type type, char *data, size_t length,
                       void *user) {
  (void)server, (void)user;
  int status = limpet_session_send(session, type, data, length);
  CHECK(status == LIMPET_SENT_OK || status == LIMPET_SENT_BACKPRESSURE);
}

static void on_close(limpet_server *server, limpet_session session, uint16_t code, const char *reason, void *user) {
  (void)server, (void)session, (void)code, (void)reason, (void)user;
  atomic_fetch_add(&closed_count, 1);
}

static void on_error(limpet_server *server, limpet_session session, int code, const char *message, void *user) {
  (void)server, (void)session, (void)user;
  CHECK(code < 0 && *message);
  atomic_fetch_add(&error_count, 1);
}

static void server_prepare(limpet_server *server) {
  CHECK_EQUAL(limpet_server_set_on_connect(server, on_connect, NULL), 0);
  CHECK_EQUAL(limpet_server_set_on_message(server, on_message, NULL), 0);
  CHECK_EQUAL(limpet_server_set_on_close(server, on_close, NULL), 0);
  CHECK_EQUAL(limpet_server_set_on_error(server, on_error, NULL), 0);
  atomic_store(&known_count, 0);
  atomic_store(&closed_count, 0);
  atomic_store(&error_count, 0);
  for (int i = 0; i < LOOPS; i++) {
    atomic_store(&serving[i], 0);
    atomic_store(&served[i], 0);
  }
}

static limpet_server *server_of(int threads, const char *host) {
  limpet_config *config = limpet_config_new();
  CHECK(config != NULL);
  CHECK_EQUAL(limpet_config_set_host(config, host), 0);
  CHECK_EQUAL(limpet_config_set_port(config, 0), 0);
  CHECK_EQUAL(limpet_config_set_threads(config, threads), 0);
  limpet_server *server = limpet_server_new(config);
  limpet_config_free(config);
  if (!server) fprintf(stderr, "%s\n", limpet_last_error());
  CHECK(server != NULL);
  server_prepare(server);
  return server;
}

static limpet_server *server_started(int threads, const char *host) {
  limpet_server *server = server_of(threads, host);
  CHECK_EQUAL(limpet_server_start(server), 0);
  return server;
}

/* Clients are large: on the heap. */
static struct check_client *clients_new(int count, int port) {
  struct check_client *clients = calloc((size_t)count, sizeof *clients);
  CHECK(clients != NULL);
  for (int i = 0; i < count; i++) {
    clients[i] = check_client_connect(port, "/", "");
    CHECK_EQUAL(clients[i].status, 101);
  }
  return clients;
}

static void clients_free(struct check_client *clients, int count) {
  for (int i = 0; i < count; i++) check_client_end(&clients[i]);
  free(clients);
}

static pthread_t thread_start(void *(*run)(void *), void *arg) {
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, run, arg) == 0);
  return thread;
}

/* ---------------------------------------------------------------------- serving */

/* All loops serve, each in a thread of its own; the one that started waits. */
static void test_echo(void) {
  enum { CLIENTS = 64 };
  limpet_server *server = server_of(LOOPS, "127.0.0.1");
  CHECK_EQUAL(limpet_server_poll(server, 0), LIMPET_E_STATE);
  CHECK_EQUAL(limpet_server_start(server), 0);
  CHECK_EQUAL(limpet_server_start(server), LIMPET_E_STATE);
  CHECK_EQUAL(limpet_server_poll(server, 0), 0);
  struct check_client *clients = clients_new(CLIENTS, limpet_server_port(server));
  for (int round = 0; round < 10; round++) {
    for (int i = 0; i < CLIENTS; i++) CHECK(check_client_send(&clients[i], CHECK_TEXT_FRAME, "hello", 5));
    for (int i = 0; i < CLIENTS; i++) CHECK_FRAME(&clients[i], CHECK_TEXT_FRAME, "hello");
  }
  int sum = 0;
  for (int i = 0; i < LOOPS; i++) {
    CHECK(atomic_load(&served[i]) > 0);
    sum += atomic_load(&served[i]);
  }
  CHECK_EQUAL(sum, CLIENTS);
  CHECK_EQUAL(limpet_server_wake(server), 0);
  CHECK_EQUAL(limpet_server_poll(server, -1), 0);
  CHECK_EQUAL(limpet_server_stop(server, 0), 0);
  CHECK_EQUAL(atomic_load(&closed_count), CLIENTS);
  CHECK_EQUAL(limpet_server_poll(server, -1), LIMPET_E_STATE);
  CHECK_EQUAL(limpet_server_run(server), 0);
  CHECK_EQUAL(limpet_server_stop(server, 0), 0);
  limpet_server_free(server);
  clients_free(clients, CLIENTS);
}

/* Nobody shares a port with another server. */
static void test_port_taken(void) {
  limpet_server *first = server_started(LOOPS, "127.0.0.1");
  for (int threads = 1; threads <= LOOPS; threads += LOOPS - 1) {
    limpet_config *config = limpet_config_new();
    CHECK_EQUAL(limpet_config_set_port(config, limpet_server_port(first)), 0);
    CHECK_EQUAL(limpet_config_set_threads(config, threads), 0);
    limpet_server *second = limpet_server_new(config);
    limpet_config_free(config);
    CHECK(second != NULL);
    CHECK_EQUAL(limpet_server_start(second), LIMPET_E_SYSTEM);
    CHECK(strstr(limpet_last_error(), "bind 127.0.0.1:") != NULL);
    limpet_server_free(second);
  }
  limpet_server_free(first);
}

/* A path has one listener: connections are dealt out in turn, so all loops have the same. */
static void test_dealt(void) {
  enum { CLIENTS = 5 * LOOPS };
  char path[64];
  snprintf(path, sizeof path, "unix:/tmp/limpet-threads-%ld", (long)getpid());
  unlink(path + 5);
  limpet_server *server = server_started(LOOPS, path);
  struct check_client *clients = calloc(CLIENTS, sizeof *clients);
  CHECK(clients != NULL);
  for (int i = 0; i < CLIENTS; i++) {
    struct sockaddr_un where = {.sun_family = AF_UNIX};
    strcpy(where.sun_path, path + 5);
    clients[i].fd = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(connect(clients[i].fd, (struct sockaddr *)&where, sizeof where) == 0);
    check_client_ask(&clients[i], "/", "");
    CHECK_EQUAL(check_client_head(&clients[i]), 101);
    CHECK(check_client_send(&clients[i], CHECK_BINARY_FRAME, "x", 1));
    CHECK_FRAME(&clients[i], CHECK_BINARY_FRAME, "x");
  }
  for (int i = 0; i < LOOPS; i++) CHECK_EQUAL(atomic_load(&served[i]), CLIENTS / LOOPS);
  limpet_server_free(server);
  for (int i = 0; i < CLIENTS; i++) CHECK_EQUAL(check_client_receive(&clients[i]).first, 0);
  clients_free(clients, CLIENTS);
  unlink(path + 5);
}

/* Begins and ends fifty times; half of the time it is freed as it is, with clients connected. */
static void test_again(void) {
  for (int round = 0; round < 50; round++) {
    limpet_server *server = server_started(round % 2 ? LOOPS : 2, "127.0.0.1");
    struct check_client *clients = clients_new(3, limpet_server_port(server));
    if (round % 4 < 2) CHECK_EQUAL(limpet_server_stop(server, round % 4 == 0 ? 0 : 20), 0);
    limpet_server_free(server);
    clients_free(clients, 3);
  }
  limpet_server_free(server_of(LOOPS, "127.0.0.1"));
  limpet_server *unstarted = server_of(LOOPS, "127.0.0.1");
  CHECK_EQUAL(limpet_server_stop(unstarted, 1000), 0);
  CHECK_EQUAL(limpet_server_poll(unstarted, 0), LIMPET_E_STATE);
  limpet_server_free(unstarted);
}

/* --------------------------------------------------------------- foreign threads */

#define SENDERS 8
static atomic_bool senders_end;
static atomic_int sent_ok, sent_stale;

/* Sends to any session that ever was, closes and cuts off some, while they come and go. */
static void *sender_run(void *arg) {
  const unsigned number = (unsigned)(uintptr_t)arg;
  unsigned random = number * 2654435761u + 1;
  for (unsigned i = 0; !atomic_load(&senders_end); i++) {
    random = random * 1664525u + 1013904223u;
    int count = atomic_load(&known_count);
    if (count > KNOWN_MAX) count = KNOWN_MAX;
    if (count == 0) {
      sched_yield();
      continue;
    }
    const limpet_session session = atomic_load(&known[(random >> 8) % (unsigned)count]);
    char text[32];
    snprintf(text, sizeof text, "%u %u", number, i);
    int answer = limpet_session_send_text(session, text);
    if (random >> 24 == 0) answer = limpet_session_close(session, 1000, "enough");
    if (random >> 24 == 1) answer = limpet_session_terminate(session);
    CHECK(answer == 0 || answer == LIMPET_ERROR_CODE_HANDLE || answer == LIMPET_ERROR_CODE_MEMORY);
    atomic_fetch_add(answer == 0 ? &sent_ok : &sent_stale, 1);
    if (i % 16 == 0) sched_yield();
  }
  return NULL;
}

/* Reads frames until the end of the stream: each sender's numbers grow. */
static void expect_in_order(struct check_client *client, int frames) {
  long last[SENDERS];
  for (int i = 0; i < SENDERS; i++) last[i] = -1;
  for (int i = 0; i < frames; i++) {
    struct check_frame frame = check_client_receive_in(client, 100);
    if (frame.first != CHECK_TEXT_FRAME) return;
    unsigned sender;
    long number;
    CHECK(sscanf(frame.payload, "%u %ld", &sender, &number) == 2 && sender < SENDERS);
    CHECK(number > last[sender]);
    last[sender] = number;
  }
}

/* Clients whose sessions may be cut off as soon as they are told, before their answer is written. */
static struct check_client *clients_hunted(int count, int port) {
  struct check_client *clients = calloc((size_t)count, sizeof *clients);
  CHECK(clients != NULL);
  for (int i = 0; i < count; i++) {
    clients[i] = check_client_connect(port, "/", "");
    CHECK(clients[i].status == 101 || clients[i].status == 0);
  }
  return clients;
}

/* Eight threads send to sessions that come and go; then the server stops, and is freed, while they go on. */
static void test_senders(int threads) {
  limpet_server *server = server_started(threads, "127.0.0.1");
  const int port = limpet_server_port(server);
  atomic_store(&senders_end, false);
  pthread_t senders[SENDERS];
  for (uintptr_t i = 0; i < SENDERS; i++) senders[i] = thread_start(sender_run, (void *)i);
  for (int round = 0; round < 12; round++) {
    struct check_client *clients = clients_hunted(8, port);
    for (int i = 0; i < 8; i++) expect_in_order(&clients[i], 20);
    clients_free(clients, 8);
  }
  struct check_client *last = clients_hunted(8, port);
  CHECK_EQUAL(limpet_server_stop(server, 50), 0);
  limpet_server_free(server);
  /* Numbers of servers that are gone: for a while with another server in their place. */
  const int stale = atomic_load(&sent_stale);
  CHECK_SOON(atomic_load(&sent_stale) > stale + 1000);
  limpet_server *next = server_of(threads, "127.0.0.1");
  CHECK_EQUAL(limpet_server_start(next), 0);
  struct check_client *clients = clients_hunted(8, limpet_server_port(next));
  atomic_store(&senders_end, true);
  for (int i = 0; i < SENDERS; i++) CHECK(pthread_join(senders[i], NULL) == 0);
  limpet_server_free(next);
  clients_free(last, 8);
  clients_free(clients, 8);
  CHECK(atomic_load(&sent_ok) > 1000);
}

/* ------------------------------------------------------------------------- order */

#define ORDERED 2000
static void *ordered_run(void *arg) {
  const unsigned number = (unsigned)(uintptr_t)arg;
  for (unsigned i = 0; i < ORDERED; i++) {
    char text[32];
    snprintf(text, sizeof text, "%u %u", number, i);
    int answer;
    while ((answer = limpet_session_send_text(atomic_load(&known[0]), text)) == LIMPET_ERROR_CODE_MEMORY) sched_yield();
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
#define PUBLISHED 50

/* The path of a client is its room. */
static void on_connect_join(limpet_server *server, limpet_session session, void *user) {
  on_connect(server, session, user);
  char room[32];
  CHECK(limpet_session_request_part(session, LIMPET_PART_PATH, room, sizeof room) > 0);
  CHECK_EQUAL(limpet_session_join(session, room + 1), 1);
  CHECK_EQUAL(limpet_session_set_metadata(session, "room", room, strlen(room)), 0);
}

/* A client publishes to its room. */
static void on_message_publish(limpet_server *server, limpet_session session, enum limpet_type type, char *data,
                               size_t length, void *user) {
  (void)user, (void)session;
  CHECK(limpet_server_publish(server, data[0] == 'e' ? "even" : "odd", 0, type, data, length, NULL) >= 0);
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
        limpet_server_publish(publisher->server, room, 0, LIMPET_TEXT, text, (size_t)length, NULL), 0);
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
  for (int i = 0; i < MEMBERS; i++) clients[i] = check_client_connect(port, i % 2 ? "/odd" : "/even", "");
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
  for (int i = 0; i < CLIENTS; i++) clients[i] = check_client_connect(port, i % 2 ? "/odd" : "/even", "");
  CHECK_SOON(atomic_load(&known_count) == CLIENTS);

  CHECK_EQUAL(limpet_server_broadcast(server, LIMPET_TEXT, "all", 3), 0);
  for (int i = 0; i < CLIENTS; i++) CHECK_FRAME(&clients[i], CHECK_TEXT_FRAME, "all");

  const limpet_session except = atomic_load(&known[0]);
  struct limpet_selection selection = {.opened_from = 1, .except = except};
  struct limpet_published published = {1, 1, 1};
  CHECK_EQUAL(limpet_server_broadcast_to(server, &selection, LIMPET_BINARY, "most", 4, &published), 0);
  CHECK_EQUAL(published.delivered + published.over + published.dropped, 0);
  CHECK_EQUAL(limpet_server_publish(server, "odd", except, LIMPET_TEXT, "odd", 3, NULL), 0);
  /* What a selection points at may change as soon as the call returns. */
  char key[] = "room", value[] = "/even";
  selection = (struct limpet_selection){.key = key, .value = value, .value_length = 5, .except = except};
  CHECK_EQUAL(limpet_server_broadcast_to(server, &selection, LIMPET_TEXT, "even", 4, NULL), 0);
  memset(key, 'x', sizeof key - 1);
  memset(value, 'x', sizeof value - 1);
  selection = (struct limpet_selection){.key = "no such key", .value = "x", .value_length = 1};
  CHECK_EQUAL(limpet_server_broadcast_to(server, &selection, LIMPET_TEXT, "none", 4, NULL), 0);
  selection = (struct limpet_selection){.filter = odd_only};
  CHECK_EQUAL(limpet_server_broadcast_to(server, &selection, LIMPET_TEXT, "none", 4, NULL), LIMPET_E_THREAD);

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

static void on_message_stuck(limpet_server *server, limpet_session session, enum limpet_type type, char *data,
                             size_t length, void *user) {
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
  for (int i = 0; i < HELD; i++) CHECK_EQUAL(limpet_session_send(atomic_load(&stuck), LIMPET_BINARY, data, PIECE), 0);
  CHECK_EQUAL(limpet_session_send(atomic_load(&stuck), LIMPET_BINARY, data, PIECE), LIMPET_ERROR_CODE_MEMORY);
  /* One of the two has no room: neither has it. */
  CHECK_EQUAL(limpet_server_broadcast(server, LIMPET_BINARY, data, PIECE), LIMPET_ERROR_CODE_MEMORY);
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

/* ------------------------------------------------------------- a core that trapped */

static _Atomic limpet_session broken;

/* What happens when the core of a session answers LIMPET_CORE_TRAP. */
static void break_loop(limpet_session session, void *arg) {
  (void)arg;
  if (session == atomic_load(&broken)) loop_break(loop_find(session));
}

/* One loop's sessions are over; the others serve on, and take all who come. */
static void test_broken(void) {
  enum { CLIENTS = 16 };
  limpet_server *server = server_started(LOOPS, "127.0.0.1");
  struct check_client *clients = clients_new(CLIENTS, limpet_server_port(server));
  CHECK_SOON(atomic_load(&known_count) == CLIENTS);
  atomic_store(&broken, atomic_load(&known[0]));
  CHECK_EQUAL(limpet_server_each(server, 0, break_loop, NULL, NULL), 0);
  CHECK_SOON(atomic_load(&error_count) == 1);
  CHECK_SOON(limpet_session_send_text(atomic_load(&broken), "?") == LIMPET_ERROR_CODE_HANDLE);
  int going_on = 0;
  for (int i = 0; i < CLIENTS; i++) {
    if (!check_client_send(&clients[i], CHECK_TEXT_FRAME, "still", 5)) continue;
    going_on += check_client_receive(&clients[i]).first == CHECK_TEXT_FRAME;
  }
  CHECK_EQUAL(going_on, CLIENTS - atomic_load(&closed_count));
  CHECK(going_on < CLIENTS);
  clients_free(clients_new(CLIENTS, limpet_server_port(server)), CLIENTS);
  CHECK_EQUAL(limpet_server_stop(server, 0), 0);
  limpet_server_free(server);
  clients_free(clients, CLIENTS);
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

/* -------------------------------------------------------------------- stop, wake */

static void *stop_run(void *server) {
  CHECK_EQUAL(limpet_server_stop(server, 10), 0);
  return NULL;
}

static void on_message_stop(limpet_server *server, limpet_session session, enum limpet_type type, char *data,
                            size_t length, void *user) {
  (void)session, (void)type, (void)data, (void)length, (void)user;
  CHECK_EQUAL(limpet_server_poll(server, 0), LIMPET_E_STATE);
  CHECK_EQUAL(limpet_server_stop(server, 10), 0);
}

static limpet_server *interrupted;
static void on_alarm(int number) {
  (void)number;
  limpet_server_interrupt(interrupted, 10);
}

/* From another thread, from a callback, from a signal handler: limpet_server_run returns when all is over. */
static void test_stop(int threads) {
  for (int how = 0; how < 3; how++) {
    limpet_server *server = server_of(threads, "127.0.0.1");
    CHECK_EQUAL(limpet_server_set_on_message(server, on_message_stop, NULL), 0);
    CHECK_EQUAL(limpet_server_start(server), 0);
    struct check_client client = check_client_open(limpet_server_port(server));
    check_client_ask(&client, "/", "");
    pthread_t stopper;
    interrupted = server;
    if (how == 0) stopper = thread_start(stop_run, server);
    if (how == 1) CHECK(check_client_send(&client, CHECK_TEXT_FRAME, "stop", 4));
    if (how == 2) {
      signal(SIGALRM, on_alarm);
      const struct itimerval soon = {.it_value = {.tv_usec = 100000}};
      CHECK(setitimer(ITIMER_REAL, &soon, NULL) == 0);
    }
    CHECK_EQUAL(limpet_server_run(server), 0);
    if (how == 0) CHECK(pthread_join(stopper, NULL) == 0);
    limpet_server_free(server);
    check_client_end(&client);
  }
}

static atomic_bool poll_refused;
static void *poll_run(void *server) {
  int answer;
  while ((answer = limpet_server_poll(server, 0)) != LIMPET_E_THREAD) CHECK(answer >= 0);
  atomic_store(&poll_refused, true);
  CHECK_EQUAL(limpet_server_wake(server), 0);
  return NULL;
}

static void *poll_for_ever(void *server) {
  int answer;
  while ((answer = limpet_server_poll(server, -1)) >= 0) continue;
  CHECK_EQUAL(answer, LIMPET_E_STATE);
  return NULL;
}

/* One thread polls at a time; with one loop it may be any. */
static void test_poll(int threads) {
  limpet_server *server = server_started(threads, "127.0.0.1");
  atomic_store(&poll_refused, false);
  pthread_t other = thread_start(poll_run, server);
  while (!atomic_load(&poll_refused)) limpet_server_poll(server, CHECK_PATIENCE_MS);
  CHECK(pthread_join(other, NULL) == 0);
  if (threads == 1) {
    other = thread_start(poll_for_ever, server);
    clients_free(clients_new(1, limpet_server_port(server)), 1);
    CHECK_EQUAL(limpet_server_stop(server, 0), 0);
    CHECK(pthread_join(other, NULL) == 0);
  }
  limpet_server_free(server);
}

static void *wake_run(void *server) {
  CHECK_EQUAL(limpet_server_wake(server), 0);
  return NULL;
}

static void test_wake(int threads) {
  limpet_server *server = server_started(threads, "127.0.0.1");
  for (int i = 0; i < 100; i++) {
    pthread_t waker = thread_start(wake_run, server);
    CHECK(limpet_server_poll(server, CHECK_PATIENCE_MS) >= 0);
    CHECK(pthread_join(waker, NULL) == 0);
  }
  limpet_server_free(server);
}

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  /* Errors are counted here. */
  CHECK_EQUAL(limpet_log_set(LIMPET_LOG_NOTICE, NULL, NULL), 0);
  test_echo();
  test_port_taken();
  test_dealt();
  test_order();
  test_refused();
  test_rooms(LOOPS);
  test_rooms(2);
  test_many(LOOPS);
  test_broken();
  test_stuck();
  test_bounds(false);
  test_bounds(true);
  test_senders(LOOPS);
  test_stop(1);
  test_stop(LOOPS);
  test_poll(1);
  test_poll(LOOPS);
  test_wake(1);
  test_wake(LOOPS);
  test_again();
  puts("threads: ok");
  return 0;
}
