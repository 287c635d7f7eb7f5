/* Sockets of the application's: into a loop, and out of it again. */

#ifndef LIMPET_ATTACH_H
#define LIMPET_ATTACH_H

#include "loop.h"

/* A row for a connected stream socket: 0, or a code with words and the socket is as it was. `more`: flags of
 * the connection. link_begin comes next. */
int attach_enter(struct loop *loop, int fd, uint32_t flags, uint16_t more,
                 struct connection **connection);
/* Takes the socket out of the loop, whose session ends without a word: the descriptor. CLOSED was told. */
int attach_leave(struct loop *loop, struct connection *connection);
/* Whether all that was sent is written. */
bool attach_written(struct loop *loop, const struct connection *connection);

#endif
