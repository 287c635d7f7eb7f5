/* TLS: what a server's settings and files become, and how a connection gets it.
 *
 *   limpet_server_start ─► tls_open ─► server->tls
 *   accepted, connected ─► tls_begin ─► connection->transport = &transport_tls, and its handshake
 *
 * tls-none.c stands in for all of it in a library without mbedTLS. */

#ifndef LIMPET_TLS_H
#define LIMPET_TLS_H

#include "loop.h"

/* "mbedtls", or NULL in a library without TLS. */
const char *tls_library(void);

/* Whether all suites of such a list are known: 0, or LIMPET_ERROR_CODE_ARGUMENT (limpet_last_error names the one
 * that is not), or LIMPET_E_UNSUPPORTED. */
int tls_check_suites(const char *names);

/* Reads what the settings of a server name, for each of its loops: 0, or LIMPET_E_TLS and server->tls stays NULL. */
int tls_open(limpet_server *server);
/* Connections that are open keep what they were made with. NULL in server->tls is fine. */
void tls_close(limpet_server *server);

/* Puts a connection under TLS; its transport->handshake is next. On the loop's thread; nothing was read from
 * the descriptor yet.
 *
 *   client: this end is the client's
 *   name:   of a client, whom it wants to reach, a host name or an address without brackets: asked for
 *           (RFC 6066 3) and looked for in the certificate (RFC 9525)
 *
 * Returns 0; LIMPET_E_TLS or LIMPET_ERROR_CODE_MEMORY, and the connection is as it was; LIMPET_E_STATE before
 * tls_open, or where a server has no certificate. */
int tls_begin(struct loop *loop, struct connection *connection, bool client, const char *name);

#endif
