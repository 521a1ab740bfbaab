// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_IO_CLOCK_H
#define AVOW_IO_CLOCK_H

#include "base/when.h"

/** clock_now(): Ask both clocks. */
struct now clock_now(void);

/** clock_wait_ms(deadline_us): Return the milliseconds until then, monotonic, and one more; a timer
 * that comes early would find nothing to do. */
uint64_t clock_wait_ms(uint64_t deadline_us);

/** clock_offset_min(wall_us): Return how far east of UTC local time is then, in minutes. */
int clock_offset_min(uint64_t wall_us);

#endif
