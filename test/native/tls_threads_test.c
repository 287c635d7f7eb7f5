/* TLS over several loops: every thread shakes hands, and certificates are read again meanwhile. */

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "check.h"
#include "limpet.h"

#define LOOPS 4
#define CLIENTS 32
#define ROUNDS 20

static char folder[] = "/tmp/limpet-tls-threads-XXXXXX";
static limpet_server *served, *calling;
static int opened, answered;
static atomic_bool reload_ends;

static const char *file(const char *name) {
  static char paths[2][128];
  static int turn;
  char *path = paths[turn = !turn];
  snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}

static void certify(void) {
  char command[1024];
  CHECK(mkdtemp(folder));
  snprintf(command, sizeof command,
           "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "
           "/CN=localhost"
           " -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout %s/key.pem -out %s/cert.pem "
           "2>/dev/null",
           folder, folder);
  CHECK(system(command) == 0);
}

static void on_message_echo(limpet_server *server, limpet_session session, enum limpet_type type,
                            char *data, size_t length, void *user) {
  (void)server, (void)user;
  CHECK(limpet_session_send(session, type, data, length) >= 0);
}

static void on_connect(limpet_server *server, limpet_session session, void *user) {
  (void)server, (void)user;
  opened++;
  CHECK(limpet_session_send_text(session, "0") >= 0);
}

/* Each answer is the next question. */
static void on_answer(limpet_server *server, limpet_session session, enum limpet_type type,
                      char *data, size_t length, void *user) {
  (void)server, (void)type, (void)user;
  CHECK(length == 1 || length == 2);
  char text[16] = {data[0], length == 2 ? data[1] : 0};
  const int next = atoi(text) + 1;
  if (next == ROUNDS) {
    answered++;
    CHECK_EQUAL(limpet_session_close(session, 1000, NULL), 0);
    return;
  }
  snprintf(text, sizeof text, "%d", next);
  CHECK(limpet_session_send_text(session, text) >= 0);
}

static void on_connect_error(limpet_server *server, limpet_session session, int code,
                             const char *message, void *user) {
  (void)server, (void)session, (void)user;
  fprintf(stderr, "%d %s\n", code, message);
  CHECK(!"connected");
}

static void *reload_run(void *arg) {
  (void)arg;
  while (!atomic_load(&reload_ends)) CHECK_EQUAL(limpet_server_reload_tls(served), 0);
  return NULL;
}

static limpet_server *server_of(const char *host, int threads) {
  limpet_config *config = limpet_config_new();
  CHECK_EQUAL(limpet_config_set_host(config, host), 0);
  CHECK_EQUAL(limpet_config_set_port(config, 0), 0);
  CHECK_EQUAL(limpet_config_set_threads(config, threads), 0);
  if (host) CHECK_EQUAL(limpet_config_set_tls(config, file("cert.pem"), file("key.pem")), 0);
  else CHECK_EQUAL(limpet_config_set_tls_peer(config, file("cert.pem"), true), 0);
  limpet_server *server = limpet_server_new(config);
  CHECK(server != NULL);
  limpet_config_free(config);
  return server;
}

static void pump(void) { CHECK(limpet_server_poll(calling, 5) >= 0); }

int main(void) {
  limpet_config *probe = limpet_config_new();
  if (limpet_config_set_tls(probe, "cert.pem", "key.pem") == LIMPET_E_UNSUPPORTED) {
    limpet_config_free(probe);
    puts("tls over threads: built without TLS");
    return 0;
  }
  limpet_config_free(probe);
  signal(SIGPIPE, SIG_IGN);
  certify();
  served = server_of("127.0.0.1", LOOPS);
  CHECK_EQUAL(limpet_server_set_on_message(served, on_message_echo, NULL), 0);
  CHECK_EQUAL(limpet_server_start(served), 0);
  calling = server_of(NULL, 1);
  CHECK_EQUAL(limpet_server_set_on_connect(calling, on_connect, NULL), 0);
  CHECK_EQUAL(limpet_server_set_on_message(calling, on_answer, NULL), 0);
  CHECK_EQUAL(limpet_server_set_on_connect_error(calling, on_connect_error, NULL), 0);
  CHECK_EQUAL(limpet_server_start(calling), 0);
  check_pump = pump;

  pthread_t reloading;
  CHECK(pthread_create(&reloading, NULL, reload_run, NULL) == 0);
  char url[64];
  snprintf(url, sizeof url, "wss://localhost:%d/", limpet_server_port(served));
  const struct limpet_connect_options options = {.timeout_ms = CHECK_PATIENCE_MS};
  for (int i = 0; i < CLIENTS; i++) {
    limpet_session session;
    CHECK_EQUAL(limpet_server_connect(calling, url, &options, &session), 0);
  }
  CHECK_SOON(answered == CLIENTS);
  CHECK_EQUAL(opened, CLIENTS);
  atomic_store(&reload_ends, true);
  CHECK(pthread_join(reloading, NULL) == 0);

  CHECK_EQUAL(limpet_server_stop(served, 100), 0);
  CHECK_EQUAL(limpet_server_total_count(served), CLIENTS);
  limpet_server_free(served);
  limpet_server_free(calling);
  unlink(file("cert.pem"));
  unlink(file("key.pem"));
  rmdir(folder);
  puts("tls over threads: ok");
  return 0;
}
