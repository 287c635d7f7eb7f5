/* A name ─► getaddrinfo(3) on a thread of its own ─► a byte in a pipe ─► addresses.
 *
 *   loop     resolve_begin ── poll(2) ─────────── POLLIN ─► resolve_end
 *   thread        └─► getaddrinfo ─► addresses ─► write
 *
 * The record belongs to both: the last one to leave frees it. The thread knows nothing of loops, so that
 * a server may go while a name is looked up. Its memory is the heap's: the resolver has its own there. */

#include "resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "settings.h"
#include "url.h"

/* The resolver's modules (NSS) are linked at run time and take more than a thread has to have. */
#define STACK_BYTES ((size_t)1 << 20)

struct resolution {
  /* The loop and the thread. */
  atomic_int owners;
  /* Where the thread says that the answer is here. */
  int write_end;
  atomic_bool done;
  uint16_t port;
  /* What getaddrinfo(3) answered. */
  int code;
  int count;
  struct address addresses[RESOLVE_MAX];
  char host[URL_HOST_MAX];
};

int resolve_literal(const char *host, uint16_t port, struct address *address) {
  memset(address, 0, sizeof *address);
  struct sockaddr_in *in4 = &address->socket.in4;
  if (inet_pton(AF_INET, host, &in4->sin_addr) == 1) {
    in4->sin_family = AF_INET;
    in4->sin_port = htons(port);
    address->length = sizeof *in4;
    return 1;
  }
  struct sockaddr_in6 *in6 = &address->socket.in6;
  if (inet_pton(AF_INET6, host, &in6->sin6_addr) != 1) return 0;
  in6->sin6_family = AF_INET6;
  in6->sin6_port = htons(port);
  address->length = sizeof *in6;
  return 1;
}

static void leave(struct resolution *resolution) {
  if (atomic_fetch_sub(&resolution->owners, 1) == 1) free(resolution);
}

static void *look_up(void *argument) {
  struct resolution *resolution = argument;
  char service[8];
  snprintf(service, sizeof service, "%u", resolution->port);
  const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
  struct addrinfo *found = NULL;
  resolution->code = getaddrinfo(resolution->host, service, &hints, &found);
  for (struct addrinfo *one = found; one && resolution->count < RESOLVE_MAX; one = one->ai_next) {
    struct address *address = &resolution->addresses[resolution->count];
    if (one->ai_addrlen > sizeof address->socket) continue;
    memcpy(&address->socket, one->ai_addr, one->ai_addrlen);
    address->length = one->ai_addrlen;
    resolution->count++;
  }
  if (found) freeaddrinfo(found);
  atomic_store(&resolution->done, true);
  // Where the other end is closed, nobody waits; SIGPIPE is blocked as all signals are.
  if (write(resolution->write_end, "", 1) < 0) errno = 0;
  close(resolution->write_end);
  leave(resolution);
  return NULL;
}

/* Starts the thread; signals are for those of the application. */
static bool start(struct resolution *resolution) {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  const int code = pthread_create(&thread, &attributes, look_up, resolution);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  errno = code;
  return code == 0;
}

struct resolution *resolve_begin(const char *host, uint16_t port, int *fd) {
  struct resolution *resolution = calloc(1, sizeof *resolution);
  int ends[2];
  if (!resolution || pipe(ends) != 0) {
    free(resolution);
    return NULL;
  }
  fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  fcntl(ends[1], F_SETFD, FD_CLOEXEC);
  atomic_init(&resolution->owners, 2);
  resolution->write_end = ends[1];
  resolution->port = port;
  snprintf(resolution->host, sizeof resolution->host, "%s", host);
  if (start(resolution)) {
    *fd = ends[0];
    return resolution;
  }
  const int why = errno;
  close(ends[0]);
  close(ends[1]);
  free(resolution);
  errno = why;
  return NULL;
}

int resolve_end(struct resolution *resolution, struct address *addresses) {
  int count = atomic_load(&resolution->done) ? resolution->count : 0;
  memcpy(addresses, resolution->addresses, (size_t)count * sizeof *addresses);
  if (count == 0) {
    const int code = resolution->code;
    count = fail(LIMPET_E_CONNECT, "%s: %s", resolution->host,
                 code ? gai_strerror(code) : "no address");
  }
  leave(resolution);
  return count;
}

void resolve_drop(struct resolution *resolution) {
  if (resolution) leave(resolution);
}
