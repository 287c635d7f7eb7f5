/* The counters of a loop's core -> any thread.
 *
 *   the loop, each turn ─► words of struct counters ─► any thread      `turn` is odd while they are written
 *
 * A record of 44 words is copied each turn: less than a hundredth of what the turn's system calls take. */

#include "counters.h"

#include <string.h>

#include "bounds.h"
#include "loop.h"
#include "memory.h"

#define WORDS (LIMPET_STATS_RECORD_SIZE / sizeof(uint64_t))
LIMPET_STATIC_ASSERT(LIMPET_STATS_RECORD_SIZE % sizeof(uint64_t) == 0, "whole words");

struct counters {
  _Atomic uint32_t turn;
  _Atomic uint64_t words[WORDS];
};

struct counters *counters_new(limpet_server *server) {
  struct counters *counters = memory_table(server, sizeof *counters);
  if (!counters) (void)fail(LIMPET_ERROR_CODE_MEMORY, "no memory for counters");
  return counters;
}

void counters_publish(struct loop *loop) {
  struct counters *counters = loop->counters;
  const uint64_t *from = (const void *)loop->stats;
  const uint32_t turn = atomic_load_explicit(&counters->turn, memory_order_relaxed);
  atomic_store_explicit(&counters->turn, turn + 1, memory_order_relaxed);
  atomic_thread_fence(memory_order_release);
  for (size_t i = 0; i < WORDS; i++) {
    atomic_store_explicit(&counters->words[i], from[i], memory_order_relaxed);
  }
  atomic_store_explicit(&counters->turn, turn + 2, memory_order_release);
}

void counters_read(const struct loop *loop, struct limpet_stats_record *record) {
  if (loop_is_mine(loop)) {
    *record = *loop->stats;
    return;
  }
  uint64_t words[WORDS];
  for (;;) {
    const uint32_t turn = atomic_load_explicit(&loop->counters->turn, memory_order_acquire);
    for (size_t i = 0; i < WORDS; i++) {
      words[i] = atomic_load_explicit(&loop->counters->words[i], memory_order_relaxed);
    }
    atomic_thread_fence(memory_order_acquire);
    const uint32_t after = atomic_load_explicit(&loop->counters->turn, memory_order_relaxed);
    if (turn == after && turn % 2 == 0) break;
  }
  memcpy(record, words, sizeof words);
}

/* ------------------------------------------------------------- over all loops */

/* The first field that is no 64-bit counter, and what comes before. */
#define WIDE_COUNT (LIMPET_STATS_RECORD_RTT_LEAST_OFFSET / sizeof(uint64_t))
#define NARROW_COUNT \
  ((LIMPET_STATS_RECORD_SIZE - LIMPET_STATS_RECORD_RTT_LEAST_OFFSET) / sizeof(uint32_t))

/* Pools and what was counted add up; of round-trip times the least and the most count. */
static void counters_add(struct limpet_stats_record *sum, const struct limpet_stats_record *one) {
  const uint32_t least =
      sum->rtt_least != 0 && (one->rtt_least == 0 || sum->rtt_least < one->rtt_least)
          ? sum->rtt_least
          : one->rtt_least;
  const uint32_t most = sum->rtt_most > one->rtt_most ? sum->rtt_most : one->rtt_most;
  uint64_t *wide = (void *)sum;
  const uint64_t *wide_one = (const void *)one;
  for (size_t i = 0; i < WIDE_COUNT; i++) wide[i] += wide_one[i];
  uint32_t *narrow = (uint32_t *)(wide + WIDE_COUNT);
  const uint32_t *narrow_one = (const uint32_t *)(wide_one + WIDE_COUNT);
  for (size_t i = 0; i < NARROW_COUNT; i++) narrow[i] += narrow_one[i];
  sum->rtt_least = least;
  sum->rtt_most = most;
}

int limpet_server_stats(const limpet_server *server, struct limpet_stats_record *stats) {
  if (!server || !stats)
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "limpet_server_stats takes a server and a record");
  counters_read(server->loops[0], stats);
  for (int i = 1; i < server->loop_count; i++) {
    struct limpet_stats_record one;
    counters_read(server->loops[i], &one);
    counters_add(stats, &one);
  }
  stats->sessions_full += bounds_refused(server);
  return 0;
}

uint32_t limpet_server_active_count(const limpet_server *server) {
  struct limpet_stats_record stats;
  return limpet_server_stats(server, &stats) == 0 ? stats.active : 0;
}

uint64_t limpet_server_total_count(const limpet_server *server) {
  struct limpet_stats_record stats;
  return limpet_server_stats(server, &stats) == 0 ? stats.opened : 0;
}

uint64_t limpet_server_total_messages(const limpet_server *server) {
  struct limpet_stats_record stats;
  return limpet_server_stats(server, &stats) == 0 ? stats.messages_in + stats.messages_out : 0;
}
