/* JSON text → members of one object, and back. RFC 8259.
 *
 *   object   { "name" : value , … }
 *   value    string | true | anything else, which is checked and passed over */

#include "json.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Arrays in arrays: as deep as any page goes, and no stack runs out. */
#define DEPTH_MAX 32

struct reader {
  char *at, *end;
};

static void skip_space(struct reader *reader) {
  while (reader->at < reader->end && memchr(" \t\n\r", *reader->at, 4)) reader->at++;
}

/* Takes this character, behind space; false when another one is there. */
static bool take(struct reader *reader, char one) {
  skip_space(reader);
  if (reader->at == reader->end || *reader->at != one) return false;
  reader->at++;
  return true;
}

static bool take_word(struct reader *reader, const char *word) {
  size_t length = strlen(word);
  if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, word, length) != 0) {
    return false;
  }
  reader->at += length;
  return true;
}

/* Four hexadecimal digits, or -1. */
static int32_t take_unit(struct reader *reader) {
  int32_t unit = 0;
  if (reader->end - reader->at < 4) return -1;
  for (int i = 0; i < 4; i++) {
    char one = *reader->at++;
    int digit = one >= '0' && one <= '9'   ? one - '0'
                : one >= 'a' && one <= 'f' ? one - 'a' + 10
                : one >= 'A' && one <= 'F' ? one - 'A' + 10
                                           : -1;
    if (digit < 0) return -1;
    unit = unit << 4 | digit;
  }
  return unit;
}

/* UTF-8 of a code point; never longer than its escape. RFC 3629 3. */
static char *put_point(char *to, uint32_t point) {
  if (point < 0x80) {
    *to++ = (char)point;
  } else if (point < 0x800) {
    *to++ = (char)(0xc0 | point >> 6);
    *to++ = (char)(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    *to++ = (char)(0xe0 | point >> 12);
    *to++ = (char)(0x80 | (point >> 6 & 0x3f));
    *to++ = (char)(0x80 | (point & 0x3f));
  } else {
    *to++ = (char)(0xf0 | point >> 18);
    *to++ = (char)(0x80 | (point >> 12 & 0x3f));
    *to++ = (char)(0x80 | (point >> 6 & 0x3f));
    *to++ = (char)(0x80 | (point & 0x3f));
  }
  return to;
}

/* What stands behind a backslash. A surrogate without its other half becomes U+FFFD. RFC 8259 7. */
static bool take_escape(struct reader *reader, char **to) {
  static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
  if (reader->at == reader->end) return false;
  char one = *reader->at++;
  const char *plain = one ? strchr(from, one) : NULL;
  if (plain) {
    *(*to)++ = into[plain - from];
    return true;
  }
  if (one != 'u') return false;
  int32_t unit = take_unit(reader);
  if (unit < 0) return false;
  uint32_t point = (uint32_t)unit;
  if (unit >= 0xd800 && unit < 0xdc00 && take_word(reader, "\\u")) {
    char *back = reader->at - 2;
    int32_t low = take_unit(reader);
    if (low < 0) return false;
    if (low >= 0xdc00 && low < 0xe000) {
      point = 0x10000 + (((uint32_t)unit - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
    } else {
      reader->at = back;
    }
  }
  if (point >= 0xd800 && point < 0xe000) point = 0xfffd;
  *to = put_point(*to, point);
  return true;
}

/* A string behind its first quote, unescaped where it lies. */
static bool take_string(struct reader *reader, char **text, size_t *length) {
  char *to = *text = reader->at;
  while (reader->at < reader->end) {
    char one = *reader->at++;
    if (one == '"') {
      *length = (size_t)(to - *text);
      /* There is room for it: the quote's. */
      *to = 0;
      return true;
    }
    if ((unsigned char)one < 0x20) return false;
    if (one != '\\') *to++ = one;
    else if (!take_escape(reader, &to)) return false;
  }
  return false;
}

static bool take_number(struct reader *reader) {
  if (reader->at < reader->end && *reader->at == '-') reader->at++;
  char *digits = reader->at;
  while (reader->at < reader->end && *reader->at && strchr("0123456789+-.eE", *reader->at)) {
    reader->at++;
  }
  return reader->at > digits && *digits >= '0' && *digits <= '9';
}

/* A value of any kind. */
static bool take_value(struct reader *reader, struct json_member *member, int depth) {
  struct json_member ignored = {.name = ""};
  if (depth > DEPTH_MAX) return false;
  if (take(reader, '"')) {
    member->kind = JSON_STRING;
    return take_string(reader, &member->text, &member->length);
  }
  member->kind = JSON_OTHER;
  bool is_object = take(reader, '{');
  if (is_object || take(reader, '[')) {
    char end = is_object ? '}' : ']';
    if (take(reader, end)) return true;
    do {
      bool named =
          !is_object || (take(reader, '"') && take_string(reader, &ignored.text, &ignored.length) &&
                         take(reader, ':'));
      if (!named || !take_value(reader, &ignored, depth + 1)) return false;
    } while (take(reader, ','));
    return take(reader, end);
  }
  skip_space(reader);
  if (take_word(reader, "true")) {
    member->kind = JSON_TRUE;
    return true;
  }
  return take_word(reader, "false") || take_word(reader, "null") || take_number(reader);
}

bool json_read(char *text, size_t length, struct json_member *members, size_t count) {
  struct reader reader = {text, text + length};
  if (!take(&reader, '{')) return false;
  if (!take(&reader, '}')) {
    do {
      struct json_member one = {.name = ""};
      char *name;
      size_t name_length;
      if (!take(&reader, '"') || !take_string(&reader, &name, &name_length) ||
          !take(&reader, ':') || !take_value(&reader, &one, 1)) {
        return false;
      }
      for (size_t i = 0; i < count; i++) {
        if (strlen(members[i].name) != name_length || strcmp(members[i].name, name) != 0) continue;
        one.name = members[i].name;
        members[i] = one;
      }
    } while (take(&reader, ','));
    if (!take(&reader, '}')) return false;
  }
  skip_space(&reader);
  return reader.at == reader.end;
}

/* ------------------------------------------------------------------------- text out */

static void json_put(struct json_text *text, const char *bytes, size_t length) {
  if (text->failed) return;
  if (text->length + length > text->size) {
    size_t size = text->size * 2 + length + 64;
    char *more = realloc(text->bytes, size);
    if (!more) {
      text->failed = true;
      return;
    }
    text->bytes = more;
    text->size = size;
  }
  memcpy(text->bytes + text->length, bytes, length);
  text->length += length;
}

void json_add(struct json_text *text, const char *bytes) { json_put(text, bytes, strlen(bytes)); }

void json_add_string(struct json_text *text, const char *bytes, size_t length) {
  json_put(text, "\"", 1);
  for (size_t i = 0; i < length; i++) {
    unsigned char one = (unsigned char)bytes[i];
    char escape[8];
    if (one == '"' || one == '\\') snprintf(escape, sizeof escape, "\\%c", one);
    else if (one < 0x20) snprintf(escape, sizeof escape, "\\u%04x", one);
    else escape[0] = (char)one, escape[1] = 0;
    json_add(text, escape);
  }
  json_put(text, "\"", 1);
}

void json_add_number(struct json_text *text, unsigned long long number) {
  char digits[24];
  snprintf(digits, sizeof digits, "%llu", number);
  json_add(text, digits);
}

void json_free(struct json_text *text) {
  free(text->bytes);
  *text = (struct json_text){0};
}
