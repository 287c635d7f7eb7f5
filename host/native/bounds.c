/* Connections at once, of all and of one address, over the loops of a server.
 *
 *   accepted   ─► bounds_enter   max_connections                  a counter
 *   head whole ─► bounds_admit   max_connections_per_address      address ─► how many, one table for all loops
 *   over       ─► bounds_leave
 *
 * Each core counts its own; the addresses that a core admits are bound here once more. An address counts from
 * its handshake on: until then each loop alone bounds what it may have. */

#include "bounds.h"

#include <string.h>

#include "loop.h"
#include "memory.h"

/* An address with sessions. */
struct address {
  struct address *next;
  uint64_t ip0, ip8;
  uint32_t sessions;
};

struct bounds {
  uint32_t max_connections, max_per_address;
  _Atomic uint32_t connections;
  _Atomic uint64_t refused;
  pthread_mutex_t lock;
  /* Chains of addresses by their hash; as many as one loop has rows, rounded up. */
  struct address **buckets;
  uint32_t mask;
  /* For each row of each loop, the address that it counts for. */
  struct address **held;
  uint32_t rows;
};

int bounds_new(limpet_server *server, uint32_t rows) {
  const limpet_config *settings = server->settings;
  if (server->loop_count <= 1 || (settings->max_connections == 0 && settings->max_per_address == 0))
    return 0;
  struct bounds *bounds = memory_table(server, sizeof *bounds);
  if (!bounds) return fail(LIMPET_ERROR_CODE_MEMORY, "no memory for the bounds");
  bounds->max_connections = settings->max_connections;
  bounds->max_per_address = settings->max_per_address;
  bounds->rows = rows;
  pthread_mutex_init(&bounds->lock, NULL);
  server->bounds = bounds;
  if (settings->max_per_address == 0) return 0;
  uint32_t count = 1;
  while (count < rows) count *= 2;
  bounds->mask = count - 1;
  bounds->buckets = memory_table(server, count * sizeof *bounds->buckets);
  bounds->held = memory_table(server, (size_t)server->loop_count * rows * sizeof *bounds->held);
  if (bounds->buckets && bounds->held) return 0;
  bounds_free(server);
  return fail(LIMPET_ERROR_CODE_MEMORY, "no memory for a table of addresses");
}

void bounds_free(limpet_server *server) {
  struct bounds *bounds = server->bounds;
  if (!bounds) return;
  for (uint32_t i = 0; bounds->buckets && i <= bounds->mask; i++) {
    while (bounds->buckets[i]) {
      struct address *address = bounds->buckets[i];
      bounds->buckets[i] = address->next;
      memory_give(server, address);
    }
  }
  memory_give(server, bounds->buckets);
  memory_give(server, bounds->held);
  pthread_mutex_destroy(&bounds->lock);
  memory_give(server, bounds);
  server->bounds = NULL;
}

bool bounds_enter(struct loop *loop) {
  struct bounds *bounds = loop->server->bounds;
  if (!bounds || bounds->max_connections == 0) return true;
  if (atomic_fetch_add(&bounds->connections, 1) < bounds->max_connections) return true;
  atomic_fetch_sub(&bounds->connections, 1);
  atomic_fetch_add(&bounds->refused, 1);
  return false;
}

void bounds_undo(struct loop *loop) {
  struct bounds *bounds = loop->server->bounds;
  if (bounds && bounds->max_connections > 0) atomic_fetch_sub(&bounds->connections, 1);
}

uint64_t bounds_refused(const limpet_server *server) {
  return server->bounds ? atomic_load(&server->bounds->refused) : 0;
}

/* --------------------------------------------------------------------- addresses */

static struct address **bounds_held(const struct loop *loop, const struct connection *connection) {
  const struct bounds *bounds = loop->server->bounds;
  return &bounds->held[(size_t)loop->index * bounds->rows + link_row(loop, connection)];
}

/* Where the chain of an address begins. Multiplied by an odd constant the upper bits know of all lower ones. */
static struct address **bounds_bucket(struct bounds *bounds, uint64_t ip0, uint64_t ip8) {
  const uint64_t mixed = (ip0 ^ (ip8 << 31 | ip8 >> 33)) * UINT64_C(0x9e3779b97f4a7c15);
  return &bounds->buckets[(mixed >> 32) & bounds->mask];
}

/* The entry of an address, made now if there is none; NULL without memory. Under the lock. */
static struct address *bounds_find(struct loop *loop, uint64_t ip0, uint64_t ip8) {
  struct address **bucket = bounds_bucket(loop->server->bounds, ip0, ip8);
  for (struct address *one = *bucket; one; one = one->next) {
    if (one->ip0 == ip0 && one->ip8 == ip8) return one;
  }
  struct address *made = memory_take(loop->server, sizeof *made);
  if (!made) return NULL;
  *made = (struct address){.next = *bucket, .ip0 = ip0, .ip8 = ip8};
  return *bucket = made;
}

bool bounds_admit(struct loop *loop, const struct connection *connection) {
  struct bounds *bounds = loop->server->bounds;
  if (!bounds || bounds->max_per_address == 0) return true;
  const int32_t at = limpet_core_address(loop->core, connection->handle);
  if (at <= 0) return true;
  const struct limpet_address_record *record = (const void *)(loop->memory + at);
  if (record->family == 0) return true;
  pthread_mutex_lock(&bounds->lock);
  struct address *address = bounds_find(loop, record->ip0, record->ip8);
  const bool admitted = address && address->sessions < bounds->max_per_address;
  if (admitted) address->sessions++;
  pthread_mutex_unlock(&bounds->lock);
  if (admitted) *bounds_held(loop, connection) = address;
  return admitted;
}

static void bounds_forget(struct loop *loop, struct address *address) {
  struct address **link = bounds_bucket(loop->server->bounds, address->ip0, address->ip8);
  while (*link != address) link = &(*link)->next;
  *link = address->next;
  memory_give(loop->server, address);
}

void bounds_leave(struct loop *loop, const struct connection *connection) {
  struct bounds *bounds = loop->server->bounds;
  if (!bounds || !(connection->flags & CONNECTION_COUNTED)) return;
  bounds_undo(loop);
  if (!bounds->held) return;
  struct address **held = bounds_held(loop, connection);
  if (!*held) return;
  pthread_mutex_lock(&bounds->lock);
  if (--(*held)->sessions == 0) bounds_forget(loop, *held);
  pthread_mutex_unlock(&bounds->lock);
  *held = NULL;
}
