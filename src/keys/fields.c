// SPDX-License-Identifier: Apache-2.0
#include "keys/fields.h"

#include <string.h>

/* As ssh-keygen breaks its lines. */
#define COLUMNS 70u

struct fields_lines fields_lines_of(struct view file) {
  return (struct fields_lines){.rest = file};
}

bool fields_next_line(struct fields_lines *lines, struct view *ret_line) {
  struct view rest = lines->rest;
  if (rest.size == 0)
    return false;
  const uint8_t *end = memchr(rest.data, '\n', rest.size);
  size_t size = end != NULL ? (size_t)(end - rest.data) : rest.size;
  size_t taken = end != NULL ? size + 1 : size;
  lines->rest = view_of(rest.data + taken, rest.size - taken);
  lines->number++;
  if (size > 0 && rest.data[size - 1] == '\r')
    size--;
  *ret_line = view_of(rest.data, size);
  return true;
}

bool fields_blank(uint8_t byte) {
  return byte == ' ' || byte == '\t';
}

struct view fields_trim(struct view text) {
  while (text.size > 0 && fields_blank(text.data[0]))
    text = view_of(text.data + 1, text.size - 1);
  while (text.size > 0 && fields_blank(text.data[text.size - 1]))
    text.size--;
  return text;
}

bool fields_skipped(struct view line) {
  return line.size == 0 || line.data[0] == '#';
}

bool fields_has(struct view text, uint8_t byte) {
  return text.size > 0 && memchr(text.data, byte, text.size) != NULL;
}

struct view fields_take(struct view *rest) {
  if (rest->size == 0)
    return *rest;
  size_t size = 0;
  while (size < rest->size && !fields_blank(rest->data[size]))
    size++;
  size_t next = size;
  while (next < rest->size && fields_blank(rest->data[next]))
    next++;
  struct view field = view_of(rest->data, size);
  *rest = view_of(rest->data + next, rest->size - next);
  return field;
}

static uint8_t lower(uint8_t byte) {
  return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte - 'A' + 'a') : byte;
}

bool fields_equal_nocase(struct view a, struct view b) {
  if (a.size != b.size)
    return false;
  for (size_t i = 0; i < a.size; i++)
    if (lower(a.data[i]) != lower(b.data[i]))
      return false;
  return true;
}

void fields_name(struct view text, char name[AVOW_NAME_SIZE]) {
  size_t size = text.size;
  if (size > AVOW_NAME_SIZE - 1) {
    size = AVOW_NAME_SIZE - 1;
    /* A UTF-8 character has at most three continuation bytes; more of them are not UTF-8. */
    size_t cut = size;
    while (cut > size - 3 && (text.data[cut] & 0xc0) == 0x80)
      cut--;
    if ((text.data[cut] & 0xc0) != 0x80)
      size = cut;
  }
  if (size > 0)
    memcpy(name, text.data, size);
  name[size] = '\0';
}

static uint8_t *put_line(uint8_t *to, const void *text, size_t size) {
  memcpy(to, text, size);
  to[size] = '\n';
  return to + size + 1;
}

enum avow_error fields_armor(const char *begin, const char *end, struct view text,
                             struct buf *file) {
  size_t rows = (text.size + COLUMNS - 1) / COLUMNS;
  size_t size = strlen(begin) + 1 + text.size + rows + strlen(end) + 1;
  uint8_t *to;
  enum avow_error error = buf_reserve(file, size, &to);
  if (error != AVOW_OK)
    return error;
  to = put_line(to, begin, strlen(begin));
  for (size_t at = 0; at < text.size; at += COLUMNS)
    to = put_line(to, text.data + at, text.size - at < COLUMNS ? text.size - at : COLUMNS);
  put_line(to, end, strlen(end));
  buf_commit(file, size);
  return AVOW_OK;
}
