// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evidence/escape.h"

static void escape(struct view text, struct buf *out) {
  buf_init(out, 8192);
  /* An own copy, so that a sanitizer sees any read past its end. */
  uint8_t *copy = malloc(text.size + 1);
  memcpy(copy + 1, text.data, text.size);
  assert_int_equal(escape_append(out, view_of(copy + 1, text.size)), AVOW_OK);
  free(copy);
}

static void assert_escaped(const char *text, size_t size, const char *expected) {
  struct buf out;
  escape(view_of(text, size), &out);
  assert_view_text(buf_view(&out), expected);
  buf_free(&out);
}

static uint8_t hex_value(uint8_t digit) {
  return (uint8_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

/* The way back, written from the header's words alone. */
static void unescape(struct view line, struct buf *out) {
  buf_init(out, 8192);
  for (size_t i = 0; i < line.size; i++) {
    uint8_t byte = line.data[i];
    if (byte == '\\') {
      assert_true(i + 1 < line.size);
      byte = line.data[++i];
      if (byte == 'x') {
        assert_true(i + 2 < line.size);
        byte = (uint8_t)(hex_value(line.data[i + 1]) << 4 | hex_value(line.data[i + 2]));
        i += 2;
      } else {
        const char *at = strchr("\\\\n\nr\rt\t", byte);
        assert_non_null(at);
        byte = (uint8_t)at[1];
      }
    }
    assert_int_equal(buf_u8(out, byte), AVOW_OK);
  }
}

/* Decode; what stood in ${text} before stays there. */
static enum avow_error decode(struct view line, struct buf *text) {
  buf_init(text, 8192);
  assert_int_equal(buf_text(text, "before"), AVOW_OK);
  uint8_t *copy = malloc(line.size + 1);
  memcpy(copy + 1, line.data, line.size);
  enum avow_error error = escape_decode(view_of(copy + 1, line.size), text);
  free(copy);
  assert_memory_equal(text->data, "before", 6);
  buf_consume(text, 6);
  return error;
}

/* What must hold of every text: it comes back, by our own hand and by escape_decode, and its line
 * is one line of harmless characters. */
static void check(struct view text) {
  struct buf line, back;
  escape(text, &line);
  unescape(buf_view(&line), &back);
  assert_true(view_equal(buf_view(&back), text));
  buf_free(&back);
  assert_int_equal(decode(buf_view(&line), &back), AVOW_OK);
  assert_true(view_equal(buf_view(&back), text));
  for (size_t i = 0; i < line.size; i++)
    assert_true(line.data[i] >= 0x20 && line.data[i] != 0x7f);
  buf_free(&line);
  buf_free(&back);
}

static size_t utf8(uint32_t point, char *text) {
  if (point < 0x80) {
    text[0] = (char)point;
    return 1;
  }
  size_t size = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  for (size_t i = size; i-- > 1; point >>= 6)
    text[i] = (char)(0x80 | (point & 0x3f));
  text[0] = (char)((0xf00 >> size & 0xff) | point);
  return size;
}

/* Goal: every single byte, and every pair of bytes, comes back from one harmless line. */
static void test_every_byte(void **state) {
  (void)state;
  for (unsigned i = 0; i < 0x10000; i++) {
    uint8_t pair[] = {(uint8_t)(i >> 8), (uint8_t)i};
    check(view_of(pair, 2));
    if (i < 256)
      check(view_of(pair + 1, 1));
  }
  for (unsigned byte = 0; byte < 256; byte++) {
    char text = (char)byte, expected[8];
    if (byte >= 0x20 && byte < 0x7f && byte != '\\')
      snprintf(expected, sizeof expected, "%c", byte);
    else if (strchr("\n\r\t\\", (int)byte) != NULL && byte != 0)
      snprintf(expected, sizeof expected, "\\%c",
               byte == '\n'   ? 'n'
               : byte == '\r' ? 'r'
               : byte == '\t' ? 't'
                              : '\\');
    else
      snprintf(expected, sizeof expected, "\\x%02x", byte);
    assert_escaped(&text, 1, expected);
  }
}

/* Goal: of all code points, exactly the controls, the marks and overrides of direction, and the
 * separators of lines and paragraphs are escaped; every other one stands for itself. */
static void test_every_code_point(void **state) {
  (void)state;
  for (uint32_t point = 0x80; point <= 0x10ffff; point++) {
    if (point >= 0xd800 && point <= 0xdfff)
      continue;
    char text[4], expected[17] = {0};
    size_t size = utf8(point, text);
    assert_int_equal(utf8_length(view_of(text, size)), size);
    bool acts = point < 0xa0 || point == 0x61c || point == 0x200e || point == 0x200f ||
                (point >= 0x2028 && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
    for (size_t i = 0; i < size; i++)
      if (acts)
        snprintf(expected + 4 * i, 5, "\\x%02x", (uint8_t)text[i]);
      else
        expected[i] = text[i];
    if (acts || point % 251 == 0 || point < 0x3000)
      assert_escaped(text, size, expected);
  }
}

/* Goal: what is not UTF-8 (RFC 3629) is escaped byte by byte, and what follows it is not swallowed:
 * overlong forms, surrogates, beyond U+10FFFF, cut characters, lone continuations. */
static void test_not_utf8(void **state) {
  (void)state;
  static const struct {
    const char *text, *expected;
  } cases[] = {
      {"\xc0\x80", "\\xc0\\x80"},
      {"\xc1\xbf", "\\xc1\\xbf"},
      {"\xe0\x80\x80", "\\xe0\\x80\\x80"},
      {"\xe0\x9f\xbf", "\\xe0\\x9f\\xbf"},
      {"\xe0\xa0\x80", "\xe0\xa0\x80"},
      {"\xf0\x80\x80\x8a", "\\xf0\\x80\\x80\\x8a"},
      {"\xf0\x8f\xbf\xbf", "\\xf0\\x8f\\xbf\\xbf"},
      {"\xf0\x90\x80\x80", "\xf0\x90\x80\x80"},
      {"\xed\x9f\xbf", "\xed\x9f\xbf"},
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},
      {"\xed\xbf\xbf", "\\xed\\xbf\\xbf"},
      {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
      {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
      {"\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80"},
      {"\xff\xfe", "\\xff\\xfe"},
      {"\x80", "\\x80"},
      {"a\xc3", "a\\xc3"},
      {"a\xe2\x82", "a\\xe2\\x82"},
      {"a\xf0\x9f\x98", "a\\xf0\\x9f\\x98"},
      {"\xc3\xc3\xa9", "\\xc3\xc3\xa9"},
      {"\xe2\x82z", "\\xe2\\x82z"},
      {"\xe2\xe2\x82\xac", "\\xe2\xe2\x82\xac"},
      {"caf\xc3\xa9 \xf0\x9f\x98\x80!", "caf\xc3\xa9 \xf0\x9f\x98\x80!"},
  };
  for (size_t i = 0; i < COUNT_OF(cases); i++)
    assert_escaped(cases[i].text, strlen(cases[i].text), cases[i].expected);
}

/* Goal: a text cannot forge an entry of the log, colour a terminal, or pretend to be an escape. */
static void test_attacks(void **state) {
  (void)state;
  static const struct {
    const char *text, *expected;
  } cases[] = {
      {"Hi\n\nMessage ID: 9", "Hi\\n\\nMessage ID: 9"},
      {"\x1b[2J\x1b]0;x\x07", "\\x1b[2J\\x1b]0;x\\x07"},
      {"\xc2\x9b"
       "2J",
       "\\xc2\\x9b2J"},
      {"\\n", "\\\\n"},
      {"\\x41", "\\\\x41"},
      {"a\r\nb\tc", "a\\r\\nb\\tc"},
      {"user\xe2\x80\xae"
       "txt.exe",
       "user\\xe2\\x80\\xaetxt.exe"},
      {"one\xe2\x80\xa8two", "one\\xe2\\x80\\xa8two"},
  };
  for (size_t i = 0; i < COUNT_OF(cases); i++)
    assert_escaped(cases[i].text, strlen(cases[i].text), cases[i].expected);
  assert_escaped("a\0b", 3, "a\\x00b");
  assert_escaped("", 0, "");
}

/* Goal: any texts come back, of bytes that often begin or continue a character; and two different
 * texts never share a line, since each line leads back to one. */
static void test_reversible(void **state) {
  (void)state;
  static const uint8_t likely[] = {0xe2, 0x80, 0xa8, 0xae, 0xf0, 0x9f, 0xc2, 0x9b, 0xed, 0xa0,
                                   0xf4, 0x90, '\\', 'x',  'n',  '\n', 0x1b, 'a',  0xc0, 0x81};
  uint64_t seed = 3;
  for (unsigned round = 0; round < 20000; round++) {
    uint8_t text[60];
    size_t size = chance_below(&seed, sizeof text);
    for (size_t i = 0; i < size; i++)
      text[i] = chance_below(&seed, 5) ? likely[chance_below(&seed, sizeof likely)]
                                       : (uint8_t)chance(&seed);
    check(view_of(text, size));
  }
}

/* Goal: a line that does not fit is an error, not a shorter line. */
static void test_limit(void **state) {
  (void)state;
  for (size_t max = 0; max < 12; max++) {
    struct buf out;
    buf_init(&out, max);
    assert_int_equal(escape_append(&out, view_of("ab\n\x01\xc3\xa9", 6)),
                     max < 10 ? AVOW_TOO_LONG : AVOW_OK);
    buf_free(&out);
  }
}

/* Goal: what escape_append would not have written is malformed: raw controls, what is not UTF-8,
 * other escapes, escapes of what needs none, capital digits, cut ones. */
static void test_not_escaped(void **state) {
  (void)state;
  static const char *const bad[] = {
      "\\\\\\",       "\\a",       "\\0",
      "\\x",          "\\x0",      "\\x0g",
      "\\xg0",        "\\x41",     "\\x20",
      "\\x7e",        "\\x0a",     "\\x0d",
      "\\x09",        "\\x5c",     "\\x1B",
      "\\X1b",        "\\N",       "a\\",
      "\n",           "a\tb",      "\r",
      "\x1b",         "\x7f",      "\xc2\x80",
      "\xff",         "\xc3",      "\xe2\x80\xa8",
      "\xed\xa0\x80", "\xd8\x9c",  "\\xc3\\xa9",
      "\\xc3\xa9",    "\xc3\\xa9", "\\xe2\\x82\\xac",
      "\\x 1",        "\\x-1",     "ok\\n\\q",
      "\\u0041",
  };
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    struct buf text;
    assert_int_equal(decode(view_text(bad[i]), &text), AVOW_MALFORMED);
    buf_free(&text);
  }
  struct buf text;
  assert_int_equal(decode(view_of("a\0b", 3), &text), AVOW_MALFORMED);
  buf_free(&text);
  assert_int_equal(decode(view_of("\\\0", 2), &text), AVOW_MALFORMED);
  buf_free(&text);
}

/* Goal: any line at all either is malformed, or is exactly what escape_append makes of what it is
 * decoded to. */
static void test_any_line(void **state) {
  (void)state;
  static const char likely[] = "\\\\\\xxnrt0189abcdefgA \n\xc2\x9b\xe2\x80\xa8\xae\xc3\xa9";
  uint64_t seed = 9, good = 0;
  for (unsigned round = 0; round < 200000; round++) {
    char line[12];
    size_t size = chance_below(&seed, sizeof line);
    for (size_t i = 0; i < size; i++)
      line[i] = likely[chance_below(&seed, sizeof likely - 1)];
    struct buf text, again;
    if (decode(view_of(line, size), &text) == AVOW_OK) {
      escape(buf_view(&text), &again);
      assert_true(view_equal(buf_view(&again), view_of(line, size)));
      buf_free(&again);
      good++;
    }
    buf_free(&text);
  }
  assert_true(good > 10000 && good < 150000);
}

/* Goal: a text that does not fit where it is decoded to is an error of its own. */
static void test_decode_limit(void **state) {
  (void)state;
  for (size_t max = 0; max < 6; max++) {
    struct buf text;
    buf_init(&text, max);
    assert_int_equal(escape_decode(view_text("ab\\n\\x01c"), &text),
                     max < 5 ? AVOW_TOO_LONG : AVOW_OK);
    buf_free(&text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_byte),   cmocka_unit_test(test_every_code_point),
      cmocka_unit_test(test_not_utf8),     cmocka_unit_test(test_attacks),
      cmocka_unit_test(test_reversible),   cmocka_unit_test(test_limit),
      cmocka_unit_test(test_not_escaped),  cmocka_unit_test(test_any_line),
      cmocka_unit_test(test_decode_limit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
