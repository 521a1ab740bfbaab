// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include "base/limits.h"
#include "core/freshness.h"

#define LIMIT_US UINT64_C(3000000)
/* The echo of a token that left so long ago that it proves nothing. */
#define OLD_US UINT64_C(3600000000)
#define PEER_US UINT64_C(1790000000000000)

/* At our monotonic second 100, the peer's clock showed PEER_US. */
static struct freshness known(void) {
  return (struct freshness){.limit_us = LIMIT_US, .peer_us = PEER_US, .mono_us = 100000000};
}

/* Goal: a token of exactly the limit's age is fresh, one microsecond older is not, at any moment
 * and for any limit; and a refusal teaches nothing. */
static void test_age_edge(void **state) {
  (void)state;
  static const uint64_t limits[] = {0, 1, 1000, LIMIT_US, 60000000};
  for (size_t i = 0; i < COUNT_OF(limits); i++)
    for (uint64_t later = 0; later < 100000000; later += 9999999) {
      struct freshness freshness = known(), before;
      freshness.limit_us = limits[i];
      before = freshness;
      uint64_t peer_us = PEER_US + later, mono_us = 100000000 + later;
      assert_false(freshness_fresh(&freshness, peer_us - limits[i] - 1, OLD_US, mono_us));
      assert_memory_equal(&freshness, &before, sizeof before);
      assert_true(freshness_fresh(&freshness, peer_us - limits[i], OLD_US, mono_us));
      assert_true(freshness_fresh(&freshness, peer_us, OLD_US, mono_us));
    }
}

/* Goal: an answer to a token of ours is as fresh as that one, whatever the clocks say, to the
 * microsecond. */
static void test_echo_edge(void **state) {
  (void)state;
  struct freshness freshness = known();
  uint64_t old_us = PEER_US - OLD_US;
  assert_false(freshness_fresh(&freshness, old_us, LIMIT_US + 1, 100000000));
  assert_true(freshness_fresh(&freshness, old_us, LIMIT_US, 100000000));
}

/* Goal: a peer's clock that ran slow, or was set wrong, is refused only until an answer comes; from
 * then on his clock is believed again without echoes. */
static void test_drift_heals(void **state) {
  (void)state;
  struct freshness freshness = known();
  uint64_t mono_us = 100000000 + 50 * OLD_US;
  uint64_t peer_us = PEER_US + 50 * OLD_US - 20000000; /* 20 s slow by now */
  assert_false(freshness_fresh(&freshness, peer_us, OLD_US, mono_us));
  assert_true(freshness_fresh(&freshness, peer_us + 500000, 400000, mono_us + 500000));
  assert_true(freshness_fresh(&freshness, peer_us + 9000000, OLD_US, mono_us + 9100000));
  assert_false(freshness_fresh(&freshness, peer_us + 9000000, OLD_US, mono_us + 13000000));
}

/* Goal: a peer's clock that runs fast is followed: his tokens do not buy time by it. */
static void test_fast_clock(void **state) {
  (void)state;
  struct freshness freshness = known();
  /* In 1000 s he gains 10 s. */
  assert_true(freshness_fresh(&freshness, PEER_US + 1010000000, OLD_US, 1100000000));
  assert_true(freshness_fresh(&freshness, PEER_US + 1010000000, OLD_US, 1100000000 + LIMIT_US));
  assert_false(
      freshness_fresh(&freshness, PEER_US + 1010000000, OLD_US, 1100000000 + LIMIT_US + 1));
}

/* Goal: our clock shows the wall clock at the opening, counted on; its stamps grow strictly, also
 * when many are given in one microsecond, and come back to the clock afterwards. */
static void test_line_clock(void **state) {
  (void)state;
  struct line_clock clock = {.wall_us = PEER_US, .mono_us = 500, .last_us = PEER_US};
  assert_int_equal(line_clock_now(&clock, 500), PEER_US);
  assert_int_equal(line_clock_now(&clock, 1500), PEER_US + 1000);
  assert_int_equal(line_clock_stamp(&clock, 500), PEER_US + 1); /* after the opening's own */
  for (uint64_t i = 0; i < 50; i++)
    assert_int_equal(line_clock_stamp(&clock, 510), PEER_US + 10 + i);
  assert_int_equal(line_clock_stamp(&clock, 520), PEER_US + 60);
  assert_int_equal(line_clock_stamp(&clock, 1000), PEER_US + 500);
}

/* A sender and a receiver with real clocks, a line that delays, and tokens that answer the last
 * token of the receiver's that had reached the sender. */
struct world {
  uint64_t seed;
  uint64_t offset_us; /* of the sender's clock against the true time */
  int64_t fast_ppm;   /* of the sender's clock */
  struct freshness freshness;
};

static uint64_t sender_clock(const struct world *world, uint64_t true_us) {
  int64_t gained_us = (int64_t)true_us / 1000000 * world->fast_ppm;
  return world->offset_us + true_us + (uint64_t)gained_us;
}

/* An opening whose last word took a random time: all that the receiver knows is a bound. */
static struct world begin_world(uint64_t seed, int64_t drift_max_ppm) {
  struct world world = {.seed = seed};
  world.offset_us = PEER_US + chance_below(&world.seed, 1000000000000);
  if (drift_max_ppm > 0)
    world.fast_ppm =
        (int64_t)chance_below(&world.seed, (uint64_t)(2 * drift_max_ppm)) - drift_max_ppm;
  uint64_t asked_us = 1000000, made_us = asked_us + chance_below(&world.seed, 2000000);
  uint64_t came_us = made_us + chance_below(&world.seed, 2000000);
  world.freshness =
      (struct freshness){.limit_us = LIMIT_US,
                         .peer_us = sender_clock(&world, made_us) + (came_us - asked_us),
                         .mono_us = came_us};
  return world;
}

/* Goal: with clocks that run true, whatever their offset and the line's delays, no token older than
 * the limit is ever taken, and an immediate answer on a fast line always is. */
static void test_never_younger(void **state) {
  (void)state;
  uint64_t stale = 0, fresh = 0;
  for (uint64_t round = 0; round < 4000; round++) {
    struct world world = begin_world(round, 0);
    uint64_t now_us = world.freshness.mono_us, answered_us = 0;
    for (unsigned i = 0; i < 30; i++) {
      bool waits = chance_below(&world.seed, 3) == 0;
      uint64_t made_us = now_us + chance_below(&world.seed, waits ? 30000000 : 1000000);
      if (chance_below(&world.seed, 4) == 0)
        answered_us = made_us - chance_below(&world.seed, 100000); /* a token of ours came */
      now_us = made_us + chance_below(&world.seed, waits ? 6000000 : 200000);
      bool taken = freshness_fresh(&world.freshness, sender_clock(&world, made_us),
                                   now_us - answered_us, now_us);
      if (taken && now_us - made_us > LIMIT_US)
        fail_msg("seed %u: taken at an age of %u us", (unsigned)round,
                 (unsigned)(now_us - made_us));
      if (!taken && now_us - answered_us <= LIMIT_US)
        fail_msg("seed %u: an answer was refused", (unsigned)round);
      fresh += taken;
      stale += !taken;
    }
  }
  assert_true(stale > 10000 && fresh > 10000); /* the test has seen both */
}

/* Goal: with clocks that drift as bad ones do (200 ppm), a token is never taken at more than the
 * limit by more than the clocks have drifted since the opening; nor by more than the age of the one
 * taken before, and the drift since then. */
static void test_never_younger_by_more_than_drift(void **state) {
  (void)state;
  for (uint64_t round = 0; round < 4000; round++) {
    struct world world = begin_world(round, 200);
    uint64_t now_us = world.freshness.mono_us, answered_us = 0;
    uint64_t opened_us = now_us, taken_us = now_us, taken_age_us = 2000000;
    for (unsigned i = 0; i < 30; i++) {
      uint64_t made_us = now_us + chance_below(&world.seed, 600000000);
      if (chance_below(&world.seed, 2) == 0)
        answered_us = made_us - chance_below(&world.seed, 100000);
      now_us = made_us + chance_below(&world.seed, 6000000);
      if (!freshness_fresh(&world.freshness, sender_clock(&world, made_us), now_us - answered_us,
                           now_us))
        continue;
      uint64_t age_us = now_us - made_us;
      if (now_us - answered_us > LIMIT_US) { /* an answer needs no clocks */
        assert_true(age_us <= LIMIT_US + (now_us - opened_us) / 5000 + 1000);
        assert_true(age_us <= LIMIT_US + taken_age_us + (now_us - taken_us) / 5000 + 1000);
      }
      taken_us = now_us;
      taken_age_us = age_us;
    }
  }
}

/* Goal: an answer that came late is fresh, but teaches nothing that was known better: the next
 * token is judged as exactly as before. */
static void test_late_answer(void **state) {
  (void)state;
  struct freshness freshness = known();
  assert_true(freshness_fresh(&freshness, PEER_US + 10000000, 2900000, 110000000));
  assert_false(freshness_fresh(&freshness, PEER_US + 20000000, OLD_US, 120000000 + LIMIT_US + 1));
  assert_true(freshness_fresh(&freshness, PEER_US + 20000000, OLD_US, 120000000 + LIMIT_US));
  /* A quick one does, where the opening had left a wide bound. */
  freshness.peer_us += 2000000;
  assert_false(freshness_fresh(&freshness, PEER_US + 29000000, OLD_US, 131000000));
  assert_true(freshness_fresh(&freshness, PEER_US + 30000000, 1000, 130001000));
  assert_true(freshness_fresh(&freshness, PEER_US + 39000000, OLD_US, 141000000));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_age_edge),      cmocka_unit_test(test_echo_edge),
      cmocka_unit_test(test_drift_heals),   cmocka_unit_test(test_fast_clock),
      cmocka_unit_test(test_late_answer),   cmocka_unit_test(test_line_clock),
      cmocka_unit_test(test_never_younger), cmocka_unit_test(test_never_younger_by_more_than_drift),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
