// SPDX-License-Identifier: Apache-2.0
/* Times: what is parsed is written the same again; and every time in every zone is written so that
 * it parses to itself, or an honest log could not be read back. */
#include <string.h>

#include "base/when.h"
#include "harness.h"

static void parse(struct view text) {
  uint64_t us;
  int offset_min;
  char again[WHEN_TEXT_SIZE];
  if (when_parse(text, &us, &offset_min) != AVOW_OK)
    return;
  when_text(us, offset_min, again);
  REQUIRE(view_equal(text, view_text(again)));
}

static void write(uint64_t us, int offset_min) {
  uint64_t again_us;
  int again_min;
  char text[WHEN_TEXT_SIZE], name[WHEN_NAME_SIZE];
  when_text(us, offset_min, text);
  REQUIRE(strlen(text) == WHEN_TEXT_SIZE - 1);
  REQUIRE_OK(when_parse(view_text(text), &again_us, &again_min));
  REQUIRE(again_us == us && again_min == offset_min);
  when_name(us, offset_min, name);
  REQUIRE(strlen(name) == WHEN_NAME_SIZE - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct reader script = reader_of(view_of(data, size));
  parse(script.rest);
  uint64_t us = reader_u64(&script) % (WHEN_MAX_US + 1);
  write(us, (int)(reader_u16(&script) % 2879) - 1439);
  return 0;
}
