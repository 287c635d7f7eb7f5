/* What threads want of loops that are not theirs ─► those loops' next turn.
 *
 *   limpet_session_send  ─► LIMPET_E_THREAD ─► crossing_send    ─► posts of the session's loop ─┐
 *   limpet_server_publish ─► own loop, and      crossing_publish ─► posts of all other loops    ├─► crossing_take
 *   limpet_server_interrupt ─► loop.stop_asked, crossing_wake ─────────────────────────────────┘
 *
 * What is handed over is done in the order in which a thread handed it over, before the turn's own timers. */

#ifndef LIMPET_CROSSING_H
#define LIMPET_CROSSING_H

#include <stdbool.h>

#include "limpet.h"

struct loop;
struct sockaddr;

/* Makes the loop's queue and what wakes it; false with limpet_last_error. */
bool crossing_open(struct loop *loop);
/* The loop takes no more posts; those that wait are dropped. The loop's thread, at the latest in loop_free. */
void crossing_shut(struct loop *loop);
void crossing_end(struct loop *loop);
/* The poller says that the loop was woken. */
void crossing_woken(struct loop *loop);
/* Does what others asked for. */
void crossing_take(struct loop *loop);
/* Makes the loop's wait return soon. Any thread; async-signal-safe. */
void crossing_wake(struct loop *loop);

/* For a session of another thread's loop: 0, LIMPET_ERROR_CODE_HANDLE for one whose loop is gone, or
 * LIMPET_ERROR_CODE_MEMORY. What the session has against it later is told to on_error, unless it is over. */
int crossing_send(limpet_session session, int kind, const void *data, size_t length);
int crossing_close(limpet_session session, int code, const char *reason);
int crossing_terminate(limpet_session session);

/* For all loops of a server but this thread's: 0, or LIMPET_ERROR_CODE_MEMORY, and then no loop has it. */
int crossing_publish(limpet_server *server, const char *topic, limpet_session except, int type,
                     const void *data, size_t length);
/* A selection without a filter. */
int crossing_broadcast(limpet_server *server, const struct limpet_selection *selection, int type,
                       const void *data, size_t length);
/* limpet_server_each for all loops, this thread's included: the same answers. */
int crossing_each(limpet_server *server, limpet_session except,
                  void (*task)(limpet_session session, void *arg), void *arg,
                  void (*on_finish)(limpet_server *server, void *arg));
/* An accepted socket for a loop: false when it has no room, and the socket stays the caller's. */
bool crossing_socket(struct loop *loop, int fd, const struct sockaddr *address, size_t size);

#endif
