/* Messages → the same messages back. */

#ifndef LIMPETD_ECHO_H
#define LIMPETD_ECHO_H

#include "../limpet.h"

/* `everywhere`: whether every path echoes, or only /echo. It has to live as long as the server. */
void echo_serve(limpet_server *server, const bool *everywhere);

/* Answers a handshake by its path: an on_upgrade whose `user` is `everywhere`. */
enum limpet_verdict echo_upgrade(limpet_server *server, limpet_session session, const char *path,
                                 void *user);

/* Sends a message back as it came: an on_message. */
void echo_message(limpet_server *server, limpet_session session, enum limpet_type type, char *data,
                  size_t length, void *user);

#endif
