/* A descriptor ─► bytes for mbedTLS; mbedTLS's codes ─► words.
 *
 *   recv ─► context->received ─► mbedTLS ─► what it left ─► stream->ahead, until the next read
 *
 * One recv takes as much as there is, into memory that all connections of a loop share: what one read could not
 * take stays on the heap until the next. */

#include "tls-stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <mbedtls/net_sockets.h>

void bytes_free(struct bytes *bytes) {
  free(bytes->at);
  *bytes = (struct bytes){0};
}

size_t bytes_take(struct bytes *bytes, unsigned char *to, size_t size) {
  const size_t left = bytes_left(bytes);
  const size_t count = left < size ? left : size;
  if (count == 0) return 0;
  memcpy(to, bytes->at + bytes->used, count);
  bytes->used += count;
  if (count == left) bytes_free(bytes);
  return count;
}

bool bytes_append(struct bytes *bytes, const unsigned char *from, size_t count) {
  unsigned char *grown = realloc(bytes->at, bytes->length + count);
  if (!grown) return false;
  memcpy(grown + bytes->length, from, count);
  bytes->at = grown;
  bytes->length += count;
  return true;
}

/* ------------------------------------------------------------- the descriptor */

static int socket_result(int again) {
  return errno == EAGAIN || errno == EWOULDBLOCK ? again : MBEDTLS_ERR_NET_CONN_RESET;
}

ssize_t stream_receive(const struct tls_stream *stream, void *buffer, size_t size) {
  ssize_t count;
  do count = recv(stream->fd, buffer, size, 0);
  while (count < 0 && errno == EINTR);
  return count < 0 ? socket_result(MBEDTLS_ERR_SSL_WANT_READ) : count;
}

/* More bytes for mbedTLS: as many as came are fetched at once. */
static int fetch(struct tls_stream *stream, unsigned char *buffer, size_t size) {
  size_t count = bytes_take(&stream->ahead, buffer, size);
  if (count > 0) return (int)count;
  if (stream->fresh_length == 0) {
    const ssize_t got = stream_receive(stream, stream->context->received, TLS_RECEIVE_BYTES);
    if (got < 0) return (int)got;
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

int stream_fetch(void *user, unsigned char *buffer, size_t size) {
  struct tls_stream *stream = user;
  const int count = fetch(stream, buffer, size);
  if (count > 0 && !stream->heard) {
    stream->heard = true;
    // RFC 8446 5.1: alert(21), handshake(22).
    stream->foreign = buffer[0] != 21 && buffer[0] != 22;
  }
  return count;
}

int stream_send(void *user, const unsigned char *bytes, size_t length) {
  const struct tls_stream *stream = user;
  ssize_t count;
  if (stream->mute) return MBEDTLS_ERR_SSL_WANT_WRITE;
  do count = send(stream->fd, bytes, length, MSG_NOSIGNAL);
  while (count < 0 && errno == EINTR);
  return count < 0 ? socket_result(MBEDTLS_ERR_SSL_WANT_WRITE) : (int)count;
}

bool stream_settle(struct tls_stream *stream) {
  const size_t count = stream->fresh_length;
  stream->fresh_length = 0;
  return count == 0 || bytes_append(&stream->ahead, stream->fresh, count);
}

/* ---------------------------------------------------------------------- words */

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
    default: return "";
  }
}

/* Why a certificate was not taken, in mbedTLS's words. */
static int fail_verification(uint32_t flags) {
  char words[2 * TLS_WORDS_MAX];
  int length = mbedtls_x509_crt_verify_info(words, sizeof words, "", flags);
  while (length > 0 && words[length - 1] == '\n') length--;
  for (int i = 0; i < length; i++) words[i] = words[i] == '\n' ? ';' : words[i];
  return fail(LIMPET_E_TLS, "TLS: the certificate of the peer: %.*s", length > 0 ? length : 0,
              words);
}

int stream_fail(struct tls_stream *stream, int code) {
  char words[TLS_WORDS_MAX];
  const bool shaking = stream->phase != TLS_OPEN;
  stream->phase = TLS_BROKEN;
  // A connection that is reset says so as one without TLS does: by its end.
  if (code == MBEDTLS_ERR_NET_CONN_RESET && !shaking) refuse(LIMPET_E_TLS);
  else if (code == MBEDTLS_ERR_NET_CONN_RESET)
    fail(LIMPET_E_TLS, "TLS: the connection broke: %s", strerror(errno));
  else if (code == MBEDTLS_ERR_SSL_CONN_EOF)
    fail(LIMPET_E_TLS, "TLS: the peer left before the handshake ended");
  else if (code == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED)
    fail_verification(mbedtls_ssl_get_verify_result(&stream->ssl));
  else
    fail(LIMPET_E_TLS, "TLS%s: %s%s", shaking ? " handshake" : "", tls_words(code, words),
         advice(stream, code));
  return TRANSPORT_FAILED;
}
