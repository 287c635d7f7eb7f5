/* Posts of any thread ─► one loop, in order, bounded in bytes, with one wake-up for many.
 *
 *   put    post.next = newest; newest = post        one compare-and-swap, retried when another thread was faster
 *   take   all = newest; newest = NULL              one exchange; then the list is turned round
 *
 * Threads only push and the loop only takes all, so a node is never unlinked alone, and the ABA problem of
 * lock-free stacks cannot arise. A push that finds the list empty rings: the loop clears the bell before it takes,
 * so whoever comes later finds an empty list and rings again. docs/native.md, "Threads", has the figures beside a mutex. */

#include "posts.h"

#include <stdlib.h>
#include <string.h>

struct posts {
  /* The newest post; NULL: none; &posts_closed: the loop takes no more. */
  _Atomic(struct post *) newest;
  /* Bytes of what waits and of what is being handled. */
  atomic_size_t bytes;
  size_t bytes_max;
  struct wake wake;
};

/* Stands for the list of a queue that is closed. */
static struct post posts_closed;

/* ------------------------------------------------------------------ payloads */

struct payload *payload_new(const void *head, size_t head_length, const void *data, size_t length) {
  if (length > SIZE_MAX - head_length - sizeof(struct payload)) return NULL;
  struct payload *payload = malloc(sizeof *payload + head_length + length);
  if (!payload) return NULL;
  atomic_init(&payload->holders, 1);
  payload->head_length = head_length;
  payload->length = length;
  if (head_length) memcpy(payload->bytes, head, head_length);
  if (data && length) memcpy((char *)payload->bytes + head_length, data, length);
  return payload;
}

void payload_leave(struct payload *payload) {
  /* Release: what this holder read is read before another one frees it. */
  if (payload && atomic_fetch_sub_explicit(&payload->holders, 1, memory_order_acq_rel) == 1) free(payload);
}

/* --------------------------------------------------------------------- queue */

struct posts *posts_new(size_t bytes_max) {
  struct posts *posts = calloc(1, sizeof *posts);
  if (!posts) return NULL;
  atomic_init(&posts->newest, NULL);
  atomic_init(&posts->bytes, 0);
  posts->bytes_max = bytes_max;
  if (wake_open(&posts->wake) == 0) return posts;
  free(posts);
  return NULL;
}

void posts_free(struct posts *posts) {
  if (!posts) return;
  wake_close(&posts->wake);
  free(posts);
}

const struct wake *posts_wake(const struct posts *posts) { return &posts->wake; }

/* What a post counts for: shared bytes count in each queue, since any of them may be what keeps them. */
static size_t posts_size(const struct post *post) {
  const struct payload *payload = post->payload;
  return sizeof *post + (payload ? sizeof *payload + payload->head_length + payload->length : 0);
}

/* Counts `size` bytes more, unless they are too many. */
static bool posts_reserve(struct posts *posts, size_t size) {
  size_t before = atomic_fetch_add_explicit(&posts->bytes, size, memory_order_relaxed);
  if (size <= posts->bytes_max && before <= posts->bytes_max - size) return true;
  atomic_fetch_sub_explicit(&posts->bytes, size, memory_order_relaxed);
  return false;
}

static void posts_release(struct posts *posts, size_t size) {
  atomic_fetch_sub_explicit(&posts->bytes, size, memory_order_relaxed);
}

static struct post *post_copy(const struct post *from) {
  struct post *post = malloc(sizeof *post);
  if (!post) return NULL;
  *post = *from;
  if (post->payload) atomic_fetch_add_explicit(&post->payload->holders, 1, memory_order_relaxed);
  return post;
}

static void post_free(struct post *post) {
  payload_leave(post->payload);
  free(post);
}

/* Links a post in, whose bytes are counted. */
static int posts_push(struct posts *posts, struct post *post) {
  struct post *newest = atomic_load_explicit(&posts->newest, memory_order_relaxed);
  do {
    if (newest == &posts_closed) return LIMPET_E_CLOSED;
    post->next = newest;
    /* Release: the loop that takes the post sees what is in it. */
  } while (!atomic_compare_exchange_weak_explicit(&posts->newest, &newest, post, memory_order_release,
                                                  memory_order_relaxed));
  if (!newest) wake_ring(&posts->wake);
  return 0;
}

int posts_put(struct posts *posts, const struct post *post) { return posts_put_all(&posts, 1, post); }

/* Makes copies for all queues, or for none. */
static int posts_copy_all(struct posts *const *posts, int count, const struct post *post, struct post **copies) {
  size_t size = posts_size(post);
  int made = 0;
  for (; made < count; made++) {
    copies[made] = NULL;
    if (!posts[made]) continue;
    if (!posts_reserve(posts[made], size)) break;
    copies[made] = post_copy(post);
    if (copies[made]) continue;
    posts_release(posts[made], size);
    break;
  }
  if (made == count) return 0;
  while (made-- > 0) {
    if (copies[made]) posts_done(posts[made], copies[made]);
  }
  return LIMPET_ERROR_CODE_MEMORY;
}

int posts_put_all(struct posts *const *posts, int count, const struct post *post) {
  struct post *copies[POSTS_QUEUES_MAX];
  int answer = posts_copy_all(posts, count, post, copies);
  if (answer < 0) return answer;
  int put = 0;
  for (int i = 0; i < count; i++) {
    if (!copies[i]) continue;
    if (posts_push(posts[i], copies[i]) == 0) put++;
    else posts_done(posts[i], copies[i]);
  }
  return put > 0 ? 0 : LIMPET_E_CLOSED;
}

/* Turns a list round: the newest post was first. */
static struct post *posts_turn(struct post *newest) {
  struct post *oldest = NULL;
  while (newest) {
    struct post *next = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = next;
  }
  return oldest;
}

struct post *posts_take(struct posts *posts) {
  /* Most turns have none: a load is cheaper than an exchange. */
  struct post *newest = atomic_load_explicit(&posts->newest, memory_order_relaxed);
  if (!newest || newest == &posts_closed) return NULL;
  return posts_turn(atomic_exchange_explicit(&posts->newest, NULL, memory_order_acquire));
}

struct post *posts_close(struct posts *posts) {
  struct post *newest = atomic_exchange_explicit(&posts->newest, &posts_closed, memory_order_acquire);
  return newest == &posts_closed ? NULL : posts_turn(newest);
}

void posts_done(struct posts *posts, struct post *post) {
  posts_release(posts, posts_size(post));
  post_free(post);
}
