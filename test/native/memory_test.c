/* limpet_config_set_memory: a server whose host takes nothing from the heap between start and stop. */

#include "check.h"
#include "limpet.h"

#define CONNECTIONS 8

/* ------------------------------------------------------------------------ the heap */

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *piece, size_t bytes);
void *__real_aligned_alloc(size_t alignment, size_t bytes);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *piece, size_t bytes);
void *__wrap_aligned_alloc(size_t alignment, size_t bytes);
char *__wrap_strdup(const char *text);

/* Calls while the library is at work. */
static bool counting;
static int heap_calls;

static void count(void) {
  if (counting) heap_calls++;
}

void *__wrap_malloc(size_t bytes) { return count(), __real_malloc(bytes); }
void *__wrap_calloc(size_t number, size_t bytes) { return count(), __real_calloc(number, bytes); }
void *__wrap_realloc(void *piece, size_t bytes) { return count(), __real_realloc(piece, bytes); }
void *__wrap_aligned_alloc(size_t alignment, size_t bytes) {
  return count(), __real_aligned_alloc(alignment, bytes);
}
char *__wrap_strdup(const char *text) { return count(), __real_strdup(text); }

/* --------------------------------------------------------------------- the server */

static limpet_server *server;
static limpet_session sessions[CONNECTIONS];
static int opened_count, closed_count, failed_code, each_count;
static bool pause_next, pause_all;

static void pump(void) {
  counting = true;
  limpet_server_poll(server, 2);
  counting = false;
}

static void on_connect(limpet_server *of, limpet_session session, void *user) {
  (void)of, (void)user;
  sessions[opened_count % CONNECTIONS] = session;
  opened_count++;
  CHECK_EQUAL(limpet_session_join(session, "all"), 1);
  CHECK_EQUAL(limpet_session_set_metadata(session, "name", "limpet", 6), 0);
}

static void on_message(limpet_server *of, limpet_session session, enum limpet_type type, char *data,
                       size_t length, void *user) {
  (void)user;
  if (length > 3 && memcmp(data, "all", 3) == 0) {
    CHECK(limpet_server_publish(of, "all", 0, type, data, length, NULL) > 0);
  } else {
    CHECK(limpet_session_send(session, type, data, length) >= 0);
  }
  if (!pause_next && !pause_all) return;
  pause_next = false;
  CHECK_EQUAL(limpet_session_pause(session), 0);
}

static void on_close(limpet_server *of, limpet_session session, uint16_t code, const char *reason,
                     void *user) {
  (void)of, (void)session, (void)code, (void)reason, (void)user;
  closed_count++;
}

static void on_error(limpet_server *of, limpet_session session, int code, const char *message,
                     void *user) {
  (void)of, (void)session, (void)message, (void)user;
  failed_code = code;
}

static void count_each(limpet_session session, void *arg) {
  (void)session;
  ++*(int *)arg;
}

static limpet_config *settings(void) {
  limpet_config *config = limpet_config_new();
  limpet_config_set_port(config, 0);
  limpet_config_set_max_connections(config, CONNECTIONS);
  return config;
}

/* A block of just so many bytes: the sanitizer watches its ends. */
static void *block_of(size_t bytes) {
  void *memory = __real_aligned_alloc(16, (bytes + 15) & ~(size_t)15);
  CHECK(memory);
  memset(memory, 0xa5, bytes);
  return memory;
}

static void begin(const limpet_config *config) {
  server = limpet_server_new(config);
  if (!server) fprintf(stderr, "%s\n", limpet_last_error());
  CHECK(server);
  limpet_server_set_on_connect(server, on_connect, NULL);
  limpet_server_set_on_message(server, on_message, NULL);
  limpet_server_set_on_close(server, on_close, NULL);
  limpet_server_set_on_error(server, on_error, NULL);
  CHECK_EQUAL(limpet_server_start(server), 0);
  opened_count = closed_count = failed_code = heap_calls = 0;
  check_pump = pump;
}

static void end(void) {
  check_pump = NULL;
  CHECK_EQUAL(limpet_server_stop(server, 50), 0);
  limpet_server_free(server);
}

/* ------------------------------------------------------------------------ the tests */

static void test_chat(struct check_client *clients) {
  for (int round = 0; round < 20; round++) {
    for (int i = 0; i < CONNECTIONS; i++) {
      char text[600];
      memset(text, 'a' + i, sizeof text);
      const size_t length = (size_t)(round * 30 + 1);
      text[length] = '\0';
      CHECK(check_client_send(&clients[i], CHECK_TEXT_FRAME, text, length));
      CHECK_FRAME(&clients[i], CHECK_TEXT_FRAME, text);
    }
    CHECK(check_client_send(&clients[0], CHECK_TEXT_FRAME, "all of you", 10));
    for (int i = 0; i < CONNECTIONS; i++) CHECK_FRAME(&clients[i], CHECK_TEXT_FRAME, "all of you");
    // A message in fragments, and one that is longer than a read.
    CHECK(check_client_send(&clients[1], 0x01, "one ", 4));
    CHECK(check_client_send(&clients[1], CHECK_PING_FRAME, "?", 1));
    CHECK(check_client_send(&clients[1], 0x80, "message", 7));
    CHECK_FRAME(&clients[1], CHECK_PONG_FRAME, "?");
    CHECK_FRAME(&clients[1], CHECK_TEXT_FRAME, "one message");
    static char big[100000];
    CHECK(check_client_send(&clients[2], CHECK_BINARY_FRAME, big, sizeof big));
    CHECK_EQUAL(check_client_receive(&clients[2]).length, sizeof big);
  }
  counting = true;
  each_count = 0;
  CHECK_EQUAL(limpet_server_each(server, 0, count_each, &each_count, NULL), 0);
  CHECK_EQUAL(limpet_server_broadcast(server, LIMPET_TEXT, "bye", 3), CONNECTIONS);
  char value[16];
  CHECK_EQUAL(limpet_session_metadata(sessions[0], "name", value, sizeof value), 6);
  counting = false;
  CHECK_EQUAL(each_count, CONNECTIONS);
  for (int i = 0; i < CONNECTIONS; i++) CHECK_FRAME(&clients[i], CHECK_TEXT_FRAME, "bye");
}

/* A session is paused in its callback, in front of a frame that waits for the reply: what came behind it is kept. */
static void test_stash(struct check_client *client) {
  // Masked with zeros: the payload as it is.
  uint8_t frames[2000 * 7 + 6];
  size_t length = 0;
  for (int i = 0; i < 2000; i++) {
    const uint8_t frame[7] = {CHECK_TEXT_FRAME, 0x81, 0, 0, 0, 0, (uint8_t)('a' + i % 26)};
    memcpy(frames + length, frame, sizeof frame);
    length += sizeof frame;
    const uint8_t ping[6] = {CHECK_PING_FRAME, 0x80};
    if (i > 0) continue;
    memcpy(frames + length, ping, sizeof ping);
    length += sizeof ping;
  }
  uint64_t before = 0;
  for (int i = 0; i < CONNECTIONS; i++) before += limpet_session_messages_received(sessions[i]);
  pause_next = true;
  CHECK(check_client_write(client, frames, length));
  for (int i = 0; i < 20; i++) pump();
  uint64_t after = 0;
  for (int i = 0; i < CONNECTIONS; i++) after += limpet_session_messages_received(sessions[i]);
  CHECK_EQUAL(after - before, 1);
  for (int i = 0; i < CONNECTIONS; i++) {
    counting = true;
    CHECK_EQUAL(limpet_session_resume(sessions[i]), 0);
    counting = false;
  }
  CHECK_FRAME(client, CHECK_TEXT_FRAME, "a");
  CHECK_FRAME(client, CHECK_PONG_FRAME, "");
  for (int i = 1; i < 2000; i++) {
    const char text[2] = {(char)('a' + i % 26), '\0'};
    CHECK_FRAME(client, CHECK_TEXT_FRAME, text);
  }
}

/* Longer than the core's blocks: refused with 1009, not gathered in the heap. RFC 6455 7.4.1. */
static void test_too_long(struct check_client *client) {
  static char big[400000];
  CHECK(check_client_send(client, CHECK_BINARY_FRAME, big, 1000));
  CHECK_EQUAL(check_client_receive(client).length, 1000);
  // As much as a block of the core has, and some more.
  const uint8_t header[14] = {CHECK_BINARY_FRAME, 0xff, 0, 0, 0, 0, 0, 6, 0x1a, 0x80};
  CHECK(check_client_write(client, header, sizeof header));
  CHECK(check_client_write(client, big, 300000));
  const struct check_frame frame = check_client_receive(client);
  CHECK_EQUAL(check_close_code(&frame), 1009);
  CHECK_EQUAL(failed_code, LIMPET_ERROR_CODE_TOO_BIG);
  // And what is sent has no place outside of the core that is longer than the block.
  counting = true;
  static char huge[4 << 20];
  CHECK(limpet_session_send(sessions[0], LIMPET_BINARY, huge, sizeof huge) < 0);
  counting = false;
}

static void test_clients_and_sockets(void) {
  char url[64];
  snprintf(url, sizeof url, "ws://127.0.0.1:%d/", limpet_server_port(server));
  limpet_session session;
  const int before = opened_count;
  counting = true;
  CHECK_EQUAL(limpet_server_connect(server, url, NULL, &session), 0);
  counting = false;
  CHECK_SOON(opened_count == before + 2);
  counting = true;
  CHECK_EQUAL(limpet_session_terminate(session), 0);
  counting = false;
  CHECK_SOON(limpet_server_active_count(server) <= CONNECTIONS - 2);

  int ends[2];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  struct check_client client = {.fd = ends[1], .status = 0, .held = 0};
  limpet_ws *ws;
  counting = true;
  CHECK_EQUAL(limpet_ws_attach(server, ends[0], LIMPET_NO_HTTP, NULL, 0, NULL, 0, NULL, 0, &ws), 0);
  counting = false;
  CHECK(check_client_send(&client, CHECK_BINARY_FRAME, "letter", 6));
  char buffer[16];
  counting = true;
  CHECK_EQUAL(limpet_ws_receive(ws, buffer, sizeof buffer, NULL, limpet_now() + CHECK_PATIENCE_MS),
              6);
  limpet_ws_close(ws, 0);
  counting = false;
  check_client_end(&client);
}

static void test_serving(void) {
  limpet_config *config = settings();
  const size_t bytes = limpet_config_memory_size(config);
  void *memory = block_of(bytes);
  CHECK_EQUAL(limpet_config_set_memory(config, memory, bytes), 0);
  begin(config);
  limpet_config_free(config);
  static struct check_client clients[CONNECTIONS];
  for (int i = 0; i < CONNECTIONS; i++) {
    clients[i] = check_client_connect(limpet_server_port(server), "/", "");
    CHECK_EQUAL(clients[i].status, 101);
  }
  CHECK_SOON(opened_count == CONNECTIONS);
  // One more than there are.
  struct check_client late = check_client_open(limpet_server_port(server));
  CHECK_EQUAL(check_client_receive_in(&late, 2000).first, 0);
  check_client_end(&late);

  test_chat(clients);
  test_stash(&clients[3]);
  test_too_long(&clients[4]);
  for (int i = 2; i < CONNECTIONS; i++) check_client_end(&clients[i]);
  CHECK_SOON(limpet_server_active_count(server) == 2);
  test_clients_and_sockets();
  // They come and go: nothing of the block is lost.
  for (int i = 0; i < 200; i++) {
    struct check_client one = check_client_connect(limpet_server_port(server), "/", "");
    CHECK_EQUAL(one.status, 101);
    check_client_end(&one);
    CHECK_SOON(limpet_server_active_count(server) == 2);
  }
  check_client_end(&clients[0]);
  check_client_end(&clients[1]);
  counting = true;
  CHECK_EQUAL(limpet_server_stop(server, 50), 0);
  counting = false;
  check_pump = NULL;
  CHECK_EQUAL(heap_calls, 0);
  limpet_server_free(server);

  // The memory is the caller's again: for another server.
  config = settings();
  CHECK_EQUAL(limpet_config_set_memory(config, memory, bytes), 0);
  begin(config);
  struct check_client again = check_client_connect(limpet_server_port(server), "/", "");
  CHECK_EQUAL(again.status, 101);
  check_client_end(&again);
  end();
  limpet_config_free(config);
  free(memory);
}

/* More is read and not taken than there is memory for: some are given up, the others go on, nothing else happens. */
static void test_used_up(void) {
  enum { MANY = 24 };
  limpet_config *config = settings();
  limpet_config_set_max_connections(config, MANY);
  const size_t bytes = limpet_config_memory_size(config);
  void *memory = block_of(bytes);
  CHECK_EQUAL(limpet_config_set_memory(config, memory, bytes), 0);
  begin(config);
  limpet_config_free(config);
  static struct check_client many[MANY];
  for (int i = 0; i < MANY; i++) {
    many[i] = check_client_connect(limpet_server_port(server), "/", "");
    CHECK_EQUAL(many[i].status, 101);
  }
  // A message whose callback pauses, a ping that waits for the reply, and as much behind it as one read takes.
  static uint8_t frames[16 << 10] = {CHECK_TEXT_FRAME, 0x81, 0, 0, 0, 0, 'x',
                                     CHECK_PING_FRAME, 0x80};
  const uint8_t head[8] = {CHECK_BINARY_FRAME, 0xfe, 0x3f, 0};
  memcpy(frames + 13, head, sizeof head);
  pause_all = true;
  for (int i = 0; i < MANY; i++) CHECK(check_client_write(&many[i], frames, sizeof frames));
  CHECK_SOON(closed_count > 0);
  for (int i = 0; i < 50; i++) pump();
  CHECK_EQUAL(failed_code, LIMPET_ERROR_CODE_MEMORY);
  const int left = (int)limpet_server_active_count(server);
  CHECK_EQUAL(left, MANY - closed_count);
  CHECK(left >= 16);
  pause_all = false;
  for (int i = 0; i < MANY; i++) check_client_end(&many[i]);
  // Who is paused does not see that the peer has gone; the server may stop all the same.
  counting = true;
  CHECK_EQUAL(limpet_server_stop(server, 50), 0);
  counting = false;
  check_pump = NULL;
  CHECK_EQUAL(heap_calls, 0);
  limpet_server_free(server);
  free(memory);
}

/* The counter counts: with the heap, there are calls. */
static void test_counter(void) {
  limpet_config *config = settings();
  begin(config);
  limpet_config_free(config);
  static char big[400000];
  struct check_client client = check_client_connect(limpet_server_port(server), "/", "");
  CHECK(check_client_send(&client, CHECK_BINARY_FRAME, big, sizeof big));
  CHECK_EQUAL(check_client_receive(&client).length, sizeof big);
  CHECK(heap_calls > 0);
  check_client_end(&client);
  end();
}

static void test_refused(void) {
  limpet_config *config = settings();
  const size_t bytes = limpet_config_memory_size(config);
  uint8_t *memory = block_of(bytes + 16);
  CHECK_EQUAL(limpet_config_set_memory(NULL, memory, bytes), LIMPET_ERROR_CODE_ARGUMENT);
  CHECK_EQUAL(limpet_config_set_memory(config, memory + 8, bytes), LIMPET_ERROR_CODE_ARGUMENT);
  CHECK_EQUAL(limpet_config_set_memory(config, NULL, bytes), LIMPET_ERROR_CODE_ARGUMENT);
  CHECK_EQUAL(limpet_config_set_memory(config, memory, 0), LIMPET_ERROR_CODE_ARGUMENT);
  CHECK_EQUAL(limpet_config_memory_size(NULL), 0);
  const size_t small[] = {1, 16, 100, 4096, bytes - 1};
  for (size_t i = 0; i < sizeof small / sizeof *small; i++) {
    CHECK_EQUAL(limpet_config_set_memory(config, memory, small[i]), 0);
    CHECK(!limpet_server_new(config));
    CHECK(strstr(limpet_last_error(), "bytes in place of"));
  }
  CHECK_EQUAL(limpet_config_set_memory(config, memory, bytes), 0);
  CHECK_EQUAL(limpet_config_set_threads(config, 2), 0);
  CHECK(!limpet_server_new(config));
  CHECK(strstr(limpet_last_error(), "one thread"));
  // NULL takes it back.
  CHECK_EQUAL(limpet_config_set_memory(config, NULL, 0), 0);
  limpet_config_set_threads(config, 1);
  limpet_server *on_heap = limpet_server_new(config);
  CHECK(on_heap);
  limpet_server_free(on_heap);
  // More connections take more.
  limpet_config_set_max_connections(config, 10 * CONNECTIONS);
  CHECK(limpet_config_memory_size(config) > bytes);
  limpet_config_free(config);
  free(memory);
}

int main(void) {
  test_serving();
  test_used_up();
  test_counter();
  test_refused();
  return 0;
}
