// SPDX-License-Identifier: Apache-2.0
#include "base/when.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct civil {
  unsigned year, month, day, hour, minute, second, us;
};

/* Days since 1970-01-01 to a date of the proleptic Gregorian calendar: count years from March, so
 * that the leap day is the last of its year, in eras of 400 years. */
static struct civil civil_of(uint64_t wall_us, int offset_min) {
  assert(wall_us <= WHEN_MAX_US && abs(offset_min) < 24 * 60);
  int64_t local_us = (int64_t)wall_us + (int64_t)offset_min * 60 * 1000000;
  if (local_us < 0)
    local_us = 0;
  uint64_t seconds = (uint64_t)local_us / 1000000;
  uint64_t days = seconds / 86400 + 719468; /* from 0000-03-01 */
  uint64_t era = days / 146097;
  uint64_t day_of_era = days % 146097;
  uint64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  uint64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  uint64_t month = (5 * day_of_year + 2) / 153; /* 0 is March */
  uint64_t year = era * 400 + year_of_era + (month >= 10 ? 1 : 0);
  return (struct civil){
      .year = (unsigned)(year % 10000),
      .month = (unsigned)(month < 10 ? month + 3 : month - 9),
      .day = (unsigned)(day_of_year - (153 * month + 2) / 5 + 1),
      .hour = (unsigned)(seconds / 3600 % 24),
      .minute = (unsigned)(seconds / 60 % 60),
      .second = (unsigned)(seconds % 60),
      .us = (unsigned)((uint64_t)local_us % 1000000),
  };
}

void when_text(uint64_t wall_us, int offset_min, char *text) {
  struct civil c = civil_of(wall_us, offset_min);
  unsigned east = (unsigned)abs(offset_min) % (24 * 60);
  snprintf(text, WHEN_TEXT_SIZE, "%04u-%02u-%02u %02u:%02u:%02u.%06u %c%02u%02u", c.year % 10000,
           c.month % 100, c.day % 100, c.hour % 100, c.minute % 100, c.second % 100, c.us % 1000000,
           offset_min < 0 ? '-' : '+', east / 60 % 100, east % 60);
}

void when_name(uint64_t wall_us, int offset_min, char *text) {
  struct civil c = civil_of(wall_us, offset_min);
  snprintf(text, WHEN_NAME_SIZE, "%04u%02u%02u%02u%02u%02u%06u", c.year % 10000, c.month % 100,
           c.day % 100, c.hour % 100, c.minute % 100, c.second % 100, c.us % 1000000);
}
