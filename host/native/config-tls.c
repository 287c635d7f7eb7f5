/* What an application wants of TLS -> struct limpet_config. The files are read by limpet_server_start: tls.c. */

#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "tls.h"

#define PATH_MAX_BYTES 4096
/* A name of the DNS. RFC 1035 2.3.4. */
#define NAME_MAX_BYTES 255
#define SUITES_MAX_BYTES 4096

/* A string that is not empty. */
static int check_string(const char *what, const char *text, size_t most) {
  if (text && !*text) return fail(LIMPET_ERROR_CODE_ARGUMENT, "%s is empty", what);
  return config_text(what, text, most);
}

static int replace(char **field, const char *what, const char *text, size_t most) {
  const int code = text ? check_string(what, text, most) : 0;
  return code < 0 ? code : config_replace(field, what, text, most);
}

/* The entry of a server name (NULL: of all others), a new one if there is none yet. */
static struct settings_certificate *entry_of(limpet_config *config, const char *name) {
  for (size_t i = 0; i < config->certificate_count; i++) {
    const char *other = config->certificates[i].name;
    if (name && other ? strcmp(name, other) == 0 : !name && !other) return &config->certificates[i];
  }
  size_t bytes = (config->certificate_count + 1) * sizeof *config->certificates;
  struct settings_certificate *grown = realloc(config->certificates, bytes);
  if (!grown) return NULL;
  config->certificates = grown;
  grown += config->certificate_count++;
  *grown = (struct settings_certificate){0};
  return grown;
}

/* The strings are copied before the list is touched, so that a failure changes nothing. */
static int add_certificate(limpet_config *config, const char *name, const char *cert_file,
                           const char *key_file) {
  char *name_copy = name ? strdup(name) : NULL;
  char *cert = strdup(cert_file), *key = strdup(key_file);
  struct settings_certificate *entry = NULL;
  if ((!name || name_copy) && cert && key) entry = entry_of(config, name);
  if (!entry) {
    free(name_copy);
    free(cert);
    free(key);
    return refuse(LIMPET_ERROR_CODE_MEMORY);
  }
  free(entry->name);
  free(entry->cert_file);
  free(entry->key_file);
  *entry = (struct settings_certificate){.name = name_copy, .cert_file = cert, .key_file = key};
  return 0;
}

static int check_config(const limpet_config *config) {
  if (!config) return config_missing("TLS");
  if (tls_library()) return 0;
  return fail(LIMPET_E_UNSUPPORTED,
              "this library was built without TLS: configure it with -DLIMPET_TLS=ON");
}

static int check_certificate(limpet_config *config, const char *cert_file, const char *key_file) {
  int code = check_config(config);
  if (code == 0) code = check_string("the certificate file", cert_file, PATH_MAX_BYTES);
  return code < 0 ? code : check_string("the key file", key_file, PATH_MAX_BYTES);
}

int limpet_config_set_tls(limpet_config *config, const char *cert_file, const char *key_file) {
  int code = check_certificate(config, cert_file, key_file);
  return code < 0 ? code : add_certificate(config, NULL, cert_file, key_file);
}

int limpet_config_add_tls_host(limpet_config *config, const char *name, const char *cert_file,
                               const char *key_file) {
  int code = check_certificate(config, cert_file, key_file);
  if (code == 0) code = check_string("the server name", name, NAME_MAX_BYTES);
  return code < 0 ? code : add_certificate(config, name, cert_file, key_file);
}

int limpet_config_set_tls_ciphers(limpet_config *config, const char *suites) {
  int code = check_config(config);
  if (code == 0 && suites) code = tls_check_suites(suites);
  return code < 0 ? code
                  : replace(&config->tls_ciphers, "the list of suites", suites, SUITES_MAX_BYTES);
}

int limpet_config_set_tls_client_ca(limpet_config *config, const char *ca_file, bool required) {
  int code = check_config(config);
  if (code == 0)
    code = replace(&config->tls_client_ca, "the client CA file", ca_file, PATH_MAX_BYTES);
  if (code == 0) config->tls_client_required = ca_file && required;
  return code;
}

int limpet_config_set_tls_peer(limpet_config *config, const char *ca_file, bool verified) {
  int code = check_config(config);
  if (code == 0) code = replace(&config->tls_peer_ca, "the peer CA file", ca_file, PATH_MAX_BYTES);
  if (code == 0) config->tls_peer_unchecked = !verified;
  return code;
}
