/* A free port of loopback → a listener, and the line that tells where it is. */

#define _GNU_SOURCE

#include "listen.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>

/* 5,000 connections may come before the first one is accepted. */
#define BACKLOG 4096

int listen_open(void) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof at;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) listen_fail("socket");
  if (bind(fd, (struct sockaddr *)&at, size) < 0) listen_fail("bind");
  if (listen(fd, BACKLOG) < 0) listen_fail("listen");
  if (getsockname(fd, (struct sockaddr *)&at, &size) < 0) listen_fail("getsockname");
  listen_raise_files();
  listen_print(ntohs(at.sin_port));
  return fd;
}

void listen_print(int port) {
  printf("listening on http://127.0.0.1:%d/\n", port);
  fflush(stdout);
}

void listen_raise_files(void) {
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) < 0) return;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

void listen_fail(const char *what) {
  perror(what);
  exit(1);
}
