/* Request head → response head. RFC 6455 4.2.2. For wslay, which begins behind it. */

#ifndef BENCH_UPGRADE_H
#define BENCH_UPGRADE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UPGRADE_HEAD_BYTES 2048
#define UPGRADE_RESPONSE_BYTES 160

typedef struct upgrade {
  size_t have;
  char head[UPGRADE_HEAD_BYTES];
} upgrade;

typedef enum upgrade_state { UPGRADE_MORE, UPGRADE_DONE, UPGRADE_REFUSED } upgrade_state;

/* Takes bytes of a head. DONE: `*used` of them were part of it, the response is a string. */
upgrade_state upgrade_take(upgrade *u, const uint8_t *bytes, size_t length, size_t *used,
                           char response[UPGRADE_RESPONSE_BYTES]);

/* Whether a head that is whole asks for this path. */
bool upgrade_asks(const upgrade *u, const char *path);

#endif
