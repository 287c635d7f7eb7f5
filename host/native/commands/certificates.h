/* Certificate files that change → a server that reads them again. */

#ifndef LIMPETD_CERTIFICATES_H
#define LIMPETD_CERTIFICATES_H

#include <time.h>

#include "../limpet.h"

struct certificates {
  /* NULL: a server without TLS. */
  const char *files[2];
  /* When they were last changed: as the server has them, and as they were looked at last. */
  struct timespec taken[2], seen[2];
  /* When to look again, on the clock of limpet_now. */
  int64_t due;
};

/* Both files, or NULL twice. */
void certificates_watch(struct certificates *certificates, const char *cert, const char *key);

/* How long the server may wait until they are looked at: ms, -1 = for ever. */
int certificates_wait(const struct certificates *certificates);

/* Looks at them; the server reads them again when they have changed, or when it was asked for (SIGHUP). */
void certificates_renew(struct certificates *certificates, limpet_server *server, bool asked);

#endif
