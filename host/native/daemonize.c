/* A program → a daemon with a lock file.
 *
 *   parent ── lock ── fork ─► (its own session) ── fork ─► daemon ── id into the file ── ready ─┐
 *     └──────── waits: one byte, or the end of the line ◄──────────────────────────────────────┘
 *
 * The daemon is no leader of its session, so that no terminal becomes its own (setsid(2), open(2) O_NOCTTY).
 * The working directory and the umask stay: paths in the program's settings stay true. */

#include "daemonize.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lockfile.h"
#include "settings.h"

/* The end of the line at which the parent waits; -1 when nobody does. */
static int daemon_line = -1;
static bool daemon_is;

/* Descriptors 0, 1 and 2 are open afterwards: what is opened later is none of them. */
static bool daemon_fill(void) {
  int fd;
  do fd = open("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= STDERR_FILENO);
  return fd >= 0 && close(fd) == 0;
}

/* Waits until the daemon is ready: exits with 0. Returns when it has ended before. */
static int daemon_wait(int fd, pid_t child) {
  char ready;
  ssize_t length;
  do length = read(fd, &ready, 1);
  while (length < 0 && errno == EINTR);
  close(fd);
  while (waitpid(child, NULL, 0) < 0 && errno == EINTR) continue;
  /* Not exit(3): what the program does at its end is the daemon's to do. */
  if (length == 1) _exit(0);
  lockfile_drop();
  return fail(LIMPET_E_SYSTEM, "the daemon ended before it was ready");
}

/* The first child: leads a session of its own, forks the daemon, and is gone. Returns in the daemon. */
static void daemon_detach(void) {
  if (setsid() < 0) _exit(1);
  pid_t daemon = fork();
  if (daemon != 0) _exit(daemon < 0);
}

int daemon_begin(const char *lock_file) {
  if (daemon_is) return fail(LIMPET_E_STATE, "this process is a daemon");
  if (!daemon_fill()) return fail(LIMPET_E_SYSTEM, "/dev/null: %s", strerror(errno));
  int code = lock_file ? lockfile_take(lock_file) : 0;
  if (code < 0) return code;
  int ends[2];
  /* What stdio holds would be written by both. */
  fflush(NULL);
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    code = fail(LIMPET_E_SYSTEM, "socketpair: %s", strerror(errno));
    lockfile_drop();
    return code;
  }
  pid_t child = fork();
  if (child < 0) {
    code = fail(LIMPET_E_SYSTEM, "fork: %s", strerror(errno));
    lockfile_drop();
    close(ends[0]);
    close(ends[1]);
    return code;
  }
  if (child > 0) {
    close(ends[1]);
    return daemon_wait(ends[0], child);
  }
  close(ends[0]);
  daemon_detach();
  daemon_is = true;
  daemon_line = ends[1];
  return lockfile_own();
}

int daemon_ready(void) {
  if (daemon_line < 0) return fail(LIMPET_E_STATE, "nobody waits for a daemon");
  fflush(NULL);
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) return fail(LIMPET_E_SYSTEM, "/dev/null: %s", strerror(errno));
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
    if (dup2(null, fd) < 0) return fail(LIMPET_E_SYSTEM, "dup2: %s", strerror(errno));
  }
  close(null);
  /* A parent that was killed meanwhile is no reason to end. */
  ssize_t told;
  do told = send(daemon_line, "", 1, MSG_NOSIGNAL);
  while (told < 0 && errno == EINTR);
  close(daemon_line);
  daemon_line = -1;
  return 0;
}

int limpet_daemonize(const char *lock_file) {
  int code = daemon_begin(lock_file);
  if (code < 0) return code;
  code = daemon_ready();
  /* In the daemon, whose parent tells that it could not be. */
  if (code < 0) _exit(1);
  return 0;
}
