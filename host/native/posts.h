/* Calls for a loop from other threads: a queue that any thread appends to, and the loop takes whole.
 *
 *   any thread ─► posts_put ─► oldest ─► ... ─► newest      wake_ring when it was empty
 *   the loop   ─► posts_take ─► all ─► crossing.c ─► posts_done
 *
 * What one thread puts stays in order. Bytes that go to several loops are kept once and counted. */

#ifndef LIMPET_POSTS_H
#define LIMPET_POSTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "limpet.h"
#include "wake.h"

/* What waits for one loop at most, bytes with their bookkeeping: a loop that is stuck in a callback takes no more
 * memory than that. As much as may wait for a worker of the Node host. */
#define POSTS_BYTES_MAX ((size_t)64 << 20)

/* What a post asks the loop to do. */
enum post_kind {
  /* A message for `session`. */
  POST_SEND,
  /* A close handshake: `type` is the code, and the payload the reason with its zero byte. */
  POST_CLOSE,
  POST_TERMINATE,
  /* A message for the subscribers of the topic in `head`, but `session`. */
  POST_PUBLISH,
  /* A message for those of the struct limpet_selection in `head`. */
  POST_BROADCAST,
  /* A part of limpet_server_each: `each`. */
  POST_EACH,
  /* An accepted socket, dealt to this loop: `fd`, and the payload is its peer's address. */
  POST_SOCKET
};

struct each;
struct payload;

/* One call. */
struct post {
  struct post *next;
  enum post_kind kind;
  /* A message's type, as limpet_core_send takes it; a close code. */
  int type;
  /* Whom it is for, or who is left out; 0 for none. */
  limpet_session session;
  struct payload *payload;
  union {
    struct each *each;
    int fd;
  };
};

/* Bytes of one post or of several, on the heap. */
struct payload {
  /* Posts that have it, and its maker until payload_leave. */
  atomic_uint holders;
  /* What says whom it is for (a topic with its zero byte, a selection), then the message. */
  size_t head_length, length;
  /* The first post that has it lies here: most have one only. */
  struct post own;
  bool own_used;
  max_align_t bytes[];
};

/* Copies both, for one maker, which puts and then leaves. NULL without memory. `data` NULL: the maker fills in
 * `length` bytes. */
struct payload *payload_new(const void *head, size_t head_length, const void *data, size_t length);
/* The maker, or a post, has it no more; the last one frees it. NULL is fine. */
void payload_leave(struct payload *payload);
static inline const void *payload_head(const struct payload *payload) { return payload->bytes; }
static inline const char *payload_data(const struct payload *payload) {
  return (const char *)payload->bytes + payload->head_length;
}

/* The queue of a loop. */
struct posts {
  pthread_mutex_t lock;
  struct post *oldest, *newest;
  /* Bytes of what waits and of what is being handled. */
  size_t bytes, bytes_max;
  bool closed;
  /* What the loop's poller watches; what wakes the loop by itself, too. */
  struct wake wake;
};

/* Makes it empty, with up to `bytes_max` to wait: 0, or LIMPET_E_SYSTEM (errno). */
int posts_open(struct posts *posts, size_t bytes_max);
/* Its end, after posts_close, when nobody puts any more. */
void posts_end(struct posts *posts);

/* Appends a copy of `post`, which holds its payload from then on. 0; LIMPET_ERROR_CODE_MEMORY past the bound or without
 * memory; LIMPET_E_CLOSED after posts_close. Any thread. */
int posts_put(struct posts *posts, const struct post *post);
/* Queues that posts_put_all fills at most: as many as a server may have loops. */
#define POSTS_QUEUES_MAX LIMPET_THREADS_MAX

/* Appends copies to all of `count` queues: to how many, for a queue that is NULL or closed is passed over. Or, when
 * one of them has no room, to none: LIMPET_ERROR_CODE_MEMORY. Any thread. */
int posts_put_all(struct posts *const *posts, int count, const struct post *post);

/* All that was put until now, oldest first, linked by `next`; NULL when there is none. The loop's thread. */
struct post *posts_take(struct posts *posts);
/* Takes what is left; from now on nothing is put any more. The loop's thread. */
struct post *posts_close(struct posts *posts);
/* The loop is done with a post that it took: it is freed, and its bytes count no more. */
void posts_done(struct posts *posts, struct post *post);

#endif
