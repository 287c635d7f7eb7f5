/* A trace that test/support/recorder.ts made with V8 → the same calls on the engine that this is linked with.
 * Every answer, the events after every call, and linear memory at the end of every vector have to be the
 * same; the first thing that is not ends the program, and is told by its line.
 *
 *   replay FILE */

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "limpet_core.h"

#define PARAMETERS_MAX 9

/* calls by name */

#define WORDS_0
#define WORDS_1 , words[0]
#define WORDS_2 WORDS_1, words[1]
#define WORDS_3 WORDS_2, words[2]
#define WORDS_4 WORDS_3, words[3]
#define WORDS_5 WORDS_4, words[4]
#define WORDS_6 WORDS_5, words[5]
#define WORDS_7 WORDS_6, words[6]
#define WORDS_8 WORDS_7, words[7]
#define WORDS_9 WORDS_8, words[8]

#define DEFINE_CALL(name, count)                                        \
  static int32_t call_##name(limpet_core *core, const int32_t *words) { \
    (void)words;                                                        \
    return limpet_core_##name(core WORDS_##count);                      \
  }
LIMPET_EXPORTS_ALL(DEFINE_CALL)

static const struct call {
  const char *name;
  int count;
  int32_t (*run)(limpet_core *core, const int32_t *words);
} calls[] = {
#define CALL_ROW(name, count) {"limpet_" #name, count, call_##name},
    LIMPET_EXPORTS_ALL(CALL_ROW)};

static const struct call *call_find(const char *name) {
  for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
    if (strcmp(calls[i].name, name) == 0) return &calls[i];
  }
  return NULL;
}

/* hashes, as recorder.ts has them */

static uint32_t hash_word(uint32_t hash, uint32_t word) {
  const uint32_t mixed = (hash ^ word) * 0x9e3779b1u;
  return mixed ^ (mixed >> 15);
}

static uint32_t word_at(const uint8_t *memory, uint32_t at) {
  uint32_t word;
  memcpy(&word, memory + at, sizeof word);
  return word;
}

static uint32_t hash_memory(limpet_core *core) {
  const uint8_t *memory = limpet_core_memory(core);
  const uint32_t size = limpet_core_memory_size(core);
  static const uint8_t zeros[4096];
  uint32_t hash = 0;
  for (uint32_t at = 0, end; at < size; at = end) {
    end = size - at < sizeof zeros ? size : at + (uint32_t)sizeof zeros;
    if (memcmp(memory + at, zeros, end - at) == 0) continue;
    for (; at < end; at += 4) {
      const uint32_t word = word_at(memory, at);
      if (word != 0) hash = hash_word(hash_word(hash, at / 4), word);
    }
  }
  return hash;
}

static uint32_t hash_events(limpet_core *core, uint32_t ring_ptr) {
  const uint8_t *memory = limpet_core_memory(core);
  struct limpet_event_ring ring;
  struct limpet_event_record event;
  memcpy(&ring, memory + ring_ptr, sizeof ring);
  uint32_t hash = 0;
  for (uint32_t i = 0; i < sizeof ring; i += 4)
    hash = hash_word(hash, word_at(memory, ring_ptr + i));
  for (uint32_t i = ring.tail; i != ring.head; i++) {
    const uint32_t at = ring.base + (i & ring.mask) * LIMPET_EVENT_RECORD_SIZE;
    for (uint32_t j = 0; j < sizeof event; j += 4) hash = hash_word(hash, word_at(memory, at + j));
    memcpy(&event, memory + at, sizeof event);
    for (uint32_t j = 0; j < event.len; j++) hash = hash_word(hash, memory[event.ptr + j]);
  }
  return hash;
}

/* lines */

struct replay {
  const char *file;
  long line;
  limpet_core *core;
  uint32_t ring_ptr;
  long calls, vectors;
};

static bool differs(const struct replay *replay, const char *what) {
  fprintf(stderr, "%s:%ld: %s\n", replay->file, replay->line, what);
  return false;
}

static bool replay_core(struct replay *replay) {
  limpet_core_free(replay->core);
  replay->core = limpet_core_new();
  if (replay->core == NULL) return differs(replay, limpet_core_failure());
  replay->ring_ptr = (uint32_t)limpet_core_events(replay->core);
  return true;
}

static int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool replay_set(struct replay *replay, const char *words) {
  char *hex;
  const unsigned long at = strtoul(words, &hex, 10);
  uint8_t *to = limpet_core_memory(replay->core) + at;
  if (*hex++ != ' ') return differs(replay, "set ADDRESS BYTES");
  for (; digit(hex[0]) >= 0 && digit(hex[1]) >= 0; hex += 2) {
    *to++ = (uint8_t)(digit(hex[0]) << 4 | digit(hex[1]));
  }
  return *hex == '\0' || differs(replay, "bytes are pairs of hex digits");
}

static bool replay_memory(struct replay *replay, const char *words) {
  const uint32_t there = (uint32_t)strtoul(words, NULL, 16), here = hash_memory(replay->core);
  if (there != here) {
    char what[256];
    snprintf(what, sizeof what, "memory is %" PRIx32 " after, here %" PRIx32 ": %.200s", there,
             here, words);
    return differs(replay, what);
  }
  replay->vectors++;
  return true;
}

static bool replay_call(struct replay *replay, const char *line) {
  char name[32], what[256], *at;
  int32_t words[PARAMETERS_MAX] = {0};
  const size_t length = strcspn(line, " ");
  if (length >= sizeof name) return differs(replay, "no call has a name so long");
  memcpy(name, line, length);
  name[length] = '\0';
  const struct call *call = call_find(name);
  if (call == NULL) return differs(replay, "no call of that name");
  at = (char *)(uintptr_t)line + length;
  for (int i = 0; i < call->count; i++) words[i] = (int32_t)strtol(at, &at, 10);
  if (strncmp(at, " = ", 3) != 0) return differs(replay, "so many parameters it does not have");
  const int32_t there = (int32_t)strtol(at + 3, &at, 10);
  const uint32_t events_there = (uint32_t)strtoul(at, NULL, 16);
  const int32_t here = call->run(replay->core, words);
  const uint32_t events_here =
      here == LIMPET_CORE_TRAP ? 0 : hash_events(replay->core, replay->ring_ptr);
  replay->calls++;
  if (there == here && events_there == events_here) return true;
  snprintf(what, sizeof what, "here %" PRId32 ", events %" PRIx32 ": %.180s", here, events_here,
           line);
  return differs(replay, what);
}

static bool replay_line(struct replay *replay, const char *line) {
  if (strcmp(line, "core") == 0) return replay_core(replay);
  if (replay->core == NULL) return differs(replay, "a trace begins with core");
  if (strncmp(line, "set ", 4) == 0) return replay_set(replay, line + 4);
  if (strncmp(line, "memory ", 7) == 0) return replay_memory(replay, line + 7);
  return replay_call(replay, line);
}

int main(int argc, char **argv) {
  struct replay replay = {.file = argc == 2 ? argv[1] : ""};
  FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
  char *line = NULL;
  size_t room = 0;
  ssize_t length = -1;
  bool same = true;
  if (file == NULL) {
    fprintf(stderr, "usage: replay FILE, a trace that can be read\n");
    return 2;
  }
  while (same && (length = getline(&line, &room, file)) > 0) {
    replay.line++;
    if (line[length - 1] == '\n') line[length - 1] = '\0';
    same = replay_line(&replay, line);
  }
  printf("%s: %ld calls, %ld vectors\n", limpet_core_engine(), replay.calls, replay.vectors);
  limpet_core_free(replay.core);
  free(line);
  fclose(file);
  return same && replay.vectors > 0 ? 0 : 1;
}
