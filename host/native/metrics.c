/* Counters → text as Prometheus reads it, exposition format 0.0.4.
 *
 *   struct limpet_stats_record ─► FAMILIES: name, kind, help ─► SAMPLES of each: what stands behind the name, the value
 *
 * Names, helps and order are those of host/node/metrics.ts. */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "loop.h"

/* How a field becomes a value. */
enum unit {
  COUNT,
  /* Milliseconds, told in seconds. */
  SECONDS
};

struct sample {
  /* What stands behind the name. */
  const char *rest;
  uint16_t offset, size;
  enum unit unit;
};

struct family {
  /* Behind `limpet_`. */
  const char *name, *kind, *help;
  const struct sample *samples;
  size_t count;
};

#define FIELD(rest, field, unit)                               \
  {                                                            \
    rest, offsetof(struct limpet_stats_record, field),         \
        sizeof(((struct limpet_stats_record *)0)->field), unit \
  }
#define S(rest, field) FIELD(rest, field, COUNT)
#define FAMILY(name, kind, help, ...)                                        \
  {                                                                          \
    name, kind, help, (const struct sample[]){__VA_ARGS__},                  \
        sizeof((const struct sample[]){__VA_ARGS__}) / sizeof(struct sample) \
  }

static const struct family FAMILIES[] = {
    FAMILY("messages_received_total", "counter", "Messages received.", S("", messages_in)),
    FAMILY("messages_sent_total", "counter", "Messages queued for sending.", S("", messages_out)),
    FAMILY("received_bytes_total", "counter", "Payload bytes received in messages.",
           S("", bytes_in)),
    FAMILY("sent_bytes_total", "counter", "Payload bytes queued in messages.", S("", bytes_out)),
    FAMILY("sessions_opened_total", "counter", "Connections opened.", S("", opened)),
    FAMILY("refused_total", "counter",
           "Connections, handshakes, subscriptions and metadata that were refused, by cause.",
           S("{cause=\"sessions\"}", sessions_full), S("{cause=\"shutdown\"}", refused_shutdown),
           S("{cause=\"address\"}", refused_address), S("{cause=\"origin\"}", refused_origin),
           S("{cause=\"token\"}", refused_token), S("{cause=\"protocol\"}", refused_protocol),
           S("{cause=\"rooms\"}", rooms_full), S("{cause=\"memberships\"}", memberships_full),
           S("{cause=\"metadata\"}", metadata_full)),
    FAMILY("violations_total", "counter", "Connections that failed by the peer’s fault.",
           S("", violations)),
    FAMILY("too_big_total", "counter", "Messages that were too long.", S("", too_big)),
    FAMILY("rate_limited_total", "counter",
           "Messages dropped, connections held back and connections closed for a rate.",
           S("{policy=\"drop\"}", rate_dropped), S("{policy=\"queue\"}", rate_queued),
           S("{policy=\"reject\"}", rate_rejected)),
    FAMILY("timeouts_total", "counter", "Connections that were given up because time ran out.",
           S("{what=\"handshake\"}", timeout_handshake), S("{what=\"idle\"}", timeout_idle),
           S("{what=\"pong\"}", timeout_pong), S("{what=\"close\"}", timeout_close)),
    FAMILY("queue_full_total", "counter",
           "Messages refused or dropped because a send queue was full.", S("", queue_full)),
    FAMILY("memory_full_total", "counter", "Times the arena had no block.", S("", memory_full)),
    FAMILY("published_total", "counter", "Messages published or broadcast.", S("", published)),
    FAMILY("delivered_total", "counter", "Connections that published messages were queued for.",
           S("", delivered)),
    FAMILY("undelivered_total", "counter",
           "Connections that published messages were not queued for.", S("", undelivered)),
    FAMILY("heartbeat_rtt_seconds", "summary", "Round-trip times of heartbeats.",
           FIELD("_sum", rtt_total, SECONDS), S("_count", heartbeats)),
    FAMILY("heartbeat_rtt_least_seconds", "gauge", "The shortest round-trip time.",
           FIELD("", rtt_least, SECONDS)),
    FAMILY("heartbeat_rtt_most_seconds", "gauge", "The longest round-trip time.",
           FIELD("", rtt_most, SECONDS)),
    FAMILY("pool_used", "gauge", "What is in use of each pool now; of the arena bytes.",
           S("{pool=\"sessions\"}", active), S("{pool=\"arena\"}", arena_used),
           S("{pool=\"windows\"}", windows_used), S("{pool=\"rooms\"}", rooms_used),
           S("{pool=\"memberships\"}", memberships_used), S("{pool=\"levels\"}", levels_used),
           S("{pool=\"metadata\"}", metadata_used), S("{pool=\"prepared\"}", prepared_used)),
    FAMILY("pool_peak", "gauge", "Most that was in use of each pool at once.",
           S("{pool=\"sessions\"}", active_peak), S("{pool=\"arena\"}", arena_peak),
           S("{pool=\"windows\"}", windows_peak), S("{pool=\"rooms\"}", rooms_peak),
           S("{pool=\"memberships\"}", memberships_peak), S("{pool=\"levels\"}", levels_peak),
           S("{pool=\"metadata\"}", metadata_peak), S("{pool=\"prepared\"}", prepared_peak),
           S("{pool=\"events\"}", events_peak)),
    FAMILY("pool_size", "gauge", "What there is of each pool.", S("{pool=\"sessions\"}", sessions),
           S("{pool=\"arena\"}", arena), S("{pool=\"windows\"}", windows),
           S("{pool=\"rooms\"}", rooms), S("{pool=\"memberships\"}", memberships),
           S("{pool=\"levels\"}", levels), S("{pool=\"metadata\"}", metadata),
           S("{pool=\"prepared\"}", prepared), S("{pool=\"events\"}", events)),
};

/* A buffer, what fits into it, and how long all of it is. */
struct text {
  char *buffer;
  size_t size, length;
};

static void text_add(struct text *text, const char *format, ...) LIMPET_PRINTF(2, 3);

static void text_add(struct text *text, const char *format, ...) {
  size_t room = text->length < text->size ? text->size - text->length : 0;
  va_list args;
  va_start(args, format);
  int length = vsnprintf(room ? text->buffer + text->length : NULL, room, format, args);
  va_end(args);
  if (length > 0) text->length += (size_t)length;
}

static void text_head(struct text *text, const char *name, const char *kind, const char *help) {
  text_add(text, "# HELP limpet_%s %s\n# TYPE limpet_%s %s\n", name, help, name, kind);
}

static uint64_t sample_value(const struct limpet_stats_record *stats, const struct sample *sample) {
  const char *field = (const char *)stats + sample->offset;
  if (sample->size == sizeof(uint64_t)) {
    uint64_t value;
    memcpy(&value, field, sizeof value);
    return value;
  }
  uint32_t value;
  memcpy(&value, field, sizeof value);
  return value;
}

static void text_family(struct text *text, const struct family *family,
                        const struct limpet_stats_record *stats) {
  text_head(text, family->name, family->kind, family->help);
  for (size_t i = 0; i < family->count; i++) {
    const struct sample *sample = &family->samples[i];
    uint64_t value = sample_value(stats, sample);
    text_add(text, "limpet_%s%s ", family->name, sample->rest);
    if (sample->unit == COUNT) text_add(text, "%" PRIu64 "\n", value);
    else text_add(text, "%" PRIu64 ".%03u\n", value / 1000, (unsigned)(value % 1000));
  }
}

uint64_t limpet_server_memory(const limpet_server *server) {
  uint64_t bytes = 0;
  for (int i = 0; server && i < server->loop_count; i++) {
    const struct loop *loop = server->loops[i];
    if (loop && loop->core) bytes += limpet_core_memory_size(loop->core);
  }
  return bytes;
}

int limpet_server_metrics(const limpet_server *server, char *buffer, size_t size) {
  struct limpet_stats_record stats;
  int code = limpet_server_stats(server, &stats);
  if (code < 0) return code;
  if (!buffer && size) return fail(LIMPET_ERROR_CODE_ARGUMENT, "no buffer of %zu bytes", size);
  struct text text = {buffer, size, 0};
  for (size_t i = 0; i < sizeof FAMILIES / sizeof *FAMILIES; i++) {
    text_family(&text, &FAMILIES[i], &stats);
  }
  text_head(&text, "memory_bytes", "gauge", "Bytes of linear memory.");
  text_add(&text, "limpet_memory_bytes %" PRIu64 "\n", limpet_server_memory(server));
  if (server->loop_count > 1) {
    text_head(&text, "workers", "gauge", "Workers whose counters these are.");
    text_add(&text, "limpet_workers %d\n", server->loop_count);
  }
  return (int)text.length;
}
