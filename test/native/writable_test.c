/* limpet_session_call_writable, and _all: on_writable comes with the next turn, again and again, and not before the
 * socket takes more. */

#include "check.h"
#include "limpet.h"

static limpet_session open_session;
static int told, wanted;

static void on_connect(limpet_server *server, limpet_session session, void *user) {
  (void)server;
  (void)user;
  open_session = session;
}

static void on_writable(limpet_server *server, limpet_session session, void *user) {
  (void)server;
  (void)user;
  told++;
  if (told < wanted) CHECK_EQUAL(limpet_session_call_writable(session), 0);
}

static limpet_server *server;
static void pump(void) { limpet_server_poll(server, 5); }

/* Polls as one who has nothing else to do: each turn may take seconds, but for what is asked for. */
static int64_t polled_until(int count) {
  int64_t began = check_now();
  for (int i = 0; told < count && i < 100; i++) CHECK(limpet_server_poll(server, 3000) >= 0);
  CHECK_EQUAL(told, count);
  return check_now() - began;
}

static void check_again_and_again(void) {
  told = 0;
  wanted = 20;
  CHECK_EQUAL(limpet_session_call_writable(open_session), 0);
  CHECK_EQUAL(told, 0);
  CHECK(polled_until(20) < 2000);
  /* Nobody asks any more. */
  CHECK(limpet_server_poll(server, 50) == 0);
  CHECK_EQUAL(told, 20);
  told = 0;
  wanted = 1;
  CHECK(limpet_server_call_writable_all(server) >= 0);
  CHECK(polled_until(1) < 2000);
}

/* Who does not read is not told, and no turn is taken for it. */
static void check_full(struct check_client *client) {
  static char megabyte[1 << 20];
  told = 0;
  wanted = 1;
  size_t sent = 0;
  while (limpet_session_queued(open_session) < (1 << 18) && sent < (64u << 20)) {
    int answer = limpet_session_send(open_session, LIMPET_BINARY, megabyte, 1 << 16);
    CHECK(answer >= 0);
    sent += 1 << 16;
    limpet_server_poll(server, 0);
  }
  CHECK(limpet_session_queued(open_session) > 0);
  told = 0;
  CHECK_EQUAL(limpet_session_call_writable(open_session), 0);
  int turns = 0;
  for (int64_t end = check_now() + 300; check_now() < end; turns++) limpet_server_poll(server, 100);
  CHECK_EQUAL(told, 0);
  CHECK(turns < 20);
  for (size_t got = 0; got < sent;) {
    struct check_frame frame = check_client_receive(client);
    CHECK_EQUAL(frame.first, CHECK_BINARY_FRAME);
    got += frame.length;
  }
  CHECK_SOON(told > 0);
}

int main(void) {
  limpet_config *config = limpet_config_new();
  limpet_config_set_port(config, 0);
  limpet_config_set_max_backpressure(config, 8 << 20);
  server = limpet_server_new(config);
  limpet_config_free(config);
  CHECK(server != NULL);
  limpet_server_set_on_connect(server, on_connect, NULL);
  limpet_server_set_on_writable(server, on_writable, NULL);
  CHECK_EQUAL(limpet_server_start(server), 0);
  check_pump = pump;
  struct check_client client = check_client_connect(limpet_server_port(server), "/", "");
  CHECK_EQUAL(client.status, 101);
  CHECK_SOON(open_session != 0);
  check_again_and_again();
  check_full(&client);
  check_client_end(&client);
  limpet_server_free(server);
  return 0;
}
