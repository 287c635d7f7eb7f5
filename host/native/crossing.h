/* What other threads want of a loop ─► its next turn. */

#ifndef LIMPET_CROSSING_H
#define LIMPET_CROSSING_H

#include <stdbool.h>

#include "limpet.h"

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

/* For all loops of a server but this thread's: 0, or a code. */
int crossing_publish(limpet_server *server, const char *topic, limpet_session except, int type, const void *data,
                     size_t length);
/* A selection without a filter. */
int crossing_broadcast(limpet_server *server, const struct limpet_selection *selection, int type, const void *data,
                       size_t length);
/* limpet_server_each for all loops, this thread's included: the same answers. */
int crossing_each(limpet_server *server, limpet_session except, void (*task)(limpet_session session, void *arg),
                  void *arg, void (*on_finish)(limpet_server *server, void *arg));

#endif
