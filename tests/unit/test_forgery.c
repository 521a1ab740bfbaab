// SPDX-License-Identifier: Apache-2.0
#include "pair.h"

#include <stdio.h>
#include <string.h>

#include "core/window.h"

/* What somebody could send who has the key, or a part of it: each is refused, and told apart. */

#define SECOND UINT64_C(1000000)

/* Goal: whoever has the key can still not do these: another message under a stored id, a text with
 * another hash, an id out of order, an end that leaves messages out; and each is told apart. */
static void test_forged_envelopes(void **state) {
  (void)state;
  static const struct {
    enum sealed_kind kind;
    uint64_t first_id;
    uint16_t count;
    const char *text, *hash_of;
    enum verdict verdict;
  } cases[] = {
      {SEALED_ENVELOPE, 1, 1, "other", "other", VERDICT_CONFLICT},
      {SEALED_ENVELOPE, 0, 1, "other", "other", VERDICT_CONFLICT}, /* not only the last one */
      {SEALED_ENVELOPE, 0, 1, "two", "two", VERDICT_CONFLICT},     /* the one that came after it */
      {SEALED_ENVELOPE, 2, 1, "text", "another", VERDICT_MODIFIED},
      {SEALED_ENVELOPE, 1, 1, "other", "two", VERDICT_MODIFIED},
      {SEALED_ENVELOPE, 3, 1, "text", "text", VERDICT_EARLY},
      {SEALED_ENVELOPE, MESSAGE_ID_MAX - 1, 1, "text", "text", VERDICT_EARLY},
      {SEALED_ENVELOPE, 3, 1, "text", "another", VERDICT_MODIFIED},
      {SEALED_ENVELOPE, 1, 2, "two", "two", VERDICT_MALFORMED}, /* cut otherwise than it was */
      {SEALED_ENVELOPE, 0, 2, "one", "one", VERDICT_MALFORMED},
      {SEALED_END, 1, 0, "", "", VERDICT_MALFORMED},
      {SEALED_END, 3, 0, "", "", VERDICT_MALFORMED},
  };
  for (unsigned i = 0; i < COUNT_OF(cases); i++) {
    struct pair *pair = pair_new_quiet(NULL);
    struct channel forger;
    struct buf body;
    buf_init(&body, 1000);
    pair_forger(pair, &forger);
    pair_say(pair, "one");
    pair_say(pair, "two");
    pair_settle(pair, 0);
    for (unsigned j = 0; j < cases[i].count; j++)
      pair_body(pair, &body, cases[i].text, cases[i].hash_of);
    struct sealed sealed = {.kind = cases[i].kind,
                            .first_id = cases[i].first_id,
                            .count = cases[i].count,
                            .body = buf_view(&body)};
    pair_pass(pair, SECOND);
    pair_forge(pair, &forger, &sealed, 0);
    pair_carry_to_alice(pair);
    assert_int_equal(pair->at_alice[cases[i].verdict], 1);
    assert_int_equal(pair_incidents(pair->at_alice), 1);
    assert_int_equal(pair->shown_count, 2);
    pair_carry_to_bob(pair); /* the notice; nothing is in flight */
    pair_pass(pair, SECOND);
    pair_say(pair, "three");
    pair_settle(pair, 0);
    pair_finish(pair);
    assert_int_equal(pair_incidents(pair->at_alice), 1);
    channel_close(&forger);
    buf_free(&body);
    pair_free(pair);
  }
}

/* Goal: every text of an envelope is held against its hash, wherever the wrong one stands. */
static void test_one_wrong_hash(void **state) {
  (void)state;
  static const uint16_t counts[] = {1, 15, 16, 17, 33};
  for (unsigned i = 0; i < COUNT_OF(counts); i++) {
    struct pair *pair = pair_new_quiet(NULL);
    struct channel forger;
    struct buf body;
    buf_init(&body, 10000);
    pair_forger(pair, &forger);
    for (unsigned wrong = 0; wrong < counts[i]; wrong++) {
      buf_clear(&body);
      for (unsigned j = 0; j < counts[i]; j++)
        pair_body(pair, &body, "text", j == wrong ? "another" : "text");
      struct sealed sealed = {.kind = SEALED_ENVELOPE, .count = counts[i], .body = buf_view(&body)};
      pair_pass(pair, 2 * SECOND);
      pair_forge(pair, &forger, &sealed, 0);
      pair_carry_to_alice(pair);
      assert_int_equal(pair->at_alice[VERDICT_MODIFIED], wrong + 1);
      assert_int_equal(pair_incidents(pair->at_alice), wrong + 1);
      pair_carry_to_bob(pair);
    }
    assert_int_equal(pair->shown_count, 0);
    channel_close(&forger);
    buf_free(&body);
    pair_free(pair);
  }
}

/* Goal: a token under another key, a token of alice's own sent back to her, and every other type of
 * frame are refused, and do not disturb the message that comes with them. */
static void test_strange_frames(void **state) {
  (void)state;
  for (unsigned i = 0; i <= FRAME_TYPE_LAST; i++) {
    struct pair *pair = pair_new_quiet(NULL);
    enum verdict expected = VERDICT_MALFORMED;
    if (i == 0) {
      struct pair *other = pair_new_quiet(&(struct pair_setting){.seed = 3});
      pair_say(other, "under another key");
      assert_int_equal(buf_append(&pair->to_alice, buf_view(&other->to_alice)), AVOW_OK);
      expected = VERDICT_MODIFIED;
      pair_free(other);
    } else if (i == FRAME_TOKEN) {
      pair_alice_hears(pair, view_of("\0\0\0\0\6", 5)); /* an empty token: modified */
      pair_alice_hears(pair, buf_view(&pair->to_bob));  /* the notice, reflected */
      assert_int_equal(pair->at_alice[VERDICT_MODIFIED], 1);
      buf_clear(&pair->to_bob);
    } else {
      assert_int_equal(frame_append(&pair->to_alice, (enum frame_type)i, view_text("what")),
                       AVOW_OK);
    }
    pair_say(pair, "honest");
    pair_carry_to_alice(pair);
    assert_int_equal(pair->at_alice[expected], 1);
    assert_int_equal(pair->shown_count, 1);
    pair_settle(pair, 0);
    pair_free(pair);
  }
}

/* Goal: of an envelope that was stored, however long ago as long as it is remembered, the same
 * again is confirmed again and another one is told apart; older ones are neither. */
static void test_remembered_envelopes(void **state) {
  (void)state;
  struct pair *pair = pair_new_quiet(NULL);
  struct channel forger;
  char text[8];
  uint64_t said = WINDOW_ENVELOPES + 5;
  for (uint64_t i = 0; i < said; i++) {
    snprintf(text, sizeof text, "text %u", (unsigned)i);
    pair_say(pair, text);
  }
  pair_settle(pair, 0);
  pair_forger(pair, &forger);
  for (uint64_t id = 0; id < said; id++)
    for (unsigned other = 0; other < 2; other++) {
      struct buf body;
      buf_init(&body, 1000);
      snprintf(text, sizeof text, other ? "other" : "text %u", (unsigned)id);
      pair_body(pair, &body, text, text);
      struct sealed sealed = {
          .kind = SEALED_ENVELOPE, .first_id = id, .count = 1, .body = buf_view(&body)};
      enum verdict verdict = id < said - WINDOW_ENVELOPES ? VERDICT_MALFORMED
                             : other                      ? VERDICT_CONFLICT
                                                          : VERDICT_DUPLICATE;
      uint64_t before = pair->at_alice[verdict];
      pair_pass(pair, SECOND);
      pair_forge(pair, &forger, &sealed, 0);
      pair_carry_to_alice(pair);
      assert_int_equal(pair->at_alice[verdict], before + 1);
      pair_carry_to_bob(pair);
      buf_free(&body);
    }
  assert_int_equal(pair_incidents(pair->at_alice), 2 * said);
  assert_int_equal(pair_incidents(pair->at_bob), 0); /* second confirmations are none */
  assert_int_equal(pair->shown_count, said);
  pair_pass(pair, SECOND);
  pair_say(pair, "after all");
  pair_settle(pair, 0);
  channel_close(&forger);
  pair_free(pair);
}

/* Goal: an envelope that is recorded but not durable yet, and comes again: the same is not
 * confirmed early and is no incident; another one under its id is a conflict, and not confirmed. */
static void test_repeated_before_durable(void **state) {
  (void)state;
  for (unsigned other = 0; other < 2; other++) {
    struct pair *pair = pair_new_quiet(NULL);
    struct channel forger;
    struct buf body;
    buf_init(&body, 1000);
    pair_forger(pair, &forger);
    pair_say(pair, "one");
    pair_say(pair, "two");
    struct view line = buf_view(&pair->to_alice);
    assert_int_equal(receiver_input(pair->receiver, line, pair->now), AVOW_OK);
    buf_clear(&pair->to_alice);
    pair_body(pair, &body, other ? "other" : "two", other ? "other" : "two");
    struct sealed sealed = {
        .kind = SEALED_ENVELOPE, .first_id = 1, .count = 1, .body = buf_view(&body)};
    pair_pass(pair, 1000);
    pair_forge(pair, &forger, &sealed, 0);
    line = buf_view(&pair->to_alice);
    assert_int_equal(receiver_input(pair->receiver, line, pair->now), AVOW_OK);
    buf_clear(&pair->to_alice);
    pair_alice_works(pair);
    assert_int_equal(pair->at_alice[VERDICT_CONFLICT], other);
    assert_int_equal(pair_incidents(pair->at_alice), other);
    assert_int_equal(pair->shown_count, 2);
    pair_settle(pair, 0);
    assert_int_equal(pair_incidents(pair->at_bob), 0);
    channel_close(&forger);
    buf_free(&body);
    pair_free(pair);
  }
}

/* Goal: no confirmation but the right one counts: other hashes, ids or counts, or of nothing.  One
 * for messages behind the next one may only mean that something was lost: bob asks, believes
 * nothing, and suspects nobody. */
static void test_fake_confirmations(void **state) {
  (void)state;
  struct pair *pair = pair_new_quiet(&(struct pair_setting){.envelope_max = 2});
  struct channel alice;
  uint8_t seed[DRBG_SEED_SIZE] = {0}, hashes[4 * MESSAGE_HASH_SIZE] = {0};
  assert_int_equal(channel_open(&alice, &pair->alice, TO_ALICE, seed), AVOW_OK);
  pair_say(pair, "zero");
  pair_settle(pair, 0);
  for (unsigned round = 0; round < 2; round++) {
    uint64_t fakes = pair->at_bob[VERDICT_MODIFIED];
    for (uint16_t first = 1; first < 5; first++)
      for (uint16_t count = 1; count < 4; count++) {
        bool gap = round == 1 && first == 2; /* ids 1 and 2 are in flight */
        struct sealed fake = {.kind = SEALED_CONFIRMATION, .first_id = first, .count = count};
        fake.body = view_of(hashes, (size_t)count * MESSAGE_HASH_SIZE);
        pair_pass(pair, SECOND);
        assert_int_equal(channel_seal(&alice, &fake, pair->now.mono_us), AVOW_OK);
        buf_clear(&pair->to_alice);
        pair_bob_hears(pair, buf_view(&alice.out));
        buf_clear(&alice.out);
        assert_int_equal(pair->confirmed_count, 1);
        fakes += !gap;
        assert_int_equal(pair->at_bob[VERDICT_MODIFIED], fakes);
        if (gap)
          assert_true(buf_view(&pair->to_alice).size > 0);
      }
    pair_submit(pair, view_text("one")); /* the second round has two in flight */
    pair_submit(pair, view_text("two"));
    if (round == 0)
      pair_bob_works(pair);
  }
  channel_close(&alice);
  pair_bob_works(pair);
  pair_settle(pair, 100 * SECOND);
  pair_free(pair);
}

/* Goal: a confirmation counts only with every hash right, and for all messages in flight: not with
 * one bit of one wrong, not for the first of two alone. */
static void test_nearly_right_confirmations(void **state) {
  (void)state;
  struct pair *pair = pair_new_quiet(&(struct pair_setting){.envelope_max = 2});
  struct channel alice;
  struct buf body;
  uint8_t seed[DRBG_SEED_SIZE] = {0}, hashes[2 * MESSAGE_HASH_SIZE];
  assert_int_equal(channel_open(&alice, &pair->alice, TO_ALICE, seed), AVOW_OK);
  buf_init(&body, 1000);
  pair_body(pair, &body, "", "one");
  pair_body(pair, &body, "", "two");
  memcpy(hashes, body.data + 8, MESSAGE_HASH_SIZE);
  memcpy(hashes + MESSAGE_HASH_SIZE, body.data + message_size(0) + 8, MESSAGE_HASH_SIZE);
  pair_submit(pair, view_text("one"));
  pair_submit(pair, view_text("two"));
  pair_bob_works(pair);
  struct sealed sent;
  struct buf plaintext;
  pair_read(pair, buf_view(&pair->to_alice), true, &sent, &plaintext);
  pair->shown_count = 2; /* as far as the pair is to know, they arrived */
  for (unsigned i = 0; i <= 2 * MESSAGE_HASH_SIZE + 1; i++) {
    bool good = i == 2 * MESSAGE_HASH_SIZE + 1, one = i == 2 * MESSAGE_HASH_SIZE;
    struct sealed sealed = {.kind = SEALED_CONFIRMATION, .count = one ? 1 : 2, .proof = sent.proof};
    sealed.body = view_of(hashes, sealed.count * (size_t)MESSAGE_HASH_SIZE);
    if (pair->is_signed)
      pair_sign(pair, true, &sealed, sent.body);
    if (i < 2 * MESSAGE_HASH_SIZE)
      hashes[i] ^= 0x10;
    assert_int_equal(channel_seal(&alice, &sealed, pair->now.mono_us), AVOW_OK);
    pair_bob_hears(pair, buf_view(&alice.out));
    buf_clear(&alice.out);
    assert_int_equal(pair->confirmed_count, good ? 2 : 0);
    if (i < 2 * MESSAGE_HASH_SIZE)
      hashes[i] ^= 0x10;
  }
  channel_close(&alice);
  buf_free(&plaintext);
  buf_free(&body);
  pair_free(pair);
}

/* Goal: on a resumed session, what alice is known to have stored may be confirmed, and nothing in
 * flight along with it, though every hash be right. */
static void test_confirmation_too_far(void **state) {
  (void)state;
  struct pair *pair = pair_new(&(struct pair_setting){.envelope_max = 2});
  struct channel alice;
  struct buf body, bodies, hashes;
  uint8_t seed[DRBG_SEED_SIZE] = {0};
  static const char *const texts[] = {"one", "two", "three"};
  pair_submit(pair, view_text(texts[0]));
  pair_submit(pair, view_text(texts[1]));
  pair_bob_works(pair);
  pair_carry_to_alice(pair);
  pair_cut(pair);
  pair_connect(pair);
  pair_say(pair, texts[2]);
  buf_init(&hashes, 1000);
  buf_init(&bodies, 1000);
  for (unsigned i = 0; i < 3; i++) {
    buf_init(&body, 1000);
    pair_body(pair, &body, "", texts[i]);
    assert_int_equal(buf_append(&hashes, view_of(body.data + 8, MESSAGE_HASH_SIZE)), AVOW_OK);
    assert_int_equal(buf_append(&bodies, buf_view(&body)), AVOW_OK);
    buf_free(&body);
  }
  struct sealed sealed = {.kind = SEALED_CONFIRMATION, .count = 3, .body = buf_view(&hashes)};
  if (pair->is_signed) { /* both have signed it: no signature is what is wrong with it */
    pair_sign(pair, false, &sealed, buf_view(&bodies));
    pair_sign(pair, true, &sealed, buf_view(&bodies));
  }
  assert_int_equal(channel_open(&alice, &pair->alice, TO_ALICE, seed), AVOW_OK);
  assert_int_equal(channel_seal(&alice, &sealed, pair->now.mono_us), AVOW_OK);
  pair_bob_hears(pair, buf_view(&alice.out));
  assert_int_equal(pair->confirmed_count, 0);
  assert_int_equal(pair->at_bob[VERDICT_MODIFIED], 1);
  channel_close(&alice);
  buf_free(&hashes);
  buf_free(&bodies);
  pair_pass(pair, SECOND);
  pair_settle(pair, 10 * SECOND);
  pair_free(pair);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_forged_envelopes),
      cmocka_unit_test(test_one_wrong_hash),
      cmocka_unit_test(test_strange_frames),
      cmocka_unit_test(test_remembered_envelopes),
      cmocka_unit_test(test_repeated_before_durable),
      cmocka_unit_test(test_fake_confirmations),
      cmocka_unit_test(test_nearly_right_confirmations),
      cmocka_unit_test(test_confirmation_too_far),
  };
  int failed = 0;
  PAIR_RUN(tests, failed);
  return failed;
}
