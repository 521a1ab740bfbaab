// SPDX-License-Identifier: Apache-2.0
#include "pair.h"

#include <string.h>

#include "core/notary.h"

/* Signatures and heads that are wrong: the core that gets one refuses it, with its verdict, and the
 * honest word that comes after it is taken. */

#define SECOND UINT64_C(1000000)

/* The last token on a line, which is taken off it. */
struct taken {
  struct sealed sealed;
  struct buf plaintext;
};

static struct taken take_off(struct pair *pair, bool to_alice) {
  struct taken taken;
  struct buf *line = to_alice ? &pair->to_alice : &pair->to_bob;
  pair_read(pair, buf_view(line), to_alice, &taken.sealed, &taken.plaintext);
  buf_clear(line);
  return taken;
}

/* Say ${sealed} to bob, or to alice, as it is; the honest tokens after it are newer. */
static void say_to_bob(struct pair *pair, struct sealed sealed) {
  struct channel alice;
  uint8_t seed[DRBG_SEED_SIZE] = {0};
  pair_pass(pair, 1);
  assert_int_equal(channel_open(&alice, &pair->alice, TO_ALICE, seed), AVOW_OK);
  assert_int_equal(channel_seal(&alice, &sealed, pair->now.mono_us), AVOW_OK);
  pair_bob_hears(pair, buf_view(&alice.out));
  pair_pass(pair, 1);
  channel_close(&alice);
}

static void say_to_alice(struct pair *pair, struct sealed sealed) {
  struct channel bob;
  pair_forger(pair, &bob);
  pair_pass(pair, 1);
  pair_forge(pair, &bob, &sealed, 0);
  pair_carry_to_alice(pair);
  pair_pass(pair, 1);
  channel_close(&bob);
}

static bool disk_has(const struct buf *disk, const char *text) {
  struct view bytes = buf_view(disk);
  return memmem(bytes.data, bytes.size, text, strlen(text)) != NULL;
}

/* What may be wrong with a statement that was signed. */
enum wrong {
  NOTHING,
  FLIPPED,  /* one bit of the signature */
  THEIRS,   /* signed with the other side's key */
  SESSION,  /* signed for another session */
  KIND,     /* another statement of the same one */
  IDS,      /* of other ids */
  DIGEST,   /* of other messages */
  WHEN,     /* at another time */
  ZONE,     /* or in another zone */
  BOB_HEAD, /* another head of bob's log than was signed */
  HEAD,     /* and of alice's */
  BOB_HEAD_SIGNED,
  HEAD_SIGNED,
  ORIGIN, /* the receipt is right, of a message with another signature of bob's */
};

/* Sign ${sealed} so. */
static void sign_wrongly(struct pair *pair, bool by_alice, struct sealed *sealed,
                         enum wrong wrong) {
  struct session alice = pair->alice, bob = pair->bob;
  struct sealed as = *sealed;
  struct buf other;
  uint8_t *signature = by_alice ? sealed->proof.alice_signature : sealed->proof.bob_signature;
  uint8_t *head = by_alice ? sealed->proof.head : sealed->proof.alice_head;
  struct view messages = as.body;
  buf_init(&other, 1000);
  pair_body(pair, &other, "other", "other");
  if (wrong == BOB_HEAD_SIGNED || wrong == HEAD_SIGNED)
    (wrong == HEAD_SIGNED ? head : sealed->proof.bob_head)[5] ^= 1;
  as = *sealed;
  if (wrong == THEIRS)
    pair->alice.key = pair->bob.key = by_alice ? pair->bob_key : pair->alice_key;
  if (wrong == SESSION)
    pair->alice.grant.session_id[0] ^= 1, pair->bob.grant.session_id[0] ^= 1;
  as.first_id += wrong == IDS;
  as.when_us += wrong == WHEN;
  as.when_min = (int16_t)(as.when_min + (wrong == ZONE));
  if (wrong == DIGEST)
    messages = buf_view(&other);
  if (wrong == KIND) /* an end of an envelope's; an envelope of an end's */
    as.kind = sealed->kind == SEALED_END ? SEALED_ENVELOPE : SEALED_END;
  if (as.kind != SEALED_END && messages.size < message_size(0))
    messages = buf_view(&other);
  as.count = as.count > 0 ? as.count : 1;
  pair_sign(pair, by_alice, &as, messages);
  memcpy(signature, by_alice ? as.proof.alice_signature : as.proof.bob_signature, SIGNATURE_SIZE);
  signature[20] ^= wrong == FLIPPED;
  sealed->proof.bob_head[9] ^= wrong == BOB_HEAD;
  head[9] ^= wrong == HEAD;
  sealed->proof.bob_signature[40] ^= wrong == ORIGIN;
  pair->alice = alice;
  pair->bob = bob;
  buf_free(&other);
}

/* Goal: alice stores nothing that bob has not signed, as it is, for this session, with a head of
 * her log that she gave him; then the notice brings the honest envelope. */
static void test_origins(void **state) {
  (void)state;
  static const struct {
    enum wrong wrong;
    const char *what;
  } cases[] = {
      {FLIPPED, "Incorrect origin signature."},   {THEIRS, "Incorrect origin signature."},
      {SESSION, "Incorrect origin signature."},   {KIND, "Incorrect origin signature."},
      {IDS, "Incorrect origin signature."},       {DIGEST, "Incorrect origin signature."},
      {BOB_HEAD, "Incorrect origin signature."},  {HEAD, "Another head of this log."},
      {HEAD_SIGNED, "Another head of this log."}, {NOTHING, NULL},
  };
  for (unsigned i = 0; i < COUNT_OF(cases); i++) {
    struct pair *pair = pair_new_quiet(NULL);
    bool head = cases[i].wrong == HEAD || cases[i].wrong == HEAD_SIGNED;
    bool good = cases[i].wrong == NOTHING;
    pair_say(pair, "zero");
    pair_settle(pair, 0);
    pair_say(pair, "one");
    struct taken taken = take_off(pair, true);
    sign_wrongly(pair, false, &taken.sealed, cases[i].wrong);
    say_to_alice(pair, taken.sealed);
    assert_int_equal(pair->at_alice[head ? VERDICT_CONFLICT : VERDICT_MODIFIED], !good);
    assert_int_equal(pair_incidents(pair->at_alice), !good);
    assert_int_equal(pair->shown_count, 1 + good);
    assert_true(good || disk_has(&pair->alice_disk, cases[i].what));
    assert_int_equal(disk_has(&pair->alice_disk, "Message ID: 1\n"), good);
    pair_settle(pair, 0);
    assert_int_equal(pair->sent_again, !good);
    pair_finish(pair);
    buf_free(&taken.plaintext);
    pair_free(pair);
  }
}

/* Goal: the head of alice's log that bob signs may stay the same, and never goes back: not to one
 * before that of his last envelope. */
static void test_heads_go_forth(void **state) {
  (void)state;
  for (int head = -1; head < 4; head++) {
    struct pair *pair = pair_new_quiet(NULL);
    struct proof given[4];
    for (unsigned i = 0; i < COUNT_OF(given); i++) {
      pair_say(pair, "x");
      pair_carry_to_alice(pair);
      struct taken taken = take_off(pair, false);
      given[i] = taken.sealed.proof;
      say_to_bob(pair, taken.sealed);
      buf_free(&taken.plaintext);
      const uint8_t *expected = i == 0 ? pair->bob.grant.alice_head : given[i - 1].head;
      assert_memory_equal(given[i].alice_head, expected, HEAD_SIZE);
    }
    pair_say(pair, "y");
    struct taken taken = take_off(pair, true);
    memcpy(taken.sealed.proof.alice_head, head < 0 ? pair->bob.grant.alice_head : given[head].head,
           HEAD_SIZE);
    sign_wrongly(pair, false, &taken.sealed, NOTHING);
    say_to_alice(pair, taken.sealed);
    bool good = head >= 2; /* that was his last one */
    assert_int_equal(pair->shown_count, 4 + good);
    assert_int_equal(pair->at_alice[VERDICT_CONFLICT], !good);
    assert_int_equal(pair_incidents(pair->at_alice), !good);
    if (head != 2) { /* with that one the receipt is for another origin than bob's */
      pair_settle(pair, 0);
      pair_finish(pair);
    }
    buf_free(&taken.plaintext);
    pair_free(pair);
  }
}

/* Goal: an end that bob did not sign ends nothing. */
static void test_ends_of_bob(void **state) {
  (void)state;
  static const enum wrong wrongs[] = {FLIPPED,  THEIRS, SESSION,     KIND,   IDS,
                                      BOB_HEAD, HEAD,   HEAD_SIGNED, NOTHING};
  for (unsigned i = 0; i < COUNT_OF(wrongs); i++) {
    struct pair *pair = pair_new_quiet(NULL);
    bool head = wrongs[i] == HEAD || wrongs[i] == HEAD_SIGNED, good = wrongs[i] == NOTHING;
    pair_say(pair, "one");
    pair_settle(pair, 0);
    assert_int_equal(sender_finish(pair->sender, pair_bob_now(pair)), AVOW_OK);
    pair_bob_works(pair);
    struct taken taken = take_off(pair, true);
    sign_wrongly(pair, false, &taken.sealed, wrongs[i]);
    say_to_alice(pair, taken.sealed);
    assert_int_equal(pair->at_alice[head ? VERDICT_CONFLICT : VERDICT_MODIFIED], !good);
    assert_int_equal(pair_incidents(pair->at_alice), !good);
    assert_int_equal(pair->alice_ended, good);
    assert_true(good || disk_has(&pair->alice_disk, head ? "Another head of this log."
                                                         : "Incorrect signature of the end."));
    pair_finish(pair);
    buf_free(&taken.plaintext);
    pair_free(pair);
  }
}

/* Goal: bob takes no receipt that alice did not sign for exactly this: his envelope with his
 * signature, the time and zone that it tells, the head of her log that it tells.  Then the
 * retransmission earns the honest one. */
static void test_receipts(void **state) {
  (void)state;
  static const enum wrong wrongs[] = {FLIPPED,         THEIRS, SESSION, KIND,     IDS,
                                      DIGEST,          WHEN,   ZONE,    BOB_HEAD, HEAD,
                                      BOB_HEAD_SIGNED, ORIGIN, NOTHING};
  for (unsigned i = 0; i < COUNT_OF(wrongs); i++) {
    struct pair *pair = pair_new_quiet(NULL);
    bool good = wrongs[i] == NOTHING;
    pair_say(pair, "one");
    struct taken envelope;
    pair_read(pair, buf_view(&pair->to_alice), true, &envelope.sealed, &envelope.plaintext);
    pair_carry_to_alice(pair);
    struct taken taken = take_off(pair, false);
    struct view hashes = taken.sealed.body;
    taken.sealed.body = envelope.sealed.body; /* what is signed of it */
    sign_wrongly(pair, true, &taken.sealed, wrongs[i]);
    taken.sealed.body = hashes;
    say_to_bob(pair, taken.sealed);
    assert_int_equal(pair->at_bob[VERDICT_MODIFIED], !good);
    assert_int_equal(pair_incidents(pair->at_bob), !good);
    assert_int_equal(pair->confirmed_count, good);
    pair_settle(pair, 10 * SECOND);
    assert_int_equal(disk_has(&pair->bob_disk, "Fake confirmation."), !good);
    assert_int_equal(pair->at_alice[VERDICT_DUPLICATE], !good);
    pair_finish(pair);
    buf_free(&envelope.plaintext);
    buf_free(&taken.plaintext);
    pair_free(pair);
  }
}

/* Goal: no end that alice did not sign ends a session for bob, nor one that answers another end
 * than his, or tells of a head of his log that he never signed; whoever of the two began it. */
static void test_ends_of_alice(void **state) {
  (void)state;
  static const enum wrong wrongs[] = {FLIPPED,  THEIRS, SESSION,         KIND,   IDS,    WHEN, ZONE,
                                      BOB_HEAD, HEAD,   BOB_HEAD_SIGNED, ORIGIN, NOTHING};
  for (unsigned i = 0; i < 2 * COUNT_OF(wrongs); i++) {
    struct pair *pair = pair_new_quiet(NULL);
    enum wrong wrong = wrongs[i / 2];
    bool good = wrong == NOTHING, by_bob = i % 2;
    pair_say(pair, "one");
    pair_settle(pair, 0);
    if (by_bob) {
      assert_int_equal(sender_finish(pair->sender, pair_bob_now(pair)), AVOW_OK);
      pair_bob_works(pair);
      pair_carry_to_alice(pair);
    } else {
      assert_int_equal(receiver_finish(pair->receiver, pair->now), AVOW_OK);
      pair_alice_works(pair);
    }
    struct taken taken = take_off(pair, false);
    struct sealed honest = taken.sealed;
    sign_wrongly(pair, true, &taken.sealed, wrong);
    say_to_bob(pair, taken.sealed);
    assert_int_equal(pair->at_bob[VERDICT_MODIFIED], !good);
    assert_int_equal(pair->bob_ended, good);
    assert_int_equal(disk_has(&pair->bob_disk, "Messages in all: 1\n"), good);
    if (!good) {
      say_to_bob(pair, honest);
    }
    assert_int_equal(pair->bob_ended, 1);
    assert_int_equal(pair->by_peer, !by_bob);
    buf_free(&taken.plaintext);
    pair_free(pair);
  }
}

/* Goal: what a restored bob asks for again is only taken with an origin signature that is really
 * his own, of these messages, and with alice's receipt for that. */
static void test_own_signature(void **state) {
  (void)state;
  for (unsigned way = 0; way < 5; way++) {
    struct pair *pair = pair_new_quiet(NULL);
    pair_say(pair, "one");
    pair_carry_to_alice(pair);
    pair_crash_bob(pair, 0);
    pair_pass(pair, SECOND);
    pair_connect(pair);
    pair_carry_to_alice(pair); /* he asks */
    struct taken taken = take_off(pair, false);
    struct sealed honest = taken.sealed, changed = taken.sealed;
    struct buf body;
    buf_init(&body, 1000);
    pair_body(pair, &body, "one", "one");
    store_u64(body.data, pair->said[0].timestamp_us);
    changed.body = buf_view(&body);
    if (way == 1)
      sign_wrongly(pair, false, &changed, FLIPPED);
    else if (way == 2)
      sign_wrongly(pair, false, &changed, THEIRS);
    else if (way == 3)
      sign_wrongly(pair, false, &changed, BOB_HEAD);
    else if (way == 4)
      sign_wrongly(pair, false, &changed, DIGEST);
    sign_wrongly(pair, true, &changed, NOTHING); /* alice is in it */
    if (way == 0)
      assert_memory_equal(&changed.proof, &honest.proof, sizeof honest.proof);
    changed.body = honest.body;
    say_to_bob(pair, changed);
    assert_int_equal(pair->confirmed_count, way == 0);
    assert_int_equal(pair->at_bob[VERDICT_MODIFIED], way != 0);
    pair_settle(pair, 10 * SECOND);
    pair_finish(pair);
    buf_free(&body);
    buf_free(&taken.plaintext);
    pair_free(pair);
  }
}

/* Goal: there is one receipt for an envelope, byte by byte: for a retransmission, for an ask, on a
 * connection that resumes, and from an alice who was started again in another time zone. */
static void test_same_receipt(void **state) {
  (void)state;
  struct pair *pair = pair_new_quiet(NULL);
  struct sealed first = {0};
  pair_say(pair, "one");
  for (unsigned way = 0; way < 5; way++) {
    if (way == 1) { /* a retransmission */
      pair_pass(pair, 10 * SECOND);
      pair_tick(pair);
    } else if (way == 2) { /* an ask, after a cut */
      pair_cut(pair);
      pair_connect(pair);
    } else if (way > 2) {
      pair->alice_min = way == 3 ? -600 : 0;
      pair_crash_alice(pair, 0);
      if (way == 4)
        pair_crash_bob(pair, 0);
      pair_pass(pair, 100 * SECOND);
      pair_connect(pair);
    }
    pair_carry_to_alice(pair);
    struct taken taken = take_off(pair, false);
    assert_int_equal(taken.sealed.kind, SEALED_CONFIRMATION);
    if (way == 0)
      first = taken.sealed;
    assert_int_equal(taken.sealed.when_us, first.when_us);
    assert_int_equal(taken.sealed.when_min, 60);
    assert_memory_equal(&taken.sealed.proof, &first.proof, sizeof first.proof);
    if (way == 4)
      say_to_bob(pair, taken.sealed);
    buf_free(&taken.plaintext);
  }
  assert_int_equal(pair->confirmed_count, 1);
  assert_int_equal(pair_incidents(pair->at_bob), pair->at_bob[VERDICT_CUT] + 1);
  pair_finish(pair);
  pair_free(pair);
}

/* Goal: on a connection that resumes, the last head of alice's log that bob has seen is the one
 * that she opened it with: the receipts from before, which he asks for, do not take it back; and
 * she stores nothing under such a head. */
static void test_heads_after_resume(void **state) {
  (void)state;
  for (unsigned old = 0; old < 2; old++) {
    struct pair *pair = pair_new_quiet(NULL);
    pair_say(pair, "one");
    pair_carry_to_alice(pair);
    pair_cut(pair);
    pair_connect(pair);
    pair_carry_to_alice(pair);
    struct taken receipt;
    pair_read(pair, buf_view(&pair->to_bob), false, &receipt.sealed, &receipt.plaintext);
    pair_settle(pair, 0);
    pair_pass(pair, SECOND);
    pair_say(pair, "two");
    struct taken taken = take_off(pair, true);
    assert_memory_equal(taken.sealed.proof.alice_head, pair->bob.grant.alice_head, HEAD_SIZE);
    if (old) {
      memcpy(taken.sealed.proof.alice_head, receipt.sealed.proof.head, HEAD_SIZE);
      sign_wrongly(pair, false, &taken.sealed, NOTHING);
    }
    say_to_alice(pair, taken.sealed);
    assert_int_equal(pair->shown_count, 2 - old);
    assert_int_equal(pair->at_alice[VERDICT_CONFLICT], old);
    pair_settle(pair, 10 * SECOND);
    pair_finish(pair);
    buf_free(&receipt.plaintext);
    buf_free(&taken.plaintext);
    pair_free(pair);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_origins),       cmocka_unit_test(test_heads_go_forth),
      cmocka_unit_test(test_ends_of_bob),   cmocka_unit_test(test_receipts),
      cmocka_unit_test(test_ends_of_alice), cmocka_unit_test(test_own_signature),
      cmocka_unit_test(test_same_receipt),  cmocka_unit_test(test_heads_after_resume),
  };
  pair_signs = true;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
