/* Which flags limpetd has, as getopt_long(3) reads them. */

#ifndef LIMPETD_FLAGS_H
#define LIMPETD_FLAGS_H

#include <getopt.h>
#include <stddef.h>

/* What getopt_long answers for a long flag: past all characters. */
enum flag {
  FLAG_HOST = 256,
  FLAG_PORT,
  FLAG_ECHO,
  FLAG_DEMO,
  FLAG_CHAT,
  FLAG_PROFILE,
  FLAG_MAX_MESSAGE,
  FLAG_MAX_CONNECTIONS,
  FLAG_THREADS,
  FLAG_WORKERS,
  FLAG_PING_INTERVAL,
  FLAG_IDLE_TIMEOUT,
  FLAG_DEFLATE,
  FLAG_DEFLATE_WINDOW,
  FLAG_DEFLATE_THRESHOLD,
  FLAG_NO_CONTEXT_TAKEOVER,
  FLAG_ORIGIN,
  FLAG_TOKEN,
  FLAG_MAX_PER_ADDRESS,
  FLAG_TRUST_PROXY,
  FLAG_RATE_MESSAGES,
  FLAG_RATE_BYTES,
  FLAG_RATE_POLICY,
  FLAG_HEARTBEAT,
  FLAG_TLS_CERT,
  FLAG_TLS_KEY,
  FLAG_METRICS,
  FLAG_DAEMON,
  FLAG_PID_FILE,
  FLAG_SYSLOG,
  FLAG_LOG_LEVEL,
  FLAG_QUIET
};

static const struct option FLAGS[] = {
    {"host", required_argument, NULL, FLAG_HOST},
    {"port", required_argument, NULL, FLAG_PORT},
    {"echo", no_argument, NULL, FLAG_ECHO},
    {"demo", no_argument, NULL, FLAG_DEMO},
    {"chat", no_argument, NULL, FLAG_CHAT},
    {"profile", required_argument, NULL, FLAG_PROFILE},
    {"max-message", required_argument, NULL, FLAG_MAX_MESSAGE},
    {"max-connections", required_argument, NULL, FLAG_MAX_CONNECTIONS},
    {"threads", required_argument, NULL, FLAG_THREADS},
    {"workers", required_argument, NULL, FLAG_WORKERS},
    {"ping-interval", required_argument, NULL, FLAG_PING_INTERVAL},
    {"idle-timeout", required_argument, NULL, FLAG_IDLE_TIMEOUT},
    {"deflate", optional_argument, NULL, FLAG_DEFLATE},
    {"deflate-window", required_argument, NULL, FLAG_DEFLATE_WINDOW},
    {"deflate-threshold", required_argument, NULL, FLAG_DEFLATE_THRESHOLD},
    {"no-context-takeover", no_argument, NULL, FLAG_NO_CONTEXT_TAKEOVER},
    {"origin", required_argument, NULL, FLAG_ORIGIN},
    {"token", required_argument, NULL, FLAG_TOKEN},
    {"max-per-address", required_argument, NULL, FLAG_MAX_PER_ADDRESS},
    {"trust-proxy", required_argument, NULL, FLAG_TRUST_PROXY},
    {"rate-messages", required_argument, NULL, FLAG_RATE_MESSAGES},
    {"rate-bytes", required_argument, NULL, FLAG_RATE_BYTES},
    {"rate-policy", required_argument, NULL, FLAG_RATE_POLICY},
    {"heartbeat", required_argument, NULL, FLAG_HEARTBEAT},
    {"tls-cert", required_argument, NULL, FLAG_TLS_CERT},
    {"tls-key", required_argument, NULL, FLAG_TLS_KEY},
    {"metrics", no_argument, NULL, FLAG_METRICS},
    {"daemon", no_argument, NULL, FLAG_DAEMON},
    {"pid-file", required_argument, NULL, FLAG_PID_FILE},
    {"syslog", no_argument, NULL, FLAG_SYSLOG},
    {"log-level", required_argument, NULL, FLAG_LOG_LEVEL},
    {"quiet", no_argument, NULL, FLAG_QUIET},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'v'},
    {NULL, 0, NULL, 0},
};

#endif
