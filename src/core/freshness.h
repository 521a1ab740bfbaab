// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_CORE_FRESHNESS_H
#define AVOW_CORE_FRESHNESS_H

#include <stdbool.h>
#include <stdint.h>

/* When a token was made, judged without trusting that two clocks agree.  docs/PROTOCOL.md,
 * "Freshness". */

/* One side's clock on the line: its wall clock at the opening, counted on by its monotonic clock,
 * and strictly growing from token to token. */
struct line_clock {
  uint64_t wall_us, mono_us; /* at the opening */
  uint64_t last_us;          /* the last time given out */
};

/** line_clock_now(clock, mono_us): Return what the clock shows. */
uint64_t line_clock_now(const struct line_clock *clock, uint64_t mono_us);

/** line_clock_stamp(clock, mono_us): Return the time of the next token: later than all before. */
uint64_t line_clock_stamp(struct line_clock *clock, uint64_t mono_us);

/* What the receiver knows of the sender's clock: at ${mono_us} of ours it showed at most
 * ${peer_us}.  So no token is ever taken for younger than it is. */
struct freshness {
  uint64_t limit_us;
  uint64_t peer_us, mono_us;
};

/**
 * freshness_fresh(freshness, time_us, echo_age_us, mono_us):
 * Whether a token that says it was made at ${time_us} of its maker's clock is no older than the
 * limit: either because his clock shows it, or because it answers a token of ours that left
 * ${echo_age_us} ago, and so was made after that.  The second proof needs no clocks, so a clock
 * that has drifted heals.  Learns from each fresh token.
 */
bool freshness_fresh(struct freshness *freshness, uint64_t time_us, uint64_t echo_age_us,
                     uint64_t mono_us);

#endif
