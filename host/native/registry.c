/* Sessions' numbers ─► loops, for any thread. registry.h has the idea.
 *
 *   hold     holders + 1, then look whether the loop is (still) there
 *   remove   the loop is not there any more, then wait until holders is 0
 *
 * Both in one order for all threads (sequential consistency): whoever saw the loop is seen by the one that takes it out. */

#include "registry.h"

#include <sched.h>

#include "loop.h"

/* A slot. */
struct place {
  _Atomic(struct loop *) loop;
  _Atomic uint16_t generation;
  /* Threads that are between registry_hold and registry_release. */
  atomic_uint holders;
  /* The one that may touch the loop, as registry_here has it; 0: nobody. */
  atomic_uintptr_t owner;
};

static struct place places[LOOPS_MAX];
static pthread_mutex_t places_lock = PTHREAD_MUTEX_INITIALIZER;
/* Where the search for a free slot begins: all are used before one is used again. */
static uint16_t next_slot;

uintptr_t registry_here(void) {
  static _Thread_local char mark;
  return (uintptr_t)&mark;
}

bool registry_add(struct loop *loop) {
  pthread_mutex_lock(&places_lock);
  int tried = 0;
  while (tried < LOOPS_MAX && atomic_load(&places[next_slot].loop)) {
    next_slot = (uint16_t)((next_slot + 1) % LOOPS_MAX);
    tried++;
  }
  if (tried < LOOPS_MAX) {
    struct place *place = &places[next_slot];
    loop->slot = next_slot;
    next_slot = (uint16_t)((next_slot + 1) % LOOPS_MAX);
    /* Generations begin with 1: no session is 0. */
    uint16_t generation = (uint16_t)(atomic_load(&place->generation) + 1);
    loop->generation = generation ? generation : 1;
    atomic_store(&place->generation, loop->generation);
    atomic_store(&place->owner, registry_here());
    atomic_store(&place->loop, loop);
  }
  pthread_mutex_unlock(&places_lock);
  return tried < LOOPS_MAX;
}

void registry_remove(struct loop *loop) {
  struct place *place = &places[loop->slot];
  pthread_mutex_lock(&places_lock);
  atomic_store(&place->owner, 0);
  atomic_store(&place->loop, NULL);
  /* They only append to a queue. */
  while (atomic_load(&place->holders) > 0) sched_yield();
  pthread_mutex_unlock(&places_lock);
}

void registry_own(const struct loop *loop) {
  atomic_store(&places[loop->slot].owner, registry_here());
}

void registry_disown(const struct loop *loop) { atomic_store(&places[loop->slot].owner, 0); }

/* The place of a number, if it is of its generation. */
static struct place *place_of(limpet_session session) {
  const uint16_t slot = (uint16_t)(session >> 32), generation = (uint16_t)(session >> 48);
  if (slot >= LOOPS_MAX || atomic_load(&places[slot].generation) != generation) return NULL;
  return &places[slot];
}

struct loop *registry_hold(limpet_session session) {
  struct place *place = place_of(session);
  if (!place) return NULL;
  atomic_fetch_add(&place->holders, 1);
  /* The slot may have changed hands before it was held. */
  struct loop *loop = atomic_load(&place->loop);
  if (loop && place_of(session)) return loop;
  atomic_fetch_sub(&place->holders, 1);
  return NULL;
}

void registry_release(const struct loop *loop) { atomic_fetch_sub(&places[loop->slot].holders, 1); }

/* ------------------------------------------------------------------- the own thread */

struct loop *loop_find(limpet_session session) {
  const struct place *place = place_of(session);
  return place ? atomic_load(&place->loop) : NULL;
}

bool loop_is_mine(const struct loop *loop) {
  return atomic_load(&places[loop->slot].owner) == registry_here();
}

int loop_enter(limpet_session session, struct loop **loop, struct connection **connection) {
  const struct place *place = place_of(session);
  *loop = place ? atomic_load(&place->loop) : NULL;
  if (!*loop) return refuse(LIMPET_ERROR_CODE_HANDLE);
  /* Another thread's loop may end now: it is not looked at. */
  if (atomic_load(&place->owner) != registry_here()) return refuse(LIMPET_E_THREAD);
  *connection = link_of(*loop, session_handle(session));
  return *connection ? 0 : refuse(LIMPET_ERROR_CODE_HANDLE);
}

limpet_server *limpet_session_server(limpet_session session) {
  struct loop *loop = registry_hold(session);
  if (!loop) return NULL;
  limpet_server *server = loop->server;
  registry_release(loop);
  return server;
}
