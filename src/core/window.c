// SPDX-License-Identifier: Apache-2.0
#include "core/window.h"

#define SIZE_FIRST (16u * 1024u)
#define SIZE_LEAST (2u * 1024u)

void window_init(struct window *window, size_t max, uint64_t freshness_us) {
  *window = (struct window){.size = SIZE_FIRST < max ? SIZE_FIRST : max,
                            .max = max,
                            .short_us = freshness_us / 16,
                            .long_us = freshness_us / 4};
}

bool window_open(const struct window *window, size_t in_flight) {
  return in_flight < window->size;
}

size_t window_envelope(const struct window *window) {
  size_t part = window->size / 4;
  return part > SIZE_LEAST ? part : SIZE_LEAST;
}

void window_confirmed(struct window *window, size_t size, uint64_t round_trip_us) {
  if (round_trip_us > window->long_us)
    window_shrink(window);
  else if (round_trip_us < window->short_us)
    window->size = size < window->max - window->size ? window->size + size : window->max;
}

void window_shrink(struct window *window) {
  size_t least = SIZE_LEAST < window->max ? SIZE_LEAST : window->max;
  window->size = window->size / 2 > least ? window->size / 2 : least;
}
