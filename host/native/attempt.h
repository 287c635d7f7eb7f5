/* A client's connection that is to come: the addresses of its server, one after the other. */

#ifndef LIMPET_ATTEMPT_H
#define LIMPET_ATTEMPT_H

#include "loop.h"
#include "resolve.h"
#include "url.h"

#define ATTEMPT_WORDS_BYTES 320

/* A connection that is to come. */
struct attempt {
  struct resolution *resolution;
  struct address addresses[RESOLVE_MAX];
  /* How many there are, and which one is tried next. */
  int count, next;
  bool secure;
  uint32_t timeout_ms;
  char host[URL_HOST_MAX];
  /* Why it fails: 0 while it does not. */
  int code;
  char words[ATTEMPT_WORDS_BYTES];
};

/* The attempt of a connection; NULL for one that is open, or no client's. */
static inline struct attempt *attempt_of(const struct connection *connection) {
  return connection->extra ? connection->extra->attempt : NULL;
}

/* Looks the name up, or connects to the address that it is. */
void attempt_begin(struct loop *loop, struct connection *connection, const struct url *url);

#endif
