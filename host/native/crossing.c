/* What threads want of loops that are not theirs ─► those loops' next turn.
 *
 *   any thread   registry_hold ─► posts_put ─► registry_release
 *   the loop     crossing_take: a table says what each kind does; and what one does that is dropped, for the loop ended */

#include "crossing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"
#include "hub.h"
#include "loop.h"
#include "server.h"

/* Posts after which what they queued is written: it takes the core's memory until then. */
#define POSTS_A_WRITE 256

bool crossing_open(struct loop *loop) {
  if (posts_open(&loop->posts, POSTS_BYTES_MAX) != 0) {
    fail(LIMPET_E_SYSTEM, "what wakes a loop: %s", strerror(errno));
    return false;
  }
  return loop->polling->add(loop->poller, loop->posts.wake.reader, ROW_WAKE, POLLIN) == 0;
}

void crossing_woken(struct loop *loop) { wake_clear(&loop->posts.wake); }

void crossing_wake(struct loop *loop) { wake_ring(&loop->posts.wake); }

/* ------------------------------------------------------------------- handing over */

/* Puts a post for one session's loop, with a copy of `length` bytes. */
static int crossing_put(struct post *post, const void *data, size_t length) {
  /* Copied before the loop is held: who ends it waits for that. */
  post->payload = data ? payload_new(NULL, 0, data, length) : NULL;
  if (data && !post->payload) return refuse(LIMPET_ERROR_CODE_MEMORY);
  int answer = LIMPET_ERROR_CODE_HANDLE;
  struct loop *loop = registry_hold(post->session);
  if (loop) {
    answer = posts_put(&loop->posts, post);
    registry_release(loop);
  }
  payload_leave(post->payload);
  if (answer == LIMPET_ERROR_CODE_MEMORY)
    return fail(answer, "more waits for that loop than it may");
  return refuse(answer == LIMPET_E_CLOSED ? LIMPET_ERROR_CODE_HANDLE : answer);
}

int crossing_send(limpet_session session, int kind, const void *data, size_t length) {
  if (length > INT32_MAX) return refuse(LIMPET_ERROR_CODE_ARGUMENT);
  struct post post = {.kind = POST_SEND, .type = kind, .session = session};
  return crossing_put(&post, data ? data : "", length);
}

int crossing_close(limpet_session session, int code, const char *reason) {
  struct post post = {.kind = POST_CLOSE, .type = code, .session = session};
  return crossing_put(&post, reason, strlen(reason) + 1);
}

int crossing_terminate(limpet_session session) {
  struct post post = {.kind = POST_TERMINATE, .session = session};
  return crossing_put(&post, NULL, 0);
}

bool crossing_socket(struct loop *loop, int fd, const struct sockaddr *address, size_t size) {
  struct post post = {.kind = POST_SOCKET, .fd = fd};
  post.payload = payload_new(NULL, 0, address, size);
  const bool put = post.payload && posts_put(&loop->posts, &post) == 0;
  payload_leave(post.payload);
  return put;
}

/* --------------------------------------------------------------- to all other loops */

/* Puts a post for all loops of a server but this thread's: 0, and how many have it. */
static int crossing_put_all(limpet_server *server, const struct post *post, int *put) {
  struct posts *queues[POSTS_QUEUES_MAX];
  for (int i = 0; i < server->loop_count; i++) {
    struct loop *loop = server->loops[i];
    queues[i] = loop_is_mine(loop) ? NULL : &loop->posts;
  }
  *put = posts_put_all(queues, server->loop_count, post);
  return *put < 0 ? fail(*put, "more waits for a loop than it may: none has it") : 0;
}

/* The same with bytes for all of them, kept once. */
static int crossing_put_bytes(limpet_server *server, struct post *post, const void *head,
                              size_t head_length, const void *data, size_t length) {
  post->payload = payload_new(head, head_length, data, length);
  if (!post->payload) return refuse(LIMPET_ERROR_CODE_MEMORY);
  int put;
  const int answer = crossing_put_all(server, post, &put);
  payload_leave(post->payload);
  return answer;
}

/* Whether there is a loop that is not this thread's. */
static bool crossing_has_others(const limpet_server *server) {
  for (int i = 0; i < server->loop_count; i++) {
    if (!loop_is_mine(server->loops[i])) return true;
  }
  return false;
}

int crossing_publish(limpet_server *server, const char *topic, limpet_session except, int type,
                     const void *data, size_t length) {
  if (!crossing_has_others(server)) return 0;
  struct post post = {.kind = POST_PUBLISH, .type = type, .session = except};
  return crossing_put_bytes(server, &post, topic, strlen(topic) + 1, data, length);
}

/* A selection, then the value and the key that it names. */
struct posted_selection {
  struct limpet_selection selection;
  char bytes[];
};

int crossing_broadcast(limpet_server *server, const struct limpet_selection *selection, int type,
                       const void *data, size_t length) {
  if (!crossing_has_others(server)) return 0;
  struct post post = {.kind = POST_BROADCAST, .type = type};
  if (!selection) return crossing_put_bytes(server, &post, NULL, 0, data, length);
  const size_t value = selection->value ? selection->value_length : 0;
  const size_t key = selection->key ? strlen(selection->key) + 1 : 0;
  struct posted_selection *posted = malloc(sizeof *posted + value + key);
  if (!posted) return refuse(LIMPET_ERROR_CODE_MEMORY);
  posted->selection = *selection;
  if (value > 0) memcpy(posted->bytes, selection->value, value);
  if (key > 0) memcpy(posted->bytes + value, selection->key, key);
  const int answer =
      crossing_put_bytes(server, &post, posted, sizeof *posted + value + key, data, length);
  free(posted);
  return answer;
}

/* limpet_server_each under way. */
struct each {
  /* Loops that have not done their part, and the one that asks. */
  atomic_int left;
  limpet_session except;
  void (*task)(limpet_session session, void *arg);
  void *arg;
  void (*on_finish)(limpet_server *server, void *arg);
};

static void each_leave(limpet_server *server, struct each *each, int parts) {
  if (atomic_fetch_sub(&each->left, parts) != parts) return;
  if (each->on_finish) each->on_finish(server, each->arg);
  free(each);
}

int crossing_each(limpet_server *server, limpet_session except,
                  void (*task)(limpet_session session, void *arg), void *arg,
                  void (*on_finish)(limpet_server *server, void *arg)) {
  if (server->loop_count == 1 && loop_is_mine(server->loops[0])) {
    hub_each(server->loops[0], except, task, arg);
    if (on_finish) on_finish(server, arg);
    return 0;
  }
  struct each *each = malloc(sizeof *each);
  if (!each) return refuse(LIMPET_ERROR_CODE_MEMORY);
  *each = (struct each){.except = except, .task = task, .arg = arg, .on_finish = on_finish};
  /* One for each loop that might get it, one for this call: those that did not are taken off below. */
  atomic_init(&each->left, server->loop_count + 1);
  struct post post = {.kind = POST_EACH, .each = each};
  int put = 0;
  const int answer = crossing_put_all(server, &post, &put);
  if (answer < 0) {
    free(each);
    return answer;
  }
  for (int i = 0; i < server->loop_count; i++) {
    if (loop_is_mine(server->loops[i])) hub_each(server->loops[i], except, task, arg);
  }
  each_leave(server, each, server->loop_count + 1 - put);
  return 0;
}

/* ------------------------------------------------------------------------ the loop */

/* The session of a post, unless it is over. */
static struct connection *crossing_link(struct loop *loop, const struct post *post) {
  return link_of(loop, session_handle(post->session));
}

/* What a session has against a call is on_error's: whoever called is told no more. */
static void crossing_tell(struct loop *loop, const struct post *post, int code) {
  if (code >= 0 || code == LIMPET_ERROR_CODE_HANDLE || code == LIMPET_ERROR_CODE_STATE) return;
  events_failed(loop, post->session, code, limpet_strerror(code));
}

static void run_send(struct loop *loop, const struct post *post) {
  struct connection *connection = crossing_link(loop, post);
  if (!connection) return;
  const struct payload *payload = post->payload;
  crossing_tell(loop, post,
                outbox_send(loop, connection, post->type, payload_data(payload), payload->length));
}

static void run_close(struct loop *loop, const struct post *post) {
  struct connection *connection = crossing_link(loop, post);
  // A client that is not open has nobody to tell.
  if (!connection || client_give_up(loop, connection)) return;
  crossing_tell(loop, post,
                outbox_close(loop, connection, post->type, payload_data(post->payload)));
}

static void run_terminate(struct loop *loop, const struct post *post) {
  struct connection *connection = crossing_link(loop, post);
  if (connection && !client_give_up(loop, connection))
    limpet_core_terminate(loop->core, connection->handle);
}

/* What a loop has against a message for many: it concerns no session. */
static void crossing_tell_none(struct loop *loop, int code) {
  if (code >= 0) return;
  events_failed(loop, 0, code,
                code == LIMPET_ERROR_CODE_VALUE ? "no topic to publish to" : limpet_strerror(code));
}

static void run_publish(struct loop *loop, const struct post *post) {
  const struct payload *payload = post->payload;
  struct limpet_published published = {0};
  crossing_tell_none(loop, hub_publish(loop, payload_head(payload), post->session, post->type,
                                       payload_data(payload), payload->length, &published));
}

static void run_broadcast(struct loop *loop, const struct post *post) {
  const struct payload *payload = post->payload;
  const struct posted_selection *posted = payload->head_length > 0 ? payload_head(payload) : NULL;
  struct limpet_selection selection = {0};
  if (posted) {
    selection = posted->selection;
    if (selection.value) selection.value = posted->bytes;
    if (selection.key)
      selection.key = posted->bytes + (selection.value ? selection.value_length : 0);
  }
  struct limpet_published published = {0};
  crossing_tell_none(loop, hub_broadcast(loop, posted ? &selection : NULL, post->type,
                                         payload_data(payload), payload->length, &published));
}

static void run_each(struct loop *loop, const struct post *post) {
  hub_each(loop, post->each->except, post->each->task, post->each->arg);
  each_leave(loop->server, post->each, 1);
}

static void drop_each(struct loop *loop, const struct post *post) {
  each_leave(loop->server, post->each, 1);
}

static void run_socket(struct loop *loop, const struct post *post) {
  listen_take(loop, post->fd, (const void *)payload_data(post->payload));
}

static void drop_socket(struct loop *loop, const struct post *post) {
  (void)loop;
  close(post->fd);
}

/* What a post asks for, and what is left to do when the loop ended before. */
static const struct {
  void (*run)(struct loop *loop, const struct post *post);
  void (*drop)(struct loop *loop, const struct post *post);
} KINDS[] = {
    [POST_SEND] = {run_send, NULL},
    [POST_CLOSE] = {run_close, NULL},
    [POST_TERMINATE] = {run_terminate, NULL},
    [POST_PUBLISH] = {run_publish, NULL},
    [POST_BROADCAST] = {run_broadcast, NULL},
    [POST_EACH] = {run_each, drop_each},
    [POST_SOCKET] = {run_socket, drop_socket},
};

static void crossing_run(struct loop *loop, struct post *post) {
  for (int count = 1; post; count++) {
    struct post *next = post->next;
    KINDS[post->kind].run(loop, post);
    posts_done(&loop->posts, post);
    if (count % POSTS_A_WRITE == 0) writer_write_all(loop);
    post = next;
  }
}

void crossing_take(struct loop *loop) {
  struct post *post = posts_take(&loop->posts);
  if (post) {
    /* Tasks and on_error are callbacks, too. */
    loop->telling = true;
    crossing_run(loop, post);
    loop->telling = false;
  }
  const int timeout_ms = atomic_exchange(&loop->stop_asked, -1);
  if (timeout_ms < 0) return;
  server_stopping(loop->server);
  loop_stop(loop, timeout_ms);
}

void crossing_shut(struct loop *loop) {
  for (struct post *post = posts_close(&loop->posts); post;) {
    struct post *next = post->next;
    if (KINDS[post->kind].drop) KINDS[post->kind].drop(loop, post);
    posts_done(&loop->posts, post);
    post = next;
  }
}

void crossing_end(struct loop *loop) {
  if (loop->posts.wake.reader < 0) return;
  crossing_shut(loop);
  loop->polling->remove(loop->poller, loop->posts.wake.reader, ROW_WAKE);
  posts_end(&loop->posts);
}
