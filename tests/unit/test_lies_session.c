// SPDX-License-Identifier: Apache-2.0
#include "lies.h"

/* For each rule of docs/EVIDENCE.md about the beginning, the connections and the end of one log
 * there is one that breaks only that. */

static void no_connection(struct made *made) {
  made_incident(&made->alice);
}

static void begins_with_incident(struct made *made) {
  /* A first block has no empty line before it. */
  made_incident(&made->alice);
  buf_consume(&made->alice.chunk.bytes, 1);
}

static void resumes_first(struct made *made) {
  made_connection(made, true);
}

static void opens_twice(struct made *made) {
  begin(made);
  made_connection(made, false);
}

static void queued_twice(struct made *made) {
  begin(made);
  MUST(buf_text(&made->bob.chunk.bytes, "\n"));
  made_queued(made);
}

static void other_session(struct made *made) {
  uint8_t other[16] = {1};
  begin(made);
  struct opened opened = made_opening(made, true);
  opened.session_id = other;
  alice_opened(made, &opened);
}

static void other_alice(struct made *made) {
  begin(made);
  struct opened opened = made_opening(made, true);
  memcpy(opened.alice.key, ed25519_key(made->eve_key), 32);
  alice_opened(made, &opened);
}

static void other_bob(struct made *made) {
  begin(made);
  struct opened opened = made_opening(made, true);
  memcpy(opened.bob.key, ed25519_key(made->eve_key), 32);
  alice_opened(made, &opened);
}

static void other_handshake(struct made *made) {
  begin(made);
  struct opened opened = made_opening(made, true);
  opened.tls = false;
  MUST(record_opened(&made->alice.chunk.bytes, LOG_TEXT, false, &opened));
}

static void wrong_next_id(struct made *made) {
  begin(made);
  made_delivery(made, 0, 2);
  struct opened opened = made_opening(made, true);
  opened.next_id = 1;
  alice_opened(made, &opened);
}

static void next_id_goes_back(struct made *made) {
  begin(made);
  made_delivery(made, 0, 2);
  struct opened opened = made_opening(made, true);
  opened.next_id = 1;
  MADE_SIGN(made->alice_key, opened.alice_signature, statement_opening, &opened);
  bob_opened(made, &opened);
}

static void next_id_ahead(struct made *made) {
  begin(made);
  struct opened opened = made_opening(made, true);
  opened.next_id = 1;
  MADE_SIGN(made->alice_key, opened.alice_signature, statement_opening, &opened);
  bob_opened(made, &opened);
}

static void wrong_alice_head(struct made *made) {
  begin(made);
  struct opened opened = made_opening(made, true);
  opened.alice_head[5] ^= 1;
  alice_opened(made, &opened);
}

static void older_alice_head(struct made *made) {
  struct opened first;
  made_queued(made);
  made_seal(&made->bob);
  first = made_connection(made, false);
  struct opened opened = made_opening(made, true);
  memcpy(opened.alice_head, first.alice_head, HEAD_SIZE); /* of the empty log */
  alice_opened(made, &opened);
}

static void wrong_bob_head(struct made *made) {
  begin(made);
  struct opened opened = made_opening(made, true);
  opened.bob_head[5] ^= 1;
  MADE_SIGN(made->alice_key, opened.alice_signature, statement_opening, &opened);
  bob_opened(made, &opened);
}

static void agreed_twice(struct made *made) {
  struct opened opened;
  made_queued(made);
  made_seal(&made->bob);
  opened = made_connection(made, false);
  made_agreed(made, &made->alice, &opened);
}

static void opening_of_eve(struct made *made) { /* Bob's signature, made by Eve */
  uint8_t signature[SIGNATURE_SIZE];
  struct names names = made->names;
  struct opened opened = made_opening(made, false);
  alice_opened(made, &opened);
  memcpy(names.bob_key, ed25519_key(made->eve_key), 32);
  MADE_SIGN(made->eve_key, signature, statement_opening, &opened);
  MUST(record_agreed(&made->alice.chunk.bytes, &names, signature));
}

static void wrong_opening_alice(struct made *made) {
  struct opened opened = made_opening(made, false);
  alice_opened(made, &opened);
  chunk_free(&made->alice.chunk);
  MUST(chunk_init(&made->alice.chunk, MADE_MAX));
  opened.when_us++; /* another time than the one that she signed */
  MUST(record_opened(&made->alice.chunk.bytes, LOG_TEXT, true, &opened));
}

static void wrong_opening_bob(struct made *made) {
  struct opened opened = made_opening(made, false);
  alice_opened(made, &opened);
  opened.next_id = 7;
  made_agreed(made, &made->alice, &opened);
}

static void not_agreed(struct made *made) {
  struct opened opened = made_opening(made, false);
  alice_opened(made, &opened);
  alice_messages(made, 0, 1, made->now_us);
}

static void bob_not_agreed(struct made *made) {
  made_queued(made);
  bob_messages(made, 0, 1);
  made_seal(&made->bob);
  struct opened opened = made_opening(made, false);
  alice_opened(made, &opened);
  bob_opened(made, &opened);
}

static void bob_agrees_late(struct made *made) {
  bob_not_agreed(made);
  made_incident(&made->bob);
}

static void envelope_not_agreed(struct made *made) {
  made_queued(made);
  bob_messages(made, 0, 1);
  made_seal(&made->bob);
  struct enveloped enveloped = made_envelope(made, 0, 1);
  bob_envelope(made, &enveloped);
}

static void begins_with_another_key(struct made *made) {
  struct queued queued = {.to = "port", .since_us = made->now_us, .tls = true};
  memcpy(queued.bob.key, ed25519_key(made->eve_key), 32);
  MUST(record_queued(&made->bob.chunk.bytes, &queued));
  made->bob.records++;
  made_seal(&made->bob);
  made_connection(made, false);
}

static void end_not_agreed(struct made *made) {
  struct opened opened = made_opening(made, false);
  alice_opened(made, &opened);
  struct ended ended = made_ended(made, true);
  alice_ended(made, &ended, 0);
}

static void end_of_more(struct made *made) {
  begin(made);
  made_delivery(made, 0, 1);
  made->stored = 2;
  struct ended ended = made_ended(made, true);
  alice_ended(made, &ended, 0);
}

static void end_of_fewer(struct made *made) {
  begin(made);
  made_delivery(made, 0, 2);
  made->stored = 1;
  struct ended ended = made_ended(made, true);
  MADE_SIGN(made->alice_key, ended.proof.alice_signature, statement_ended, &made->names, &ended);
  bob_ended(made, &ended);
}

static void end_not_signed(struct made *made) {
  begin(made);
  struct ended ended = made_ended(made, true);
  MUST(record_ended(&made->alice.chunk.bytes, NULL, &ended));
}

static void wrong_head_at_end(struct made *made) {
  begin(made);
  struct ended ended = made_ended(made, true);
  alice_ended(made, &ended, 1);
}

static void end_not_given(struct made *made) {
  begin(made);
  made->seen[0] ^= 1;
  struct ended ended = made_ended(made, true);
  alice_ended(made, &ended, 0);
}

static void end_bob_head_never(struct made *made) {
  begin(made);
  made->bob.chunk.head.last[0] ^= 1;
  struct ended ended = made_ended(made, true);
  made->bob.chunk.head.last[0] ^= 1;
  MADE_SIGN(made->alice_key, ended.proof.alice_signature, statement_ended, &made->names, &ended);
  bob_ended(made, &ended);
}

static void end_not_signed_head(struct made *made) {
  begin(made);
  made->bob_signed[0] ^= 1;
  struct ended ended = made_ended(made, false);
  alice_ended(made, &ended, 0);
}

static void end_made_up_bob(struct made *made) {
  begin(made);
  struct ended ended = made_ended(made, true);
  MADE_SIGN(made->alice_key, ended.proof.bob_signature, statement_end, &made->names, &ended);
  alice_ended(made, &ended, 0);
}

static void end_made_up_alice(struct made *made) {
  begin(made);
  struct ended ended = made_ended(made, true);
  MADE_SIGN(made->bob_key, ended.proof.alice_signature, statement_ended, &made->names, &ended);
  bob_ended(made, &ended);
}

/* Messages wait in his log. */
static void end_with_waiting(struct made *made) {
  begin(made);
  made_delivery(made, 0, 1);
  bob_messages(made, 1, 1);
  struct ended ended = made_ended(made, false);
  MADE_SIGN(made->alice_key, ended.proof.alice_signature, statement_ended, &made->names, &ended);
  bob_ended(made, &ended);
}

static void message_behind_bobs_end(struct made *made) {
  begin(made);
  made_over(made, false);
  bob_messages(made, 0, 1);
}

static void connection_behind_end(struct made *made) {
  begin(made);
  made_over(made, true);
  made_connection(made, true);
}

static void message_behind_end(struct made *made) {
  begin(made);
  made_over(made, false);
  struct enveloped enveloped = made_envelope(made, 0, 1);
  alice_messages(made, 0, 1, enveloped.confirmed_us);
  alice_envelope(made, &enveloped, 0);
}

static const struct lie LIES[] = {
    {"form", "does not belong there", WHO_ALICE, no_connection},
    {"2", "begins with no connection", WHO_ALICE, begins_with_incident},
    {"2", "does not open the session", WHO_ALICE, resumes_first},
    {"2", "opens a session, behind the first", WHO_ALICE, opens_twice},
    {"2", "opens a session, behind the first", WHO_BOB, opens_twice},
    {"form", "a second beginning", WHO_BOB, queued_twice},
    {"2", "another session", WHO_ALICE, other_session},
    {"2", "another key of Alice's", WHO_ALICE, other_alice},
    {"2", "another key of Bob's", WHO_ALICE, other_bob},
    {"2", "another handshake", WHO_ALICE, other_handshake},
    {"6", "a next ID that is not", WHO_ALICE, wrong_next_id},
    {"7", "below messages whose receipts", WHO_BOB, next_id_goes_back},
    {"7", "above the messages", WHO_BOB, next_id_ahead},
    {"6", "did not have there", WHO_ALICE, wrong_alice_head},
    {"6", "did not have there", WHO_ALICE, older_alice_head},
    {"7", "his log never had", WHO_BOB, wrong_bob_head},
    {"5", "belongs to no connection", WHO_ALICE, agreed_twice},
    {"3", "another key than that of Bob", WHO_ALICE, opening_of_eve},
    {"3", "Alice's signature of the opening does not fit", WHO_ALICE, wrong_opening_alice},
    {"3", "Bob's signature of the opening does not fit", WHO_ALICE, wrong_opening_bob},
    {"5", "a message outside of a connection", WHO_ALICE, not_agreed},
    {"5", "an envelope outside of a connection", WHO_BOB, envelope_not_agreed},
    {"5", "something else than Bob's signature", WHO_BOB, bob_not_agreed},
    {"5", "something else than Bob's signature", WHO_BOB, bob_agrees_late},
    {"2", "with which Bob's log began", WHO_BOB, begins_with_another_key},
    {"5", "an end outside of a connection", WHO_ALICE, end_not_agreed},
    {"8", "another number of messages", WHO_ALICE, end_of_more},
    {"8", "another number of messages", WHO_BOB, end_of_fewer},
    {"form", "an end without signatures", WHO_ALICE, end_not_signed},
    {"6", "a head at the end", WHO_ALICE, wrong_head_at_end},
    {"6", "had not given to Bob", WHO_ALICE, end_not_given},
    {"7", "his log never had", WHO_BOB, end_bob_head_never},
    {"6", "without the last head of Bob's", WHO_ALICE, end_not_signed_head},
    {"3", "Bob's signature of the end does not fit", WHO_ALICE, end_made_up_bob},
    {"3", "Alice's signature of the end does not fit", WHO_BOB, end_made_up_alice},
    {"8", "another number of messages", WHO_BOB, end_with_waiting},
    {"8", "behind the end of Bob's log", WHO_BOB, message_behind_bobs_end},
    {"8", "behind the end of Bob's log", WHO_BOB, connection_behind_end},
    {"8", "a message outside of a connection", WHO_ALICE, message_behind_end},
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
