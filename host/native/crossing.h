/* What other threads want of a loop ─► its next turn. */

#ifndef LIMPET_CROSSING_H
#define LIMPET_CROSSING_H

#include <stdbool.h>

struct loop;

/* Makes what wakes the loop; false with limpet_last_error. */
bool crossing_open(struct loop *loop);
void crossing_close(struct loop *loop);
/* The poller says that the loop was woken. */
void crossing_woken(struct loop *loop);
/* Does what others asked for. */
void crossing_take(struct loop *loop);
/* Makes the loop's wait return soon. Any thread; async-signal-safe. */
void crossing_wake(struct loop *loop);

#endif
