/* The calls of limpet_core.h → the C that wasm2c made of a module of the core.
 *
 *   limpet_core_open(core, now) ─► Z_limpetZ_limpet_open(&core->instance, now)      wasm2c 1.0.32
 *                                  w2c_limpet_limpet_open(&core->instance, now)     and later
 *
 * limpet-module.h, made with that C, says which exports the module has (LIMPET_MODULE_CALLS), which
 * of limpet_core.h it lacks (LIMPET_MODULE_LACKS), and where its memory ends (LIMPET_MODULE_MEMORY). */

#include <stdlib.h>

#include "calls.h"
#include "limpet-module-code.h"
#include "limpet_core.h"
#include "wasm-rt.h"

#if LIMPET_MODULE_Z
typedef Z_limpet_instance_t core_instance;
#define CORE_EXPORT(name) Z_limpetZ_limpet_##name
#define core_instance_memory Z_limpetZ_memory
#define core_instance_fill(instance) (Z_limpet_init_module(), Z_limpet_instantiate(instance))
#else
typedef w2c_limpet core_instance;
#define CORE_EXPORT(name) w2c_limpet_limpet_##name
#define core_instance_memory w2c_limpet_memory
#define core_instance_fill(instance) wasm2c_limpet_instantiate(instance)
#endif

struct limpet_core {
  struct limpet_rt_call call;
  /* After a trap memory is half written: no call enters it again. */
  bool dead;
  /* From limpet_core_new: what limpet_core_free gives back. */
  void *block;
  core_instance instance;
};

/* Linear memory begins with a cache line, so records of 64 bytes and multiples of that lie in whole ones. */
#define CORE_ALIGN 64u
#define CORE_HEAD_BYTES ((sizeof(limpet_core) + CORE_ALIGN - 1) / CORE_ALIGN * CORE_ALIGN)
/* wasm counts memory in pages of 64 KiB; the core knows of nothing behind LIMPET_MODULE_MEMORY. */
#define CORE_PAGES_BYTES ((LIMPET_MODULE_MEMORY + 65535u) / 65536u * 65536u)
/* Pages of zeros are told apart in pieces of this size: the smallest page of an operating system. */
#define CORE_CLEAR_BYTES 4096u

static LIMPET_THREAD_LOCAL const char *core_failure = "";

static limpet_core *core_fail(const char *why) {
  core_failure = why;
  return NULL;
}

/* What the module's data section says, over zeros. */
static limpet_core *core_fill(limpet_core *core, uint8_t *memory, uint32_t size) {
  core->call.memory = memory;
  wasm_rt_memory_t *linear = core_instance_memory(&core->instance);
  linear->data = memory;
  linear->size = size;
  core_instance_fill(&core->instance);
  core_failure = "";
  return core;
}

#if LIMPET_GUARD

limpet_core *limpet_core_new(void) {
  limpet_core *core = (limpet_core *)calloc(1, sizeof *core);
  if (core == NULL) return core_fail("no memory for the instance");
  uint8_t *memory = limpet_rt_memory_map(CORE_PAGES_BYTES);
  if (memory == NULL) {
    free(core);
    return core_fail("no 8 GiB of addresses for guard pages (build with LIMPET_GUARD=OFF)");
  }
  core->block = memory;
  return core_fill(core, memory, CORE_PAGES_BYTES);
}

size_t limpet_core_bytes(void) { return 0; }

limpet_core *limpet_core_new_in(void *memory, size_t bytes) {
  (void)memory;
  (void)bytes;
  return core_fail(
      "guard pages cannot lie in memory of the caller's (build with LIMPET_GUARD=OFF)");
}

void limpet_core_free(limpet_core *core) {
  if (core == NULL) return;
  limpet_rt_memory_unmap((uint8_t *)core->block);
  free(core);
}

#else

/* The instance in front, linear memory behind it: one block, of zeros. */
static limpet_core *core_place(void *block) {
  const uintptr_t at = ((uintptr_t)block + CORE_ALIGN - 1) / CORE_ALIGN * CORE_ALIGN;
  uint8_t *const bytes = (uint8_t *)block + (at - (uintptr_t)block);
  return core_fill((limpet_core *)(void *)bytes, bytes + CORE_HEAD_BYTES, LIMPET_MODULE_MEMORY);
}

size_t limpet_core_bytes(void) { return CORE_HEAD_BYTES + LIMPET_MODULE_MEMORY + CORE_ALIGN - 1; }

limpet_core *limpet_core_new(void) {
  void *block = calloc(1, limpet_core_bytes());
  if (block == NULL) return core_fail("no memory for the instance");
  limpet_core *core = core_place(block);
  core->block = block;
  return core;
}

/* Reading a page that was never written costs no memory where an operating system hands pages out. */
static void core_clear(uint8_t *bytes, size_t count) {
  for (size_t at = 0; at < count; at += CORE_CLEAR_BYTES) {
    const size_t piece = count - at < CORE_CLEAR_BYTES ? count - at : CORE_CLEAR_BYTES;
    if (bytes[at] != 0 || memcmp(bytes + at, bytes + at + 1, piece - 1) != 0) {
      memset(bytes + at, 0, piece);
    }
  }
}

limpet_core *limpet_core_new_in(void *memory, size_t bytes) {
  if (memory == NULL || bytes < limpet_core_bytes()) {
    return core_fail("less memory than limpet_core_bytes() says");
  }
  core_clear((uint8_t *)memory, limpet_core_bytes());
  return core_place(memory);
}

void limpet_core_free(limpet_core *core) {
  if (core != NULL) free(core->block);
}

#endif

const char *limpet_core_failure(void) { return core_failure; }

const char *limpet_core_engine(void) { return "wasm2c"; }

uint8_t *limpet_core_memory(limpet_core *core) {
  return core == NULL ? NULL : core_instance_memory(&core->instance)->data;
}

uint32_t limpet_core_memory_size(limpet_core *core) {
  return core == NULL ? 0 : core_instance_memory(&core->instance)->size;
}

/* calls: one function for each export. A trap comes out of setjmp, the second time. */

#define CORE_CALL(name, count)                                                         \
  int32_t limpet_core_##name(limpet_core *core CALL_PARAMETERS_##count) {              \
    if (UNLIKELY(core == NULL)) return LIMPET_ERROR_CODE_ARGUMENT;                     \
    if (UNLIKELY(core->dead)) return LIMPET_CORE_TRAP;                                 \
    limpet_rt_call = &core->call;                                                      \
    if (UNLIKELY(setjmp(core->call.back) != 0)) return core_die(core);                 \
    const uint32_t answer = CORE_EXPORT(name)(&core->instance CALL_ARGUMENTS_##count); \
    limpet_rt_call = NULL;                                                             \
    return (int32_t)answer;                                                            \
  }

#define CORE_LACK(name, count)                                            \
  int32_t limpet_core_##name(limpet_core *core CALL_PARAMETERS_##count) { \
    const uint32_t unused[] = {0 CALL_ARGUMENTS_##count};                 \
    (void)core, (void)unused;                                             \
    return LIMPET_ERROR_CODE_UNSUPPORTED;                                 \
  }

static int32_t core_die(limpet_core *core) {
  core->dead = true;
  return LIMPET_CORE_TRAP;
}

LIMPET_MODULE_CALLS(CORE_CALL)
LIMPET_MODULE_LACKS(CORE_LACK)
