/* What happened → one line, for an emitter: stderr, syslog(3), or the application's own.
 *
 *   limpet_log(level, format, ...) ─► level asked for? ─► one line on the stack ─► emitter
 *
 * No line is longer than LINE_SIZE, and nothing is allocated: what is longer is cut off and ends with
 * "...". Control characters become '?', so that no peer's words begin a line of their own. */

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "settings.h"

/* Bytes of a line with its zero: a path, a reason and words around them. */
#define LINE_SIZE 1024

/* "2026-11-21T20:00:00.000Z warning: " and a line feed. */
#define PREFIX_SIZE 48

#define LEVELS_ALL \
  (LIMPET_LOG_ERROR | LIMPET_LOG_WARN | LIMPET_LOG_NOTICE | LIMPET_LOG_INFO | LIMPET_LOG_DEBUG)

/* Asked before anything is formatted, by any thread. */
static atomic_uint log_levels = LIMPET_LOG_ERROR | LIMPET_LOG_WARN | LIMPET_LOG_NOTICE;

/* An emitter and its pointer belong together: they are read and written under this lock, but called
 * without it, so that an emitter may log, too. */
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static limpet_log_emitter log_emitter = limpet_log_emit_stderr;
static void *log_user;

int limpet_log_set(uint32_t levels, limpet_log_emitter emitter, void *user) {
  if (levels & ~(uint32_t)LEVELS_ALL) {
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "levels %#x: no bits of enum limpet_log_level",
                (unsigned)levels);
  }
  if (emitter) {
    pthread_mutex_lock(&log_lock);
    log_emitter = emitter;
    log_user = user;
    pthread_mutex_unlock(&log_lock);
  }
  atomic_store(&log_levels, levels);
  return 0;
}

/* What a level is called, and what syslog(3) calls it. */
static const char *log_word(enum limpet_log_level level, int *priority) {
  switch (level) {
    case LIMPET_LOG_ERROR: *priority = LOG_ERR; return "error";
    case LIMPET_LOG_WARN: *priority = LOG_WARNING; return "warning";
    case LIMPET_LOG_NOTICE: *priority = LOG_NOTICE; return "notice";
    case LIMPET_LOG_INFO: *priority = LOG_INFO; return "info";
    case LIMPET_LOG_DEBUG: break;
  }
  *priority = LOG_DEBUG;
  return "debug";
}

void limpet_log_emit_stderr(enum limpet_log_level level, const char *line, void *user) {
  (void)user;
  if (!line) return;
  int priority;
  const char *word = log_word(level, &priority);
  struct timespec at;
  struct tm tm;
  clock_gettime(CLOCK_REALTIME, &at);
  gmtime_r(&at.tv_sec, &tm);
  char when[24], text[PREFIX_SIZE + LINE_SIZE];
  strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &tm);
  int length = snprintf(text, sizeof text, "%s.%03dZ %s: %s\n", when, (int)(at.tv_nsec / 1000000),
                        word, line);
  if (length < 0) return;
  size_t bytes = (size_t)length;
  if (bytes >= sizeof text) {
    bytes = sizeof text - 1;
    text[bytes - 1] = '\n';
  }
  /* One write: lines of several threads do not mix. A terminal that is gone is no reason to end. */
  ssize_t written = write(STDERR_FILENO, text, bytes);
  (void)written;
}

void limpet_log_emit_syslog(enum limpet_log_level level, const char *line, void *user) {
  (void)user;
  if (!line) return;
  int priority;
  log_word(level, &priority);
  syslog(priority, "%s", line);
}

/* Makes one line of what was formatted to `length` characters, of which `size - 1` are here at most. */
static void log_clean(char *line, size_t size, size_t length) {
  if (length >= size) memcpy(line + size - 4, "...", 4);
  for (unsigned char *at = (unsigned char *)line; *at; at++) {
    if (*at < ' ' || *at == 0x7f) *at = '?';
  }
}

void limpet_log(enum limpet_log_level level, const char *format, ...) {
  if (!format || !(atomic_load(&log_levels) & (uint32_t)level)) return;
  /* The caller may want to tell what errno says after it has logged. */
  int saved = errno;
  char line[LINE_SIZE];
  va_list args;
  va_start(args, format);
  int length = vsnprintf(line, sizeof line, format, args);
  va_end(args);
  if (length >= 0) {
    log_clean(line, sizeof line, (size_t)length);
    pthread_mutex_lock(&log_lock);
    limpet_log_emitter emitter = log_emitter;
    void *user = log_user;
    pthread_mutex_unlock(&log_lock);
    emitter(level, line, user);
  }
  errno = saved;
}
