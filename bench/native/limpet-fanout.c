/* A message to /publish → the same message to all that are connected elsewhere, by Limpet: they are
   in a room. */

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "limpet.h"

static limpet_server *serving;
/* What a session's pointer points at if it publishes. */
static char publishes;

static enum limpet_verdict upgrade(limpet_server *server, limpet_session session, const char *path,
                                   void *user) {
  (void)server, (void)user;
  if (strcmp(path, "/publish") == 0) limpet_session_set_user(session, &publishes);
  return LIMPET_ACCEPT;
}

static void opened(limpet_server *server, limpet_session session, void *user) {
  (void)server, (void)user;
  if (limpet_session_user(session) != &publishes) limpet_session_join(session, "all");
}

static void publish(limpet_server *server, limpet_session session, enum limpet_type type,
                    char *data, size_t length, void *user) {
  (void)user;
  if (limpet_session_user(session) != &publishes) return;
  limpet_server_publish(server, "all", 0, type, data, length, NULL);
}

static void on_signal(int number) {
  (void)number;
  limpet_server_interrupt(serving, 0);
}

int main(void) {
  limpet_config *config = limpet_config_new();
  limpet_config_set_port(config, 0);
  serving = limpet_server_new(config);
  limpet_config_free(config);
  limpet_server_set_on_upgrade(serving, upgrade, NULL);
  limpet_server_set_on_connect(serving, opened, NULL);
  limpet_server_set_on_message(serving, publish, NULL);
  if (limpet_server_start(serving) != 0) {
    fprintf(stderr, "%s\n", limpet_last_error());
    return 1;
  }
  signal(SIGTERM, on_signal);
  signal(SIGINT, on_signal);
  printf("listening on http://127.0.0.1:%d/\n", limpet_server_port(serving));
  fflush(stdout);
  limpet_server_run(serving);
  limpet_server_free(serving);
  return 0;
}
