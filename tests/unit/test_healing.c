// SPDX-License-Identifier: Apache-2.0
#include "pair.h"

#include <string.h>

/* Sender and receiver on a line that loses, delays, repeats and changes. */

#define SECOND UINT64_C(1000000)

/* Take what is on the line off it; the caller frees it. */
static struct buf steal(struct buf *line) {
  struct buf stolen = *line;
  buf_init(line, stolen.max);
  return stolen;
}

static void flip(struct buf *bytes, size_t bit) {
  bytes->data[bytes->start + bit / 8] ^= (uint8_t)(1 << bit % 8);
}

/* Goal: what is not confirmed is transmitted again after --resend-after, not a microsecond before,
 * and again and again, each time said and as a newer token. */
static void test_resend_timer(void **state) {
  (void)state;
  struct pair *pair = pair_new_quiet(&(struct pair_setting){.resend_after_us = 7 * SECOND});
  struct buf last = {0};
  pair_say(pair, "one");
  for (unsigned i = 1; i <= 5; i++) {
    buf_free(&last);
    last = steal(&pair->to_alice);
    assert_int_equal(pair_deadline(pair), pair->now.mono_us + 7 * SECOND);
    pair_pass(pair, 7 * SECOND - 1);
    pair_tick(pair);
    assert_int_equal(buf_view(&pair->to_alice).size, 0);
    pair_pass(pair, 1);
    pair_tick(pair);
    assert_int_equal(pair->sent_again, i);
    assert_int_equal(pair->at_bob[VERDICT_UNCONFIRMED], i);
    assert_int_equal(buf_view(&pair->to_alice).size, buf_view(&last).size);
    assert_false(view_equal(buf_view(&pair->to_alice), buf_view(&last)));
  }
  pair_settle(pair, 0);
  assert_int_equal(pair_incidents(pair->at_alice), 0);
  buf_free(&last);
  pair_free(pair);
}

/* Goal: under cover, what is lost is transmitted again also if that is due at the very moment of
 * the next token, each time. */
static void test_resend_on_the_beat(void **state) {
  (void)state;
  struct pair *pair =
      pair_new(&(struct pair_setting){.resend_after_us = SECOND, .cover_period_us = SECOND / 10});
  pair_say(pair, "one");
  pair_pass(pair, SECOND / 10);
  pair_tick(pair);
  buf_clear(&pair->to_alice); /* lost */
  for (unsigned beat = 2; beat <= 12; beat++) {
    pair_pass(pair, SECOND / 10);
    pair_tick(pair);
    pair_carry_to_alice(pair);
    pair_carry_to_bob(pair);
  }
  assert_int_equal(pair->sent_again, 1);
  assert_int_equal(pair->confirmed_count, 1);
  pair_free(pair);
}

/* Goal: a modified envelope is refused, and the notice brings the honest one at once; a second
 * notice is sent, and heeded, only a second later. */
static void test_notice(void **state) {
  (void)state;
  struct pair *pair = pair_new_quiet(NULL);
  pair_say(pair, "one");
  flip(&pair->to_alice, 8 * 50);
  pair_carry_to_alice(pair);
  assert_int_equal(pair->at_alice[VERDICT_MODIFIED], 1);
  pair_carry_to_bob(pair);
  assert_int_equal(pair->sent_again, 1);
  for (unsigned i = 2; i < 5; i++) {
    flip(&pair->to_alice, 8 * 50);
    pair_carry_to_alice(pair);
    assert_int_equal(buf_view(&pair->to_bob).size, 0);
    assert_int_equal(receiver_deadline(pair->receiver), pair->now.mono_us + SECOND);
    pair_pass(pair, SECOND);
    pair_tick(pair);
    assert_true(buf_view(&pair->to_bob).size > 0);
    pair_carry_to_bob(pair);
    assert_int_equal(pair->sent_again, i);
  }
  pair_settle(pair, 0);
  assert_int_equal(pair->at_bob[VERDICT_UNCONFIRMED], 0);
  pair_free(pair);
}

/* Goal: notices make bob transmit again once a second at most, however many there are. */
static void test_flood_of_notices(void **state) {
  (void)state;
  struct pair *pair = pair_new_quiet(NULL);
  struct channel alice;
  uint8_t seed[DRBG_SEED_SIZE] = {0};
  assert_int_equal(channel_open(&alice, &pair->alice, TO_ALICE, seed), AVOW_OK);
  pair_say(pair, "one");
  for (unsigned i = 0; i < 50; i++) {
    struct sealed notice = {.kind = SEALED_NOTICE};
    assert_int_equal(channel_seal(&alice, &notice, pair->now.mono_us), AVOW_OK);
    pair_bob_hears(pair, buf_view(&alice.out));
    buf_clear(&alice.out);
    pair_pass(pair, SECOND / 10);
  }
  assert_int_equal(pair->sent_again, 5);
  channel_close(&alice);
  pair_settle(pair, 10 * SECOND);
  pair_free(pair);
}

/* Goal: after bytes that cannot be a frame alice waits for the silence before she says what she
 * expects: sooner, she could not hear the answer. */
static void test_notice_after_silence(void **state) {
  (void)state;
  struct pair *pair = pair_new_quiet(NULL);
  pair_alice_hears(pair, view_text("GET / HTTP/1.1"));
  pair_say(pair, "one");
  pair_carry_to_alice(pair); /* skipped */
  assert_int_equal(buf_view(&pair->to_bob).size, 0);
  assert_int_equal(pair_deadline(pair), pair->now.mono_us + 3 * SECOND);
  pair_pass(pair, 3 * SECOND);
  pair_tick(pair);
  assert_true(buf_view(&pair->to_bob).size > 0);
  pair_settle(pair, 0);
  assert_int_equal(pair->at_bob[VERDICT_UNCONFIRMED], 0);
  pair_free(pair);
}

/* Goal: a short --resend-after does not keep a spoilt line from its silence for ever; and after a
 * confirmation it is short again. */
static void test_hasty_sender(void **state) {
  (void)state;
  struct pair *pair = pair_new_quiet(&(struct pair_setting){.resend_after_us = SECOND / 2});
  for (unsigned i = 0; i < 3; i++) {
    pair_alice_hears(pair, view_text("GET / HTTP/1.1"));
    buf_clear(&pair->to_bob);
    pair_say(pair, "one");
    assert_int_equal(pair_deadline(pair), pair->now.mono_us + SECOND / 2);
    pair_settle(pair, 12 * SECOND);
  }
  pair_free(pair);
}

/* Goal: what was counted and not told yet is told and recorded before the session is over, however
 * it ends. */
static void test_counted_till_the_end(void **state) {
  (void)state;
  for (unsigned way = 0; way < 3; way++) {
    struct pair *pair = pair_new_quiet(NULL);
    pair_say(pair, "one");
    pair_settle(pair, 0);
    for (unsigned i = 0; i < 5; i++) {
      pair_alice_hears(pair, view_of("\0\0\0\0\6", 5));
      pair_bob_hears(pair, view_of("\0\0\0\0\6", 5));
    }
    assert_int_equal(pair->at_alice[VERDICT_MODIFIED], 1);
    assert_int_equal(pair->at_bob[VERDICT_MODIFIED], 1);
    if (way == 0) {
      pair_finish(pair);
    } else if (way == 1) {
      assert_int_equal(receiver_finish(pair->receiver, pair->now), AVOW_OK);
      pair_alice_works(pair);
      pair_carry_to_bob(pair);
    } else {
      assert_int_equal(sender_detach(pair->sender, pair_bob_now(pair)), AVOW_OK);
      assert_int_equal(receiver_cut(pair->receiver, pair->now), AVOW_OK);
      pair_bob_works(pair);
      pair_alice_works(pair);
    }
    assert_int_equal(pair->at_alice[VERDICT_MODIFIED], 5);
    assert_int_equal(pair->at_bob[VERDICT_MODIFIED], 5);
    pair_free(pair);
  }
}

/* Goal: when the confirmation is lost, the retransmission is a duplicate: not recorded and not
 * shown again, and confirmed with the time of the first. */
static void test_lost_confirmation(void **state) {
  (void)state;
  struct pair *pair = pair_new_quiet(&(struct pair_setting){.envelope_max = 3});
  for (unsigned i = 0; i < 3; i++)
    pair_submit(pair, view_text("three at once"));
  pair_bob_works(pair);
  pair_carry_to_alice(pair);
  uint64_t stored_us = pair->now.wall_us;
  size_t recorded = buf_view(&pair->alice_disk).size;
  for (unsigned i = 1; i <= 3; i++) {
    buf_clear(&pair->to_bob);
    pair_pass(pair, 10 * SECOND);
    pair_tick(pair);
    pair_carry_to_alice(pair);
    assert_int_equal(pair->at_alice[VERDICT_DUPLICATE], i);
  }
  assert_int_equal(pair->shown_count, 3);
  struct view added = view_of(buf_view(&pair->alice_disk).data + recorded,
                              buf_view(&pair->alice_disk).size - recorded);
  assert_null(memmem(added.data, added.size, "Message ID", 10));
  pair_carry_to_bob(pair);
  for (unsigned i = 0; i < 3; i++)
    assert_int_equal(pair->confirmed_us[i], stored_us);
  pair_settle(pair, 0);
  pair_free(pair);
}

/* Goal: a confirmation that is only late, so that two come, is no incident. */
static void test_crossing(void **state) {
  (void)state;
  struct pair *pair = pair_new_quiet(NULL);
  pair_say(pair, "one");
  pair_carry_to_alice(pair);
  pair_pass(pair, 10 * SECOND);
  pair_tick(pair);
  pair_carry_to_bob(pair);
  pair_say(pair, "two");
  pair_carry_to_alice(pair);
  pair_carry_to_bob(pair);
  assert_int_equal(pair->confirmed_count, 2);
  assert_int_equal(pair->at_bob[VERDICT_MODIFIED], 0);
  pair_settle(pair, 0);
  pair_free(pair);
}

/* Goal: a recorded token is refused whenever it comes again, at once or later, to either side; it
 * changes nothing and gets no answer. */
static void test_replay(void **state) {
  (void)state;
  static const uint64_t later_us[] = {0, 1, SECOND, 20 * SECOND};
  for (unsigned i = 0; i < COUNT_OF(later_us); i++) {
    struct pair *pair = pair_new_quiet(NULL);
    pair_say(pair, "one");
    struct buf envelope = steal(&pair->to_alice);
    pair_alice_hears(pair, buf_view(&envelope));
    struct buf confirmation = steal(&pair->to_bob);
    pair_bob_hears(pair, buf_view(&confirmation));
    pair_pass(pair, later_us[i]);
    pair_alice_hears(pair, buf_view(&envelope));
    pair_bob_hears(pair, buf_view(&confirmation));
    assert_int_equal(pair->at_alice[VERDICT_REPLAYED], 1);
    assert_int_equal(pair->at_bob[VERDICT_REPLAYED], 1);
    assert_int_equal(buf_view(&pair->to_bob).size + buf_view(&pair->to_alice).size, 0);
    pair_say(pair, "two");
    pair_settle(pair, 0);
    assert_int_equal(pair_incidents(pair->at_alice) + pair_incidents(pair->at_bob), 2);
    buf_free(&envelope);
    buf_free(&confirmation);
    pair_free(pair);
  }
}

/* Goal: a token held for 3.000000 s is accepted, for 3.000001 s it is stale, whatever bob's wall
 * clock shows; then the notice brings it as a fresh one. */
static void test_held_back(void **state) {
  (void)state;
  static const int64_t ahead_us[] = {0, 86400000000, -86400000000, 1, -1};
  for (unsigned i = 0; i < 2 * COUNT_OF(ahead_us); i++) {
    struct pair *pair = pair_new_quiet(&(struct pair_setting){.bob_ahead_us = ahead_us[i / 2]});
    pair_say(pair, "one");
    pair_pass(pair, 3 * SECOND + i % 2);
    pair_carry_to_alice(pair);
    assert_int_equal(pair->at_alice[VERDICT_STALE], i % 2);
    assert_int_equal(pair->shown_count, 1 - i % 2);
    pair_settle(pair, 0);
    assert_int_equal(pair_incidents(pair->at_alice), i % 2);
    pair_free(pair);
  }
}

/* Goal: bob's clock has lost 20 s since the opening, so all he makes looks stale: one notice heals
 * that, and the next message needs none. */
static void test_slow_clock(void **state) {
  (void)state;
  struct pair *pair = pair_new_quiet(&(struct pair_setting){.bob_slow_us = 20 * SECOND});
  pair_say(pair, "one");
  pair_carry_to_alice(pair);
  assert_int_equal(pair->at_alice[VERDICT_STALE], 1);
  pair_carry_to_bob(pair);
  pair_carry_to_alice(pair);
  assert_int_equal(pair->shown_count, 1);
  pair_carry_to_bob(pair);
  pair_pass(pair, 100 * SECOND);
  pair_say(pair, "two");
  pair_carry_to_alice(pair);
  assert_int_equal(pair->shown_count, 2);
  assert_int_equal(pair_incidents(pair->at_alice), 1);
  pair_settle(pair, 0);
  pair_free(pair);
}

/* Goal: alice's goodbye is lost: bob says his end again and again without hurry, and a cut line
 * then ends it; bob's end is lost: he says it again and all is well. */
static void test_lost_end(void **state) {
  (void)state;
  struct pair *pair = pair_new_quiet(NULL);
  assert_int_equal(sender_finish(pair->sender, pair_bob_now(pair)), AVOW_OK);
  pair_bob_works(pair);
  buf_clear(&pair->to_alice);
  assert_int_equal(pair_deadline(pair), pair->now.mono_us + 10 * SECOND);
  pair_pass(pair, 10 * SECOND);
  pair_tick(pair);
  assert_int_equal(pair->at_bob[VERDICT_UNCONFIRMED], 1);
  pair_carry_to_alice(pair);
  assert_int_equal(pair->alice_ended, 1);
  buf_clear(&pair->to_bob);
  for (unsigned i = 0; i < 3; i++) {
    pair_pass(pair, 10 * SECOND);
    pair_tick(pair);
    assert_true(buf_view(&pair->to_alice).size > 0);
    pair_carry_to_alice(pair); /* alice has gone */
    assert_int_equal(buf_view(&pair->to_bob).size, 0);
  }
  assert_int_equal(pair->bob_ended, 0);
  assert_int_equal(sender_detach(pair->sender, pair_bob_now(pair)), AVOW_OK);
  pair_bob_works(pair);
  assert_int_equal(pair->at_bob[VERDICT_CUT], 1);
  pair_free(pair);
}

/* Goal: each single bit of bob's envelope and of alice's confirmation may flip: what was changed is
 * never accepted, somebody notices, and the honest message gets through soon. */
static void test_flipped_bits(void **state) {
  (void)state;
  for (int to_bob = 0; to_bob < 2; to_bob++) {
    struct pair *pair = NULL;
    bool more = true;
    for (size_t bit = 0; more; bit++) {
      if (bit % 200 == 0) { /* a pair holds only so many messages */
        if (pair != NULL)
          pair_free(pair);
        pair = pair_new_quiet(NULL);
      }
      uint64_t number = pair->said_count;
      uint64_t seen = pair_incidents(pair->at_alice) + pair_incidents(pair->at_bob);
      pair_say(pair, "Hey dude");
      if (to_bob)
        pair_carry_to_alice(pair);
      struct buf *line = to_bob ? &pair->to_bob : &pair->to_alice;
      more = bit + 1 < 8 * buf_view(line).size;
      flip(line, bit);
      if (to_bob)
        pair_carry_to_bob(pair);
      else
        pair_carry_to_alice(pair);
      assert_int_equal(to_bob ? pair->confirmed_count : pair->shown_count, number);
      pair_settle(pair, 25 * SECOND);
      pair_pass(pair, 25 * SECOND);
      pair_tick(pair); /* tells what was counted */
      assert_true(pair_incidents(pair->at_alice) + pair_incidents(pair->at_bob) > seen);
    }
    pair_free(pair);
  }
}

/* Goal: the same for both ends of the session: a changed end ends nothing. */
static void test_flipped_ends(void **state) {
  (void)state;
  for (int to_bob = 0; to_bob < 2; to_bob++) {
    bool more = true;
    for (size_t bit = 0; more; bit++) {
      struct pair *pair = pair_new_quiet(NULL);
      assert_int_equal(sender_finish(pair->sender, pair_bob_now(pair)), AVOW_OK);
      pair_bob_works(pair);
      struct buf *line = to_bob ? &pair->to_bob : &pair->to_alice;
      if (to_bob)
        pair_carry_to_alice(pair);
      more = bit + 1 < 8 * buf_view(line).size;
      flip(line, bit);
      if (to_bob) {
        pair_carry_to_bob(pair);
        assert_int_equal(pair->bob_ended, 0);
      } else {
        pair_carry_to_alice(pair);
        assert_int_equal(pair->alice_ended, 0);
        pair_finish(pair);
      }
      pair_free(pair);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_resend_timer),
      cmocka_unit_test(test_resend_on_the_beat),
      cmocka_unit_test(test_notice),
      cmocka_unit_test(test_flood_of_notices),
      cmocka_unit_test(test_notice_after_silence),
      cmocka_unit_test(test_hasty_sender),
      cmocka_unit_test(test_counted_till_the_end),
      cmocka_unit_test(test_lost_confirmation),
      cmocka_unit_test(test_crossing),
      cmocka_unit_test(test_replay),
      cmocka_unit_test(test_held_back),
      cmocka_unit_test(test_slow_clock),
      cmocka_unit_test(test_lost_end),
      cmocka_unit_test(test_flipped_bits),
      cmocka_unit_test(test_flipped_ends),
  };
  int failed = 0;
  PAIR_RUN(tests, failed);
  return failed;
}
