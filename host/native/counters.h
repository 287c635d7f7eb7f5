/* The counters of a loop's core, for any thread. */

#ifndef LIMPET_COUNTERS_H
#define LIMPET_COUNTERS_H

#include "limpet.h"

struct loop;
struct counters;

/* Room for a copy of them; NULL without memory. */
struct counters *counters_new(limpet_server *server);
/* Copies them for other threads: at the end of each turn. */
void counters_publish(struct loop *loop);
/* The counters: as they are, on the loop's thread; as the last turn left them, on others. */
void counters_read(const struct loop *loop, struct limpet_stats_record *record);

#endif
