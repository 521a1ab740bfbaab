// SPDX-License-Identifier: Apache-2.0
#include "io/clock.h"

#include <time.h>

static uint64_t read_clock(clockid_t id) {
  struct timespec t;
  clock_gettime(id, &t);
  return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

struct now clock_now(void) {
  /* BOOTTIME counts on while the machine sleeps; a token does not stay fresh over that. */
  return (struct now){.wall_us = read_clock(CLOCK_REALTIME), .mono_us = read_clock(CLOCK_BOOTTIME)};
}

uint64_t clock_wait_ms(uint64_t deadline_us) {
  uint64_t now_us = clock_now().mono_us;
  return (deadline_us > now_us ? deadline_us - now_us : 0) / 1000 + 1;
}

int clock_offset_min(uint64_t wall_us) {
  time_t seconds = (time_t)(wall_us / 1000000);
  struct tm local;
  if (localtime_r(&seconds, &local) == NULL)
    return 0;
  return (int)(local.tm_gmtoff / 60);
}
