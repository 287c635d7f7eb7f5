/* What stands in for TLS in a library without mbedTLS (LIMPET_TLS=OFF): the setters of limpet_config answer
 * LIMPET_E_UNSUPPORTED, so no server gets as far as to a certificate. */

#include "tls.h"

static int unsupported(void) {
  return fail(LIMPET_E_UNSUPPORTED,
              "this library was built without TLS: configure it with -DLIMPET_TLS=ON");
}

const char *tls_library(void) { return NULL; }

int tls_check_suites(const char *names) {
  (void)names;
  return unsupported();
}

int tls_open(limpet_server *server) {
  server->tls = NULL;
  return 0;
}

void tls_close(limpet_server *server) { (void)server; }

int tls_begin(struct loop *loop, struct connection *connection, bool client, const char *name) {
  (void)loop, (void)connection, (void)client, (void)name;
  return unsupported();
}

int limpet_server_reload_tls(limpet_server *server) {
  if (!server) return fail(LIMPET_ERROR_CODE_ARGUMENT, "limpet_server_reload_tls takes a server");
  return unsupported();
}

int limpet_session_tls(limpet_session session, struct limpet_tls_details *details) {
  (void)session;
  if (!details) return fail(LIMPET_ERROR_CODE_ARGUMENT, "limpet_session_tls takes details");
  return unsupported();
}
