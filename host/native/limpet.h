/* Limpet for C: a WebSocket server and client (RFC 6455, RFC 7692) in one library.
 *
 *     limpet_config ─► limpet_server ─► poll ─► callbacks ─► limpet_session_send ...
 *
 * A server is an opaque pointer: sockets, timers and one core for each thread that serves. A session
 * is a number, not a pointer: it can be kept, handed to other threads and used late. One that has
 * ended is an error, never somebody else's connection.
 *
 * Results. Functions that return int answer 0 or a count when all is well, and a negative code
 * otherwise: a LIMPET_ERROR_CODE_* of the core, or a LIMPET_E_* of this host. limpet_strerror has the
 * words. No function crashes for NULL, a stale session or a length out of range.
 *
 * Threads. Callbacks come on the thread that serves the session: the one in limpet_server_poll, or
 * one of the server's own (limpet_config_set_threads): then several callbacks run at once. From other
 * threads may be called: what is marked "any thread" below. The rest answers LIMPET_E_THREAD. What was
 * handed over to the session's thread has been answered with 0: a session that is over by then drops it,
 * and what one has against it is told to on_error. docs/native.md, "Threads".
 *
 * Pointers that callbacks get are good until the callback returns. Strings end with a zero byte;
 * data has a length. Times are milliseconds. */

#ifndef LIMPET_H
#define LIMPET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "limpet_core.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define LIMPET_API __attribute__((visibility("default")))
#define LIMPET_PRINTF(string, first) __attribute__((format(printf, string, first)))
#else
#define LIMPET_API
#define LIMPET_PRINTF(string, first)
#endif

/* Settings of a server to come. */
typedef struct limpet_config limpet_config;

/* Sockets, timers and sessions: a server, or a client, or both. */
typedef struct limpet_server limpet_server;

/* One connection; 0 is none. */
typedef uint64_t limpet_session;

/* Kinds of messages. RFC 6455 5.6. */
enum limpet_type { LIMPET_TEXT = LIMPET_OPCODE_TEXT, LIMPET_BINARY = LIMPET_OPCODE_BINARY };

/* Codes of this host, beside enum limpet_error_code. */
enum limpet_host_error {
  /* The call is not for this thread. */
  LIMPET_E_THREAD = -200,
  /* The operating system refused; errno says why. */
  LIMPET_E_SYSTEM = -201,
  /* The server has started, or has not, or is stopping. */
  LIMPET_E_STATE = -202,
  /* TLS: a certificate, a key or a handshake failed; limpet_last_error has the details. */
  LIMPET_E_TLS = -203,
  /* The deadline passed. */
  LIMPET_E_TIMEOUT = -204,
  /* The connection is over. */
  LIMPET_E_CLOSED = -205,
  /* The library was built without that (TLS, threads). */
  LIMPET_E_UNSUPPORTED = -206,
  /* A name could not be resolved, or nobody answered there. */
  LIMPET_E_CONNECT = -207,
  /* The core trapped: a bug in Limpet. Its sessions are gone. */
  LIMPET_E_TRAP = -208,
  /* The memory given is not enough: limpet_config_memory_size. */
  LIMPET_E_STORAGE = -209,
  /* A text message came where binary ones were agreed on, or the other way round. */
  LIMPET_E_TYPE = -210
};

/* Words for a code that a function of this library returned; never NULL. Any thread. */
LIMPET_API const char *limpet_strerror(int code);

/* What the last failing call of this thread had to say beyond its code ("bind 127.0.0.1:80: Permission
 * denied"); "" when nothing. Good until this thread's next call. Any thread. */
LIMPET_API const char *limpet_last_error(void);

/* "0.1.0 wasm2c mbedtls": version, engine, and what it was built with. */
LIMPET_API const char *limpet_version(void);

/* ------------------------------------------------------------------ settings */

/* A new set of settings with the defaults named below; NULL without memory. */
LIMPET_API limpet_config *limpet_config_new(void);
LIMPET_API void limpet_config_free(limpet_config *config);

/* Where to listen: an address, a name, or "unix:/path". Default "127.0.0.1". NULL: it does not listen
 * (clients, attached descriptors). */
LIMPET_API int limpet_config_set_host(limpet_config *config, const char *host);
/* 0 to 65535, 0 for a free one (limpet_server_port tells). Default 8080. */
LIMPET_API int limpet_config_set_port(limpet_config *config, int port);
LIMPET_API const char *limpet_config_get_host(const limpet_config *config);
LIMPET_API int limpet_config_get_port(const limpet_config *config);
/* Connections that wait to be accepted. Default 511. */
LIMPET_API int limpet_config_set_backlog(limpet_config *config, int connections);
/* Threads of a server at the most. */
#define LIMPET_THREADS_MAX 256
/* Threads that serve, each with its own core, behind one port. 1 (default): the thread that calls
 * limpet_server_poll. More: the server's own threads, which take no signals, and limpet_server_poll only
 * waits. Up to 256. */
LIMPET_API int limpet_config_set_threads(limpet_config *config, int threads);

/* Connections at once, over all threads; at most what the pools have. Default: all of them. */
LIMPET_API int limpet_config_set_max_connections(limpet_config *config, uint32_t connections);
/* Of one remote address, 0 = no bound (default); past it 429. Over several threads those count that came as far as
 * their handshake. */
LIMPET_API int limpet_config_set_max_connections_per_address(limpet_config *config,
                                                             uint32_t connections);
/* Longest message taken, bytes; past it close 1009. 0 = no bound, with LIMPET_DELIVERY_STREAM only. Default: the
 * core's, 16 MiB. RFC 6455 7.4.1. */
LIMPET_API int limpet_config_set_max_message_size(limpet_config *config, uint32_t bytes);
/* Bytes that may wait to be sent to one session; past it the full policy. Default: four of the longest messages, at
 * least 64 MiB; with limpet_config_set_memory the core's. */
LIMPET_API int limpet_config_set_max_backpressure(limpet_config *config, uint32_t bytes);
/* What happens to a message for which the queue has no room. Default LIMPET_FULL_POLICY_REFUSE. */
LIMPET_API int limpet_config_set_full_policy(limpet_config *config, enum limpet_full_policy policy);
/* How messages come: whole (default; gathered in heap memory when longer than a block of the core's
 * arena), or LIMPET_DELIVERY_STREAM: on_chunk gets the pieces, of messages of any length. */
LIMPET_API int limpet_config_set_delivery(limpet_config *config, enum limpet_delivery delivery);

/* Silence after which a ping is sent, ms, 0 = never (default). RFC 6455 5.5.2. */
LIMPET_API int limpet_config_set_ping_interval(limpet_config *config, uint32_t ms);
/* How long it may stay unanswered, ms, 0 = no bound. Default 10,000. */
LIMPET_API int limpet_config_set_ping_timeout(limpet_config *config, uint32_t ms);
/* Silence after which a session is closed (1001), ms, 0 = never (default). */
LIMPET_API int limpet_config_set_idle_timeout(limpet_config *config, uint32_t ms);
/* How long an opening handshake may take, ms, 0 = no bound. Default 10,000. */
LIMPET_API int limpet_config_set_handshake_timeout(limpet_config *config, uint32_t ms);
/* How long a close handshake may take, ms, 0 = no bound. Default 10,000. */
LIMPET_API int limpet_config_set_close_timeout(limpet_config *config, uint32_t ms);
/* Heartbeats that measure the round-trip time: ms between two (0 = none, default), ms until one counts as lost. */
LIMPET_API int limpet_config_set_heartbeat(limpet_config *config, uint32_t interval_ms,
                                           uint32_t timeout_ms);

/* permessage-deflate, RFC 7692. Default off. */
LIMPET_API int limpet_config_set_compression_enabled(limpet_config *config, bool enabled);
/* 0 to 9, default 6. */
LIMPET_API int limpet_config_set_compression_level(limpet_config *config, int level);
/* Largest window of what goes out, bits, 8 to 15. RFC 7692 7.1.2. */
LIMPET_API int limpet_config_set_compression_window(limpet_config *config, int bits);
/* Messages of fewer bytes go as they are. Default 64. */
LIMPET_API int limpet_config_set_compression_threshold(limpet_config *config, uint32_t bytes);
/* Whether contexts are kept over messages while there is memory for them. Default true. RFC 7692 7.1.1. */
LIMPET_API int limpet_config_set_context_takeover(limpet_config *config, bool kept);

/* Whether the list of origins is looked at (default: as soon as it has an entry). Switched on for a list without
 * an entry it is a mistake that limpet_server_new tells of. RFC 6455 10.2. */
LIMPET_API int limpet_config_set_origin_validation(limpet_config *config, bool enabled);
/* "https://example.com", "https://" "*.example.com", "*", "null", or "" for requests without an Origin. */
LIMPET_API int limpet_config_add_allowed_origin(limpet_config *config, const char *origin);
/* A subprotocol that this server speaks; clients that offer some, but none of the list, get 400. The
 * first one offered that is on the list is chosen unless on_upgrade chooses. RFC 6455 1.9. */
LIMPET_API int limpet_config_add_subprotocol(limpet_config *config, const char *protocol);
/* A bearer token; once there is one, who connects brings one of the list, else 401. RFC 6750. Only its
 * SHA-256 is kept past limpet_server_new. */
LIMPET_API int limpet_config_add_token(limpet_config *config, const char *token);
/* Where a token may stand: bits of enum limpet_token_source. Default HEADER and PROTOCOL. */
LIMPET_API int limpet_config_set_token_sources(limpet_config *config, uint32_t sources);

/* Whether rates are looked at (default: as soon as one is set). */
LIMPET_API int limpet_config_set_rate_limit_enabled(limpet_config *config, bool enabled);
/* Messages that one session may send in a window, 0 = no bound. */
LIMPET_API int limpet_config_set_rate_limit_messages(limpet_config *config, uint32_t messages);
/* Payload bytes that one session may send in a window, 0 = no bound. */
LIMPET_API int limpet_config_set_rate_limit_bytes(limpet_config *config, uint32_t bytes);
/* The window, ms. Default 1,000. */
LIMPET_API int limpet_config_set_rate_limit_window(limpet_config *config, uint32_t ms);
/* What happens past it: drop, wait or close 1008. Default LIMPET_RATE_POLICY_DROP. */
LIMPET_API int limpet_config_set_rate_limit_policy(limpet_config *config,
                                                   enum limpet_rate_policy policy);
/* The same for all sessions together; with threads each has its part. */
LIMPET_API int limpet_config_set_rate_limit_all(limpet_config *config, uint32_t messages,
                                                uint32_t bytes);

/* What peers may say of the client's address: bits of enum limpet_trust. Default 0. */
LIMPET_API int limpet_config_set_trust_proxy(limpet_config *config, uint32_t trust);
/* Header fields to keep past the handshake, "*" or a comma-separated list; "" keeps the request line,
 * Host, Origin and Cookie. Default: nothing is kept. */
LIMPET_API int limpet_config_set_keep_request(limpet_config *config, const char *names);
/* TCP keepalive: seconds of silence before the first probe (0 = off, default), between probes, and how
 * many may be lost. */
LIMPET_API int limpet_config_set_keepalive(limpet_config *config, int idle_s, int interval_s,
                                           int probes);
/* How many published messages wait for one write; 0 (default): until the turn ends. */
LIMPET_API int limpet_config_set_batch(limpet_config *config, uint32_t messages);
/* Any option of the core's defaults, see enum limpet_option. */
LIMPET_API int limpet_config_set_option(limpet_config *config, enum limpet_option option,
                                        int32_t value);

/* TLS 1.2 and up. Certificate chain and private key, PEM or DER files; read by limpet_server_start. LIMPET_E_UNSUPPORTED
 * from all of these where the library was built without TLS. */
LIMPET_API int limpet_config_set_tls(limpet_config *config, const char *cert_file,
                                     const char *key_file);
/* A further certificate, for clients that ask for this server name (SNI; "*.example.com" for one label more). RFC 6066 3. */
LIMPET_API int limpet_config_add_tls_host(limpet_config *config, const char *name,
                                          const char *cert_file, const char *key_file);
/* Suites by their names (OpenSSL's, IANA's or mbedTLS's), separated by colons, the server's first choice first; NULL
 * (default) for those of RFC 9325 4.2. An unknown one is LIMPET_ERROR_CODE_ARGUMENT. */
LIMPET_API int limpet_config_set_tls_ciphers(limpet_config *config, const char *suites);
/* Client certificates: the CA file that signs them, and whether one is required. Where none is, none will do, but one that
 * is not by that CA is refused. NULL: clients are not asked (default). */
LIMPET_API int limpet_config_set_tls_client_ca(limpet_config *config, const char *ca_file,
                                               bool required);
/* Of clients: the CA file that servers are held against (default: the system's), whether they are checked (default true). */
LIMPET_API int limpet_config_set_tls_peer(limpet_config *config, const char *ca_file,
                                          bool verified);

/* Memory for all that this host keeps for a server's connections, in place of the heap: 16-byte aligned, from
 * limpet_server_new on the server's until limpet_server_free. The core's linear memory is in it where the engine
 * can place it (wasm2c with bounds checks), else it is the system's; settings, TLS, names that are looked up and
 * calls from other threads have the heap. A message that is longer than the core's blocks is then refused (close
 * 1009) instead of gathered in heap memory. One thread only. NULL and 0: the heap again. */
LIMPET_API int limpet_config_set_memory(limpet_config *config, void *memory, size_t bytes);
/* How many bytes that takes with these settings (set max_connections first); more has room for more that waits. */
LIMPET_API size_t limpet_config_memory_size(const limpet_config *config);

/* -------------------------------------------------------------------- server */

/* A server with these settings, which may be freed afterwards; NULL on failure (limpet_last_error). */
LIMPET_API limpet_server *limpet_server_new(const limpet_config *config);
/* Ends everything at once and frees it; from no callback. */
LIMPET_API void limpet_server_free(limpet_server *server);
/* Listens, and serves from now on: within limpet_server_poll, or by its own threads. */
LIMPET_API int limpet_server_start(limpet_server *server);
/* Waits for events, at most timeout_ms (-1 = for ever), and handles them. Returns how many sockets had
 * something to say, 0 after the timeout, LIMPET_E_STATE once all is stopped, and in callbacks. One thread at
 * a time; of a server with threads: the one that started it. */
LIMPET_API int limpet_server_poll(limpet_server *server, int timeout_ms);
/* Polls until limpet_server_stop was called (also by a signal handler or another thread) and all is over. */
LIMPET_API int limpet_server_run(limpet_server *server);
/* Lets nobody in any more, tells on_shutdown for each open session, closes them with 1001 and waits for
 * their close handshakes; those that are still there after timeout_ms are cut off. Polls meanwhile and
 * returns when all is over. From a callback or another thread (than the one that polled last, or started a
 * server with threads): begins it, and returns at once. Any thread. */
LIMPET_API int limpet_server_stop(limpet_server *server, int timeout_ms);
/* The same as limpet_server_stop that returns at once, for signal handlers (async-signal-safe). Any thread. */
LIMPET_API int limpet_server_interrupt(limpet_server *server, int timeout_ms);
/* Makes limpet_server_poll return soon. Any thread. */
LIMPET_API int limpet_server_wake(limpet_server *server);
/* The port it listens on; LIMPET_E_STATE before it started. Any thread. */
LIMPET_API int limpet_server_port(const limpet_server *server);
LIMPET_API void *limpet_server_user(const limpet_server *server);
LIMPET_API int limpet_server_set_user(limpet_server *server, void *user);

/* Certificates, keys and CA files are read again; new connections get them. A bad file is LIMPET_E_TLS and changes
 * nothing. Any thread. */
LIMPET_API int limpet_server_reload_tls(limpet_server *server);

/* Decisions of on_upgrade. */
enum limpet_verdict {
  /* The handshake is accepted. */
  LIMPET_ACCEPT = 0,
  /* limpet_session_accept or limpet_session_respond was called, or will be: before the handshake's timeout. */
  LIMPET_DECIDED = 1,
  /* It is refused with 403. */
  LIMPET_REFUSE = 2
};

/* An opening handshake came; without this callback all are accepted. Request functions may be used. */
typedef enum limpet_verdict (*limpet_on_upgrade)(limpet_server *server, limpet_session session,
                                                 const char *path, void *user);
/* A plain HTTP request came: limpet_session_respond answers, now or later; without this callback it gets 426. */
typedef void (*limpet_on_request)(limpet_server *server, limpet_session session, const char *method,
                                  const char *path, void *user);
/* A session is open: accepted by the server, or a client's handshake succeeded. */
typedef void (*limpet_on_connect)(limpet_server *server, limpet_session session, void *user);
/* A client's connection did not come to be: `code`, and words. on_close does not follow. */
typedef void (*limpet_on_connect_error)(limpet_server *server, limpet_session session, int code,
                                        const char *message, void *user);
/* A whole message. Bytes at `data` may be changed in place, but not once they were sent from there: long ones
 * are not copied then. */
typedef void (*limpet_on_message)(limpet_server *server, limpet_session session,
                                  enum limpet_type type, char *data, size_t length, void *user);
/* A piece of a message (LIMPET_DELIVERY_STREAM): whether it begins the message, whether it ends it, and
 * how much of the present frame is still to come. */
typedef void (*limpet_on_chunk)(limpet_server *server, limpet_session session,
                                enum limpet_type type, char *data, size_t length, bool first,
                                bool last, uint32_t remaining, void *user);
/* A session that was open is over: its close code (1006 without a Close frame) and reason. */
typedef void (*limpet_on_close)(limpet_server *server, limpet_session session, uint16_t code,
                                const char *reason, void *user);
/* Something failed: a broken rule, a refused handshake, a timeout (a core's code), or a descriptor, TLS
 * (this host's). session is 0 where it concerns none. */
typedef void (*limpet_on_error)(limpet_server *server, limpet_session session, int code,
                                const char *message, void *user);
/* A ping (it was answered) or a pong came. */
typedef void (*limpet_on_ping)(limpet_server *server, limpet_session session, const char *data,
                               size_t length, void *user);
/* The session takes more: its queue fell below its mark, or limpet_session_call_writable asked. */
typedef void (*limpet_on_writable)(limpet_server *server, limpet_session session, void *user);
/* The server stops: last messages may be sent to this session. */
typedef void (*limpet_on_shutdown)(limpet_server *server, limpet_session session, void *user);
/* A heartbeat was answered after so many ms. */
typedef void (*limpet_on_heartbeat)(limpet_server *server, limpet_session session, uint32_t rtt_ms,
                                    void *user);

/* Each takes NULL to take the callback back. Before limpet_server_start. */
LIMPET_API int limpet_server_set_on_upgrade(limpet_server *server, limpet_on_upgrade callback,
                                            void *user);
LIMPET_API int limpet_server_set_on_request(limpet_server *server, limpet_on_request callback,
                                            void *user);
LIMPET_API int limpet_server_set_on_connect(limpet_server *server, limpet_on_connect callback,
                                            void *user);
LIMPET_API int limpet_server_set_on_connect_error(limpet_server *server,
                                                  limpet_on_connect_error callback, void *user);
LIMPET_API int limpet_server_set_on_message(limpet_server *server, limpet_on_message callback,
                                            void *user);
LIMPET_API int limpet_server_set_on_chunk(limpet_server *server, limpet_on_chunk callback,
                                          void *user);
LIMPET_API int limpet_server_set_on_close(limpet_server *server, limpet_on_close callback,
                                          void *user);
LIMPET_API int limpet_server_set_on_error(limpet_server *server, limpet_on_error callback,
                                          void *user);
LIMPET_API int limpet_server_set_on_ping(limpet_server *server, limpet_on_ping callback,
                                         void *user);
LIMPET_API int limpet_server_set_on_pong(limpet_server *server, limpet_on_ping callback,
                                         void *user);
LIMPET_API int limpet_server_set_on_writable(limpet_server *server, limpet_on_writable callback,
                                             void *user);
LIMPET_API int limpet_server_set_on_shutdown(limpet_server *server, limpet_on_shutdown callback,
                                             void *user);
LIMPET_API int limpet_server_set_on_heartbeat(limpet_server *server, limpet_on_heartbeat callback,
                                              void *user);

/* --------------------------------------------------------- many sessions at once */

/* What became of a message for many. */
struct limpet_published {
  /* Sessions that it was queued for. */
  uint32_t delivered;
  /* Of these, sessions whose queue is over its mark now. */
  uint32_t over;
  /* Sessions that did not get it: their queue is full. */
  uint32_t dropped;
};

/* Which sessions: all for which everything in it holds; zeros leave a bound out. */
struct limpet_selection {
  /* Opened at this time or later, before this time: ms since 1970. */
  uint64_t opened_from, opened_until;
  /* Messages received and sent: at least, at most. */
  uint64_t messages_in_from, messages_in_to, messages_out_from, messages_out_to;
  /* A key of metadata that they have, and the value under it; NULL for any. */
  const char *key;
  const void *value;
  size_t value_length;
  /* One that is left out. */
  limpet_session except;
  /* A predicate of the application's, called last; NULL for none. Single-threaded servers only. */
  bool (*filter)(limpet_session session, void *user);
  void *user;
};

/* Sends one message to all open sessions. Returns how many it was queued for; with threads, how many on
 * this thread's core (the others follow). From another thread: 0, it follows. LIMPET_ERROR_CODE_MEMORY when
 * too much waits for another thread already: none of the others has it. Any thread. */
LIMPET_API int limpet_server_broadcast(limpet_server *server, enum limpet_type type,
                                       const void *data, size_t length);
/* The same for those that a selection names; `published` may be NULL. Any thread. */
LIMPET_API int limpet_server_broadcast_to(limpet_server *server,
                                          const struct limpet_selection *selection,
                                          enum limpet_type type, const void *data, size_t length,
                                          struct limpet_published *published);
/* Sends one message to the subscribers of a topic (MQTT 5 4.7 patterns included), but `except` (0 for none);
 * a room is a topic. Returns as limpet_server_broadcast; `published` may be NULL. Any thread. */
LIMPET_API int limpet_server_publish(limpet_server *server, const char *topic,
                                     limpet_session except, enum limpet_type type, const void *data,
                                     size_t length, struct limpet_published *published);
/* Sends one message to a list of sessions; returns how many it was queued for, or handed over. Any thread. */
LIMPET_API int limpet_server_send_many(limpet_server *server, const limpet_session *sessions,
                                       size_t count, enum limpet_type type, const void *data,
                                       size_t length);

/* A message that is framed and compressed once and sent any number of times; NULL when there is no memory for it. */
typedef struct limpet_prepared limpet_prepared;
LIMPET_API limpet_prepared *limpet_server_prepare(limpet_server *server, enum limpet_type type,
                                                  const void *data, size_t length);
LIMPET_API int limpet_session_send_prepared(limpet_session session, const limpet_prepared *message);
/* What was sent of it still leaves. Before limpet_server_free where the server has limpet_config_set_memory. */
LIMPET_API void limpet_prepared_free(limpet_prepared *message);

/* Calls task for each open session but `except`; on_finish, which may be NULL, when all had theirs. With
 * threads each session's task runs on its own thread. Returns 0. Any thread. */
LIMPET_API int limpet_server_each(limpet_server *server, limpet_session except,
                                  void (*task)(limpet_session session, void *arg), void *arg,
                                  void (*on_finish)(limpet_server *server, void *arg));
/* Writes down up to `max` open sessions; returns how many there are. This and the next three: of a server of
 * several threads, those of this thread (limpet_server_each goes to all); LIMPET_E_THREAD for one that serves none. */
LIMPET_API int limpet_server_sessions(limpet_server *server, limpet_session *sessions, size_t max);
/* Those that a selection names. */
LIMPET_API int limpet_server_select(limpet_server *server, const struct limpet_selection *selection,
                                    limpet_session *sessions, size_t max);
/* Members of a room; returns how many there are. */
LIMPET_API int limpet_server_room_members(limpet_server *server, const char *topic,
                                          limpet_session *sessions, size_t max);

/* A room, as limpet_server_rooms tells of it. */
struct limpet_room {
  /* UTF-8; good until the callback returns. */
  const char *topic;
  uint32_t members;
  uint64_t messages, bytes;
  /* Whether the topic has wildcards. */
  bool pattern;
};
/* Calls `told` for each room until it returns false; returns how many rooms there are. */
LIMPET_API int limpet_server_rooms(limpet_server *server,
                                   bool (*told)(const struct limpet_room *room, void *user),
                                   void *user);

/* Sessions in use now, and those opened since the start; messages that came and went. Any thread. */
LIMPET_API uint32_t limpet_server_active_count(const limpet_server *server);
LIMPET_API uint64_t limpet_server_total_count(const limpet_server *server);
LIMPET_API uint64_t limpet_server_total_messages(const limpet_server *server);
/* All counters of the core, summed over the threads (peaks too). Any thread. */
LIMPET_API int limpet_server_stats(const limpet_server *server, struct limpet_stats_record *stats);
/* The same as Prometheus reads them (exposition format 0.0.4), cut off at `size` with its zero byte; returns
 * the length of all of it, so that 0 bytes ask for it. Any thread. */
LIMPET_API int limpet_server_metrics(const limpet_server *server, char *buffer, size_t size);
/* Bytes of linear memory, of all its cores. Any thread. */
LIMPET_API uint64_t limpet_server_memory(const limpet_server *server);

/* ------------------------------------------------------------------- session */

/* Queues a message. Returns a LIMPET_SENT_* (0 OK, BACKPRESSURE: on_writable follows, DROPPED) or a code.
 * The data is copied. From another thread it is handed over: 0, or LIMPET_ERROR_CODE_MEMORY. Any thread. */
LIMPET_API int limpet_session_send(limpet_session session, enum limpet_type type, const void *data,
                                   size_t length);
/* The same with text that ends with a zero byte. It is not checked for UTF-8. Any thread. */
LIMPET_API int limpet_session_send_text(limpet_session session, const char *text);
/* A fragment of a message: the first one says the type; `last` ends it. RFC 6455 5.4. Nothing else may be
 * sent in between. */
LIMPET_API int limpet_session_send_fragment(limpet_session session, enum limpet_type type,
                                            const void *data, size_t length, bool last);
/* Flags of limpet_session_send_with. */
enum limpet_send_flag {
  /* Not compressed, whatever was agreed on: what is compressed already, or secret beside a stranger's words. */
  LIMPET_SEND_UNCOMPRESSED = LIMPET_SEND_PLAIN
};
/* Any thread. */
LIMPET_API int limpet_session_send_with(limpet_session session, enum limpet_type type,
                                        const void *data, size_t length, uint32_t flags);
/* At most 125 bytes. RFC 6455 5.5.2, 5.5.3. */
LIMPET_API int limpet_session_ping(limpet_session session, const void *data, size_t length);
LIMPET_API int limpet_session_pong(limpet_session session, const void *data, size_t length);
/* Begins the close handshake behind what was sent: 1000-1003, 1007-1014, 3000-4999, or 0 for no code; the
 * reason is UTF-8 of at most 123 bytes, or NULL. RFC 6455 7.1.2. Also from the session's own callbacks. Any thread. */
LIMPET_API int limpet_session_close(limpet_session session, uint16_t code, const char *reason);
/* Cuts the connection off. Any thread. */
LIMPET_API int limpet_session_terminate(limpet_session session);
/* Stops or resumes reading. */
LIMPET_API int limpet_session_pause(limpet_session session);
LIMPET_API int limpet_session_resume(limpet_session session);
/* Bytes that wait to be sent. */
LIMPET_API int limpet_session_queued(limpet_session session);
/* Asks for on_writable as soon as the session's socket takes more; of all open sessions. */
LIMPET_API int limpet_session_call_writable(limpet_session session);
LIMPET_API int limpet_server_call_writable_all(limpet_server *server);

/* What is known of a session. */
struct limpet_session_details {
  enum limpet_state state;
  enum limpet_role role;
  /* ms since 1970. */
  uint64_t connected_at, active_at;
  uint64_t messages_received, messages_sent, bytes_received, bytes_sent;
  uint32_t queued;
  /* permessage-deflate windows agreed on, bits, 0 = none. */
  uint8_t deflate_in, deflate_out;
  /* Heartbeats and their round-trip times, ms. */
  uint32_t heartbeats, heartbeats_answered, rtt_last, rtt_least, rtt_most, rtt_smoothed;
};
LIMPET_API int limpet_session_info(limpet_session session, struct limpet_session_details *details);
/* One figure each of the above; 0 for a stale session. */
LIMPET_API uint64_t limpet_session_connected_at(limpet_session session);
LIMPET_API uint64_t limpet_session_active_at(limpet_session session);
LIMPET_API uint64_t limpet_session_messages_sent(limpet_session session);
LIMPET_API uint64_t limpet_session_messages_received(limpet_session session);
LIMPET_API uint64_t limpet_session_bytes_sent(limpet_session session);
LIMPET_API uint64_t limpet_session_bytes_received(limpet_session session);

/* The client's address ("192.0.2.1", "2001:db8::1") as the transport or a trusted proxy told; `port` and
 * `family` (4, 6, 0 = not known; so it is in on_close) may be NULL. 46 bytes hold any. Returns its length. */
LIMPET_API int limpet_session_remote_address(limpet_session session, char *buffer, size_t size,
                                             int *port, int *family);

/* The server of a session, also of one that has ended; NULL once the server is gone. Any thread. */
LIMPET_API limpet_server *limpet_session_server(limpet_session session);
/* The descriptor of its socket. */
LIMPET_API int limpet_session_fd(limpet_session session);
/* A pointer of the application's; limpet_session_set_user returns the old one. NULL for a stale session. */
LIMPET_API void *limpet_session_user(limpet_session session);
LIMPET_API void *limpet_session_set_user(limpet_session session, void *user);

/* What TLS says of a session's connection; strings end with a zero byte, "" is none. */
struct limpet_tls_details {
  /* "TLSv1.2", "TLSv1.3". */
  char version[16];
  /* The cipher suite as IANA names it. */
  char suite[64];
  /* The host name that the client asked for. RFC 6066 3. */
  char server_name[256];
  /* Whose certificate the peer has shown: "C=CZ, CN=someone". A server's clients show one where it has a
   * client CA (limpet_config_set_tls_client_ca), and what is here was signed by it. */
  char peer[256];
};
/* LIMPET_ERROR_CODE_ABSENT for a connection that is not under TLS. */
LIMPET_API int limpet_session_tls(limpet_session session, struct limpet_tls_details *details);

/* Keys and values of a session, until its on_close returned. Values are bytes. */
LIMPET_API int limpet_session_set_metadata(limpet_session session, const char *key,
                                           const void *value, size_t length);
/* Copies a value, cut off at `size`; returns its length, or LIMPET_ERROR_CODE_ABSENT. */
LIMPET_API int limpet_session_metadata(limpet_session session, const char *key, void *buffer,
                                       size_t size);
LIMPET_API int limpet_session_delete_metadata(limpet_session session, const char *key);

/* The request: while on_upgrade or on_request decides, later if it is kept (limpet_config_set_keep_request).
 * Each copies a string, cut off at `size` with its zero byte, and returns its length; ABSENT when there is none. */
LIMPET_API int limpet_session_request_part(limpet_session session, enum limpet_part part,
                                           char *buffer, size_t size);
LIMPET_API int limpet_session_header(limpet_session session, const char *name, char *buffer,
                                     size_t size);
LIMPET_API int limpet_session_cookie(limpet_session session, const char *name, char *buffer,
                                     size_t size);
/* The n-th subprotocol that the client offers, from 0. */
LIMPET_API int limpet_session_offered_protocol(limpet_session session, int index, char *buffer,
                                               size_t size);
/* Calls `told` for each field until it returns false; returns how many it told. */
LIMPET_API int limpet_session_headers(limpet_session session,
                                      bool (*told)(const char *name, const char *value, void *user),
                                      void *user);

/* Accepts a handshake whose on_upgrade said LIMPET_DECIDED: a subprotocol that was offered, or NULL; lines
 * "Name: value\r\n" to add, or NULL. */
LIMPET_API int limpet_session_accept(limpet_session session, const char *protocol,
                                     const char *headers);
/* Answers a plain request, or refuses a handshake: 200 to 599, or 0 for the default (426, 400). */
LIMPET_API int limpet_session_respond(limpet_session session, int status, const char *headers,
                                      const void *body, size_t length);

/* Rooms: 1 when it joined or left, 0 when nothing changed. */
LIMPET_API int limpet_session_join(limpet_session session, const char *topic);
LIMPET_API int limpet_session_leave(limpet_session session, const char *topic);
/* Whether it is in a room: 1 or 0. */
LIMPET_API int limpet_session_in_room(limpet_session session, const char *topic);

/* ------------------------------------------------------------ clients, descriptors */

/* What a client's handshake says beside the URL; zeros leave it out. */
struct limpet_connect_options {
  /* Subprotocols, comma-separated. */
  const char *protocols;
  /* Lines "Name: value\r\n" to add, such as Origin or Cookie. */
  const char *headers;
  /* ms for resolving, connecting, TLS and the handshake; 0 = 5,000. */
  uint32_t timeout_ms;
};
/* Begins to connect to "ws://host:port/path" or "wss://…"; `session` is its number from now on, and what is sent
 * before it is open is LIMPET_ERROR_CODE_STATE. on_connect or on_connect_error tells how it went, in a later poll:
 * LIMPET_E_CONNECT, LIMPET_E_TIMEOUT, LIMPET_E_TLS, or what the core has against the answer
 * (LIMPET_ERROR_CODE_RESPONSE_STATUS: its first line is in the words; redirects are not followed).
 * limpet_session_close and limpet_session_terminate give it up: LIMPET_E_CLOSED. Several addresses of a name are
 * tried one after the other. RFC 6455 3, 4.1. */
LIMPET_API int limpet_server_connect(limpet_server *server, const char *url,
                                     const struct limpet_connect_options *options,
                                     limpet_session *session);

/* Flags of limpet_server_attach and limpet_ws_attach. */
enum limpet_attach_flag {
  /* The handshake was done elsewhere: messages flow at once. */
  LIMPET_NO_HTTP = 1,
  /* This end is the client's (with LIMPET_NO_HTTP only). */
  LIMPET_AS_CLIENT = 2,
  /* TLS first, with the server's certificate. */
  LIMPET_WITH_TLS = 4,
  /* limpet_ws_attach: messages are text; else binary. Others are LIMPET_E_TYPE unless limpet_ws_receive is asked to tell. */
  LIMPET_WS_TEXT = 8
};
/* Takes over a connected stream socket (an accepted one; TCP, Unix, socketpair). It is non-blocking and
 * the server's from now on, closed with its session, unless this fails. With LIMPET_NO_HTTP on_connect is called
 * before it returns. */
LIMPET_API int limpet_server_attach(limpet_server *server, int fd, uint32_t flags,
                                    limpet_session *session);
/* Ends a session without a word and gives its descriptor back, non-blocking, once what was sent is written
 * (LIMPET_ERROR_CODE_STATE before). Bytes that were read from it but not used are copied to `rest`
 * (`rest_length`: its size, then how many; LIMPET_E_STORAGE when they do not fit, and nothing changed). No
 * on_close. Returns the descriptor. Not with TLS, and not from callbacks. */
LIMPET_API int limpet_session_detach(limpet_session session, void *rest, size_t *rest_length);

/* ------------------------------------------------------- one connection, blocking
 * For programs whose life is one connection after the other, as with libdill: calls wait until a deadline,
 * a moment of limpet_now(); 0 does not wait, -1 waits for ever. They poll the server meanwhile, so its
 * other sessions go on. Not from callbacks, and on the server's thread. */

typedef struct limpet_ws limpet_ws;
/* Memory for a limpet_ws. */
struct limpet_ws_storage {
  void *opaque[32];
};

/* ms on the clock that deadlines are of. Any thread. */
LIMPET_API int64_t limpet_now(void);
/* A WebSocket over a connected socket, as server (or client, with both LIMPET_NO_HTTP and LIMPET_AS_CLIENT): waits
 * for the handshake and accepts it. `resource` (path and query) and `host` get what the client asked for; NULL
 * and 0 to leave one out; LIMPET_ERROR_CODE_ARGUMENT when one does not fit. `storage` has to live until limpet_ws_close
 * or limpet_ws_detach, which come before limpet_server_free; NULL: the heap. On failure the socket stays the
 * caller's, as it was. */
LIMPET_API int limpet_ws_attach(limpet_server *server, int fd, uint32_t flags, char *resource,
                                size_t resource_size, char *host, size_t host_size,
                                struct limpet_ws_storage *storage, int64_t deadline,
                                limpet_ws **ws);
/* Sends one message, and waits until it is written to the socket. After LIMPET_E_TIMEOUT the rest leaves in later
 * calls. LIMPET_E_CLOSED after the peer's Close frame, the core's code after a rule that the peer broke. */
LIMPET_API int limpet_ws_send(limpet_ws *ws, const void *data, size_t length, int64_t deadline);
LIMPET_API int limpet_ws_send_as(limpet_ws *ws, enum limpet_type type, const void *data,
                                 size_t length, int64_t deadline);
/* Receives one message: its length; LIMPET_E_CLOSED after the peer's Close frame, the core's code after a rule that the
 * peer broke, LIMPET_E_TYPE for a message of the other type, LIMPET_ERROR_CODE_TOO_BIG when it does not fit (in both
 * cases it stays). `type` NULL: only the agreed type is taken. */
LIMPET_API int limpet_ws_receive(limpet_ws *ws, void *buffer, size_t size, enum limpet_type *type,
                                 int64_t deadline);
/* The code and reason of the peer's Close frame (1005 for one without, 1006 when the connection broke); 0 while
 * there is none. RFC 6455 7.4.1. */
LIMPET_API int limpet_ws_status(const limpet_ws *ws, char *reason, size_t size);
/* The session beneath. */
LIMPET_API limpet_session limpet_ws_session(const limpet_ws *ws);
/* Closes with a handshake, and hands the socket back in the mode in which it came: returns the descriptor. No FIN is
 * sent, and nothing is read behind the peer's Close frame, so other bytes may follow. Messages that were not received
 * are dropped. On failure (LIMPET_E_CLOSED without the peer's Close frame, LIMPET_E_TIMEOUT) the limpet_ws stays, for
 * another try or limpet_ws_close. Not with TLS. */
LIMPET_API int limpet_ws_detach(limpet_ws *ws, uint16_t code, const char *reason, int64_t deadline);
/* Closes with a handshake until the deadline, then in any case; the socket is closed: 0, or LIMPET_E_TIMEOUT when it
 * was cut off. */
LIMPET_API int limpet_ws_close(limpet_ws *ws, int64_t deadline);

/* ------------------------------------------------------------ a loop of the caller's
 * In place of limpet_server_poll: the descriptors of a server are told to the caller's own loop. One thread. */

/* Events are POLLIN and POLLOUT of poll(2). */
struct limpet_poll_callbacks {
  void (*add)(limpet_server *server, int fd, int events, void *user);
  void (*change)(limpet_server *server, int fd, int events, void *user);
  void (*remove)(limpet_server *server, int fd, void *user);
  void *user;
};
/* Before limpet_server_start. Callbacks may be NULL; `add` is called from within for the descriptor that wakes the
 * server. limpet_server_poll goes on to work, and does not need the caller's loop. */
LIMPET_API int limpet_server_set_poll(limpet_server *server,
                                      const struct limpet_poll_callbacks *callbacks);
/* Handles what poll(2) found on a descriptor. Returns 1 when it was one of the server's, 0 when it is not:
 * then nothing happened, so that any descriptor may be tried. LIMPET_E_STATE once the server has stopped. */
LIMPET_API int limpet_server_service_fd(limpet_server *server, int fd, int revents);
/* Does what is due, and writes what is queued: after a round of limpet_server_service_fd, and when the time
 * that it returned has passed. Returns ms until the next call, -1 when nothing waits; LIMPET_E_STATE once the server
 * has stopped. */
LIMPET_API int limpet_server_service(limpet_server *server);

/* --------------------------------------------------------------- logs, processes */

/* Levels are bits. */
enum limpet_log_level {
  LIMPET_LOG_ERROR = 1,
  LIMPET_LOG_WARN = 2,
  LIMPET_LOG_NOTICE = 4,
  LIMPET_LOG_INFO = 8,
  LIMPET_LOG_DEBUG = 16
};
typedef void (*limpet_log_emitter)(enum limpet_log_level level, const char *line, void *user);
/* Which levels are emitted (default ERROR, WARN, NOTICE), and by whom: NULL leaves the emitter as it is. Any thread. */
LIMPET_API int limpet_log_set(uint32_t levels, limpet_log_emitter emitter, void *user);
/* To stderr, with time and level: the default. */
LIMPET_API void limpet_log_emit_stderr(enum limpet_log_level level, const char *line, void *user);
/* To syslog(3); openlog, setlogmask and closelog stay the application's. */
LIMPET_API void limpet_log_emit_syslog(enum limpet_log_level level, const char *line, void *user);
/* For the application's own lines. Any thread. */
LIMPET_API void limpet_log(enum limpet_log_level level, const char *format, ...)
    LIMPET_PRINTF(2, 3);

/* Goes on as a daemon: forks, its own session, stdin, stdout and stderr to /dev/null, the process id in
 * lock_file, which is locked while it lives (NULL for none). The parent exits with 0 once the daemon has
 * its lock. A lock that another process holds is LIMPET_E_STATE, and its id is in limpet_last_error. Before
 * limpet_server_new. The file goes when the process exits. */
LIMPET_API int limpet_daemonize(const char *lock_file);

#ifdef __cplusplus
}
#endif

#endif
