// SPDX-License-Identifier: Apache-2.0
#include "pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Thousands of short sessions on a line where everything goes wrong, each decided by its seed. */

#define SECOND UINT64_C(1000000)
#define RUNS 2000u
#define PARCELS_MAX 512u

/* Bytes under way. */
struct parcel {
  uint8_t *bytes;
  size_t size;
  bool to_bob;
  uint64_t due_us;
  uint64_t order; /* of two that are due at once, the first goes first */
};

struct chaos {
  struct pair *pair;
  uint64_t seed;
  uint64_t percent; /* of the parcels that something happens to */
  uint64_t calm_us; /* from here on the line is honest */
  uint64_t digest;  /* of every byte that was put on the line, and when */
  uint64_t parcels_ever;
  struct parcel parcels[PARCELS_MAX];
  unsigned parcels_count;
};

static void put_parcel(struct chaos *chaos, struct view bytes, bool to_bob, uint64_t delay_us) {
  assert_true(chaos->parcels_count < PARCELS_MAX);
  struct parcel *parcel = &chaos->parcels[chaos->parcels_count++];
  *parcel = (struct parcel){.bytes = malloc(bytes.size + 1),
                            .size = bytes.size,
                            .to_bob = to_bob,
                            .due_us = chaos->pair->now.mono_us + delay_us,
                            .order = chaos->parcels_ever++};
  memcpy(parcel->bytes, bytes.data, bytes.size);
}

static void post_badly(struct chaos *chaos, struct view bytes, bool to_bob, uint64_t delay_us) {
  switch (chance_below(&chaos->seed, 5)) {
  case 0: break; /* dropped */
  case 1:        /* twice, perhaps much later */
    put_parcel(chaos, bytes, to_bob, delay_us);
    put_parcel(chaos, bytes, to_bob, delay_us + chance_below(&chaos->seed, 15 * SECOND));
    break;
  case 2: { /* one to three flipped bits */
    put_parcel(chaos, bytes, to_bob, delay_us);
    uint8_t *mine = chaos->parcels[chaos->parcels_count - 1].bytes;
    for (uint64_t i = chance_below(&chaos->seed, 3) + 1; i > 0; i--)
      mine[chance_below(&chaos->seed, bytes.size)] ^= (uint8_t)(1 << chance_below(&chaos->seed, 8));
    break;
  }
  case 3: /* cut short at either end */
    if (chance_below(&chaos->seed, 2))
      bytes.data += bytes.size / 2;
    bytes.size -= bytes.size / 2;
    put_parcel(chaos, bytes, to_bob, delay_us);
    break;
  default: /* held back, so that others overtake it */
    put_parcel(chaos, bytes, to_bob, delay_us + chance_below(&chaos->seed, 12 * SECOND));
  }
}

/* Take what has left and let the line do with it what it does. */
static void post(struct chaos *chaos, struct buf *line, bool to_bob) {
  struct view bytes = buf_view(line);
  if (bytes.size == 0)
    return;
  for (size_t i = 0; i < bytes.size; i++) /* FNV-1a */
    chaos->digest = (chaos->digest ^ bytes.data[i]) * UINT64_C(0x100000001b3);
  chaos->digest = (chaos->digest ^ chaos->pair->now.mono_us) * UINT64_C(0x100000001b3);
  bool calm = chaos->pair->now.mono_us >= chaos->calm_us;
  uint64_t delay_us = calm ? 10000 : chance_below(&chaos->seed, 200000);
  if (!calm && chance_below(&chaos->seed, 100) < chaos->percent)
    post_badly(chaos, bytes, to_bob, delay_us);
  else
    put_parcel(chaos, bytes, to_bob, delay_us);
  buf_clear(line);
}

static struct parcel *next_parcel(struct chaos *chaos) {
  struct parcel *first = NULL;
  for (unsigned i = 0; i < chaos->parcels_count; i++) {
    struct parcel *parcel = &chaos->parcels[i];
    if (first == NULL || parcel->due_us < first->due_us ||
        (parcel->due_us == first->due_us && parcel->order < first->order))
      first = parcel;
  }
  return first;
}

static void deliver(struct chaos *chaos, struct parcel *parcel) {
  struct parcel taken = *parcel;
  *parcel = chaos->parcels[--chaos->parcels_count];
  if (taken.to_bob)
    pair_bob_hears(chaos->pair, view_of(taken.bytes, taken.size));
  else
    pair_alice_hears(chaos->pair, view_of(taken.bytes, taken.size));
  free(taken.bytes);
}

/* One step: go to the next moment at which something happens, and let it happen. */
static void step(struct chaos *chaos, uint64_t until_us) {
  struct pair *pair = chaos->pair;
  struct parcel *parcel = next_parcel(chaos);
  uint64_t next_us = pair_deadline(pair);
  next_us = next_us < until_us ? next_us : until_us;
  bool delivers = parcel != NULL && parcel->due_us <= next_us;
  next_us = delivers ? parcel->due_us : next_us;
  if (next_us > pair->now.mono_us)
    pair_pass(pair, next_us - pair->now.mono_us);
  if (delivers)
    deliver(chaos, parcel);
  pair_tick(pair);
  post(chaos, &pair->to_alice, false);
  post(chaos, &pair->to_bob, true);
}

static void run_until(struct chaos *chaos, uint64_t until_us) {
  while (chaos->pair->now.mono_us < until_us)
    step(chaos, until_us);
}

static void say_something(struct chaos *chaos) {
  char text[400];
  uint64_t count = 1 + chance_below(&chaos->seed, 3);
  for (uint64_t i = 0; i < count; i++) {
    size_t size = (size_t)chance_below(&chaos->seed, sizeof text);
    for (size_t j = 0; j < size; j++)
      text[j] = (char)chance(&chaos->seed);
    pair_submit(chaos->pair, view_of(text, size));
  }
  pair_bob_works(chaos->pair);
  post(chaos, &chaos->pair->to_alice, false);
}

/* What all runs together have seen; a line on which nothing goes wrong would prove nothing. */
static uint64_t seen_by_bob[VERDICT_COUNT], seen_by_alice[VERDICT_COUNT], said_ever;

static void add_up(const struct pair *pair) {
  said_ever += pair->said_count;
  for (unsigned i = 0; i < VERDICT_COUNT; i++) {
    seen_by_bob[i] += pair->at_bob[i];
    seen_by_alice[i] += pair->at_alice[i];
  }
}

/* Count in alice's log: each id once, in order. */
static void check_disk(const struct pair *pair) {
  struct view disk = buf_view(&pair->alice_disk);
  for (uint64_t id = 0; id <= pair->said_count; id++) {
    char line[64];
    int size = snprintf(line, sizeof line, "\nMessage ID: %u\n", (unsigned)id);
    const uint8_t *at = memmem(disk.data, disk.size, line, (size_t)size);
    assert_int_equal(at != NULL, id < pair->said_count);
    if (at != NULL)
      disk = view_of(at + size, disk.size - (size_t)(at + size - disk.data));
  }
  assert_null(memmem(disk.data, disk.size, "Message ID", 10));
}

static uint64_t run(uint64_t seed) {
  struct chaos chaos = {.seed = seed};
  struct pair_setting setting = {.seed = (uint8_t)chance_below(&chaos.seed, 64),
                                 .bob_ahead_us = (int64_t)chance_below(&chaos.seed, 1000 * SECOND),
                                 .bob_slow_us = chance_below(&chaos.seed, 5 * SECOND),
                                 .envelope_max = 1 + (unsigned)chance_below(&chaos.seed, 4)};
  chaos.pair = pair_new(&setting);
  chaos.percent = chance_below(&chaos.seed, 100);
  chaos.calm_us = chaos.pair->now.mono_us + 40 * SECOND;
  for (unsigned i = 0; i < 5; i++) {
    say_something(&chaos);
    run_until(&chaos, chaos.pair->now.mono_us + chance_below(&chaos.seed, 8 * SECOND));
  }
  /* The worst that can be left: a spoilt frame of 60 s, the silence after it, a resend or two. */
  uint64_t last_us = chaos.calm_us + 120 * SECOND;
  while (sender_unconfirmed(chaos.pair->sender) > 0 && chaos.pair->now.mono_us < last_us)
    step(&chaos, last_us);
  if (sender_unconfirmed(chaos.pair->sender) > 0)
    fail_msg("seed %u: unconfirmed after all", (unsigned)seed);
  run_until(&chaos, chaos.calm_us + 20 * SECOND);
  assert_int_equal(sender_finish(chaos.pair->sender, pair_bob_now(chaos.pair)), AVOW_OK);
  pair_bob_works(chaos.pair);
  post(&chaos, &chaos.pair->to_alice, false);
  run_until(&chaos, chaos.pair->now.mono_us + 30 * SECOND);
  assert_int_equal(chaos.pair->bob_ended, 1);
  assert_int_equal(chaos.pair->alice_ended, 1);
  assert_int_equal(chaos.pair->confirmed_count, chaos.pair->said_count);
  assert_int_equal(chaos.pair->shown_count, chaos.pair->said_count);
  check_disk(chaos.pair);
  add_up(chaos.pair);
  while (chaos.parcels_count > 0)
    free(chaos.parcels[--chaos.parcels_count].bytes);
  pair_free(chaos.pair);
  return chaos.digest;
}

/* Goal: whatever the line does, in the end every message is recorded, shown and confirmed exactly
 * once, in order, with the right text, and the session ends in order on both sides. */
static void test_everything_arrives_once(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < RUNS; seed++)
    run(seed);
  static const enum verdict of_alice[] = {VERDICT_DUPLICATE, VERDICT_REPLAYED,  VERDICT_STALE,
                                          VERDICT_MODIFIED,  VERDICT_MALFORMED, VERDICT_EARLY};
  for (unsigned i = 0; i < COUNT_OF(of_alice); i++)
    assert_true(seen_by_alice[of_alice[i]] > RUNS / 4);
  static const enum verdict of_bob[] = {VERDICT_REPLAYED, VERDICT_MODIFIED, VERDICT_MALFORMED,
                                        VERDICT_UNCONFIRMED};
  for (unsigned i = 0; i < COUNT_OF(of_bob); i++)
    assert_true(seen_by_bob[of_bob[i]] > RUNS / 4);
  assert_int_equal(seen_by_alice[VERDICT_CONFLICT] + seen_by_alice[VERDICT_CUT], 0);
  assert_true(said_ever > 5 * RUNS);
}

/* Goal: nothing in the cores depends on anything but what is passed in: the same seed puts the same
 * bytes on the line at the same times, and another seed others. */
static void test_repeatable(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 50; seed++) {
    uint64_t digest = run(seed);
    assert_int_equal(run(seed), digest);
    assert_int_not_equal(run(seed + RUNS), digest);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_everything_arrives_once),
      cmocka_unit_test(test_repeatable),
  };
  int failed = 0;
  PAIR_RUN(tests, failed);
  return failed;
}
