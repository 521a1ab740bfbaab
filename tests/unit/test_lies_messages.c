// SPDX-License-Identifier: Apache-2.0
#include "lies.h"

/* For each rule of docs/EVIDENCE.md about messages and envelopes there is a log that breaks only
 * that. */

static void skips_id(struct made *made) {
  begin(made);
  made_delivery(made, 0, 1);
  struct enveloped enveloped = made_envelope(made, 2, 1);
  alice_messages(made, 2, 1, enveloped.confirmed_us);
  alice_envelope(made, &enveloped, 0);
}

static void bob_skips_id(struct made *made) {
  begin(made);
  bob_messages(made, 1, 1);
}

static void repeats_id(struct made *made) {
  begin(made);
  made_delivery(made, 0, 1);
  struct enveloped enveloped = made_envelope(made, 0, 1);
  alice_messages(made, 0, 1, enveloped.confirmed_us);
  alice_envelope(made, &enveloped, 0);
}

static void other_time(struct made *made) {
  begin(made);
  struct enveloped enveloped = made_envelope(made, 0, 2);
  alice_messages(made, 0, 1, enveloped.confirmed_us);
  alice_messages(made, 1, 1, enveloped.confirmed_us + 1);
  alice_envelope(made, &enveloped, 0);
}

static void other_time_of_all(struct made *made) {
  begin(made);
  struct enveloped enveloped = made_envelope(made, 0, 1);
  alice_messages(made, 0, 1, enveloped.confirmed_us + 1);
  alice_envelope(made, &enveloped, 0);
}

static void bob_confirms(struct made *made) {
  struct made_text store;
  begin(made);
  struct recorded recorded = made_message(made, 0, &store);
  recorded.confirmed_us = MADE_NOW_US;
  MUST(record_message(&made->bob.chunk.bytes, LOG_TEXT, made_zones, &recorded));
}

static void too_few(struct made *made) {
  begin(made);
  struct enveloped enveloped = made_envelope(made, 0, 1);
  alice_messages(made, 0, 2, enveloped.confirmed_us);
  alice_envelope(made, &enveloped, 0);
}

static void no_envelope(struct made *made) {
  begin(made);
  alice_messages(made, 0, 2, made->now_us);
}

static void between(struct made *made) {
  begin(made);
  struct enveloped enveloped = made_envelope(made, 0, 1);
  alice_messages(made, 0, 1, enveloped.confirmed_us);
  made_incident(&made->alice);
  alice_envelope(made, &enveloped, 0);
}

static void of_nothing(struct made *made) {
  begin(made);
  struct enveloped enveloped = made_envelope(made, 0, 1);
  bob_envelope(made, &enveloped);
}

static void not_next(struct made *made) {
  begin(made);
  bob_messages(made, 0, 2);
  made_seal(&made->bob);
  struct enveloped enveloped = made_envelope(made, 1, 1);
  MADE_SIGN(made->alice_key, enveloped.proof.alice_signature, statement_receipt, &made->names,
            &enveloped);
  bob_envelope(made, &enveloped);
}

static void not_signed(struct made *made) {
  begin(made);
  alice_messages(made, 0, 1, made->now_us);
  MUST(record_envelope(&made->alice.chunk.bytes, 0, 1, made->now_us, made_zones.alice_min));
}

/* The digest of another message under the same id. */
static void other_digest(struct made *made) {
  begin(made);
  bob_messages(made, 0, 1);
  made_seal(&made->bob);
  made->salt[0] = 'x';
  struct enveloped enveloped = made_envelope(made, 0, 1);
  MADE_SIGN(made->alice_key, enveloped.proof.alice_signature, statement_receipt, &made->names,
            &enveloped);
  bob_envelope(made, &enveloped);
}

/* Bob makes up a receipt: Alice has signed nothing. */
static void made_up_receipt(struct made *made) {
  begin(made);
  bob_messages(made, 0, 1);
  made_seal(&made->bob);
  struct enveloped enveloped = made_envelope(made, 0, 1);
  MADE_SIGN(made->bob_key, enveloped.proof.alice_signature, statement_receipt, &made->names,
            &enveloped);
  bob_envelope(made, &enveloped);
}

static void made_up_origin(struct made *made) {
  begin(made);
  struct enveloped enveloped = made_envelope(made, 0, 1);
  MADE_SIGN(made->alice_key, enveloped.proof.bob_signature, statement_origin, &made->names,
            &enveloped);
  alice_messages(made, 0, 1, enveloped.confirmed_us);
  alice_envelope(made, &enveloped, 0);
}

static void receipt_of_eve(struct made *made) {
  begin(made);
  struct enveloped enveloped = made_envelope(made, 0, 1);
  struct names names = made->names;
  struct buf *out = &made->alice.chunk.bytes;
  alice_messages(made, 0, 1, enveloped.confirmed_us);
  MUST(record_envelope(out, 0, 1, enveloped.confirmed_us, enveloped.confirmed_min));
  MUST(record_origin(out, &names, &enveloped.proof));
  MUST(chunk_head(&made->alice.chunk, enveloped.proof.head));
  MADE_SIGN(made->eve_key, enveloped.proof.alice_signature, statement_receipt, &names, &enveloped);
  memcpy(names.alice_key, ed25519_key(made->eve_key), 32);
  MUST(record_receipt(out, &names, &enveloped.proof));
}

static void origin_of_eve(struct made *made) {
  begin(made);
  struct enveloped enveloped = made_envelope(made, 0, 1);
  struct names names = made->names;
  struct buf *out = &made->alice.chunk.bytes;
  memcpy(names.bob_key, ed25519_key(made->eve_key), 32);
  alice_messages(made, 0, 1, enveloped.confirmed_us);
  MUST(record_envelope(out, 0, 1, enveloped.confirmed_us, enveloped.confirmed_min));
  MUST(record_origin(out, &names, &enveloped.proof));
  MUST(chunk_head(&made->alice.chunk, enveloped.proof.head));
  MADE_SIGN(made->alice_key, enveloped.proof.alice_signature, statement_receipt, &made->names,
            &enveloped);
  MUST(record_receipt(out, &made->names, &enveloped.proof));
}

static void wrong_head_at_receipt(struct made *made) {
  begin(made);
  struct enveloped enveloped = made_envelope(made, 0, 1);
  alice_messages(made, 0, 1, enveloped.confirmed_us);
  alice_envelope(made, &enveloped, 1);
}

static void head_not_given(struct made *made) {
  begin(made);
  memcpy(made->seen, made->alice.chunk.head.last, HEAD_SIZE); /* hers, but he never saw it */
  struct enveloped enveloped = made_envelope(made, 0, 1);
  alice_messages(made, 0, 1, enveloped.confirmed_us);
  alice_envelope(made, &enveloped, 0);
}

static void head_goes_back(struct made *made) {
  begin(made);
  uint8_t first[HEAD_SIZE];
  memcpy(first, made->seen, HEAD_SIZE);
  made_delivery(made, 0, 1);
  made_delivery(made, 1, 1);
  memcpy(made->seen, first, HEAD_SIZE);
  struct enveloped enveloped = made_envelope(made, 2, 1);
  alice_messages(made, 2, 1, enveloped.confirmed_us);
  alice_envelope(made, &enveloped, 0);
}

/* A head of a receipt that she gave over the connection before. */
static void head_of_before(struct made *made) {
  uint8_t before[HEAD_SIZE];
  begin(made);
  made_delivery(made, 0, 1);
  memcpy(before, made->seen, HEAD_SIZE);
  made_connection(made, true);
  memcpy(made->seen, before, HEAD_SIZE);
  struct enveloped enveloped = made_envelope(made, 1, 1);
  alice_messages(made, 1, 1, enveloped.confirmed_us);
  alice_envelope(made, &enveloped, 0);
}

static void bob_head_never(struct made *made) {
  begin(made);
  bob_messages(made, 0, 1);
  made_seal(&made->bob);
  made->bob.chunk.head.last[0] ^= 1;
  struct enveloped enveloped = made_envelope(made, 0, 1);
  made->bob.chunk.head.last[0] ^= 1;
  MADE_SIGN(made->alice_key, enveloped.proof.alice_signature, statement_receipt, &made->names,
            &enveloped);
  bob_envelope(made, &enveloped);
}

static void bob_head_before_messages(struct made *made) {
  begin(made);
  bob_messages(made, 0, 1);
  made_seal(&made->bob);
  struct enveloped enveloped = made_envelope(made, 0, 2);
  bob_messages(made, 1, 1);
  made_seal(&made->bob);
  MADE_SIGN(made->alice_key, enveloped.proof.alice_signature, statement_receipt, &made->names,
            &enveloped);
  bob_envelope(made, &enveloped);
}

static void bob_not_given(struct made *made) {
  begin(made);
  bob_messages(made, 0, 1);
  made_seal(&made->bob);
  made->seen[0] ^= 1;
  struct enveloped enveloped = made_envelope(made, 0, 1);
  MADE_SIGN(made->alice_key, enveloped.proof.alice_signature, statement_receipt, &made->names,
            &enveloped);
  bob_envelope(made, &enveloped);
}

static const struct lie LIES[] = {
    {"4", "out of order", WHO_ALICE, skips_id},
    {"4", "out of order", WHO_BOB, bob_skips_id},
    {"4", "out of order", WHO_ALICE, repeats_id},
    {"4", "does not bear the time", WHO_ALICE, other_time},
    {"4", "not that of its messages", WHO_ALICE, other_time_of_all},
    {"form", "says when it is confirmed", WHO_BOB, bob_confirms},
    {"4", "not that of its messages", WHO_ALICE, too_few},
    {"4", "without the envelope", WHO_ALICE, no_envelope},
    {"4", "without the envelope", WHO_ALICE, between},
    {"4", "not there", WHO_BOB, of_nothing},
    {"4", "not of the next messages", WHO_BOB, not_next},
    {"form", "without signatures", WHO_ALICE, not_signed},
    {"3", "Bob's origin signature does not fit", WHO_BOB, other_digest},
    {"3", "Alice's receipt does not fit", WHO_BOB, made_up_receipt},
    {"3", "Bob's origin signature does not fit", WHO_ALICE, made_up_origin},
    {"3", "another key than that of Alice", WHO_ALICE, receipt_of_eve},
    {"3", "another key than that of Bob", WHO_ALICE, origin_of_eve},
    {"6", "a head at the receipt", WHO_ALICE, wrong_head_at_receipt},
    {"6", "had not given to Bob", WHO_ALICE, head_not_given},
    {"6", "had not given to Bob", WHO_ALICE, head_goes_back},
    {"6", "had not given to Bob", WHO_ALICE, head_of_before},
    {"7", "behind these messages", WHO_BOB, bob_head_never},
    {"7", "behind these messages", WHO_BOB, bob_head_before_messages},
    {"7", "had not given to Bob", WHO_BOB, bob_not_given},
};

/* Goal: each lie is seen, named, and on the line where it stands; nothing is proven. */
static void test_lies(void **state) {
  (void)state;
  tell_lies(LIES, COUNT_OF(LIES));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_lies)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
