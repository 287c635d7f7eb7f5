/* TLS: both ends of the transport over a socketpair, then a whole server. Certificates are made by openssl(1). */

#include <signal.h>
#include <sys/wait.h>

#include "check.h"
#include "tls.h"

#if defined(LIMPET_TLS)

/* ---------------------------------------------------------------------- certificates */

static char folder[] = "/tmp/limpet-tls-XXXXXX";

/* The name of a file in the folder; good until eight more were asked for. */
static const char *file(const char *name) {
  static char names[8][128];
  static unsigned next;
  char *at = names[next++ % 8];
  snprintf(at, sizeof names[0], "%s/%s", folder, name);
  return at;
}

static void run(const char *command) {
  const int status = system(command);
  if (status != 0) fprintf(stderr, "status %d: %s\n", status, command);
  CHECK(status == 0);
}

/* NAME.pem and NAME.key: signed by an authority, or by itself when that is NULL. `key`: as openssl req has -newkey. */
static void certify(const char *name, const char *authority, const char *key, const char *names) {
  char command[2048], signer[512] = "-addext basicConstraints=critical,CA:TRUE";
  if (authority) {
    snprintf(signer, sizeof signer,
             "-CA %s/%s.pem -CAkey %s/%s.key -addext basicConstraints=CA:FALSE", folder, authority,
             folder, authority);
  }
  snprintf(command, sizeof command,
           "openssl req -x509 -newkey %s -nodes -days 2 -subj /CN=%s -addext subjectAltName=%s %s"
           " -keyout %s/%s.key -out %s/%s.pem 2>%s/openssl.log || { cat %s/openssl.log; false; }",
           key, name, names, signer, folder, name, folder, name, folder, folder);
  run(command);
}

#define EC "ec -pkeyopt ec_paramgen_curve:P-256"

static void certify_all(void) {
  CHECK(mkdtemp(folder));
  certify("ca", NULL, EC, "DNS:ca");
  certify("localhost", "ca", EC, "DNS:localhost,IP:127.0.0.1,IP:::1");
  certify("a.example", "ca", EC, "DNS:a.example");
  certify("wild", "ca", "rsa:2048", "DNS:*.b.example");
  certify("client", "ca", EC, "DNS:client");
  certify("strange-ca", NULL, EC, "DNS:ca");
  certify("stranger", "strange-ca", EC, "DNS:localhost,IP:127.0.0.1");
}

static void write_file(const char *name, const char *text) {
  FILE *stream = fopen(file(name), "w");
  CHECK(stream && fputs(text, stream) >= 0 && fclose(stream) == 0);
}

static void copy_file(const char *from, const char *to) {
  char command[512];
  snprintf(command, sizeof command, "cp %s %s", file(from), file(to));
  run(command);
}

/* -------------------------------------------------------------------- ends of connections */

static limpet_config *config_new(void) {
  limpet_config *config = limpet_config_new();
  CHECK(config && limpet_config_set_host(config, NULL) == 0);
  return config;
}

static limpet_server *started(limpet_config *config) {
  limpet_server *server = limpet_server_new(config);
  CHECK(server);
  const int code = limpet_server_start(server);
  if (code != 0) fprintf(stderr, "start: %s\n", limpet_last_error());
  CHECK_EQUAL(code, 0);
  limpet_config_free(config);
  return server;
}

/* A server that never listens, with one certificate. */
static limpet_server *serving(const char *name) {
  limpet_config *config = config_new();
  char cert[64], key[64];
  snprintf(cert, sizeof cert, "%s.pem", name);
  snprintf(key, sizeof key, "%s.key", name);
  CHECK_EQUAL(limpet_config_set_tls(config, file(cert), file(key)), 0);
  return started(config);
}

/* One that trusts the CA. */
static limpet_server *calling(void) {
  limpet_config *config = config_new();
  CHECK_EQUAL(limpet_config_set_tls_peer(config, file("ca.pem"), true), 0);
  return started(config);
}

struct pair {
  struct connection server, client;
};

/* Both ends of a socketpair under TLS; nothing was sent yet. */
static void pair_begin(struct pair *pair, limpet_server *server, limpet_server *client,
                       const char *name) {
  int ends[2];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
  memset(pair, 0, sizeof *pair);
  pair->server.fd = ends[0];
  pair->client.fd = ends[1];
  pair->server.transport = pair->client.transport = &transport_plain;
  CHECK_EQUAL(tls_begin(server->loops[0], &pair->server, false, NULL), 0);
  CHECK_EQUAL(tls_begin(client->loops[0], &pair->client, true, name), 0);
  CHECK(pair->server.transport == &transport_tls && pair->client.transport == &transport_tls);
}

static int shake(struct connection *end) { return end->transport->handshake(end); }

/* Whether both handshakes end well. `words`: of the first that does not. */
static bool pair_shake(struct pair *pair, char words[512]) {
  for (int round = 0; round < 100; round++) {
    const int client = shake(&pair->client);
    if (client < 0) snprintf(words, 512, "%s", limpet_last_error());
    if (client < 0) shake(&pair->server);
    const int server = client < 0 ? client : shake(&pair->server);
    if (server < 0 && client >= 0) snprintf(words, 512, "%s", limpet_last_error());
    if (client < 0 || server < 0) return false;
    if (client == 0 && server == 0) return true;
  }
  CHECK(!"the handshake ends");
  return false;
}

static void end_close(struct connection *end) {
  end->transport->release(end);
  close(end->fd);
}

static void pair_end(struct pair *pair) {
  end_close(&pair->server);
  end_close(&pair->client);
}

/* A handshake that has to succeed. */
static void pair_open(struct pair *pair, limpet_server *server, limpet_server *client,
                      const char *name) {
  char words[512];
  pair_begin(pair, server, client, name);
  const bool opened = pair_shake(pair, words);
  if (!opened) fprintf(stderr, "%s\n", words);
  CHECK(opened);
}

/* One that has to fail, with these words in limpet_last_error. */
static void pair_fails(limpet_server *server, limpet_server *client, const char *name,
                       const char *words) {
  struct pair pair;
  char said[512] = "";
  pair_begin(&pair, server, client, name);
  CHECK(!pair_shake(&pair, said));
  if (!strstr(said, words)) fprintf(stderr, "\"%s\" is not in \"%s\"\n", words, said);
  CHECK(strstr(said, words));
  pair_end(&pair);
}

/* ------------------------------------------------------------------------------ bytes */

static uint8_t *pattern(size_t length) {
  uint8_t *bytes = malloc(length + 1);
  CHECK(bytes);
  for (size_t i = 0; i < length; i++) bytes[i] = (uint8_t)(i * 31 + i / 251 + length);
  return bytes;
}

/* What of `bytes` behind `at` is written next: three spans, one of them empty. */
static ssize_t write_some(struct connection *from, const uint8_t *bytes, size_t at, size_t length) {
  const size_t left = length - at, first = left / 3;
  struct iovec spans[3];
  spans[0] = (struct iovec){.iov_base = (void *)(uintptr_t)(bytes + at), .iov_len = first};
  spans[1] = (struct iovec){.iov_base = NULL, .iov_len = 0};
  spans[2] =
      (struct iovec){.iov_base = (void *)(uintptr_t)(bytes + at + first), .iov_len = left - first};
  return from->transport->write(from, spans, 3);
}

/* Sends bytes through a pair; `piece`: what one read takes. How often the writer had to wait. */
static int pass(struct connection *from, struct connection *to, size_t length, size_t piece) {
  uint8_t *bytes = pattern(length), *got = malloc(length + 1);
  CHECK(got);
  size_t sent = 0, come = 0;
  int waits = 0;
  while (come < length) {
    if (sent < length) {
      const ssize_t wrote = write_some(from, bytes, sent, length);
      CHECK(wrote != TRANSPORT_FAILED);
      if (wrote > 0) sent += (size_t)wrote;
      if (sent < length) waits++;
    }
    do {
      const size_t most = length - come < piece ? length - come : piece;
      const ssize_t read = to->transport->read(to, got + come, most);
      CHECK(read == TRANSPORT_AGAIN || read > 0);
      if (read == TRANSPORT_AGAIN) break;
      come += (size_t)read;
    } while (come < length && to->transport->pending(to));
  }
  CHECK(memcmp(bytes, got, length) == 0);
  // The last record may be sent, and not told.
  while (sent < length) {
    const ssize_t wrote = write_some(from, bytes, sent, length);
    CHECK(wrote > 0);
    sent += (size_t)wrote;
  }
  CHECK(!to->transport->pending(to));
  free(bytes);
  free(got);
  return waits;
}

static void test_bytes(void) {
  limpet_server *server = serving("localhost"), *client = calling();
  static const size_t lengths[] = {1,     2,     3,     125,   126,   1024,  16383,  16384,  16385,
                                   16386, 32767, 32768, 32769, 33792, 49152, 100000, 1000000};
  struct pair pair;
  pair_open(&pair, server, client, "localhost");
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    pass(&pair.client, &pair.server, lengths[i], 65536);
    pass(&pair.server, &pair.client, lengths[i], 65536);
  }
  // Readers that take little leave the rest within the transport, where poll(2) cannot see it.
  pass(&pair.client, &pair.server, 40000, 1);
  pass(&pair.server, &pair.client, 40000, 16384);
  pass(&pair.server, &pair.client, 40000, 16385);
  pass(&pair.client, &pair.server, 300000, 7);
  pair_end(&pair);
  limpet_server_free(client);
  limpet_server_free(server);
}

/* A socket that takes a part of a record: the same bytes come again, and none of them twice. */
static void test_partial(void) {
  limpet_server *server = serving("localhost"), *client = calling();
  struct pair pair;
  pair_open(&pair, server, client, "localhost");
  const int small = 4608;
  CHECK(setsockopt(pair.server.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small) == 0);
  CHECK(setsockopt(pair.client.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small) == 0);
  CHECK(pass(&pair.server, &pair.client, 200000, 65536) > 0);
  CHECK(pass(&pair.client, &pair.server, 200000, 1000) > 0);
  // Both directions at once, both full: reading goes on while a record is held.
  uint8_t *bytes = pattern(100000), *got = malloc(100000);
  CHECK(got);
  struct connection *ends[2] = {&pair.server, &pair.client};
  size_t sent[2] = {0, 0}, come[2] = {0, 0};
  while (come[0] < 100000 || come[1] < 100000 || sent[0] < 100000 || sent[1] < 100000) {
    for (int i = 0; i < 2; i++) {
      ssize_t count = sent[i] < 100000 ? write_some(ends[i], bytes, sent[i], 100000) : 0;
      CHECK(count != TRANSPORT_FAILED);
      if (count > 0) sent[i] += (size_t)count;
      if (come[i] == 100000) continue;
      count = ends[i]->transport->read(ends[i], got, 100000 - come[i]);
      CHECK(count > 0 || count == TRANSPORT_AGAIN);
      if (count > 0) CHECK(memcmp(got, bytes + come[i], (size_t)count) == 0);
      if (count > 0) come[i] += (size_t)count;
    }
  }
  free(bytes);
  free(got);
  pair_end(&pair);
  limpet_server_free(client);
  limpet_server_free(server);
}

/* Moves up to `most` bytes from one socket to another; whether there were any. */
static bool relay(int from, int to, size_t most) {
  char bytes[64];
  const ssize_t got = recv(from, bytes, most, MSG_DONTWAIT);
  if (got > 0) CHECK(send(to, bytes, (size_t)got, 0) == got);
  return got > 0;
}

/* Handshake and records that come in pieces, cut anywhere. */
static void test_cuts(void) {
  limpet_server *server = serving("localhost"), *client = calling();
  for (size_t most = 1; most <= 64; most = most * 3 + 1) {
    struct pair pair;
    int ends[2];
    pair_begin(&pair, server, client, "localhost");
    // The client's end is exchanged for a socket whose bytes are relayed.
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    const int far = dup(pair.client.fd);
    CHECK(far >= 0 && dup2(ends[0], pair.client.fd) >= 0);
    close(ends[0]);
    int wants[2] = {POLLIN, POLLIN};
    while (wants[0] != 0 || wants[1] != 0) {
      wants[0] = shake(&pair.client);
      relay(ends[1], far, most);
      wants[1] = shake(&pair.server);
      relay(far, ends[1], most);
      CHECK(wants[0] >= 0 && wants[1] >= 0);
    }
    // What a server says behind its handshake, tickets for one, is nothing to read.
    char got[300];
    while (relay(far, ends[1], most)) {
      CHECK_EQUAL(pair.client.transport->read(&pair.client, got, sizeof got), TRANSPORT_AGAIN);
    }
    struct iovec span = {.iov_base = "cut anywhere", .iov_len = 12};
    for (int i = 0; i < 3; i++)
      CHECK_EQUAL(pair.client.transport->write(&pair.client, &span, 1), 12);
    size_t come = 0;
    while (come < 36) {
      relay(ends[1], far, most);
      const ssize_t read = pair.server.transport->read(&pair.server, got + come, sizeof got - come);
      CHECK(read > 0 || read == TRANSPORT_AGAIN);
      if (read > 0) come += (size_t)read;
    }
    CHECK(memcmp(got, "cut anywherecut anywherecut anywhere", 36) == 0);
    close(far);
    close(ends[1]);
    pair_end(&pair);
  }
  limpet_server_free(client);
  limpet_server_free(server);
}

/* Bytes of no sense, in front of the handshake, in it and behind it: the connection is broken or waits, and no more. */
static void test_garbage(void) {
  limpet_server *server = serving("localhost"), *client = calling();
  uint32_t seed = 1;
  for (int round = 0; round < 300; round++) {
    struct pair pair;
    uint8_t bytes[400];
    char got[400], words[512];
    for (size_t i = 0; i < sizeof bytes; i++)
      bytes[i] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
    const size_t length = 1 + (seed >> 8) % sizeof bytes;
    // A record's first bytes, so that what is behind them is looked at.
    if (round % 2) memcpy(bytes, "\x16\x03\x03\x00\x80", 5);
    pair_begin(&pair, server, client, "localhost");
    if (round % 3 == 1) shake(&pair.client);
    if (round % 3 == 2) CHECK(pair_shake(&pair, words));
    CHECK(send(pair.client.fd, bytes, length, 0) == (ssize_t)length);
    for (int i = 0; i < 3; i++) {
      const int wants = shake(&pair.server);
      CHECK(wants == 0 || wants == POLLIN || wants == TRANSPORT_FAILED);
      const ssize_t read = pair.server.transport->read(&pair.server, got, sizeof got);
      CHECK(read == TRANSPORT_AGAIN || read == TRANSPORT_FAILED);
    }
    pair_end(&pair);
  }
  limpet_server_free(client);
  limpet_server_free(server);
}

/* Bytes, close_notify and FIN in one go: the bytes first, then the end, once. */
static void test_end(void) {
  limpet_server *server = serving("localhost"), *client = calling();
  struct pair pair;
  char got[64];
  pair_open(&pair, server, client, "localhost");
  struct iovec last = {.iov_base = "goodbye", .iov_len = 7};
  CHECK_EQUAL(pair.client.transport->write(&pair.client, &last, 1), 7);
  pair.client.transport->finish(&pair.client);
  CHECK_EQUAL(pair.server.transport->read(&pair.server, got, sizeof got), 7);
  CHECK(memcmp(got, "goodbye", 7) == 0);
  CHECK(pair.server.transport->pending(&pair.server));
  CHECK_EQUAL(pair.server.transport->read(&pair.server, got, sizeof got), 0);
  // The other direction is still open.
  CHECK_EQUAL(pair.server.transport->write(&pair.server, &last, 1), 7);
  CHECK_EQUAL(pair.client.transport->read(&pair.client, got, sizeof got), 7);
  pair.server.transport->finish(&pair.server);
  CHECK_EQUAL(pair.client.transport->read(&pair.client, got, sizeof got), 0);
  pair_end(&pair);
  // A FIN without close_notify is an end, too.
  pair_open(&pair, server, client, "localhost");
  CHECK(shutdown(pair.client.fd, SHUT_WR) == 0);
  CHECK_EQUAL(pair.server.transport->read(&pair.server, got, sizeof got), 0);
  pair_end(&pair);
  // Bytes that are no record are a failure.
  pair_open(&pair, server, client, "localhost");
  CHECK(send(pair.client.fd, "GET / HTTP/1.1\r\n\r\n", 18, 0) == 18);
  CHECK_EQUAL(pair.server.transport->read(&pair.server, got, sizeof got), TRANSPORT_FAILED);
  CHECK_EQUAL(pair.server.transport->read(&pair.server, got, sizeof got), TRANSPORT_FAILED);
  CHECK_EQUAL(pair.server.transport->write(&pair.server, &last, 1), TRANSPORT_FAILED);
  pair_end(&pair);
  limpet_server_free(client);
  limpet_server_free(server);
}

/* ------------------------------------------------------------------------------ names */

static void test_names(void) {
  limpet_config *config = config_new();
  CHECK_EQUAL(limpet_config_set_tls(config, file("localhost.pem"), file("localhost.key")), 0);
  CHECK_EQUAL(
      limpet_config_add_tls_host(config, "a.example", file("a.example.pem"), file("a.example.key")),
      0);
  CHECK_EQUAL(limpet_config_add_tls_host(config, "*.b.example", file("wild.pem"), file("wild.key")),
              0);
  limpet_server *server = started(config), *client = calling();
  struct pair pair;
  // Each has a certificate of its own: the client takes that of its name only.
  static const char *const names[] = {"localhost", "127.0.0.1",   "::1",        "a.example",
                                      "A.Example", "x.b.example", "y.B.example"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    pair_open(&pair, server, client, names[i]);
    pass(&pair.client, &pair.server, 100, 100);
    pair_end(&pair);
  }
  pair_fails(server, client, "b.example", "Common Name (CN) does not match");
  pair_fails(server, client, "x.y.b.example", "Common Name (CN) does not match");
  pair_fails(server, client, "127.0.0.2", "Common Name (CN) does not match");
  pair_fails(server, client, "::2", "Common Name (CN) does not match");
  limpet_server_free(server);

  // A server whose certificates are all for names has none for others.
  config = config_new();
  CHECK_EQUAL(
      limpet_config_add_tls_host(config, "a.example", file("a.example.pem"), file("a.example.key")),
      0);
  server = started(config);
  pair_open(&pair, server, client, "a.example");
  pair_end(&pair);
  pair_fails(server, client, "localhost", "TLS handshake");
  limpet_server_free(server);
  limpet_server_free(client);
}

static void test_authorities(void) {
  limpet_server *server = serving("stranger"), *client = calling();
  pair_fails(server, client, "localhost", "not correctly signed by the trusted CA");
  limpet_server_free(client);
  // Not checked.
  limpet_config *config = config_new();
  CHECK_EQUAL(limpet_config_set_tls_peer(config, NULL, false), 0);
  client = started(config);
  struct pair pair;
  pair_open(&pair, server, client, "whatever.example");
  pass(&pair.client, &pair.server, 1000, 1000);
  pair_end(&pair);
  limpet_server_free(client);
  // The system's: this test's own file stands in for it.
  CHECK(setenv("SSL_CERT_FILE", file("strange-ca.pem"), 1) == 0);
  client = started(config_new());
  pair_open(&pair, server, client, "127.0.0.1");
  pair_end(&pair);
  limpet_server_free(client);
  CHECK(setenv("SSL_CERT_FILE", file("absent.pem"), 1) == 0);
  client = started(config_new());
  struct connection end = {.fd = -1, .transport = &transport_plain};
  CHECK_EQUAL(tls_begin(client->loops[0], &end, true, "localhost"), LIMPET_E_TLS);
  CHECK(strstr(limpet_last_error(), "absent.pem: No such file"));
  CHECK(end.transport == &transport_plain && !end.secure);
  CHECK(unsetenv("SSL_CERT_FILE") == 0);
  // It serves nobody: it has no certificate.
  CHECK_EQUAL(tls_begin(client->loops[0], &end, false, NULL), LIMPET_E_STATE);
  limpet_server_free(client);
  limpet_server_free(server);
}

/* --------------------------------------------------------------------- suites, versions */

static limpet_server *with_suites(const char *suites, bool server) {
  limpet_config *config = config_new();
  CHECK_EQUAL(limpet_config_set_tls_ciphers(config, suites), 0);
  if (server)
    CHECK_EQUAL(limpet_config_set_tls(config, file("localhost.pem"), file("localhost.key")), 0);
  else CHECK_EQUAL(limpet_config_set_tls_peer(config, file("ca.pem"), true), 0);
  return started(config);
}

static void test_suites(void) {
  // One suite by three names, alone and behind another.
  static const char *const same[] = {
      "ECDHE-ECDSA-AES256-GCM-SHA384",
      "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
      "TLS-ECDHE-ECDSA-WITH-AES-256-GCM-SHA384",
      "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384",
  };
  limpet_server *server = with_suites("ECDHE-ECDSA-AES256-GCM-SHA384", true);
  struct pair pair;
  for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
    limpet_server *client = with_suites(same[i], false);
    pair_open(&pair, server, client, "localhost");
    pair_end(&pair);
    limpet_server_free(client);
  }
  limpet_server *client =
      with_suites("ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-SHA", false);
  pair_fails(server, client, "localhost", "TLS handshake");
  limpet_server_free(server);
  // The default has no CBC.
  server = serving("localhost");
  limpet_server *old = with_suites("ECDHE-ECDSA-AES128-SHA", false);
  pair_fails(server, old, "localhost", "TLS handshake");
  pair_open(&pair, server, client, "localhost");
  pair_end(&pair);
  limpet_server_free(old);
  limpet_server_free(client);
  limpet_server_free(server);

  limpet_config *config = config_new();
  static const char *const unknown[] = {"", ":", "RC4-MD5", "ECDHE-ECDSA-AES256-GCM-SHA384:",
                                        "ECDHE-ECDSA-AES256-GCM-SHA384:NONSENSE"};
  for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
    CHECK_EQUAL(limpet_config_set_tls_ciphers(config, unknown[i]), LIMPET_ERROR_CODE_ARGUMENT);
  }
  CHECK(strstr(limpet_last_error(), "\"NONSENSE\""));
  CHECK_EQUAL(limpet_config_set_tls_ciphers(config, NULL), 0);
  limpet_config_free(config);
}

/* A ClientHello of TLS 1.1 is answered with the alert protocol_version. RFC 8996 5, RFC 5246 7.2. */
static void test_old_version(void) {
  limpet_server *server = serving("localhost"), *client = calling();
  struct pair pair;
  pair_begin(&pair, server, client, "localhost");
  uint8_t hello[] = {
      22, 3, 1, 0, 47, 1, 0, 0, 43, 3, 2,
      // Random.
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,
      26, 27, 28, 29, 30, 31,
      // No session; TLS_ECDHE_ECDSA_ and TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA; no compression.
      0, 0, 4, 0xc0, 9, 0xc0, 19, 1, 0};
  CHECK(send(pair.client.fd, hello, sizeof hello, 0) == sizeof hello);
  CHECK_EQUAL(shake(&pair.server), TRANSPORT_FAILED);
  CHECK(strstr(limpet_last_error(), "TLS 1.2 is the least"));
  uint8_t alert[16];
  CHECK_EQUAL(recv(pair.client.fd, alert, sizeof alert, 0), 7);
  CHECK(alert[0] == 21 && alert[5] == 2 && alert[6] == 70);
  pair_end(&pair);
  limpet_server_free(client);
  limpet_server_free(server);
}

/* ------------------------------------------------------------------- client certificates */

/* A handshake of openssl(1) with a server at a port: whether it was let in. */
static bool let_in(int port, const char *options) {
  char command[1024];
  snprintf(
      command, sizeof command,
      "printf 'GET / HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' |"
      " timeout 20 openssl s_client -quiet -connect 127.0.0.1:%d -servername localhost -CAfile %s"
      " -verify_return_error -ign_eof %s 2>/dev/null | grep -q 'HTTP/1.1 426'",
      port, file("ca.pem"), options);
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
  }
  int status = 0;
  pid_t ended = 0;
  while (ended == 0) {
    check_pause();
    ended = waitpid(child, &status, WNOHANG);
  }
  CHECK_EQUAL(ended, child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) < 2);
  return WEXITSTATUS(status) == 0;
}

/* The server that check_pump polls, and what it said last. */
static limpet_server *listening;
static _Atomic int errors, last_code;
static char last_words[512];
static _Atomic limpet_session opened;
static _Atomic int closed;

static void pump(void) {
  const int count = limpet_server_poll(listening, 2);
  CHECK(count >= 0);
}

static uint32_t active(void) { return listening->loops[0]->stats->active; }

static void on_error(limpet_server *server, limpet_session session, int code, const char *message,
                     void *user) {
  (void)server, (void)session, (void)user;
  errors++;
  last_code = code;
  snprintf(last_words, sizeof last_words, "%s", message);
}

static void on_connect(limpet_server *server, limpet_session session, void *user) {
  (void)server, (void)user;
  opened = session;
}

static void on_message(limpet_server *server, limpet_session session, enum limpet_type type,
                       char *data, size_t length, void *user) {
  (void)server, (void)user;
  CHECK(limpet_session_send(session, type, data, length) >= 0);
}

static void on_close(limpet_server *server, limpet_session session, uint16_t code,
                     const char *reason, void *user) {
  (void)server, (void)session, (void)reason, (void)user;
  closed = code;
}

/* Whose certificate the last plain request came with. */
static char peer_name[256];

static void on_request(limpet_server *server, limpet_session session, const char *method,
                       const char *path, void *user) {
  (void)server, (void)method, (void)path, (void)user;
  struct limpet_tls_details details;
  CHECK_EQUAL(limpet_session_tls(session, &details), 0);
  snprintf(peer_name, sizeof peer_name, "%s", details.peer);
  CHECK_EQUAL(limpet_session_respond(session, 426, NULL, NULL, 0), 0);
}

/* A server on a free port of this machine that echoes, polled by check_pump; consumes the config. */
static int listen_with(limpet_config *config) {
  CHECK_EQUAL(limpet_config_set_host(config, "127.0.0.1"), 0);
  CHECK_EQUAL(limpet_config_set_port(config, 0), 0);
  listening = limpet_server_new(config);
  CHECK(listening);
  CHECK_EQUAL(limpet_server_set_on_error(listening, on_error, NULL), 0);
  CHECK_EQUAL(limpet_server_set_on_connect(listening, on_connect, NULL), 0);
  CHECK_EQUAL(limpet_server_set_on_message(listening, on_message, NULL), 0);
  CHECK_EQUAL(limpet_server_set_on_close(listening, on_close, NULL), 0);
  CHECK_EQUAL(limpet_server_set_on_request(listening, on_request, NULL), 0);
  CHECK_EQUAL(limpet_server_start(listening), 0);
  limpet_config_free(config);
  check_pump = pump;
  errors = last_code = closed = 0;
  opened = 0;
  return limpet_server_port(listening);
}

static void listener_end(void) {
  check_pump = NULL;
  limpet_server_free(listening);
}

static limpet_config *secured(void) {
  limpet_config *config = config_new();
  CHECK_EQUAL(limpet_config_set_tls(config, file("localhost.pem"), file("localhost.key")), 0);
  return config;
}

static void test_client_certificates(void) {
  char own[300], strange[300];
  snprintf(own, sizeof own, "-cert %s -key %s", file("client.pem"), file("client.key"));
  snprintf(strange, sizeof strange, "-cert %s -key %s", file("stranger.pem"), file("stranger.key"));
  limpet_config *config = secured();
  CHECK_EQUAL(limpet_config_set_tls_client_ca(config, file("ca.pem"), true), 0);
  int port = listen_with(config);
  CHECK(let_in(port, own));
  CHECK_STRING(peer_name, "CN=client");
  CHECK_EQUAL(errors, 0);
  CHECK(!let_in(port, ""));
  CHECK_EQUAL(last_code, LIMPET_E_TLS);
  CHECK(!let_in(port, strange));
  CHECK(strstr(last_words, "not correctly signed by the trusted CA"));
  listener_end();
  // Optional: none will do, but a bad one will not.
  config = secured();
  CHECK_EQUAL(limpet_config_set_tls_client_ca(config, file("ca.pem"), false), 0);
  port = listen_with(config);
  CHECK(let_in(port, own));
  CHECK_STRING(peer_name, "CN=client");
  CHECK(let_in(port, ""));
  CHECK_STRING(peer_name, "");
  CHECK_EQUAL(errors, 0);
  CHECK(!let_in(port, strange));
  CHECK_EQUAL(last_code, LIMPET_E_TLS);
  listener_end();
}

/* ------------------------------------------------------------------------ a whole server */

/* A client of a listening server, under TLS. */
struct secure_client {
  struct connection connection;
};

/* Whose loop all of them are of. */
static limpet_server *callers;

static void client_shake(struct secure_client *client) {
  for (;;) {
    const int wants = shake(&client->connection);
    CHECK(wants >= 0);
    if (wants == 0) return;
    CHECK(check_wait(client->connection.fd, (short)wants, CHECK_PATIENCE_MS));
  }
}

static void client_write(struct secure_client *client, const void *data, size_t length) {
  struct connection *end = &client->connection;
  for (size_t at = 0; at < length;) {
    const struct iovec span = {.iov_base = (char *)(uintptr_t)data + at, .iov_len = length - at};
    const ssize_t wrote = end->transport->write(end, &span, 1);
    CHECK(wrote != TRANSPORT_FAILED);
    if (wrote > 0) at += (size_t)wrote;
    else check_pause();
  }
}

/* Reads exactly so many bytes. */
static void client_read(struct secure_client *client, void *data, size_t length) {
  struct connection *end = &client->connection;
  const int64_t patience = check_now() + CHECK_PATIENCE_MS;
  for (size_t at = 0; at < length;) {
    const ssize_t got = end->transport->read(end, (char *)data + at, length - at);
    CHECK(got > 0 || got == TRANSPORT_AGAIN);
    CHECK(check_now() < patience);
    if (got > 0) at += (size_t)got;
    else check_pause();
  }
}

static const char request[] =
    "GET /tls HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/* TLS and the opening handshake. */
static void client_talk(struct secure_client *client) {
  CHECK(fcntl(client->connection.fd, F_SETFL, O_NONBLOCK) == 0);
  CHECK_EQUAL(tls_begin(callers->loops[0], &client->connection, true, "localhost"), 0);
  client_shake(client);
  client_write(client, request, sizeof request - 1);
  char answer[129 + 1] = "";
  client_read(client, answer, 129);
  CHECK(strncmp(answer, "HTTP/1.1 101 ", 13) == 0 && strcmp(answer + 125, "\r\n\r\n") == 0);
}

/* `head`: what is said before TLS begins, in pieces of one byte. */
static void client_open(struct secure_client *client, int port, const char *head) {
  memset(client, 0, sizeof *client);
  client->connection.fd = check_socket(port);
  client->connection.transport = &transport_plain;
  for (; *head; head++) {
    CHECK(send(client->connection.fd, head, 1, 0) == 1);
    check_pause();
  }
  client_talk(client);
}

static void client_end(struct secure_client *client) { end_close(&client->connection); }

/* A binary message that comes back; its key is 0. */
static void client_echo(struct secure_client *client, size_t length) {
  uint8_t header[14] = {0x82, 0x80 | 127};
  for (int i = 0; i < 8; i++) header[9 - i] = (uint8_t)((uint64_t)length >> (8 * i));
  size_t size = 14, back = 10;
  if (length < 65536) {
    header[1] = 0x80 | 126;
    header[2] = (uint8_t)(length >> 8);
    header[3] = (uint8_t)length;
    memset(header + 4, 0, 4);
    size = 8;
    back = 4;
  }
  uint8_t *bytes = pattern(length), *got = malloc(length);
  CHECK(got && length > 125);
  client_write(client, header, size);
  client_write(client, bytes, length);
  uint8_t answered[10];
  client_read(client, answered, back);
  CHECK(answered[0] == 0x82 && answered[1] == (back == 4 ? 126 : 127));
  client_read(client, got, length);
  CHECK(memcmp(bytes, got, length) == 0);
  free(bytes);
  free(got);
}

static void test_server(void) {
  const int port = listen_with(secured());
  struct secure_client client;
  client_open(&client, port, "");
  CHECK(opened != 0);
  struct limpet_tls_details details;
  CHECK_EQUAL(limpet_session_tls(opened, &details), 0);
  const bool is_new = strcmp(details.version, "TLSv1.3") == 0;
  CHECK(is_new || strcmp(details.version, "TLSv1.2") == 0);
  CHECK_STRING(details.suite,
               is_new ? "TLS_AES_128_GCM_SHA256" : "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
  CHECK_STRING(details.server_name, "localhost");
  CHECK_STRING(details.peer, "");
  CHECK_EQUAL(limpet_session_tls(opened, NULL), LIMPET_ERROR_CODE_ARGUMENT);
  CHECK_EQUAL(limpet_session_tls(opened + 1, &details), LIMPET_ERROR_CODE_HANDLE);
  static const size_t lengths[] = {126, 1000, 16376, 16377, 16384, 65535, 65536, 400000, 3000000};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) client_echo(&client, lengths[i]);
  // The Close frame, close_notify and FIN, in that order.
  CHECK_EQUAL(limpet_session_close(opened, 1000, "done"), 0);
  uint8_t frame[8];
  client_read(&client, frame, 8);
  CHECK(memcmp(frame,
               "\x88\x06\x03\xe8"
               "done",
               8) == 0);
  static const uint8_t close_frame[] = {0x88, 0x82, 0, 0, 0, 0, 3, 0xe8};
  client_write(&client, close_frame, sizeof close_frame);
  ssize_t got = TRANSPORT_AGAIN;
  while (got == TRANSPORT_AGAIN) {
    check_pause();
    got = client.connection.transport->read(&client.connection, frame, 8);
  }
  CHECK_EQUAL(got, 0);
  client_end(&client);
  CHECK_SOON(closed == 1000);
  CHECK_EQUAL(errors, 0);
  CHECK_EQUAL(active(), 0);
  listener_end();
}

/* Connections that break: on_error has words for what TLS does not like, and a reset is an end. */
static void test_broken(void) {
  const int port = listen_with(secured());
  struct secure_client client;
  client_open(&client, port, "");
  CHECK(send(client.connection.fd, "\x17\x03\x03\x00\x20no record of this connection at all", 37,
             0) == 37);
  CHECK_SOON(closed == 1006);
  CHECK_EQUAL(errors, 1);
  CHECK_EQUAL(last_code, LIMPET_E_TLS);
  CHECK(strstr(last_words, "MAC"));
  client_end(&client);
  closed = 0;
  client_open(&client, port, "");
  const struct linger reset = {.l_onoff = 1, .l_linger = 0};
  CHECK(setsockopt(client.connection.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) == 0);
  client_end(&client);
  CHECK_SOON(closed == 1006);
  CHECK_EQUAL(errors, 1);
  CHECK_EQUAL(active(), 0);
  listener_end();
}

/* A paused session keeps what came, also what poll(2) does not know of any more. */
static void test_pause(void) {
  const int port = listen_with(secured());
  struct secure_client client;
  client_open(&client, port, "");
  CHECK_EQUAL(limpet_session_pause(opened), 0);
  // One write, so that one recv takes all of them.
  uint8_t messages[40 * 12];
  for (int i = 0; i < 40; i++) memcpy(messages + 12 * i, "\x82\x86\x00\x00\x00\x00paused", 12);
  client_write(&client, messages, sizeof messages);
  for (int i = 0; i < 20; i++) check_pause();
  uint8_t got[40 * 8];
  CHECK_EQUAL(client.connection.transport->read(&client.connection, got, sizeof got),
              TRANSPORT_AGAIN);
  CHECK_EQUAL(limpet_session_resume(opened), 0);
  client_read(&client, got, sizeof got);
  for (int i = 0; i < 40; i++) CHECK(memcmp(got + 8 * i, "\x82\x06paused", 8) == 0);
  client_end(&client);
  listener_end();
}

/* Clients that do not speak TLS, or nothing at all, or leave. */
static void test_strangers(void) {
  limpet_config *config = secured();
  CHECK_EQUAL(limpet_config_set_handshake_timeout(config, 300), 0);
  CHECK_EQUAL(limpet_config_set_close_timeout(config, 60000), 0);
  const int port = listen_with(config);

  struct check_client plain = check_client_open(port);
  CHECK(check_client_write(&plain, request, sizeof request - 1));
  CHECK(!check_client_fill(&plain, 64, CHECK_PATIENCE_MS));
  CHECK_SOON(errors == 1);
  CHECK_EQUAL(last_code, LIMPET_E_TLS);
  CHECK(strstr(last_words, "does not speak TLS"));
  CHECK_EQUAL(active(), 0);
  check_client_end(&plain);

  // Silent: the handshake's timeout, not the close handshake's behind it.
  struct check_client silent = check_client_open(port);
  int64_t began = check_now();
  CHECK(!check_client_fill(&silent, 1, CHECK_PATIENCE_MS));
  CHECK_EQUAL(silent.held, 0);
  CHECK(check_now() - began >= 290 && check_now() - began < 5000);
  CHECK_SOON(errors == 2);
  CHECK_EQUAL(last_code, LIMPET_ERROR_CODE_TIMEOUT_HANDSHAKE);
  CHECK_EQUAL(active(), 0);
  check_client_end(&silent);

  // Half of a record, then silence.
  struct check_client half = check_client_open(port);
  CHECK(check_client_write(&half, "\x16\x03\x01\x02\x00\x01", 6));
  CHECK(!check_client_fill(&half, 1, CHECK_PATIENCE_MS));
  CHECK_SOON(errors == 3);
  CHECK_EQUAL(last_code, LIMPET_ERROR_CODE_TIMEOUT_HANDSHAKE);
  check_client_end(&half);
  listener_end();
}

/* Those who leave, or say nothing more: with time for a handshake on a slow machine. */
static void test_leaving(void) {
  limpet_config *config = secured();
  CHECK_EQUAL(limpet_config_set_handshake_timeout(config, 2000), 0);
  CHECK_EQUAL(limpet_config_set_close_timeout(config, 60000), 0);
  const int port = listen_with(config);

  // Gone before it said anything: at once.
  int64_t began = check_now();
  struct check_client gone = check_client_open(port);
  CHECK_SOON(active() == 1);
  check_client_end(&gone);
  CHECK_SOON(active() == 0);
  CHECK(check_now() - began < 1800);
  CHECK_EQUAL(errors, 1);
  CHECK_EQUAL(last_code, LIMPET_E_TLS);
  CHECK(strstr(last_words, "the peer left"));

  // Under TLS, and then silent: the same time in all.
  struct secure_client tls = {
      .connection = {.fd = check_socket(port), .transport = &transport_plain}};
  CHECK(fcntl(tls.connection.fd, F_SETFL, O_NONBLOCK) == 0);
  CHECK_EQUAL(tls_begin(callers->loops[0], &tls.connection, true, "localhost"), 0);
  began = check_now();
  client_shake(&tls);
  char head[12];
  client_read(&tls, head, sizeof head);
  CHECK(memcmp(head, "HTTP/1.1 408", 12) == 0);
  CHECK(check_now() - began < 5000);
  client_end(&tls);
  CHECK_SOON(active() == 0);
  listener_end();
}

/* Where the opened session's peer is; its port. */
static int told_address(char address[INET6_ADDRSTRLEN]) {
  int port = 0;
  CHECK(limpet_session_remote_address(opened, address, INET6_ADDRSTRLEN, &port, NULL) > 0);
  return port;
}

static void test_proxy(void) {
  limpet_config *config = secured();
  CHECK_EQUAL(limpet_config_set_trust_proxy(config, LIMPET_TRUST_PROXY), 0);
  int port = listen_with(config);
  struct secure_client client;
  char address[INET6_ADDRSTRLEN];
  client_open(&client, port, "PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n");
  CHECK(opened != 0);
  CHECK_EQUAL(told_address(address), 4711);
  CHECK_STRING(address, "192.0.2.7");
  client_echo(&client, 100000);
  client_end(&client);
  // Trusted, not required: without a header it is who it is.
  opened = 0;
  client_open(&client, port, "");
  told_address(address);
  CHECK_STRING(address, "127.0.0.1");
  client_end(&client);
  listener_end();

  config = secured();
  CHECK_EQUAL(limpet_config_set_trust_proxy(config, LIMPET_TRUST_PROXY_REQUIRED), 0);
  port = listen_with(config);
  opened = 0;
  client_open(&client, port, "PROXY TCP6 2001:db8::5 2001:db8::1 99 443\r\n");
  CHECK_EQUAL(told_address(address), 99);
  CHECK_STRING(address, "2001:db8::5");
  client_end(&client);
  CHECK_EQUAL(errors, 0);
  CHECK_SOON(active() == 0);
  // PROXY 2.1: a header has at most 107 bytes.
  char endless[120] = "PROXY TCP4 ";
  memset(endless + 11, '1', sizeof endless - 12);
  const char *const bad[] = {endless, "\x16\x03\x01", "PROXY"};
  for (int i = 0; i < 3; i++) {
    struct check_client other = check_client_open(port);
    CHECK(check_client_write(&other, bad[i], strlen(bad[i])));
    if (i == 2) CHECK(shutdown(other.fd, SHUT_WR) == 0);
    CHECK(!check_client_fill(&other, 1, CHECK_PATIENCE_MS));
    CHECK_SOON(errors == i + 1);
    CHECK_EQUAL(last_code, LIMPET_E_TLS);
    CHECK(strstr(last_words, "PROXY protocol header"));
    check_client_end(&other);
  }
  listener_end();
}

/* ------------------------------------------------------------- clients, attached sockets */

static limpet_session caller;
static int connect_code;
static char connect_words[512];
static size_t answered;
/* The name that was asked for, as the end sees it that was opened last. */
static char asked[256];

static void on_connect_error(limpet_server *server, limpet_session session, int code,
                             const char *message, void *user) {
  (void)server, (void)user;
  CHECK(session == caller);
  connect_code = code;
  snprintf(connect_words, sizeof connect_words, "%s", message);
}

static void on_called(limpet_server *server, limpet_session session, void *user) {
  (void)server, (void)user;
  struct limpet_tls_details details;
  CHECK_EQUAL(limpet_session_tls(session, &details), 0);
  // The server's certificate, as the client sees it; the client has none.
  CHECK_STRING(details.peer, session == caller ? "CN=localhost" : "");
  if (session != caller) CHECK_STRING(details.server_name, asked);
  snprintf(asked, sizeof asked, "%s", details.server_name);
  if (session == caller) CHECK_EQUAL(limpet_session_send_text(session, "hello"), 0);
}

static void on_answer(limpet_server *server, limpet_session session, enum limpet_type type,
                      char *data, size_t length, void *user) {
  (void)server, (void)user;
  if (session == caller) answered += length;
  else CHECK(limpet_session_send(session, type, data, length) >= 0);
}

/* Connects a server to itself, by a URL: 0 once its message came back, or the code of on_connect_error. */
static int call(const char *host, int port) {
  char url[128];
  snprintf(url, sizeof url, "wss://%s:%d/", host, port);
  connect_code = 0;
  answered = 0;
  CHECK_EQUAL(limpet_server_connect(listening, url, NULL, &caller), 0);
  CHECK_SOON(connect_code != 0 || answered > 0);
  if (connect_code == 0) CHECK_EQUAL(limpet_session_close(caller, 1000, NULL), 0);
  CHECK_SOON(active() == 0);
  return connect_code;
}

static int call_with(limpet_config *config) {
  CHECK_EQUAL(limpet_config_set_host(config, "127.0.0.1"), 0);
  CHECK_EQUAL(limpet_config_set_port(config, 0), 0);
  listening = limpet_server_new(config);
  CHECK(listening);
  CHECK_EQUAL(limpet_server_set_on_connect(listening, on_called, NULL), 0);
  CHECK_EQUAL(limpet_server_set_on_connect_error(listening, on_connect_error, NULL), 0);
  CHECK_EQUAL(limpet_server_set_on_message(listening, on_answer, NULL), 0);
  CHECK_EQUAL(limpet_server_start(listening), 0);
  limpet_config_free(config);
  check_pump = pump;
  return limpet_server_port(listening);
}

static void test_connect(void) {
  limpet_config *config = secured();
  CHECK_EQUAL(limpet_config_set_tls_peer(config, file("ca.pem"), true), 0);
  int port = call_with(config);
  snprintf(asked, sizeof asked, "%s", "");
  CHECK_EQUAL(call("127.0.0.1", port), 0);
  CHECK_EQUAL(answered, 5);
  CHECK_STRING(asked, "");
  snprintf(asked, sizeof asked, "%s", "localhost");
  CHECK_EQUAL(call("localhost", port), 0);
  CHECK_STRING(asked, "localhost");
  listener_end();

  config = secured();
  CHECK_EQUAL(limpet_config_set_tls_peer(config, file("strange-ca.pem"), true), 0);
  port = call_with(config);
  CHECK_EQUAL(call("127.0.0.1", port), LIMPET_E_TLS);
  CHECK(strstr(connect_words, "not correctly signed by the trusted CA"));
  listener_end();

  config = config_new();
  CHECK_EQUAL(limpet_config_set_tls(config, file("a.example.pem"), file("a.example.key")), 0);
  CHECK_EQUAL(limpet_config_set_tls_peer(config, file("ca.pem"), true), 0);
  port = call_with(config);
  CHECK_EQUAL(call("127.0.0.1", port), LIMPET_E_TLS);
  CHECK(strstr(connect_words, "does not match"));
  listener_end();

  // Nobody speaks TLS there.
  port = call_with(config_new());
  CHECK_EQUAL(call("127.0.0.1", port), LIMPET_E_TLS);
  CHECK(strstr(connect_words, "does not speak TLS"));
  // Nobody says anything there.
  const int silent = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in where = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof where;
  CHECK(bind(silent, (struct sockaddr *)&where, size) == 0 && listen(silent, 1) == 0);
  CHECK(getsockname(silent, (struct sockaddr *)&where, &size) == 0);
  char url[64];
  snprintf(url, sizeof url, "wss://127.0.0.1:%d/", ntohs(where.sin_port));
  const struct limpet_connect_options hurry = {.timeout_ms = 300};
  connect_code = 0;
  const int64_t began = check_now();
  CHECK_EQUAL(limpet_server_connect(listening, url, &hurry, &caller), 0);
  CHECK_SOON(connect_code != 0);
  CHECK(check_now() - began >= 290 && check_now() - began < 5000);
  CHECK_SOON(active() == 0);
  close(silent);
  listener_end();
}

/* A descriptor that somebody else accepted. */
static void test_attach(void) {
  limpet_config *config = secured();
  listen_with(config);
  int ends[2];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  limpet_session session;
  CHECK_EQUAL(limpet_server_attach(listening, ends[0], LIMPET_WITH_TLS, &session), 0);
  struct secure_client client = {.connection = {.fd = ends[1], .transport = &transport_plain}};
  client_talk(&client);
  CHECK(opened == session);
  client_echo(&client, 70000);
  size_t none = 0;
  CHECK_EQUAL(limpet_session_detach(session, NULL, &none), LIMPET_E_UNSUPPORTED);
  client_end(&client);
  CHECK_SOON(closed == 1006);
  listener_end();
  // Without a certificate it stays who it was.
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  limpet_server *server = started(config_new());
  CHECK_EQUAL(limpet_server_attach(server, ends[0], LIMPET_WITH_TLS, &session), LIMPET_E_STATE);
  CHECK(write(ends[0], "x", 1) == 1);
  limpet_server_free(server);
  close(ends[0]);
  close(ends[1]);
}

/* ----------------------------------------------------------------------- reload, files */

static void test_reload(void) {
  certify("localhost2", "strange-ca", EC, "DNS:localhost,IP:127.0.0.1");
  copy_file("localhost.pem", "live.pem");
  copy_file("localhost.key", "live.key");
  limpet_server *server = serving("live"), *client = calling();
  limpet_config *config = config_new();
  CHECK_EQUAL(limpet_config_set_tls_peer(config, file("strange-ca.pem"), true), 0);
  limpet_server *other = started(config);
  struct pair old, begun, fresh;
  pair_open(&old, server, client, "localhost");
  pair_begin(&begun, server, client, "localhost");
  CHECK_EQUAL(shake(&begun.client), POLLIN);
  CHECK_EQUAL(shake(&begun.server), POLLIN);

  // One file of two is none.
  copy_file("localhost2.pem", "live.pem");
  CHECK_EQUAL(limpet_server_reload_tls(server), LIMPET_E_TLS);
  CHECK(strstr(limpet_last_error(), "live.key is not the key of ") &&
        strstr(limpet_last_error(), "live.pem"));
  write_file("live.key", "-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----\n");
  CHECK_EQUAL(limpet_server_reload_tls(server), LIMPET_E_TLS);
  pair_open(&fresh, server, client, "localhost");
  pair_end(&fresh);

  copy_file("localhost2.key", "live.key");
  CHECK_EQUAL(limpet_server_reload_tls(server), 0);
  pair_open(&fresh, server, other, "localhost");
  pass(&fresh.client, &fresh.server, 20000, 65536);
  pair_fails(server, client, "localhost", "not correctly signed by the trusted CA");
  // Those of before go on, handshakes under way too.
  pass(&old.client, &old.server, 20000, 65536);
  pass(&old.server, &old.client, 20000, 65536);
  char words[512];
  CHECK(pair_shake(&begun, words));
  pass(&begun.server, &begun.client, 20000, 65536);
  CHECK_EQUAL(limpet_server_reload_tls(server), 0);
  pair_end(&old);
  pair_end(&begun);
  pair_end(&fresh);
  // Before the start, without certificates, without a server.
  CHECK_EQUAL(limpet_server_reload_tls(client), LIMPET_E_STATE);
  CHECK_EQUAL(limpet_server_reload_tls(NULL), LIMPET_ERROR_CODE_ARGUMENT);
  config = secured();
  limpet_server *idle = limpet_server_new(config);
  CHECK_EQUAL(limpet_server_reload_tls(idle), LIMPET_E_STATE);
  limpet_server_free(idle);
  limpet_config_free(config);
  limpet_server_free(other);
  limpet_server_free(client);
  limpet_server_free(server);
}

/* A start that fails behind the files may be tried again. */
static void test_again(void) {
  const int port = listen_with(secured());
  limpet_config *config = secured();
  CHECK_EQUAL(limpet_config_set_host(config, "127.0.0.1"), 0);
  CHECK_EQUAL(limpet_config_set_port(config, port), 0);
  limpet_server *second = limpet_server_new(config);
  CHECK_EQUAL(limpet_server_start(second), LIMPET_E_SYSTEM);
  CHECK_EQUAL(limpet_server_start(second), LIMPET_E_SYSTEM);
  listener_end();
  CHECK_EQUAL(limpet_server_start(second), 0);
  limpet_server_free(second);
  limpet_config_free(config);
}

/* Threads that serve take contexts while another one reloads. */
static void test_threads(void) {
  limpet_config *config = secured();
  CHECK_EQUAL(limpet_config_set_threads(config, 4), 0);
  const int port = listen_with(config);
  check_pump = NULL;
  struct secure_client clients[24];
  for (int i = 0; i < 24; i++) {
    client_open(&clients[i], port, "");
    CHECK_EQUAL(limpet_server_reload_tls(listening), 0);
    client_echo(&clients[i], 20000);
  }
  for (int i = 0; i < 24; i++) {
    client_echo(&clients[i], 126);
    client_end(&clients[i]);
  }
  CHECK_EQUAL(limpet_server_stop(listening, 1000), 0);
  CHECK_EQUAL(errors, 0);
  listener_end();
}

static void refused(const char *cert, const char *key, const char *words) {
  limpet_config *config = config_new();
  CHECK_EQUAL(limpet_config_set_tls(config, file(cert), file(key)), 0);
  limpet_server *server = limpet_server_new(config);
  CHECK(server);
  CHECK_EQUAL(limpet_server_start(server), LIMPET_E_TLS);
  if (!strstr(limpet_last_error(), words))
    fprintf(stderr, "\"%s\" is not in \"%s\"\n", words, limpet_last_error());
  CHECK(strstr(limpet_last_error(), words));
  limpet_server_free(server);
  limpet_config_free(config);
}

static void test_files(void) {
  char command[512];
  write_file("empty.pem", "");
  write_file("garbage.pem", "no certificate at all\n");
  snprintf(command, sizeof command, "openssl pkey -in %s -aes128 -passout pass:secret -out %s",
           file("localhost.key"), file("locked.key"));
  run(command);
  snprintf(command, sizeof command,
           "{ cat %s; echo -----BEGIN CERTIFICATE-----; echo bm9uc2Vuc2U=; echo -----END "
           "CERTIFICATE-----; } >%s",
           file("localhost.pem"), file("half.pem"));
  run(command);
  refused("absent.pem", "localhost.key", "absent.pem: No such file or directory");
  refused("localhost.pem", "absent.key", "absent.key: No such file or directory");
  refused("empty.pem", "localhost.key", "empty.pem: it is empty");
  refused(".", "localhost.key", "Is a directory");
  refused("garbage.pem", "localhost.key", "garbage.pem: X509 - ");
  refused("localhost.key", "localhost.key", "localhost.key: X509 - ");
  refused("half.pem", "localhost.key", "half.pem: 1 of its certificates cannot be read");
  refused("localhost.pem", "localhost.pem", "localhost.pem: PK - ");
  refused("localhost.pem", "garbage.pem", "garbage.pem: PK - ");
  refused("localhost.pem", "locked.key", "not encrypted");
  refused("localhost.pem", "client.key", "client.key is not the key of ");
  // DER will do.
  snprintf(command, sizeof command,
           "openssl x509 -in %s -outform DER -out %s && openssl pkey -in %s -outform DER -out %s",
           file("localhost.pem"), file("der.pem"), file("localhost.key"), file("der.key"));
  run(command);
  limpet_server_free(serving("der"));
}

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  certify_all();
  callers = calling();
  test_bytes();
  test_partial();
  test_cuts();
  test_garbage();
  test_end();
  test_names();
  test_authorities();
  test_suites();
  test_old_version();
  test_client_certificates();
  test_server();
  test_broken();
  test_pause();
  test_strangers();
  test_leaving();
  test_proxy();
  test_connect();
  test_attach();
  test_reload();
  test_again();
  test_threads();
  test_files();
  limpet_server_free(callers);
  char command[64];
  snprintf(command, sizeof command, "rm -r %s", folder);
  run(command);
  return 0;
}

#else

/* A library without TLS says so, and changes nothing. */
int main(void) {
  limpet_config *config = limpet_config_new();
  CHECK(config);
  CHECK_EQUAL(limpet_config_set_tls(config, "cert.pem", "key.pem"), LIMPET_E_UNSUPPORTED);
  CHECK(strstr(limpet_last_error(), "LIMPET_TLS=ON"));
  CHECK_EQUAL(limpet_config_add_tls_host(config, "a.example", "cert.pem", "key.pem"),
              LIMPET_E_UNSUPPORTED);
  CHECK_EQUAL(limpet_config_set_tls_ciphers(config, NULL), LIMPET_E_UNSUPPORTED);
  CHECK_EQUAL(limpet_config_set_tls_client_ca(config, "ca.pem", true), LIMPET_E_UNSUPPORTED);
  CHECK_EQUAL(limpet_config_set_tls_peer(config, NULL, false), LIMPET_E_UNSUPPORTED);
  CHECK_EQUAL(limpet_config_set_tls(NULL, "cert.pem", "key.pem"), LIMPET_ERROR_CODE_ARGUMENT);
  CHECK_EQUAL(limpet_config_set_host(config, NULL), 0);
  limpet_server *server = limpet_server_new(config);
  CHECK(server && limpet_server_start(server) == 0);
  CHECK_EQUAL(limpet_server_reload_tls(server), LIMPET_E_UNSUPPORTED);
  CHECK_EQUAL(limpet_server_reload_tls(NULL), LIMPET_ERROR_CODE_ARGUMENT);
  limpet_session session;
  CHECK_EQUAL(limpet_server_connect(server, "wss://127.0.0.1:1/", NULL, &session),
              LIMPET_E_UNSUPPORTED);
  int ends[2];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  CHECK_EQUAL(limpet_server_attach(server, ends[0], LIMPET_WITH_TLS, &session),
              LIMPET_E_UNSUPPORTED);
  CHECK(!strstr(limpet_version(), "mbedtls"));
  limpet_server_free(server);
  limpet_config_free(config);
  return 0;
}

#endif
