/* JSON of limpetd's pages: flat objects in, text out. RFC 8259. */

#ifndef LIMPETD_JSON_H
#define LIMPETD_JSON_H

#include <stdbool.h>
#include <stddef.h>

enum json_kind {
  JSON_ABSENT = 0,
  JSON_STRING,
  JSON_TRUE,
  /* false, null, a number, an array, an object. */
  JSON_OTHER
};

/* A member of an object. */
struct json_member {
  const char *name;
  enum json_kind kind;
  /* A string's UTF-8, with a zero byte behind it; it lies where it was read from. */
  char *text;
  size_t length;
};

/* Reads an object: of the members named, what they are; other members are passed over. Changes `text` in place.
 * False when it is no JSON, or no object. */
bool json_read(char *text, size_t length, struct json_member *members, size_t count);

/* Text that grows; `failed` when memory ran out. */
struct json_text {
  char *bytes;
  size_t length, size;
  bool failed;
};

/* Adds what stands for itself. */
void json_add(struct json_text *text, const char *bytes);
/* Adds a string with its quotes. RFC 8259 7. */
void json_add_string(struct json_text *text, const char *bytes, size_t length);
void json_add_number(struct json_text *text, unsigned long long number);
void json_free(struct json_text *text);

#endif
