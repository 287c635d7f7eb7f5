/* What the C that wasm2c makes of the core includes → types, one linear memory, traps.
 *
 * wasm2c's own runtime has tables, exceptions, growing memories and a lock. The core has none of
 * these: what is left is a place that a trap leads back to, and the pages of a memory. Names are as
 * the generated C wants them, of wasm2c 1.0.32 (LIMPET_MODULE_Z) and of 1.0.35 and later.
 *
 *   LIMPET_GUARD 1   an access outside of memory meets pages that nobody may touch: a signal
 *   LIMPET_GUARD 0   every access is compared with the size; no signals, no operating system */

#ifndef LIMPET_WASM_RT_H
#define LIMPET_WASM_RT_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "limpet-module.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#error "the records of limpet_core.h lie in memory little-endian, and hosts read them as they lie"
#endif

#ifndef LIMPET_GUARD
#define LIMPET_GUARD 0
#endif
#if LIMPET_GUARD && UINTPTR_MAX <= 0xffffffffu
#error "guard pages need 8 GiB of addresses: build with LIMPET_GUARD 0"
#endif

/* How wasm2c 1.0.32 asks for checks, and how later ones do. The core's calls form no cycle
 * (tools/check-wasm.ts), so the depth of the stack is known and need not be counted. */
#define WASM_RT_MEMCHECK_SIGNAL_HANDLER LIMPET_GUARD
#define WASM_RT_MEMCHECK_GUARD_PAGES LIMPET_GUARD
#define WASM_RT_USE_STACK_DEPTH_COUNT 0
#define WASM_RT_STACK_DEPTH_COUNT 0

#ifdef __GNUC__
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define LIMPET_RT_NORETURN __attribute__((noreturn))
#define wasm_rt_memcpy __builtin_memcpy
#else
#define LIKELY(x) (x)
#define UNLIKELY(x) (x)
#define LIMPET_RT_NORETURN
#define wasm_rt_memcpy memcpy
#endif

/* What each thread has of its own; nothing where there are no threads (define it empty). In a
 * shared library the second attribute saves a call for each look. */
#ifndef LIMPET_THREAD_LOCAL
#ifdef __GNUC__
#define LIMPET_THREAD_LOCAL __thread __attribute__((tls_model("initial-exec")))
#else
#define LIMPET_THREAD_LOCAL _Thread_local
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Linear memory: LIMPET_MODULE_MEMORY bytes, where the instance says before it is filled. */
typedef struct {
  uint8_t *data;
  uint32_t size;
} wasm_rt_memory_t;

#define wasm_rt_allocate_memory(memory, ...) ((void)(memory))
#define wasm_rt_free_memory(memory) ((void)(memory))
#define wasm_rt_is_initialized() true

typedef enum {
  WASM_RT_TRAP_NONE,
  WASM_RT_TRAP_OOB,
  WASM_RT_TRAP_INT_OVERFLOW,
  WASM_RT_TRAP_DIV_BY_ZERO,
  WASM_RT_TRAP_INVALID_CONVERSION,
  WASM_RT_TRAP_UNREACHABLE,
  WASM_RT_TRAP_CALL_INDIRECT
} wasm_rt_trap_t;

/* Where a trap in the call under way leads. One call at a time in each thread: the core imports
 * nothing, so none begins inside another. */
struct limpet_rt_call {
  jmp_buf back;
  const uint8_t *memory;
};

extern LIMPET_THREAD_LOCAL struct limpet_rt_call *limpet_rt_call;

/* The end of the call under way. */
LIMPET_RT_NORETURN void limpet_rt_trap(wasm_rt_trap_t why);
#define wasm_rt_trap limpet_rt_trap

/* LIMPET_GUARD 1. Memory of so many bytes, zero, with no one's pages behind it as far as an
 * address of the core can reach; NULL when the addresses or the memory are not to be had. */
uint8_t *limpet_rt_memory_map(size_t bytes);
void limpet_rt_memory_unmap(uint8_t *memory);

/* Tables: the generated C speaks of them in functions that nothing calls. */
typedef void (*wasm_rt_function_ptr_t)(void);
typedef void *wasm_rt_externref_t;
typedef enum { WASM_RT_I32, WASM_RT_I64, WASM_RT_F32, WASM_RT_F64 } wasm_rt_type_t;

#if LIMPET_MODULE_Z
typedef struct {
  uint32_t func_type;
  wasm_rt_function_ptr_t func;
  void *module_instance;
} wasm_rt_funcref_t;
#define wasm_rt_register_func_type(...) 0
#else
typedef const char *wasm_rt_func_type_t;
typedef struct wasm_rt_tailcallee_t {
  void (*fn)(void **instance, void *stack, struct wasm_rt_tailcallee_t *next);
} wasm_rt_tailcallee_t;
typedef struct {
  wasm_rt_func_type_t func_type;
  wasm_rt_function_ptr_t func;
  wasm_rt_tailcallee_t func_tailcallee;
  void *module_instance;
} wasm_rt_funcref_t;
static const wasm_rt_funcref_t wasm_rt_funcref_null_value = {0};
#endif
static const wasm_rt_externref_t wasm_rt_externref_null_value = NULL;

typedef struct {
  wasm_rt_funcref_t *data;
  uint32_t max_size, size;
} wasm_rt_funcref_table_t;
typedef struct {
  wasm_rt_externref_t *data;
  uint32_t max_size, size;
} wasm_rt_externref_table_t;

#ifdef __cplusplus
}
#endif

#endif
