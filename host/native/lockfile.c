/* A path → a locked file with the id of the process that holds it.
 *
 * The lock is flock(2)'s: it belongs to the open file and outlives a fork, so that a daemon has it before its
 * parent has ended. It goes with its process, however that ends; the file itself goes at exit(3). A file that
 * a killed process left behind holds nobody up. */

#include "lockfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "settings.h"

/* The file of this process: -1 for none. */
static int lockfile_fd = -1;
/* Its whole path: the working directory may change. */
static char lockfile_path[PATH_MAX];
/* Who is to remove it: a process that was forked from that one is not. */
static pid_t lockfile_owner;

/* Whether the path still leads to the file that is open: its last holder may have removed it just now. */
static bool lockfile_stands(int fd, const char *path) {
  struct stat opened, named;
  return fstat(fd, &opened) == 0 && stat(path, &named) == 0 && opened.st_dev == named.st_dev &&
         opened.st_ino == named.st_ino;
}

/* The words of a lock that is another's. */
static int lockfile_held(int fd, const char *path) {
  char text[24];
  ssize_t length = pread(fd, text, sizeof text - 1, 0);
  text[length > 0 ? length : 0] = 0;
  long id = strtol(text, NULL, 10);
  if (id > 0) return fail(LIMPET_E_STATE, "%s is locked by process %ld", path, id);
  return fail(LIMPET_E_STATE, "%s is locked by another process", path);
}

int lockfile_take(const char *path) {
  if (!path || !*path) return fail(LIMPET_ERROR_CODE_ARGUMENT, "a lock file has a name");
  if (lockfile_fd >= 0) return fail(LIMPET_E_STATE, "this process has locked %s", lockfile_path);
  for (;;) {
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) return fail(LIMPET_E_SYSTEM, "%s: %s", path, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
      int code = errno == EWOULDBLOCK ? lockfile_held(fd, path)
                                      : fail(LIMPET_E_SYSTEM, "%s: %s", path, strerror(errno));
      close(fd);
      return code;
    }
    if (lockfile_stands(fd, path) && realpath(path, lockfile_path)) {
      lockfile_fd = fd;
      return 0;
    }
    close(fd);
  }
}

/* Under its lock nobody else can own it: what stands there is ours, or somebody's new file. */
static void lockfile_unlink(void) {
  if (lockfile_stands(lockfile_fd, lockfile_path)) unlink(lockfile_path);
}

/* At exit(3). */
static void lockfile_remove(void) {
  if (lockfile_fd >= 0 && lockfile_owner == getpid()) lockfile_unlink();
}

int lockfile_own(void) {
  if (lockfile_fd < 0) return 0;
  char text[24];
  int length = snprintf(text, sizeof text, "%ld\n", (long)getpid());
  if (ftruncate(lockfile_fd, 0) != 0 || pwrite(lockfile_fd, text, (size_t)length, 0) != length) {
    return fail(LIMPET_E_SYSTEM, "%s: %s", lockfile_path, strerror(errno));
  }
  lockfile_owner = getpid();
  if (atexit(lockfile_remove) != 0) return fail(LIMPET_E_SYSTEM, "atexit: no room");
  return 0;
}

void lockfile_drop(void) {
  if (lockfile_fd < 0) return;
  lockfile_unlink();
  close(lockfile_fd);
  lockfile_fd = -1;
}
