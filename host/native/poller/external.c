/* What a loop wants to know of its descriptors ─► the application's own loop (limpet_server_set_poll).
 *
 *   add, change, remove ─► callbacks of the application, and poll.c's list
 *   limpet_server_service_fd ─► external_row ─► the row of a connection, or "not one of ours"
 *
 * Descriptors are found in a table with twice as many places as there may be, hashed by their number:
 * a place that is taken is passed over (linear probing). The list serves when the server is polled all
 * the same: by limpet_server_stop, or by the blocking calls. */

#include "external.h"

#include <stddef.h>

#include "../block.h"
#include "../loop.h"
#include "../memory.h"

/* Descriptors beside those of connections: of listener and wake. */
#define EXTRA 2

struct place {
  /* -1: free. */
  int fd;
  uint32_t row;
};

struct poller {
  limpet_server *server;
  struct poller *list;
  struct place *places;
  /* How many places there are, less 1: a power of two less 1. */
  uint32_t mask;
};

static uint32_t places_for(uint32_t rows) {
  uint32_t places = 2 * EXTRA;
  while (places < 2 * (rows + EXTRA)) places *= 2;
  return places;
}

static size_t external_bytes(uint32_t rows) {
  return block_room(sizeof(struct poller)) + block_room(places_for(rows) * sizeof(struct place)) +
         polling_poll.bytes(rows);
}

static void external_destroy(struct poller *poller) {
  if (poller->list) polling_poll.destroy(poller->list);
  memory_give(poller->server, poller->places);
  memory_give(poller->server, poller);
}

static struct poller *external_create(limpet_server *server, uint32_t rows) {
  struct poller *poller = memory_table(server, sizeof *poller);
  if (!poller) return NULL;
  const uint32_t places = places_for(rows);
  poller->server = server;
  poller->mask = places - 1;
  poller->places = memory_table(server, places * sizeof *poller->places);
  poller->list = polling_poll.create(server, rows);
  if (!poller->places || !poller->list) {
    external_destroy(poller);
    return NULL;
  }
  for (uint32_t at = 0; at < places; at++) poller->places[at].fd = -1;
  return poller;
}

/* Where a descriptor is, or would be: Fibonacci hashing spreads numbers that follow one another. */
static uint32_t home(const struct poller *poller, int fd) {
  return (uint32_t)fd * UINT32_C(2654435769) >> 7 & poller->mask;
}

static uint32_t place_of(const struct poller *poller, int fd) {
  uint32_t at = home(poller, fd);
  while (poller->places[at].fd != fd && poller->places[at].fd >= 0) at = (at + 1) & poller->mask;
  return at;
}

/* A place is free: what was passed over it moves up, so that no search ends too soon. */
static void close_gap(struct poller *poller, uint32_t gap) {
  uint32_t at = gap;
  for (;;) {
    at = (at + 1) & poller->mask;
    const struct place *place = &poller->places[at];
    if (place->fd < 0) break;
    const uint32_t from_home = (at - home(poller, place->fd)) & poller->mask;
    if (from_home < ((at - gap) & poller->mask)) continue;
    poller->places[gap] = *place;
    gap = at;
  }
  poller->places[gap].fd = -1;
}

static int external_add(struct poller *poller, int fd, uint32_t row, short events) {
  if (polling_poll.add(poller->list, fd, row, events) < 0) return -1;
  poller->places[place_of(poller, fd)] = (struct place){.fd = fd, .row = row};
  const struct limpet_poll_callbacks *own = &poller->server->external;
  if (own->add) own->add(poller->server, fd, events, own->user);
  return 0;
}

static int external_change(struct poller *poller, int fd, uint32_t row, short events) {
  if (polling_poll.change(poller->list, fd, row, events) < 0) return -1;
  const struct limpet_poll_callbacks *own = &poller->server->external;
  if (own->change) own->change(poller->server, fd, events, own->user);
  return 0;
}

static void external_remove(struct poller *poller, int fd, uint32_t row) {
  polling_poll.remove(poller->list, fd, row);
  const uint32_t at = place_of(poller, fd);
  if (poller->places[at].fd != fd) return;
  close_gap(poller, at);
  const struct limpet_poll_callbacks *own = &poller->server->external;
  if (own->remove) own->remove(poller->server, fd, own->user);
}

static int external_wait(struct poller *poller, struct ready *ready, int max, int timeout_ms) {
  return polling_poll.wait(poller->list, ready, max, timeout_ms);
}

bool external_row(const struct poller *poller, int fd, uint32_t *row) {
  if (fd < 0) return false;
  const struct place *place = &poller->places[place_of(poller, fd)];
  if (place->fd != fd) return false;
  *row = place->row;
  return true;
}

const struct polling polling_external = {
    .bytes = external_bytes,
    .create = external_create,
    .destroy = external_destroy,
    .add = external_add,
    .change = external_change,
    .remove = external_remove,
    .wait = external_wait,
};
