// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_TESTS_UNIT_UNIT_H
#define AVOW_TESTS_UNIT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs those before it */
#include <cmocka.h>

#include "base/bytes.h"

/* What the unit tests share: cmocka, a repeatable source of chance, and a comparison of bytes. */

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/** chance(seed): Return the next of a row of numbers that ${seed} decides (SplitMix64). */
static inline uint64_t chance(uint64_t *seed) {
  uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

/** chance_below(seed, limit): The same, from 0 to ${limit} - 1. */
static inline uint64_t chance_below(uint64_t *seed, uint64_t limit) {
  return chance(seed) % limit;
}

/** assert_view_text(bytes, text): They are these, byte for byte. */
static inline void assert_view_text(struct view bytes, const char *text) {
  if (!view_equal(bytes, view_text(text)))
    fail_msg("\"%.*s\" is not \"%s\"", (int)bytes.size, (const char *)bytes.data, text);
}

#endif
