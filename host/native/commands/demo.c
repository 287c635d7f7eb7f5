/* The page of `limpetd --demo`. Connections with the query `demo` can ask the server to ping or to close them:
 *
 *   page   ─► /ping PAYLOAD   /close CODE REASON   anything else: it is echoed
 *   server ─► U+0001 and JSON: hello { session }   pong { payload, rtt_ms }   error { message } */

#include "demo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "echo.h"
#include "json.h"
#include "web.h"

/* What the server says on its own account begins with this: U+0001, which people do not type. */
#define NOTICE "\x01"

/* Longest command, bytes. */
#define COMMAND_SIZE 201

/* When the server began, and when a visitor's ping went, µs on the monotonic clock. */
static int64_t began;

static int64_t microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* A visitor's user pointer is a time, never NULL: odd numbers. */
static void visitor_pinged(limpet_session session, int64_t at) {
  limpet_session_set_user(session, (void *)((uintptr_t)at << 1 | 1));
}

static bool visitor_is(limpet_session session) { return limpet_session_user(session) != NULL; }

static void notice(limpet_session session, struct json_text *text) {
  json_add(text, "}");
  if (!text->failed) limpet_session_send(session, LIMPET_TEXT, text->bytes, text->length);
  json_free(text);
}

static void notice_error(limpet_session session, const char *message) {
  struct json_text text = {0};
  json_add(&text, NOTICE "{\"type\":\"error\",\"message\":");
  json_add_string(&text, message, strlen(message));
  notice(session, &text);
}

/* `demo`, alone or with a value, among the fields of a query. */
static bool query_asks(const char *query) {
  for (const char *at = query; at; at = strchr(at, '&') ? strchr(at, '&') + 1 : NULL) {
    if (strncmp(at, "demo", 4) == 0 && strchr("=&", at[4])) return true;
  }
  return false;
}

static enum limpet_verdict demo_upgrade(limpet_server *server, limpet_session session,
                                        const char *path, void *user) {
  char query[256];
  int length = limpet_session_request_part(session, LIMPET_PART_QUERY, query, sizeof query);
  if (length > 0 && query_asks(query)) visitor_pinged(session, 0);
  return echo_upgrade(server, session, path, user);
}

static void demo_connect(limpet_server *server, limpet_session session, void *user) {
  (void)server;
  (void)user;
  if (!visitor_is(session)) return;
  struct json_text text = {0};
  json_add(&text, NOTICE "{\"type\":\"hello\",\"session\":{\"id\":");
  json_add_number(&text, session & 0xffffffffu);
  json_add(&text, "}");
  notice(session, &text);
}

static void command_close(limpet_session session, const char *rest) {
  size_t digits = strspn(rest, "0123456789");
  bool has_code = digits >= 1 && digits <= 5 && (rest[digits] == ' ' || rest[digits] == 0);
  long code = has_code ? strtol(rest, NULL, 10) : 1000;
  const char *reason = has_code && rest[digits] ? rest + digits + 1 : "";
  int answer = code > 0xffff ? LIMPET_ERROR_CODE_ARGUMENT
                             : limpet_session_close(session, (uint16_t)code, reason);
  if (answer < 0) notice_error(session, limpet_strerror(answer));
}

/* `/ping PAYLOAD` and `/close CODE REASON` → done; anything else is a message like any other. */
static bool command(limpet_session session, const char *data, size_t length) {
  char text[COMMAND_SIZE];
  if (length >= sizeof text) return false;
  memcpy(text, data, length);
  text[length] = 0;
  bool is_ping = strncmp(text, "/ping", 5) == 0, is_close = strncmp(text, "/close", 6) == 0;
  const char *rest = text + (is_ping ? 5 : 6);
  if ((!is_ping && !is_close) || (*rest && *rest != ' ')) return false;
  if (*rest) rest++;
  if (is_close) {
    command_close(session, rest);
    return true;
  }
  visitor_pinged(session, microseconds());
  if (limpet_session_ping(session, rest, length - (size_t)(rest - text)) < 0) {
    notice_error(session, "a ping has at most 125 bytes");
  }
  return true;
}

static void demo_message(limpet_server *server, limpet_session session, enum limpet_type type,
                         char *data, size_t length, void *user) {
  if (visitor_is(session) && type == LIMPET_TEXT && command(session, data, length)) return;
  echo_message(server, session, type, data, length, user);
}

static void demo_pong(limpet_server *server, limpet_session session, const char *data,
                      size_t length, void *user) {
  (void)server;
  (void)user;
  if (!visitor_is(session)) return;
  uintptr_t at = (uintptr_t)limpet_session_user(session) >> 1;
  /* Both lost their uppermost bits. */
  uintptr_t rtt = ((uintptr_t)microseconds() - at) & (UINTPTR_MAX >> 1);
  char figure[32];
  snprintf(figure, sizeof figure, ",\"rtt_ms\":%llu.%02u", (unsigned long long)(rtt / 1000),
           (unsigned)(rtt % 1000 / 10));
  struct json_text text = {0};
  json_add(&text, NOTICE "{\"type\":\"pong\",\"payload\":");
  json_add_string(&text, data, length);
  json_add(&text, figure);
  notice(session, &text);
}

void demo_stats(limpet_server *server, limpet_session session) {
  struct limpet_stats_record stats;
  memset(&stats, 0, sizeof stats);
  limpet_server_stats(server, &stats);
  char body[768];
  /* The request for this is a session, too: only open connections count. */
  int open = limpet_server_sessions(server, NULL, 0);
  int length =
      snprintf(body, sizeof body,
               "{\"version\":\"%s\",\"profile\":\"" LIMPETD_PROFILE
               "\",\"uptime_ms\":%lld,"
               "\"sessions\":{\"active\":%d,\"peak\":%u,\"total\":%llu,\"max\":%u},"
               "\"messages\":{\"in\":%llu,\"out\":%llu},\"bytes\":{\"in\":%llu,\"out\":%llu},"
               "\"memory\":{\"bytes\":%llu,\"arena_used\":%u,\"arena_peak\":%u,\"arena\":%u}}",
               limpet_version(), (long long)((microseconds() - began) / 1000), open < 0 ? 0 : open,
               stats.active_peak, (unsigned long long)stats.opened, stats.sessions,
               (unsigned long long)stats.messages_in, (unsigned long long)stats.messages_out,
               (unsigned long long)stats.bytes_in, (unsigned long long)stats.bytes_out,
               (unsigned long long)limpet_server_memory(server), stats.arena_used, stats.arena_peak,
               stats.arena);
  limpet_session_respond(session, 200,
                         "Content-Type: application/json\r\nCache-Control: no-store\r\n"
                         "X-Content-Type-Options: nosniff\r\n",
                         body, (size_t)length);
}

void demo_serve(limpet_server *server, const bool *everywhere) {
  began = microseconds();
  limpet_server_set_on_upgrade(server, demo_upgrade, (void *)(uintptr_t)everywhere);
  limpet_server_set_on_connect(server, demo_connect, NULL);
  limpet_server_set_on_message(server, demo_message, NULL);
  limpet_server_set_on_pong(server, demo_pong, NULL);
}
