/* All connections of a fan-out server, to go over. */

#include "members.h"

#include <stdlib.h>

#include "listen.h"

void members_add(members *m, connection *c) {
  if (m->count == m->room) {
    size_t room = m->room ? 2 * m->room : 64;
    connection **all = realloc(m->all, room * sizeof *all);
    if (!all) listen_fail("realloc");
    m->all = all;
    m->room = room;
  }
  m->all[m->count++] = c;
}

void members_remove(members *m, const connection *c) {
  for (size_t i = 0; i < m->count; i++) {
    if (m->all[i] != c) continue;
    m->all[i] = m->all[--m->count];
    return;
  }
}
