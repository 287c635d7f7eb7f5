/* An echo server's port → how many messages it echoes, and the CPU time it needs for that. The
 * sister of bench/load.ts, for servers that would wait for a generator in JavaScript.
 *
 *   all that is readable is read │ then each that completed k echoes gets k messages in one write
 *
 * Every message is the same frame, so the stream of echoes has the period of one. The first echo of
 * a connection and all of the drain are compared to it, of every other read its first bytes are; all
 * are counted.
 */

#define _GNU_SOURCE

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "generator.h"

#define READ_BYTES (256 * 1024)
#define EVENTS 512
/* Of each read, what is compared when not all is. */
#define CHECKED_BYTES 64

typedef struct client {
  int fd;
  /* Bytes of an echo that has not come completely. */
  size_t part;
  /* Where in a frame the next byte to send is, and how many are to be sent. */
  size_t send_at;
  size_t unsent;
  /* In the drain: echoes that are still to come. */
  int owed;
  /* The first echo has come and was right. */
  bool proven;
  /* The socket took not all: its being writable is waited for. */
  bool stuck;
} client;

static options o;
static int poller;
static uint8_t input[READ_BYTES];

/* Frames one after another, one more than are in flight, so that any such stretch lies together. */
static uint8_t *questions;
static size_t question_length;

/* Echoes one after another, as many as a read can bring from any point in the first on. */
static uint8_t *answers;
static size_t answer_length;

static bool draining;
static int unsettled;

/* ---- what goes and what comes */

/* The same bytes on every run, all 256 values. */
static uint8_t *make_payload(size_t length) {
  uint8_t *bytes = generator_allocate(length);
  uint32_t x = 1;
  for (size_t i = 0; i < length; i++) {
    /* Numerical Recipes' generator; its high bits are good. */
    x = x * 1664525u + 1013904223u;
    bytes[i] = (uint8_t)(x >> 24);
  }
  return bytes;
}

static uint8_t *repeat(const uint8_t *frame, size_t length, size_t total) {
  uint8_t *bytes = generator_allocate(total);
  for (size_t i = 0; i < total; i++) bytes[i] = frame[i % length];
  return bytes;
}

static void make_frames(void) {
  const uint8_t *payload = make_payload(o.size);
  const uint8_t *question = generator_frame(payload, o.size, true, &question_length);
  const uint8_t *answer = generator_frame(payload, o.size, o.raw, &answer_length);
  questions = repeat(question, question_length, ((size_t)o.inflight + 1) * question_length);
  answers = repeat(answer, answer_length, answer_length + READ_BYTES);
}

/* ---- sending */

static void watch(client *c, int how, bool stuck) {
  struct epoll_event event = {.events = EPOLLIN | (stuck ? EPOLLOUT : 0), .data.ptr = c};
  c->stuck = stuck;
  if (epoll_ctl(poller, how, c->fd, &event) < 0) generator_fail("epoll_ctl: %s", strerror(errno));
}

static void send_on(client *c) {
  while (c->unsent) {
    ssize_t n = send(c->fd, questions + c->send_at, c->unsent, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) generator_fail("send: %s", strerror(errno));
    if (n < 0) break;
    c->unsent -= (size_t)n;
    c->send_at = (c->send_at + (size_t)n) % question_length;
  }
  if (c->stuck != (c->unsent > 0)) watch(c, EPOLL_CTL_MOD, c->unsent > 0);
}

/* ---- receiving */

static void compare(const client *c, size_t length) {
  const uint8_t *due = answers + c->part;
  if (memcmp(input, due, length) == 0) return;
  size_t at = 0;
  while (input[at] == due[at]) at++;
  generator_fail("wrong echo at byte %zu of a frame: %02x instead of %02x",
                 (c->part + at) % answer_length, input[at], due[at]);
}

/* How many echoes are complete by what came. */
static int receive(client *c) {
  ssize_t n = recv(c->fd, input, sizeof input, 0);
  if (n < 0 && errno == EAGAIN) return 0;
  if (n < 0) generator_fail("recv: %s", strerror(errno));
  if (n == 0) generator_fail("the server ended a connection");

  const size_t length = (size_t)n, bytes = c->part + length;
  compare(c, draining || !c->proven || length < CHECKED_BYTES ? length : CHECKED_BYTES);
  c->part = bytes % answer_length;
  const int echoes = (int)(bytes / answer_length);
  if (echoes == 0) return 0;
  c->proven = true;
  progress_messages += (uint64_t)echoes;
  progress_bytes += (uint64_t)echoes * o.size;
  return echoes;
}

static void settle(client *c, int echoes) {
  c->owed -= echoes;
  if (c->owed < 0 || (c->owed == 0 && c->part)) generator_fail("more came back than was sent");
  if (echoes && c->owed == 0 && --unsettled == 0) generator_finish();
}

/* All that is readable first and all writes after it: the server is never handed one at a time by a
   generator that is slower than it. */
static void serve(struct epoll_event *events, int count) {
  for (int i = 0; i < count; i++) {
    client *c = events[i].data.ptr;
    int echoes = events[i].events & ~(uint32_t)EPOLLOUT ? receive(c) : 0;
    if (draining) settle(c, echoes);
    else if (echoes > o.inflight) generator_fail("%d echoes of %d messages", echoes, o.inflight);
    else c->unsent += (size_t)echoes * question_length;
  }
  for (int i = 0; i < count; i++) send_on(events[i].data.ptr);
}

int main(int argc, char **argv) {
  static struct epoll_event events[EVENTS];
  o = generator_options(argc, argv);
  make_frames();
  poller = epoll_create1(EPOLL_CLOEXEC);
  client *clients = generator_allocate((size_t)o.connections * sizeof *clients);
  for (int i = 0; i < o.connections; i++) {
    clients[i] = (client){
        .fd = generator_connect(&o, o.path),
        .unsent = (size_t)o.inflight * question_length,
        .owed = o.inflight,
    };
    watch(&clients[i], EPOLL_CTL_ADD, false);
  }
  unsettled = o.connections;
  generator_begin(&o);
  for (int i = 0; i < o.connections; i++) send_on(&clients[i]);
  for (;;) {
    int count = epoll_wait(poller, events, EVENTS, generator_wait_ms());
    draining = generator_phase(&o) == DRAINING;
    serve(events, count);
  }
}
