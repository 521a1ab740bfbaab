// SPDX-License-Identifier: Apache-2.0
#include "pair.h"

#include <stdlib.h>

#include "base/limits.h"
#include "core/window.h"

/* Several envelopes in flight: one is lost, or all stand still. */

#define SECOND UINT64_C(1000000)

/* Goal: on a line that takes nothing for an hour the sender neither fails nor piles up copies of
 * what is in flight; when the line moves again, all gets through. */
static void test_stalled_line(void **state) {
  (void)state;
  struct pair *pair = pair_new_quiet(NULL);
  uint8_t *text = calloc(1, AVOW_TEXT_MAX);
  pair_submit(pair, view_of(text, AVOW_TEXT_MAX));
  sender_record_consume(pair->sender, pair_bob_record(pair).size);
  assert_int_equal(sender_durable(pair->sender, pair_bob_now(pair)), AVOW_OK);
  size_t one = sender_output(pair->sender).size;
  for (unsigned i = 0; i < 360; i++) {
    pair_pass(pair, 10 * SECOND);
    assert_int_equal(sender_tick(pair->sender, pair_bob_now(pair)), AVOW_OK);
    assert_true(sender_deadline(pair->sender) > pair->now.mono_us);
    struct event event;
    while (sender_next_event(pair->sender, &event))
      pair->at_bob[event.verdict] += event.type == EVENT_INCIDENT;
    assert_int_equal(sender_output(pair->sender).size, one);
  }
  assert_int_equal(pair->at_bob[VERDICT_UNCONFIRMED], 360);
  pair_bob_works(pair);
  pair_settle(pair, 10 * SECOND);
  free(text);
  pair_free(pair);
}

/* Goal: the same with as many envelopes in flight as may be, more that wait, and an end to say:
 * what is in flight stays once in the output, the deadline always lies ahead, and all arrives. */
static void test_stalled_line_of_many(void **state) {
  (void)state;
  struct pair *pair = pair_new_quiet(NULL);
  struct event event;
  for (unsigned i = 0; i < 2 * WINDOW_ENVELOPES; i++)
    pair_submit(pair, view_text("one of many"));
  sender_record_consume(pair->sender, pair_bob_record(pair).size);
  assert_int_equal(sender_durable(pair->sender, pair_bob_now(pair)), AVOW_OK);
  assert_int_equal(sender_finish(pair->sender, pair_bob_now(pair)), AVOW_OK);
  size_t all = sender_output(pair->sender).size;
  for (unsigned i = 0; i < 360; i++) {
    pair_pass(pair, 10 * SECOND);
    assert_int_equal(sender_tick(pair->sender, pair_bob_now(pair)), AVOW_OK);
    assert_true(sender_deadline(pair->sender) > pair->now.mono_us);
    while (sender_next_event(pair->sender, &event))
      assert_true(event.type != EVENT_SENT || event.verdict == VERDICT_ACCEPTED);
    assert_int_equal(sender_output(pair->sender).size, all);
  }
  pair_bob_works(pair);
  pair_settle(pair, 60 * SECOND); /* the first copies are stale; a notice brings fresh ones */
  assert_true(pair->at_alice[VERDICT_STALE] > 0);
  pair_finish(pair);
  pair_free(pair);
}

/* Goal: when one of several envelopes in flight is lost, those behind it are early; the notice
 * brings the lost one and all behind it again, at once, and nothing is a suspected attack but the
 * gap. */
static void test_gap(void **state) {
  (void)state;
  for (unsigned lost = 0; lost < 5; lost++) {
    struct pair *pair = pair_new_quiet(NULL);
    for (unsigned i = 0; i < 5; i++) {
      pair_say(pair, "one of five");
      if (i == lost)
        buf_clear(&pair->to_alice);
      else
        pair_carry_to_alice(pair);
    }
    assert_int_equal(pair->shown_count, lost);
    assert_int_equal(pair->at_alice[VERDICT_EARLY], lost < 4); /* the first; the others counted */
    pair_settle(pair, lost < 4 ? 0 : 10 * SECOND);             /* nothing came behind the last */
    assert_int_equal(pair->sent_again, 1);
    pair_pass(pair, 2 * SECOND);
    pair_tick(pair);
    assert_int_equal(pair->at_alice[VERDICT_EARLY], 4 - lost);
    assert_int_equal(pair_incidents(pair->at_alice), 4 - lost);
    assert_int_equal(pair->at_bob[VERDICT_UNCONFIRMED], lost == 4);
    pair_free(pair);
  }
}

/* Goal: when one of several confirmations is lost, bob asks for it and gets it, with the time of
 * the first; nothing is transmitted again and nobody is suspected. */
static void test_lost_among_confirmations(void **state) {
  (void)state;
  for (unsigned lost = 0; lost < 4; lost++) {
    struct pair *pair = pair_new_quiet(NULL);
    uint64_t stored_us[5];
    for (unsigned i = 0; i < 5; i++) {
      pair_say(pair, "one of five");
      pair_carry_to_alice(pair);
      stored_us[i] = pair->now.wall_us;
      if (i == lost)
        buf_clear(&pair->to_bob);
      else
        pair_carry_to_bob(pair);
      pair_pass(pair, 1000);
    }
    pair_settle(pair, 0);
    for (unsigned i = 0; i < 5; i++)
      assert_int_equal(pair->confirmed_us[i], stored_us[i]);
    assert_int_equal(pair->sent_again, 0);
    assert_int_equal(pair_incidents(pair->at_alice) + pair_incidents(pair->at_bob), 0);
    pair_free(pair);
  }
}

/* Goal: what was transmitted twice says nothing of the line's round trip: its confirmation, however
 * soon it comes, does not let the window grow again. */
static void test_window_after_resend(void **state) {
  (void)state;
  struct pair *pair = pair_new_quiet(NULL);
  uint8_t text[1000] = {0};
  pair_submit(pair, view_of(text, sizeof text));
  pair_bob_works(pair);
  buf_clear(&pair->to_alice);
  pair_settle(pair, 10 * SECOND); /* the window has gone down to half of 16 kB */
  assert_int_equal(pair->sent_again, 1);
  for (unsigned i = 0; i < 20; i++)
    pair_submit(pair, view_of(text, sizeof text));
  pair_bob_works(pair);
  pair_carry_to_alice(pair);
  assert_int_equal(pair->shown_count, 1 + 8);
  pair_settle(pair, 0);
  pair_free(pair);
}

/* Alice hears what was forged, and stores it; nobody reads what she says. */
static void alice_stores(struct pair *pair) {
  struct event event;
  assert_int_equal(receiver_input(pair->receiver, buf_view(&pair->to_alice), pair->now), AVOW_OK);
  buf_clear(&pair->to_alice);
  receiver_record_consume(pair->receiver, pair_alice_record(pair).size);
  assert_int_equal(receiver_durable(pair->receiver, pair->now), AVOW_OK);
  while (receiver_next_event(pair->receiver, &event))
    assert_true(event.type == EVENT_MESSAGE);
}

/* Goal: a client who asks for all confirmations again and again in one go, and does not read, gets
 * as many as there is room for, and the others later. */
static void test_flood_of_asks(void **state) {
  (void)state;
  struct pair *pair = pair_new_quiet(NULL);
  struct channel forger;
  struct buf body;
  buf_init(&body, AVOW_PLAINTEXT_MAX);
  for (unsigned i = 0; i < AVOW_ENVELOPE_MESSAGES_MAX; i++)
    pair_body(pair, &body, "", "");
  pair_forger(pair, &forger);
  for (unsigned i = 0; i < WINDOW_ENVELOPES; i++) {
    struct sealed sealed = {.kind = SEALED_ENVELOPE,
                            .first_id = i * AVOW_ENVELOPE_MESSAGES_MAX,
                            .count = AVOW_ENVELOPE_MESSAGES_MAX,
                            .body = buf_view(&body)};
    pair_pass(pair, 1);
    pair_forge(pair, &forger, &sealed, 0);
    alice_stores(pair);
    receiver_output_consume(pair->receiver, receiver_output(pair->receiver).size);
  }
  for (unsigned i = 0; i < 8; i++) {
    struct sealed sealed = {.kind = SEALED_ASK};
    pair_pass(pair, 1);
    pair_forge(pair, &forger, &sealed, 0);
  }
  alice_stores(pair);
  uint64_t answers = 0;
  for (size_t size; (size = receiver_output(pair->receiver).size) > 0; answers += size) {
    receiver_output_consume(pair->receiver, size);
    assert_int_equal(receiver_input(pair->receiver, view_of("", 0), pair->now), AVOW_OK);
  }
  assert_true(answers > AVOW_OUTPUT_MAX);
  buf_free(&body);
  channel_close(&forger);
  pair_free(pair);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_stalled_line),
      cmocka_unit_test(test_stalled_line_of_many),
      cmocka_unit_test(test_gap),
      cmocka_unit_test(test_lost_among_confirmations),
      cmocka_unit_test(test_window_after_resend),
      cmocka_unit_test(test_flood_of_asks),
  };
  int failed = 0;
  PAIR_RUN(tests, failed);
  return failed;
}
