/* A fan-out server's port → how many messages its subscribers get, and the CPU time it needs for
 * that. The sister of bench/fanload.ts, for servers that would wait for a generator in JavaScript.
 *
 * One publisher has `inflight` messages under way: one is over when the last subscriber has it, and
 * as many as are over after all that is readable was read go in one write. Each begins with its
 * number, so every subscriber is held to their order, and to getting each once.
 */

#define _GNU_SOURCE

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "generator.h"

#define READ_BYTES (256 * 1024)
#define EVENTS 512
#define NUMBER_BYTES 4

typedef struct subscriber {
  int fd;
  /* Number of the message that comes next. */
  uint32_t next;
  /* Bytes of its frame that have come. */
  size_t have;
  uint8_t *frame;
} subscriber;

static options o;
static uint8_t input[READ_BYTES];

/* The frame of message 0 as subscribers get it; the number stands behind its header. */
static uint8_t *pattern;
static size_t pattern_length;
static size_t header_length;

static int publisher;
/* Messages sent, and of those the oldest that some subscriber has not got. */
static uint32_t sent;
static uint32_t oldest;
/* How many subscribers still wait for message n, at n % inflight. */
static int *waiting;

/* ---- publishing */

static void write_number(uint8_t *payload, uint32_t number) {
  for (int i = 0; i < NUMBER_BYTES; i++) payload[i] = (uint8_t)(number >> (24 - 8 * i));
}

static uint32_t read_number(const uint8_t *payload) {
  uint32_t number = 0;
  for (int i = 0; i < NUMBER_BYTES; i++) number = number << 8 | payload[i];
  return number;
}

static uint8_t *make_frame(uint32_t number, bool masked, size_t *length) {
  uint8_t *payload = generator_allocate(o.size);
  memset(payload, '.', o.size);
  write_number(payload, number);
  uint8_t *frame = generator_frame(payload, o.size, masked, length);
  free(payload);
  return frame;
}

static void publish(int count) {
  static uint8_t *burst;
  size_t length = 0;
  if (!burst) burst = generator_allocate((size_t)o.inflight * (HEADER_BYTES_MAX + o.size));
  for (int i = 0; i < count; i++) {
    size_t n;
    uint8_t *frame = make_frame(sent, !o.raw, &n);
    memcpy(burst + length, frame, n);
    free(frame);
    length += n;
    waiting[sent++ % (uint32_t)o.inflight] = o.connections;
  }
  ssize_t n = send(publisher, burst, length, MSG_NOSIGNAL);
  if (n != (ssize_t)length) generator_fail("the server does not take %d messages", count);
}

/* ---- receiving */

static void take(subscriber *s, const uint8_t *frame) {
  const uint8_t *payload = frame + header_length;
  const uint32_t number = read_number(payload);
  if (memcmp(frame, pattern, header_length) != 0)
    generator_fail("a frame begins with %02x%02x", frame[0], frame[1]);
  if (number != s->next) generator_fail("message %u came instead of %u", number, s->next);
  if (memcmp(payload + NUMBER_BYTES, pattern + header_length + NUMBER_BYTES, o.size - NUMBER_BYTES))
    generator_fail("message %u has other bytes", number);
  s->next++;
  progress_messages++;
  progress_bytes += o.size;
  waiting[number % (uint32_t)o.inflight]--;
}

static void receive(subscriber *s) {
  ssize_t n = recv(s->fd, input, sizeof input, 0);
  if (n < 0 && errno == EAGAIN) return;
  if (n < 0) generator_fail("recv: %s", strerror(errno));
  if (n == 0) generator_fail("the server ended a connection");
  for (const uint8_t *at = input, *end = input + n; at < end;) {
    const size_t left = (size_t)(end - at), need = pattern_length - s->have;
    if (s->have == 0 && left >= need) {
      take(s, at);
      at += need;
      continue;
    }
    const size_t part = left < need ? left : need;
    memcpy(s->frame + s->have, at, part);
    at += part;
    s->have += part;
    if (s->have < pattern_length) continue;
    take(s, s->frame);
    s->have = 0;
  }
}

/* How many of the oldest messages all subscribers have by now. */
static int completed(void) {
  uint32_t was = oldest;
  while (oldest != sent && waiting[oldest % (uint32_t)o.inflight] == 0) oldest++;
  return (int)(oldest - was);
}

/* ---- all of it */

static void open_all(int poller) {
  subscriber *all = generator_allocate((size_t)o.connections * sizeof *all);
  for (int i = 0; i < o.connections; i++) {
    all[i] = (subscriber){
        .fd = generator_connect(&o, "/subscribe"),
        .frame = generator_allocate(pattern_length),
    };
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, all[i].fd, &event) < 0)
      generator_fail("epoll_ctl: %s", strerror(errno));
  }
  /* The last one, so that all have subscribed. */
  publisher = generator_connect(&o, "/publish");
}

int main(int argc, char **argv) {
  static struct epoll_event events[EVENTS];
  o = generator_options(argc, argv);
  if (o.size < NUMBER_BYTES) generator_fail("--size: %d or more", NUMBER_BYTES);
  pattern = make_frame(0, false, &pattern_length);
  header_length = pattern_length - o.size;
  waiting = generator_allocate((size_t)o.inflight * sizeof *waiting);
  const int poller = epoll_create1(EPOLL_CLOEXEC);
  open_all(poller);
  generator_begin(&o);
  publish(o.inflight);
  for (;;) {
    int count = epoll_wait(poller, events, EVENTS, generator_wait_ms());
    const bool draining = generator_phase(&o) == DRAINING;
    for (int i = 0; i < count; i++) receive(events[i].data.ptr);
    const int over = completed();
    if (!draining && over > 0) publish(over);
    if (draining && oldest == sent) generator_finish();
  }
}
