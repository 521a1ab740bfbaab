// SPDX-License-Identifier: Apache-2.0
#include "made_trial.h"

/* One log, alone: honest ones pass, and for each rule of docs/EVIDENCE.md there is a log that
 * breaks only that: its heads are computed anew, and all is signed by those who own the keys. */

static struct view alice_log(const struct made *made) {
  return buf_view(&made->alice.log);
}

static struct view bob_log(const struct made *made) {
  return buf_view(&made->bob.log);
}

/* Goal: an honest session holds, of either side alone, however it is cut into pieces. */
static void test_honest(void **state) {
  (void)state;
  static const size_t pieces[] = {1, 100, 1 << 20};
  struct made *made = made_session();
  struct trial trial;
  char text[RULING_TEXT_SIZE];
  trial_begin(&trial, made, "", "");
  for (size_t i = 0; i < COUNT_OF(pieces); i++) {
    assert_int_equal(trial_rule(&trial, made, alice_log(made), no_log(), pieces[i], text),
                     RULING_PROVEN);
    const struct testimony *alice = &trial.bench.alice, *bob = &trial.bench.bob;
    assert_int_equal(alice->signatures, 12); /* 2 openings, 3 envelopes, an end; each by both */
    assert_int_equal(alice->messages, 6);
    assert_int_equal(alice->confirmed, 6);
    assert_int_equal(alice->envelopes, 3);
    assert_int_equal(alice->incidents, 1);
    assert_int_equal(alice->texts, 6);
    assert_true(alice->at_end);
    assert_int_equal(trial_rule(&trial, made, no_log(), bob_log(made), pieces[i], text),
                     RULING_PROVEN);
    assert_int_equal(bob->signatures, 12);
    assert_int_equal(bob->confirmed, 6);
    assert_int_equal(trial_rule(&trial, made, alice_log(made), bob_log(made), pieces[i], text),
                     RULING_PROVEN);
    assert_true(trial.bench.story.ended);
    assert_int_equal(trial.bench.story.connections, 2);
    assert_int_equal(trial.bench.story.messages, 6);
  }
  trial_end(&trial);
  made_end(made);
}

/* How a lie is told: from an honest beginning on. */
struct lie {
  const char *rule, *text; /* what the fault says, in part */
  enum who log;
  void (*tell)(struct made *made);
};

static void begin(struct made *made) {
  made_queued(made);
  made_seal(&made->bob);
  made_connection(made, false);
}

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

static void envelope_not_agreed(struct made *made) {
  made_queued(made);
  bob_messages(made, 0, 1);
  made_seal(&made->bob);
  struct opened opened = made_opening(made, false);
  alice_opened(made, &opened);
  bob_opened(made, &opened);
  made_seal(&made->bob);
  struct enveloped enveloped = made_envelope(made, 0, 1);
  bob_envelope(made, &enveloped);
}

static void end_not_agreed(struct made *made) {
  struct opened opened = made_opening(made, false);
  alice_opened(made, &opened);
  struct ended ended = made_ended(made, true);
  alice_ended(made, &ended, 0);
}

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
  made->bob_signed[0] ^= 1;
  struct ended ended = made_ended(made, false);
  MADE_SIGN(made->alice_key, ended.proof.alice_signature, statement_ended, &made->names, &ended);
  bob_ended(made, &ended);
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

static void incident_behind_end(struct made *made) {
  begin(made);
  made_over(made, true);
  made_incident(&made->alice);
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
    {"5", "an end outside of a connection", WHO_ALICE, end_not_agreed},
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
    {"8", "another number of messages", WHO_ALICE, end_of_more},
    {"8", "another number of messages", WHO_BOB, end_of_fewer},
    {"form", "an end without signatures", WHO_ALICE, end_not_signed},
    {"6", "a head at the end", WHO_ALICE, wrong_head_at_end},
    {"6", "had not given to Bob", WHO_ALICE, end_not_given},
    {"7", "his log never had", WHO_BOB, end_bob_head_never},
    {"3", "Bob's signature of the end does not fit", WHO_ALICE, end_made_up_bob},
    {"3", "Alice's signature of the end does not fit", WHO_BOB, end_made_up_alice},
    {"8", "behind an end that both have signed", WHO_ALICE, incident_behind_end},
    {"8", "behind an end that both have signed", WHO_BOB, connection_behind_end},
    {"8", "a message outside of a connection", WHO_ALICE, message_behind_end},
};

/* Goal: each lie is seen, named, and on the line where it stands; nothing is proven. */
static void test_lies(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(LIES); i++) {
    const struct lie *lie = &LIES[i];
    struct made *made = made_begin();
    struct trial trial;
    char text[RULING_TEXT_SIZE];
    lie->tell(made);
    made_seal(&made->alice);
    made_seal(&made->bob);
    trial_begin(&trial, made, "", "");
    bool alice = lie->log == WHO_ALICE;
    struct view log = alice ? alice_log(made) : bob_log(made);
    enum ruling ruling =
        trial_rule(&trial, made, alice ? log : no_log(), alice ? no_log() : log, 1 << 20, text);
    const struct fault *fault = alice ? &trial.bench.alice.fault : &trial.bench.bob.fault;
    if (ruling != RULING_REFUTED || fault->kind != FAULT_BROKEN ||
        strstr(fault->text, lie->text) == NULL || fault->line == 0)
      fail_msg("rule %s: \"%s\" is not seen: %s, %s", lie->rule, lie->text, ruling_name(ruling),
               text);
    trial_end(&trial);
    made_end(made);
  }
}

/* Goal: whose key it is, the reader's list says, at the time that the record bears. */
static void test_keys(void **state) {
  (void)state;
  static const struct {
    const char *alice_options, *bob_options, *alice, *bob;
    enum ruling ruling;
    const char *text;
  } cases[] = {
      {"", "", "alice@host", "bob@host", RULING_PROVEN, NULL},
      {"", "", NULL, "eve@bobs", RULING_PROVEN, NULL},
      {"", "", "carol@host", NULL, RULING_REFUTED, "is that of alice@host, and not of carol@host"},
      {"", "", NULL, "alice@host", RULING_REFUTED, "and not of alice@host"},
      {"valid-before=\"20261122\"", "", NULL, NULL, RULING_REFUTED, "was not valid at that time"},
      {"", "valid-after=\"20261123\"", NULL, NULL, RULING_REFUTED, "was not valid at that time"},
      {"valid-before=\"20261124\"", "valid-after=\"20261121\"", NULL, NULL, RULING_PROVEN, NULL},
      {"namespaces=\"file\"", "", NULL, NULL, RULING_UNDECIDED, "not in your list"},
      {"", "cert-authority", NULL, NULL, RULING_UNDECIDED, "not in your list"},
  };
  struct made *made = made_session();
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    struct trial trial;
    char text[RULING_TEXT_SIZE];
    trial_begin(&trial, made, cases[i].alice_options, cases[i].bob_options);
    trial.options.alice = cases[i].alice;
    trial.options.bob = cases[i].bob;
    assert_int_equal(trial_rule(&trial, made, alice_log(made), bob_log(made), 1 << 20, text),
                     cases[i].ruling);
    if (cases[i].text != NULL && strstr(text, cases[i].text) == NULL)
      fail_msg("\"%s\" does not say \"%s\"", text, cases[i].text);
    trial_end(&trial);
  }
  made_end(made);
}

/* Goal: a key that runs out in the middle of a session is judged at the time of each record: what
 * came before counts, and the first record behind is named. */
static void test_key_runs_out(void **state) {
  (void)state;
  struct made *made = made_begin();
  struct trial trial;
  char text[RULING_TEXT_SIZE];
  begin(made);
  made_delivery(made, 0, 1);
  made->now_us += UINT64_C(86400) * 1000000;
  made_delivery(made, 1, 1);
  trial_begin(&trial, made, "valid-before=\"20261123000000\"", "");
  trial.bench.question = (struct question){QUESTION_STORED, 0};
  assert_int_equal(trial_rule(&trial, made, alice_log(made), no_log(), 1 << 20, text),
                   RULING_PROVEN);
  trial.bench.question = (struct question){QUESTION_STORED, 1};
  assert_int_equal(trial_rule(&trial, made, alice_log(made), no_log(), 1 << 20, text),
                   RULING_UNDECIDED);
  assert_non_null(strstr(text, "was not valid at that time"));
  assert_int_equal(trial.bench.alice.fault.id, FAULT_NO_ID);
  trial_end(&trial);
  made_end(made);
}

/* Goal: a bit that is flipped anywhere in either log, alone, is seen (here every 13th of them). */
static void test_flips(void **state) {
  (void)state;
  struct made *made = made_begin();
  struct trial trial;
  char text[RULING_TEXT_SIZE];
  begin(made);
  made_delivery(made, 0, 2);
  made_over(made, true);
  trial_begin(&trial, made, "", "");
  for (int side = 0; side < 2; side++) {
    struct view log = side == 0 ? alice_log(made) : bob_log(made);
    uint8_t *copy = malloc(log.size);
    memcpy(copy, log.data, log.size);
    for (size_t bit = 0; bit < log.size * 8; bit += 13) {
      copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
      struct view flipped = view_of(copy, log.size);
      if (trial_rule(&trial, made, side == 0 ? flipped : no_log(), side == 0 ? no_log() : flipped,
                     1 << 20, text) == RULING_PROVEN)
        fail_msg("bit %zu of the log of side %d", bit, side);
      copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    free(copy);
  }
  trial_end(&trial);
  made_end(made);
}

/* Goal: a log that is cut is never more than it is: cut between chunks it is a shorter log, cut
 * within one it is undecided, and with nothing in it, too. */
static void test_truncations(void **state) {
  (void)state;
  struct made *made = made_session();
  struct trial trial;
  char text[RULING_TEXT_SIZE];
  trial_begin(&trial, made, "", "");
  struct view log = alice_log(made);
  unsigned proven = 0;
  for (size_t size = 0; size < log.size; size++) {
    struct view cut = view_of(log.data, size);
    enum ruling ruling = trial_rule(&trial, made, cut, no_log(), 1 << 20, text);
    assert_int_not_equal(ruling, RULING_REFUTED);
    bool whole =
        size > 65 && log.data[size - 1] == '\n' && memcmp(log.data + size - 71, "Head: ", 6) == 0;
    bool agreed = size > 1 && memmem(log.data, size, "Signed by Bob: ", 15) != NULL;
    assert_int_equal(ruling == RULING_PROVEN, whole && agreed);
    proven += ruling == RULING_PROVEN;
    trial.bench.question.kind = QUESTION_COMPLETE;
    assert_int_not_equal(trial_rule(&trial, made, cut, no_log(), 1 << 20, text), RULING_PROVEN);
    trial.bench.question.kind = QUESTION_VERIFY;
  }
  assert_int_equal(proven, 7); /* of 9 chunks, but for the first and the last */
  trial_end(&trial);
  made_end(made);
}

/* Goal: a text may be withheld: all else still holds. */
static void test_withheld(void **state) {
  (void)state;
  struct made *made = made_session();
  struct trial trial;
  char text[RULING_TEXT_SIZE];
  trial_begin(&trial, made, "", "");
  uint8_t *at = memmem(made->bob.log.data, made->bob.log.size, "Message text: message 2\n", 24);
  assert_non_null(at);
  size_t size = (size_t)(made->bob.log.data + made->bob.log.size - (at + 24));
  memmove(at, at + 24, size);
  struct view redacted = view_of(made->bob.log.data, made->bob.log.size - 24);
  assert_int_equal(trial_rule(&trial, made, alice_log(made), redacted, 1 << 20, text),
                   RULING_PROVEN);
  assert_int_equal(trial.bench.bob.texts, 5);
  trial_end(&trial);
  made_end(made);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_honest),   cmocka_unit_test(test_lies),
      cmocka_unit_test(test_keys),     cmocka_unit_test(test_key_runs_out),
      cmocka_unit_test(test_flips),    cmocka_unit_test(test_truncations),
      cmocka_unit_test(test_withheld),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
