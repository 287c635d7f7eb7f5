/* The page of `limpetd --demo`: an echo to try, and its counters. */

#ifndef LIMPETD_DEMO_H
#define LIMPETD_DEMO_H

#include "../limpet.h"

/* Beside echo_serve, which it goes on from; `everywhere` as there. */
void demo_serve(limpet_server *server, const bool *everywhere);

/* GET /stats. */
void demo_stats(limpet_server *server, limpet_session session);

#endif
