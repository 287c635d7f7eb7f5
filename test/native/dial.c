/* A client for test/native/client.test.ts: connects, echoes what comes, and prints what happens, line by line.
 *
 *   dial [--ca FILE] [--insecure] [--deflate] [--timeout MS] [--protocols LIST] URL...
 *
 *   open N            the N-th connection is open, from 0
 *   text N BYTES      a message came, and went back; binary N BYTES
 *   closed N CODE REASON
 *   error N CODE WORDS
 *
 * A text "close CODE REASON" is no echo: the connection is closed so. It ends when all connections have. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "limpet.h"

#define CONNECTIONS_MAX 64

static limpet_session sessions[CONNECTIONS_MAX];
static int session_count, over;

static int number_of(limpet_session session) {
  int at = 0;
  while (at < session_count && sessions[at] != session) at++;
  return at;
}

static void on_connect(limpet_server *server, limpet_session session, void *user) {
  (void)server, (void)user;
  printf("open %d\n", number_of(session));
}

static void on_connect_error(limpet_server *server, limpet_session session, int code,
                             const char *message, void *user) {
  (void)server, (void)user;
  printf("error %d %d %s\n", number_of(session), code, message);
  over++;
}

static void on_message(limpet_server *server, limpet_session session, enum limpet_type type,
                       char *data, size_t length, void *user) {
  (void)server, (void)user;
  printf("%s %d %zu\n", type == LIMPET_TEXT ? "text" : "binary", number_of(session), length);
  if (type == LIMPET_TEXT && length > 6 && length < 200 && memcmp(data, "close ", 6) == 0) {
    char words[256];
    snprintf(words, sizeof words, "%.*s", (int)length, data);
    char *reason = words + 6;
    const long code = strtol(reason, &reason, 10);
    const int answer = limpet_session_close(session, (uint16_t)code, *reason ? reason + 1 : NULL);
    if (answer != 0) printf("refused %d %d\n", number_of(session), answer);
    return;
  }
  const int status = limpet_session_send(session, type, data, length);
  if (status < 0) printf("unsent %d %d %s\n", number_of(session), status, limpet_strerror(status));
}

static void on_close(limpet_server *server, limpet_session session, uint16_t code,
                     const char *reason, void *user) {
  (void)server, (void)user;
  printf("closed %d %u %s\n", number_of(session), (unsigned)code, reason);
  over++;
}

static void on_error(limpet_server *server, limpet_session session, int code, const char *message,
                     void *user) {
  (void)server, (void)user;
  printf("failed %d %d %s\n", number_of(session), code, message);
}

int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  limpet_config *config = limpet_config_new();
  limpet_config_set_host(config, NULL);
  struct limpet_connect_options options = {0};
  int at = 1;
  const char *ca = NULL;
  bool insecure = false;
  for (; at < argc && argv[at][0] == '-'; at++) {
    const char *value = at + 1 < argc ? argv[at + 1] : "";
    if (strcmp(argv[at], "--insecure") == 0) insecure = true;
    else if (strcmp(argv[at], "--deflate") == 0)
      limpet_config_set_compression_enabled(config, true);
    else if (strcmp(argv[at], "--ca") == 0) ca = value, at++;
    else if (strcmp(argv[at], "--timeout") == 0)
      options.timeout_ms = (uint32_t)strtoul(value, NULL, 10), at++;
    else if (strcmp(argv[at], "--protocols") == 0) options.protocols = value, at++;
    else return fprintf(stderr, "dial: %s?\n", argv[at]), 2;
  }
  if (ca || insecure) limpet_config_set_tls_peer(config, ca, !insecure);
  limpet_server *server = limpet_server_new(config);
  limpet_config_free(config);
  limpet_server_set_on_connect(server, on_connect, NULL);
  limpet_server_set_on_connect_error(server, on_connect_error, NULL);
  limpet_server_set_on_message(server, on_message, NULL);
  limpet_server_set_on_close(server, on_close, NULL);
  limpet_server_set_on_error(server, on_error, NULL);
  int answer = limpet_server_start(server);
  for (; answer == 0 && at < argc && session_count < CONNECTIONS_MAX; at++) {
    answer = limpet_server_connect(server, argv[at], &options, &sessions[session_count]);
    if (answer == 0) session_count++;
  }
  if (answer != 0) fprintf(stderr, "dial: %s\n", limpet_last_error());
  while (answer == 0 && over < session_count) {
    const int count = limpet_server_poll(server, -1);
    if (count < 0) answer = count;
  }
  limpet_server_free(server);
  return answer == 0 ? 0 : 1;
}
