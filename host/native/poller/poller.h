/* Which descriptors have something to say: epoll(7), poll(2), or the application's own loop. */

#ifndef LIMPET_POLLER_H
#define LIMPET_POLLER_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

struct limpet_server;

/* One descriptor with something to say. */
struct ready {
  /* As add told it: a connection's row, or one of ROW_*. */
  uint32_t row;
  /* POLLIN, POLLOUT, POLLERR, POLLHUP. */
  short events;
};

/* Rows that are no connections. */
#define ROW_LISTENER UINT32_C(0xffffffff)
#define ROW_WAKE UINT32_C(0xfffffffe)

/* A poller's own record; each kind has one of its own. */
struct poller;

/* Functions that answer int say 0, or -1 and errno. */
struct polling {
  /* Bytes of a block (block.h) that a poller takes for so many connections. */
  size_t (*bytes)(uint32_t rows);
  /* NULL without memory or descriptors. `rows`: how many connections there may be. */
  struct poller *(*create)(struct limpet_server *server, uint32_t rows);
  void (*destroy)(struct poller *poller);
  /* Events: POLLIN, POLLOUT. */
  int (*add)(struct poller *poller, int fd, uint32_t row, short events);
  int (*change)(struct poller *poller, int fd, uint32_t row, short events);
  void (*remove)(struct poller *poller, int fd, uint32_t row);
  /* Waits up to timeout_ms, -1 for ever, and fills `ready`: how many. An interruption by a signal is 0. */
  int (*wait)(struct poller *poller, struct ready *ready, int max, int timeout_ms);
};

#ifdef __linux__
extern const struct polling polling_epoll;
#endif
extern const struct polling polling_poll;

/* The best one of this system. */
#if defined(__linux__) && !defined(LIMPET_POLL)
#define POLLING_DEFAULT (&polling_epoll)
#else
#define POLLING_DEFAULT (&polling_poll)
#endif

#endif
