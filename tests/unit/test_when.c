// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/when.h"

/* What the C library says. */
static void check(uint64_t wall_us, int offset_min) {
  char text[WHEN_TEXT_SIZE], name[WHEN_NAME_SIZE], date[32], digits[32], expected[64];
  int64_t local_us = (int64_t)wall_us + (int64_t)offset_min * 60000000;
  time_t seconds = (time_t)(local_us / 1000000);
  unsigned us = (unsigned)(local_us % 1000000);
  struct tm tm;
  assert_non_null(gmtime_r(&seconds, &tm));
  strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &tm);
  strftime(digits, sizeof digits, "%Y%m%d%H%M%S", &tm);
  int east = abs(offset_min);
  snprintf(expected, sizeof expected, "%s.%06u %c%02d%02d", date, us, offset_min < 0 ? '-' : '+',
           east / 60, east % 60);
  when_text(wall_us, offset_min, text);
  assert_string_equal(text, expected);
  assert_int_equal(strlen(text), WHEN_TEXT_SIZE - 1);
  snprintf(expected, sizeof expected, "%s%06u", digits, us);
  when_name(wall_us, offset_min, name);
  assert_string_equal(name, expected);
  assert_int_equal(strlen(name), WHEN_NAME_SIZE - 1);
}

/* Goal of every check: what is written is read back. */
static void check_back(uint64_t wall_us, int offset_min) {
  char text[WHEN_TEXT_SIZE];
  uint64_t back_us = 1;
  int back_min = 1;
  when_text(wall_us, offset_min, text);
  assert_int_equal(when_parse(view_text(text), &back_us, &back_min), AVOW_OK);
  assert_int_equal(back_us, wall_us);
  assert_int_equal(back_min, offset_min);
}

#define DAY_US UINT64_C(86400000000)

/* Goal: the moments that are written down here come out as people read them. */
static void test_known(void **state) {
  (void)state;
  static const struct {
    uint64_t wall_us;
    int offset_min;
    const char *text;
  } known[] = {
      {0, 0, "1970-01-01 00:00:00.000000 +0000"},
      {1795368456951090, 60, "2026-11-22 18:27:36.951090 +0100"},
      {951782400000000, 0, "2000-02-29 00:00:00.000000 +0000"},
      {951868800000000 - 1, 0, "2000-02-29 23:59:59.999999 +0000"},
      {4107542400000000, 0, "2100-03-01 00:00:00.000000 +0000"}, /* no leap year */
      {4107542400000000 - 1, 0, "2100-02-28 23:59:59.999999 +0000"},
      {WHEN_MAX_US, 0, "9999-12-30 23:59:59.999999 +0000"},
      {WHEN_MAX_US, -210, "9999-12-30 20:29:59.999999 -0330"},
      {WHEN_MAX_US, 1439, "9999-12-31 23:58:59.999999 +2359"},
      {0, 345, "1970-01-01 05:45:00.000000 +0545"},
      {1709164800000000, -1, "2024-02-28 23:59:00.000000 -0001"},
      {1709164800000000, -1439, "2024-02-28 00:01:00.000000 -2359"},
      {1709164800000000, 1439, "2024-02-29 23:59:00.000000 +2359"},
  };
  for (size_t i = 0; i < COUNT_OF(known); i++) {
    char text[WHEN_TEXT_SIZE];
    when_text(known[i].wall_us, known[i].offset_min, text);
    assert_string_equal(text, known[i].text);
  }
}

/* Goal: every day from 1970 to 2500, at both of its borders, is the C library's. */
static void test_every_day(void **state) {
  (void)state;
  for (uint64_t day = 0; day < 193600; day++) {
    check(day * DAY_US, 0);
    check(day * DAY_US + DAY_US - 1, 0);
  }
}

/* Goal: the borders of every year up to 9999 are the C library's; those hold all leap rules. */
static void test_every_year(void **state) {
  (void)state;
  for (int year = 1971; year <= 9999; year++) {
    struct tm tm = {.tm_year = year - 1900, .tm_mon = 1, .tm_mday = 28};
    uint64_t february_us = (uint64_t)timegm(&tm) * 1000000;
    for (unsigned day = 0; day < 3; day++)
      check(february_us + day * DAY_US, 0);
    tm = (struct tm){.tm_year = year - 1900, .tm_mday = 1};
    uint64_t january_us = (uint64_t)timegm(&tm) * 1000000;
    check(january_us - 1, 0);
    check(january_us, 0);
  }
}

/* Goal: so are moments by chance, in zones by chance, up to the last of both. */
static void test_any_moment(void **state) {
  (void)state;
  uint64_t seed = 5;
  for (unsigned i = 0; i < 50000; i++) {
    int offset_min = (int)chance_below(&seed, 2 * 1439 + 1) - 1439;
    uint64_t wall_us = DAY_US + chance_below(&seed, WHEN_MAX_US - 2 * DAY_US);
    check(wall_us, offset_min);
    check_back(wall_us, offset_min);
  }
  for (int offset_min = -1439; offset_min <= 1439; offset_min++) {
    check(1709164800000000 - 1, offset_min);
    check(1709164800000000, offset_min);
    check_back(0, offset_min);
    check_back(1, offset_min);
    check_back(WHEN_MAX_US - 1, offset_min);
    check_back(WHEN_MAX_US, offset_min);
  }
}

static enum avow_error parse(const char *text) {
  uint64_t us = 7;
  int offset_min = 7;
  char *copy = strdup(text); /* so that a sanitizer sees any read past its end */
  enum avow_error error = when_parse(view_of(copy, strlen(text)), &us, &offset_min);
  free(copy);
  if (error != AVOW_OK) {
    assert_int_equal(us, 7);
    assert_int_equal(offset_min, 7);
  }
  return error;
}

/* Goal: what looks like a time and is none, or is written otherwise than when_text does, is
 * malformed, and leaves the outputs alone. */
static void test_not_times(void **state) {
  (void)state;
  static const char *const good[] = {
      "2000-02-29 00:00:00.000000 +0000", "1970-01-01 00:00:00.000000 +0000",
      "1970-01-02 00:00:00.000000 +2359", "1969-12-31 00:01:00.000000 -2359",
      "9999-12-31 23:58:59.999999 +2359",
  };
  static const char *const bad[] = {
      "",
      "2000-02-29 00:00:00.000000 -0000", /* of the two only +0000 is written */
      "2001-02-29 00:00:00.000000 +0000",
      "2100-02-29 00:00:00.000000 +0000",
      "2000-02-30 00:00:00.000000 +0000",
      "2000-04-31 00:00:00.000000 +0000",
      "2000-00-01 00:00:00.000000 +0000",
      "2000-13-01 00:00:00.000000 +0000",
      "2000-99-99 99:99:99.999999 +0000",
      "2000-01-00 00:00:00.000000 +0000",
      "2000-01-32 00:00:00.000000 +0000",
      "2000-01-01 24:00:00.000000 +0000",
      "2000-01-01 00:60:00.000000 +0000",
      "2000-01-01 00:00:60.000000 +0000",
      "2000-01-01 00:00:00.000000 +2400",
      "2000-01-01 00:00:00.000000 +0060",
      "2000-01-01 00:00:00.000000 -2400",
      "2000-01-01 00:00:00.000000 +9999",
      "1969-12-31 23:59:59.999999 +0000",
      "1970-01-01 00:00:00.000000 +0001",
      "0000-01-01 00:00:00.000000 +0000",
      "0000-00-00 00:00:00.000000 +0000",
      "9999-12-31 00:00:00.000000 +0000", /* WHEN_MAX_US and one more */
      "9999-12-30 23:59:59.999999 -0001",
      "2000-01-01 00:00:00.000000 +000",
      "2000-01-01 00:00:00.000000 +00000",
      "2000-01-01T00:00:00.000000 +0000",
      "2000-01-01 00:00:00,000000 +0000",
      "2000-01-01 00:00:00.000000  0000",
      "2000/01/01 00:00:00.000000 +0000",
      "+200-01-01 00:00:00.000000 +0000",
      " 200-01-01 00:00:00.000000 +0000",
      "2000-01- 1 00:00:00.000000 +0000",
  };
  for (size_t i = 0; i < COUNT_OF(good); i++)
    assert_int_equal(parse(good[i]), AVOW_OK);
  for (size_t i = 0; i < COUNT_OF(bad); i++)
    assert_int_equal(parse(bad[i]), AVOW_MALFORMED);
}

/* Goal: every single changed byte of a time, and every cut one, is malformed or another time that
 * is written just so. */
static void test_changed_times(void **state) {
  (void)state;
  static const char whole[] = "2026-11-22 18:27:36.951090 +0100";
  for (size_t at = 0; at < sizeof whole - 1; at++)
    for (unsigned byte = 0; byte < 256; byte++) {
      char text[sizeof whole], again[WHEN_TEXT_SIZE];
      uint64_t us;
      int offset_min;
      memcpy(text, whole, sizeof whole);
      text[at] = (char)byte;
      if (when_parse(view_of(text, sizeof whole - 1), &us, &offset_min) == AVOW_OK) {
        when_text(us, offset_min, again);
        assert_memory_equal(again, text, sizeof whole);
      } else {
        assert_true(byte != (uint8_t)whole[at]);
      }
    }
  for (size_t size = 0; size < sizeof whole - 1; size++) {
    uint64_t us;
    int offset_min;
    assert_int_equal(when_parse(view_of(whole, size), &us, &offset_min), AVOW_MALFORMED);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_known),      cmocka_unit_test(test_every_day),
      cmocka_unit_test(test_every_year), cmocka_unit_test(test_any_moment),
      cmocka_unit_test(test_not_times),  cmocka_unit_test(test_changed_times),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
