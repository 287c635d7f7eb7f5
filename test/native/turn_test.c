/* What is done outside of callbacks, between two polls: it leaves with the next poll, and its deadlines count. */

#include "check.h"
#include "limpet.h"

static limpet_server *server;
static limpet_session opened;
static int closed_count;

static void pump(void) { limpet_server_poll(server, 5); }

static void on_connect(limpet_server *of, limpet_session session, void *user) {
  (void)of, (void)user;
  opened = session;
}

static void on_close(limpet_server *of, limpet_session session, uint16_t code, const char *reason,
                     void *user) {
  (void)of, (void)session, (void)code, (void)reason, (void)user;
  closed_count++;
}

static struct check_client begin(uint32_t close_ms) {
  limpet_config *config = limpet_config_new();
  limpet_config_set_port(config, 0);
  limpet_config_set_handshake_timeout(config, 0);
  limpet_config_set_close_timeout(config, close_ms);
  server = limpet_server_new(config);
  CHECK(server);
  limpet_config_free(config);
  limpet_server_set_on_connect(server, on_connect, NULL);
  limpet_server_set_on_close(server, on_close, NULL);
  CHECK_EQUAL(limpet_server_start(server), 0);
  closed_count = 0;
  check_pump = pump;
  struct check_client client = check_client_connect(limpet_server_port(server), "/", "");
  CHECK_EQUAL(client.status, 101);
  // Nothing is left to do: the next poll would wait for ever.
  for (int i = 0; i < 5; i++) pump();
  check_pump = NULL;
  return client;
}

static void test_send(void) {
  struct check_client client = begin(0);
  CHECK_EQUAL(limpet_session_send_text(opened, "between two polls"), LIMPET_SENT_OK);
  CHECK_EQUAL(limpet_server_poll(server, 0), 0);
  char bytes[64];
  CHECK_EQUAL(recv(client.fd, bytes, sizeof bytes, MSG_DONTWAIT), 2 + 17);
  check_client_end(&client);
  limpet_server_free(server);
}

/* The client does not answer the Close frame. */
static void test_close(void) {
  struct check_client client = begin(60);
  // The program had something else to do: that is not the client's time.
  const struct timespec busy = {.tv_sec = 0, .tv_nsec = 100000000};
  nanosleep(&busy, NULL);
  CHECK_EQUAL(limpet_session_close(opened, 1000, NULL), 0);
  const int64_t from = limpet_now();
  while (closed_count == 0) {
    const int64_t before = limpet_now();
    CHECK(limpet_server_poll(server, 10000) >= 0);
    CHECK(limpet_now() - before < 5000);
  }
  CHECK(limpet_now() - from >= 55);
  check_client_end(&client);
  limpet_server_free(server);
}

static void test_terminate(void) {
  struct check_client client = begin(0);
  CHECK_EQUAL(limpet_session_terminate(opened), 0);
  const int64_t from = limpet_now();
  CHECK(limpet_server_poll(server, 10000) >= 0);
  CHECK(limpet_now() - from < 5000);
  CHECK_EQUAL(closed_count, 1);
  check_client_end(&client);
  limpet_server_free(server);
}

int main(void) {
  test_send();
  test_close();
  test_terminate();
  return 0;
}
