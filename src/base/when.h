// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_BASE_WHEN_H
#define AVOW_BASE_WHEN_H

#include <stdint.h>

#include "base/bytes.h"

/* The time, as it is passed in: no room but io asks a clock.  Ages and timers count on ${mono_us};
 * ${wall_us} is what people read. */
struct now {
  uint64_t wall_us; /* since 1970-01-01 00:00:00 UTC */
  uint64_t mono_us; /* since some unknown moment; never goes back */
};

/* No deadline. */
#define WHEN_NEVER UINT64_MAX

/* "2026-11-22 18:27:36.951090 +0100" and a NUL. */
#define WHEN_TEXT_SIZE 33u
/* "20261122182736951090" and a NUL. */
#define WHEN_NAME_SIZE 21u

/* The last microsecond of 9999-12-30; later times are malformed.  A day short of the year's end, so
 * that every zone writes it with four digits of a year, and reads it back. */
#define WHEN_MAX_US 253402214399999999u

/**
 * when_text(wall_us, offset_min, text):
 * Write the time as people read it, in the zone that is ${offset_min} minutes east of UTC
 * (-1439 to 1439), to ${text} of WHEN_TEXT_SIZE.  ${wall_us} is at most WHEN_MAX_US.
 */
void when_text(uint64_t wall_us, int offset_min, char *text);

/**
 * when_name(wall_us, offset_min, text):
 * Write the same time as the digits that name a log to ${text} of WHEN_NAME_SIZE.
 */
void when_name(uint64_t wall_us, int offset_min, char *text);

/** when_days(year, month, day): Return the days from 1970-01-01 to a date of the calendar, from the
 * year 1 on. */
int64_t when_days(int64_t year, int64_t month, int64_t day);

/**
 * when_parse(text, ret_wall_us, ret_offset_min):
 * Read what when_text wrote.  Returns AVOW_MALFORMED if it would not have written this.
 */
enum avow_error when_parse(struct view text, uint64_t *ret_wall_us, int *ret_offset_min);

#endif
