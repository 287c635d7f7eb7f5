/* The command line of limpetd → settings that were checked. */

#ifndef LIMPETD_ARGUMENTS_H
#define LIMPETD_ARGUMENTS_H

#include "../limpet.h"

struct arguments {
  /* All that a server is made from. */
  limpet_config *config;
  int port, threads;
  bool echo, demo, chat, metrics, quiet, daemon, syslog;
  /* Levels that are logged: bits of enum limpet_log_level. */
  uint32_t levels;
  const char *host, *pid_file, *tls_cert, *tls_key;
};

enum {
  /* Command line in order: serve. */
  ARGUMENTS_SERVE = -1,
  /* It asked for something that was told, or it was wrong: exit codes. */
  ARGUMENTS_TOLD = 0,
  ARGUMENTS_WRONG = 2
};

/* Reads the command line. What is wrong with it is one line on stderr. */
int arguments_read(struct arguments *arguments, int argc, char **argv);

#endif
