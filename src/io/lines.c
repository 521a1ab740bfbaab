// SPDX-License-Identifier: Apache-2.0
#include "io/lines.h"

#include <string.h>

void lines_init(struct lines *lines, size_t line_max) {
  *lines = (struct lines){.line_max = line_max};
  buf_init(&lines->in, line_max + 2 * LINES_CHUNK);
}

void lines_free(struct lines *lines) {
  buf_wipe_free(&lines->in);
}

enum avow_error lines_room(struct lines *lines, uint8_t **ret_room) {
  return buf_reserve(&lines->in, LINES_CHUNK, ret_room);
}

void lines_fill(struct lines *lines, size_t size) {
  buf_commit(&lines->in, size);
}

void lines_end(struct lines *lines) {
  lines->ended = true;
}

enum lines_status lines_next(struct lines *lines, struct view *ret_line) {
  struct view in = buf_view(&lines->in);
  const uint8_t *end = NULL;
  if (in.size > lines->searched)
    end = memchr(in.data + lines->searched, '\n', in.size - lines->searched);
  size_t size = end != NULL ? (size_t)(end - in.data) : in.size;
  if (size > lines->line_max) {
    lines->number++;
    return LINES_TOO_LONG;
  }
  if (end == NULL && !lines->ended) {
    lines->searched = in.size;
    return LINES_MORE;
  }
  if (end == NULL && in.size == 0)
    return LINES_END;
  *ret_line = view_of(in.data, size);
  buf_consume(&lines->in, end != NULL ? size + 1 : size);
  lines->searched = 0;
  lines->number++;
  return LINES_LINE;
}
