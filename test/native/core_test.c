/* Instances of the core by themselves, as limpet_core.h has them: made, called, ended; two of them, in
 * threads, in memory of the caller's; and what a trap does to one of them. */

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "check.h"
#include "limpet_core.h"

static const char REQUEST[] =
    "GET /chat HTTP/1.1\r\nHost: limpet.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
/* RFC 6455 1.3: what the server makes of that key. */
static const char ACCEPT[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

static limpet_core *core_made(void) {
  limpet_core *core = limpet_core_new();
  if (core == NULL) fprintf(stderr, "limpet_core_new: %s\n", limpet_core_failure());
  CHECK(core != NULL);
  CHECK_EQUAL(limpet_core_abi_version(core), LIMPET_ABI_VERSION);
  return core;
}

/* Bytes of a peer → the core. */
static void feed(limpet_core *core, int32_t session, const void *bytes, size_t count, int32_t now) {
  const int32_t ingress = limpet_core_region(core, LIMPET_REGION_INGRESS);
  CHECK(limpet_core_rx_room(core, session) >= (int32_t)count);
  memcpy(limpet_core_memory(core) + ingress, bytes, count);
  CHECK_EQUAL(limpet_core_rx(core, session, ingress, (int32_t)count, now), count);
}

/* The oldest event that is not acknowledged yet. */
static struct limpet_event_record event_of(limpet_core *core) {
  struct limpet_event_ring ring;
  struct limpet_event_record event;
  memcpy(&ring, limpet_core_memory(core) + limpet_core_events(core), sizeof ring);
  CHECK(ring.head != ring.tail);
  memcpy(&event, limpet_core_memory(core) + ring.base + (ring.tail & ring.mask) * sizeof event,
         sizeof event);
  return event;
}

/* What a session has to write, with a zero behind it; it is acknowledged. */
static void output_of(limpet_core *core, int32_t session, char *into, size_t room) {
  struct limpet_tx_record tx;
  struct limpet_span span;
  const uint8_t *at = limpet_core_memory(core) + limpet_core_tx(core, session);
  memcpy(&tx, at, sizeof tx);
  size_t count = 0;
  for (uint32_t i = 0; i < tx.count; i++) {
    memcpy(&span, at + sizeof tx + i * sizeof span, sizeof span);
    CHECK(count + span.len < room);
    memcpy(into + count, limpet_core_memory(core) + span.ptr, span.len);
    count += span.len;
  }
  into[count] = '\0';
  CHECK(limpet_core_tx_ack(core, session, (int32_t)count) >= 0);
}

/* A session as far as OPEN. */
static int32_t open_session(limpet_core *core) {
  char answer[512];
  const int32_t session = limpet_core_open(core, 1);
  CHECK(session > 0);
  feed(core, session, REQUEST, sizeof REQUEST - 1, 2);
  CHECK_EQUAL(event_of(core).kind, LIMPET_EVENT_KIND_UPGRADE);
  CHECK_EQUAL(limpet_core_accept(core, session, 0, 0, 0, 0), 0);
  CHECK_EQUAL(limpet_core_event_ack(core, 1), 0);
  CHECK_EQUAL(limpet_core_tx_next(core), session);
  output_of(core, session, answer, sizeof answer);
  CHECK(strstr(answer, ACCEPT) != NULL);
  return session;
}

/* A masked "Hello", RFC 6455 5.7, and its echo. */
static void echo(limpet_core *core, int32_t session) {
  static const uint8_t hello[] = {0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58};
  char answer[16];
  feed(core, session, hello, sizeof hello, 3);
  if (event_of(core).kind == LIMPET_EVENT_KIND_OPEN) limpet_core_event_ack(core, 1);
  const struct limpet_event_record event = event_of(core);
  CHECK_EQUAL(event.kind, LIMPET_EVENT_KIND_MESSAGE);
  CHECK_EQUAL(event.len, 5);
  CHECK(limpet_core_send(core, session, event.code, (int32_t)event.ptr, 5) >= 0);
  CHECK_EQUAL(limpet_core_event_ack(core, 1), 0);
  CHECK_EQUAL(limpet_core_tx_next(core), session);
  output_of(core, session, answer, sizeof answer);
  CHECK(strcmp(answer, "\x81\x05Hello") == 0);
}

static void test_echo(void) {
  limpet_core *core = core_made();
  echo(core, open_session(core));
  CHECK(limpet_core_memory(core) != NULL);
  CHECK(limpet_core_memory_size(core) > 0);
  limpet_core_free(core);
}

/* What one does leaves no trace in the other. */
static void test_two(void) {
  limpet_core *one = core_made(), *two = core_made();
  const uint32_t size = limpet_core_memory_size(two);
  uint8_t *before = malloc(size);
  CHECK(before != NULL);
  memcpy(before, limpet_core_memory(two), size);
  const int32_t session = open_session(one);
  CHECK(memcmp(before, limpet_core_memory(two), size) == 0);
  CHECK_EQUAL(limpet_core_rx_room(two, session), LIMPET_ERROR_CODE_HANDLE);
  echo(two, open_session(two));
  limpet_core_free(two);
  echo(one, session);
  limpet_core_free(one);
  free(before);
}

static void *thread_main(void *argument) {
  (void)argument;
  limpet_core *core = core_made();
  const int32_t session = open_session(core);
  for (int i = 0; i < 2000; i++) echo(core, session);
  limpet_core_free(core);
  return NULL;
}

/* A core in each thread, and one that is made here and used and ended there. */
static void *heir_main(void *core) {
  echo(core, open_session(core));
  limpet_core_free(core);
  return NULL;
}

static void test_threads(void) {
  pthread_t threads[4], heir;
  for (int i = 0; i < 4; i++) CHECK_EQUAL(pthread_create(&threads[i], NULL, thread_main, NULL), 0);
  CHECK_EQUAL(pthread_create(&heir, NULL, heir_main, core_made()), 0);
  for (int i = 0; i < 4; i++) CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
  CHECK_EQUAL(pthread_join(heir, NULL), 0);
}

/* The host's own mistake: it writes all over memory, and the core follows an address to nowhere. */
static void test_trap(void) {
  limpet_core *other = core_made(), *core = core_made();
  const int32_t session = open_session(other);
  open_session(core);
  memset(limpet_core_memory(core), 0xff, (size_t)limpet_core_region(core, LIMPET_REGION_INGRESS));
  CHECK_EQUAL(limpet_core_tx_next(core), LIMPET_CORE_TRAP);
  CHECK_EQUAL(limpet_core_tick(core, 5), LIMPET_CORE_TRAP);
  CHECK_EQUAL(limpet_core_abi_version(core), LIMPET_CORE_TRAP);
  echo(other, session);
  limpet_core_free(core);
  echo(other, session);
  limpet_core_free(other);
}

/* The instance in memory of the caller's, used twice, dirty the second time; nothing is written past it. */
static void test_new_in(void) {
  const size_t bytes = limpet_core_bytes();
  CHECK_EQUAL(limpet_core_new_in(NULL, SIZE_MAX) == NULL, true);
  CHECK(strlen(limpet_core_failure()) > 0);
  if (bytes == 0) return;
  uint8_t *block = calloc(1, bytes + 3);
  CHECK(block != NULL);
  block[0] = block[bytes + 1] = block[bytes + 2] = 0xa5;
  CHECK(limpet_core_new_in(block + 1, bytes - 1) == NULL);
  for (int i = 0; i < 2; i++) {
    limpet_core *core = limpet_core_new_in(block + 1, bytes);
    CHECK(core != NULL);
    CHECK(strcmp(limpet_core_failure(), "") == 0);
    CHECK((uint8_t *)core > block && limpet_core_memory(core) < block + bytes);
    struct limpet_stats_record stats;
    memcpy(&stats, limpet_core_memory(core) + limpet_core_stats(core), sizeof stats);
    CHECK_EQUAL(stats.active, 0);
    echo(core, open_session(core));
    limpet_core_free(core);
  }
  CHECK(block[0] == 0xa5 && block[bytes + 1] == 0xa5 && block[bytes + 2] == 0xa5);
  free(block);
}

static void test_null(void) {
  limpet_core_free(NULL);
  CHECK(limpet_core_memory(NULL) == NULL);
  CHECK_EQUAL(limpet_core_memory_size(NULL), 0);
  CHECK_EQUAL(limpet_core_tick(NULL, 0), LIMPET_ERROR_CODE_ARGUMENT);
  CHECK_EQUAL(limpet_core_connect(NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0) < 0, true);
}

int main(void) {
  test_echo();
  test_two();
  test_threads();
  test_trap();
  test_new_in();
  test_null();
  printf("%s: all is well\n", limpet_core_engine());
  return 0;
}
