/* poll(2) ─► struct ready: for systems without epoll. An array of descriptors, and the place of each row. */

#include <errno.h>
#include <stddef.h>

#include "../block.h"
#include "../memory.h"
#include "poller.h"

/* Rows beside those of connections: ROW_LISTENER, ROW_WAKE. */
#define ROWS_EXTRA 2

struct poller {
  struct limpet_server *server;
  uint32_t rows;
  nfds_t count;
  struct pollfd *fds;
  /* Which row a descriptor is of, and one more than the place of a row in `fds`, 0 = none. */
  uint32_t *row_of, *place_of;
  /* Where the next round begins, so that the last ones are not always told last. */
  nfds_t from;
};

/* The place of a row in place_of: those of connections, then the others. */
static uint32_t poll_index(const struct poller *poller, uint32_t row) {
  return row < poller->rows ? row : poller->rows + (ROW_LISTENER - row);
}

static size_t poll_bytes(uint32_t rows) {
  const size_t all = (size_t)rows + ROWS_EXTRA;
  return block_room(sizeof(struct poller)) + block_room(all * sizeof(struct pollfd)) +
         2 * block_room(all * sizeof(uint32_t));
}

static void poll_destroy(struct poller *poller) {
  memory_give(poller->server, poller->fds);
  memory_give(poller->server, poller->row_of);
  memory_give(poller->server, poller->place_of);
  memory_give(poller->server, poller);
}

static struct poller *poll_make(struct limpet_server *server, uint32_t rows) {
  struct poller *poller = memory_table(server, sizeof *poller);
  if (!poller) return NULL;
  const size_t all = (size_t)rows + ROWS_EXTRA;
  poller->server = server;
  poller->rows = rows;
  poller->fds = memory_table(server, all * sizeof *poller->fds);
  poller->row_of = memory_table(server, all * sizeof *poller->row_of);
  poller->place_of = memory_table(server, all * sizeof *poller->place_of);
  if (poller->fds && poller->row_of && poller->place_of) return poller;
  poll_destroy(poller);
  return NULL;
}

static int poll_add(struct poller *poller, int fd, uint32_t row, short events) {
  const nfds_t at = poller->count++;
  poller->fds[at] = (struct pollfd){.fd = fd, .events = events};
  poller->row_of[at] = row;
  poller->place_of[poll_index(poller, row)] = (uint32_t)at + 1;
  return 0;
}

static int poll_change(struct poller *poller, int fd, uint32_t row, short events) {
  (void)fd;
  const uint32_t place = poller->place_of[poll_index(poller, row)];
  if (place == 0) {
    errno = ENOENT;
    return -1;
  }
  poller->fds[place - 1].events = events;
  return 0;
}

static void poll_remove(struct poller *poller, int fd, uint32_t row) {
  (void)fd;
  uint32_t *place = &poller->place_of[poll_index(poller, row)];
  if (*place == 0) return;
  const nfds_t at = *place - 1, last = --poller->count;
  *place = 0;
  if (at == last) return;
  // The last one takes the place that is free.
  poller->fds[at] = poller->fds[last];
  poller->row_of[at] = poller->row_of[last];
  poller->place_of[poll_index(poller, poller->row_of[at])] = (uint32_t)at + 1;
}

static int poll_ready(struct poller *poller, struct ready *ready, int max, int timeout_ms) {
  const int found = poll(poller->fds, poller->count, timeout_ms);
  if (found < 0) return errno == EINTR ? 0 : -1;
  int count = 0;
  nfds_t at = poller->from < poller->count ? poller->from : 0;
  for (nfds_t looked = 0; looked < poller->count && count < found && count < max; looked++) {
    if (poller->fds[at].revents != 0) {
      ready[count].row = poller->row_of[at];
      ready[count].events = poller->fds[at].revents;
      count++;
    }
    at = at + 1 < poller->count ? at + 1 : 0;
  }
  poller->from = at;
  return count;
}

const struct polling polling_poll = {
    .bytes = poll_bytes,
    .create = poll_make,
    .destroy = poll_destroy,
    .add = poll_add,
    .change = poll_change,
    .remove = poll_remove,
    .wait = poll_ready,
};
