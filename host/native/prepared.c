/* A message that is sent again and again -> one number in the core of each loop, made when a session of that loop
 * first gets it. Its frames lie in linear memory until it is freed; its bytes stay here for loops to come, and for
 * sessions that need a copy of their own.
 *
 * Each loop frees its number on its own thread: when it next sends or makes a prepared message, or ends. */

#include <stdlib.h>
#include <string.h>

#include "hub.h"
#include "memory.h"

/* What one loop has of a message. */
struct part {
  /* More than 0 once the loop's core keeps it. */
  int32_t number;
  /* The next message that this loop's core keeps. */
  struct limpet_prepared *next;
};

struct limpet_prepared {
  limpet_server *server;
  int kind;
  /* Of the server's own memory, not of the heap. */
  bool is_placed;
  /* The application, until it frees it, and each loop with a number. */
  _Atomic int holders;
  _Atomic bool is_freed;
  size_t length;
  uint8_t *bytes;
  struct part parts[];
};

/* One has it no more; the last one frees it. */
static void prepared_leave(struct limpet_prepared *message) {
  if (atomic_fetch_sub(&message->holders, 1) > 1) return;
  if (message->is_placed) memory_give(message->server, message);
  else free(message);
}

/* Gives numbers of this loop back: of messages that were freed, or of all. */
static void prepared_sweep(struct loop *loop, bool all) {
  struct limpet_prepared **link = &loop->prepared;
  while (*link) {
    struct limpet_prepared *message = *link;
    struct part *part = &message->parts[loop->index];
    if (!all && !atomic_load(&message->is_freed)) {
      link = &part->next;
      continue;
    }
    *link = part->next;
    if (!all) limpet_core_prepared_free(loop->core, part->number);
    part->number = 0;
    prepared_leave(message);
  }
}

void prepared_free_all(struct loop *loop) { prepared_sweep(loop, true); }

/* Its number in the core of a loop; 0 or less where there is none: no memory for it now, or it is longer than
 * the core's frames. */
static int32_t prepared_number(struct loop *loop, struct limpet_prepared *message) {
  struct part *part = &message->parts[loop->index];
  if (part->number > 0) return part->number;
  if (message->length > loop->send_max) return 0;
  const int32_t at = limpet_core_publish_room(loop->core, (int32_t)message->length);
  if (at <= 0) return at;
  if (message->length > 0) memcpy(loop->memory + at, message->bytes, message->length);
  const int32_t number =
      limpet_core_prepare(loop->core, message->kind, at, (int32_t)message->length);
  if (number <= 0) {
    limpet_core_publish_room(loop->core, -1);
    return number;
  }
  part->number = number;
  part->next = loop->prepared;
  loop->prepared = message;
  atomic_fetch_add(&message->holders, 1);
  return number;
}

limpet_prepared *limpet_server_prepare(limpet_server *server, enum limpet_type type,
                                       const void *data, size_t length) {
  if (!server || (type != LIMPET_TEXT && type != LIMPET_BINARY) || length > INT32_MAX ||
      (!data && length > 0)) {
    (void)fail(LIMPET_ERROR_CODE_ARGUMENT,
               "a prepared message is a server's, of a type, and has bytes");
    return NULL;
  }
  limpet_prepared *message;
  const size_t head = sizeof *message + (size_t)server->loop_count * sizeof *message->parts;
  const bool is_placed = server->settings->memory != NULL;
  message = is_placed ? memory_take(server, head + length) : malloc(head + length);
  if (!message) {
    (void)refuse(LIMPET_ERROR_CODE_MEMORY);
    return NULL;
  }
  memset(message, 0, head);
  message->server = server;
  message->kind = (int)type;
  message->is_placed = is_placed;
  atomic_init(&message->holders, 1);
  atomic_init(&message->is_freed, false);
  message->length = length;
  message->bytes = (uint8_t *)message + head;
  if (length > 0) memcpy(message->bytes, data, length);
  return message;
}

int limpet_session_send_prepared(limpet_session session, const limpet_prepared *message) {
  if (!message) return fail(LIMPET_ERROR_CODE_ARGUMENT, "no message was prepared");
  struct loop *loop;
  struct connection *connection;
  const int entered = loop_enter(session, &loop, &connection);
  if (entered != 0) return refuse(entered);
  if (loop->server != message->server) {
    return fail(LIMPET_ERROR_CODE_ARGUMENT, "the message was prepared for another server");
  }
  prepared_sweep(loop, false);
  // What is told to be constant is the message; where its frames are is no part of that.
  struct limpet_prepared *made = (struct limpet_prepared *)(uintptr_t)message;
  const bool waits = connection->extra != NULL;
  const int32_t number = waits ? 0 : prepared_number(loop, made);
  int status = LIMPET_ERROR_CODE_MEMORY;
  if (number > 0) status = limpet_core_send_prepared(loop->core, connection->handle, number);
  if (status == LIMPET_ERROR_CODE_MEMORY) {
    status = outbox_send(loop, connection, message->kind, message->bytes, message->length);
  }
  return settle(status);
}

void limpet_prepared_free(limpet_prepared *message) {
  if (!message) return;
  atomic_store(&message->is_freed, true);
  // Loops that have no number of it know nothing of it: the server may be gone.
  if (atomic_load(&message->holders) > 1) {
    limpet_server *server = message->server;
    for (int i = 0; i < server->loop_count; i++) {
      if (loop_is_mine(server->loops[i])) prepared_sweep(server->loops[i], false);
    }
  }
  prepared_leave(message);
}
