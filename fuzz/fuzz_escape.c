// SPDX-License-Identifier: Apache-2.0
/* Escapes: what is written is one harmless line that reads back to the same text; and what is read
 * is what would have been written, so that nobody can change how a text looks in a log. */
#include "evidence/escape.h"
#include "harness.h"

#define TEXT_MAX 65536u

static void harmless(struct view line) {
  while (line.size > 0) {
    size_t length = utf8_length(line);
    REQUIRE(length > 0);
    REQUIRE(length > 1 || (line.data[0] >= 0x20 && line.data[0] != 0x7f));
    REQUIRE(length != 2 || line.data[0] != 0xc2 || line.data[1] >= 0xa0);
    line = view_of(line.data + length, line.size - length);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct view input = view_of(data, size < TEXT_MAX ? size : TEXT_MAX);
  struct buf line, text;
  buf_init(&line, 4 * TEXT_MAX);
  buf_init(&text, 4 * TEXT_MAX);
  REQUIRE_OK(escape_append(&line, input));
  harmless(buf_view(&line));
  REQUIRE_OK(escape_decode(buf_view(&line), &text));
  REQUIRE(view_equal(buf_view(&text), input));
  buf_clear(&line);
  buf_clear(&text);
  if (escape_decode(input, &text) == AVOW_OK) {
    REQUIRE_OK(escape_append(&line, buf_view(&text)));
    REQUIRE(view_equal(buf_view(&line), input));
  }
  buf_free(&line);
  buf_free(&text);
  return 0;
}
