/* argv → struct arguments, by getopt_long(3); what is wrong with it in one line.
 *
 * The flags are those of `limpet serve`, and mean the same; what a process of C has beyond it comes last. */

#include "arguments.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flags.h"
#include "usage.h"

/* A flag's name, for what is wrong with its value. */
static const char *flag_name(int flag) {
  const struct option *one = FLAGS;
  while (one->name && one->val != flag) one++;
  return one->name ? one->name : "?";
}

static int wrong(const char *format, ...) LIMPET_PRINTF(1, 2);

/* One line on stderr, and LIMPET_ERROR_CODE_ARGUMENT. */
static int wrong(const char *format, ...) {
  va_list args;
  va_start(args, format);
  fputs("limpetd: ", stderr);
  vfprintf(stderr, format, args);
  fputc('\n', stderr);
  va_end(args);
  return LIMPET_ERROR_CODE_ARGUMENT;
}

/* A whole number given to a flag, or a negative code. */
static long number(int flag, const char *text, long least, long most) {
  size_t digits = strspn(text, "0123456789");
  errno = 0;
  long value = strtol(text, NULL, 10);
  if (digits == 0 || text[digits] || errno || value < least || value > most) {
    return wrong("--%s is a whole number from %ld to %ld, not \"%s\"", flag_name(flag), least, most,
                 text);
  }
  return value;
}

/* One of some words given to a flag, by its place, or a negative code. */
static int word(int flag, const char *text, const char *const *words, const char *all) {
  for (int i = 0; words[i]; i++) {
    if (strcmp(words[i], text) == 0) return i;
  }
  return wrong("--%s is one of %s, not \"%s\"", flag_name(flag), all, text);
}

/* What the settings say of a value, as a line of this program. */
static int judged(int flag, const char *text, int code) {
  if (code >= 0) return code;
  const char *why = limpet_last_error();
  return wrong("--%s \"%s\": %s", flag_name(flag), text, *why ? why : limpet_strerror(code));
}

/* Flags whose value is a number. */
static int read_number(struct arguments *a, int flag, const char *text) {
  limpet_config *config = a->config;
  long least = 0, most = INT_MAX;
  if (flag == FLAG_PORT) most = 65535;
  if (flag == FLAG_THREADS || flag == FLAG_WORKERS) most = LIMPET_THREADS_MAX;
  if (flag == FLAG_DEFLATE) most = 9;
  if (flag == FLAG_DEFLATE_WINDOW) least = 8, most = 15;
  if (flag == FLAG_THREADS || flag == FLAG_MAX_MESSAGE || flag == FLAG_MAX_CONNECTIONS) least = 1;
  long value = number(flag, text, least, most);
  if (value < 0) return (int)value;
  uint32_t count = (uint32_t)value;
  switch (flag) {
    case FLAG_PORT: a->port = (int)value; return limpet_config_set_port(config, a->port);
    case FLAG_THREADS:
    case FLAG_WORKERS:
      /* --workers 0: this process serves, as with `limpet serve`. */
      a->threads = value > 1 ? (int)value : 1;
      return judged(flag, text, limpet_config_set_threads(config, a->threads));
    case FLAG_MAX_MESSAGE:
      return judged(flag, text, limpet_config_set_max_message_size(config, count));
    case FLAG_MAX_CONNECTIONS:
      return judged(flag, text, limpet_config_set_max_connections(config, count));
    case FLAG_PING_INTERVAL:
      return judged(flag, text, limpet_config_set_ping_interval(config, count));
    case FLAG_IDLE_TIMEOUT:
      return judged(flag, text, limpet_config_set_idle_timeout(config, count));
    case FLAG_DEFLATE:
      return judged(flag, text, limpet_config_set_compression_level(config, (int)value));
    case FLAG_DEFLATE_WINDOW:
      return judged(flag, text, limpet_config_set_compression_window(config, (int)value));
    case FLAG_DEFLATE_THRESHOLD:
      return judged(flag, text, limpet_config_set_compression_threshold(config, count));
    case FLAG_MAX_PER_ADDRESS:
      return judged(flag, text, limpet_config_set_max_connections_per_address(config, count));
    case FLAG_RATE_MESSAGES:
      return judged(flag, text, limpet_config_set_rate_limit_messages(config, count));
    case FLAG_RATE_BYTES:
      return judged(flag, text, limpet_config_set_rate_limit_bytes(config, count));
    default:
      /* How long a heartbeat may take is the core's to say. */
      return judged(flag, text,
                    limpet_config_set_option(config, LIMPET_OPTION_HEARTBEAT_MS, (int32_t)value));
  }
}

/* Flags whose value is one of some words. */
static int read_word(struct arguments *a, int flag, const char *text) {
  static const char *const trusted[] = {"proxy", "proxy-required", "forwarded", NULL};
  static const uint32_t trusts[] = {
      LIMPET_TRUST_PROXY, LIMPET_TRUST_PROXY | LIMPET_TRUST_PROXY_REQUIRED, LIMPET_TRUST_FORWARDED};
  static const char *const policies[] = {"drop", "queue", "reject", NULL};
  static const enum limpet_rate_policy rates[] = {LIMPET_RATE_POLICY_DROP, LIMPET_RATE_POLICY_QUEUE,
                                                  LIMPET_RATE_POLICY_REJECT};
  static const char *const levels[] = {"error", "warning", "notice", "info", "debug", NULL};
  static const char *const profiles[] = {LIMPETD_PROFILE, NULL};
  int at;
  switch (flag) {
    case FLAG_TRUST_PROXY:
      at = word(flag, text, trusted, "proxy, proxy-required, forwarded");
      return at < 0 ? at : limpet_config_set_trust_proxy(a->config, trusts[at]);
    case FLAG_RATE_POLICY:
      at = word(flag, text, policies, "drop, queue, reject");
      return at < 0 ? at : limpet_config_set_rate_limit_policy(a->config, rates[at]);
    case FLAG_LOG_LEVEL:
      at = word(flag, text, levels, "error, warning, notice, info, debug");
      /* All up to this one: the bits follow each other. */
      if (at >= 0) a->levels = (2u << at) - 1;
      return at;
    default:
      if (strcmp(text, profiles[0]) == 0) return 0;
      return wrong("--profile is chosen when limpetd is built: this one has %s, not \"%s\"",
                   profiles[0], text);
  }
}

/* Any flag; a negative code when its value is wrong, which was told. */
static int read_flag(struct arguments *a, int flag, char *text) {
  switch (flag) {
    case FLAG_HOST:
      a->host = text;
      return judged(flag, text, limpet_config_set_host(a->config, text));
    case FLAG_ECHO: a->echo = true; return 0;
    case FLAG_DEMO: a->demo = true; return 0;
    case FLAG_CHAT: a->chat = true; return 0;
    case FLAG_METRICS: a->metrics = true; return 0;
    case FLAG_QUIET: a->quiet = true; return 0;
    case FLAG_DAEMON: a->daemon = true; return 0;
    case FLAG_SYSLOG: a->syslog = true; return 0;
    case FLAG_PID_FILE: a->pid_file = text; return 0;
    case FLAG_TLS_CERT: a->tls_cert = text; return 0;
    case FLAG_TLS_KEY: a->tls_key = text; return 0;
    case FLAG_NO_CONTEXT_TAKEOVER: return limpet_config_set_context_takeover(a->config, false);
    case FLAG_ORIGIN: return judged(flag, text, limpet_config_add_allowed_origin(a->config, text));
    case FLAG_TOKEN: return judged(flag, "…", limpet_config_add_token(a->config, text));
    case FLAG_PROFILE:
    case FLAG_TRUST_PROXY:
    case FLAG_RATE_POLICY:
    case FLAG_LOG_LEVEL: return read_word(a, flag, text);
    case FLAG_DEFLATE:
      if (limpet_config_set_compression_enabled(a->config, true) < 0) {
        return judged(flag, text ? text : "", LIMPET_E_UNSUPPORTED);
      }
      /* Without a level it is the core's. */
      return text ? read_number(a, flag, text) : 0;
    default: return read_number(a, flag, text);
  }
}

/* What getopt_long could not read. */
static int unreadable(int answer, char **argv) {
  const char *given = argv[optind - 1];
  if (answer == ':') return wrong("Option '%s' argument missing", given);
  /* Of a flag that takes no value, optopt is its number. */
  if (optopt >= FLAG_HOST || (optopt && strncmp(given, "--", 2) == 0)) {
    return wrong("Option '--%s' does not take an argument", flag_name(optopt));
  }
  return wrong("Unknown option '%s'", given);
}

/* What goes together and what does not. */
static int agreed(struct arguments *a) {
  if (a->chat && (a->echo || a->demo)) return wrong("--chat goes without --echo and --demo");
  if (a->threads > 1 && (a->chat || a->demo)) {
    return wrong("--threads goes without --chat and --demo: their pages are of one thread");
  }
  if (!a->tls_cert != !a->tls_key) return wrong("--tls-cert and --tls-key go together");
  if (!a->tls_cert) return 0;
  return judged(FLAG_TLS_CERT, a->tls_cert,
                limpet_config_set_tls(a->config, a->tls_cert, a->tls_key));
}

int arguments_read(struct arguments *a, int argc, char **argv) {
  *a = (struct arguments){
      .config = limpet_config_new(),
      .port = 8080,
      .threads = 1,
      .levels = LIMPET_LOG_ERROR | LIMPET_LOG_WARN | LIMPET_LOG_NOTICE,
      .host = "127.0.0.1",
  };
  if (!a->config) {
    wrong("no memory");
    return EXIT_FAILURE;
  }
  opterr = 0;
  int answer;
  while ((answer = getopt_long(argc, argv, ":hv", FLAGS, NULL)) != -1) {
    if (answer == 'h') {
      fputs(USAGE, stdout);
      return ARGUMENTS_TOLD;
    }
    if (answer == 'v') {
      printf("limpetd %s\n", limpet_version());
      return ARGUMENTS_TOLD;
    }
    int code =
        answer == '?' || answer == ':' ? unreadable(answer, argv) : read_flag(a, answer, optarg);
    if (code < 0) return ARGUMENTS_WRONG;
  }
  if (optind < argc) {
    wrong("%s is not an option", argv[optind]);
    return ARGUMENTS_WRONG;
  }
  return agreed(a) < 0 ? ARGUMENTS_WRONG : ARGUMENTS_SERVE;
}
