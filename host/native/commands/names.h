/* Names of rooms and people → whether they are fit to be shown. */

#ifndef LIMPETD_NAMES_H
#define LIMPETD_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/* Cuts off white space at both ends; the rest of a string, with its zero byte. */
char *names_trim(char *text, size_t *length);

/* Length in UTF-16 code units, as pages count. */
size_t names_units(const char *text, size_t length);

/* Whether it is letters, marks, digits and signs: nothing that does not show, or that turns what is around it. */
bool names_fit(const char *text, size_t length);

/* Whether two names are the same but for capitals. */
bool names_same(const char *one, const char *other);

#endif
