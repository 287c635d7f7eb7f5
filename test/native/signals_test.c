/* Guard pages and the program's own signals: a trap of the core is the engine's, every other fault goes to
 * the handler that was there before, or ends the process as it would have without Limpet. */

#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "limpet_core.h"

static sigjmp_buf back;
static volatile sig_atomic_t faults;
static uint8_t *nobodys;

static void on_fault(int number, siginfo_t *info, void *context) {
  (void)number, (void)context;
  faults += info->si_addr == nobodys;
  siglongjmp(back, 1);
}

static void fault(void) { *(volatile uint8_t *)nobodys = 1; }

/* The core follows an address to nowhere, because the host wrote all over memory. */
static void trap(void) {
  limpet_core *core = limpet_core_new();
  CHECK(core != NULL);
  memset(limpet_core_memory(core), 0xff, (size_t)limpet_core_region(core, LIMPET_REGION_INGRESS));
  CHECK_EQUAL(limpet_core_tx_next(core), LIMPET_CORE_TRAP);
  limpet_core_free(core);
}

static void fault_caught(void) {
  const int before = faults;
  if (sigsetjmp(back, 1) == 0) {
    fault();
    CHECK(0 && "the fault was not one");
  }
  CHECK_EQUAL(faults, before + 1);
}

/* In a process of its own: with nothing but the default, a fault is the end. */
static void test_default(void) {
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    signal(SIGSEGV, SIG_DFL);
    trap();
    fault();
    _exit(0);
  }
  int status;
  CHECK_EQUAL(waitpid(child, &status, 0), child);
  CHECK(WIFSIGNALED(status));
  CHECK_EQUAL(WTERMSIG(status), SIGSEGV);
}

/* A signal that is sent, not raised by an access, is not ours either. */
static void test_sent(void) {
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    signal(SIGSEGV, SIG_DFL);
    trap();
    raise(SIGSEGV);
    _exit(0);
  }
  int status;
  CHECK_EQUAL(waitpid(child, &status, 0), child);
  CHECK(WIFSIGNALED(status));
}

static void test_handler(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO;
  CHECK_EQUAL(sigaction(SIGSEGV, &action, NULL), 0);
  for (int i = 0; i < 3; i++) {
    trap();
    fault_caught();
  }
  CHECK_EQUAL(faults, 3);
}

int main(void) {
  nobodys = mmap(NULL, 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(nobodys != MAP_FAILED);
  test_default();
  test_sent();
  test_handler();
  printf("%s: all is well\n", limpet_core_engine());
  return 0;
}
