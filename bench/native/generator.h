/* What the load generators of the native bench share: flags, opening a connection, the measured
 * window, and how they end. The sister of bench/generator.ts: the same flags, the same line of JSON.
 *
 *   open all │ warm-up │ measured window: count, clock, CPU time at both ends │ drain
 */

#ifndef BENCH_GENERATOR_H
#define BENCH_GENERATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* RFC 6455 5.2: FIN, and the opcode of a binary message. */
#define FIN_BINARY 0x82
#define HEADER_BYTES_MAX 14

typedef struct options {
  int port;
  const char *path;
  int pid;
  size_t size;
  int inflight;
  int connections;
  double seconds;
  double warmup;
  /* Not a WebSocket: what is sent comes back as it is. */
  bool raw;
} options;

typedef enum phase { WARMING, MEASURING, DRAINING } phase;

/* What has come so far; the generator counts here. */
extern uint64_t progress_messages;
extern uint64_t progress_bytes;

options generator_options(int argc, char **argv);

/* A connection that is open, upgraded unless it is raw, and non-blocking from now on. */
int generator_connect(const options *o, const char *path);

/* A frame's header; with a masking key, masked. RFC 6455 5.2. */
size_t generator_header(uint8_t *to, size_t payload_length, bool masked);

/* A whole frame in memory of its own, masked as a client's or not. */
uint8_t *generator_frame(const uint8_t *payload, size_t payload_length, bool masked,
                         size_t *length);

/* ---- time */

void generator_begin(const options *o);

/* The phase of now; the clocks are read where one becomes another. */
phase generator_phase(const options *o);

/* Milliseconds until the phase may change, for epoll_wait; in the drain, until it took too long. */
int generator_wait_ms(void);

/* ---- ending */

/* Prints the measured window and ends the process. */
_Noreturn void generator_finish(void);

/* Prints {"error": "…"} and ends the process. */
_Noreturn void generator_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

void *generator_allocate(size_t bytes);

#endif
