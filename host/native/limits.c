/* Connections at once, of all and of one address, over the loops of a server.
 *
 *   accepted   ─► limits_enter   max_connections                  a counter
 *   head whole ─► limits_admit   max_connections_per_address      address ─► how many, one table for all loops
 *   over       ─► limits_leave
 *
 * Each core counts its own; the addresses that a core admits are bound here once more. An address counts from
 * its handshake on: until then each loop alone bounds what it may have. */

#include "limits.h"

#include <string.h>

#include "loop.h"
#include "memory.h"

/* An address with sessions. */
struct address {
  struct address *next;
  uint64_t ip0, ip8;
  uint32_t sessions;
};

struct limits {
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

int limits_new(limpet_server *server, uint32_t rows) {
  const limpet_config *settings = server->settings;
  if (server->loop_count <= 1 || (settings->max_connections == 0 && settings->max_per_address == 0)) return 0;
  struct limits *limits = memory_table(server, sizeof *limits);
  if (!limits) return fail(LIMPET_ERROR_CODE_MEMORY, "no memory for the limits");
  limits->max_connections = settings->max_connections;
  limits->max_per_address = settings->max_per_address;
  limits->rows = rows;
  pthread_mutex_init(&limits->lock, NULL);
  server->limits = limits;
  if (settings->max_per_address == 0) return 0;
  uint32_t count = 1;
  while (count < rows) count *= 2;
  limits->mask = count - 1;
  limits->buckets = memory_table(server, count * sizeof *limits->buckets);
  limits->held = memory_table(server, (size_t)server->loop_count * rows * sizeof *limits->held);
  if (limits->buckets && limits->held) return 0;
  limits_free(server);
  return fail(LIMPET_ERROR_CODE_MEMORY, "no memory for a table of addresses");
}

void limits_free(limpet_server *server) {
  struct limits *limits = server->limits;
  if (!limits) return;
  for (uint32_t i = 0; limits->buckets && i <= limits->mask; i++) {
    while (limits->buckets[i]) {
      struct address *address = limits->buckets[i];
      limits->buckets[i] = address->next;
      memory_give(server, address);
    }
  }
  memory_give(server, limits->buckets);
  memory_give(server, limits->held);
  pthread_mutex_destroy(&limits->lock);
  memory_give(server, limits);
  server->limits = NULL;
}

bool limits_enter(struct loop *loop) {
  struct limits *limits = loop->server->limits;
  if (!limits || limits->max_connections == 0) return true;
  if (atomic_fetch_add(&limits->connections, 1) < limits->max_connections) return true;
  atomic_fetch_sub(&limits->connections, 1);
  atomic_fetch_add(&limits->refused, 1);
  return false;
}

void limits_undo(struct loop *loop) {
  struct limits *limits = loop->server->limits;
  if (limits && limits->max_connections > 0) atomic_fetch_sub(&limits->connections, 1);
}

uint64_t limits_refused(const limpet_server *server) {
  return server->limits ? atomic_load(&server->limits->refused) : 0;
}

/* --------------------------------------------------------------------- addresses */

static struct address **limits_held(const struct loop *loop, const struct connection *connection) {
  const struct limits *limits = loop->server->limits;
  return &limits->held[(size_t)loop->index * limits->rows + link_row(loop, connection)];
}

/* Where the chain of an address begins. Multiplied by an odd constant the upper bits know of all lower ones. */
static struct address **limits_bucket(struct limits *limits, uint64_t ip0, uint64_t ip8) {
  const uint64_t mixed = (ip0 ^ (ip8 << 31 | ip8 >> 33)) * UINT64_C(0x9e3779b97f4a7c15);
  return &limits->buckets[(mixed >> 32) & limits->mask];
}

/* The entry of an address, made now if there is none; NULL without memory. Under the lock. */
static struct address *limits_find(struct loop *loop, uint64_t ip0, uint64_t ip8) {
  struct address **bucket = limits_bucket(loop->server->limits, ip0, ip8);
  for (struct address *one = *bucket; one; one = one->next) {
    if (one->ip0 == ip0 && one->ip8 == ip8) return one;
  }
  struct address *made = memory_take(loop->server, sizeof *made);
  if (!made) return NULL;
  *made = (struct address){.next = *bucket, .ip0 = ip0, .ip8 = ip8};
  return *bucket = made;
}

bool limits_admit(struct loop *loop, const struct connection *connection) {
  struct limits *limits = loop->server->limits;
  if (!limits || limits->max_per_address == 0) return true;
  const int32_t at = limpet_core_address(loop->core, connection->handle);
  if (at <= 0) return true;
  const struct limpet_address_record *record = (const void *)(loop->memory + at);
  if (record->family == 0) return true;
  pthread_mutex_lock(&limits->lock);
  struct address *address = limits_find(loop, record->ip0, record->ip8);
  const bool admitted = address && address->sessions < limits->max_per_address;
  if (admitted) address->sessions++;
  pthread_mutex_unlock(&limits->lock);
  if (admitted) *limits_held(loop, connection) = address;
  return admitted;
}

static void limits_forget(struct loop *loop, struct address *address) {
  struct address **link = limits_bucket(loop->server->limits, address->ip0, address->ip8);
  while (*link != address) link = &(*link)->next;
  *link = address->next;
  memory_give(loop->server, address);
}

void limits_leave(struct loop *loop, const struct connection *connection) {
  struct limits *limits = loop->server->limits;
  if (!limits || !(connection->flags & CONNECTION_COUNTED)) return;
  limits_undo(loop);
  if (!limits->held) return;
  struct address **held = limits_held(loop, connection);
  if (!*held) return;
  pthread_mutex_lock(&limits->lock);
  if (--(*held)->sessions == 0) limits_forget(loop, *held);
  pthread_mutex_unlock(&limits->lock);
  *held = NULL;
}
