// SPDX-License-Identifier: Apache-2.0
#include "core/freshness.h"
#include "base/mutant.h"

uint64_t line_clock_now(const struct line_clock *clock, uint64_t mono_us) {
  return clock->wall_us + (mono_us - clock->mono_us);
}

uint64_t line_clock_stamp(struct line_clock *clock, uint64_t mono_us) {
  uint64_t stamp = line_clock_now(clock, mono_us);
  if (stamp <= clock->last_us)
    stamp = clock->last_us + 1;
  clock->last_us = stamp;
  return stamp;
}

bool freshness_fresh(struct freshness *freshness, uint64_t time_us, uint64_t echo_age_us,
                     uint64_t mono_us) {
  uint64_t peer_now_us = freshness->peer_us + (mono_us - freshness->mono_us);
  uint64_t age_us = time_us < peer_now_us ? peer_now_us - time_us : 0;
  bool by_echo = echo_age_us <= freshness->limit_us;
  if (age_us > freshness->limit_us && !by_echo && !MUTANT(9))
    return false;
  /* Made at most echo_age_us ago, so his clock shows at most so much now; and at least time_us.  Of
   * two bounds the tighter one holds. */
  if (by_echo && time_us + echo_age_us < peer_now_us)
    peer_now_us = time_us + echo_age_us;
  if (time_us > peer_now_us)
    peer_now_us = time_us;
  freshness->peer_us = peer_now_us;
  freshness->mono_us = mono_us;
  return true;
}
