/* All connections of a fan-out server, to go over. */

#ifndef BENCH_MEMBERS_H
#define BENCH_MEMBERS_H

#include "loop.h"

typedef struct members {
  connection **all;
  size_t count;
  size_t room;
} members;

void members_add(members *m, connection *c);

/* The last one takes its place. */
void members_remove(members *m, const connection *c);

#endif
