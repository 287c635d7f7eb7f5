/* The calls of limpet_core.h → WAMR, which interprets the module or runs what wamrc made of it.
 *
 *   limpet_core_open(core, now) ─► wasm_runtime_call_wasm(env, function, 1, {now})
 *
 * The module is loaded once for all instances: by the first of them, until the last one is gone. Its
 * bytes are in the library (LIMPET_EMBED), or in the file LIMPET_MODULE_PATH. WAMR writes into them as it
 * loads, so it gets a copy. Each instance has an execution environment of its own, its stack. */

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wasm_export.h>

#include "calls.h"
#include "limpet_core.h"

/* Bytes of an instance's WASM stack. The calls of the core form no cycle, so there is a deepest chain of them; all
 * vectors run with 4 KiB. */
#define WAMR_STACK_BYTES (16u * 1024u)

enum wamr_call {
#define WAMR_CALL_INDEX(name, count) WAMR_CALL_##name,
  LIMPET_EXPORTS_ALL(WAMR_CALL_INDEX)
#undef WAMR_CALL_INDEX
      WAMR_CALLS
};

static const char *const wamr_call_names[WAMR_CALLS] = {
#define WAMR_CALL_NAME(name, count) "limpet_" #name,
    LIMPET_EXPORTS_ALL(WAMR_CALL_NAME)
#undef WAMR_CALL_NAME
};

struct limpet_core {
  wasm_module_inst_t instance;
  wasm_exec_env_t env;
  uint8_t *memory;
  uint32_t memory_size;
  /* After a trap memory is half written: no call enters it again. */
  bool dead;
  /* NULL: the module has no such export. */
  wasm_function_inst_t calls[WAMR_CALLS];
};

static _Thread_local char wamr_failure[160];

static limpet_core *wamr_fail(const char *what, const char *why) {
  snprintf(wamr_failure, sizeof wamr_failure, "%s: %s", what, why);
  return NULL;
}

/* module: one for the process, and how many instances it has. WAMR makes and ends them one at a time. */

static pthread_mutex_t wamr_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned wamr_instances;
static wasm_module_t wamr_module;
static uint8_t *wamr_bytes;

#ifdef LIMPET_MODULE_PATH

static uint8_t *wamr_read(uint32_t *size) {
  FILE *file = fopen(LIMPET_MODULE_PATH, "rb");
  uint8_t *bytes = NULL;
  long length = -1;
  if (file != NULL && fseek(file, 0, SEEK_END) == 0) length = ftell(file);
  if (length > 0 && length < INT32_MAX && fseek(file, 0, SEEK_SET) == 0) {
    bytes = malloc((size_t)length);
    if (bytes != NULL && fread(bytes, 1, (size_t)length, file) != (size_t)length) {
      free(bytes);
      bytes = NULL;
    }
  }
  if (bytes == NULL) wamr_fail(LIMPET_MODULE_PATH, errno != 0 ? strerror(errno) : "no module");
  if (file != NULL) fclose(file);
  *size = (uint32_t)length;
  return bytes;
}

#else

/* Made of LIMPET_WASM by cmake/bytes.cmake. */
extern const unsigned char limpet_module_bytes[];
extern const unsigned int limpet_module_size;

static uint8_t *wamr_read(uint32_t *size) {
  uint8_t *bytes = malloc(limpet_module_size);
  if (bytes == NULL) wamr_fail("no memory for the module", strerror(ENOMEM));
  if (bytes != NULL) memcpy(bytes, limpet_module_bytes, limpet_module_size);
  *size = limpet_module_size;
  return bytes;
}

#endif

static bool wamr_load(void) {
  char why[96] = "";
  uint32_t size = 0;
  RuntimeInitArgs args;
  memset(&args, 0, sizeof args);
  args.mem_alloc_type = Alloc_With_System_Allocator;
  wamr_bytes = wamr_read(&size);
  if (wamr_bytes == NULL) return false;
  if (wasm_runtime_full_init(&args)) {
    wasm_runtime_set_log_level(WASM_LOG_LEVEL_ERROR);
    wamr_module = wasm_runtime_load(wamr_bytes, size, why, sizeof why);
    if (wamr_module != NULL) return true;
    wamr_fail("WAMR does not load the module", why);
    wasm_runtime_destroy();
  } else {
    wamr_fail("WAMR does not start", "wasm_runtime_full_init failed");
  }
  free(wamr_bytes);
  return false;
}

static void wamr_unload(void) {
  wasm_runtime_unload(wamr_module);
  wasm_runtime_destroy();
  free(wamr_bytes);
}

/* thread: a WAMR with hardware checks wants to know each thread that calls, and when it ends. */

static _Thread_local bool wamr_thread_known;
static pthread_key_t wamr_thread_end;
static pthread_once_t wamr_thread_once = PTHREAD_ONCE_INIT;

static void wamr_thread_leave(void *known) {
  (void)known;
  wasm_runtime_destroy_thread_env();
}

static void wamr_thread_key(void) { pthread_key_create(&wamr_thread_end, wamr_thread_leave); }

static void wamr_thread_enter(void) {
  pthread_once(&wamr_thread_once, wamr_thread_key);
  /* The thread that started WAMR is known already, and stays so until WAMR ends. */
  if (!wasm_runtime_thread_env_inited() && wasm_runtime_init_thread_env()) {
    pthread_setspecific(wamr_thread_end, &wamr_thread_known);
  }
  wamr_thread_known = true;
}

/* instance */

static bool wamr_start(limpet_core *core) {
  char why[96] = "";
  core->instance = wasm_runtime_instantiate(wamr_module, WAMR_STACK_BYTES, 0, why, sizeof why);
  if (core->instance == NULL) {
    wamr_fail("WAMR makes no instance", why);
    return false;
  }
  core->env = wasm_runtime_create_exec_env(core->instance, WAMR_STACK_BYTES);
  wasm_memory_inst_t memory = wasm_runtime_get_default_memory(core->instance);
  if (core->env == NULL || memory == NULL) {
    wamr_fail("WAMR makes no instance", core->env == NULL ? "no memory" : "no linear memory");
    return false;
  }
  core->memory = wasm_memory_get_base_address(memory);
  core->memory_size =
      (uint32_t)(wasm_memory_get_cur_page_count(memory) * wasm_memory_get_bytes_per_page(memory));
  for (int i = 0; i < WAMR_CALLS; i++) {
    core->calls[i] = wasm_runtime_lookup_function(core->instance, wamr_call_names[i]);
  }
  return true;
}

static void wamr_end(limpet_core *core) {
  if (core->env != NULL) wasm_runtime_destroy_exec_env(core->env);
  if (core->instance != NULL) wasm_runtime_deinstantiate(core->instance);
  free(core);
}

limpet_core *limpet_core_new(void) {
  limpet_core *core = calloc(1, sizeof *core);
  if (core == NULL) return wamr_fail("no memory for the instance", strerror(ENOMEM));
  errno = 0;
  pthread_mutex_lock(&wamr_lock);
  if (wamr_instances > 0 || wamr_load()) {
    wamr_thread_enter();
    wamr_instances++;
    if (wamr_start(core)) {
      pthread_mutex_unlock(&wamr_lock);
      wamr_failure[0] = '\0';
      return core;
    }
    if (--wamr_instances == 0) wamr_unload();
  }
  wamr_end(core);
  pthread_mutex_unlock(&wamr_lock);
  return NULL;
}

void limpet_core_free(limpet_core *core) {
  if (core == NULL) return;
  pthread_mutex_lock(&wamr_lock);
  wamr_end(core);
  if (--wamr_instances == 0) wamr_unload();
  pthread_mutex_unlock(&wamr_lock);
}

size_t limpet_core_bytes(void) { return 0; }

limpet_core *limpet_core_new_in(void *memory, size_t bytes) {
  (void)memory, (void)bytes;
  return wamr_fail("WAMR allocates its instances itself", "wasm2c with LIMPET_GUARD=OFF does not");
}

const char *limpet_core_failure(void) { return wamr_failure; }

const char *limpet_core_engine(void) { return "wamr"; }

uint8_t *limpet_core_memory(limpet_core *core) { return core == NULL ? NULL : core->memory; }

uint32_t limpet_core_memory_size(limpet_core *core) { return core == NULL ? 0 : core->memory_size; }

/* calls: one function for each export. The first argument is where the answer comes back. */

static int32_t wamr_call(limpet_core *core, enum wamr_call call, uint32_t count, uint32_t *words) {
  if (core == NULL) return LIMPET_ERROR_CODE_ARGUMENT;
  if (core->dead) return LIMPET_CORE_TRAP;
  if (core->calls[call] == NULL) return LIMPET_ERROR_CODE_UNSUPPORTED;
  if (!wamr_thread_known) wamr_thread_enter();
  if (wasm_runtime_call_wasm(core->env, core->calls[call], count, words)) return (int32_t)words[0];
  core->dead = true;
  return LIMPET_CORE_TRAP;
}

#define WAMR_CALL(name, count)                                            \
  int32_t limpet_core_##name(limpet_core *core CALL_PARAMETERS_##count) { \
    uint32_t words[] = {0 CALL_ARGUMENTS_##count, 0};                     \
    return wamr_call(core, WAMR_CALL_##name, count, words + 1);           \
  }

LIMPET_EXPORTS_ALL(WAMR_CALL)
