/* The module and WAMR, and nothing else: what a peer sends comes on stdin, what it is answered goes to stdout.
 * limpet_core.h is here for its constants and records; none of its functions is linked.
 *
 *   wamr build/limpet-micro.wasm < what-the-peer-sends > what-it-is-answered */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wasm_export.h>

#include "limpet_core.h"

static wasm_module_inst_t instance;
static wasm_exec_env_t env;

/* An export by its name. Words go in and one comes back in the first of them; all are i32. */
static int call(const char *name, int a, int b, int c, int d, int e) {
  uint32_t words[] = {(uint32_t)a, (uint32_t)b, (uint32_t)c, (uint32_t)d, (uint32_t)e};
  wasm_function_inst_t function = wasm_runtime_lookup_function(instance, name);
  const uint32_t count = function ? wasm_func_get_param_count(function, instance) : 0;
  if (function && wasm_runtime_call_wasm(env, function, count, words)) return (int)words[0];
  fprintf(stderr, "%s: %s\n", name, function ? wasm_runtime_get_exception(instance) : "no export");
  exit(1);
}

/* Linear memory: what the core calls a pointer is an offset there. */
static void *at(int ptr) { return wasm_runtime_addr_app_to_native(instance, (uint64_t)ptr); }

/* The oldest event: accepts what knocks, sends what comes back where it came from. */
static int answer(int session) {
  const struct limpet_event_ring *ring = at(call("limpet_events", 0, 0, 0, 0, 0));
  if (ring->head == ring->tail) return 0;
  const struct limpet_event_record *events = at((int)ring->base);
  const struct limpet_event_record *event = &events[ring->tail & ring->mask];
  if (event->kind == LIMPET_EVENT_KIND_UPGRADE) call("limpet_accept", session, 0, 0, 0, 0);
  if (event->kind == LIMPET_EVENT_KIND_MESSAGE)
    call("limpet_send", session, event->code, (int)event->ptr, (int)event->len, 0);
  call("limpet_event_ack", 1, 0, 0, 0, 0);
  return 1;
}

static void flush(int session) {
  const struct limpet_tx_record *tx = at(call("limpet_tx", session, 0, 0, 0, 0));
  const struct limpet_span *spans = (const struct limpet_span *)(tx + 1);
  for (uint32_t i = 0; i < tx->count; i++) fwrite(at((int)spans[i].ptr), 1, spans[i].len, stdout);
  fflush(stdout);
  call("limpet_tx_ack", session, (int)tx->bytes, 0, 0, 0);
}

int main(int argc, char **argv) {
  static uint8_t wasm[1 << 20];
  char why[128] = "usage: wamr MODULE";
  FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
  const size_t size = file ? fread(wasm, 1, sizeof wasm, file) : 0;
  wasm_module_t module = NULL;
  if (size && wasm_runtime_init())
    module = wasm_runtime_load(wasm, (uint32_t)size, why, sizeof why);
  if (module) instance = wasm_runtime_instantiate(module, 65536, 0, why, sizeof why);
  if (instance) env = wasm_runtime_create_exec_env(instance, 65536);
  if (!env) return fprintf(stderr, "%s\n", why), 1;

  const int ingress = call("limpet_region", LIMPET_REGION_INGRESS, 0, 0, 0, 0);
  const int session = call("limpet_open", 0, 0, 0, 0, 0);
  ssize_t got = 1;
  while (got > 0) {
    const int room = call("limpet_rx_room", session, 0, 0, 0, 0);
    if (room <= 0 || (got = read(0, at(ingress), (size_t)room)) <= 0) break;
    /* It takes fewer bytes than it is given where an answer of ours comes first. */
    for (int from = ingress, left = (int)got, moved = 1; moved; flush(session)) {
      const int took = call("limpet_rx", session, from, left, 0, 0);
      from += took, left -= took;
      moved = answer(session) || took > 0;
    }
  }
  return 0;
}
