/* A descriptor -> the bytes within TLS. RFC 5246, RFC 8446.
 *
 *   accepted ─► HEADER ─► SHAKING ─► OPEN ─► close_notify, FIN
 *                 │          │         read:  recv ─► context->received ─► mbedTLS ─► what the header said, then plaintext
 *                 │          │         write: spans ─► context->gathered ─► one record after the other ─► send
 *                 └──────────┴───────► BROKEN
 *
 * HEADER is for connections whose peers may be proxies: what they say in front of TLS is taken off, and is what
 * read answers first.
 *
 * What one recv brought and one read could not take stays on the heap until the next (`ahead`). mbedTLS has a
 * record to be sent in a buffer of its own: while the socket does not take all of it, write answers
 * TRANSPORT_AGAIN for these bytes (`held`), and the same bytes have to come again, as those of a core's queue do. */

#include "tls-context.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* As much of a PROXY protocol header as tells its length: the longest one of version 1. PROXY 2.1. */
#define HEADER_TELLING_BYTES 107

enum phase { HEADER, SHAKING, OPEN, BROKEN };

/* Bytes on the heap, used up from the front. */
struct bytes {
  unsigned char *at;
  size_t used, length;
};

struct tls_stream {
  mbedtls_ssl_context ssl;
  struct tls_context *context;
  struct loop *loop;
  int fd;
  enum phase phase;
  bool client;
  /* What came and mbedTLS has not taken: in context->received while a function of the transport runs, here between. */
  struct bytes ahead;
  unsigned char *fresh;
  size_t fresh_length;
  /* What a proxy said in front of TLS. */
  struct bytes header;
  /* Plaintext of the record that is still to be sent. */
  size_t held;
  /* Reading must not send that record: write would not know, and make it anew. */
  bool mute;
  /* An end or a failure that came behind bytes: what the next read answers. */
  int late;
  /* Something came; it did not begin as a record of a handshake or an alert does. */
  bool heard, foreign;
  /* The address that a client wants to reach; 0 bytes: it goes by a name. */
  unsigned char address[16];
  size_t address_length;
};

static size_t bytes_left(const struct bytes *bytes) { return bytes->length - bytes->used; }

static void bytes_free(struct bytes *bytes) {
  free(bytes->at);
  *bytes = (struct bytes){0};
}

/* Moves up to `size` bytes; frees the memory with the last of them. */
static size_t bytes_take(struct bytes *bytes, unsigned char *to, size_t size) {
  const size_t left = bytes_left(bytes);
  const size_t count = left < size ? left : size;
  if (count == 0) return 0;
  memcpy(to, bytes->at + bytes->used, count);
  bytes->used += count;
  if (count == left) bytes_free(bytes);
  return count;
}

static bool bytes_append(struct bytes *bytes, const unsigned char *from, size_t count) {
  unsigned char *grown = realloc(bytes->at, bytes->length + count);
  if (!grown) return false;
  memcpy(grown + bytes->length, from, count);
  bytes->at = grown;
  bytes->length += count;
  return true;
}

/* ------------------------------------------------------------- the descriptor */

/* recv, until a signal does not interrupt it. */
static ssize_t socket_receive(int fd, void *buffer, size_t size) {
  ssize_t count;
  do count = recv(fd, buffer, size, 0);
  while (count < 0 && errno == EINTR);
  return count;
}

static int socket_result(int again) {
  return errno == EAGAIN || errno == EWOULDBLOCK ? again : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

/* More bytes for mbedTLS: as many as came are fetched at once. */
static int bio_fetch(struct tls_stream *stream, unsigned char *buffer, size_t size) {
  size_t count = bytes_take(&stream->ahead, buffer, size);
  if (count > 0) return (int)count;
  if (stream->fresh_length == 0) {
    const ssize_t got = socket_receive(stream->fd, stream->context->received, TLS_RECEIVE_BYTES);
    if (got < 0) return socket_result(MBEDTLS_ERR_SSL_WANT_READ);
    if (got == 0) return MBEDTLS_ERR_SSL_CONN_EOF;
    stream->fresh = stream->context->received;
    stream->fresh_length = (size_t)got;
  }
  count = stream->fresh_length < size ? stream->fresh_length : size;
  memcpy(buffer, stream->fresh, count);
  stream->fresh += count;
  stream->fresh_length -= count;
  return (int)count;
}

static int bio_receive(void *user, unsigned char *buffer, size_t size) {
  struct tls_stream *stream = user;
  const int count = bio_fetch(stream, buffer, size);
  if (count > 0 && !stream->heard) {
    stream->heard = true;
    // RFC 8446 5.1: alert(21), handshake(22).
    stream->foreign = buffer[0] != 21 && buffer[0] != 22;
  }
  return count;
}

static int bio_send(void *user, const unsigned char *bytes, size_t length) {
  const struct tls_stream *stream = user;
  ssize_t count;
  if (stream->mute) return MBEDTLS_ERR_SSL_WANT_WRITE;
  do count = send(stream->fd, bytes, length, MSG_NOSIGNAL);
  while (count < 0 && errno == EINTR);
  return count < 0 ? socket_result(MBEDTLS_ERR_SSL_WANT_WRITE) : (int)count;
}

/* Takes what mbedTLS left out of memory that other connections use, too; false without memory. */
static bool stream_settle(struct tls_stream *stream) {
  const size_t count = stream->fresh_length;
  stream->fresh_length = 0;
  return count == 0 || bytes_append(&stream->ahead, stream->fresh, count);
}

/* --------------------------------------------------------------- the handshake */

/* What is behind some of mbedTLS's codes. */
static const char *advice(const struct tls_stream *stream, int code) {
  if (stream->foreign) return ": the peer does not speak TLS, but HTTP perhaps";
  switch (code) {
    case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE:
      return ": the peer did not like the certificate, the versions or the cipher suites";
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    case MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION:
#else
    case MBEDTLS_ERR_SSL_BAD_HS_PROTOCOL_VERSION:
#endif
      return ": TLS 1.2 is the least that is spoken";
    default:
      return "";
  }
}

/* Why a certificate was not taken, in mbedTLS's words. */
static int fail_verification(uint32_t flags) {
  char words[2 * TLS_WORDS_MAX];
  int length = mbedtls_x509_crt_verify_info(words, sizeof words, "", flags);
  while (length > 0 && words[length - 1] == '\n') length--;
  for (int i = 0; i < length; i++) words[i] = words[i] == '\n' ? ';' : words[i];
  return fail(LIMPET_E_TLS, "TLS: the certificate of the peer: %.*s", length > 0 ? length : 0, words);
}

static int stream_fail(struct tls_stream *stream, int code) {
  char words[TLS_WORDS_MAX];
  const bool shaking = stream->phase != OPEN;
  stream->phase = BROKEN;
  if (code == MBEDTLS_ERR_SSL_INTERNAL_ERROR) fail(LIMPET_E_TLS, "TLS: the connection broke: %s", strerror(errno));
  else if (code == MBEDTLS_ERR_SSL_CONN_EOF) fail(LIMPET_E_TLS, "TLS: the peer left before the handshake ended");
  else if (code == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED) fail_verification(mbedtls_ssl_get_verify_result(&stream->ssl));
  else fail(LIMPET_E_TLS, "TLS%s: %s%s", shaking ? " handshake" : "", tls_words(code, words), advice(stream, code));
  return TRANSPORT_FAILED;
}

static int fail_header(struct tls_stream *stream, const char *why) {
  stream->phase = BROKEN;
  fail(LIMPET_E_TLS, "the PROXY protocol header in front of TLS %s", why);
  return TRANSPORT_FAILED;
}

/* How long the header in `ahead` is, as limpet_core_proxy_length answers. */
static int32_t header_length(const struct tls_stream *stream) {
  const struct loop *loop = stream->loop;
  const size_t count = stream->ahead.length;
  if (count > 0) {
    memcpy(loop->memory + loop->scratch, stream->ahead.at, count < HEADER_TELLING_BYTES ? count : HEADER_TELLING_BYTES);
  }
  return limpet_core_proxy_length(loop->core, (int32_t)loop->scratch, (int32_t)count);
}

/* Takes a proxy's header off: POLLIN until it is whole, 0 then; TRANSPORT_FAILED. */
static int header_take(struct tls_stream *stream) {
  const uint32_t trust = stream->loop->server->settings->trust;
  for (;;) {
    const int32_t length = header_length(stream);
    if (length == LIMPET_ERROR_CODE_ABSENT && !(trust & LIMPET_TRUST_PROXY_REQUIRED)) return 0;
    if (length < 0) return fail_header(stream, length == LIMPET_ERROR_CODE_ABSENT ? "is absent" : "is malformed");
    if ((size_t)length <= stream->ahead.length) {
      if (!bytes_append(&stream->header, stream->ahead.at, (size_t)length)) return fail_header(stream, "has no memory");
      stream->ahead.used = (size_t)length;
      if (bytes_left(&stream->ahead) == 0) bytes_free(&stream->ahead);
      return 0;
    }
    const ssize_t got = socket_receive(stream->fd, stream->context->received, TLS_RECEIVE_BYTES);
    if (got == 0) return fail_header(stream, "is cut off");
    if (got < 0 && socket_result(0) != 0) return stream_fail(stream, MBEDTLS_ERR_SSL_INTERNAL_ERROR);
    if (got < 0) return POLLIN;
    if (!bytes_append(&stream->ahead, stream->context->received, (size_t)got)) return fail_header(stream, "has no memory");
  }
}

/* Where certificates are optional mbedTLS lets bad ones in: a server takes none, or one that is good. */
static bool is_refused(const struct tls_stream *stream) {
  const uint32_t absent = MBEDTLS_X509_BADCERT_MISSING | MBEDTLS_X509_BADCERT_SKIP_VERIFY;
  return !stream->client && (mbedtls_ssl_get_verify_result(&stream->ssl) & ~absent) != 0;
}

static int tls_handshake(struct connection *connection) {
  struct tls_stream *stream = connection->secure;
  if (stream->phase == OPEN) return 0;
  if (stream->phase == BROKEN) return TRANSPORT_FAILED;
  if (stream->phase == HEADER) {
    const int wants = header_take(stream);
    if (wants != 0) return wants;
    stream->phase = SHAKING;
  }
  const int code = mbedtls_ssl_handshake(&stream->ssl);
  if (!stream_settle(stream)) return stream_fail(stream, MBEDTLS_ERR_SSL_ALLOC_FAILED);
  if (code == MBEDTLS_ERR_SSL_WANT_READ) return POLLIN;
  if (code == MBEDTLS_ERR_SSL_WANT_WRITE) return POLLOUT;
  if (code != 0) return stream_fail(stream, code);
  if (is_refused(stream)) {
    mbedtls_ssl_send_alert_message(&stream->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL, MBEDTLS_SSL_ALERT_MSG_BAD_CERT);
    return stream_fail(stream, MBEDTLS_ERR_X509_CERT_VERIFY_FAILED);
  }
  stream->phase = OPEN;
  return 0;
}

/* ------------------------------------------------------------ reading, writing */

/* Codes that say nothing of the stream: mbedTLS has to be asked again. */
static bool is_notice(int code) {
#if defined(MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
  return code == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET;
#else
  (void)code;
  return false;
#endif
}

/* mbedTLS's answer to a read that got nothing -> read's. */
static ssize_t read_end(struct tls_stream *stream, int code) {
  if (code == MBEDTLS_ERR_SSL_WANT_READ || code == MBEDTLS_ERR_SSL_WANT_WRITE) return TRANSPORT_AGAIN;
  // A FIN without close_notify: a Close frame says whether all was there. RFC 6455 7.1.4.
  if (code == 0 || code == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY || code == MBEDTLS_ERR_SSL_CONN_EOF) return 0;
  return stream_fail(stream, code);
}

static ssize_t tls_read(struct connection *connection, void *buffer, size_t size) {
  struct tls_stream *stream = connection->secure;
  if (stream->phase == BROKEN) return TRANSPORT_FAILED;
  if (stream->phase != OPEN || size == 0) return TRANSPORT_AGAIN;
  size_t count = bytes_take(&stream->header, buffer, size);
  int code = stream->late;
  stream->late = MBEDTLS_ERR_SSL_WANT_READ;
  if (code != MBEDTLS_ERR_SSL_WANT_READ) return read_end(stream, code);
  stream->mute = stream->held > 0;
  // Records that came together are told together.
  while (count < size) {
    do code = mbedtls_ssl_read(&stream->ssl, (unsigned char *)buffer + count, size - count);
    while (is_notice(code));
    if (code <= 0) break;
    count += (size_t)code;
    if (mbedtls_ssl_get_bytes_avail(&stream->ssl) == 0 && bytes_left(&stream->ahead) == 0 && stream->fresh_length == 0) break;
  }
  stream->mute = false;
  if (!stream_settle(stream)) return stream_fail(stream, MBEDTLS_ERR_SSL_ALLOC_FAILED);
  if (count == 0) return read_end(stream, code);
  if (code <= 0 && code != MBEDTLS_ERR_SSL_WANT_WRITE) stream->late = code;
  return (ssize_t)count;
}

static bool tls_pending(struct connection *connection) {
  const struct tls_stream *stream = connection->secure;
  if (stream->phase != OPEN) return false;
  return bytes_left(&stream->header) > 0 || bytes_left(&stream->ahead) > 0 || stream->late != MBEDTLS_ERR_SSL_WANT_READ ||
         mbedtls_ssl_get_bytes_avail(&stream->ssl) > 0;
}

/* Where the writer of spans is. */
struct cursor {
  const struct iovec *span, *end;
  size_t used;
};

/* The next bytes of the spans, at most `most`, in one place: how many. They stay where they are if they can. */
static size_t cursor_next(struct cursor *cursor, unsigned char *gathered, size_t most, const unsigned char **bytes) {
  size_t count = 0;
  *bytes = gathered;
  while (cursor->span < cursor->end && count < most) {
    const unsigned char *from = (const unsigned char *)cursor->span->iov_base + cursor->used;
    const size_t left = cursor->span->iov_len - cursor->used;
    const size_t taken = left < most - count ? left : most - count;
    if (count == 0 && (taken == most || cursor->span + 1 == cursor->end)) *bytes = from;
    else if (taken > 0) memcpy(gathered + count, from, taken);
    count += taken;
    cursor->used += taken;
    if (taken < left) break;
    cursor->span++;
    cursor->used = 0;
  }
  return count;
}

static ssize_t tls_write(struct connection *connection, const struct iovec *spans, int count) {
  struct tls_stream *stream = connection->secure;
  if (stream->phase != OPEN) return stream->phase == BROKEN ? TRANSPORT_FAILED : TRANSPORT_AGAIN;
  struct cursor cursor = {.span = spans, .end = spans + count};
  const int payload = mbedtls_ssl_get_max_out_record_payload(&stream->ssl);
  const size_t most = payload > 0 && payload < TLS_RECORD_MAX ? (size_t)payload : TLS_RECORD_MAX;
  size_t written = 0;
  for (;;) {
    const unsigned char *bytes;
    const size_t next = stream->held > 0 ? stream->held : most;
    const size_t length = cursor_next(&cursor, stream->context->gathered, next, &bytes);
    if (length == 0) return (ssize_t)written;
    const int code = mbedtls_ssl_write(&stream->ssl, bytes, length);
    if (code < 0 && code != MBEDTLS_ERR_SSL_WANT_WRITE) return stream_fail(stream, code);
    stream->held = code < 0 ? length : 0;
    if (code < 0) return written > 0 ? (ssize_t)written : TRANSPORT_AGAIN;
    written += (size_t)code;
  }
}

static void tls_finish(struct connection *connection) {
  struct tls_stream *stream = connection->secure;
  // Once: a socket that does not take these few bytes has a peer that does not read.
  if (stream->phase == OPEN && stream->held == 0) mbedtls_ssl_close_notify(&stream->ssl);
  shutdown(stream->fd, SHUT_WR);
}

static void tls_release(struct connection *connection) {
  struct tls_stream *stream = connection->secure;
  connection->secure = NULL;
  if (!stream) return;
  mbedtls_ssl_free(&stream->ssl);
  bytes_free(&stream->ahead);
  bytes_free(&stream->header);
  tls_context_drop(stream->context);
  free(stream);
}

const struct transport transport_tls = {
    .handshake = tls_handshake,
    .read = tls_read,
    .write = tls_write,
    .pending = tls_pending,
    .finish = tls_finish,
    .release = tls_release,
};

/* ----------------------------------------------------------------- beginning */

/* A client that goes by an address looks for it itself: mbedTLS before 3.4 knows names only. */
static int verify_address(void *user, mbedtls_x509_crt *certificate, int depth, uint32_t *flags) {
  const struct tls_stream *stream = user;
  if (depth == 0 && !tls_certifies_address(certificate, stream->address, stream->address_length)) {
    *flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
  }
  return 0;
}

/* Says whom a client wants to reach. */
static int stream_aim(struct tls_stream *stream, const char *name) {
  stream->address_length = tls_address(name, stream->address);
  if (stream->address_length == 0) return mbedtls_ssl_set_hostname(&stream->ssl, name);
  // RFC 6066 3: "Literal IPv4 and IPv6 addresses are not permitted".
  mbedtls_ssl_set_verify(&stream->ssl, verify_address, stream);
  return mbedtls_ssl_set_hostname(&stream->ssl, NULL);
}

int tls_begin(struct loop *loop, struct connection *connection, bool client, const char *name) {
  int code;
  struct tls_context *context = tls_take(loop, client, &code);
  if (!context) return code;
  struct tls_stream *stream = calloc(1, sizeof *stream);
  if (!stream) return tls_context_drop(context), fail(LIMPET_ERROR_CODE_MEMORY, "TLS: no memory for a connection");
  stream->context = context;
  stream->loop = loop;
  stream->fd = connection->fd;
  stream->client = client;
  stream->late = MBEDTLS_ERR_SSL_WANT_READ;
  const uint32_t trust = loop->server->settings->trust;
  const bool proxied = (trust & (LIMPET_TRUST_PROXY | LIMPET_TRUST_PROXY_REQUIRED)) != 0;
  stream->phase = !client && proxied ? HEADER : SHAKING;
  mbedtls_ssl_init(&stream->ssl);
  int result = mbedtls_ssl_setup(&stream->ssl, &context->config);
  if (result == 0 && client) result = stream_aim(stream, name);
  void *before = connection->secure;
  connection->secure = stream;
  if (result == 0) {
    mbedtls_ssl_set_bio(&stream->ssl, stream, bio_send, bio_receive, NULL);
    connection->transport = &transport_tls;
    return 0;
  }
  char words[TLS_WORDS_MAX];
  tls_release(connection);
  connection->secure = before;
  return fail(LIMPET_E_TLS, "TLS: a connection: %s", tls_words(result, words));
}
