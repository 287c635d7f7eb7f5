/* Sockets ↔ the functions of a server: one thread, epoll. */

#define _GNU_SOURCE

#include "loop.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listen.h"

/* As Limpet and the Node peers read. */
#define READ_BYTES (256 * 1024)
#define EVENTS 512

static const loop_calls *calls;
static int poller;
static int listener;
static int signals;
static uint8_t input[READ_BYTES];

/* ---- watching */

static void watch(int fd, void *what) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0) listen_fail("epoll_ctl");
}

/* While bytes are kept nothing is read, so a client that does not read holds itself back. */
static void set_stuck(connection *c, bool stuck) {
  struct epoll_event event = {.events = stuck ? EPOLLOUT : EPOLLIN, .data.ptr = c};
  if (c->stuck == stuck) return;
  c->stuck = stuck;
  epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
}

/* SIGTERM and SIGINT as a file, so that none comes between a check and a wait. */
static int open_signals(void) {
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  sigprocmask(SIG_BLOCK, &ends, NULL);
  return signalfd(-1, &ends, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* ---- connections */

static void close_connection(connection *c) {
  if (calls->closed) calls->closed(c);
  close(c->fd);
  free(c->rest);
  free(c);
}

static void accept_all(void) {
  int fd, on = 1;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    connection *c = calloc(1, calls->connection_size);
    if (!c) listen_fail("calloc");
    c->fd = fd;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    watch(fd, c);
    if (calls->opened) calls->opened(c);
  }
}

static bool readable(connection *c) {
  ssize_t length = recv(c->fd, input, sizeof input, 0);
  if (length < 0) return errno == EAGAIN || errno == EINTR;
  return length > 0 && calls->taken(c, input, (size_t)length);
}

static bool writable(connection *c) {
  if (c->rest) {
    size_t left = c->rest_length - c->rest_at;
    ssize_t sent = send(c->fd, c->rest + c->rest_at, left, MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    c->rest_at += (size_t)sent;
    if ((size_t)sent < left) return true;
    free(c->rest);
    c->rest = NULL;
  }
  set_stuck(c, false);
  return !calls->drained || calls->drained(c);
}

/* ---- sending */

static void keep(connection *c, const uint8_t *bytes, size_t length) {
  size_t had = c->rest ? c->rest_length - c->rest_at : 0;
  uint8_t *rest = malloc(had + length);
  if (!rest) listen_fail("malloc");
  if (had) memcpy(rest, c->rest + c->rest_at, had);
  memcpy(rest + had, bytes, length);
  free(c->rest);
  c->rest = rest;
  c->rest_at = 0;
  c->rest_length = had + length;
  set_stuck(c, true);
}

void loop_send(connection *c, const uint8_t *bytes, size_t length) {
  ssize_t sent = 0;
  if (!c->rest) {
    sent = send(c->fd, bytes, length, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return;
    if (sent < 0) sent = 0;
  }
  if ((size_t)sent < length) keep(c, bytes + sent, length - (size_t)sent);
}

void loop_hold(connection *c) { set_stuck(c, true); }

ptrdiff_t loop_try(connection *c, const struct iovec *parts, int count) {
  struct msghdr message = {
      .msg_iov = (struct iovec *)(uintptr_t)parts,
      .msg_iovlen = (size_t)count,
  };
  ssize_t sent = c->rest ? 0 : sendmsg(c->fd, &message, MSG_NOSIGNAL);
  if (sent >= 0) return sent;
  return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

/* ---- serving */

int loop_run(const loop_calls *server) {
  static struct epoll_event events[EVENTS];
  calls = server;
  poller = epoll_create1(EPOLL_CLOEXEC);
  signals = open_signals();
  if (poller < 0 || signals < 0) listen_fail("epoll");
  listener = listen_open();
  watch(listener, &listener);
  watch(signals, &signals);
  for (;;) {
    int count = epoll_wait(poller, events, EVENTS, -1);
    for (int i = 0; i < count; i++) {
      void *what = events[i].data.ptr;
      if (what == &signals) return 0;
      if (what == &listener) {
        accept_all();
      } else {
        connection *c = what;
        if (!(c->stuck ? writable(c) : readable(c))) close_connection(c);
      }
    }
  }
}
