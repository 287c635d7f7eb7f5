/* limpet_ws, whole: what its calls know, and what the loop tells of its connection. */

#ifndef LIMPET_WS_H
#define LIMPET_WS_H

#include "loop.h"

/* RFC 6455 7.4.1: no code in the Close frame; no Close frame at all. */
#define WS_CODE_NONE 1005
#define WS_CODE_ABNORMAL 1006

/* A message that came. */
struct letter {
  struct letter *next;
  enum limpet_type type;
  size_t length;
  uint8_t bytes[];
};

/* Where limpet_ws_attach puts what the client asked for. */
struct opening {
  char *resource, *host;
  size_t resource_size, host_size;
};

struct limpet_ws {
  limpet_server *server;
  struct loop *loop;
  limpet_session session;
  /* Messages in order. */
  struct letter *first, *last;
  /* While limpet_ws_attach waits. */
  struct opening *opening;
  /* LIMPET_TEXT or LIMPET_BINARY: what was agreed on. */
  enum limpet_type type;
  /* The descriptor, and its modes before it came here. */
  int fd, modes;
  /* What failed: a code, 0 = nothing. */
  int failure;
  /* Of the peer's Close frame; WS_CODE_ABNORMAL when the connection ended without one. */
  uint16_t code;
  /* The handshake is done; the session is over; the record is memory of its own. */
  bool open, over, heap;
  char reason[LIMPET_REASON_SIZE];
};

/* An event of a connection that is CONNECTION_QUIET; false where the loop has to go on with it. */
bool ws_told(struct loop *loop, struct connection *connection,
             const struct limpet_event_record *event);
/* It will not go on: why, for limpet_ws_attach. False for other connections. */
bool ws_broke(struct connection *connection, int code);
/* A message of it, until it is received. */
void ws_keep(struct loop *loop, struct connection *connection, int opcode, const void *data,
             size_t length);
/* Forgets the first letter. */
void ws_drop(struct limpet_ws *ws);
/* While a letter waits nothing more is read, so TCP holds the peer back. */
void ws_hold(struct loop *loop, struct connection *connection, bool held);

#endif
