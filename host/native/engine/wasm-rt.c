/* A trap → the end of the call that it happened in. With guard pages: an access behind linear
 * memory → a signal → such a trap.
 *
 *   memory         end of memory                          memory + 8 GiB + 64 KiB
 *   │ the core's   │ nobody's: reading or writing raises SIGSEGV │
 *
 * An address of the core is two 32-bit numbers added, so it ends below 8 GiB. */

#include "wasm-rt.h"

LIMPET_THREAD_LOCAL struct limpet_rt_call *limpet_rt_call;

void limpet_rt_trap(wasm_rt_trap_t why) {
  struct limpet_rt_call *call = limpet_rt_call;
  limpet_rt_call = NULL;
  longjmp(call->back, (int)why);
}

#if LIMPET_GUARD

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

/* Two numbers of 32 bits, and the longest access behind them, in whole pages. */
#define RT_RESERVED_BYTES ((UINT64_C(1) << 33) + UINT64_C(65536))

/* Which signals tell of a page that nobody may touch: Linux sends the first, Darwin the second. */
static const int rt_signals[2] = {SIGSEGV, SIGBUS};
static struct sigaction rt_previous[2];
static pthread_once_t rt_handled = PTHREAD_ONCE_INIT;

/* Not ours: as if this handler had never been there. */
static void rt_pass_on(int number, siginfo_t *info, void *context) {
  const struct sigaction *previous = &rt_previous[number == rt_signals[1]];
  if ((previous->sa_flags & SA_SIGINFO) != 0) {
    previous->sa_sigaction(number, info, context);
  } else if (previous->sa_handler == SIG_DFL || previous->sa_handler == SIG_IGN) {
    /* The instruction is tried again and raises it once more; a signal that was sent does not. */
    sigaction(number, previous, NULL);
    if (info->si_code <= 0) raise(number);
  } else {
    previous->sa_handler(number);
  }
}

static void rt_on_signal(int number, siginfo_t *info, void *context) {
  const struct limpet_rt_call *call = limpet_rt_call;
  const uintptr_t at = (uintptr_t)info->si_addr;
  if (call != NULL && at - (uintptr_t)call->memory < RT_RESERVED_BYTES && info->si_code > 0) {
    limpet_rt_trap(WASM_RT_TRAP_OOB);
  }
  rt_pass_on(number, info, context);
}

/* SA_NODEFER: the jump out of the handler leaves the mask as it is, so nothing may be added to it.
 * SA_ONSTACK: on the alternate stack where the thread has one. An access outside of memory needs
 * none, and a stack that overflowed is not ours to repair. */
static void rt_handle_signals(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = rt_on_signal;
  action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  for (int i = 0; i < 2; i++) sigaction(rt_signals[i], &action, &rt_previous[i]);
}

uint8_t *limpet_rt_memory_map(size_t bytes) {
  pthread_once(&rt_handled, rt_handle_signals);
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  void *memory = mmap(NULL, RT_RESERVED_BYTES, PROT_NONE, flags, -1, 0);
  if (memory == MAP_FAILED) return NULL;
  if (mprotect(memory, bytes, PROT_READ | PROT_WRITE) == 0) return (uint8_t *)memory;
  munmap(memory, RT_RESERVED_BYTES);
  return NULL;
}

void limpet_rt_memory_unmap(uint8_t *memory) { munmap(memory, RT_RESERVED_BYTES); }

#endif
