/* Sessions' numbers ─► loops, for any thread.
 *
 *   generation (16 bits) │ slot (16) │ handle (32)
 *                          └─► places[slot]: a loop, its generation, its thread, how many threads hold it
 *
 * The loop's own thread needs no lock: nobody else ends the loop. Other threads hold it while they hand something
 * over; a loop that ends waits for them, and they find it gone from then on. Generations outlive loops and servers, so
 * that a number of one that is gone never means another one. */

#ifndef LIMPET_REGISTRY_H
#define LIMPET_REGISTRY_H

#include <stdbool.h>

#include "limpet.h"

struct loop;

/* Loops of one process, over all its servers. */
#define LOOPS_MAX 1024

/* Gives a loop its slot and generation, and this thread the right to touch it; false when all slots are taken. */
bool registry_add(struct loop *loop);
/* Takes the loop out: when this returns no thread holds it. */
void registry_remove(struct loop *loop);

/* This thread, by a number that no other one has while it runs. */
uintptr_t registry_here(void);
/* From now on it is this thread that may touch the loop. */
void registry_own(const struct loop *loop);
/* Nobody may. */
void registry_disown(const struct loop *loop);

/* The loop of a session's number, held until registry_release: NULL for one that is gone. Any thread. */
struct loop *registry_hold(limpet_session session);
void registry_release(const struct loop *loop);

#endif
