// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_CORE_WINDOW_H
#define AVOW_CORE_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Envelopes in flight at most; the receiver remembers as many confirmations. */
#define WINDOW_ENVELOPES 32u

/* How much may be in flight: as much as is confirmed well within the freshness limit.  It begins
 * small, doubles with each round trip while these are short, and shrinks when they are long, or
 * when something was refused; so that what waits in the line is never too old when it arrives. */
struct window {
  size_t size, max;
  uint64_t short_us, long_us;
};

/** window_init(window, max, freshness_us): Begin small. */
void window_init(struct window *window, size_t max, uint64_t freshness_us);

/** window_open(window, in_flight): Whether more may leave while so many bytes are in flight. */
bool window_open(const struct window *window, size_t in_flight);

/** window_envelope(window): Return the bytes up to which an envelope is filled; one long message
 * may exceed it. */
size_t window_envelope(const struct window *window);

/** window_confirmed(window, size, round_trip_us): ${size} bytes were confirmed after so long. */
void window_confirmed(struct window *window, size_t size, uint64_t round_trip_us);

/** window_shrink(window): Something was refused, or nothing came back. */
void window_shrink(struct window *window);

#endif
