// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_IO_CLOCK_H
#define AVOW_IO_CLOCK_H

#include "base/when.h"

/** clock_now(): Ask both clocks. */
struct now clock_now(void);

/** clock_offset_min(wall_us): Return how far east of UTC local time is then, in minutes. */
int clock_offset_min(uint64_t wall_us);

#endif
