/* What the load generators of the native bench share: flags, opening, the window, ending. */

#define _GNU_SOURCE

#include "generator.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define OPEN_S 10
#define DRAIN_S 10
/* RFC 6455 1.3 has both. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

typedef struct snapshot {
  uint64_t messages;
  uint64_t bytes;
  double seconds;
  /* Clock ticks: of the server, and of all but it and this process. */
  long ticks;
  long others;
} snapshot;

uint64_t progress_messages;
uint64_t progress_bytes;

static phase now_in;
static double phase_ends;
static snapshot before, after;

static const uint8_t masking_key[4] = {0x9d, 0x3a, 0xc5, 0x61};

/* ---- flags */

static double number(const char *name, const char *text, double least) {
  char *end;
  double n = strtod(text, &end);
  if (end == text || *end || n < least) generator_fail("--%s: not %s", name, text);
  return n;
}

options generator_options(int argc, char **argv) {
  static const struct option flags[] = {
      {"port", required_argument, NULL, 'p'},
      {"path", required_argument, NULL, 'u'},
      {"pid", required_argument, NULL, 'i'},
      {"size", required_argument, NULL, 's'},
      {"inflight", required_argument, NULL, 'n'},
      {"connections", required_argument, NULL, 'c'},
      {"seconds", required_argument, NULL, 't'},
      {"warmup", required_argument, NULL, 'w'},
      {"raw", no_argument, NULL, 'r'},
      {NULL, 0, NULL, 0},
  };
  options o = {
      .path = "/", .size = 128, .inflight = 1, .connections = 64, .seconds = 1, .warmup = 0.3};
  for (int flag, at = 0; (flag = getopt_long(argc, argv, "", flags, &at)) != -1;) {
    if (flag == '?') generator_fail("unknown flag");
    const char *name = flags[at].name;
    switch (flag) {
      case 'p': o.port = (int)number(name, optarg, 1); break;
      case 'u': o.path = optarg; break;
      case 'i': o.pid = (int)number(name, optarg, 1); break;
      case 's': o.size = (size_t)number(name, optarg, 1); break;
      case 'n': o.inflight = (int)number(name, optarg, 1); break;
      case 'c': o.connections = (int)number(name, optarg, 1); break;
      case 't': o.seconds = number(name, optarg, 0.001); break;
      case 'w': o.warmup = number(name, optarg, 0); break;
      default: o.raw = true;
    }
  }
  if (o.port == 0) generator_fail("--port: which?");
  return o;
}

/* ---- opening */

/* Reads a response head to its end, byte by byte at that: nothing behind it is taken. */
static void read_head(int fd) {
  char head[2048];
  size_t have = 0;
  do {
    if (have == sizeof head - 1) generator_fail("a response head without end");
    ssize_t n = recv(fd, head + have, 1, 0);
    if (n <= 0) generator_fail("no upgrade: %s", n ? strerror(errno) : "the server hung up");
    head[++have] = '\0';
  } while (have < 4 || memcmp(head + have - 4, "\r\n\r\n", 4) != 0);
  if (strncmp(head, "HTTP/1.1 101 ", 13) != 0 || !strstr(head, ACCEPT))
    generator_fail("no upgrade: %.*s", (int)strcspn(head, "\r\n"), head);
}

int generator_connect(const options *o, const char *path) {
  const struct sockaddr_in at = {
      .sin_family = AF_INET,
      .sin_port = htons((uint16_t)o->port),
      .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
  };
  const struct timeval patience = {.tv_sec = OPEN_S};
  const int on = 1;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) generator_fail("socket: %s", strerror(errno));
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(fd, (const struct sockaddr *)&at, sizeof at) < 0)
    generator_fail("connect: %s", strerror(errno));
  if (!o->raw) {
    char request[512];
    int length = snprintf(request, sizeof request,
                          "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: Upgrade\r\n"
                          "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Key: " KEY "\r\n\r\n",
                          path, o->port);
    if (length >= (int)sizeof request) generator_fail("--path: too long");
    if (send(fd, request, (size_t)length, MSG_NOSIGNAL) != length)
      generator_fail("request: %s", strerror(errno));
    read_head(fd);
  }
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  return fd;
}

/* ---- frames */

size_t generator_header(uint8_t *to, size_t payload_length, bool masked) {
  const uint8_t mask = masked ? 0x80 : 0;
  /* RFC 6455 5.2: up to 125 in 7 bits, up to 65,535 in 2 bytes behind 126, more in 8 behind 127. */
  const int wide = payload_length <= 125 ? 0 : payload_length <= 0xffff ? 2 : 8;
  size_t n = 0;
  to[n++] = FIN_BINARY;
  to[n++] = mask | (uint8_t)(wide == 0 ? payload_length : wide == 2 ? 126 : 127);
  for (int shift = 8 * (wide - 1); shift >= 0; shift -= 8)
    to[n++] = (uint8_t)((uint64_t)payload_length >> shift);
  if (masked) memcpy(to + n, masking_key, 4), n += 4;
  return n;
}

uint8_t *generator_frame(const uint8_t *payload, size_t payload_length, bool masked,
                         size_t *length) {
  uint8_t *frame = generator_allocate(HEADER_BYTES_MAX + payload_length);
  size_t header = generator_header(frame, payload_length, masked);
  for (size_t i = 0; i < payload_length; i++)
    frame[header + i] = payload[i] ^ (masked ? masking_key[i % 4] : 0);
  *length = header + payload_length;
  return frame;
}

/* ---- time */

static double seconds_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* User and system time of a process, in clock ticks. proc(5): fields 14 and 15 behind a name in
   parentheses. */
static long process_ticks(int pid) {
  char path[64], stat[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  FILE *file = fopen(path, "r");
  size_t length = file ? fread(stat, 1, sizeof stat - 1, file) : 0;
  if (file) fclose(file);
  stat[length] = '\0';
  const char *at = strrchr(stat, ')');
  long user, system;
  static const char fields[] = "%*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %ld %ld";
  if (!at || sscanf(at + 2, fields, &user, &system) != 2)
    generator_fail("no CPU time of process %d", pid);
  return user + system;
}

/* Time in which any CPU did anything, in clock ticks. proc(5): fields 4 and 5 are idle, iowait. */
static long machine_ticks(void) {
  FILE *file = fopen("/proc/stat", "r");
  long user, nice, kernel, irq, softirq, steal;
  if (!file || fscanf(file, "cpu %ld %ld %ld %*s %*s %ld %ld %ld", &user, &nice, &kernel, &irq,
                      &softirq, &steal) != 6)
    generator_fail("no CPU times of this machine");
  fclose(file);
  return user + nice + kernel + irq + softirq + steal;
}

static snapshot take_snapshot(int pid) {
  snapshot s = {.messages = progress_messages, .bytes = progress_bytes, .seconds = seconds_now()};
  if (pid) {
    s.ticks = process_ticks(pid);
    s.others = machine_ticks() - s.ticks - process_ticks(getpid());
  }
  return s;
}

void generator_begin(const options *o) {
  now_in = WARMING;
  phase_ends = seconds_now() + o->warmup;
}

phase generator_phase(const options *o) {
  if (seconds_now() < phase_ends) return now_in;
  if (now_in == WARMING) {
    now_in = MEASURING;
    before = take_snapshot(o->pid);
    phase_ends = before.seconds + o->seconds;
  } else if (now_in == MEASURING) {
    now_in = DRAINING;
    after = take_snapshot(o->pid);
    phase_ends = after.seconds + DRAIN_S;
  } else {
    generator_fail("not all that was sent came back within %d s", DRAIN_S);
  }
  return now_in;
}

int generator_wait_ms(void) {
  double left = phase_ends - seconds_now();
  return left > 0 ? 1 + (int)(1000 * left) : 0;
}

/* ---- ending */

void generator_finish(void) {
  printf("{\"messages\":%llu,\"bytes\":%llu,\"seconds\":%.6f,\"ticks\":%ld,\"othersTicks\":%ld}\n",
         (unsigned long long)(after.messages - before.messages),
         (unsigned long long)(after.bytes - before.bytes), after.seconds - before.seconds,
         after.ticks - before.ticks, after.others - before.others);
  fflush(stdout);
  _exit(0);
}

void generator_fail(const char *format, ...) {
  char why[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(why, sizeof why, format, arguments);
  va_end(arguments);
  /* What would need escapes in JSON is not worth them. */
  for (char *at = why; *at; at++) {
    if (*at == '"' || *at == '\\' || (unsigned char)*at < 0x20) *at = '\'';
  }
  printf("{\"error\":\"%s\"}\n", why);
  fflush(stdout);
  _exit(1);
}

void *generator_allocate(size_t bytes) {
  void *memory = malloc(bytes);
  if (!memory) generator_fail("no memory");
  return memory;
}
