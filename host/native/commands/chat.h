/* The chat of `limpetd --chat`: a page, and rooms where people talk. */

#ifndef LIMPETD_CHAT_H
#define LIMPETD_CHAT_H

#include "../limpet.h"

void chat_serve(limpet_server *server);

/* How long the server may wait until something is due: ms, -1 = for ever. */
int chat_wait(void);

/* Does what is due. */
void chat_turn(limpet_server *server);

#endif
