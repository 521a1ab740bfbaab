// SPDX-License-Identifier: Apache-2.0
/* Lines, in pieces of any size: together they are the input, and none is over the limit. */
#include <string.h>

#include "harness.h"
#include "io/lines.h"

static struct view expected(struct view *rest) {
  const uint8_t *end = rest->size > 0 ? memchr(rest->data, '\n', rest->size) : NULL;
  size_t size = end != NULL ? (size_t)(end - rest->data) : rest->size;
  struct view line = view_of(rest->data, size);
  size_t taken = end != NULL ? size + 1 : size;
  *rest = view_of(rest->data + taken, rest->size - taken);
  return line;
}

/* Take what is there; false once a line was too long. */
static bool drain(struct lines *lines, struct view *rest, uint64_t *number) {
  struct view line;
  for (;;) {
    switch (lines_next(lines, &line)) {
    case LINES_MORE: REQUIRE(!lines->ended); return true;
    case LINES_END: REQUIRE(lines->ended && rest->size == 0); return true;
    case LINES_LINE: {
      struct view should = expected(rest);
      REQUIRE(view_equal(line, should) && line.size <= lines->line_max);
      REQUIRE(lines->number == ++*number);
      break;
    }
    case LINES_TOO_LONG:
      REQUIRE(expected(rest).size > lines->line_max);
      REQUIRE(lines->number == *number + 1);
      return false;
    }
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct reader script = reader_of(view_of(data, size));
  struct lines lines;
  size_t line_max = reader_u8(&script), piece_max = reader_u16(&script) % LINES_CHUNK + 1;
  struct view all = script.rest, rest = all;
  uint64_t number = 0;
  bool good = true;
  lines_init(&lines, line_max);
  for (size_t at = 0; at < all.size && good;) {
    uint8_t *room;
    size_t piece = all.size - at < piece_max ? all.size - at : piece_max;
    REQUIRE_OK(lines_room(&lines, &room));
    memcpy(room, all.data + at, piece);
    lines_fill(&lines, piece);
    at += piece;
    good = drain(&lines, &rest, &number);
  }
  lines_end(&lines);
  if (good && drain(&lines, &rest, &number))
    REQUIRE(rest.size == 0);
  lines_free(&lines);
  return 0;
}
