/* What a server can do wrong to a client of ours: on_connect_error has the core's code for each answer that breaks
 * RFC 6455 4.1, and on_error that for a masked frame. */

#include "support.h"

static int failed_code, failed_count;

static void on_connect_error(limpet_server *told, limpet_session session, int code,
                             const char *message, void *user) {
  (void)told, (void)session, (void)user;
  CHECK(message[0] != '\0');
  failed_code = code;
  failed_count++;
}

/* A listener of the test's own, and its port. */
static int listener(int *where) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&address, size) == 0 && listen(fd, 1) == 0);
  CHECK(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
  *where = ntohs(address.sin_port);
  return fd;
}

/* The Sec-WebSocket-Accept for the key of a request: a server of ours is asked with the same one. */
static void accept_of(struct check_client *peer, char *value, size_t size) {
  CHECK(check_client_fill(peer, 1, CHECK_PATIENCE_MS));
  for (int i = 0; i < 5; i++) support_pump();
  peer->bytes[peer->held] = '\0';
  const char *key = strstr((char *)peer->bytes, "Sec-WebSocket-Key: ");
  CHECK(key);
  char request[512];
  const int length =
      snprintf(request, sizeof request,
               "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Version: 13\r\n%.*s\r\n\r\n",
               (int)strcspn(key, "\r"), key);
  struct check_client asked = check_client_open(port);
  CHECK(check_client_write(&asked, request, (size_t)length));
  CHECK_EQUAL(check_client_head(&asked), 101);
  CHECK_EQUAL(snprintf(value, size, "%s", check_client_field(&asked, "Sec-WebSocket-Accept")), 28);
  part(&asked);
}

/* A client connects, is answered `before`, the right Accept field and `after`, and fails with `code`. */
static void answered(int fd, int where, const char *before, const char *after, int code) {
  char url[64], accepted[64], answer[1024];
  limpet_session session;
  const struct limpet_connect_options options = {.protocols = "chat"};
  (void)snprintf(url, sizeof url, "ws://127.0.0.1:%d/", where);
  failed_count = 0;
  CHECK_EQUAL(limpet_server_connect(server, url, &options, &session), 0);
  CHECK(check_wait(fd, POLLIN, CHECK_PATIENCE_MS));
  struct check_client peer = {.fd = accept(fd, NULL, NULL), .status = 0, .held = 0};
  CHECK(peer.fd >= 0);
  accept_of(&peer, accepted, sizeof accepted);
  const int length = snprintf(answer, sizeof answer, "%sSec-WebSocket-Accept: %s\r\n%s\r\n", before,
                              accepted, after);
  CHECK(check_client_write(&peer, answer, (size_t)length));
  CHECK_SOON(failed_count > 0);
  CHECK_EQUAL(failed_count, 1);
  if (failed_code != code) fprintf(stderr, "%s\n", limpet_strerror(failed_code));
  CHECK_EQUAL(failed_code, code);
  check_client_end(&peer);
}

#define SWITCHING "HTTP/1.1 101 Switching Protocols\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"

static void test_answers(void) {
  int where;
  const int fd = listener(&where);
  serve_new(NULL);
  limpet_server_set_on_connect_error(server, on_connect_error, NULL);
  serve_start();
  answered(fd, where, "HTTP/1.1 200 OK\r\n" UPGRADE, "", LIMPET_ERROR_CODE_RESPONSE_STATUS);
  answered(fd, where, SWITCHING "Upgrade: websocket\r\n", "", LIMPET_ERROR_CODE_RESPONSE_HEADER);
  answered(fd, where, SWITCHING UPGRADE "Sec-WebSocket-Accept: wrong\r\n", "",
           LIMPET_ERROR_CODE_RESPONSE_ACCEPT);
  answered(fd, where, SWITCHING UPGRADE, "Sec-WebSocket-Protocol: other\r\n",
           LIMPET_ERROR_CODE_RESPONSE_PROTOCOL);
  answered(fd, where, SWITCHING UPGRADE, "Sec-WebSocket-Extensions: permessage-deflate\r\n",
           LIMPET_ERROR_CODE_RESPONSE_EXTENSION);
  close(fd);
  serve_end();
}

/* RFC 6455 5.1: "A client MUST close a connection if it detects a masked frame." */
static void test_masked(void) {
  int ends[2];
  limpet_session session;
  serve(NULL);
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  CHECK_EQUAL(limpet_server_attach(server, ends[0], LIMPET_NO_HTTP | LIMPET_AS_CLIENT, &session),
              0);
  struct check_client peer = {.fd = ends[1], .status = 0, .held = 0};
  check_client_send(&peer, CHECK_TEXT_FRAME, "masked", 6);
  CHECK_SOON(error_count == 1);
  CHECK_EQUAL(error_code, LIMPET_ERROR_CODE_MASKED);
  CHECK_SOON(check_wait(peer.fd, POLLIN, 1));
  check_client_end(&peer);
  serve_end();
}

int main(void) {
  test_answers();
  test_masked();
  return 0;
}
