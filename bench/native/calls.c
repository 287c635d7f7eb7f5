/* What a call into the core costs with the engine that this is linked with: nanoseconds of the cheapest
 * call there is, of one that looks a session up, and of a whole echo of 128 bytes without a socket. */

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "limpet_core.h"

#define ROUNDS 7
#define PAYLOAD 128

static double now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int32_t session, ingress, ring;
static uint8_t frame[8 + PAYLOAD];

static int abi_version(limpet_core *core) { return limpet_core_abi_version(core); }

static int tick(limpet_core *core) { return limpet_core_tick(core, 1); }

static int rx_room(limpet_core *core) { return limpet_core_rx_room(core, session); }

static int session_info(limpet_core *core) { return limpet_core_session_info(core, session); }

/* One read, one message, one send, one write: seven calls. */
static int echo(limpet_core *core) {
  uint8_t *memory = limpet_core_memory(core);
  struct limpet_event_ring events;
  struct limpet_event_record event;
  struct limpet_tx_record tx;
  if (limpet_core_rx_room(core, session) < (int32_t)sizeof frame) return -1;
  memcpy(memory + ingress, frame, sizeof frame);
  if (limpet_core_rx(core, session, ingress, sizeof frame, 2) != sizeof frame) return -1;
  memcpy(&events, memory + ring, sizeof events);
  memcpy(&event, memory + events.base + (events.tail & events.mask) * sizeof event, sizeof event);
  if (event.kind != LIMPET_EVENT_KIND_MESSAGE || event.len != PAYLOAD) return -1;
  if (limpet_core_send(core, session, event.code, (int32_t)event.ptr, PAYLOAD) < 0) return -1;
  limpet_core_event_ack(core, 1);
  if (limpet_core_tx_next(core) != session) return -1;
  memcpy(&tx, memory + limpet_core_tx(core, session), sizeof tx);
  return limpet_core_tx_ack(core, session, (int32_t)tx.bytes);
}

static void measure(limpet_core *core, const char *name, int (*call)(limpet_core *), int count) {
  double best_ns = 1e18;
  for (int round = 0; round < ROUNDS; round++) {
    const double began = now_ns();
    for (int i = 0; i < count; i++) {
      if (call(core) < -1) {
        printf("%s: refused\n", name);
        return;
      }
    }
    const double each_ns = (now_ns() - began) / count;
    if (each_ns < best_ns) best_ns = each_ns;
  }
  printf("%-14s %8.1f ns\n", name, best_ns);
}

int main(void) {
  limpet_core *core = limpet_core_new();
  if (core == NULL) {
    fprintf(stderr, "%s\n", limpet_core_failure());
    return 1;
  }
  session = limpet_core_attach(core, LIMPET_ROLE_SERVER, 0, 1);
  ingress = limpet_core_region(core, LIMPET_REGION_INGRESS);
  ring = limpet_core_events(core);
  /* RFC 6455 5.2: FIN and binary, masked, 126: two bytes of length, a masking key of zeros. */
  frame[0] = 0x82;
  frame[1] = 0x80 | 126;
  frame[3] = PAYLOAD;
  printf("%s\n", limpet_core_engine());
  measure(core, "abi_version", abi_version, 5000000);
  measure(core, "tick", tick, 2000000);
  measure(core, "rx_room", rx_room, 2000000);
  measure(core, "session_info", session_info, 2000000);
  measure(core, "echo 128 B", echo, 500000);
  limpet_core_free(core);
  return 0;
}
