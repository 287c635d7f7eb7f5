/* Names ─► addresses, without waiting. */

#ifndef LIMPET_RESOLVE_H
#define LIMPET_RESOLVE_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

/* How many addresses of a name are tried. */
#define RESOLVE_MAX 8

/* Where to connect. */
struct address {
  socklen_t length;
  union {
    struct sockaddr any;
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;
  } socket;
};

/* A name that is being looked up. */
struct resolution;

/* "192.0.2.1", "2001:db8::1": 1 and its address; 0 for a name. */
int resolve_literal(const char *host, uint16_t port, struct address *address);
/* Begins to look a name up; NULL when the system has no thread or descriptor for it. poll(2) tells POLLIN
 * of *fd, which is the caller's to close, as soon as resolve_end has an answer. */
struct resolution *resolve_begin(const char *host, uint16_t port, int *fd);
/* Its addresses, RESOLVE_MAX at most, the best first: how many, or LIMPET_E_CONNECT with words. */
int resolve_end(struct resolution *resolution, struct address *addresses);
/* Nobody waits for it any more. NULL is fine. */
void resolve_drop(struct resolution *resolution);

#endif
