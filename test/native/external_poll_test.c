/* A server in a loop of the test's own: poll(2) over its descriptors and a pipe that is none of its. */

#include "check.h"
#include "limpet.h"

#include "poller/external.h"

#define DESCRIPTORS_MAX 64

static limpet_server *server;
static struct pollfd descriptors[DESCRIPTORS_MAX];
static int descriptor_count, added, changed, removed;
static int due_ms;
static int foreign[2] = {-1, -1}, foreign_seen;
static int opened_count, closed_count, writable_count;
static limpet_session last_opened;

static int place_of(int fd) {
  for (int i = 0; i < descriptor_count; i++) {
    if (descriptors[i].fd == fd) return i;
  }
  return -1;
}

static void on_add(limpet_server *of, int fd, int events, void *user) {
  CHECK(of == server && user == descriptors);
  CHECK(place_of(fd) < 0 && descriptor_count < DESCRIPTORS_MAX);
  descriptors[descriptor_count++] = (struct pollfd){.fd = fd, .events = (short)events};
  added++;
}

static void on_change(limpet_server *of, int fd, int events, void *user) {
  CHECK(of == server && user == descriptors);
  CHECK(place_of(fd) >= 0);
  descriptors[place_of(fd)].events = (short)events;
  changed++;
}

static void on_remove(limpet_server *of, int fd, void *user) {
  CHECK(of == server && user == descriptors);
  const int at = place_of(fd);
  CHECK(at >= 0);
  descriptors[at] = descriptors[--descriptor_count];
  removed++;
}

/* One round of the test's own loop. */
static void pump(void) {
  struct pollfd round[DESCRIPTORS_MAX + 1];
  const int count = descriptor_count;
  memcpy(round, descriptors, (size_t)count * sizeof *round);
  round[count] = (struct pollfd){.fd = foreign[0], .events = POLLIN};
  const int wait_ms = due_ms >= 0 && due_ms < 5 ? due_ms : 5;
  CHECK(poll(round, (nfds_t)count + 1, wait_ms) >= 0);
  for (int i = 0; i <= count; i++) {
    if (round[i].revents == 0) continue;
    // Any descriptor may be tried.
    const int served = limpet_server_service_fd(server, round[i].fd, round[i].revents);
    CHECK(served == 0 || served == 1);
    if (served == 1) continue;
    // Its own of a moment ago, or the test's.
    if (round[i].fd != foreign[0]) continue;
    char byte;
    CHECK(read(foreign[0], &byte, 1) == 1);
    foreign_seen++;
  }
  due_ms = limpet_server_service(server);
  CHECK(due_ms >= -1);
}

static void on_connect(limpet_server *of, limpet_session session, void *user) {
  (void)of, (void)user;
  opened_count++;
  last_opened = session;
}

static void on_message(limpet_server *of, limpet_session session, enum limpet_type type, char *data,
                       size_t length, void *user) {
  (void)user;
  CHECK_EQUAL(limpet_server_poll(of, 0), LIMPET_E_STATE);
  CHECK_EQUAL(limpet_server_service(of), LIMPET_E_STATE);
  CHECK_EQUAL(limpet_server_service_fd(of, 0, POLLIN), LIMPET_E_STATE);
  CHECK(limpet_session_send(session, type, data, length) >= 0);
}

static void on_writable(limpet_server *of, limpet_session session, void *user) {
  (void)of, (void)user;
  writable_count++;
  CHECK(limpet_session_send_text(session, "you asked") >= 0);
}

static void on_close(limpet_server *of, limpet_session session, uint16_t code, const char *reason,
                     void *user) {
  (void)of, (void)session, (void)code, (void)reason, (void)user;
  closed_count++;
}

static void begin(uint32_t ping_ms) {
  limpet_config *config = limpet_config_new();
  limpet_config_set_port(config, 0);
  limpet_config_set_ping_interval(config, ping_ms);
  server = limpet_server_new(config);
  CHECK(server);
  limpet_config_free(config);
  descriptor_count = added = changed = removed = foreign_seen = opened_count = closed_count =
      writable_count = 0;
  due_ms = 0;
  limpet_server_set_on_connect(server, on_connect, NULL);
  limpet_server_set_on_message(server, on_message, NULL);
  limpet_server_set_on_writable(server, on_writable, NULL);
  limpet_server_set_on_close(server, on_close, NULL);
  const struct limpet_poll_callbacks callbacks = {on_add, on_change, on_remove, descriptors};
  CHECK_EQUAL(limpet_server_service(server), LIMPET_E_STATE);
  CHECK_EQUAL(limpet_server_set_poll(server, &callbacks), 0);
  CHECK_EQUAL(limpet_server_service(server), LIMPET_E_STATE);
  CHECK_EQUAL(limpet_server_start(server), 0);
  CHECK_EQUAL(limpet_server_set_poll(server, &callbacks), LIMPET_E_STATE);
  // What wakes it, and what listens.
  CHECK_EQUAL(descriptor_count, 2);
  CHECK(pipe(foreign) == 0);
  check_pump = pump;
}

static void end(void) {
  check_pump = NULL;
  limpet_server_free(server);
  // All that was added was removed.
  CHECK_EQUAL(descriptor_count, 0);
  CHECK_EQUAL(added, removed);
  close(foreign[0]);
  close(foreign[1]);
}

static void test_serving(void) {
  begin(0);
  struct check_client client = check_client_connect(limpet_server_port(server), "/", "");
  CHECK_EQUAL(client.status, 101);
  CHECK_EQUAL(opened_count, 1);
  CHECK_EQUAL(descriptor_count, 3);
  CHECK(check_client_send(&client, CHECK_TEXT_FRAME, "hello", 5));
  CHECK_FRAME(&client, CHECK_TEXT_FRAME, "hello");
  // The descriptor of the test's own is no error, and is not touched.
  CHECK(write(foreign[1], "x", 1) == 1);
  CHECK_SOON(foreign_seen == 1);
  CHECK_EQUAL(limpet_server_service_fd(server, -1, POLLIN), 0);
  CHECK_EQUAL(limpet_server_service_fd(server, 1 << 20, POLLIN), 0);
  CHECK_EQUAL(limpet_server_service_fd(server, foreign[1], POLLOUT), 0);
  // What is told of a descriptor that has nothing to say does no harm.
  CHECK_EQUAL(limpet_server_service_fd(server, limpet_session_fd(last_opened), POLLIN), 1);
  CHECK_EQUAL(limpet_server_service_fd(server, limpet_session_fd(last_opened), 0), 1);
  CHECK_EQUAL(limpet_session_call_writable(last_opened), 0);
  CHECK_FRAME(&client, CHECK_TEXT_FRAME, "you asked");
  CHECK_EQUAL(writable_count, 1);
  // Fragments, with a ping in between.
  CHECK_EQUAL(limpet_session_send_fragment(last_opened, LIMPET_TEXT, "one ", 4, false), 0);
  CHECK_EQUAL(limpet_session_ping(last_opened, "?", 1), 0);
  CHECK_EQUAL(limpet_session_send_fragment(last_opened, LIMPET_TEXT, "message", 7, true), 0);
  CHECK_FRAME(&client, 0x01, "one ");
  CHECK_FRAME(&client, CHECK_PING_FRAME, "?");
  CHECK_FRAME(&client, 0x80, "message");
  check_client_end(&client);
  CHECK_SOON(closed_count == 1);
  CHECK_EQUAL(descriptor_count, 2);
  end();
}

/* A slow reader: POLLOUT is asked for while something waits, and no longer. */
static void test_slow(void) {
  begin(0);
  struct check_client client = check_client_connect(limpet_server_port(server), "/", "");
  static char big[8 << 20];
  memset(big, 'x', sizeof big);
  CHECK(limpet_session_send(last_opened, LIMPET_BINARY, big, sizeof big) >= 0);
  for (int i = 0; i < 10; i++) pump();
  const int fd = limpet_session_fd(last_opened);
  CHECK(descriptors[place_of(fd)].events & POLLOUT);
  CHECK_EQUAL(check_client_receive(&client).length, sizeof big);
  CHECK_SOON(!(descriptors[place_of(fd)].events & POLLOUT));
  CHECK(changed >= 2);
  check_client_end(&client);
  CHECK_SOON(closed_count == 1);
  end();
}

/* limpet_server_service says when it wants to be called: pings go at their time. */
static void test_time(void) {
  begin(80);
  struct check_client client = check_client_connect(limpet_server_port(server), "/", "");
  const int64_t from = check_now();
  CHECK(due_ms > 0 && due_ms <= 80);
  CHECK_EQUAL(check_client_receive(&client).first, CHECK_PING_FRAME);
  CHECK(check_now() - from >= 60);
  check_client_end(&client);
  end();
}

/* Stopping polls by itself, and the application's loop is told of what goes. */
static void test_stop(void) {
  begin(0);
  struct check_client client = check_client_connect(limpet_server_port(server), "/", "");
  CHECK_EQUAL(limpet_server_stop(server, 50), 0);
  CHECK_EQUAL(closed_count, 1);
  CHECK_EQUAL(limpet_server_service(server), LIMPET_E_STATE);
  check_client_end(&client);
  end();
}

/* Another thread's stop is seen by the application's loop. */
static void test_interrupt(void) {
  begin(0);
  CHECK_EQUAL(limpet_server_interrupt(server, 1000), 0);
  for (int rounds = 0; limpet_server_service(server) != LIMPET_E_STATE; rounds++) {
    CHECK(rounds < 1000);
    struct pollfd round[DESCRIPTORS_MAX];
    const int count = descriptor_count;
    memcpy(round, descriptors, (size_t)count * sizeof *round);
    CHECK(poll(round, (nfds_t)count, 5) >= 0);
    for (int i = 0; i < count; i++) {
      if (round[i].revents == 0) continue;
      // The last call may have been the one that stopped it.
      const int served = limpet_server_service_fd(server, round[i].fd, round[i].revents);
      CHECK(served == 1 || served == LIMPET_E_STATE);
    }
  }
  end();
}

/* A client's descriptors come and go: the resolver's, then the socket's. */
static void test_client(void) {
  begin(0);
  char url[64];
  snprintf(url, sizeof url, "ws://localhost:%d/", limpet_server_port(server));
  limpet_session session;
  CHECK_EQUAL(limpet_server_connect(server, url, NULL, &session), 0);
  CHECK_SOON(opened_count == 2);
  CHECK_EQUAL(limpet_session_close(session, 1000, NULL), 0);
  CHECK_SOON(closed_count == 2);
  CHECK_EQUAL(descriptor_count, 2);
  end();
}

static void test_bad_calls(void) {
  const struct limpet_poll_callbacks callbacks = {0};
  CHECK_EQUAL(limpet_server_set_poll(NULL, &callbacks), LIMPET_ERROR_CODE_ARGUMENT);
  CHECK_EQUAL(limpet_server_service(NULL), LIMPET_ERROR_CODE_ARGUMENT);
  CHECK_EQUAL(limpet_server_service_fd(NULL, 0, 0), LIMPET_ERROR_CODE_ARGUMENT);
  limpet_config *config = limpet_config_new();
  limpet_config_set_port(config, 0);
  server = limpet_server_new(config);
  CHECK_EQUAL(limpet_server_set_poll(server, NULL), LIMPET_ERROR_CODE_ARGUMENT);
  // No callback has to be there.
  CHECK_EQUAL(limpet_server_set_poll(server, &callbacks), 0);
  CHECK_EQUAL(limpet_server_start(server), 0);
  CHECK_EQUAL(limpet_server_poll(server, 0), 0);
  limpet_server_free(server);
  server = limpet_server_new(config);
  CHECK_EQUAL(limpet_server_start(server), 0);
  CHECK_EQUAL(limpet_server_service(server), LIMPET_E_STATE);
  limpet_server_free(server);
  limpet_config_set_threads(config, 2);
  server = limpet_server_new(config);
  CHECK_EQUAL(limpet_server_set_poll(server, &callbacks), LIMPET_ERROR_CODE_ARGUMENT);
  limpet_server_free(server);
  limpet_config_free(config);
}

/* The table of descriptors: what was added is found, what was removed is not, in any order. */
static void test_table(void) {
  limpet_config *config = limpet_config_new();
  limpet_config_set_host(config, NULL);
  server = limpet_server_new(config);
  limpet_config_free(config);
  enum { ROWS = 500 };
  struct poller *poller = polling_external.create(server, ROWS);
  int fds[ROWS];
  bool there[ROWS] = {false};
  for (int i = 0; i < ROWS; i++) fds[i] = 3 + i * (i % 3 == 0 ? 1024 : 1);
  uint32_t random = 7;
  for (int round = 0; round < 20000; round++) {
    random = random * UINT32_C(1664525) + UINT32_C(1013904223);
    const uint32_t row = (random >> 8) % ROWS;
    // Two numbers of the list may be the same descriptor: one at a time.
    bool taken = false;
    for (int i = 0; i < ROWS; i++)
      taken = taken || (there[i] && i != (int)row && fds[i] == fds[row]);
    if (taken) continue;
    if (there[row]) polling_external.remove(poller, fds[row], row);
    else CHECK(polling_external.add(poller, fds[row], row, POLLIN) == 0);
    there[row] = !there[row];
    if (round % 500 != 0) continue;
    for (uint32_t i = 0; i < ROWS; i++) {
      uint32_t found = 0;
      const bool is = external_row(poller, fds[i], &found);
      if (there[i]) CHECK(is && found == i);
      else CHECK(!is || (found != i && there[found]));
    }
  }
  polling_external.destroy(poller);
  limpet_server_free(server);
}

int main(void) {
  test_serving();
  test_slow();
  test_time();
  test_stop();
  test_interrupt();
  test_client();
  test_bad_calls();
  test_table();
  return 0;
}
