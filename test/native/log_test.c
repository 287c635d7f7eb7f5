/* Lines that are logged: by level, by emitter, from several threads; on stderr and in syslog. */

#include <pthread.h>
#include <stdatomic.h>
#include <syslog.h>

#include "check.h"
#include "limpet.h"

#define ALL \
  (LIMPET_LOG_ERROR | LIMPET_LOG_WARN | LIMPET_LOG_NOTICE | LIMPET_LOG_INFO | LIMPET_LOG_DEBUG)

/* What an emitter was told last, and how often. */
struct told {
  enum limpet_log_level level;
  char line[2048];
  int count;
};

static void remember(enum limpet_log_level level, const char *line, void *user) {
  struct told *told = user;
  told->level = level;
  snprintf(told->line, sizeof told->line, "%s", line);
  told->count++;
}

static void check_levels(void) {
  struct told told = {.count = 0};
  CHECK_EQUAL(limpet_log_set(LIMPET_LOG_ERROR | LIMPET_LOG_DEBUG, remember, &told), 0);
  limpet_log(LIMPET_LOG_WARN, "not asked for");
  limpet_log(LIMPET_LOG_INFO, "not asked for");
  CHECK_EQUAL(told.count, 0);
  limpet_log(LIMPET_LOG_DEBUG, "%d of %s", 3, "them");
  CHECK_EQUAL(told.count, 1);
  CHECK_EQUAL(told.level, LIMPET_LOG_DEBUG);
  CHECK_STRING(told.line, "3 of them");
  /* NULL leaves the emitter and its pointer as they are. */
  CHECK_EQUAL(limpet_log_set(LIMPET_LOG_INFO, NULL, &check_pump), 0);
  limpet_log(LIMPET_LOG_ERROR, "not asked for any more");
  limpet_log(LIMPET_LOG_INFO, "still here");
  CHECK_EQUAL(told.count, 2);
  CHECK_STRING(told.line, "still here");
  CHECK_EQUAL(limpet_log_set(0, NULL, NULL), 0);
  limpet_log(LIMPET_LOG_ERROR, "nothing is asked for");
  CHECK_EQUAL(told.count, 2);
  CHECK_EQUAL(limpet_log_set(32, NULL, NULL), LIMPET_ERROR_CODE_ARGUMENT);
  CHECK(strstr(limpet_last_error(), "0x20") != NULL);
}

static void check_lines(void) {
  struct told told = {.count = 0};
  limpet_log_set(ALL, remember, &told);
  limpet_log(LIMPET_LOG_WARN, "a\nb\r\x1b[2Jc\x7f");
  CHECK_STRING(told.line, "a?b??[2Jc?");
  limpet_log(LIMPET_LOG_WARN, "žluť");
  CHECK_STRING(told.line, "žluť");
  char longer[3000];
  memset(longer, 'x', sizeof longer);
  longer[sizeof longer - 1] = 0;
  limpet_log(LIMPET_LOG_WARN, "%s", longer);
  CHECK_EQUAL(strlen(told.line), 1023);
  CHECK_STRING(told.line + 1020, "...");
  longer[1023] = 0;
  limpet_log(LIMPET_LOG_WARN, "%s", longer);
  CHECK_STRING(told.line, longer);
  limpet_log(LIMPET_LOG_WARN, NULL);
  CHECK_EQUAL(told.count, 4);
  errno = EINTR;
  limpet_log(LIMPET_LOG_WARN, "errno stays");
  CHECK_EQUAL(errno, EINTR);
}

/* Text that is written to stderr while `say` runs. */
static void captured(void (*say)(void), char *text, size_t size) {
  int ends[2];
  CHECK(pipe(ends) == 0);
  int saved = dup(STDERR_FILENO);
  CHECK(dup2(ends[1], STDERR_FILENO) >= 0);
  close(ends[1]);
  say();
  CHECK(dup2(saved, STDERR_FILENO) >= 0);
  close(saved);
  ssize_t length = read(ends[0], text, size - 1);
  CHECK(length >= 0);
  text[length] = 0;
  close(ends[0]);
}

static void say_on_stderr(void) {
  limpet_log_set(ALL, limpet_log_emit_stderr, NULL);
  limpet_log(LIMPET_LOG_ERROR, "one");
  limpet_log(LIMPET_LOG_WARN, "two");
  limpet_log(LIMPET_LOG_NOTICE, "three");
  limpet_log(LIMPET_LOG_INFO, "four");
  limpet_log(LIMPET_LOG_DEBUG, "five");
  limpet_log_emit_stderr(LIMPET_LOG_DEBUG, NULL, NULL);
}

static void check_stderr(void) {
  char text[1024];
  captured(say_on_stderr, text, sizeof text);
  const char *words[] = {"error: one", "warning: two", "notice: three", "info: four",
                         "debug: five"};
  char *line = text;
  for (size_t i = 0; i < 5; i++) {
    char *end = strchr(line, '\n');
    CHECK(end != NULL);
    *end = 0;
    /* RFC 3339 5.6, in UTC: "2026-11-21T20:00:00.000Z". */
    int year, length = 0;
    CHECK(sscanf(line, "%4d-%*2d-%*2dT%*2d:%*2d:%*2d.%*3dZ %n", &year, &length) == 1);
    CHECK(length == 25 && year >= 2026);
    CHECK_STRING(line + length, words[i]);
    line = end + 1;
  }
  CHECK_STRING(line, "");
}

static void say_in_syslog(void) {
  limpet_log_set(ALL, limpet_log_emit_syslog, NULL);
  /* LOG_PERROR: what goes to the system's log goes to stderr, too. */
  openlog("limpet-test", LOG_PERROR, LOG_USER);
  limpet_log(LIMPET_LOG_ERROR, "100%% %s", "%s");
  /* syslog(3)'s own mask is the application's: it tells the levels apart. */
  setlogmask(LOG_MASK(LOG_WARNING));
  limpet_log(LIMPET_LOG_ERROR, "masked");
  limpet_log(LIMPET_LOG_WARN, "a warning");
  setlogmask(LOG_MASK(LOG_NOTICE));
  limpet_log(LIMPET_LOG_WARN, "masked");
  limpet_log(LIMPET_LOG_NOTICE, "a notice");
  setlogmask(LOG_MASK(LOG_INFO));
  limpet_log(LIMPET_LOG_INFO, "an info");
  setlogmask(LOG_MASK(LOG_DEBUG));
  limpet_log(LIMPET_LOG_INFO, "masked");
  limpet_log(LIMPET_LOG_DEBUG, "a debug");
  closelog();
  setlogmask(LOG_UPTO(LOG_DEBUG));
}

static void check_syslog(void) {
  char text[1024];
  captured(say_in_syslog, text, sizeof text);
  CHECK_STRING(text,
               "limpet-test: 100% %s\n"
               "limpet-test: a warning\n"
               "limpet-test: a notice\n"
               "limpet-test: an info\n"
               "limpet-test: a debug\n");
}

/* Two emitters, each of which knows its pointer: a pair never mixes. */
static atomic_int mixed, lines;

static void emit_one(enum limpet_log_level level, const char *line, void *user) {
  (void)level;
  (void)line;
  atomic_fetch_add(&lines, 1);
  if (user != &mixed) atomic_store(&mixed, 1);
}

static void emit_two(enum limpet_log_level level, const char *line, void *user) {
  (void)level;
  (void)line;
  atomic_fetch_add(&lines, 1);
  if (user != &lines) atomic_store(&mixed, 1);
}

static void *talk(void *arg) {
  for (int i = 0; i < 5000; i++) limpet_log(LIMPET_LOG_INFO, "%d from %p", i, arg);
  return NULL;
}

static void check_threads(void) {
  limpet_log_set(ALL, emit_one, &mixed);
  pthread_t talkers[3];
  for (int i = 0; i < 3; i++) CHECK(pthread_create(&talkers[i], NULL, talk, NULL) == 0);
  for (int i = 0; i < 2000; i++) {
    limpet_log_set(ALL, emit_two, &lines);
    limpet_log_set(ALL, emit_one, &mixed);
  }
  for (int i = 0; i < 3; i++) pthread_join(talkers[i], NULL);
  CHECK_EQUAL(atomic_load(&mixed), 0);
  CHECK_EQUAL(atomic_load(&lines), 15000);
}

/* An emitter may log, and set emitters, itself. */
static void emit_more(enum limpet_log_level level, const char *line, void *user) {
  struct told *told = user;
  if (level != LIMPET_LOG_ERROR) return;
  limpet_log_set(ALL, remember, told);
  limpet_log(LIMPET_LOG_NOTICE, "about: %s", line);
}

int main(void) {
  check_levels();
  check_lines();
  check_stderr();
  check_syslog();
  check_threads();
  struct told told = {.count = 0};
  limpet_log_set(ALL, emit_more, &told);
  limpet_log(LIMPET_LOG_ERROR, "trouble");
  CHECK_STRING(told.line, "about: trouble");
  return 0;
}
