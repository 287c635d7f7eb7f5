/* `limpetd` → a running server, until Ctrl-C or SIGTERM.
 *
 *   arguments ─► (daemon: fork, lock) ─► server ─► its address on stdout ─► poll ─► 1001 to all ─► 0
 *
 * Exit codes: 0 done, 1 failed, 2 the command line was wrong. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "../daemonize.h"
#include "../lockfile.h"
#include "arguments.h"
#include "certificates.h"
#include "chat.h"
#include "demo.h"
#include "echo.h"
#include "pages.h"
#include "web.h"

/* How long clients have for their close handshakes at the end, ms: as long as with `limpet serve`. */
#define CLOSE_MS 2000

/* What signal handlers may look at, and what they leave to the loop. */
static limpet_server *signalled;
static volatile sig_atomic_t stopping, renewing;

/* The first one closes; the next one ends the process as usual (SA_RESETHAND). */
static void on_stop(int number) {
  (void)number;
  int saved = errno;
  stopping = 1;
  limpet_server_wake(signalled);
  errno = saved;
}

static void on_renew(int number) {
  (void)number;
  int saved = errno;
  renewing = 1;
  limpet_server_wake(signalled);
  errno = saved;
}

static void listen_to_signals(limpet_server *server) {
  signalled = server;
  struct sigaction stop = {.sa_handler = on_stop, .sa_flags = (int)SA_RESETHAND};
  struct sigaction renew = {.sa_handler = on_renew, .sa_flags = SA_RESTART};
  struct sigaction ignore = {.sa_handler = SIG_IGN};
  sigaction(SIGINT, &stop, NULL);
  sigaction(SIGTERM, &stop, NULL);
  sigaction(SIGHUP, &renew, NULL);
  sigaction(SIGPIPE, &ignore, NULL);
}

static bool is_unix(const struct arguments *a) { return strncmp(a->host, "unix:", 5) == 0; }

/* Why the server does not start, in one line. */
static int failed(const struct arguments *a, int code, int error) {
  const char *why = limpet_last_error();
  if (!*why) why = limpet_strerror(code);
  if (code != LIMPET_E_SYSTEM) {
    fprintf(stderr, "limpetd: %s%s\n", code == LIMPET_E_TLS ? "TLS: " : "", why);
  } else if (is_unix(a)) {
    fprintf(stderr, "limpetd: cannot listen on %s (%s)\n", a->host, strerror(error));
  } else if (error == EADDRINUSE) {
    fprintf(stderr, "limpetd: port %d is in use; --port chooses another, 0 a free one\n", a->port);
  } else {
    fprintf(stderr, "limpetd: cannot listen on %s:%d (%s)\n", a->host, a->port, strerror(error));
  }
  return EXIT_FAILURE;
}

/* What clients do wrong is of interest to those who look for it; what is of no client the library logs. */
static void on_error(limpet_server *server, limpet_session session, int code, const char *message,
                     void *user) {
  (void)server;
  (void)code;
  (void)user;
  if (session != 0) limpet_log(LIMPET_LOG_INFO, "%s", message);
}

/* Where it listens. */
static void tell_address(const struct arguments *a, int port) {
  const char *secure = a->tls_cert ? "s" : "";
  bool is_v6 = strchr(a->host, ':') != NULL;
  if (is_unix(a)) {
    printf("limpet listening on %s\n", a->host);
  } else {
    char where[300];
    snprintf(where, sizeof where, is_v6 ? "[%s]:%d" : "%s:%d", a->host, port);
    printf("limpet listening on http%s://%s/\n", secure, where);
    if (a->chat && !a->quiet) {
      printf("chat at http%s://%s/, Ctrl-C ends\n", secure, where);
    } else if (!a->quiet) {
      bool only_echo = a->demo || !a->echo;
      printf("echo at ws%s://%s/%s, Ctrl-C ends\n", secure, where, only_echo ? "echo" : "");
    }
  }
  fflush(stdout);
}

/* How long the server may wait: -1 = for ever. */
static int patience(const struct certificates *certificates) {
  int one = certificates_wait(certificates), other = chat_wait();
  return one < 0 ? other : other < 0 || one < other ? one : other;
}

/* Serves until a signal says stop; the exit code. */
static int serve(limpet_server *server, const struct arguments *a) {
  struct certificates certificates;
  certificates_watch(&certificates, a->tls_cert, a->tls_key);
  while (!stopping) {
    int code = limpet_server_poll(server, patience(&certificates));
    if (code < 0) {
      limpet_log(LIMPET_LOG_ERROR, "%s", limpet_strerror(code));
      return EXIT_FAILURE;
    }
    bool asked = renewing;
    if (asked) renewing = 0;
    certificates_renew(&certificates, server, asked);
    chat_turn(server);
  }
  if (!a->quiet && !a->daemon) {
    puts("closing");
    fflush(stdout);
  }
  return limpet_server_stop(server, CLOSE_MS) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* The server of these arguments, listening; NULL when it cannot, and `status` is the exit code. */
static limpet_server *begin(const struct arguments *a, int *status) {
  limpet_server *server = limpet_server_new(a->config);
  if (!server) {
    /* A number that is too large for the profile. */
    fprintf(stderr, "limpetd: %s\n", limpet_last_error());
    *status = ARGUMENTS_WRONG;
    return NULL;
  }
  if (a->chat) chat_serve(server);
  else echo_serve(server, &a->echo);
  if (a->demo) demo_serve(server, &a->echo);
  web_serve(server, a);
  limpet_server_set_on_error(server, on_error, NULL);
  int code = limpet_server_start(server);
  if (code < 0) {
    *status = failed(a, code, errno);
    limpet_server_free(server);
    return NULL;
  }
  return server;
}

/* The process: in the background, or with its id in a file. */
static int settle(const struct arguments *a) {
  if (a->syslog) openlog("limpetd", LOG_PID, LOG_DAEMON);
  limpet_log_set(a->levels, a->syslog ? limpet_log_emit_syslog : NULL, NULL);
  int code = 0;
  if (a->daemon) code = daemon_begin(a->pid_file);
  else if (a->pid_file && (code = lockfile_take(a->pid_file)) == 0) code = lockfile_own();
  if (code < 0) fprintf(stderr, "limpetd: %s\n", limpet_last_error());
  return code;
}

int main(int argc, char **argv) {
  struct arguments arguments;
  int status = arguments_read(&arguments, argc, argv);
  if (status == ARGUMENTS_SERVE &&
      ((arguments.chat && chat_html_size == 0) || (arguments.demo && page_html_size == 0))) {
    fputs("limpetd: it was built without its pages: npm run build, then cmake\n", stderr);
    status = ARGUMENTS_WRONG;
  }
  if (status == ARGUMENTS_SERVE) {
    status = EXIT_FAILURE;
    limpet_server *server = NULL;
    if (settle(&arguments) == 0 && (server = begin(&arguments, &status)) != NULL) {
      listen_to_signals(server);
      tell_address(&arguments, limpet_server_port(server));
      status = EXIT_FAILURE;
      if (!arguments.daemon || daemon_ready() == 0) status = serve(server, &arguments);
      limpet_server_free(server);
    }
  }
  limpet_config_free(arguments.config);
  return status;
}
