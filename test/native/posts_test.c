/* posts.c: what threads put comes out in order, whole, within its bound, and with few wake-ups. */

#include "posts.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

#define THREADS 8
#define POSTS_EACH 20000

static struct posts *posts_new(size_t bytes_max) {
  struct posts *posts = malloc(sizeof *posts);
  CHECK(posts && posts_open(posts, bytes_max) == 0);
  return posts;
}

static void posts_free(struct posts *posts) {
  posts_end(posts);
  free(posts);
}

static struct post post_of(limpet_session session) {
  struct post post;
  memset(&post, 0, sizeof post);
  post.kind = POST_SEND;
  post.session = session;
  return post;
}

static void drop_all(struct posts *posts, struct post *list) {
  while (list) {
    struct post *next = list->next;
    posts_done(posts, list);
    list = next;
  }
}

static bool rings(const struct posts *posts) {
  struct pollfd ready = {.fd = posts->wake.reader, .events = POLLIN};
  return poll(&ready, 1, 0) == 1;
}

/* In order, all at once, and once. */
static void test_order(void) {
  struct posts *posts = posts_new(POSTS_BYTES_MAX);
  CHECK(posts_take(posts) == NULL);
  for (limpet_session i = 1; i <= 100; i++) {
    struct post post = post_of(i);
    CHECK(posts_put(posts, &post) == 0);
  }
  struct post *list = posts_take(posts);
  limpet_session seen = 0;
  for (const struct post *post = list; post; post = post->next) CHECK(post->session == ++seen);
  CHECK(seen == 100);
  CHECK(posts_take(posts) == NULL);
  drop_all(posts, list);
  posts_free(posts);
}

/* One ring for many posts, and a new one after they were taken. */
static void test_wake(void) {
  struct posts *posts = posts_new(POSTS_BYTES_MAX);
  const struct wake *wake = &posts->wake;
  CHECK(!rings(posts));
  for (limpet_session i = 1; i <= 100; i++) {
    struct post post = post_of(i);
    CHECK(posts_put(posts, &post) == 0);
  }
  CHECK(rings(posts));
#if defined(__linux__)
  uint64_t count = 0;
  CHECK(read(wake->reader, &count, sizeof count) == sizeof count);
  CHECK(count == 1);
#else
  wake_clear(wake);
#endif
  CHECK(!rings(posts));
  drop_all(posts, posts_take(posts));
  struct post post = post_of(1);
  CHECK(posts_put(posts, &post) == 0);
  CHECK(rings(posts));
  wake_clear(wake);
  CHECK(!rings(posts));
  /* Rung far more often than it is cleared. */
  for (int i = 0; i < 100000; i++) wake_ring(wake);
  wake_clear(wake);
  CHECK(!rings(posts));
  drop_all(posts, posts_close(posts));
  posts_free(posts);
}

/* Past the bound MEMORY; what is done makes room again. */
static void test_bound(void) {
  struct posts *posts = posts_new(4096);
  struct payload *payload = payload_new(NULL, 0, NULL, 1000);
  CHECK(payload != NULL);
  struct post post = post_of(1);
  post.payload = payload;
  int put = 0;
  while (posts_put(posts, &post) == 0) CHECK(++put < 4);
  CHECK(put == 3);
  CHECK(posts_put(posts, &post) == LIMPET_ERROR_CODE_MEMORY);
  struct post *list = posts_take(posts);
  /* Taken is not done: it is still in memory. */
  CHECK(posts_put(posts, &post) == LIMPET_ERROR_CODE_MEMORY);
  drop_all(posts, list);
  CHECK(posts_put(posts, &post) == 0);
  drop_all(posts, posts_take(posts));

  struct payload *large = payload_new(NULL, 0, NULL, 8192);
  post.payload = large;
  CHECK(posts_put(posts, &post) == LIMPET_ERROR_CODE_MEMORY);
  CHECK(atomic_load(&large->holders) == 1);
  payload_leave(large);
  payload_leave(payload);
  payload_leave(NULL);
  CHECK(payload_new(NULL, 0, NULL, SIZE_MAX - 8) == NULL);
  posts_free(posts);
}

/* Bytes for several loops are one copy; a loop without room leaves all without the post. */
static void test_shared(void) {
  struct posts *queues[4] = {posts_new(POSTS_BYTES_MAX), NULL, posts_new(POSTS_BYTES_MAX),
                             posts_new(300)};
  struct payload *payload = payload_new("news", 5, "hello", 5);
  CHECK(strcmp(payload_head(payload), "news") == 0);
  CHECK(memcmp(payload_data(payload), "hello", 5) == 0);
  struct post post = post_of(0);
  post.kind = POST_PUBLISH;
  post.payload = payload;
  int put = 0;
  while (posts_put_all(queues, 4, &post) == 3) CHECK(++put < 4);
  CHECK(put >= 1);
  CHECK(atomic_load(&payload->holders) == 1 + 3 * (unsigned)put);
  payload_leave(payload);
  for (int i = 0; i < 4; i++) {
    if (!queues[i]) continue;
    struct post *list = posts_take(queues[i]);
    int count = 0;
    for (const struct post *each = list; each; each = each->next, count++)
      CHECK(each->payload == payload);
    CHECK(count == put);
    drop_all(queues[i], list);
    posts_free(queues[i]);
  }
}

/* After posts_close nothing is put; queues that are open still get it. */
static void test_close(void) {
  struct posts *queues[2] = {posts_new(POSTS_BYTES_MAX), posts_new(POSTS_BYTES_MAX)};
  struct post post = post_of(1);
  CHECK(posts_put(queues[0], &post) == 0);
  struct post *rest = posts_close(queues[0]);
  CHECK(rest && rest->session == 1 && !rest->next);
  drop_all(queues[0], rest);
  CHECK(posts_put(queues[0], &post) == LIMPET_E_CLOSED);
  CHECK(posts_take(queues[0]) == NULL);
  CHECK(posts_close(queues[0]) == NULL);
  CHECK(posts_put_all(queues, 2, &post) == 1);
  drop_all(queues[1], posts_close(queues[1]));
  CHECK(posts_put_all(queues, 2, &post) == 0);
  CHECK(posts_put(queues[1], &post) == LIMPET_E_CLOSED);
  posts_free(queues[0]);
  posts_free(queues[1]);
}

/* ------------------------------------------------------------ many threads, one loop */

static struct posts *crowded;

static void *putter(void *arg) {
  uint64_t thread = (uint64_t)(uintptr_t)arg;
  for (uint64_t i = 0; i < POSTS_EACH; i++) {
    uint64_t mark = thread << 32 | i;
    struct payload *payload = payload_new(NULL, 0, &mark, sizeof mark);
    CHECK(payload != NULL);
    struct post post = post_of(mark);
    post.payload = payload;
    int answer = posts_put(crowded, &post);
    payload_leave(payload);
    if (answer < 0) {
      CHECK(answer == LIMPET_ERROR_CODE_MEMORY);
      i--;
      sched_yield();
    }
  }
  return NULL;
}

/* Eight threads put into a queue that is often full; the loop sleeps in poll(2) whenever there is nothing. */
static void test_threads(void) {
  crowded = posts_new(64 << 10);
  pthread_t threads[THREADS];
  uint64_t next[THREADS] = {0};
  for (uintptr_t i = 0; i < THREADS; i++)
    CHECK(pthread_create(&threads[i], NULL, putter, (void *)i) == 0);
  uint64_t seen = 0;
  while (seen < (uint64_t)THREADS * POSTS_EACH) {
    struct pollfd ready = {.fd = crowded->wake.reader, .events = POLLIN};
    /* A wake-up that got lost would end here. */
    CHECK(poll(&ready, 1, 10000) == 1);
    wake_clear(&crowded->wake);
    struct post *list = posts_take(crowded);
    for (const struct post *post = list; post; post = post->next, seen++) {
      uint64_t mark;
      CHECK(post->payload->length == sizeof mark);
      memcpy(&mark, payload_data(post->payload), sizeof mark);
      CHECK(mark == post->session);
      CHECK(next[mark >> 32]++ == (uint32_t)mark);
    }
    drop_all(crowded, list);
  }
  for (int i = 0; i < THREADS; i++) CHECK(pthread_join(threads[i], NULL) == 0);
  CHECK(posts_close(crowded) == NULL);
  posts_free(crowded);
}

/* Threads that put while the queue is closed: each post is either handed out or refused, none is lost. */
static atomic_int accepted;

static void *closing_putter(void *arg) {
  (void)arg;
  struct post post = post_of(1);
  for (;;) {
    int answer = posts_put(crowded, &post);
    if (answer == 0) atomic_fetch_add(&accepted, 1);
    else if (answer == LIMPET_ERROR_CODE_MEMORY) sched_yield();
    else {
      CHECK(answer == LIMPET_E_CLOSED);
      return NULL;
    }
  }
}

static void test_threads_close(void) {
  for (int round = 0; round < 20; round++) {
    crowded = posts_new(64 << 10);
    atomic_store(&accepted, 0);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) CHECK(pthread_create(&threads[i], NULL, closing_putter, NULL) == 0);
    int seen = 0;
    while (seen < 1000) {
      struct post *list = posts_take(crowded);
      for (const struct post *post = list; post; post = post->next) seen++;
      drop_all(crowded, list);
    }
    struct post *rest = posts_close(crowded);
    for (const struct post *post = rest; post; post = post->next) seen++;
    drop_all(crowded, rest);
    for (int i = 0; i < 4; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(seen == atomic_load(&accepted));
    posts_free(crowded);
  }
}

int main(void) {
  test_order();
  test_wake();
  test_bound();
  test_shared();
  test_close();
  test_threads();
  test_threads_close();
  puts("posts: ok");
  return 0;
}
