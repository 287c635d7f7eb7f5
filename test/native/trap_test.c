/* A core that traps is a bug of the core: its sessions are told to be gone, the process and its other servers go on. */

#include "check.h"
#include "limpet.h"
#include "loop.h"

static int opened, closed, code, trapped;
static limpet_server *servers[2];

static void pump(void) {
  for (int i = 0; i < 2; i++) limpet_server_poll(servers[i], 1);
}

static void on_connect(limpet_server *server, limpet_session session, void *user) {
  (void)server, (void)session, (void)user;
  opened++;
}

static void on_message(limpet_server *server, limpet_session session, enum limpet_type type,
                       char *data, size_t length, void *user) {
  (void)server, (void)user;
  limpet_session_send(session, type, data, length);
}

static void on_close(limpet_server *server, limpet_session session, uint16_t with,
                     const char *reason, void *user) {
  (void)server, (void)session, (void)reason, (void)user;
  closed++;
  code = with;
}

static void on_error(limpet_server *server, limpet_session session, int failed, const char *message,
                     void *user) {
  (void)server, (void)user;
  if (failed != LIMPET_E_TRAP) return;
  CHECK_EQUAL(session, 0);
  CHECK(message[0] != '\0');
  trapped++;
}

static limpet_server *started(void) {
  limpet_config *config = limpet_config_new();
  CHECK_EQUAL(limpet_config_set_port(config, 0), 0);
  limpet_server *server = limpet_server_new(config);
  CHECK(server);
  limpet_config_free(config);
  limpet_server_set_on_connect(server, on_connect, NULL);
  limpet_server_set_on_message(server, on_message, NULL);
  limpet_server_set_on_close(server, on_close, NULL);
  limpet_server_set_on_error(server, on_error, NULL);
  CHECK_EQUAL(limpet_server_start(server), 0);
  return server;
}

/* Every word of the core's own that is no counter points outside of its memory. */
static void spoil(struct loop *loop) {
  uint8_t *globals = loop->memory + limpet_core_region(loop->core, LIMPET_REGION_GLOBALS);
  const size_t size = (size_t)limpet_core_region_size(loop->core, LIMPET_REGION_GLOBALS);
  const struct limpet_event_ring ring = *loop->ring;
  const struct limpet_stats_record stats = *loop->stats;
  memset(globals, 0xfe, size);
  memcpy((void *)(uintptr_t)loop->ring, &ring, sizeof ring);
  memcpy((void *)(uintptr_t)loop->stats, &stats, sizeof stats);
}

int main(void) {
  for (int i = 0; i < 2; i++) servers[i] = started();
  check_pump = pump;
  struct check_client clients[4];
  for (int i = 0; i < 4; i++)
    clients[i] = check_client_connect(limpet_server_port(servers[i & 1]), "/", "");
  CHECK_SOON(opened == 4);

  spoil(servers[0]->loops[0]);
  CHECK(check_client_send(&clients[0], CHECK_TEXT_FRAME, "hello", 5));
  CHECK_SOON(trapped == 1);
  CHECK_EQUAL(closed, 2);
  CHECK_EQUAL(code, 1006);
  CHECK_EQUAL(check_client_receive(&clients[0]).first, 0);
  CHECK_EQUAL(check_client_receive(&clients[2]).first, 0);

  // It lets nobody in any more, and does not spin.
  struct check_client late = check_client_open(limpet_server_port(servers[0]));
  CHECK_EQUAL(check_client_fill(&late, 1, CHECK_PATIENCE_MS), 0);
  const int64_t before = check_now();
  CHECK_EQUAL(limpet_server_poll(servers[0], 50), 0);
  CHECK(check_now() - before >= 45);

  // The other one serves on.
  CHECK(check_client_send(&clients[1], CHECK_TEXT_FRAME, "hello", 5));
  CHECK_FRAME(&clients[1], CHECK_TEXT_FRAME, "hello");
  CHECK_EQUAL(trapped, 1);

  // It can be stopped, and another one begun in its place.
  CHECK_EQUAL(limpet_server_stop(servers[0], 1000), 0);
  limpet_server_free(servers[0]);
  servers[0] = started();
  struct check_client fresh = check_client_connect(limpet_server_port(servers[0]), "/", "");
  CHECK_EQUAL(fresh.status, 101);
  for (int i = 0; i < 4; i++) check_client_end(&clients[i]);
  check_client_end(&late);
  check_client_end(&fresh);
  for (int i = 0; i < 2; i++) limpet_server_free(servers[i]);
  return 0;
}
