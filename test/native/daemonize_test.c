/* limpet_daemonize: what the parent gets to know, what the daemon is, and the life of its lock file.
 *
 *   test ── fork ─► parent ── limpet_daemonize ─► daemon: tells what it is through a pipe, waits for its orders */

#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "check.h"
#include "limpet.h"

/* What a daemon, or a parent that is none, tells. */
struct report {
  int code;
  pid_t id, parent, session, group;
  bool is_null[3];
  char words[256], folder[256];
};

static char folder[] = "/tmp/limpet-daemonize-XXXXXX";
static char lock[64];

static bool is_null(int fd) {
  struct stat one, null;
  CHECK(stat("/dev/null", &null) == 0);
  return fstat(fd, &one) == 0 && S_ISCHR(one.st_mode) && one.st_rdev == null.st_rdev;
}

/* What the daemon does: reports, and ends when it is told to, by exit(3) or at the end of the test. */
static void live(int code, int out, int orders) {
  struct report report = {.code = code, .id = getpid(), .parent = getppid()};
  report.session = getsid(0);
  report.group = getpgrp();
  for (int fd = 0; fd < 3; fd++) report.is_null[fd] = is_null(fd);
  snprintf(report.words, sizeof report.words, "%s", limpet_last_error());
  CHECK(getcwd(report.folder, sizeof report.folder) != NULL);
  CHECK(write(out, &report, sizeof report) == sizeof report);
  char order;
  if (code == 0 && read(orders, &order, 1) == 1) exit(7);
  _exit(8);
}

/* A daemon that lives: its id, the descriptor that takes its orders, and the one that ends with it. */
struct daemon {
  pid_t id;
  int orders, reports;
  /* How its parent ended: its exit code. */
  int status;
  struct report report;
};

/* Starts one; `bare`: with stdin, stdout and stderr closed. */
static struct daemon start(const char *file, bool bare) {
  int reports[2], orders[2];
  CHECK(pipe(reports) == 0 && pipe(orders) == 0);
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    close(reports[0]);
    close(orders[1]);
    if (bare) {
      for (int fd = 0; fd < 3; fd++) close(fd);
    }
    live(limpet_daemonize(file), reports[1], orders[0]);
  }
  close(reports[1]);
  close(orders[0]);
  struct daemon daemon = {.orders = orders[1], .reports = reports[0]};
  CHECK(read(reports[0], &daemon.report, sizeof daemon.report) == sizeof daemon.report);
  daemon.id = daemon.report.id;
  int status;
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
  daemon.status = WEXITSTATUS(status);
  return daemon;
}

/* The id that the file holds, 0 when there is no file. */
static long id_in_file(void) {
  FILE *file = fopen(lock, "r");
  if (!file) return 0;
  long id = -1;
  int found = fscanf(file, "%ld\n", &id);
  CHECK(found == 1 && fgetc(file) == EOF);
  fclose(file);
  return id;
}

/* Waits until it is gone. Who its parent is then may not have asked for it yet: kill(2) would still find it. */
static void gone(struct daemon *daemon) {
  char byte;
  CHECK(check_wait(daemon->reports, POLLIN, CHECK_PATIENCE_MS));
  CHECK(read(daemon->reports, &byte, 1) == 0);
  close(daemon->reports);
  close(daemon->orders);
}

/* Lets it end by exit(3). */
static void finish(struct daemon *daemon) {
  CHECK(write(daemon->orders, "x", 1) == 1);
  gone(daemon);
}

static void check_life(void) {
  struct daemon daemon = start(lock, false);
  CHECK_EQUAL(daemon.status, 0);
  CHECK_EQUAL(daemon.report.code, 0);
  CHECK(daemon.report.parent != getpid());
  /* A session of its own, but not its leader: no terminal becomes its own. */
  CHECK(daemon.report.session != getsid(0));
  CHECK(daemon.report.session != daemon.id && daemon.report.group != daemon.id);
  for (int fd = 0; fd < 3; fd++) CHECK(daemon.report.is_null[fd]);
  char here[256];
  CHECK_STRING(daemon.report.folder, getcwd(here, sizeof here));
  CHECK_EQUAL(id_in_file(), daemon.id);

  /* A second one is told who holds it, and changes nothing. */
  struct daemon second = start(lock, false);
  CHECK_EQUAL(second.report.code, LIMPET_E_STATE);
  CHECK_EQUAL(second.status, 8);
  char words[128];
  snprintf(words, sizeof words, "%s is locked by process %ld", lock, (long)daemon.id);
  CHECK_STRING(second.report.words, words);
  gone(&second);
  CHECK_EQUAL(id_in_file(), daemon.id);

  finish(&daemon);
  CHECK_EQUAL(id_in_file(), 0);
}

/* Whether nobody holds the lock: a process that ends closes one descriptor after the other. */
static bool is_free(void) {
  const int fd = open(lock, O_RDWR);
  CHECK(fd >= 0);
  const bool taken = flock(fd, LOCK_EX | LOCK_NB) == 0;
  close(fd);
  return taken;
}

/* A file that a killed process left behind holds nobody up. */
static void check_killed(void) {
  struct daemon daemon = start(lock, false);
  CHECK_EQUAL(daemon.status, 0);
  CHECK(kill(daemon.id, SIGKILL) == 0);
  gone(&daemon);
  CHECK_SOON(is_free());
  CHECK_EQUAL(id_in_file(), daemon.id);
  struct daemon next = start(lock, true);
  CHECK_EQUAL(next.report.code, 0);
  for (int fd = 0; fd < 3; fd++) CHECK(next.report.is_null[fd]);
  CHECK_EQUAL(id_in_file(), next.id);
  finish(&next);
  CHECK_EQUAL(id_in_file(), 0);
}

/* Whose file was taken away, and another's put there, leaves that one alone. */
static void check_replaced(void) {
  struct daemon daemon = start(lock, false);
  CHECK(unlink(lock) == 0);
  struct daemon next = start(lock, false);
  CHECK_EQUAL(next.report.code, 0);
  finish(&daemon);
  CHECK_EQUAL(id_in_file(), next.id);
  finish(&next);
  CHECK_EQUAL(id_in_file(), 0);
}

static void check_refusals(void) {
  struct daemon daemon = start("/no/such/folder/lock", false);
  CHECK_EQUAL(daemon.report.code, LIMPET_E_SYSTEM);
  CHECK_STRING(daemon.report.words, "/no/such/folder/lock: No such file or directory");
  gone(&daemon);
  daemon = start("", false);
  CHECK_EQUAL(daemon.report.code, LIMPET_ERROR_CODE_ARGUMENT);
  gone(&daemon);
  daemon = start(NULL, false);
  CHECK_EQUAL(daemon.report.code, 0);
  CHECK_EQUAL(daemon.status, 0);
  finish(&daemon);
}

/* One that is a daemon already is told so. */
static void check_twice(void) {
  int ends[2];
  CHECK(pipe(ends) == 0);
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    int codes[2] = {limpet_daemonize(NULL), limpet_daemonize(NULL)};
    CHECK(write(ends[1], codes, sizeof codes) == sizeof codes);
    _exit(0);
  }
  int codes[2];
  CHECK(read(ends[0], codes, sizeof codes) == sizeof codes);
  CHECK(codes[0] == 0 && codes[1] == LIMPET_E_STATE);
  CHECK(waitpid(child, NULL, 0) == child);
  close(ends[0]);
  close(ends[1]);
}

int main(void) {
  CHECK(mkdtemp(folder) != NULL);
  snprintf(lock, sizeof lock, "%s/lock", folder);
  check_life();
  check_killed();
  check_replaced();
  check_refusals();
  check_twice();
  CHECK(rmdir(folder) == 0);
  return 0;
}
