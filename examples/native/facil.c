/* facil.io's quick example in Limpet's words: an echo for WebSockets, "Hello World!" for plain HTTP.
 *
 *   facil [PORT]
 *
 *   start_http_server(.port, .threads)   limpet_config_set_port, limpet_config_set_threads, limpet_server_start
 *   on_request                           limpet_server_set_on_request
 *   websocket_upgrade(.on_message)       limpet_server_set_on_message: handshakes are accepted by themselves
 *   Websocket.write                      limpet_session_send */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <limpet.h>

/* How many threads serve behind the port? */
#define THREAD_COUNT 4

/* Our WebSocket service: echo. */
static void ws_echo(limpet_server *server, limpet_session session, enum limpet_type type,
                    char *data, size_t length, void *user) {
  (void)server;
  (void)user;
  limpet_session_send(session, type, data, length);
}

/* Our HTTP callback: hello world. */
static void on_request(limpet_server *server, limpet_session session, const char *method,
                       const char *path, void *user) {
  (void)server;
  (void)method;
  (void)path;
  (void)user;
  limpet_session_respond(session, 200, "Content-Type: text/plain\r\n", "Hello World!", 12);
}

static limpet_server *running;

static void on_signal(int number) {
  (void)number;
  limpet_server_interrupt(running, 1000);
}

int main(int argc, char **argv) {
  limpet_config *config = limpet_config_new();
  limpet_config_set_port(config, argc > 1 ? atoi(argv[1]) : 8080);
  limpet_config_set_threads(config, THREAD_COUNT);
  running = limpet_server_new(config);
  limpet_config_free(config);
  limpet_server_set_on_request(running, on_request, NULL);
  limpet_server_set_on_message(running, ws_echo, NULL);
  if (limpet_server_start(running) < 0) {
    fprintf(stderr, "facil: %s\n", limpet_last_error());
    limpet_server_free(running);
    return 1;
  }
  printf("listening on http://127.0.0.1:%d/\n", limpet_server_port(running));
  fflush(stdout);
  signal(SIGINT, on_signal);
  signal(SIGTERM, on_signal);
  limpet_server_run(running);
  limpet_server_free(running);
  return 0;
}
