/* Every function of a session in limpet.h with one that is stale or never was, with NULL and lengths out of range, and
 * from the wrong thread: it answers a code, and crashes never. The others: bad_input_test.c. */

#include <pthread.h>

#include "support.h"

#define ARGUMENT LIMPET_ERROR_CODE_ARGUMENT
#define HANDLE LIMPET_ERROR_CODE_HANDLE

/* Longer than all scratch regions, and than any string that a call takes. */
static char endless[100000];
static char buffer[64];

static bool room_told(const struct limpet_room *room, void *user) { return room && user; }
static bool field_told(const char *name, const char *value, void *user) {
  return name && value && user;
}

/* ---------------------------------------------------------------------- a session */

/* All functions of a session that is none. */
static void session_is(limpet_session session, int code) {
  struct limpet_session_details details;
  size_t rest = sizeof buffer;
  CHECK_CODE(limpet_session_send(session, LIMPET_TEXT, "x", 1), code);
  CHECK_CODE(limpet_session_send_text(session, "x"), code);
  CHECK_CODE(limpet_session_send_fragment(session, LIMPET_TEXT, "x", 1, true), code);
  CHECK_CODE(limpet_session_send_with(session, LIMPET_TEXT, "x", 1, 0), code);
  CHECK_CODE(limpet_session_ping(session, "x", 1), code);
  CHECK_CODE(limpet_session_pong(session, "x", 1), code);
  CHECK_CODE(limpet_session_close(session, 1000, "x"), code);
  CHECK_CODE(limpet_session_terminate(session), code);
  CHECK_CODE(limpet_session_pause(session), code);
  CHECK_CODE(limpet_session_resume(session), code);
  CHECK_CODE(limpet_session_queued(session), code);
  CHECK_CODE(limpet_session_call_writable(session), code);
  CHECK_CODE(limpet_session_info(session, &details), code);
  CHECK_EQUAL(limpet_session_connected_at(session), 0);
  CHECK_EQUAL(limpet_session_active_at(session), 0);
  CHECK_EQUAL(limpet_session_messages_sent(session), 0);
  CHECK_EQUAL(limpet_session_messages_received(session), 0);
  CHECK_EQUAL(limpet_session_bytes_sent(session), 0);
  CHECK_EQUAL(limpet_session_bytes_received(session), 0);
  CHECK_CODE(limpet_session_remote_address(session, buffer, sizeof buffer, NULL, NULL), code);
  CHECK_CODE(limpet_session_fd(session), code);
#ifdef LIMPET_TLS
  struct limpet_tls_details tls;
  CHECK_CODE(limpet_session_tls(session, &tls), code);
#endif
  CHECK_CODE(limpet_session_tls(session, NULL), LIMPET_ERROR_CODE_ARGUMENT);
  CHECK(limpet_session_user(session) == NULL);
  CHECK(limpet_session_set_user(session, buffer) == NULL);
  CHECK_CODE(limpet_session_set_metadata(session, "k", "v", 1), code);
  CHECK_CODE(limpet_session_metadata(session, "k", buffer, sizeof buffer), code);
  CHECK_CODE(limpet_session_delete_metadata(session, "k"), code);
  CHECK_CODE(limpet_session_request_part(session, LIMPET_PART_PATH, buffer, sizeof buffer), code);
  CHECK_CODE(limpet_session_header(session, "host", buffer, sizeof buffer), code);
  CHECK_CODE(limpet_session_cookie(session, "c", buffer, sizeof buffer), code);
  CHECK_CODE(limpet_session_offered_protocol(session, 0, buffer, sizeof buffer), code);
  CHECK_CODE(limpet_session_headers(session, field_told, NULL), code);
  CHECK_CODE(limpet_session_accept(session, NULL, NULL), code);
  CHECK_CODE(limpet_session_respond(session, 404, NULL, NULL, 0), code);
  CHECK_CODE(limpet_session_join(session, "t"), code);
  CHECK_CODE(limpet_session_leave(session, "t"), code);
  CHECK_CODE(limpet_session_in_room(session, "t"), code);
  CHECK_CODE(limpet_session_detach(session, buffer, &rest), code);
}

/* Those that other threads may call hand over what cannot be judged there: a session whose loop is there. */
static void test_stale(limpet_session ended) {
  session_is(0, HANDLE);
  session_is(1, HANDLE);
  session_is(UINT64_MAX, HANDLE);
  session_is(ended, HANDLE);
  session_is(ended ^ 1, HANDLE);
  session_is(ended | 0x80000000u, HANDLE);
  session_is(ended ^ UINT64_C(1) << 48, HANDLE);
  CHECK(limpet_session_server(0) == NULL);
  CHECK(limpet_session_server(UINT64_MAX) == NULL);
}

/* A session that is open, and everything else out of range. */
static void test_session_arguments(limpet_session session) {
  const int no_type = 0, no_part = -5;
  size_t rest = 0;
  CHECK_CODE(limpet_session_send(session, (enum limpet_type)no_type, "x", 1), ARGUMENT);
  CHECK_CODE(limpet_session_send(session, LIMPET_TEXT, NULL, 1), ARGUMENT);
  CHECK_CODE(limpet_session_send(session, LIMPET_TEXT, "x", SIZE_MAX), ARGUMENT);
  CHECK_CODE(limpet_session_send(session, LIMPET_TEXT, "x", (size_t)INT32_MAX + 1), ARGUMENT);
  CHECK_CODE(limpet_session_send_text(session, NULL), ARGUMENT);
  CHECK_CODE(limpet_session_send_fragment(session, (enum limpet_type)no_type, "x", 1, true),
             ARGUMENT);
  CHECK_CODE(limpet_session_send_fragment(session, LIMPET_TEXT, NULL, 1, true), ARGUMENT);
  CHECK_CODE(limpet_session_send_fragment(session, LIMPET_TEXT, "x", SIZE_MAX, true), ARGUMENT);
  CHECK_CODE(limpet_session_send_with(session, LIMPET_TEXT, "x", 1, UINT32_MAX), ARGUMENT);
  CHECK_CODE(limpet_session_send_with(session, LIMPET_TEXT, "x", SIZE_MAX, 0), ARGUMENT);
  CHECK_CODE(limpet_session_send_prepared(session, NULL), ARGUMENT);
  CHECK_CODE(limpet_session_ping(session, endless, 126), ARGUMENT);
  CHECK_CODE(limpet_session_ping(session, NULL, 1), ARGUMENT);
  CHECK_CODE(limpet_session_pong(session, endless, SIZE_MAX), ARGUMENT);
  CHECK_CODE(limpet_session_close(session, 1000, endless), ARGUMENT);
  CHECK_CODE(limpet_session_close(session, 1005, NULL), LIMPET_ERROR_CODE_VALUE);
  CHECK_CODE(limpet_session_close(session, 65535, NULL), LIMPET_ERROR_CODE_VALUE);
  CHECK_CODE(limpet_session_close(session, 1000, "\xff"), LIMPET_ERROR_CODE_VALUE);
  CHECK(limpet_session_close(session, 0, "a reason without a code") < 0);
  CHECK_CODE(limpet_session_info(session, NULL), ARGUMENT);
  CHECK_CODE(limpet_session_remote_address(session, NULL, 9, NULL, NULL), ARGUMENT);
  CHECK_CODE(limpet_session_set_metadata(session, NULL, "v", 1), ARGUMENT);
  CHECK_CODE(limpet_session_set_metadata(session, "k", NULL, 1), ARGUMENT);
  CHECK_CODE(limpet_session_set_metadata(session, "k", "v", SIZE_MAX), ARGUMENT);
  CHECK_CODE(limpet_session_set_metadata(session, endless, "v", 1), ARGUMENT);
  CHECK_CODE(limpet_session_metadata(session, NULL, buffer, 1), ARGUMENT);
  CHECK_CODE(limpet_session_metadata(session, "k", NULL, 1), ARGUMENT);
  CHECK_CODE(limpet_session_delete_metadata(session, NULL), ARGUMENT);
  CHECK_CODE(limpet_session_delete_metadata(session, endless), ARGUMENT);
  CHECK(limpet_session_request_part(session, (enum limpet_part)no_part, buffer, 1) < 0);
  CHECK_CODE(limpet_session_request_part(session, LIMPET_PART_PATH, NULL, 1), ARGUMENT);
  CHECK_CODE(limpet_session_header(session, NULL, buffer, 1), ARGUMENT);
  CHECK_CODE(limpet_session_header(session, endless, buffer, 1), ARGUMENT);
  CHECK_CODE(limpet_session_header(session, "host", NULL, 1), ARGUMENT);
  CHECK_CODE(limpet_session_cookie(session, NULL, buffer, 1), ARGUMENT);
  CHECK_CODE(limpet_session_cookie(session, endless, buffer, 1), ARGUMENT);
  CHECK_CODE(limpet_session_offered_protocol(session, -1, buffer, 1), ARGUMENT);
  CHECK(limpet_session_offered_protocol(session, INT32_MAX, buffer, 1) < 0);
  CHECK_CODE(limpet_session_headers(session, NULL, NULL), ARGUMENT);
  CHECK_CODE(limpet_session_accept(session, endless, NULL), ARGUMENT);
  CHECK_CODE(limpet_session_accept(session, NULL, endless), ARGUMENT);
  CHECK_CODE(limpet_session_accept(session, NULL, NULL), LIMPET_ERROR_CODE_STATE);
  CHECK_CODE(limpet_session_respond(session, 99, NULL, NULL, 0), ARGUMENT);
  CHECK_CODE(limpet_session_respond(session, 600, NULL, NULL, 0), ARGUMENT);
  CHECK_CODE(limpet_session_respond(session, 200, endless, NULL, 0), ARGUMENT);
  CHECK_CODE(limpet_session_respond(session, 200, NULL, NULL, 1), ARGUMENT);
  CHECK_CODE(limpet_session_respond(session, 200, NULL, "x", SIZE_MAX), ARGUMENT);
  CHECK_CODE(limpet_session_join(session, NULL), ARGUMENT);
  CHECK_CODE(limpet_session_join(session, endless), ARGUMENT);
  CHECK_CODE(limpet_session_leave(session, NULL), ARGUMENT);
  CHECK_CODE(limpet_session_in_room(session, NULL), ARGUMENT);
  CHECK_CODE(limpet_session_in_room(session, endless), ARGUMENT);
  rest = 1;
  CHECK(limpet_session_detach(session, NULL, &rest) < 0);
}

/* ----------------------------------------------------------------- the wrong thread */

static limpet_session living;
static limpet_prepared *message;

/* Most functions of a session are its thread's. */
static void *wrong_thread(void *nothing) {
  struct limpet_session_details details;
  limpet_session one[1];
  const int no = LIMPET_E_THREAD;
  size_t rest = sizeof buffer;
  CHECK_CODE(limpet_session_send_fragment(living, LIMPET_TEXT, "x", 1, true), no);
  CHECK_CODE(limpet_session_ping(living, "x", 1), no);
  CHECK_CODE(limpet_session_pong(living, "x", 1), no);
  CHECK_CODE(limpet_session_pause(living), no);
  CHECK_CODE(limpet_session_resume(living), no);
  CHECK_CODE(limpet_session_queued(living), no);
  CHECK_CODE(limpet_session_call_writable(living), no);
  CHECK_CODE(limpet_session_info(living, &details), no);
  CHECK_CODE(limpet_session_remote_address(living, buffer, sizeof buffer, NULL, NULL), no);
  CHECK_CODE(limpet_session_fd(living), no);
  CHECK(limpet_session_set_user(living, buffer) == NULL);
  CHECK_CODE(limpet_session_set_metadata(living, "k", "v", 1), no);
  CHECK_CODE(limpet_session_metadata(living, "k", buffer, sizeof buffer), no);
  CHECK_CODE(limpet_session_delete_metadata(living, "k"), no);
  CHECK_CODE(limpet_session_request_part(living, LIMPET_PART_PATH, buffer, sizeof buffer), no);
  CHECK_CODE(limpet_session_header(living, "host", buffer, sizeof buffer), no);
  CHECK_CODE(limpet_session_cookie(living, "c", buffer, sizeof buffer), no);
  CHECK_CODE(limpet_session_offered_protocol(living, 0, buffer, sizeof buffer), no);
  CHECK_CODE(limpet_session_headers(living, field_told, NULL), no);
  CHECK_CODE(limpet_session_accept(living, NULL, NULL), no);
  CHECK_CODE(limpet_session_respond(living, 404, NULL, NULL, 0), no);
  CHECK_CODE(limpet_session_join(living, "t"), no);
  CHECK_CODE(limpet_session_leave(living, "t"), no);
  CHECK_CODE(limpet_session_in_room(living, "t"), no);
  CHECK_CODE(limpet_session_detach(living, buffer, &rest), no);
  CHECK_CODE(limpet_session_send_prepared(living, message), no);
  CHECK_CODE(limpet_server_sessions(server, one, 1), no);
  CHECK_CODE(limpet_server_select(server, NULL, one, 1), no);
  CHECK_CODE(limpet_server_room_members(server, "t", one, 1), no);
  CHECK_CODE(limpet_server_rooms(server, room_told, NULL), no);
  // These are for any thread.
  CHECK(limpet_session_server(living) == server);
  CHECK_EQUAL(limpet_session_send(living, LIMPET_TEXT, "x", 1), 0);
  CHECK_CODE(limpet_session_send(living, LIMPET_TEXT, NULL, 1), ARGUMENT);
  CHECK_CODE(limpet_session_send(living, LIMPET_TEXT, "x", SIZE_MAX), ARGUMENT);
  CHECK_CODE(limpet_session_send_text(living, NULL), ARGUMENT);
  CHECK_CODE(limpet_session_close(living, 1000, endless), ARGUMENT);
  CHECK_CODE(limpet_server_broadcast(server, LIMPET_TEXT, "x", SIZE_MAX), ARGUMENT);
  CHECK_EQUAL(limpet_server_active_count(server), 1);
  return nothing;
}

static void test_threads(void) {
  pthread_t thread;
  message = limpet_server_prepare(server, LIMPET_TEXT, "x", 1);
  CHECK(message);
  CHECK(pthread_create(&thread, NULL, wrong_thread, NULL) == 0);
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(limpet_session_user(living) == NULL);
  limpet_prepared_free(message);
}

int main(void) {
  memset(endless, 'a', sizeof endless - 1);
  serve(NULL);
  struct check_client client = join(&living);
  limpet_session ended = living;
  part(&client);
  test_stale(ended);
  client = join(&living);
  test_session_arguments(living);
  test_threads();
  // After all that it serves.
  CHECK_FRAME(&client, CHECK_TEXT_FRAME, "x");
  CHECK_EQUAL(limpet_session_send_text(living, "still here"), 0);
  CHECK_FRAME(&client, CHECK_TEXT_FRAME, "still here");
  part(&client);
  ended = living;
  serve_end();
  session_is(ended, HANDLE);
  return 0;
}
