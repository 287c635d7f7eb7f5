/* epoll(7) ─► struct ready. Level-triggered: what was not read is told again. */

#ifdef __linux__

#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "../block.h"
#include "../memory.h"
#include "poller.h"

/* Events of one wait. */
#define EVENTS_MAX 256

struct poller {
  struct limpet_server *server;
  int fd;
  struct epoll_event events[EVENTS_MAX];
};

/* POLLIN and its kin have the numbers of EPOLLIN and its kin on Linux. */
_Static_assert(POLLIN == EPOLLIN && POLLOUT == EPOLLOUT, "poll and epoll");
_Static_assert(POLLERR == EPOLLERR && POLLHUP == EPOLLHUP, "poll and epoll");

static size_t epoll_bytes(uint32_t rows) {
  (void)rows;
  return block_room(sizeof(struct poller));
}

static struct poller *epoll_make(struct limpet_server *server, uint32_t rows) {
  (void)rows;
  struct poller *poller = memory_table(server, sizeof *poller);
  if (!poller) return NULL;
  poller->server = server;
  poller->fd = epoll_create1(EPOLL_CLOEXEC);
  if (poller->fd >= 0) return poller;
  memory_give(server, poller);
  return NULL;
}

static void epoll_destroy(struct poller *poller) {
  close(poller->fd);
  memory_give(poller->server, poller);
}

static int epoll_control(struct poller *poller, int operation, int fd, uint32_t row, short events) {
  struct epoll_event event = {.events = (uint32_t)events, .data.u32 = row};
  return epoll_ctl(poller->fd, operation, fd, &event);
}

static int epoll_add(struct poller *poller, int fd, uint32_t row, short events) {
  return epoll_control(poller, EPOLL_CTL_ADD, fd, row, events);
}

static int epoll_change(struct poller *poller, int fd, uint32_t row, short events) {
  return epoll_control(poller, EPOLL_CTL_MOD, fd, row, events);
}

static void epoll_remove(struct poller *poller, int fd, uint32_t row) {
  epoll_control(poller, EPOLL_CTL_DEL, fd, row, 0);
}

static int epoll_ready(struct poller *poller, struct ready *ready, int max, int timeout_ms) {
  const int most = max < EVENTS_MAX ? max : EVENTS_MAX;
  const int count = epoll_wait(poller->fd, poller->events, most, timeout_ms);
  if (count < 0) return errno == EINTR ? 0 : -1;
  for (int i = 0; i < count; i++) {
    ready[i].row = poller->events[i].data.u32;
    ready[i].events = (short)poller->events[i].events;
  }
  return count;
}

const struct polling polling_epoll = {
    .bytes = epoll_bytes,
    .create = epoll_make,
    .destroy = epoll_destroy,
    .add = epoll_add,
    .change = epoll_change,
    .remove = epoll_remove,
    .wait = epoll_ready,
};

#else
typedef int limpet_no_epoll;
#endif
