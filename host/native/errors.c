/* Codes -> words for people; what a failing call had to say beyond its code, kept for each thread.
 *
 *   a call ─► fail(code, "bind %s: %s", ...) ─► code        limpet_strerror(code), limpet_last_error() */

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

#include "settings.h"

#define WORDS_BYTES 512

static _Thread_local char last_words[WORDS_BYTES];

int fail(int code, const char *format, ...) {
  int saved = errno;
  va_list arguments;
  va_start(arguments, format);
  if (vsnprintf(last_words, sizeof last_words, format, arguments) < 0) last_words[0] = 0;
  va_end(arguments);
  errno = saved;
  return code;
}

int refuse(int code) {
  last_words[0] = 0;
  return code == LIMPET_CORE_TRAP ? LIMPET_E_TRAP : code;
}

const char *limpet_last_error(void) { return last_words; }

static const char *host_words(int code) {
  switch (code) {
    case LIMPET_E_THREAD: return "The call is not for this thread";
    case LIMPET_E_SYSTEM: return "The operating system refused; errno says why";
    case LIMPET_E_STATE: return "The server has started, or has not, or is stopping";
    case LIMPET_E_TLS: return "TLS: a certificate, a key or a handshake failed";
    case LIMPET_E_TIMEOUT: return "The deadline passed";
    case LIMPET_E_CLOSED: return "The connection is over";
    case LIMPET_E_UNSUPPORTED: return "The library was built without that";
    case LIMPET_E_CONNECT: return "A name could not be resolved, or nobody answered there";
    case LIMPET_E_TRAP: return "The core trapped: a bug in Limpet";
    case LIMPET_E_STORAGE: return "The memory given is not enough";
    case LIMPET_E_TYPE:
      return "A text message came where binary ones were agreed on, or the other way round";
    default: return NULL;
  }
}

const char *limpet_strerror(int code) {
  switch (code) {
#define WORDS(name, value, words) \
  case value: return words;
    LIMPET_ERROR_CODES(WORDS)
#undef WORDS
    default: break;
  }
  // A core that trapped answers so, too.
  const char *words = host_words(code == LIMPET_CORE_TRAP ? LIMPET_E_TRAP : code);
  if (words) return words;
  return code > 0 ? "No error" : "An unknown code";
}

/* ---------------------------------------------------------------------- version */

#ifdef LIMPET_TLS
#define TLS_WORD " mbedtls"
#else
#define TLS_WORD ""
#endif

static pthread_once_t version_once = PTHREAD_ONCE_INIT;
static char version[64];

static void version_write(void) {
  (void)snprintf(version, sizeof version, LIMPET_VERSION " %s" TLS_WORD, limpet_core_engine());
}

const char *limpet_version(void) {
  (void)pthread_once(&version_once, version_write);
  return version;
}
