/* What libwebsockets' notes on coding say, point by point, in Limpet's words: docs/coming-from.md lists these tests. */

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "support.h"

/* --------------------------------------------------------------- threads, live connections */

static limpet_session target;

static void *send_from_afar(void *arg) {
  (void)arg;
  CHECK_EQUAL(limpet_session_send_text(target, "from another thread"), 0);
  /* What is not for any thread says so. */
  CHECK_EQUAL(limpet_session_pause(target), LIMPET_E_THREAD);
  return NULL;
}

static void test_other_threads(void) {
  serve(NULL);
  struct check_client client = join(&target);
  pthread_t thread;
  CHECK_EQUAL(pthread_create(&thread, NULL, send_from_afar, NULL), 0);
  CHECK_FRAME(&client, CHECK_TEXT_FRAME, "from another thread");
  pthread_join(thread, NULL);
  check_client_end(&client);
  serve_end();
}

static void test_live_only(void) {
  serve(NULL);
  limpet_session gone;
  struct check_client client = join(&gone);
  part(&client);
  CHECK_EQUAL(limpet_session_send_text(gone, "anybody?"), LIMPET_ERROR_CODE_HANDLE);
  CHECK_EQUAL(limpet_session_close(gone, 1000, NULL), LIMPET_ERROR_CODE_HANDLE);
  CHECK_EQUAL(limpet_session_call_writable(gone), LIMPET_ERROR_CODE_HANDLE);
  serve_end();
}

static void test_max_connections(void) {
  limpet_config *config = limpet_config_new();
  CHECK_EQUAL(limpet_config_set_max_connections(config, 2), 0);
  serve(config);
  struct check_client one = join(NULL), two = join(NULL);
  struct check_client three = check_client_connect(port, "/", "");
  CHECK(three.status == 0 || three.status == 503);
  part(&two);
  struct check_client four = join(NULL);
  check_client_end(&one);
  check_client_end(&three);
  check_client_end(&four);
  serve_end();
}

/* ----------------------------------------------------------------------- writable, closing */

static int writable_count;
static bool closes;

static void on_writable(limpet_server *of, limpet_session session, void *user) {
  (void)of, (void)user;
  writable_count++;
  char text[16];
  snprintf(text, sizeof text, "%d", writable_count);
  CHECK(limpet_session_send_text(session, text) >= 0);
  if (closes) CHECK_EQUAL(limpet_session_close(session, 1000, "done"), 0);
  else if (writable_count < 3) CHECK_EQUAL(limpet_session_call_writable(session), 0);
}

static void writing(void) {
  writable_count = 0;
  closes = false;
  serve_new(NULL);
  limpet_server_set_on_writable(server, on_writable, NULL);
  serve_start();
}

static void test_callback_on_writable(void) {
  writing();
  limpet_session session;
  struct check_client client = join(&session);
  CHECK_EQUAL(limpet_session_call_writable(session), 0);
  CHECK_FRAME(&client, CHECK_TEXT_FRAME, "1");
  CHECK_FRAME(&client, CHECK_TEXT_FRAME, "2");
  CHECK_FRAME(&client, CHECK_TEXT_FRAME, "3");
  CHECK_EQUAL(writable_count, 3);
  check_client_end(&client);
  serve_end();
}

static void test_callback_on_writable_all(void) {
  writing();
  writable_count = 3;
  struct check_client clients[3] = {join(NULL), join(NULL), join(NULL)};
  CHECK(limpet_server_call_writable_all(server) >= 0);
  for (int i = 0; i < 3; i++)
    CHECK_EQUAL(check_client_receive(&clients[i]).first, CHECK_TEXT_FRAME);
  CHECK_EQUAL(writable_count, 6);
  for (int i = 0; i < 3; i++) check_client_end(&clients[i]);
  serve_end();
}

static void test_closing_from_callback(void) {
  writing();
  closes = true;
  limpet_session session;
  struct check_client client = join(&session);
  CHECK_EQUAL(limpet_session_call_writable(session), 0);
  CHECK_FRAME(&client, CHECK_TEXT_FRAME, "1");
  struct check_frame frame = check_client_receive(&client);
  CHECK_EQUAL(check_close_code(&frame), 1000);
  CHECK_STRING(frame.payload + 2, "done");
  check_client_end(&client);
  serve_end();
}

static void terminate_it(limpet_server *of, limpet_session session, enum limpet_type type,
                         char *data, size_t length, void *user) {
  (void)of, (void)type, (void)data, (void)length, (void)user;
  CHECK_EQUAL(limpet_session_terminate(session), 0);
}

static void test_terminating_from_callback(void) {
  serve_new(NULL);
  limpet_server_set_on_message(server, terminate_it, NULL);
  serve_start();
  struct check_client client = join(NULL);
  check_client_send(&client, CHECK_TEXT_FRAME, "bye", 3);
  CHECK_EQUAL(check_client_receive(&client).first, 0);
  CHECK_SOON(closed_count == 1);
  check_client_end(&client);
  serve_end();
}

/* ------------------------------------------------------------------------------- fragments */

static char gathered[256];
static size_t gathered_length;
static int pieces, wholes;

/* libwebsockets' way to gather: until no more of the frame is to come, and the frame is the last. */
static void on_chunk(limpet_server *of, limpet_session session, enum limpet_type type, char *data,
                     size_t length, bool is_first, bool is_last, uint32_t remaining, void *user) {
  (void)of, (void)session, (void)user;
  CHECK_EQUAL(type, LIMPET_TEXT);
  CHECK(is_first == (gathered_length == 0));
  CHECK(gathered_length + length + remaining < sizeof gathered);
  memcpy(gathered + gathered_length, data, length);
  gathered_length += length;
  pieces++;
  if (is_last) CHECK_EQUAL(remaining, 0);
  if (is_last) wholes++;
}

static void test_receiving_fragments(void) {
  gathered_length = 0;
  pieces = wholes = 0;
  limpet_config *config = limpet_config_new();
  CHECK_EQUAL(limpet_config_set_delivery(config, LIMPET_DELIVERY_STREAM), 0);
  serve_new(config);
  limpet_server_set_on_chunk(server, on_chunk, NULL);
  serve_start();
  struct check_client client = join(NULL);
  check_client_send(&client, 0x01, "three ", 6);
  CHECK_SOON(gathered_length == 6);
  CHECK_EQUAL(wholes, 0);
  /* Half of a frame: the rest is told to be still to come. */
  check_client_send(&client, 0x00, "frames, ", 8);
  check_client_send(&client, 0x80, "one message", 11);
  CHECK_SOON(wholes == 1);
  CHECK(pieces >= 3);
  CHECK_EQUAL(gathered_length, 25);
  CHECK(memcmp(gathered, "three frames, one message", 25) == 0);
  check_client_end(&client);
  serve_end();
}

static void test_sending_fragments(void) {
  serve(NULL);
  limpet_session session;
  struct check_client client = join(&session);
  CHECK(limpet_session_send_fragment(session, LIMPET_TEXT, "one ", 4, false) >= 0);
  CHECK(limpet_session_send_fragment(session, LIMPET_TEXT, "two ", 4, false) >= 0);
  CHECK(limpet_session_send_fragment(session, LIMPET_TEXT, "three", 5, true) >= 0);
  CHECK_FRAME(&client, 0x01, "one ");
  CHECK_FRAME(&client, 0x00, "two ");
  CHECK_FRAME(&client, 0x80, "three");
  check_client_end(&client);
  serve_end();
}

/* ------------------------------------------------------------------- headers, TCP keepalive */

static enum limpet_verdict on_upgrade(limpet_server *of, limpet_session session, const char *path,
                                      void *user) {
  (void)of, (void)path, (void)user;
  char agent[32];
  CHECK_EQUAL(limpet_session_header(session, "User-Agent", agent, sizeof agent), 6);
  CHECK_STRING(agent, "test/1");
  CHECK_EQUAL(limpet_session_header(session, "X-None", agent, sizeof agent),
              LIMPET_ERROR_CODE_ABSENT);
  return LIMPET_ACCEPT;
}

static void test_headers(void) {
  for (int kept = 0; kept <= 1; kept++) {
    limpet_config *config = limpet_config_new();
    if (kept) CHECK_EQUAL(limpet_config_set_keep_request(config, "user-agent"), 0);
    serve_new(config);
    limpet_server_set_on_upgrade(server, on_upgrade, NULL);
    serve_start();
    limpet_session session;
    struct check_client client = join_as("/", "User-Agent: test/1\r\n", &session);
    char agent[32];
    int length = limpet_session_header(session, "User-Agent", agent, sizeof agent);
    CHECK(kept ? length == 6 : length < 0);
    check_client_end(&client);
    serve_end();
  }
}

static int socket_option(int fd, int level, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  CHECK(getsockopt(fd, level, option, &value, &size) == 0);
  return value;
}

static void test_keepalive(void) {
  limpet_config *config = limpet_config_new();
  CHECK_EQUAL(limpet_config_set_keepalive(config, 77, 11, 5), 0);
  serve(config);
  limpet_session session;
  struct check_client client = join(&session);
  int fd = limpet_session_fd(session);
  CHECK_EQUAL(socket_option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
#ifdef TCP_KEEPIDLE
  CHECK_EQUAL(socket_option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 77);
  CHECK_EQUAL(socket_option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 11);
  CHECK_EQUAL(socket_option(fd, IPPROTO_TCP, TCP_KEEPCNT), 5);
#endif
  check_client_end(&client);
  serve_end();
  serve(NULL);
  client = join(&session);
  CHECK_EQUAL(socket_option(limpet_session_fd(session), SOL_SOCKET, SO_KEEPALIVE), 0);
  check_client_end(&client);
  serve_end();
}

/* ---------------------------------------------------------------------------- external poll */

static struct pollfd fds[16];
static nfds_t fd_count;
static int modes;

static void fd_add(limpet_server *of, int fd, int events, void *user) {
  (void)of, (void)user;
  CHECK(fd_count < 16);
  fds[fd_count++] = (struct pollfd){.fd = fd, .events = (short)events, .revents = 0};
}

static nfds_t fd_at(int fd) {
  nfds_t at = 0;
  while (at < fd_count && fds[at].fd != fd) at++;
  CHECK(at < fd_count);
  return at;
}

static void fd_change(limpet_server *of, int fd, int events, void *user) {
  (void)of, (void)user;
  fds[fd_at(fd)].events = (short)events;
  modes++;
}

static void fd_remove(limpet_server *of, int fd, void *user) {
  (void)of, (void)user;
  nfds_t at = fd_at(fd);
  fds[at] = fds[--fd_count];
}

static void external_pump(void) {
  int wait_ms = limpet_server_service(server);
  struct pollfd round[16];
  nfds_t count = fd_count;
  memcpy(round, fds, sizeof fds);
  CHECK(poll(round, count, wait_ms < 0 || wait_ms > 5 ? 5 : wait_ms) >= 0);
  for (nfds_t i = 0; i < count; i++) {
    if (round[i].revents)
      CHECK(limpet_server_service_fd(server, round[i].fd, round[i].revents) >= 0);
  }
}

static void test_external_poll(void) {
  fd_count = 0;
  serve_new(NULL);
  struct limpet_poll_callbacks callbacks = {fd_add, fd_change, fd_remove, NULL};
  CHECK_EQUAL(limpet_server_set_poll(server, &callbacks), 0);
  serve_start();
  check_pump = external_pump;
  nfds_t own = fd_count;
  CHECK(own >= 1);
  limpet_session session;
  struct check_client client = join(&session);
  CHECK_EQUAL(fd_count, own + 1);
  /* A socket that is full is watched for POLLOUT. */
  static char bytes[1 << 16];
  while (modes == 0) {
    CHECK(limpet_session_send(session, LIMPET_BINARY, bytes, sizeof bytes) >= 0);
    external_pump();
  }
  CHECK(fds[fd_at(limpet_session_fd(session))].events & POLLOUT);
  /* Another's descriptor may be tried: nothing happens. */
  int ends[2];
  CHECK(pipe(ends) == 0);
  CHECK_EQUAL(limpet_server_service_fd(server, ends[0], POLLIN), 0);
  check_client_end(&client);
  CHECK_SOON(closed_count == 1);
  CHECK_EQUAL(fd_count, own);
  close(ends[0]);
  close(ends[1]);
  limpet_server_free(server);
  CHECK_EQUAL(fd_count, 0);
  check_pump = NULL;
}

/* ---------------------------------------------------------------------------------- clients */

static int established, failures;

static void on_connect(limpet_server *of, limpet_session session, void *user) {
  (void)of, (void)user;
  if (session == target) established++;
}

static void on_connect_error(limpet_server *of, limpet_session session, int code,
                             const char *message, void *user) {
  (void)of, (void)user;
  CHECK(session == target);
  CHECK(code < 0 && *message);
  failures++;
}

static void test_client_connect(void) {
  established = failures = 0;
  serve_new(NULL);
  limpet_server_set_on_connect(server, on_connect, NULL);
  limpet_server_set_on_connect_error(server, on_connect_error, NULL);
  serve_start();
  char url[64];
  snprintf(url, sizeof url, "ws://127.0.0.1:%d/", port);
  CHECK_EQUAL(limpet_server_connect(server, url, NULL, &target), 0);
  /* It has a number, but is not active yet. */
  CHECK(target != 0 && established == 0);
  CHECK(limpet_session_send_text(target, "early") < 0);
  CHECK_SOON(established == 1);
  CHECK(limpet_session_send_text(target, "now") >= 0);
  CHECK_EQUAL(failures, 0);
  serve_end();
}

static void test_client_connection_error(void) {
  established = failures = 0;
  serve_new(NULL);
  limpet_server_set_on_connect(server, on_connect, NULL);
  limpet_server_set_on_connect_error(server, on_connect_error, NULL);
  serve_start();
  /* Nobody is there: a port that was free a moment ago. */
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in where = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof where;
  CHECK(bind(fd, (struct sockaddr *)&where, size) == 0);
  CHECK(getsockname(fd, (struct sockaddr *)&where, &size) == 0);
  char url[64];
  snprintf(url, sizeof url, "ws://127.0.0.1:%d/", ntohs(where.sin_port));
  CHECK_EQUAL(limpet_server_connect(server, url, NULL, &target), 0);
  CHECK_SOON(failures == 1);
  /* Somebody is there, and says nothing: time runs out. */
  CHECK(listen(fd, 4) == 0);
  struct limpet_connect_options options = {.timeout_ms = 50};
  CHECK_EQUAL(limpet_server_connect(server, url, &options, &target), 0);
  CHECK_SOON(failures == 2);
  CHECK_EQUAL(established, 0);
  close(fd);
  serve_end();
}

/* ------------------------------------------------------------------------- logs and daemons */

static int logged;
static enum limpet_log_level logged_level;

static void emit(enum limpet_log_level level, const char *line, void *user) {
  (void)user;
  CHECK(*line);
  logged++;
  logged_level = level;
}

static void test_log_level(void) {
  logged = 0;
  uint32_t by_default = LIMPET_LOG_ERROR | LIMPET_LOG_WARN | LIMPET_LOG_NOTICE;
  CHECK_EQUAL(limpet_log_set(by_default, emit, NULL), 0);
  limpet_log(LIMPET_LOG_NOTICE, "a notice is logged by default");
  CHECK(logged == 1 && logged_level == LIMPET_LOG_NOTICE);
  limpet_log(LIMPET_LOG_INFO, "an info is not");
  CHECK_EQUAL(logged, 1);
  /* NULL leaves the emitter as it is. */
  CHECK_EQUAL(limpet_log_set(by_default | LIMPET_LOG_INFO, NULL, NULL), 0);
  limpet_log(LIMPET_LOG_INFO, "%s", "now it is");
  CHECK(logged == 2 && logged_level == LIMPET_LOG_INFO);
  CHECK_EQUAL(limpet_log_set(by_default, limpet_log_emit_stderr, NULL), 0);
}

static void test_daemonize(void) {
  char folder[] = "/tmp/limpet-lws-XXXXXX", lock[64];
  CHECK(mkdtemp(folder) != NULL);
  snprintf(lock, sizeof lock, "%s/lock", folder);
  int ends[2];
  CHECK(pipe(ends) == 0);
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    if (limpet_daemonize(lock) != 0) _exit(9);
    pid_t id = getpid();
    CHECK(write(ends[1], &id, sizeof id) == sizeof id);
    pause();
    _exit(0);
  }
  /* The process that was started exits with 0, and the daemon has the lock. */
  int status;
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  pid_t id;
  CHECK(read(ends[0], &id, sizeof id) == sizeof id);
  CHECK(id != child);
  FILE *file = fopen(lock, "r");
  long written = 0;
  CHECK(file && fscanf(file, "%ld", &written) == 1 && written == (long)id);
  fclose(file);
  CHECK(kill(id, SIGKILL) == 0);
  unlink(lock);
  rmdir(folder);
  close(ends[0]);
  close(ends[1]);
}

int main(void) {
  test_daemonize();
  test_max_connections();
  test_other_threads();
  test_live_only();
  test_callback_on_writable();
  test_callback_on_writable_all();
  test_closing_from_callback();
  test_terminating_from_callback();
  test_receiving_fragments();
  test_sending_fragments();
  test_log_level();
  test_external_poll();
  test_headers();
  test_keepalive();
  test_client_connect();
  test_client_connection_error();
  return 0;
}
