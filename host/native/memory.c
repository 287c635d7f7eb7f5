/* Memory of a server beside the core's ─► the heap. */

#include "memory.h"

#include <stdlib.h>

#include "loop.h"

limpet_server *memory_server(const limpet_config *config) {
  (void)config;
  limpet_server *server = calloc(1, sizeof *server);
  if (!server) fail(LIMPET_ERROR_CODE_MEMORY, "no memory for a server");
  return server;
}

void memory_server_free(limpet_server *server) { free(server); }

void *memory_table(struct limpet_server *server, size_t bytes) {
  (void)server;
  return calloc(1, bytes);
}

void *memory_take(struct limpet_server *server, size_t bytes) {
  (void)server;
  return malloc(bytes);
}

void *memory_grow(struct limpet_server *server, void *piece, size_t bytes) {
  (void)server;
  return realloc(piece, bytes);
}

void memory_give(struct limpet_server *server, void *piece) {
  (void)server;
  free(piece);
}
