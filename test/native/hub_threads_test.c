/* Many sessions over the loops of several threads: broadcasts, rooms and counters span them, and what bounds all
 * connections, or those of one address, is exact. */

#include <pthread.h>
#include <stdatomic.h>

#include "check.h"
#include "limpet.h"

#define THREADS 3
#define CLIENTS 24

static limpet_server *server;
static int port;
static struct check_client clients[CLIENTS];
static atomic_int opened, closed, errors, last_error, visits, finished;
static _Atomic limpet_session last_session;

static void on_connect(limpet_server *told, limpet_session session, void *user) {
  (void)told, (void)user;
  CHECK_EQUAL(limpet_session_join(session, "room"), 1);
  limpet_session_set_metadata(session, "role", opened % 2 ? "odd" : "even", opened % 2 ? 3 : 4);
  atomic_store(&last_session, session);
  opened++;
}

static void on_close(limpet_server *told, limpet_session session, uint16_t code, const char *reason,
                     void *user) {
  (void)told, (void)session, (void)code, (void)reason, (void)user;
  closed++;
}

static void on_error(limpet_server *told, limpet_session session, int code, const char *message,
                     void *user) {
  (void)told, (void)session, (void)message, (void)user;
  last_error = code;
  errors++;
}

/* What each session is sent when it says so: prepared by one thread, framed by all. */
static limpet_prepared *prepared;

/* Publishes from the thread of a session. */
static void on_message(limpet_server *told, limpet_session session, enum limpet_type type,
                       char *data, size_t length, void *user) {
  (void)user;
  if (length == 5 && memcmp(data, "again", 5) == 0) {
    CHECK_EQUAL(limpet_session_send_prepared(session, prepared), 0);
    return;
  }
  CHECK(limpet_server_publish(told, "room", session, type, data, length, NULL) >= 0);
}

static void serve(limpet_config *config) {
  if (!config) config = limpet_config_new();
  limpet_config_set_port(config, 0);
  limpet_config_set_threads(config, THREADS);
  server = limpet_server_new(config);
  CHECK(server);
  limpet_config_free(config);
  opened = closed = errors = last_error = 0;
  limpet_server_set_on_connect(server, on_connect, NULL);
  limpet_server_set_on_close(server, on_close, NULL);
  limpet_server_set_on_error(server, on_error, NULL);
  limpet_server_set_on_message(server, on_message, NULL);
  CHECK_EQUAL(limpet_server_start(server), 0);
  port = limpet_server_port(server);
}

static void gather(void) {
  for (int i = 0; i < CLIENTS; i++) {
    clients[i] = check_client_connect(port, "/", "");
    CHECK_EQUAL(clients[i].status, 101);
  }
  CHECK_SOON(opened == CLIENTS);
}

static void scatter(int count) {
  for (int i = 0; i < count; i++) check_client_end(&clients[i]);
  CHECK_SOON(closed == opened);
  CHECK_EQUAL(limpet_server_stop(server, 0), 0);
  limpet_server_free(server);
}

static void all_told(const char *text) {
  for (int i = 0; i < CLIENTS; i++) CHECK_FRAME(&clients[i], CHECK_TEXT_FRAME, text);
}

static void visit(limpet_session session, void *arg) {
  CHECK(arg == &visits);
  CHECK(limpet_session_send_text(session, "each") == 0);
  visits++;
}

static void finish(limpet_server *done, void *arg) {
  CHECK(done == server && arg == &visits);
  finished++;
}

static bool any(limpet_session session, void *user) {
  (void)session, (void)user;
  return true;
}

static void test_messages(void) {
  serve(NULL);
  gather();
  // This thread serves nobody: all of it follows.
  CHECK_EQUAL(limpet_server_broadcast(server, LIMPET_TEXT, "all", 3), 0);
  all_told("all");
  CHECK_EQUAL(limpet_server_publish(server, "room", 0, LIMPET_TEXT, "room", 4, NULL), 0);
  all_told("room");
  struct limpet_selection selection = {.key = "role", .value = "odd", .value_length = 3};
  CHECK_EQUAL(limpet_server_broadcast_to(server, &selection, LIMPET_TEXT, "odd", 3, NULL), 0);
  selection = (struct limpet_selection){.key = "role", .value = "even", .value_length = 4};
  CHECK_EQUAL(limpet_server_broadcast_to(server, &selection, LIMPET_TEXT, "even", 4, NULL), 0);
  int odd = 0;
  for (int i = 0; i < CLIENTS; i++) {
    struct check_frame frame = check_client_receive(&clients[i]);
    CHECK(strcmp(frame.payload, "odd") == 0 || strcmp(frame.payload, "even") == 0);
    odd += frame.length == 3;
  }
  CHECK_EQUAL(odd, CLIENTS / 2);
  // From a session's own thread, to all but that one.
  check_client_send(&clients[5], CHECK_TEXT_FRAME, "said", 4);
  for (int i = 0; i < CLIENTS; i++) {
    if (i != 5) CHECK_FRAME(&clients[i], CHECK_TEXT_FRAME, "said");
  }
  CHECK_EQUAL(limpet_server_each(server, 0, visit, &visits, finish), 0);
  all_told("each");
  CHECK_SOON(finished == 1);
  CHECK_EQUAL(visits, CLIENTS);
  CHECK_EQUAL(limpet_server_send_many(server, (const limpet_session[]){last_session, 0, 77}, 3,
                                      LIMPET_TEXT, "many", 4),
              1);
  int many = 0;
  for (int i = 0; i < CLIENTS; i++) {
    if (check_wait(clients[i].fd, POLLIN, i == 0 ? 200 : 20)) many++;
  }
  CHECK_EQUAL(many, 1);
  scatter(CLIENTS);
}

/* What needs a loop of this thread's says so. */
static void test_refused(void) {
  serve(NULL);
  gather();
  limpet_session found[4];
  CHECK_EQUAL(limpet_server_sessions(server, found, 4), LIMPET_E_THREAD);
  CHECK_EQUAL(limpet_server_room_members(server, "room", found, 4), LIMPET_E_THREAD);
  const struct limpet_selection filtered = {.filter = any};
  CHECK_EQUAL(limpet_server_broadcast_to(server, &filtered, LIMPET_TEXT, "x", 1, NULL),
              LIMPET_E_THREAD);
  // What a topic is judged by the threads: none has it, on_error is told of each.
  CHECK_EQUAL(limpet_server_publish(server, "a/#", 0, LIMPET_TEXT, "x", 1, NULL), 0);
  CHECK_SOON(errors == THREADS);
  CHECK_EQUAL(last_error, LIMPET_ERROR_CODE_VALUE);
  CHECK_EQUAL(limpet_server_active_count(server), CLIENTS);
  CHECK_EQUAL(limpet_server_total_count(server), CLIENTS);
  struct limpet_stats_record stats;
  CHECK_EQUAL(limpet_server_stats(server, &stats), 0);
  CHECK_EQUAL(stats.memberships_used, CLIENTS);
  CHECK(stats.rooms_used >= 1 && stats.rooms_used <= THREADS);
  scatter(CLIENTS);
}

static uint32_t prepared_used(void) {
  struct limpet_stats_record stats;
  CHECK_EQUAL(limpet_server_stats(server, &stats), 0);
  return stats.prepared_used;
}

static void test_prepared(void) {
  serve(NULL);
  gather();
  const char *texts[] = {"first", "second"};
  for (int round = 0; round < 2; round++) {
    prepared = limpet_server_prepare(server, LIMPET_TEXT, texts[round], strlen(texts[round]));
    CHECK(prepared);
    for (int turn = 0; turn < 2; turn++) {
      for (int i = 0; i < CLIENTS; i++)
        check_client_send(&clients[i], CHECK_TEXT_FRAME, "again", 5);
      all_told(texts[round]);
    }
    // Each core made it once; those of the first message went when the second one came.
    CHECK_SOON(prepared_used() <= THREADS);
    limpet_prepared_free(prepared);
  }
  scatter(CLIENTS);
}

/* How many of CLIENTS are let in, and what the others are told. */
static int let_in(int refused_status) {
  int count = 0;
  for (int i = 0; i < CLIENTS; i++) {
    clients[i] = check_client_connect(port, "/", "");
    CHECK(clients[i].status == 101 || clients[i].status == refused_status);
    count += clients[i].status == 101;
  }
  return count;
}

static void test_max_connections(void) {
  limpet_config *config = limpet_config_new();
  limpet_config_set_max_connections(config, 7);
  serve(config);
  CHECK_EQUAL(let_in(0), 7);
  CHECK_SOON(errors == CLIENTS - 7);
  CHECK_EQUAL(last_error, LIMPET_ERROR_CODE_SESSIONS);
  struct limpet_stats_record stats;
  limpet_server_stats(server, &stats);
  CHECK_EQUAL(stats.sessions_full, CLIENTS - 7);
  for (int i = 0; i < CLIENTS; i++) check_client_end(&clients[i]);
  CHECK_SOON(closed == 7);
  // Their places are free again.
  CHECK_EQUAL(let_in(0), 7);
  scatter(CLIENTS);
}

static void test_per_address(void) {
  limpet_config *config = limpet_config_new();
  limpet_config_set_max_connections_per_address(config, 5);
  serve(config);
  CHECK_EQUAL(let_in(429), 5);
  CHECK_SOON(errors == CLIENTS - 5);
  CHECK_EQUAL(last_error, LIMPET_ERROR_CODE_HTTP_ADDRESS);
  for (int i = 0; i < CLIENTS; i++) check_client_end(&clients[i]);
  CHECK_SOON(closed == 5 && limpet_server_active_count(server) == 0);
  CHECK_EQUAL(let_in(429), 5);
  scatter(CLIENTS);
}

int main(void) {
  test_messages();
  test_refused();
  test_prepared();
  test_max_connections();
  test_per_address();
  return 0;
}
