// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "io/lines.h"

static void fill(struct lines *lines, const void *bytes, size_t size) {
  uint8_t *room;
  assert_int_equal(lines_room(lines, &room), AVOW_OK);
  memcpy(room, bytes, size);
  lines_fill(lines, size);
}

static void assert_line(struct lines *lines, const char *text) {
  struct view line;
  assert_int_equal(lines_next(lines, &line), LINES_LINE);
  assert_view_text(line, text);
}

static void assert_status(struct lines *lines, enum lines_status status) {
  struct view line = {NULL, 77};
  assert_int_equal(lines_next(lines, &line), status);
  assert_int_equal(line.size, 77);
}

/* Goal: lines are cut at '\n' only, counted from 1; empty ones are lines; the last needs no end,
 * and one with an end is not followed by an empty one. */
static void test_lines(void **state) {
  (void)state;
  for (unsigned ends = 0; ends < 2; ends++) {
    struct lines lines;
    lines_init(&lines, 100);
    fill(&lines, "one\n\nthree\r\nfo\0ur\n", 17);
    assert_line(&lines, "one");
    assert_int_equal(lines.number, 1);
    assert_line(&lines, "");
    assert_line(&lines, "three\r");
    struct view line;
    if (ends)
      fill(&lines, "\n", 1);
    else
      assert_status(&lines, LINES_MORE);
    lines_end(&lines);
    assert_int_equal(lines_next(&lines, &line), LINES_LINE);
    assert_true(view_equal(line, view_of("fo\0ur", 5)));
    assert_int_equal(lines.number, 4);
    assert_status(&lines, LINES_END);
    assert_status(&lines, LINES_END);
    lines_free(&lines);
  }
  struct lines lines;
  lines_init(&lines, 100);
  assert_status(&lines, LINES_MORE);
  lines_end(&lines);
  assert_status(&lines, LINES_END); /* an empty stream has no line */
  lines_free(&lines);
}

/* Goal: however the stream is cut into reads, the same lines come out. */
static void test_pieces(void **state) {
  (void)state;
  uint64_t seed = 9;
  for (unsigned round = 0; round < 500; round++) {
    struct lines lines;
    uint8_t text[600];
    lines_init(&lines, sizeof text);
    for (size_t i = 0; i < sizeof text; i++)
      text[i] = chance_below(&seed, 8) ? (uint8_t)('a' + chance_below(&seed, 26)) : '\n';
    text[sizeof text - 1] = '.';
    size_t taken = 0, fed = 0;
    for (;;) {
      struct view line;
      enum lines_status status = lines_next(&lines, &line);
      if (status == LINES_END)
        break;
      if (status == LINES_LINE) {
        const uint8_t *end = memchr(text + taken, '\n', sizeof text - taken);
        size_t size = end != NULL ? (size_t)(end - (text + taken)) : sizeof text - taken;
        assert_true(view_equal(line, view_of(text + taken, size)));
        taken += size + (end != NULL);
        continue;
      }
      assert_int_equal(status, LINES_MORE);
      size_t size = 1 + (size_t)chance_below(&seed, 50);
      size = size < sizeof text - fed ? size : sizeof text - fed;
      if (size == 0)
        lines_end(&lines);
      else
        fill(&lines, text + fed, size);
      fed += size;
    }
    assert_int_equal(taken, sizeof text);
    lines_free(&lines);
  }
}

/* Goal: a line of the limit passes, with and without its end; one byte more is too long as soon as
 * it is there, says its number, and that is final. */
static void test_limit(void **state) {
  (void)state;
  for (unsigned ended = 0; ended < 2; ended++) {
    struct lines lines;
    lines_init(&lines, 5);
    fill(&lines, ended ? "12345\n12345\n" : "12345\n12345", ended ? 12 : 11);
    assert_line(&lines, "12345");
    if (!ended)
      assert_status(&lines, LINES_MORE);
    lines_end(&lines);
    assert_line(&lines, "12345");
    assert_status(&lines, LINES_END);
    lines_free(&lines);

    lines_init(&lines, 5);
    fill(&lines, ended ? "1\n123456\n2\n" : "1\n123456", ended ? 11 : 8);
    assert_line(&lines, "1");
    assert_status(&lines, LINES_TOO_LONG);
    assert_int_equal(lines.number, 2);
    assert_status(&lines, LINES_TOO_LONG);
    lines_free(&lines);
  }
}

/* Goal: a long line in many reads passes and costs no more than its length (each byte is searched
 * once); an owner who does not drain is told, and has room again when he does. */
static void test_long(void **state) {
  (void)state;
  size_t max = 1024 * 1024;
  struct lines lines;
  lines_init(&lines, max);
  uint8_t *chunk = malloc(LINES_CHUNK);
  memset(chunk, 'x', LINES_CHUNK);
  struct view line;
  for (size_t i = 0; i < max / LINES_CHUNK; i++) {
    fill(&lines, chunk, LINES_CHUNK);
    assert_int_equal(lines_next(&lines, &line), LINES_MORE);
    assert_int_equal(lines.searched, (i + 1) * LINES_CHUNK);
  }
  fill(&lines, "\n", 1);
  assert_int_equal(lines_next(&lines, &line), LINES_LINE);
  assert_int_equal(line.size, max);

  memset(chunk, '\n', LINES_CHUNK);
  uint8_t *room;
  size_t chunks = 0;
  for (; lines_room(&lines, &room) == AVOW_OK; chunks++)
    fill(&lines, chunk, LINES_CHUNK);
  assert_int_equal(lines_room(&lines, &room), AVOW_TOO_LONG);
  for (size_t i = 0; i < chunks * LINES_CHUNK; i++)
    assert_int_equal(lines_next(&lines, &line), LINES_LINE);
  assert_int_equal(lines_next(&lines, &line), LINES_MORE);
  assert_int_equal(lines_room(&lines, &room), AVOW_OK);
  free(chunk);
  lines_free(&lines);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_lines),
      cmocka_unit_test(test_pieces),
      cmocka_unit_test(test_limit),
      cmocka_unit_test(test_long),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
