/* A server of several loops: it serves, stops, begins again, and sessions that are gone are codes. */

#include <sys/time.h>
#include <sys/un.h>

#include "loop.h"
#include "threads_support.h"

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
    for (int i = 0; i < CLIENTS; i++)
      CHECK(check_client_send(&clients[i], CHECK_TEXT_FRAME, "hello", 5));
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

/* Nobody shares a port with another server; once it is free the start succeeds. */
static void test_port_taken(int threads) {
  limpet_server *first = server_started(LOOPS, "127.0.0.1");
  limpet_config *config = limpet_config_new();
  CHECK_EQUAL(limpet_config_set_port(config, limpet_server_port(first)), 0);
  CHECK_EQUAL(limpet_config_set_threads(config, threads), 0);
  limpet_server *second = limpet_server_new(config);
  limpet_config_free(config);
  CHECK(second != NULL);
  CHECK_EQUAL(limpet_server_start(second), LIMPET_E_SYSTEM);
  CHECK(strstr(limpet_last_error(), "bind 127.0.0.1:") != NULL);
  CHECK_EQUAL(limpet_server_port(second), LIMPET_E_STATE);
  limpet_server_free(first);
  CHECK_EQUAL(limpet_server_start(second), 0);
  limpet_server_free(second);
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

static int descriptors(void) {
  int count = 0;
  for (int fd = 0; fd < 1024; fd++) count += fcntl(fd, F_GETFD) >= 0;
  return count;
}

/* Begins and ends fifty times; half of the time it is freed as it is, with clients connected. */
static void test_again(void) {
  const int open_before = descriptors();
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
  CHECK_EQUAL(descriptors(), open_before);
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

/* ------------------------------------------------------------- a core that trapped */

static _Atomic limpet_session broken;

/* Writes all over the memory of a session's core, which then follows an address to nowhere. */
static void break_core(limpet_session session, void *arg) {
  (void)arg;
  if (session != atomic_load(&broken)) return;
  struct loop *loop = loop_find(session);
  memset(loop->memory, 0xff, loop->ingress);
}

/* One loop's sessions are over; the others serve on, and take all who come. */
static void test_broken(void) {
  enum { CLIENTS = 16 };
  limpet_server *server = server_started(LOOPS, "127.0.0.1");
  struct check_client *clients = clients_new(CLIENTS, limpet_server_port(server));
  CHECK_SOON(atomic_load(&known_count) == CLIENTS);
  atomic_store(&broken, atomic_load(&known[0]));
  CHECK_EQUAL(limpet_server_each(server, 0, break_core, NULL, NULL), 0);
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

/* -------------------------------------------------------------------- stop, wake */

static void *stop_run(void *server) {
  CHECK_EQUAL(limpet_server_stop(server, 10), 0);
  return NULL;
}

static void on_message_stop(limpet_server *server, limpet_session session, enum limpet_type type,
                            char *data, size_t length, void *user) {
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
  tests_begin();
  test_echo();
  test_port_taken(1);
  test_port_taken(LOOPS);
  test_dealt();
  test_senders(LOOPS);
  test_broken();
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
