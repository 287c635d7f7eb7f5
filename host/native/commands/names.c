/* UTF-8 → code points → what a name may not hold: Unicode's categories Z, Cc, Cf and Co, but the space U+0020.
 *
 * The text came in a message: it is UTF-8, the core has looked at that. RFC 6455 8.1. */

#include "names.h"

#include <stdint.h>
#include <stdlib.h>
#include <wctype.h>

struct range {
  uint32_t first, last;
};

/* White space: category Z but the space, and the byte order mark; controls are below. */
static const struct range SPACES[] = {
    {0x00a0, 0x00a0}, {0x1680, 0x1680}, {0x2000, 0x200a}, {0x2028, 0x2029},
    {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}, {0xfeff, 0xfeff},
};

/* Controls, formats (they are not seen, and turn what is around them), and private use. Unicode 15, Cc, Cf, Co. */
static const struct range UNSEEN[] = {
    {0x0000, 0x001f},   {0x007f, 0x009f},   {0x00ad, 0x00ad},    {0x0600, 0x0605},
    {0x061c, 0x061c},   {0x06dd, 0x06dd},   {0x070f, 0x070f},    {0x0890, 0x0891},
    {0x08e2, 0x08e2},   {0x180e, 0x180e},   {0x200b, 0x200f},    {0x202a, 0x202e},
    {0x2060, 0x206f},   {0xe000, 0xf8ff},   {0xfff9, 0xfffb},    {0x110bd, 0x110bd},
    {0x110cd, 0x110cd}, {0x13430, 0x1343f}, {0x1bca0, 0x1bca3},  {0x1d173, 0x1d17a},
    {0xe0001, 0xe0001}, {0xe0020, 0xe007f}, {0xf0000, 0x10ffff},
};

static bool within(uint32_t point, const struct range *ranges, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (point >= ranges[i].first && point <= ranges[i].last) return true;
  }
  return false;
}

static bool is_space(uint32_t point) {
  return point == ' ' || (point >= 0x09 && point <= 0x0d) ||
         within(point, SPACES, sizeof SPACES / sizeof *SPACES);
}

/* The code point at `*at`, which moves behind it. RFC 3629 3. */
static uint32_t next_point(const char **at, const char *end) {
  const unsigned char *bytes = (const unsigned char *)*at;
  size_t left = (size_t)(end - *at);
  int more = bytes[0] < 0x80 ? 0 : bytes[0] < 0xe0 ? 1 : bytes[0] < 0xf0 ? 2 : 3;
  if ((size_t)more >= left) more = (int)left - 1;
  uint32_t point = more == 0 ? bytes[0] : bytes[0] & (0x3fu >> more);
  for (int i = 1; i <= more; i++) point = point << 6 | (bytes[i] & 0x3fu);
  *at += more + 1;
  return point;
}

char *names_trim(char *text, size_t *length) {
  const char *end = text + *length;
  char *from = text + *length, *to = from;
  bool seen = false;
  for (const char *at = text; at < end;) {
    char *begin = text + (at - text);
    if (is_space(next_point(&at, end))) continue;
    if (!seen) from = begin;
    seen = true;
    to = text + (at - text);
  }
  *to = 0;
  *length = (size_t)(to - from);
  return from;
}

size_t names_units(const char *text, size_t length) {
  size_t units = 0;
  const char *at = text, *end = text + length;
  while (at < end) units += next_point(&at, end) > 0xffff ? 2 : 1;
  return units;
}

bool names_fit(const char *text, size_t length) {
  const char *at = text, *end = text + length;
  while (at < end) {
    uint32_t point = next_point(&at, end);
    if (point != ' ' && is_space(point)) return false;
    if (within(point, UNSEEN, sizeof UNSEEN / sizeof *UNSEEN)) return false;
  }
  return true;
}

/* The next letter in small, 0 at the end. */
static uint32_t next_small(const char **at) {
  const char *end = *at;
  /* No character is longer; the zero byte is none of it. */
  for (int i = 0; i < 4 && *end; i++) end++;
  if (end == *at) return 0;
  return (uint32_t)towlower((wint_t)next_point(at, end));
}

bool names_same(const char *one, const char *other) {
  for (;;) {
    uint32_t a = next_small(&one), b = next_small(&other);
    if (a != b) return false;
    if (a == 0) return true;
  }
}
