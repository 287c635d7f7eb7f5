/* The bytes within TLS.
 *
 *   read:  what a proxy said, then records ─► plaintext
 *   write: spans ─► context->gathered ─► one record after the other ─► send
 *
 * mbedTLS has a record to be sent in a buffer of its own: while the socket does not take all of it, write answers
 * TRANSPORT_AGAIN for these bytes (`held`), and the same bytes have to come again, as those of a core's queue do. */

#include "tls-stream.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

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
  if (code == MBEDTLS_ERR_SSL_WANT_READ || code == MBEDTLS_ERR_SSL_WANT_WRITE)
    return TRANSPORT_AGAIN;
  // A FIN without close_notify: a Close frame says whether all was there. RFC 6455 7.1.4.
  if (code == 0 || code == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY || code == MBEDTLS_ERR_SSL_CONN_EOF)
    return 0;
  return stream_fail(stream, code);
}

/* Whether there are bytes that were received, and not read. */
static bool stream_has(const struct tls_stream *stream) {
  return mbedtls_ssl_get_bytes_avail(&stream->ssl) > 0 || bytes_left(&stream->ahead) > 0 ||
         stream->fresh_length > 0;
}

static ssize_t tls_read(struct connection *connection, void *buffer, size_t size) {
  struct tls_stream *stream = connection->secure;
  if (stream->phase == TLS_BROKEN) return TRANSPORT_FAILED;
  if (stream->phase != TLS_OPEN || size == 0) return TRANSPORT_AGAIN;
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
    if (!stream_has(stream)) break;
  }
  stream->mute = false;
  if (!stream_settle(stream)) return stream_fail(stream, MBEDTLS_ERR_SSL_ALLOC_FAILED);
  if (count == 0) return read_end(stream, code);
  if (code <= 0 && code != MBEDTLS_ERR_SSL_WANT_WRITE) stream->late = code;
  return (ssize_t)count;
}

static bool tls_pending(struct connection *connection) {
  const struct tls_stream *stream = connection->secure;
  if (stream->phase != TLS_OPEN) return false;
  return stream_has(stream) || bytes_left(&stream->header) > 0 ||
         stream->late != MBEDTLS_ERR_SSL_WANT_READ;
}

/* Where the writer of spans is. */
struct cursor {
  const struct iovec *span, *end;
  size_t used;
};

/* The next bytes of the spans, at most `most`, in one place: how many. They stay where they are if they can. */
static size_t cursor_next(struct cursor *cursor, unsigned char *gathered, size_t most,
                          const unsigned char **bytes) {
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
  if (stream->phase != TLS_OPEN)
    return stream->phase == TLS_BROKEN ? TRANSPORT_FAILED : TRANSPORT_AGAIN;
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
  if (stream->phase == TLS_OPEN && stream->held == 0) mbedtls_ssl_close_notify(&stream->ssl);
  shutdown(stream->fd, SHUT_WR);
}

void stream_release(struct connection *connection) {
  struct tls_stream *stream = connection->secure;
  connection->secure = NULL;
  if (!stream) return;
  mbedtls_ssl_free(&stream->ssl);
  bytes_free(&stream->ahead);
  bytes_free(&stream->header);
  free(stream->name);
  tls_context_drop(stream->context);
  free(stream);
}

const struct transport transport_tls = {
    .handshake = stream_shake,
    .read = tls_read,
    .write = tls_write,
    .pending = tls_pending,
    .finish = tls_finish,
    .release = stream_release,
};
