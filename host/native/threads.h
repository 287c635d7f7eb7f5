/* A server of several loops: a thread for each, behind one port (limpet_config_set_threads). */

#ifndef LIMPET_THREADS_H
#define LIMPET_THREADS_H

#include <stdbool.h>
#include <stddef.h>

#include "limpet.h"

struct loop;
struct sockaddr;

/* What a server of several loops needs beside them: 0, or a negative code. Nothing for a server of one. */
int threads_new(limpet_server *server);
/* Ends the threads at once, wherever they are, and frees it. */
void threads_free(limpet_server *server);

/* limpet_server_start, poll, stop for a server of several loops. */
int threads_start(limpet_server *server);
int threads_poll(limpet_server *server, int timeout_ms);
int threads_stop(limpet_server *server, int timeout_ms);
/* Makes threads_poll return soon. Any thread; async-signal-safe. */
void threads_wake(limpet_server *server);

/* Gives an accepted socket to the loop whose turn it is: false when that is this loop. */
bool threads_deal(struct loop *loop, int fd, const struct sockaddr *address, size_t size);
/* A loop's core trapped: nothing goes to it any more, the others serve on. */
void threads_lose(struct loop *loop);

#endif
