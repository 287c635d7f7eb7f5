/* What tests in C share: checks that end the program, and a WebSocket client that says what it is told to.
 *
 *   CHECK(limpet_server_start(server) == 0);
 *   struct check_client client = check_client_connect(port, "/chat", "");
 *   check_client_send(&client, CHECK_TEXT_FRAME, "hello", 5);
 *   struct check_frame frame = check_client_receive(&client);
 *
 * The client is raw on purpose: it knows no rules, so that tests can break them. Whoever serves in the
 * same thread sets check_pump: it runs while the client waits. */

#ifndef LIMPET_CHECK_H
#define LIMPET_CHECK_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* ---------------------------------------------------------------------- checks */

/* Ends the program unless the condition holds. */
#define CHECK(condition) \
  ((condition)           \
       ? (void)0         \
       : (fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition), exit(1)))

/* The same for two integers, and says what they are. */
#define CHECK_EQUAL(actual, expected) \
  check_equal((long long)(actual), (long long)(expected), #actual, __FILE__, __LINE__)

/* The same for two strings. */
#define CHECK_STRING(actual, expected) \
  check_string((actual), (expected), #actual, __FILE__, __LINE__)

static inline void check_equal(long long actual, long long expected, const char *what,
                               const char *file, int line) {
  if (actual == expected) return;
  fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", file, line, what, actual, expected);
  exit(1);
}

static inline void check_string(const char *actual, const char *expected, const char *what,
                                const char *file, int line) {
  if (actual && strcmp(actual, expected) == 0) return;
  fprintf(stderr, "%s:%d: %s is \"%s\", not \"%s\"\n", file, line, what, actual ? actual : "(NULL)",
          expected);
  exit(1);
}

/* --------------------------------------------------------------------- waiting */

/* How long something may take that has to happen, ms: slow machines under valgrind, too. */
#define CHECK_PATIENCE_MS 20000

/* Runs while a client waits, for some milliseconds at the most: polls the server of this thread. */
static void (*check_pump)(void);

static inline int64_t check_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits until a descriptor has what `events` says; false after `ms`. */
static inline bool check_wait(int fd, short events, int ms) {
  int64_t end = check_now() + ms;
  for (;;) {
    struct pollfd one = {.fd = fd, .events = events, .revents = 0};
    int found = poll(&one, 1, check_pump ? 0 : 10);
    if (found > 0) return true;
    CHECK(found == 0 || errno == EINTR);
    if (check_now() >= end) return false;
    if (check_pump) check_pump();
  }
}

/* Runs the pump until a condition holds. */
#define CHECK_SOON(condition)                                      \
  do {                                                             \
    int64_t check_end = check_now() + CHECK_PATIENCE_MS;           \
    while (!(condition) && check_now() < check_end) check_pause(); \
    CHECK(condition);                                              \
  } while (0)

static inline void check_pause(void) {
  struct timespec moment = {.tv_sec = 0, .tv_nsec = 1000000};
  if (check_pump) {
    check_pump();
  } else {
    nanosleep(&moment, NULL);
  }
}

/* --------------------------------------------------------------------- a client */

#define CHECK_BUFFER_BYTES (1 << 16)

struct check_client {
  int fd;
  /* The status of the answer to the handshake, and its head. */
  int status;
  char head[4096];
  /* Bytes that came and were not looked at. */
  size_t held;
  uint8_t bytes[CHECK_BUFFER_BYTES];
};

/* First bytes of frames: FIN and the opcode. RFC 6455 5.2. */
enum check_first {
  CHECK_TEXT_FRAME = 0x81,
  CHECK_BINARY_FRAME = 0x82,
  CHECK_CLOSE_FRAME = 0x88,
  CHECK_PING_FRAME = 0x89,
  CHECK_PONG_FRAME = 0x8a
};

struct check_frame {
  /* The first byte, 0 at the end of the stream. */
  uint8_t first;
  size_t length;
  /* The payload, with a zero byte behind it; of longer frames its beginning. */
  char payload[CHECK_BUFFER_BYTES + 1];
};

/* A connected socket to a port of this machine. */
static inline int check_socket(int port) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(fd >= 0);
  struct sockaddr_in where;
  memset(&where, 0, sizeof where);
  where.sin_family = AF_INET;
  where.sin_port = htons((uint16_t)port);
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(connect(fd, (struct sockaddr *)&where, sizeof where) == 0);
  int on = 1;
  CHECK(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
  return fd;
}

/* Writes all, running the pump while the socket takes no more; false when the connection is broken. */
static inline bool check_client_write(struct check_client *client, const void *data, size_t size) {
  const char *bytes = data;
  for (size_t at = 0; at < size;) {
    ssize_t wrote = send(client->fd, bytes + at, size - at, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (wrote > 0) {
      at += (size_t)wrote;
      continue;
    }
    if (errno != EAGAIN && errno != EINTR) return false;
    CHECK(check_wait(client->fd, POLLOUT, CHECK_PATIENCE_MS));
  }
  return true;
}

/* Reads until `size` bytes are held; false at the end of the stream, or when none come for `ms`. */
static inline bool check_client_fill(struct check_client *client, size_t size, int ms) {
  CHECK(size <= sizeof client->bytes);
  while (client->held < size) {
    if (!check_wait(client->fd, POLLIN, ms)) return false;
    ssize_t got = recv(client->fd, client->bytes + client->held,
                       sizeof client->bytes - client->held, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got <= 0) return false;
    client->held += (size_t)got;
  }
  return true;
}

/* Forgets the first bytes. */
static inline void check_client_take(struct check_client *client, size_t size) {
  client->held -= size;
  memmove(client->bytes, client->bytes + size, client->held);
}

/* Reads the head of an answer into `head`; returns its status, 0 when the stream ended before. */
static inline int check_client_head(struct check_client *client) {
  client->status = 0;
  for (size_t size = 1;; size = client->held + 1) {
    size_t line = 0;
    while (line + 4 <= client->held && memcmp(client->bytes + line, "\r\n\r\n", 4) != 0) line++;
    if (line + 4 <= client->held) {
      size_t length = line + 4;
      CHECK(length < sizeof client->head);
      memcpy(client->head, client->bytes, length);
      client->head[length] = 0;
      check_client_take(client, length);
      CHECK(sscanf(client->head, "HTTP/1.1 %d", &client->status) == 1);
      return client->status;
    }
    if (!check_client_fill(client, size, CHECK_PATIENCE_MS)) return 0;
  }
}

/* An opening handshake with `lines` ("Name: value\r\n") added; does not wait for the answer. RFC 6455 1.3. */
static inline void check_client_ask(struct check_client *client, const char *path,
                                    const char *lines) {
  char request[8192];
  int length = snprintf(request, sizeof request,
                        "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
                        path, lines);
  CHECK(length > 0 && (size_t)length < sizeof request);
  CHECK(check_client_write(client, request, (size_t)length));
}

/* Connects and says nothing yet. */
static inline struct check_client check_client_open(int port) {
  struct check_client client = {.fd = check_socket(port), .status = 0, .held = 0};
  return client;
}

/* Connects and shakes hands; `status` is the answer's. */
static inline struct check_client check_client_connect(int port, const char *path,
                                                       const char *lines) {
  struct check_client client = check_client_open(port);
  check_client_ask(&client, path, lines);
  check_client_head(&client);
  return client;
}

/* The value of a field of the answer's head, "" when there is none. */
static inline const char *check_client_field(const struct check_client *client, const char *name) {
  static char value[1024];
  size_t length = strlen(name);
  const char *line = strstr(client->head, "\r\n");
  while (line && line[2] != '\r') {
    line += 2;
    const char *end = strstr(line, "\r\n");
    if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
      const char *from = line + length + 1;
      while (*from == ' ') from++;
      (void)snprintf(value, sizeof value, "%.*s", (int)(end - from), from);
      return value;
    }
    line = end;
  }
  return "";
}

/* Sends a masked frame: `first` is its first byte as it goes. RFC 6455 5.3. */
static inline bool check_client_send(struct check_client *client, uint8_t first, const void *data,
                                     size_t length) {
  static const uint8_t key[4] = {0x37, 0xfa, 0x21, 0x3d};
  uint8_t header[14] = {first};
  size_t size = 2;
  if (length < 126) {
    header[1] = (uint8_t)(0x80 | length);
  } else {
    int bytes = length < 65536 ? 2 : 8;
    header[1] = bytes == 2 ? 0x80 | 126 : 0x80 | 127;
    for (int i = bytes - 1; i >= 0; i--) header[size++] = (uint8_t)((uint64_t)length >> (8 * i));
  }
  memcpy(header + size, key, 4);
  size += 4;
  uint8_t *masked = malloc(length + 1);
  CHECK(masked);
  for (size_t i = 0; i < length; i++) masked[i] = ((const uint8_t *)data)[i] ^ key[i & 3];
  bool written =
      check_client_write(client, header, size) && check_client_write(client, masked, length);
  free(masked);
  return written;
}

/* The next frame, or `first` 0 at the end of the stream or after `ms`. */
static inline struct check_frame check_client_receive_in(struct check_client *client, int ms) {
  struct check_frame frame;
  frame.first = 0;
  frame.length = 0;
  frame.payload[0] = 0;
  if (!check_client_fill(client, 2, ms)) return frame;
  size_t header = 2;
  uint64_t length = client->bytes[1] & 0x7f;
  if (length >= 126) {
    header += length == 126 ? 2 : 8;
    if (!check_client_fill(client, header, ms)) return frame;
    length = 0;
    for (size_t i = 2; i < header; i++) length = length << 8 | client->bytes[i];
  }
  uint8_t first = client->bytes[0];
  check_client_take(client, header);
  for (uint64_t at = 0; at < length;) {
    size_t piece = length - at < 4096 ? (size_t)(length - at) : 4096;
    if (!check_client_fill(client, piece, ms)) return frame;
    if (at + piece < sizeof frame.payload) {
      memcpy(frame.payload + at, client->bytes, piece);
      frame.payload[at + piece] = 0;
    }
    check_client_take(client, piece);
    at += piece;
  }
  frame.first = first;
  frame.length = (size_t)length;
  return frame;
}

static inline struct check_frame check_client_receive(struct check_client *client) {
  return check_client_receive_in(client, CHECK_PATIENCE_MS);
}

/* Checks that the next frame is this one. */
#define CHECK_FRAME(client, first_byte, text)                    \
  do {                                                           \
    struct check_frame check_got = check_client_receive(client); \
    CHECK_EQUAL(check_got.first, first_byte);                    \
    CHECK_STRING(check_got.payload, text);                       \
  } while (0)

/* The code of a Close frame, 1005 for one without, 0 for another frame. RFC 6455 5.5.1. */
static inline int check_close_code(const struct check_frame *frame) {
  if (frame->first != CHECK_CLOSE_FRAME) return 0;
  if (frame->length < 2) return 1005;
  return (uint8_t)frame->payload[0] << 8 | (uint8_t)frame->payload[1];
}

static inline void check_client_end(struct check_client *client) {
  if (client->fd >= 0) close(client->fd);
  client->fd = -1;
}

#endif
