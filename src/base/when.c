// SPDX-License-Identifier: Apache-2.0
#include "base/when.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct civil {
  unsigned year, month, day, hour, minute, second, us;
};

/* Days since 1970-01-01 to a date of the proleptic Gregorian calendar: count years from March, so
 * that the leap day is the last of its year, in eras of 400 years. */
static struct civil civil_of(uint64_t wall_us, int offset_min) {
  assert(wall_us <= WHEN_MAX_US && abs(offset_min) < 24 * 60);
  /* Local time from 0000-03-01, so that a zone west of UTC may still be in 1969. */
  int64_t offset_s = (int64_t)offset_min * 60 + INT64_C(719468) * 86400;
  uint64_t local_us = wall_us + (uint64_t)offset_s * 1000000;
  uint64_t seconds = local_us / 1000000;
  uint64_t days = seconds / 86400;
  uint64_t era = days / 146097;
  uint64_t day_of_era = days % 146097;
  uint64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  uint64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  uint64_t month = (5 * day_of_year + 2) / 153; /* 0 is March */
  uint64_t year = era * 400 + year_of_era + (month >= 10 ? 1 : 0);
  return (struct civil){
      .year = (unsigned)year,
      .month = (unsigned)(month < 10 ? month + 3 : month - 9),
      .day = (unsigned)(day_of_year - (153 * month + 2) / 5 + 1),
      .hour = (unsigned)(seconds / 3600 % 24),
      .minute = (unsigned)(seconds / 60 % 60),
      .second = (unsigned)(seconds % 60),
      .us = (unsigned)(local_us % 1000000),
  };
}

/* Write ${value} with so many digits, by hand: a log has two times per message. */
static char *digits(char *to, unsigned value, unsigned count) {
  for (unsigned i = count; i-- > 0; value /= 10)
    to[i] = (char)('0' + value % 10);
  return to + count;
}

static char *mark(char *to, char c) {
  *to = c;
  return to + 1;
}

/* All of a time but its microseconds. */
struct second {
  uint64_t number; /* since 1970 */
  int offset_min;
  char begin[sizeof "2026-11-22 21:30:06."], end[sizeof " +0100"];
};

static void write_second(struct second *ret, uint64_t number, int offset_min) {
  struct civil c = civil_of(number * 1000000, offset_min);
  unsigned east = (unsigned)abs(offset_min);
  *ret = (struct second){.number = number, .offset_min = offset_min};
  char *text = mark(digits(ret->begin, c.year, 4), '-');
  text = mark(digits(text, c.month, 2), '-');
  text = mark(digits(text, c.day, 2), ' ');
  text = mark(digits(text, c.hour, 2), ':');
  text = mark(digits(text, c.minute, 2), ':');
  mark(digits(text, c.second, 2), '.');
  text = mark(mark(ret->end, ' '), offset_min < 0 ? '-' : '+');
  digits(digits(text, east / 60, 2), east % 60, 2);
}

void when_text(uint64_t wall_us, int offset_min, char *text) {
  /* A log has three times a message, most of them of the same second: it is kept. */
  static _Thread_local struct second last = {.number = UINT64_MAX};
  if (wall_us / 1000000 != last.number || offset_min != last.offset_min)
    write_second(&last, wall_us / 1000000, offset_min);
  memcpy(text, last.begin, sizeof last.begin - 1);
  text = digits(text + sizeof last.begin - 1, (unsigned)(wall_us % 1000000), 6);
  memcpy(text, last.end, sizeof last.end);
}

void when_name(uint64_t wall_us, int offset_min, char *text) {
  struct civil c = civil_of(wall_us, offset_min);
  text = digits(digits(digits(text, c.year, 4), c.month, 2), c.day, 2);
  text = digits(digits(digits(text, c.hour, 2), c.minute, 2), c.second, 2);
  text = digits(text, c.us, 6);
  *text = '\0';
}

/* The digits of one field of a time, at a fixed place. */
static unsigned field(struct view text, size_t at, size_t digits) {
  unsigned value = 0;
  for (size_t i = at; i < at + digits; i++)
    value = value * 10 + (unsigned)(text.data[i] - '0');
  return value;
}

/* The way back of civil_of. */
int64_t when_days(int64_t year, int64_t month, int64_t day) {
  int64_t march_year = month <= 2 ? year - 1 : year;
  int64_t era = march_year / 400, year_of_era = march_year % 400;
  int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
         719468;
}

enum avow_error when_parse(struct view text, uint64_t *ret_wall_us, int *ret_offset_min) {
  static const char form[] = "dddd-dd-dd dd:dd:dd.dddddd sdddd";
  if (text.size != sizeof form - 1)
    return AVOW_MALFORMED;
  for (size_t i = 0; i < text.size; i++) {
    bool digit = text.data[i] >= '0' && text.data[i] <= '9';
    bool sign = text.data[i] == '+' || text.data[i] == '-';
    if (form[i] == 'd' ? !digit : form[i] == 's' ? !sign : text.data[i] != (uint8_t)form[i])
      return AVOW_MALFORMED;
  }
  int64_t days = when_days(field(text, 0, 4), field(text, 5, 2), field(text, 8, 2));
  int64_t seconds =
      days * 86400 + field(text, 11, 2) * 3600 + field(text, 14, 2) * 60 + field(text, 17, 2);
  int offset_min = (int)(field(text, 28, 2) * 60 + field(text, 30, 2));
  if (text.data[27] == '-')
    offset_min = -offset_min;
  int64_t wall_us = (seconds - offset_min * 60) * 1000000 + field(text, 20, 6);
  if (wall_us < 0 || wall_us > (int64_t)WHEN_MAX_US || abs(offset_min) >= 24 * 60)
    return AVOW_MALFORMED;
  char again[WHEN_TEXT_SIZE]; /* so that no 31st of February passes */
  when_text((uint64_t)wall_us, offset_min, again);
  if (!view_equal(text, view_text(again)))
    return AVOW_MALFORMED;
  *ret_wall_us = (uint64_t)wall_us;
  *ret_offset_min = offset_min;
  return AVOW_OK;
}
