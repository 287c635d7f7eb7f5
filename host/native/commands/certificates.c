/* Certificate files that change → a server that reads them again.
 *
 * Both are written one after the other: they are read once neither has changed between two looks. */

#include "certificates.h"

#include <string.h>
#include <sys/stat.h>

/* Between two looks, ms. */
#define LOOK_MS 250

static void certificates_look(const struct certificates *certificates, struct timespec times[2]) {
  for (int i = 0; i < 2; i++) {
    struct stat file;
    /* One that is gone is being replaced. */
    if (stat(certificates->files[i], &file) == 0) times[i] = file.st_mtim;
    else times[i] = (struct timespec){0};
  }
}

static bool certificates_same(const struct timespec a[2], const struct timespec b[2]) {
  return memcmp(a, b, 2 * sizeof *a) == 0;
}

void certificates_watch(struct certificates *certificates, const char *cert, const char *key) {
  memset(certificates, 0, sizeof *certificates);
  certificates->files[0] = cert;
  certificates->files[1] = key;
  if (!cert) return;
  certificates_look(certificates, certificates->taken);
  memcpy(certificates->seen, certificates->taken, sizeof certificates->seen);
}

int certificates_wait(const struct certificates *certificates) {
  return certificates->files[0] ? LOOK_MS : -1;
}

void certificates_renew(struct certificates *certificates, limpet_server *server, bool asked) {
  if (!certificates->files[0] || (!asked && limpet_now() < certificates->due)) return;
  certificates->due = limpet_now() + LOOK_MS;
  struct timespec times[2];
  certificates_look(certificates, times);
  bool is_still = certificates_same(times, certificates->seen);
  memcpy(certificates->seen, times, sizeof times);
  if (!asked && (!is_still || certificates_same(times, certificates->taken))) return;
  memcpy(certificates->taken, times, sizeof times);
  if (limpet_server_reload_tls(server) < 0) {
    limpet_log(LIMPET_LOG_ERROR, "certificates changed, the old ones stay: %s",
               limpet_last_error());
  } else {
    limpet_log(LIMPET_LOG_INFO, "certificates were read again");
  }
}
