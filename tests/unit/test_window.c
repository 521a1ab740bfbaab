// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include "base/limits.h"
#include "core/window.h"

#define KIB ((size_t)1024)
#define FRESHNESS_US UINT64_C(3200000) /* so that an eighth and a quarter are round */
#define SHORT_US (FRESHNESS_US / 16)
#define LONG_US (FRESHNESS_US / 4)

static struct window begin(size_t max) {
  struct window window;
  window_init(&window, max, FRESHNESS_US);
  return window;
}

/* Goal: a window begins small, never over its limit, and is open up to the byte before it. */
static void test_begins_small(void **state) {
  (void)state;
  static const size_t limits[] = {1, 100, 2 * KIB, 16 * KIB, 16 * KIB + 1, AVOW_WINDOW_MAX};
  for (size_t i = 0; i < COUNT_OF(limits); i++) {
    struct window window = begin(limits[i]);
    size_t size = limits[i] < 16 * KIB ? limits[i] : 16 * KIB;
    assert_true(window_open(&window, 0));
    assert_true(window_open(&window, size - 1));
    assert_false(window_open(&window, size));
    assert_false(window_open(&window, SIZE_MAX));
  }
}

/* Goal: it doubles with each whole window that is confirmed soon, and stops at its limit. */
static void test_grows(void **state) {
  (void)state;
  struct window window = begin(AVOW_WINDOW_MAX);
  for (size_t size = 16 * KIB; size < AVOW_WINDOW_MAX; size *= 2) {
    assert_int_equal(window.size, size);
    for (size_t part = 0; part < 4; part++)
      window_confirmed(&window, size / 4, SHORT_US - 1);
  }
  for (unsigned i = 0; i < 3; i++) {
    assert_int_equal(window.size, AVOW_WINDOW_MAX);
    window_confirmed(&window, AVOW_TEXT_MAX, 0);
  }
  window = begin(100 * KIB);
  window_confirmed(&window, 83 * KIB, 0);
  assert_int_equal(window.size, 99 * KIB);
  window_confirmed(&window, 2 * KIB, 0);
  assert_int_equal(window.size, 100 * KIB);
}

/* Goal: between a short and a long round trip it stays; over a long one it halves, to the
 * microsecond. */
static void test_edges(void **state) {
  (void)state;
  struct window window = begin(AVOW_WINDOW_MAX);
  window_confirmed(&window, 1000, SHORT_US);
  window_confirmed(&window, 1000, LONG_US);
  assert_int_equal(window.size, 16 * KIB);
  window_confirmed(&window, 1000, SHORT_US - 1);
  assert_int_equal(window.size, 16 * KIB + 1000);
  window_confirmed(&window, 1000, LONG_US + 1);
  assert_int_equal(window.size, 8 * KIB + 500);
}

/* Goal: however often it shrinks, something may be in flight, it never passes its limit, be that
 * ever so small, and it grows again. */
static void test_shrinks(void **state) {
  (void)state;
  static const size_t limits[] = {1, 100, 2 * KIB - 1, 2 * KIB, 5 * KIB, AVOW_WINDOW_MAX};
  for (size_t i = 0; i < COUNT_OF(limits); i++) {
    struct window window = begin(limits[i]);
    uint64_t seed = i;
    for (unsigned step = 0; step < 10000; step++) {
      if (chance_below(&seed, 2))
        window_shrink(&window);
      else
        window_confirmed(&window, chance_below(&seed, AVOW_TEXT_MAX),
                         chance_below(&seed, 2 * LONG_US));
      assert_true(window_open(&window, 0));
      assert_true(window.size <= limits[i]);
    }
    for (unsigned step = 0; step < 40; step++)
      window_shrink(&window);
    size_t least = limits[i] < 2 * KIB ? limits[i] : 2 * KIB;
    assert_int_equal(window.size, least);
    window_confirmed(&window, AVOW_WINDOW_MAX, 0);
    assert_int_equal(window.size, limits[i]);
  }
}

/* Goal: an envelope is a quarter of the window, so that several are in flight; but never so small
 * that its head weighs more than its messages. */
static void test_envelope(void **state) {
  (void)state;
  static const struct {
    size_t size, envelope;
  } cases[] = {{1, 2 * KIB},
               {2 * KIB, 2 * KIB},
               {8 * KIB, 2 * KIB},
               {8 * KIB + 4, 2049},
               {16 * KIB, 4 * KIB},
               {AVOW_WINDOW_MAX - 1, 512 * KIB - 1},
               {AVOW_WINDOW_MAX, 512 * KIB}};
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    struct window window = {.size = cases[i].size, .max = AVOW_WINDOW_MAX};
    assert_int_equal(window_envelope(&window), cases[i].envelope);
  }
}

/* Goal: on a line of any speed, with any delay, what is in flight is soon confirmed well before it
 * is stale: the simulation of a line that carries so many bytes a second, one window at a time. */
static void test_slow_lines(void **state) {
  (void)state;
  static const uint64_t speeds[] = {20000, 100000, 1000000, 100000000}; /* bytes a second */
  for (size_t i = 0; i < COUNT_OF(speeds); i++)
    for (uint64_t delay_us = 0; delay_us < 500000; delay_us += 100000) {
      struct window window = begin(AVOW_WINDOW_MAX);
      for (unsigned round = 0; round < 1000; round++) {
        size_t size = window.size;
        uint64_t trip_us = delay_us + size * 1000000 / speeds[i];
        if (round > 20)
          assert_true(trip_us < FRESHNESS_US / 2);
        window_confirmed(&window, size, trip_us);
      }
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_begins_small), cmocka_unit_test(test_grows),
      cmocka_unit_test(test_edges),        cmocka_unit_test(test_shrinks),
      cmocka_unit_test(test_envelope),     cmocka_unit_test(test_slow_lines),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
