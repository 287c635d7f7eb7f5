/* What the transport keeps of a connection under TLS, and what its files ask of each other.
 *
 *   accepted ─► HEADER ─► SHAKING ─► OPEN ─► close_notify, FIN      tls-handshake.c │ tls.c
 *                 │          │         │
 *                 └──────────┴─────────┴─► BROKEN
 *
 * HEADER is for connections whose peers may be proxies: what they say in front of TLS is taken off, and is what
 * read answers first. */

#ifndef LIMPET_TLS_STREAM_H
#define LIMPET_TLS_STREAM_H

#include "tls-context.h"

enum tls_phase { TLS_HEADER, TLS_SHAKING, TLS_OPEN, TLS_BROKEN };

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
  enum tls_phase phase;
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
  /* The name that the client asked for, or this client asks for; NULL for none. */
  char *name;
};

/* tls-stream.c */

static inline size_t bytes_left(const struct bytes *bytes) { return bytes->length - bytes->used; }
void bytes_free(struct bytes *bytes);
/* Moves up to `size` bytes; frees the memory with the last of them. */
size_t bytes_take(struct bytes *bytes, unsigned char *to, size_t size);
bool bytes_append(struct bytes *bytes, const unsigned char *from, size_t count);

/* recv(2): how many bytes, 0 at the end, MBEDTLS_ERR_SSL_WANT_READ, or MBEDTLS_ERR_NET_CONN_RESET and errno. */
ssize_t stream_receive(const struct tls_stream *stream, void *buffer, size_t size);
/* What mbedTLS calls: `user` is the stream. */
int stream_fetch(void *user, unsigned char *buffer, size_t size);
int stream_send(void *user, const unsigned char *bytes, size_t length);
/* Takes what mbedTLS left out of memory that other connections use, too; false without memory. */
bool stream_settle(struct tls_stream *stream);
/* The stream is broken: fail with words for mbedTLS's code, none for a connection that was reset later than in its
 * handshake; TRANSPORT_FAILED. */
int stream_fail(struct tls_stream *stream, int code);

/* tls-handshake.c: as struct transport has it. */
int stream_shake(struct connection *connection);

/* tls.c: as struct transport has it. */
void stream_release(struct connection *connection);

#endif
