/* libwebsockets' way of working in Limpet's words: sockets in the program's own poll(2), sending only when a
 * socket takes more, messages in pieces both ways.
 *
 *   external_poll [PORT]     what is typed, and what clients say, goes to all clients, line by line
 *
 *   LWS_CALLBACK_ADD_POLL_FD, DEL_POLL_FD, …_MODE_POLL_FD   limpet_server_set_poll: add, remove, change
 *   libwebsocket_service_fd                                 limpet_server_service_fd
 *   libwebsocket_callback_on_writable                       limpet_session_call_writable
 *   libwebsocket_callback_on_writable_all_protocol          limpet_server_call_writable_all
 *   LWS_CALLBACK_RECEIVE with libwebsocket_is_final_fragment, libwebsockets_remaining_packet_payload
 *                                                           limpet_server_set_on_chunk: last, remaining
 *   return -1 from a callback                               limpet_session_close, limpet_session_terminate */

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <limpet.h>

#define FDS_MAX 1024
#define LINE_SIZE 512
/* Lines that are kept for clients that are slow: who falls back further misses some. */
#define LINES_KEPT 64
/* Bytes of a line that go in one frame. */
#define FRAGMENT 80

/* ---------------------------------------------------------------- the program's own loop */

static struct pollfd fds[FDS_MAX];
static int fd_count;

static void poll_add(limpet_server *server, int fd, int events, void *user) {
  (void)user;
  if (fd_count == FDS_MAX) {
    /* No place for it: nobody lets more in. */
    limpet_server_interrupt(server, 0);
    return;
  }
  fds[fd_count].fd = fd;
  fds[fd_count].events = (short)events;
  /* What its predecessor at this place had to say is not its own. */
  fds[fd_count++].revents = 0;
}

static int poll_find(int fd) {
  int at = 0;
  while (at < fd_count && fds[at].fd != fd) at++;
  return at;
}

static void poll_change(limpet_server *server, int fd, int events, void *user) {
  (void)server;
  (void)user;
  int at = poll_find(fd);
  if (at < fd_count) fds[at].events = (short)events;
}

static void poll_remove(limpet_server *server, int fd, void *user) {
  (void)server;
  (void)user;
  int at = poll_find(fd);
  if (at < fd_count) fds[at] = fds[--fd_count];
}

/* ------------------------------------------------------------------ lines, and who has them */

static char lines[LINES_KEPT][LINE_SIZE];
/* How many there were. */
static unsigned lines_total;

/* What is remembered of a client. */
struct client {
  /* The line that it gets next. */
  unsigned next;
  /* The line that it says, as far as it has come. */
  size_t length;
  char text[LINE_SIZE];
};

/* Keeps a line, and asks for everybody's on_writable. */
static void lines_add(limpet_server *server, const char *text, size_t length) {
  if (length >= LINE_SIZE) length = LINE_SIZE - 1;
  char *line = lines[lines_total++ % LINES_KEPT];
  memcpy(line, text, length);
  line[length] = 0;
  limpet_server_call_writable_all(server);
}

static void on_connect(limpet_server *server, limpet_session session, void *user) {
  (void)server;
  (void)user;
  struct client *client = calloc(1, sizeof *client);
  if (!client) {
    limpet_session_terminate(session);
    return;
  }
  client->next = lines_total;
  limpet_session_set_user(session, client);
}

static void on_close(limpet_server *server, limpet_session session, uint16_t code,
                     const char *reason, void *user) {
  (void)server;
  (void)code;
  (void)reason;
  (void)user;
  free(limpet_session_set_user(session, NULL));
}

/* The socket takes more: one line goes, in fragments; the next one when it takes more again. */
static void on_writable(limpet_server *server, limpet_session session, void *user) {
  (void)server;
  (void)user;
  struct client *client = limpet_session_user(session);
  if (!client || client->next == lines_total) return;
  if (lines_total - client->next > LINES_KEPT) client->next = lines_total - LINES_KEPT;
  const char *line = lines[client->next++ % LINES_KEPT];
  size_t left = strlen(line);
  do {
    size_t piece = left < FRAGMENT ? left : FRAGMENT;
    left -= piece;
    if (limpet_session_send_fragment(session, LIMPET_TEXT, line, piece, left == 0) < 0) return;
    line += piece;
  } while (left > 0);
  if (client->next != lines_total) limpet_session_call_writable(session);
}

/* A piece of a message: `remaining` bytes of its frame are still to come. */
static void on_chunk(limpet_server *server, limpet_session session, enum limpet_type type,
                     char *data, size_t length, bool first, bool last, uint32_t remaining,
                     void *user) {
  (void)user;
  struct client *client = limpet_session_user(session);
  if (!client) return;
  if (first) client->length = 0;
  if (type != LIMPET_TEXT || client->length + length + remaining >= LINE_SIZE) {
    limpet_session_close(session, type == LIMPET_TEXT ? 1009 : 1003, "short lines, please");
    return;
  }
  memcpy(client->text + client->length, data, length);
  client->length += length;
  if (last) lines_add(server, client->text, client->length);
}

/* -------------------------------------------------------------------------------- the rest */

static limpet_server *running;

static void on_signal(int number) {
  (void)number;
  limpet_server_interrupt(running, 1000);
}

/* A line from the terminal: it is the program's own descriptor that has something to say. */
static void read_terminal(limpet_server *server) {
  char text[LINE_SIZE];
  ssize_t length = read(STDIN_FILENO, text, sizeof text);
  if (length <= 0) {
    poll_remove(server, STDIN_FILENO, NULL);
    return;
  }
  if (text[length - 1] == '\n') length--;
  lines_add(server, text, (size_t)length);
}

static void serve(limpet_server *server) {
  for (;;) {
    int wait_ms = limpet_server_service(server);
    if (wait_ms < -1) return;
    if (poll(fds, (nfds_t)fd_count, wait_ms) < 0) continue;
    /* Descriptors may come and go meanwhile: from the end, so that none is left out. */
    for (int i = fd_count - 1; i >= 0; i--) {
      if (i >= fd_count || fds[i].revents == 0) continue;
      struct pollfd one = fds[i];
      fds[i].revents = 0;
      /* Any descriptor may be tried: 0 says that it is not the server's. */
      if (limpet_server_service_fd(server, one.fd, one.revents) == 0) read_terminal(server);
    }
  }
}

int main(int argc, char **argv) {
  limpet_config *config = limpet_config_new();
  limpet_config_set_port(config, argc > 1 ? atoi(argv[1]) : 8080);
  limpet_config_set_delivery(config, LIMPET_DELIVERY_STREAM);
  running = limpet_server_new(config);
  limpet_config_free(config);
  struct limpet_poll_callbacks callbacks = {poll_add, poll_change, poll_remove, NULL};
  limpet_server_set_poll(running, &callbacks);
  limpet_server_set_on_connect(running, on_connect, NULL);
  limpet_server_set_on_chunk(running, on_chunk, NULL);
  limpet_server_set_on_writable(running, on_writable, NULL);
  limpet_server_set_on_close(running, on_close, NULL);
  if (limpet_server_start(running) < 0) {
    fprintf(stderr, "external_poll: %s\n", limpet_last_error());
    limpet_server_free(running);
    return 1;
  }
  poll_add(running, STDIN_FILENO, POLLIN, NULL);
  printf("listening on http://127.0.0.1:%d/\n", limpet_server_port(running));
  fflush(stdout);
  signal(SIGINT, on_signal);
  signal(SIGTERM, on_signal);
  serve(running);
  limpet_server_free(running);
  return 0;
}
