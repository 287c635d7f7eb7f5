/* limpet_server_connect: a URL ─► on_connect or on_connect_error, once. RFC 6455 4.1.
 *
 *   url ─► limpet_core_connect: a session, whose request waits
 *    └─► attempt.c: name ─► addresses ─► a socket ─► TLS ─► the request goes ─► OPEN ─► on_connect
 *                │ none is left                         │ all of it has HANDSHAKE_MS
 *                ▼                                      ▼
 *        the reason is kept, the session terminated ─► CLOSED ─► on_connect_error
 *
 * The session's row is there from the beginning. The core judges the answer, and watches the time. */

#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "attempt.h"
#include "memory.h"
#include "tls.h"

/* What resolving, connecting, TLS and the handshake may take when nothing else is said, ms. */
#define TIMEOUT_MS 5000
/* limpet_core_seed: "32 or more". */
#define SEED_BYTES 32

/* ------------------------------------------------------------------ how it ends */

bool client_give_up(struct loop *loop, struct connection *connection) {
  if (!client_note(loop, connection, LIMPET_E_CLOSED, "given up by the application")) return false;
  limpet_core_terminate(loop->core, connection->handle);
  return true;
}

bool client_failed(struct loop *loop, struct connection *connection,
                   const struct limpet_event_record *event) {
  const struct attempt *attempt = attempt_of(connection);
  if (!attempt) return false;
  const char *words = limpet_strerror(event->detail);
  if (event->detail == LIMPET_ERROR_CODE_TIMEOUT_HANDSHAKE) {
    client_note(loop, connection, LIMPET_E_TIMEOUT, "%s: no connection within %u ms", attempt->host,
                (unsigned)attempt->timeout_ms);
  } else if (event->len > 0) {
    // The first line of the answer tells more than any words: "HTTP/1.1 401 Unauthorized".
    const char *head = (const char *)loop->memory + event->ptr;
    const char *end = memchr(head, '\r', event->len);
    const size_t length = end ? (size_t)(end - head) : event->len;
    client_note(loop, connection, event->detail, "%s: %s (%.*s)", attempt->host, words,
                (int)(length < 80 ? length : 80), head);
  } else {
    client_note(loop, connection, event->detail, "%s: %s", attempt->host, words);
  }
  // RFC 6455 4.1: "the client MUST _Fail the WebSocket Connection_".
  limpet_core_terminate(loop->core, connection->handle);
  return true;
}

void client_opened(struct loop *loop, struct connection *connection) {
  if (connection->extra) client_release(loop, connection->extra);
}

void client_closed(struct loop *loop, struct connection *connection) {
  const struct attempt *attempt = attempt_of(connection);
  if (!attempt) return;
  client_note(loop, connection, LIMPET_E_CONNECT, "%s: the connection ended during the handshake",
              attempt->host);
  const struct callbacks *calls = &loop->server->callbacks;
  if (!calls->connect_error) return;
  calls->connect_error(loop->server, loop_session(loop, connection->handle), attempt->code,
                       attempt->words, calls->connect_error_user);
}

/* --------------------------------------------------------------------- beginning */

/* Bytes of a cryptographic source. */
static bool entropy(uint8_t *bytes, size_t length) {
  if (getentropy(bytes, length) == 0) return true;
  const int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool whole = read(fd, bytes, length) == (ssize_t)length;
  close(fd);
  return whole;
}

int client_seed(struct loop *loop) {
  uint8_t *scratch = loop->memory + loop->scratch;
  if (!entropy(scratch, SEED_BYTES)) {
    return fail(LIMPET_E_SYSTEM, "no entropy for masking keys: %s", strerror(errno));
  }
  const int code = limpet_core_seed(loop->core, (int32_t)loop->scratch, SEED_BYTES);
  memset(scratch, 0, SEED_BYTES);
  return code;
}

/* The scratch region gets what limpet_core_connect reads. */
struct request {
  uint32_t target, target_length, host, host_length, protocols, protocols_length, headers,
      headers_length;
};

static bool pass(struct loop *loop, uint32_t *at, const char *text, size_t length, uint32_t *ptr,
                 uint32_t *count) {
  *ptr = loop_pass(loop, at, text, length);
  *count = (uint32_t)length;
  return *ptr != 0;
}

static bool pass_request(struct loop *loop, const struct url *url,
                         const struct limpet_connect_options *options, struct request *request) {
  const char *protocols = options && options->protocols ? options->protocols : "";
  const char *headers = options && options->headers ? options->headers : "";
  // RFC 6455 3: the resource name is "/" when the path is empty.
  const bool rootless = url->target[0] != '/';
  uint32_t at = 0, slash, slash_length = 0;
  if (rootless && !pass(loop, &at, "/", 1, &slash, &slash_length)) return false;
  const bool fits =
      pass(loop, &at, url->target, url->target_length, &request->target, &request->target_length) &&
      pass(loop, &at, url->authority, url->authority_length, &request->host,
           &request->host_length) &&
      pass(loop, &at, protocols, strlen(protocols), &request->protocols,
           &request->protocols_length) &&
      pass(loop, &at, headers, strlen(headers), &request->headers, &request->headers_length);
  request->target -= slash_length;
  request->target_length += slash_length;
  return fits;
}

/* A session whose request waits to be sent: its handle, or a code. */
static int open_session(struct loop *loop, const struct url *url,
                        const struct limpet_connect_options *options) {
  for (bool seeded = false;; seeded = true) {
    struct request r;
    if (!pass_request(loop, url, options, &r))
      return fail(LIMPET_ERROR_CODE_ARGUMENT, "the request is too long");
    const int32_t handle = limpet_core_connect(
        loop->core, (int32_t)r.target, (int32_t)r.target_length, (int32_t)r.host,
        (int32_t)r.host_length, (int32_t)r.protocols, (int32_t)r.protocols_length,
        (int32_t)r.headers, (int32_t)r.headers_length, loop_now(loop));
    if (handle > 0) return handle;
    if (handle != LIMPET_ERROR_CODE_UNSEEDED || seeded) {
      return fail(handle, "connecting to %s: %s", url->host, limpet_strerror(handle));
    }
    const int code = client_seed(loop);
    if (code != 0) return code;
  }
}

int limpet_server_connect(limpet_server *server, const char *url,
                          const struct limpet_connect_options *options, limpet_session *session) {
  if (session) *session = 0;
  if (!server || !url || !session)
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "a server, a URL and a session are needed");
  struct loop *loop;
  int code = loop_here(server, &loop);
  struct url parts;
  if (code == 0) code = url_parse(url, &parts);
  if (code != 0) return code;
  if (parts.secure && !tls_library())
    return fail(LIMPET_E_UNSUPPORTED, "%.200s: built without TLS", url);
  struct attempt *attempt = memory_table(server, sizeof *attempt);
  if (!attempt) return fail(LIMPET_ERROR_CODE_MEMORY, "no memory for a connection");
  loop->now = loop_clock();
  const int32_t handle = open_session(loop, &parts, options);
  struct connection *connection = handle > 0 ? link_add(loop, handle, -1, &transport_plain) : NULL;
  struct extra *extra = connection ? link_extra(loop, connection) : NULL;
  if (!extra) {
    memory_give(server, attempt);
    if (!connection) return handle;
    limpet_core_terminate(loop->core, handle);
    return fail(LIMPET_ERROR_CODE_MEMORY, "no memory for a connection");
  }
  extra->attempt = attempt;
  attempt->secure = parts.secure;
  attempt->timeout_ms = options && options->timeout_ms ? options->timeout_ms : TIMEOUT_MS;
  memcpy(attempt->host, parts.host, sizeof attempt->host);
  connection->flags |= CONNECTION_CLIENT | CONNECTION_CONNECTING;
  const int32_t bound = attempt->timeout_ms < INT32_MAX ? (int32_t)attempt->timeout_ms : INT32_MAX;
  limpet_core_option_set(loop->core, handle, LIMPET_OPTION_HANDSHAKE_MS, bound);
  loop->due = loop->now;
  *session = loop_session(loop, handle);
  attempt_begin(loop, connection, &parts);
  return 0;
}
