/* Messages ↔ sockets by libwebsockets. */

#include "lws-server.h"

#include <stdlib.h>
#include <string.h>

#include "listen.h"

/* What lws-context-vhost.h names for throughput; a connection has as much for a frame. */
#define BUFFER_BYTES (128 * 1024)
/* Payloads are not cut by lws: 16 MiB is more than any here. */
#define SEND_BYTES (16 * 1024 * 1024)

static message *grow(message *m, size_t room) {
  message *grown = realloc(m, sizeof *m + LWS_PRE + room);
  if (!grown) listen_fail("realloc");
  grown->room = room;
  return grown;
}

message *server_join(struct lws *wsi, message **partial, const void *bytes, size_t length) {
  message *m = *partial;
  if (!m) {
    m = grow(NULL, length + lws_remaining_packet_payload(wsi));
    m->next = NULL;
    m->length = 0;
    m->kind = lws_frame_is_binary(wsi) ? LWS_WRITE_BINARY : LWS_WRITE_TEXT;
  } else if (m->room - m->length < length) {
    m = grow(m, 2 * (m->length + length));
  }
  memcpy(m->bytes + LWS_PRE + m->length, bytes, length);
  m->length += length;
  const bool whole = lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0;
  *partial = whole ? NULL : m;
  return whole ? m : NULL;
}

bool server_write(struct lws *wsi, message *m) {
  return lws_write(wsi, m->bytes + LWS_PRE, m->length, m->kind) >= 0 && !lws_partial_buffered(wsi);
}

int server_run(lws_callback_function *callback, size_t session_size) {
  const struct lws_protocols protocols[] = {
      {
          .name = "bench",
          .callback = callback,
          .per_session_data_size = session_size,
          .rx_buffer_size = BUFFER_BYTES,
          .tx_packet_size = SEND_BYTES,
      },
      {.name = NULL},
  };
  struct lws_context_creation_info info;
  memset(&info, 0, sizeof info);
  info.iface = "127.0.0.1";
  info.protocols = protocols;
  info.pt_serv_buf_size = BUFFER_BYTES;
  info.options = LWS_SERVER_OPTION_DISABLE_IPV6 | LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME;
  lws_set_log_level(LLL_ERR | LLL_WARN, NULL);
  listen_raise_files();
  struct lws_context *context = lws_create_context(&info);
  struct lws_vhost *host = context ? lws_get_vhost_by_name(context, "default") : NULL;
  if (!host) listen_fail("lws_create_context");
  listen_print(lws_get_vhost_listen_port(host));
  while (lws_service(context, 0) >= 0) continue;
  lws_context_destroy(context);
  return 1;
}
