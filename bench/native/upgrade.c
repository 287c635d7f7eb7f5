/* Request head → response head. RFC 6455 4.2.2; SHA-1: RFC 3174; base64: RFC 4648 4. */

#define _GNU_SOURCE

#include "upgrade.h"

#include <stdio.h>
#include <string.h>

/* 16 bytes in base64. */
#define KEY_BYTES 24
/* 20 bytes in base64. */
#define ACCEPT_BYTES 28
#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

/* ---- the accept */

static uint32_t rotate(uint32_t x, int bits) { return x << bits | x >> (32 - bits); }

static void sha1_block(uint32_t h[5], const uint8_t block[64]) {
  uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
  for (int i = 0; i < 16; i++) {
    const uint8_t *at = block + 4 * i;
    w[i] = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
  }
  for (int i = 16; i < 80; i++) w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
  for (int i = 0; i < 80; i++) {
    uint32_t f, k;
    if (i < 20) f = (b & c) | (~b & d), k = 0x5a827999;
    else if (i < 40) f = b ^ c ^ d, k = 0x6ed9eba1;
    else if (i < 60) f = (b & c) | (b & d) | (c & d), k = 0x8f1bbcdc;
    else f = b ^ c ^ d, k = 0xca62c1d6;
    uint32_t next = rotate(a, 5) + f + e + k + w[i];
    e = d, d = c, c = rotate(b, 30), b = a, a = next;
  }
  h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
}

/* The key and the GUID are 60 bytes, so their padding ends the second block. */
static void sha1_key(const char key[KEY_BYTES], uint8_t digest[20]) {
  uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  uint8_t blocks[128] = {0};
  const size_t length = KEY_BYTES + sizeof GUID - 1;
  memcpy(blocks, key, KEY_BYTES);
  memcpy(blocks + KEY_BYTES, GUID, sizeof GUID - 1);
  blocks[length] = 0x80;
  blocks[126] = (uint8_t)(length * 8 >> 8);
  blocks[127] = (uint8_t)(length * 8);
  sha1_block(h, blocks);
  sha1_block(h, blocks + 64);
  for (int i = 0; i < 20; i++) digest[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
}

static void base64(const uint8_t digest[20], char text[ACCEPT_BYTES + 1]) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  char *out = text;
  for (int i = 0; i < 20; i += 3) {
    uint32_t three = (uint32_t)digest[i] << 16 | (uint32_t)digest[i + 1] << 8;
    if (i + 2 < 20) three |= digest[i + 2];
    for (int shift = 18; shift >= 0; shift -= 6) *out++ = digits[three >> shift & 63];
  }
  text[ACCEPT_BYTES - 1] = '=';
  text[ACCEPT_BYTES] = '\0';
}

/* ---- the head */

/* The value of a field, without blanks before it; NULL when there is none of that length. */
static const char *field(const char *head, const char *name, size_t length) {
  const char *at = strcasestr(head, name);
  if (!at) return NULL;
  at += strlen(name);
  at += strspn(at, " \t");
  return strcspn(at, "\r") == length ? at : NULL;
}

upgrade_state upgrade_take(upgrade *u, const uint8_t *bytes, size_t length, size_t *used,
                           char response[UPGRADE_RESPONSE_BYTES]) {
  size_t had = u->have, room = sizeof u->head - 1 - had;
  size_t n = length < room ? length : room;
  memcpy(u->head + had, bytes, n);
  u->have += n;
  u->head[u->have] = '\0';
  const char *end = strstr(u->head, "\r\n\r\n");
  if (!end) return n < length ? UPGRADE_REFUSED : UPGRADE_MORE;
  *used = (size_t)(end + 4 - u->head) - had;

  const char *key = field(u->head, "\r\nSec-WebSocket-Key:", KEY_BYTES);
  if (!key) return UPGRADE_REFUSED;
  uint8_t digest[20];
  char accept[ACCEPT_BYTES + 1];
  sha1_key(key, digest);
  base64(digest, accept);
  snprintf(response, UPGRADE_RESPONSE_BYTES,
           "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Accept: %s\r\n\r\n",
           accept);
  return UPGRADE_DONE;
}

bool upgrade_asks(const upgrade *u, const char *path) {
  const size_t length = strlen(path);
  return strncmp(u->head, "GET ", 4) == 0 && strncmp(u->head + 4, path, length) == 0 &&
         u->head[4 + length] == ' ';
}
