/* wake_ring ─► a readable descriptor. eventfd(2) on Linux: one descriptor, one read takes all back. A pipe
 * elsewhere, whose ends do not block: a full one is as readable as one byte makes it. */

#if !defined(__linux__) && !defined(_POSIX_C_SOURCE)
#define _POSIX_C_SOURCE 200809L
#endif

#include "wake.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "limpet.h"

#if defined(__linux__)
#include <sys/eventfd.h>

int wake_open(struct wake *wake) {
  int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  wake->reader = wake->writer = fd;
  return fd < 0 ? LIMPET_E_SYSTEM : 0;
}

#else

static int wake_prepare(int fd) {
  int flags = fcntl(fd, F_GETFL);
  return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
         fcntl(fd, F_SETFD, FD_CLOEXEC) < 0;
}

int wake_open(struct wake *wake) {
  int ends[2];
  wake->reader = wake->writer = -1;
  if (pipe(ends) < 0) return LIMPET_E_SYSTEM;
  wake->reader = ends[0];
  wake->writer = ends[1];
  if (!wake_prepare(ends[0]) && !wake_prepare(ends[1])) return 0;
  int why = errno;
  wake_close(wake);
  errno = why;
  return LIMPET_E_SYSTEM;
}

#endif

void wake_close(struct wake *wake) {
  if (wake->writer >= 0 && wake->writer != wake->reader) close(wake->writer);
  if (wake->reader >= 0) close(wake->reader);
  wake->reader = wake->writer = -1;
}

void wake_ring(const struct wake *wake) {
  const uint64_t one = 1;
  int before = errno;
  ssize_t written;
  /* EAGAIN: it is readable already. */
  do written = write(wake->writer, &one, sizeof one);
  while (written < 0 && errno == EINTR);
  errno = before;
}

void wake_clear(const struct wake *wake) {
  uint64_t rung[32];
  /* A pipe may hold more than one read takes; an eventfd is empty after one, and a short read is its last. */
  while (read(wake->reader, rung, sizeof rung) == (ssize_t)sizeof rung) continue;
}
