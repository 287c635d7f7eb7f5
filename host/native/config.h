/* What the setters of limpet_config share: each of these answers 0, or a code with words, and changes nothing then.
 * `what` is how the words call it. */

#ifndef LIMPET_CONFIG_H
#define LIMPET_CONFIG_H

#include "settings.h"

/* The config is NULL: LIMPET_ERROR_CODE_ARGUMENT. */
int config_missing(const char *what);
/* A value is none of `least` to `most`: LIMPET_ERROR_CODE_ARGUMENT. */
int config_range(const char *what, long long value, long long least, long long most);
/* Sets a field of a config that may be NULL. */
int config_int(limpet_config *config, int *field, const char *what, int value, int least, int most);
/* Sets an option of the core's defaults; these are i32, 0 or more. */
int config_option(limpet_config *config, enum limpet_option option, const char *what,
                  uint32_t value, uint32_t least, uint32_t most);
/* Whether a string is there, and no longer than that. */
int config_text(const char *what, const char *text, size_t most);
/* Replaces a string by a copy; NULL is none. */
int config_replace(char **field, const char *what, const char *text, size_t most);

#endif
