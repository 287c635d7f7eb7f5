/* Posts of any thread ─► one loop, in order, bounded in bytes, with one wake-up for many.
 *
 *   put    lock, append, unlock; ring when it was empty
 *   take   lock, the whole list, unlock
 *
 * The loop clears the bell before it takes, so whoever comes later finds an empty list and rings again. A lock-free
 * list was no faster: docs/native.md, "Threads". */

#include "posts.h"

#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ payloads */

struct payload *payload_new(const void *head, size_t head_length, const void *data, size_t length) {
  if (length > SIZE_MAX - head_length - sizeof(struct payload)) return NULL;
  struct payload *payload = malloc(sizeof *payload + head_length + length);
  if (!payload) return NULL;
  atomic_init(&payload->holders, 1);
  payload->own_used = false;
  payload->head_length = head_length;
  payload->length = length;
  if (head_length) memcpy(payload->bytes, head, head_length);
  if (data && length) memcpy((char *)payload->bytes + head_length, data, length);
  return payload;
}

void payload_leave(struct payload *payload) {
  /* Release: what this holder read is read before another one frees it. */
  if (payload && atomic_fetch_sub_explicit(&payload->holders, 1, memory_order_acq_rel) == 1)
    free(payload);
}

/* --------------------------------------------------------------------- queue */

int posts_open(struct posts *posts, size_t bytes_max) {
  *posts = (struct posts){.bytes_max = bytes_max};
  pthread_mutex_init(&posts->lock, NULL);
  return wake_open(&posts->wake);
}

void posts_end(struct posts *posts) {
  wake_close(&posts->wake);
  pthread_mutex_destroy(&posts->lock);
}

/* What a post counts for: shared bytes count in each queue, since any of them may be what keeps them. */
static size_t posts_size(const struct post *post) {
  const struct payload *payload = post->payload;
  return payload ? sizeof *payload + payload->head_length + payload->length : sizeof *post;
}

static struct post *post_copy(const struct post *from) {
  struct payload *payload = from->payload;
  struct post *post = payload && !payload->own_used ? &payload->own : malloc(sizeof *post);
  if (!post) return NULL;
  *post = *from;
  post->next = NULL;
  if (payload) {
    payload->own_used = true;
    atomic_fetch_add_explicit(&payload->holders, 1, memory_order_relaxed);
  }
  return post;
}

static void post_free(struct post *post) {
  struct payload *payload = post->payload;
  if (!payload || post != &payload->own) free(post);
  payload_leave(payload);
}

static void posts_release(struct posts *posts, size_t size) {
  pthread_mutex_lock(&posts->lock);
  posts->bytes -= size;
  pthread_mutex_unlock(&posts->lock);
}

/* Counts `size` bytes more, unless they are too many or the queue is closed. */
static int posts_reserve(struct posts *posts, size_t size) {
  int answer = 0;
  pthread_mutex_lock(&posts->lock);
  if (posts->closed) answer = LIMPET_E_CLOSED;
  else if (size > posts->bytes_max - posts->bytes) answer = LIMPET_ERROR_CODE_MEMORY;
  else posts->bytes += size;
  pthread_mutex_unlock(&posts->lock);
  return answer;
}

/* Links a post in, whose bytes are counted; false when the queue was closed meanwhile. */
static bool posts_push(struct posts *posts, struct post *post) {
  pthread_mutex_lock(&posts->lock);
  bool open = !posts->closed, first = !posts->oldest;
  if (open) {
    if (first) posts->oldest = post;
    else posts->newest->next = post;
    posts->newest = post;
  }
  pthread_mutex_unlock(&posts->lock);
  if (open && first) wake_ring(&posts->wake);
  return open;
}

int posts_put(struct posts *posts, const struct post *post) {
  const int put = posts_put_all(&posts, 1, post);
  return put > 0 ? 0 : put == 0 ? LIMPET_E_CLOSED : put;
}

/* Makes copies for all queues that are open, or for none. */
static int posts_copy_all(struct posts *const *posts, int count, const struct post *post,
                          struct post **copies) {
  size_t size = posts_size(post);
  int at = 0;
  for (; at < count; at++) {
    copies[at] = NULL;
    int answer = posts[at] ? posts_reserve(posts[at], size) : LIMPET_E_CLOSED;
    if (answer == LIMPET_E_CLOSED) continue;
    if (answer < 0) break;
    copies[at] = post_copy(post);
    if (copies[at]) continue;
    posts_release(posts[at], size);
    break;
  }
  if (at == count) return 0;
  while (at-- > 0) {
    if (copies[at]) posts_done(posts[at], copies[at]);
  }
  return LIMPET_ERROR_CODE_MEMORY;
}

int posts_put_all(struct posts *const *posts, int count, const struct post *post) {
  struct post *copies[POSTS_QUEUES_MAX];
  const int answer = posts_copy_all(posts, count, post, copies);
  if (answer < 0) return answer;
  int put = 0;
  for (int i = 0; i < count; i++) {
    if (!copies[i]) continue;
    if (posts_push(posts[i], copies[i])) put++;
    else posts_done(posts[i], copies[i]);
  }
  return put;
}

struct post *posts_take(struct posts *posts) {
  pthread_mutex_lock(&posts->lock);
  struct post *oldest = posts->oldest;
  posts->oldest = posts->newest = NULL;
  pthread_mutex_unlock(&posts->lock);
  return oldest;
}

struct post *posts_close(struct posts *posts) {
  pthread_mutex_lock(&posts->lock);
  posts->closed = true;
  pthread_mutex_unlock(&posts->lock);
  return posts_take(posts);
}

void posts_done(struct posts *posts, struct post *post) {
  posts_release(posts, posts_size(post));
  post_free(post);
}
