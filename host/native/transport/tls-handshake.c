/* A descriptor of which nothing was read ─► a stream under TLS. RFC 5246, RFC 8446; PROXY 2.1 in front of it. */

#include "tls-stream.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A client that goes by an address looks for it itself: mbedTLS before 3.4 knows names only. */
static int verify_address(void *user, mbedtls_x509_crt *certificate, int depth, uint32_t *flags) {
  const struct tls_stream *stream = user;
  if (depth == 0 && !tls_certifies_address(certificate, stream->address, stream->address_length)) {
    *flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
  }
  return 0;
}

void tls_asked(struct tls_stream *stream, const char *name, size_t length) {
  free(stream->name);
  stream->name = strndup(name, length);
}

/* Says whom a client wants to reach. */
static int stream_aim(struct tls_stream *stream, const char *name) {
  stream->address_length = tls_address(name, stream->address);
  if (stream->address_length == 0) {
    tls_asked(stream, name, strlen(name));
    return mbedtls_ssl_set_hostname(&stream->ssl, name);
  }
  // RFC 6066 3: "Literal IPv4 and IPv6 addresses are not permitted".
  mbedtls_ssl_set_verify(&stream->ssl, verify_address, stream);
  return mbedtls_ssl_set_hostname(&stream->ssl, NULL);
}

int tls_begin(struct loop *loop, struct connection *connection, bool client, const char *name) {
  int code;
  struct tls_context *context = tls_take(loop, client, &code);
  if (!context) return code;
  struct tls_stream *stream = calloc(1, sizeof *stream);
  if (!stream)
    return tls_context_drop(context),
           fail(LIMPET_ERROR_CODE_MEMORY, "TLS: no memory for a connection");
  stream->context = context;
  stream->loop = loop;
  stream->fd = connection->fd;
  stream->client = client;
  stream->late = MBEDTLS_ERR_SSL_WANT_READ;
  const uint32_t trust = loop->server->settings->trust;
  const bool proxied = (trust & (LIMPET_TRUST_PROXY | LIMPET_TRUST_PROXY_REQUIRED)) != 0;
  stream->phase = !client && proxied ? TLS_HEADER : TLS_SHAKING;
  mbedtls_ssl_init(&stream->ssl);
  int result = mbedtls_ssl_setup(&stream->ssl, &context->config);
  if (result == 0 && client) result = stream_aim(stream, name);
  void *before = connection->secure;
  connection->secure = stream;
  if (result == 0) {
    mbedtls_ssl_set_bio(&stream->ssl, stream, stream_send, stream_fetch, NULL);
    connection->transport = &transport_tls;
    return 0;
  }
  char words[TLS_WORDS_MAX];
  stream_release(connection);
  connection->secure = before;
  return fail(LIMPET_E_TLS, "TLS: a connection: %s", tls_words(result, words));
}

/* -------------------------------------------------------- in front of the handshake */

static int fail_header(struct tls_stream *stream, const char *why) {
  stream->phase = TLS_BROKEN;
  fail(LIMPET_E_TLS, "the PROXY protocol header in front of TLS %s", why);
  return TRANSPORT_FAILED;
}

/* How long the header in `ahead` is, as limpet_core_proxy_length answers. */
static int32_t header_length(const struct tls_stream *stream) {
  const struct loop *loop = stream->loop;
  const size_t count = stream->ahead.length;
  if (count > 0) {
    memcpy(loop->memory + loop->scratch, stream->ahead.at,
           count < LIMPET_PROXY_LINE_MAX ? count : LIMPET_PROXY_LINE_MAX);
  }
  return limpet_core_proxy_length(loop->core, (int32_t)loop->scratch, (int32_t)count);
}

/* Takes a proxy's header off: POLLIN until it is whole, 0 then; TRANSPORT_FAILED. */
static int header_take(struct tls_stream *stream) {
  const uint32_t trust = stream->loop->server->settings->trust;
  for (;;) {
    const int32_t length = header_length(stream);
    if (length == LIMPET_ERROR_CODE_ABSENT && !(trust & LIMPET_TRUST_PROXY_REQUIRED)) return 0;
    if (length < 0)
      return fail_header(stream, length == LIMPET_ERROR_CODE_ABSENT ? "is absent" : "is malformed");
    if ((size_t)length <= stream->ahead.length) {
      if (!bytes_append(&stream->header, stream->ahead.at, (size_t)length))
        return fail_header(stream, "has no memory");
      stream->ahead.used = (size_t)length;
      if (bytes_left(&stream->ahead) == 0) bytes_free(&stream->ahead);
      return 0;
    }
    const ssize_t got = stream_receive(stream, stream->context->received, TLS_RECEIVE_BYTES);
    if (got == 0) return fail_header(stream, "is cut off");
    if (got == MBEDTLS_ERR_SSL_WANT_READ) return POLLIN;
    if (got < 0) return stream_fail(stream, (int)got);
    const bool kept = bytes_append(&stream->ahead, stream->context->received, (size_t)got);
    if (!kept) return fail_header(stream, "has no memory");
  }
}

/* --------------------------------------------------------------- the handshake */

/* Where certificates are optional mbedTLS lets bad ones in: a server takes none, or one that is good. */
static bool is_refused(const struct tls_stream *stream) {
  const uint32_t absent = MBEDTLS_X509_BADCERT_MISSING | MBEDTLS_X509_BADCERT_SKIP_VERIFY;
  return !stream->client && (mbedtls_ssl_get_verify_result(&stream->ssl) & ~absent) != 0;
}

int stream_shake(struct connection *connection) {
  struct tls_stream *stream = connection->secure;
  if (stream->phase == TLS_OPEN) return 0;
  if (stream->phase == TLS_BROKEN) return TRANSPORT_FAILED;
  if (stream->phase == TLS_HEADER) {
    const int wants = header_take(stream);
    if (wants != 0) return wants;
    stream->phase = TLS_SHAKING;
  }
  stream->context->shaking = stream;
  const int code = mbedtls_ssl_handshake(&stream->ssl);
  stream->context->shaking = NULL;
  if (!stream_settle(stream)) return stream_fail(stream, MBEDTLS_ERR_SSL_ALLOC_FAILED);
  if (code == MBEDTLS_ERR_SSL_WANT_READ) return POLLIN;
  if (code == MBEDTLS_ERR_SSL_WANT_WRITE) return POLLOUT;
  if (code != 0) return stream_fail(stream, code);
  if (is_refused(stream)) {
    mbedtls_ssl_send_alert_message(&stream->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL,
                                   MBEDTLS_SSL_ALERT_MSG_BAD_CERT);
    return stream_fail(stream, MBEDTLS_ERR_X509_CERT_VERIFY_FAILED);
  }
  stream->phase = TLS_OPEN;
  return 0;
}

/* -------------------------------------------------------------------- details */

/* IANA's name of a suite: mbedTLS has other marks between. */
static void suite_name(const char *own, char *name, size_t size) {
  const bool is_new = strncmp(own, "TLS1-3-", 7) == 0;
  snprintf(name, size, "%s%s", is_new ? "TLS-" : "", is_new ? own + 7 : own);
  for (; *name; name++) *name = *name == '-' ? '_' : *name;
}

int limpet_session_tls(limpet_session session, struct limpet_tls_details *details) {
  if (!details) return fail(LIMPET_ERROR_CODE_ARGUMENT, "limpet_session_tls takes details");
  struct loop *loop;
  struct connection *connection;
  const int code = loop_enter(session, &loop, &connection);
  if (code != 0) return refuse(code);
  const struct tls_stream *stream =
      connection->transport == &transport_tls ? connection->secure : NULL;
  if (!stream || stream->phase != TLS_OPEN) return refuse(LIMPET_ERROR_CODE_ABSENT);
  memset(details, 0, sizeof *details);
  snprintf(details->version, sizeof details->version, "%s", mbedtls_ssl_get_version(&stream->ssl));
  suite_name(mbedtls_ssl_get_ciphersuite(&stream->ssl), details->suite, sizeof details->suite);
  snprintf(details->server_name, sizeof details->server_name, "%s",
           stream->name ? stream->name : "");
  const mbedtls_x509_crt *peer = mbedtls_ssl_get_peer_cert(&stream->ssl);
  if (peer && mbedtls_x509_dn_gets(details->peer, sizeof details->peer, &peer->subject) < 0)
    details->peer[0] = 0;
  return 0;
}
