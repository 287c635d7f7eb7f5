/* Connections of a loop: a table with one row per session of its pool.
 *
 *   descriptor ◄─► row ◄─► session        the row is the session's place in the pool: handle & LIMPET_HANDLE_SLOT */

#ifndef LIMPET_LINK_H
#define LIMPET_LINK_H

#include <poll.h>

#include "buffer.h"
#include "limpet.h"
#include "transport/transport.h"

struct loop;

/* Bits of connection.flags. */
enum connection_flag {
  /* on_connect was called for it, so on_close will be. */
  CONNECTION_OPENED = 1 << 0,
  /* It is a client's. */
  CONNECTION_CLIENT = 1 << 1,
  /* The write side has ended: FIN was sent. */
  CONNECTION_FINISHED = 1 << 2,
  /* The peer's side has ended: it goes when all is written. */
  CONNECTION_PEER_FINISHED = 1 << 3,
  /* The application paused it. */
  CONNECTION_PAUSED = 1 << 4,
  /* The transport's handshake is under way. */
  CONNECTION_SHAKING = 1 << 5,
  /* connect(2) is under way. */
  CONNECTION_CONNECTING = 1 << 6,
  /* No callback is called for it: limpet_ws keeps what comes, and closes its descriptor. */
  CONNECTION_QUIET = 1 << 7,
  /* A message is under way in fragments of limpet_session_send_fragment. */
  CONNECTION_FRAGMENTS = 1 << 8,
  /* bounds.c counts it. */
  CONNECTION_COUNTED = 1 << 9,
  /* It is not read from any more: what comes is not for this session, but for who gets the socket back. */
  CONNECTION_HELD = 1 << 10,
  /* Its socket will be handed back after the close handshake: no FIN, and no byte is read beyond it. */
  CONNECTION_LENT = 1 << 11
};

/* A payload that stays outside of linear memory: of limpet_core_send_external, or one that waits. */
struct outgoing {
  struct outgoing *next;
  /* limpet_core_send's kind. */
  int kind;
  /* Where the rest of it is, in `buffer`. */
  const uint8_t *bytes;
  size_t length;
  struct buffer *buffer;
};

/* Payloads in order. */
struct outgoing_list {
  struct outgoing *first, *last;
  size_t bytes;
};

/* A close reason of 123 bytes and its zero byte. RFC 6455 5.5. */
#define LIMPET_REASON_SIZE 124

/* What a connection rarely has; on the heap while there is something in it. */
struct extra {
  /* Bytes that were read, but not taken by the session. */
  uint8_t *stash;
  size_t stash_length;
  /* A message that comes in pieces and is longer than the core's blocks. */
  struct buffer *gathered;
  size_t gathered_length;
  /* The payloads of the core's spans that have no address. */
  struct outgoing_list outside;
  /* Messages for which the core had no memory. */
  struct outgoing_list waiting;
  /* The close handshake that begins behind them: -1 for none. */
  int close_code;
  char close_reason[LIMPET_REASON_SIZE];
  /* The reason of the Close frame that went or came. */
  char told_reason[LIMPET_REASON_SIZE];
  /* A client that is not open yet. */
  struct attempt *attempt;
  /* Who keeps what comes for a connection that is CONNECTION_QUIET. */
  struct limpet_ws *ws;
};

/* One row of a loop's table. All zero: never used. */
struct connection {
  /* The session's handle in the loop's core; 0: the row is free. */
  int32_t handle;
  /* -1: none. */
  int fd;
  uint16_t flags;
  /* What the poller watches for: POLLIN, POLLOUT; 0 too when it does not know the descriptor. */
  short interest;
  /* Whether the poller knows the descriptor. */
  bool watched;
  const struct transport *transport;
  /* The transport's own. */
  void *secure;
  /* limpet_session_set_user. */
  void *user;
  struct extra *extra;
};

/* The row of a connection. */
uint32_t link_row(const struct loop *loop, const struct connection *connection);
/* The connection of a session; NULL for a stale one. */
struct connection *link_of(struct loop *loop, int32_t handle);
/* The core's record of a session, good until the next call of this function; NULL for a stale one. */
const struct limpet_session_info *link_info(struct loop *loop, int32_t handle);
/* What a session is; LIMPET_STATE_CLOSED for a stale one. */
enum limpet_state link_state(struct loop *loop, int32_t handle);
/* A row for a session that was opened; `fd` -1 when it has no socket yet. There is one for each session. */
struct connection *link_add(struct loop *loop, int32_t handle, int fd,
                            const struct transport *transport);
/* Begins to read: or the transport's handshake, if it has one. */
void link_begin(struct loop *loop, struct connection *connection);
/* What poll(2) has to tell of it. */
void link_watch(struct loop *loop, struct connection *connection, short events);
/* Its rare things, made now if there are none; NULL without memory. */
struct extra *link_extra(struct loop *loop, struct connection *connection);
/* The socket is closed, and the session told: CLOSED follows. */
void link_gone(struct loop *loop, struct connection *connection);
/* The CLOSED event was told: the row is free. */
void link_forget(struct loop *loop, struct connection *connection);
/* Takes the socket away from it, without closing it: the descriptor. */
int link_release(struct loop *loop, struct connection *connection);

/* Some bytes, in no list yet: a copy, or where they are if that is the message that on_message has now. NULL
 * without memory. */
struct outgoing *outgoing_new(struct loop *loop, int kind, const void *data, size_t length);
void outgoing_free(struct loop *loop, struct outgoing *payload);
/* Becomes the last one. */
void outgoing_append(struct outgoing_list *list, struct outgoing *payload);
/* Becomes the second one, behind the one that is being sent; the first one where there is none. */
void outgoing_insert(struct outgoing_list *list, struct outgoing *payload);
/* The first one goes. */
void outgoing_drop(struct loop *loop, struct outgoing_list *list);

#endif
