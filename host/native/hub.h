/* One message for many sessions of a loop, on its thread: what hub.c has for crossing.c, which brings the calls of
 * other threads here. Codes come without words; the functions of limpet.h have those. */

#ifndef LIMPET_HUB_H
#define LIMPET_HUB_H

#include "loop.h"

/* Publishes to the subscribers of a topic in this loop but `except`: 0, or a code. `kind` as limpet_core_send has
 * it. What became of it is added to `published`. */
int hub_publish(struct loop *loop, const char *topic, limpet_session except, int kind,
                const void *data, size_t length, struct limpet_published *published);
/* The same to the open sessions that a selection names; NULL: all. */
int hub_broadcast(struct loop *loop, const struct limpet_selection *selection, int kind,
                  const void *data, size_t length, struct limpet_published *published);
/* Calls task for each open session of this loop but `except`. */
void hub_each(struct loop *loop, limpet_session except,
              void (*task)(limpet_session session, void *arg), void *arg);

/* Adds the answer to one of many sends. */
void hub_count(struct limpet_published *published, int status);
/* What all calls for many take: 0, or LIMPET_ERROR_CODE_ARGUMENT with words. */
int hub_check(const limpet_server *server, enum limpet_type type, const void *data, size_t length);
/* Whether the core may make the frame: it takes payloads of that length, and nothing waits that has to come first. */
bool hub_may_make(const struct loop *loop, size_t length);
/* Where a payload is sent from: it lies in linear memory already, or is put there. 0 when the core has no room. */
int32_t hub_place(struct loop *loop, const void *data, size_t length);

/* A payload that goes to each by itself. */
struct alone {
  const void *data;
  struct buffer *buffer, *told;
};
/* One that does not fit into the core is put into a buffer which all that get it share (outgoing_new). Where on_message
 * has it from, it lies in one already. hub_alone_end comes behind. */
struct alone hub_alone(struct loop *loop, const void *data, size_t length);
void hub_alone_end(struct loop *loop, const struct alone *alone);

/* select.c: the next open session of a loop behind `after` (0: the first) that a selection names (NULL: all): its
 * handle, 0 after the last one, or a code. */
int32_t select_next(struct loop *loop, const struct limpet_selection *selection, int32_t after);
/* select.c: writes a selection into the scratch region behind `at`; its address, 0 for that of all, or a code. */
int32_t select_record(struct loop *loop, const struct limpet_selection *selection, uint32_t *at);

/* prepared.c: what a loop has of prepared messages goes with it. */
void prepared_free_all(struct loop *loop);

#endif
