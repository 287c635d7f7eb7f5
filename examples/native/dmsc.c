/* The usage example of DMSC's C API, line for line in Limpet's words. With an interrupt it goes on behind its loop.
 *
 *   dmsc [PORT]
 *
 *   DMSCWSServerConfig     limpet_config
 *   DMSCWSSessionManager   limpet_server
 *   DMSCWSSession          limpet_session, a number: nothing is to be freed
 *
 * One thing comes earlier: callbacks are set before the server starts, so that no session is missed. */

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <limpet.h>

#define ERROR_INIT 1
#define ERROR_START 2
#define MAX_SESSIONS 100

static volatile sig_atomic_t running = 1;

static void on_signal(int number) {
  (void)number;
  running = 0;
}

/* ------------------------------------------------------------------ event callbacks */

static void on_connect_callback(limpet_server *manager, limpet_session session, void *user_data) {
  (void)user_data;
  char remote_addr[46];
  limpet_session_remote_address(session, remote_addr, sizeof remote_addr, NULL, NULL);
  printf("Connected: %s, %u open\n", remote_addr, limpet_server_active_count(manager));
}

static void on_message_callback(limpet_server *manager, limpet_session session,
                                enum limpet_type type, char *data, size_t length, void *user_data) {
  (void)manager;
  (void)user_data;
  limpet_session_send(session, type, data, length);
}

static void on_close_callback(limpet_server *manager, limpet_session session, uint16_t code,
                              const char *reason, void *user_data) {
  (void)manager;
  (void)session;
  (void)user_data;
  printf("Closed: %u %s\n", code, reason);
}

static void on_error_callback(limpet_server *manager, limpet_session session, int error_code,
                              const char *error_message, void *user_data) {
  (void)manager;
  (void)session;
  (void)user_data;
  printf("Error %d: %s\n", error_code, error_message);
}

/* --------------------------------------------------------------- the application's own */

static unsigned tasks;

static void process_application_tasks(void) { tasks++; }

static bool should_check_health(void) { return tasks % 60 == 1; }

static void check_health(limpet_server *manager) {
  uint32_t active_count = limpet_server_active_count(manager);
  uint64_t total_count = limpet_server_total_count(manager);
  uint64_t total_messages = limpet_server_total_messages(manager);
  printf("Active sessions: %u/%" PRIu64 ", Messages: %" PRIu64 "\n", active_count, total_count,
         total_messages);
}

/* Create WebSocket server configuration */
static limpet_config *configure(int port) {
  limpet_config *config = limpet_config_new();
  if (config == NULL) {
    fprintf(stderr, "Failed to create WebSocket config\n");
    return NULL;
  }
  /* Configure server settings */
  limpet_config_set_host(config, "0.0.0.0");
  limpet_config_set_port(config, port);
  limpet_config_set_max_connections(config, 10000);
  limpet_config_set_max_message_size(config, 1024 * 1024); /* 1MB */
  limpet_config_set_ping_interval(config, 30000);          /* 30 seconds */
  limpet_config_set_ping_timeout(config, 5000);            /* 5 seconds */
  /* Enable compression */
  limpet_config_set_compression_enabled(config, true);
  limpet_config_set_compression_level(config, 6);
  /* Enable security features */
  limpet_config_set_origin_validation(config, true);
  limpet_config_add_allowed_origin(config, "https://example.com");
  limpet_config_set_rate_limit_enabled(config, true);
  limpet_config_set_rate_limit_messages(config, 100);
  limpet_config_set_rate_limit_window(config, 1000); /* 1 second */
  return config;
}

/* Get session information */
static size_t greet(limpet_server *manager, limpet_session *session_ids, size_t max_sessions) {
  int session_count = limpet_server_sessions(manager, session_ids, max_sessions);
  for (int i = 0; i < session_count && i < 10; i++) {
    limpet_session session = session_ids[i];
    if (limpet_session_server(session) != NULL) {
      char remote_addr[46];
      limpet_session_remote_address(session, remote_addr, sizeof remote_addr, NULL, NULL);
      uint64_t connected_at = limpet_session_connected_at(session);
      uint64_t messages_sent = limpet_session_messages_sent(session);
      uint64_t bytes_sent = limpet_session_bytes_sent(session);
      printf("Session %" PRIx64 ": %s, connected: %" PRIu64 ", sent: %" PRIu64 "/%" PRIu64 "\n",
             session_ids[i], remote_addr, connected_at, messages_sent, bytes_sent);
      /* Send message to specific session */
      limpet_session_send(session, LIMPET_TEXT, "Welcome!", 8);
    }
  }
  return session_count < 0 ? 0 : (size_t)session_count;
}

/* Room management example */
static void use_room(limpet_server *manager, limpet_session first) {
  const char *room_name = "chat_room_1";
  limpet_session_join(first, room_name);
  /* Send to room members only */
  const char *room_msg = "{\"type\": \"room\", \"content\": \"Hello room!\"}";
  int room_count =
      limpet_server_publish(manager, room_name, 0, LIMPET_TEXT, room_msg, strlen(room_msg), NULL);
  printf("Room message sent to %d clients\n", room_count);
  /* Send to room except sender */
  limpet_server_publish(manager, room_name, first, LIMPET_TEXT, room_msg, strlen(room_msg), NULL);
  /* Leave room */
  limpet_session_leave(first, room_name);
  /* Get room members */
  limpet_session room_members[100];
  room_count = limpet_server_room_members(manager, room_name, room_members, 100);
  printf("Room '%s' has %d members\n", room_name, room_count);
}

int main(int argc, char **argv) {
  limpet_config *config = configure(argc > 1 ? atoi(argv[1]) : 8080);
  if (config == NULL) return ERROR_INIT;
  /* Create session manager */
  limpet_server *manager = limpet_server_new(config);
  if (manager == NULL) {
    fprintf(stderr, "Failed to create session manager: %s\n", limpet_last_error());
    limpet_config_free(config);
    return ERROR_INIT;
  }
  /* Set up event callbacks */
  limpet_server_set_on_connect(manager, on_connect_callback, NULL);
  limpet_server_set_on_message(manager, on_message_callback, NULL);
  limpet_server_set_on_close(manager, on_close_callback, NULL);
  limpet_server_set_on_error(manager, on_error_callback, NULL);
  /* Start WebSocket server */
  int result = limpet_server_start(manager);
  if (result != 0) {
    fprintf(stderr, "Failed to start WebSocket server: %s: %s\n", limpet_strerror(result),
            limpet_last_error());
    limpet_server_free(manager);
    limpet_config_free(config);
    return ERROR_START;
  }
  signal(SIGINT, on_signal);
  signal(SIGTERM, on_signal);
  /* limpet_config_get_port has what was asked for, and 0 asks for any. */
  printf("WebSocket server started on http://127.0.0.1:%d/\n", limpet_server_port(manager));
  fflush(stdout);
  /* Application main loop - process events */
  while (running) {
    /* Handle events with timeout */
    limpet_server_poll(manager, 1000); /* 1 second timeout */
    /* Process pending operations */
    process_application_tasks();
    /* Periodic tasks */
    if (should_check_health()) check_health(manager);
  }
  /* Broadcast message to all clients */
  const char *broadcast_msg = "{\"type\": \"broadcast\", \"message\": \"Hello all!\"}";
  int send_count =
      limpet_server_broadcast(manager, LIMPET_TEXT, broadcast_msg, strlen(broadcast_msg));
  printf("Broadcast sent to %d clients\n", send_count);
  limpet_session session_ids[MAX_SESSIONS];
  if (greet(manager, session_ids, MAX_SESSIONS) > 0) use_room(manager, session_ids[0]);
  /* Graceful shutdown */
  printf("Shutting down WebSocket server...\n");
  limpet_server_stop(manager, 5000); /* 5 second timeout */
  limpet_server_free(manager);
  limpet_config_free(config);
  printf("WebSocket server shutdown complete\n");
  return 0;
}
