/* Memory of a server beside the core's ─► the heap, or pieces of what limpet_config_set_memory gave.
 *
 *   server | loop | table of connections | sets of rows | the poller's | the core | what is rare
 *
 * The tables come first and stay. What is rare comes and goes behind them: bytes that were read and not
 * taken, payloads outside of the core, clients that connect, messages of the blocking calls. */

#include "memory.h"

#include <stdlib.h>
#include <string.h>

#include "block.h"
#include "loop.h"
#include "poller/external.h"

/* How many connections may have something rare that is as long as one read, at the same time. */
#define RARE_MAX 16
/* What a loop has beside its tables: counters and other records of a few hundred bytes. */
#define RECORDS_BYTES ((size_t)4 << 10)

limpet_server *memory_server(const limpet_config *config) {
  if (!config->memory) {
    limpet_server *server = calloc(1, sizeof *server);
    if (!server) fail(LIMPET_ERROR_CODE_MEMORY, "no memory for a server");
    return server;
  }
  if (config->threads > 1) {
    fail(LIMPET_ERROR_CODE_ARGUMENT, "limpet_config_set_memory: for one thread only");
    return NULL;
  }
  const size_t need = limpet_config_memory_size(config);
  struct block *block =
      config->memory_bytes < need ? NULL : block_begin(config->memory, config->memory_bytes);
  limpet_server *server = block ? block_take(block, sizeof *server) : NULL;
  if (!server) {
    fail(LIMPET_E_STORAGE, "limpet_config_set_memory: %zu bytes in place of %zu",
         config->memory_bytes, need);
    return NULL;
  }
  memset(server, 0, sizeof *server);
  server->memory = block;
  return server;
}

void memory_server_free(limpet_server *server) {
  if (!server->memory) free(server);
}

void *memory_table(limpet_server *server, size_t bytes) {
  if (!server->memory) return calloc(1, bytes);
  void *table = block_take(server->memory, bytes);
  return table ? memset(table, 0, bytes) : NULL;
}

void *memory_take(limpet_server *server, size_t bytes) {
  return server->memory ? block_take(server->memory, bytes) : malloc(bytes);
}

void *memory_grow(limpet_server *server, void *piece, size_t bytes) {
  if (!server->memory) return realloc(piece, bytes);
  void *larger = block_take(server->memory, bytes);
  if (!larger || !piece) return larger;
  const size_t had = block_piece(piece);
  memcpy(larger, piece, had < bytes ? had : bytes);
  block_give(server->memory, piece);
  return larger;
}

void memory_give(limpet_server *server, void *piece) {
  if (!server->memory) free(piece);
  else if (piece) block_give(server->memory, piece);
}

limpet_core *memory_core(limpet_server *server) {
  const size_t bytes = server->memory ? limpet_core_bytes() : 0;
  if (bytes == 0) return limpet_core_new();
  void *place = block_take(server->memory, bytes);
  return place ? limpet_core_new_in(place, bytes) : NULL;
}

/* ------------------------------------------------------------------ how much it is */

/* How many sessions the core's pool has; 0 without memory for a core. */
static uint32_t pool_size(void) {
  limpet_core *core = limpet_core_new();
  if (!core) return 0;
  const struct limpet_stats_record *stats =
      (const void *)(limpet_core_memory(core) + limpet_core_stats(core));
  const uint32_t sessions = stats->sessions;
  limpet_core_free(core);
  return sessions;
}

size_t limpet_config_memory_size(const limpet_config *config) {
  if (!config) return 0;
  const uint32_t rows = config->max_connections > 0 ? config->max_connections : pool_size();
  const size_t own = POLLING_DEFAULT->bytes(rows), external = polling_external.bytes(rows);
  const size_t rare = block_room(sizeof(struct extra)) + block_room(MEMORY_READ_MAX);
  return block_overhead() + RECORDS_BYTES + block_room(sizeof(limpet_server)) +
         block_room(sizeof(struct loop *)) + block_room(sizeof(struct loop)) +
         block_room(rows * sizeof(struct connection)) + 3 * block_room(row_set_bytes(rows)) +
         (own > external ? own : external) +
         (limpet_core_bytes() > 0 ? block_room(limpet_core_bytes()) : 0) +
         (rows < RARE_MAX ? rows : RARE_MAX) * rare + rows * block_room(sizeof(struct extra));
}

int limpet_config_set_memory(limpet_config *config, void *memory, size_t bytes) {
  if (!config) return fail(LIMPET_ERROR_CODE_ARGUMENT, "limpet_config_set_memory takes a config");
  if ((uintptr_t)memory % BLOCK_ALIGNMENT != 0) {
    return fail(LIMPET_ERROR_CODE_ARGUMENT,
                "limpet_config_set_memory: the memory is not aligned to %d bytes", BLOCK_ALIGNMENT);
  }
  if ((memory == NULL) != (bytes == 0)) {
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "limpet_config_set_memory: %zu bytes at %p", bytes,
                memory);
  }
  config->memory = memory;
  config->memory_bytes = bytes;
  return 0;
}
