/* limpet_ws over TLS: the handshakes of both within one deadline. The certificate is made by openssl(1). */

#include "check.h"
#include "limpet.h"

#if defined(LIMPET_TLS)

static char folder[] = "/tmp/limpet-ws-tls-XXXXXX";
static limpet_server *server;
static char last[64];
static limpet_session opened;

static void on_connect(limpet_server *of, limpet_session session, void *user) {
  (void)of, (void)user;
  opened = session;
}

static void on_message(limpet_server *of, limpet_session session, enum limpet_type type, char *data,
                       size_t length, void *user) {
  (void)of, (void)session, (void)type, (void)user;
  snprintf(last, sizeof last, "%.*s", (int)length, data);
}

static void begin(void) {
  char command[512], cert[64], key[64];
  CHECK(mkdtemp(folder));
  snprintf(cert, sizeof cert, "%s/cert.pem", folder);
  snprintf(key, sizeof key, "%s/key.pem", folder);
  snprintf(command, sizeof command,
           "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "
           "/CN=localhost"
           " -addext subjectAltName=DNS:localhost -keyout %s -out %s 2>/dev/null",
           key, cert);
  CHECK(system(command) == 0);
  limpet_config *config = limpet_config_new();
  limpet_config_set_host(config, NULL);
  CHECK_EQUAL(limpet_config_set_tls(config, cert, key), 0);
  CHECK_EQUAL(limpet_config_set_tls_peer(config, cert, true), 0);
  server = limpet_server_new(config);
  CHECK(server);
  limpet_config_free(config);
  limpet_server_set_on_connect(server, on_connect, NULL);
  limpet_server_set_on_message(server, on_message, NULL);
  CHECK_EQUAL(limpet_server_start(server), 0);
}

static void end(void) {
  limpet_server_free(server);
  char path[64];
  for (int i = 0; i < 2; i++) {
    snprintf(path, sizeof path, "%s/%s.pem", folder, i == 0 ? "cert" : "key");
    unlink(path);
  }
  rmdir(folder);
}

static int64_t soon(void) { return limpet_now() + CHECK_PATIENCE_MS; }

static bool is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }

/* The server's own client is at the other end of an accepted socket. */
static void test_serving(void) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in where = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof where;
  CHECK(bind(listener, (struct sockaddr *)&where, sizeof where) == 0 && listen(listener, 1) == 0);
  CHECK(getsockname(listener, (struct sockaddr *)&where, &size) == 0);
  char url[64];
  snprintf(url, sizeof url, "wss://localhost:%d/secret", ntohs(where.sin_port));
  limpet_session session;
  CHECK_EQUAL(limpet_server_connect(server, url, NULL, &session), 0);
  struct pollfd one = {.fd = listener, .events = POLLIN};
  while (poll(&one, 1, 0) == 0) CHECK(limpet_server_poll(server, 5) >= 0);
  const int fd = accept(listener, NULL, NULL);
  limpet_ws *ws;
  char resource[32], host[64], message[64];
  const uint32_t flags = LIMPET_WITH_TLS | LIMPET_WS_TEXT;
  CHECK_EQUAL(limpet_ws_attach(server, fd, flags, resource, sizeof resource, host, sizeof host,
                               NULL, soon(), &ws),
              0);
  CHECK_STRING(resource, "/secret");
  while (opened != session) CHECK(limpet_server_poll(server, 5) >= 0);
  CHECK_EQUAL(limpet_session_send_text(session, "over TLS"), 0);
  CHECK_EQUAL(limpet_ws_receive(ws, message, sizeof message, NULL, soon()), 8);
  CHECK(memcmp(message, "over TLS", 8) == 0);
  CHECK_EQUAL(limpet_ws_send(ws, "and back", 8, soon()), 0);
  while (strcmp(last, "and back") != 0) CHECK(limpet_server_poll(server, 5) >= 0);
  // What is under TLS has no bytes to hand back.
  CHECK_EQUAL(limpet_ws_detach(ws, 1000, NULL, soon()), LIMPET_E_UNSUPPORTED);
  CHECK_EQUAL(limpet_session_detach(session, NULL, NULL), LIMPET_E_UNSUPPORTED);
  CHECK_EQUAL(limpet_ws_close(ws, soon()), 0);
  CHECK(!is_open(fd));
  // The other end is a session of the same server.
  const int64_t end_ms = soon();
  while (limpet_server_active_count(server) > 0 && limpet_now() < end_ms)
    limpet_server_poll(server, 5);
  CHECK_EQUAL(limpet_server_active_count(server), 0);
  close(listener);
}

/* No TLS comes: the socket stays the caller's. */
static void test_refused(void) {
  const char *said[] = {"", "GET / HTTP/1.1\r\n\r\n"};
  const int codes[] = {LIMPET_E_TIMEOUT, LIMPET_E_TLS};
  for (int i = 0; i < 2; i++) {
    int ends[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    CHECK(write(ends[1], said[i], strlen(said[i])) == (ssize_t)strlen(said[i]));
    limpet_ws *ws;
    const int64_t deadline = i == 0 ? limpet_now() + 50 : soon();
    CHECK_EQUAL(
        limpet_ws_attach(server, ends[0], LIMPET_WITH_TLS, NULL, 0, NULL, 0, NULL, deadline, &ws),
        codes[i]);
    CHECK(!ws && is_open(ends[0]));
    CHECK((fcntl(ends[0], F_GETFL) & O_NONBLOCK) == 0);
    close(ends[0]);
    close(ends[1]);
  }
  CHECK_EQUAL(limpet_server_active_count(server), 0);
}

int main(void) {
  begin();
  test_serving();
  test_refused();
  end();
  return 0;
}

#else

int main(void) {
  limpet_config *config = limpet_config_new();
  limpet_config_set_host(config, NULL);
  limpet_server *server = limpet_server_new(config);
  limpet_config_free(config);
  CHECK_EQUAL(limpet_server_start(server), 0);
  int ends[2];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  limpet_ws *ws;
  CHECK_EQUAL(limpet_ws_attach(server, ends[0], LIMPET_WITH_TLS, NULL, 0, NULL, 0, NULL, 0, &ws),
              LIMPET_E_UNSUPPORTED);
  limpet_session session;
  CHECK_EQUAL(limpet_server_connect(server, "wss://localhost/", NULL, &session),
              LIMPET_E_UNSUPPORTED);
  limpet_server_free(server);
  return 0;
}

#endif
