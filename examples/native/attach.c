/* libdill's way of working in Limpet's words: sockets that the program accepted itself, one call after the other,
 * and the socket again when the WebSocket is over.
 *
 *   attach [PORT]     echoes what clients say; after "bye" it is plain bytes again: a line, and its answer
 *
 *   tcp_accept                       accept(2): the sockets are the program's own
 *   ws_attach_server_mem             limpet_ws_attach: resource, host, memory and deadline in the same places
 *   mrecv, ws_recv                   limpet_ws_receive
 *   msend, ws_send                   limpet_ws_send
 *   ws_done, ws_detach               limpet_ws_detach: Close frames both ways, and the socket is back
 *   ws_status                        limpet_ws_status
 *   now() + 1000                     limpet_now() + 1000 */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <limpet.h>

static volatile sig_atomic_t ending;

static void on_signal(int number) {
  (void)number;
  ending = 1;
}

/* A socket that listens on a port of this machine, 0 for a free one; -1 when there is none. */
static int listen_on(int port) {
  int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  struct sockaddr_in where;
  socklen_t size = sizeof where;
  memset(&where, 0, sizeof where);
  where.sin_family = AF_INET;
  where.sin_port = htons((unsigned short)port);
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, (struct sockaddr *)&where, size) != 0 || listen(fd, 16) != 0) return -1;
  getsockname(fd, (struct sockaddr *)&where, &size);
  printf("listening on http://127.0.0.1:%d/\n", ntohs(where.sin_port));
  fflush(stdout);
  return fd;
}

/* One line of plain bytes, and its answer. */
static void talk_plainly(int fd) {
  char line[256];
  ssize_t length = read(fd, line, sizeof line);
  if (length > 0 && write(fd, "plainly: ", 9) == 9) length = write(fd, line, (size_t)length);
  if (length < 0) perror("attach");
}

/* A client's life. Without a WebSocket its socket is still the program's. */
static void serve(limpet_server *server, int fd) {
  char resource[256], host[256], message[4096];
  struct limpet_ws_storage memory;
  limpet_ws *ws;
  if (limpet_ws_attach(server, fd, LIMPET_WS_TEXT, resource, sizeof resource, host, sizeof host,
                       &memory, limpet_now() + 1000, &ws) < 0) {
    printf("no WebSocket: %s\n", limpet_last_error());
    close(fd);
    return;
  }
  printf("%s of %s\n", resource, host);
  fflush(stdout);
  int length;
  while ((length = limpet_ws_receive(ws, message, sizeof message, NULL, limpet_now() + 10000)) >=
         0) {
    if (length == 3 && memcmp(message, "bye", 3) == 0) break;
    if (limpet_ws_send(ws, message, (size_t)length, limpet_now() + 1000) < 0) break;
  }
  /* Whoever closed first, or said "bye": the socket, when all went well. */
  fd = limpet_ws_detach(ws, 1000, "bye", limpet_now() + 1000);
  if (fd < 0) {
    printf("no more: %s\n", limpet_last_error());
    limpet_ws_close(ws, 0);
    return;
  }
  if (length >= 0) talk_plainly(fd);
  close(fd);
}

int main(int argc, char **argv) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  /* A server that does not listen: it only has the protocol. */
  limpet_config *config = limpet_config_new();
  limpet_config_set_host(config, NULL);
  limpet_server *server = limpet_server_new(config);
  limpet_config_free(config);
  int listener = listen_on(argc > 1 ? atoi(argv[1]) : 8080);
  if (listener < 0 || limpet_server_start(server) < 0) {
    perror("attach");
    limpet_server_free(server);
    return 1;
  }
  while (!ending) {
    int fd = accept(listener, NULL, NULL);
    if (fd >= 0) serve(server, fd);
  }
  close(listener);
  limpet_server_free(server);
  return 0;
}
