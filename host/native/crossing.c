/* What other threads want of a loop ─► its next turn. */

#include "crossing.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "loop.h"
#include "server.h"

bool crossing_open(struct loop *loop) {
  int ends[2];
  if (pipe(ends) != 0) {
    fail(LIMPET_E_SYSTEM, "a pipe: %s", strerror(errno));
    return false;
  }
  for (int i = 0; i < 2; i++) {
    fcntl(ends[i], F_SETFL, O_NONBLOCK);
    fcntl(ends[i], F_SETFD, FD_CLOEXEC);
  }
  loop->wake_read = ends[0];
  loop->wake_write = ends[1];
  return loop->polling->add(loop->poller, loop->wake_read, ROW_WAKE, POLLIN) == 0;
}

void crossing_close(struct loop *loop) {
  if (loop->wake_read < 0) return;
  loop->polling->remove(loop->poller, loop->wake_read, ROW_WAKE);
  close(loop->wake_read);
  close(loop->wake_write);
}

void crossing_woken(struct loop *loop) {
  char bytes[64];
  while (read(loop->wake_read, bytes, sizeof bytes) > 0) continue;
}

void crossing_take(struct loop *loop) {
  const int timeout_ms = atomic_exchange(&loop->server->stop_asked, -1);
  if (timeout_ms >= 0) server_stop(loop->server, timeout_ms);
}

void crossing_wake(struct loop *loop) {
  const int error = errno;
  const ssize_t wrote = write(loop->wake_write, "", 1);
  (void)wrote;
  errno = error;
}

/* -------------------------------------------------------------------- to all loops */

/* Whether a server's loops are all this thread's. */
static int crossing_all_mine(const limpet_server *server) {
  for (int i = 0; i < server->loop_count; i++) {
    if (!loop_is_mine(server->loops[i])) return LIMPET_E_THREAD;
  }
  return 0;
}

int crossing_publish(limpet_server *server, const char *topic, limpet_session except, int type, const void *data,
                     size_t length) {
  (void)topic, (void)except, (void)type, (void)data, (void)length;
  return crossing_all_mine(server);
}

int crossing_broadcast(limpet_server *server, const struct limpet_selection *selection, int type, const void *data,
                       size_t length) {
  (void)selection, (void)type, (void)data, (void)length;
  return crossing_all_mine(server);
}

int crossing_each(limpet_server *server, limpet_session except, void (*task)(limpet_session session, void *arg),
                  void *arg, void (*on_finish)(limpet_server *server, void *arg)) {
  (void)except, (void)task, (void)arg, (void)on_finish;
  return crossing_all_mine(server);
}
