// SPDX-License-Identifier: Apache-2.0
#include "made_trial.h"

/* Both logs together, and the answers to what is asked of them. */

static struct view alice_log(const struct made *made) {
  return buf_view(&made->alice.log);
}

static struct view bob_log(const struct made *made) {
  return buf_view(&made->bob.log);
}

static void begin(struct made *made) {
  made_queued(made);
  made_seal(&made->bob);
  made_connection(made, false);
}

/* Put one question, and hold the answer against what it should be. */
static void ask(struct made *made, enum question_kind kind, uint64_t id, struct view alice,
                struct view bob, enum ruling ruling, const char *text) {
  struct trial trial;
  char said[RULING_TEXT_SIZE];
  trial_begin(&trial, made, "", "");
  trial.bench.question = (struct question){kind, id};
  enum ruling is = trial_rule(&trial, made, alice, bob, 1 << 20, said);
  if (is != ruling || strstr(said, text) == NULL)
    fail_msg("asked %d of %llu: %s: %s", (int)kind, (unsigned long long)id, ruling_name(is), said);
  trial_end(&trial);
}

/* Goal: an honest, ended session answers all questions, from both logs and from either. */
static void test_honest(void **state) {
  (void)state;
  struct made *made = made_session();
  struct view alice = alice_log(made), bob = bob_log(made);
  ask(made, QUESTION_SAME, FAULT_NO_ID, alice, bob, RULING_PROVEN, "tell one story of 6 messages");
  ask(made, QUESTION_COMPLETE, FAULT_NO_ID, alice, bob, RULING_PROVEN, "6 messages, to its end");
  ask(made, QUESTION_COMPLETE, FAULT_NO_ID, alice, no_log(), RULING_PROVEN, "both have signed");
  ask(made, QUESTION_COMPLETE, FAULT_NO_ID, no_log(), bob, RULING_PROVEN, "both have signed");
  for (uint64_t id = 0; id < 6; id++) {
    ask(made, QUESTION_SENT, id, alice, no_log(), RULING_PROVEN, "stands in Alice's log");
    ask(made, QUESTION_SENT, id, no_log(), bob, RULING_PROVEN, "stands in Bob's log");
    ask(made, QUESTION_STORED, id, alice, bob, RULING_PROVEN, "her receipt of messages");
  }
  ask(made, QUESTION_SENT, 6, alice, bob, RULING_REFUTED, "both logs end with an end of 6");
  ask(made, QUESTION_STORED, 6, alice, bob, RULING_REFUTED, "which both have signed");
  ask(made, QUESTION_SENT, 6, no_log(), bob, RULING_UNDECIDED, "may go on behind an end");
  ask(made, QUESTION_STORED, 6, alice, no_log(), RULING_UNDECIDED, "only both logs together");
  made_end(made);
}

/* Goal: nothing in a log proves nothing. */
static void test_nothing(void **state) {
  (void)state;
  struct made *made = made_begin();
  made_queued(made);
  bob_messages(made, 0, 1);
  made_seal(&made->bob);
  for (enum question_kind kind = QUESTION_VERIFY; kind <= QUESTION_SAME; kind++) {
    ask(made, kind, 0, no_log(), no_log(), RULING_UNDECIDED, "no log was given");
    ask(made, kind, 0, view_of("", 0), no_log(), RULING_UNDECIDED, "holds no connection");
    ask(made, kind, 0, no_log(), bob_log(made), RULING_UNDECIDED, "holds no connection");
    ask(made, kind, 0, view_of("", 0), bob_log(made), RULING_UNDECIDED, "holds no connection");
  }
  made_end(made);
}

/* Goal: a session in plain mode has no evidence, and is said to have none. */
static void test_plain(void **state) {
  (void)state;
  struct made *made = made_begin();
  struct opened opened = made_opening(made, false);
  opened.tls = false;
  MUST(record_opened(&made->alice.chunk.bytes, LOG_TEXT, true, &opened));
  alice_messages(made, 0, 1, made->now_us);
  MUST(record_envelope(&made->alice.chunk.bytes, 0, 1, WHEN_NEVER, 0));
  struct ended ended = {.messages = 1, .ended_us = made->now_us};
  MUST(record_ended(&made->alice.chunk.bytes, NULL, &ended));
  made_seal(&made->alice);
  for (enum question_kind kind = QUESTION_VERIFY; kind <= QUESTION_SAME; kind++)
    for (uint64_t id = 0; id < 2; id++)
      ask(made, kind, id, alice_log(made), no_log(), RULING_UNDECIDED,
          "this session has no evidence: keys were sent in the clear");
  made_end(made);
}

/* Goal: a session that goes on: what is confirmed is proven, what waits is not, and nothing is
 * ruled out. */
static void test_open_session(void **state) {
  (void)state;
  struct made *made = made_begin();
  begin(made);
  made_delivery(made, 0, 2);
  bob_messages(made, 2, 1);
  made_seal(&made->bob);
  struct view alice = alice_log(made), bob = bob_log(made);
  ask(made, QUESTION_SAME, FAULT_NO_ID, alice, bob, RULING_PROVEN, "one story of 2 messages");
  ask(made, QUESTION_COMPLETE, FAULT_NO_ID, alice, bob, RULING_UNDECIDED, "not end with an end");
  ask(made, QUESTION_SENT, 2, alice, bob, RULING_UNDECIDED, "message 2 waits in Bob's log");
  ask(made, QUESTION_STORED, 2, alice, bob, RULING_UNDECIDED, "a receipt of Alice's is missing");
  ask(made, QUESTION_STORED, 3, alice, bob, RULING_UNDECIDED, "no envelope covers message 3");
  made_end(made);
}

/* Goal: in Alice's log an end is not the last word, whoever has signed it: the session may go on.
 * In Bob's it is. */
static void test_goes_on(void **state) {
  (void)state;
  for (int by_bob = 0; by_bob < 2; by_bob++) {
    struct made *made = made_begin();
    begin(made);
    made_delivery(made, 0, 2);
    struct ended ended = made_ended(made, by_bob); /* it never reaches Bob */
    alice_ended(made, &ended, 0);
    made_seal(&made->alice);
    struct view alice = alice_log(made), bob = bob_log(made);
    ask(made, QUESTION_COMPLETE, FAULT_NO_ID, alice, no_log(),
        by_bob ? RULING_PROVEN : RULING_UNDECIDED, by_bob ? "both have signed" : "not signed");
    ask(made, QUESTION_SAME, FAULT_NO_ID, alice, bob, by_bob ? RULING_UNDECIDED : RULING_PROVEN,
        by_bob ? "and his log lacks it" : "one story of 2");
    ask(made, QUESTION_COMPLETE, FAULT_NO_ID, alice, bob,
        by_bob ? RULING_REFUTED : RULING_UNDECIDED, by_bob ? "lacks it" : "not signed");
    ask(made, QUESTION_SENT, 2, alice, bob, RULING_UNDECIDED, "may go on behind an end");
    size_t first_end = made->alice.log.size;
    made_connection(made, true);
    made_delivery(made, 2, 1);
    made_over(made, by_bob);
    alice = alice_log(made), bob = bob_log(made);
    ask(made, QUESTION_SAME, FAULT_NO_ID, alice, bob, RULING_PROVEN, "one story of 3 messages");
    ask(made, QUESTION_STORED, 3, alice, bob, RULING_REFUTED, "both logs end with an end of 3");
    ask(made, QUESTION_SENT, 3, alice, bob, RULING_REFUTED, "both logs end with an end of 3");
    /* Alice cuts her log at the first end: it looks whole, but nothing is refuted in her favour */
    struct view cut = view_of(alice.data, first_end);
    ask(made, QUESTION_STORED, 2, cut, no_log(), RULING_UNDECIDED, "may go on behind an end");
    ask(made, QUESTION_STORED, 2, cut, bob, RULING_PROVEN, "Her own log does not show it");
    ask(made, QUESTION_SAME, FAULT_NO_ID, cut, bob, RULING_REFUTED, "speaks against Alice");
    made_end(made);
  }
}

/* Goal: Bob may give up a session that Alice cannot go on with; that is no evidence of an end. */
static void test_given_up(void **state) {
  (void)state;
  struct made *made = made_begin();
  begin(made);
  made_delivery(made, 0, 2);
  struct ended ended = {.messages = 2, .ended_us = made->now_us};
  MUST(record_ended(&made->bob.chunk.bytes, NULL, &ended));
  made_seal(&made->bob);
  ask(made, QUESTION_SAME, FAULT_NO_ID, alice_log(made), bob_log(made), RULING_PROVEN, "one story");
  ask(made, QUESTION_COMPLETE, FAULT_NO_ID, no_log(), bob_log(made), RULING_UNDECIDED,
      "Bob gave the session up");
  ask(made, QUESTION_SENT, 2, alice_log(made), bob_log(made), RULING_UNDECIDED, "no envelope");
  made_end(made);
}

/* What honest crashes and cuts leave: not all of it reached Bob. */
static void test_unreached(void **state) {
  (void)state;
  struct made *made = made_begin();
  made_queued(made);
  bob_messages(made, 0, 3);
  made_seal(&made->bob);
  made_connection(made, false);
  /* a confirmation that comes over the next connection */
  struct enveloped late = made_envelope(made, 0, 1);
  alice_messages(made, 0, 1, late.confirmed_us);
  alice_envelope(made, &late, 0);
  made_seal(&made->alice);
  /* a connection whose answer never reached Bob */
  struct opened opened = made_opening(made, true);
  alice_opened(made, &opened);
  made_seal(&made->alice);
  made_connection(made, true);
  bob_envelope(made, &late);
  made_seal(&made->bob);
  /* his signature of the connection never reached Alice */
  opened = made_opening(made, true);
  alice_opened(made, &opened);
  made_seal(&made->alice);
  bob_opened(made, &opened);
  made_agreed(made, &made->bob, &opened);
  made_seal(&made->bob);
  /* he has signed one, and died before it was on his disk */
  opened = made_opening(made, true);
  alice_opened(made, &opened);
  made_agreed(made, &made->alice, &opened);
  made_seal(&made->alice);
  opened = made_connection(made, true);
  memcpy(made->seen, opened.alice_head, HEAD_SIZE);
  struct enveloped last = made_envelope(made, 1, 2);
  alice_messages(made, 1, 2, last.confirmed_us);
  alice_envelope(made, &last, 0);
  made_seal(&made->alice);
  ask(made, QUESTION_SAME, FAULT_NO_ID, alice_log(made), bob_log(made), RULING_PROVEN, "one story");
  ask(made, QUESTION_STORED, 2, alice_log(made), bob_log(made), RULING_PROVEN, "in Alice's log");
  ask(made, QUESTION_STORED, 2, no_log(), bob_log(made), RULING_UNDECIDED, "waits in Bob's log");
  struct ended ended = made_ended(made, true); /* and neither did this */
  alice_ended(made, &ended, 0);
  made_seal(&made->alice);
  struct view alice = alice_log(made), bob = bob_log(made);
  ask(made, QUESTION_SAME, FAULT_NO_ID, alice, bob, RULING_UNDECIDED, "his log lacks it");
  ask(made, QUESTION_COMPLETE, FAULT_NO_ID, alice, bob, RULING_REFUTED, "his log lacks it");
  made_end(made);
}

/* How far a log stands at each moment of a session. */
struct moment {
  size_t alice, bob;
};

static struct moment now(const struct made *made) {
  return (struct moment){made->alice.log.size, made->bob.log.size};
}

/* Goal: a log that is cut behind what the other side holds a signature for is found out, and
 * against whom it speaks. */
static void test_cut(void **state) {
  (void)state;
  struct made *made = made_begin();
  begin(made);
  made_delivery(made, 0, 2);
  struct moment before = now(made);
  made_delivery(made, 2, 1);
  struct moment envelope = now(made);
  made_connection(made, true);
  struct moment connection = now(made);
  made_over(made, true);
  struct view alice = alice_log(made), bob = bob_log(made);
  struct {
    size_t alice, bob;
    const char *text;
  } cuts[] = {
      {before.alice, bob.size, "Alice's receipt of messages 2-2, which her log does not have"},
      {before.alice, envelope.bob, "This speaks against Alice"},
      {envelope.alice, connection.bob, "a connection that Alice has signed"},
      {connection.alice, bob.size, "an end that Alice has signed"},
      {envelope.alice, before.bob, "messages that Bob has signed"},
      {envelope.alice, before.bob, "This speaks against Bob"},
      {alice.size, envelope.bob, "over a connection that Bob has signed, and that his log"},
      {alice.size, before.bob, "speaks against Bob"},
  };
  for (size_t i = 0; i < COUNT_OF(cuts); i++)
    ask(made, QUESTION_SAME, FAULT_NO_ID, view_of(alice.data, cuts[i].alice),
        view_of(bob.data, cuts[i].bob), RULING_REFUTED, cuts[i].text);
  ask(made, QUESTION_SAME, FAULT_NO_ID, alice, view_of(bob.data, connection.bob), RULING_UNDECIDED,
      "his log lacks it");
  /* and what was signed stays proven by the other log */
  ask(made, QUESTION_STORED, 2, view_of(alice.data, before.alice), bob, RULING_PROVEN,
      "Her own log does not show it");
  ask(made, QUESTION_SENT, 2, alice, view_of(bob.data, before.bob), RULING_PROVEN,
      "stands in Alice's log");
  made_end(made);
}

/* Two continuations of one beginning, one log of each: ${tell} goes on, told which it is. */
static void fork_session(void (*tell)(struct made *made, int which), const char *text) {
  struct made *made[2];
  for (int i = 0; i < 2; i++) {
    made[i] = made_begin();
    begin(made[i]);
    made_delivery(made[i], 0, 1);
    tell(made[i], i);
  }
  ask(made[0], QUESTION_VERIFY, FAULT_NO_ID, alice_log(made[0]), bob_log(made[0]), RULING_PROVEN,
      "one story");
  ask(made[0], QUESTION_VERIFY, FAULT_NO_ID, alice_log(made[1]), no_log(), RULING_PROVEN, "");
  ask(made[0], QUESTION_VERIFY, FAULT_NO_ID, no_log(), bob_log(made[1]), RULING_PROVEN, "");
  ask(made[0], QUESTION_VERIFY, FAULT_NO_ID, alice_log(made[1]), bob_log(made[0]), RULING_REFUTED,
      text);
  made_end(made[0]);
  made_end(made[1]);
}

static void other_text(struct made *made, int which) {
  made->salt[0] = which ? 'x' : '\0';
  made_delivery(made, 1, 1);
}

static void other_grouping(struct made *made, int which) {
  if (which) {
    made_delivery(made, 1, 2);
  } else {
    made_delivery(made, 1, 1);
    made_delivery(made, 2, 1);
  }
}

static void other_confirmation(struct made *made, int which) {
  made->now_us += (unsigned)which;
  made_delivery(made, 1, 1);
}

static void other_origin(struct made *made, int which) {
  bob_messages(made, 1, 1);
  made_seal(&made->bob);
  if (which)
    made_incident(&made->bob);
  made_seal(&made->bob);
  struct enveloped enveloped = made_envelope(made, 1, 1);
  alice_messages(made, 1, 1, enveloped.confirmed_us);
  alice_envelope(made, &enveloped, 0);
  made_seal(&made->alice);
  bob_envelope(made, &enveloped);
  made_seal(&made->bob);
}

static void other_end(struct made *made, int which) {
  made->now_us += (unsigned)which;
  made_over(made, true);
}

static void other_connection(struct made *made, int which) {
  made->now_us += (unsigned)which;
  made_connection(made, true);
  made_delivery(made, 1, 1);
}

static void without_receipt(struct made *made, int which) {
  made->salt[0] = which ? 'x' : '\0';
  bob_messages(made, 1, 1);
  made_seal(&made->bob);
  struct enveloped enveloped = made_envelope(made, 1, 1);
  alice_messages(made, 1, 1, enveloped.confirmed_us);
  alice_envelope(made, &enveloped, 0);
  made_seal(&made->alice);
}

static void bob_head_of_another(struct made *made, int which) {
  bob_messages(made, 1, 1);
  made_seal(&made->bob);
  if (which) {
    made_incident(&made->bob);
    made_seal(&made->bob);
  }
  struct enveloped enveloped = made_envelope(made, 1, 1);
  alice_messages(made, 1, 1, enveloped.confirmed_us);
  alice_envelope(made, &enveloped, 0);
  made_seal(&made->alice);
}

static void asked_with_another_head(struct made *made, int which) {
  if (which) {
    made_incident(&made->bob);
    made_seal(&made->bob);
  }
  struct opened opened = made_opening(made, true); /* the answer never reaches Bob */
  alice_opened(made, &opened);
  made_seal(&made->alice);
}

/* Goal: two logs of two sides that do not belong to one story are found out, wherever they part. */
static void test_forks(void **state) {
  (void)state;
  fork_session(other_text, "other messages than in Bob's log under the same ids");
  fork_session(other_grouping, "in one envelope, where Bob has");
  fork_session(other_confirmation, "another receipt of Alice's");
  fork_session(other_origin, "another origin signature of Bob's");
  fork_session(other_end, "another end than the one that Alice gave");
  fork_session(other_connection,
               "a connection that Bob has signed, and that his log does not have");
  fork_session(without_receipt, "where his log has others under their ids");
  fork_session(bob_head_of_another, "a head of Bob's that his log does not have");
  fork_session(asked_with_another_head, "a connection with a head of Bob's");
}

/* Goal: an end that never reached Bob, and that bears a head of a Bob who told another story. */
static void test_end_of_another(void **state) {
  (void)state;
  struct made *made[2];
  for (int i = 0; i < 2; i++) {
    made[i] = made_begin();
    begin(made[i]);
    if (i == 1)
      made_incident(&made[i]->bob);
    made_seal(&made[i]->bob);
    struct ended ended = made_ended(made[i], true);
    alice_ended(made[i], &ended, 0);
    made_seal(&made[i]->alice);
  }
  ask(made[0], QUESTION_SAME, FAULT_NO_ID, alice_log(made[1]), bob_log(made[1]), RULING_UNDECIDED,
      "and his log lacks it");
  ask(made[0], QUESTION_SAME, FAULT_NO_ID, alice_log(made[1]), bob_log(made[0]), RULING_REFUTED,
      "a head of Bob's that his log does not have");
  made_end(made[0]);
  made_end(made[1]);
}

/* Goal: logs of two sessions, or of other people, are not one story. */
static void test_strangers(void **state) {
  (void)state;
  struct made *made = made_session(), *other = made_begin();
  other->names.session_id[0] ^= 1;
  begin(other);
  ask(made, QUESTION_SAME, FAULT_NO_ID, alice_log(other), bob_log(made), RULING_REFUTED,
      "another session");
  made_end(other);
  other = made_begin();
  memcpy(other->names.alice_key, ed25519_key(other->eve_key), sizeof other->names.alice_key);
  ed25519_free(other->alice_key);
  other->alice_key = made_key(0xee);
  begin(other);
  ask(made, QUESTION_SAME, FAULT_NO_ID, alice_log(other), bob_log(made), RULING_REFUTED,
      "other keys than in Bob's log");
  made_end(other);
  made_end(made);
}

/* Goal: Alice's log is more than what can have been in flight ahead of Bob's: it is he who left the
 * receipts out. */
static void test_receipts_left_out(void **state) {
  (void)state;
  struct made *made = made_begin();
  made_queued(made);
  bob_messages(made, 0, 100);
  made_seal(&made->bob);
  made_connection(made, false);
  for (uint64_t id = 0; id < 100; id++) {
    struct enveloped enveloped = made_envelope(made, id, 1);
    alice_messages(made, id, 1, enveloped.confirmed_us);
    alice_envelope(made, &enveloped, 0);
    made_seal(&made->alice);
  }
  made_connection(made, true);
  ask(made, QUESTION_SAME, FAULT_NO_ID, alice_log(made), bob_log(made), RULING_REFUTED,
      "whose receipt Bob must have had");
  made_end(made);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_honest),         cmocka_unit_test(test_nothing),
      cmocka_unit_test(test_plain),          cmocka_unit_test(test_open_session),
      cmocka_unit_test(test_goes_on),        cmocka_unit_test(test_given_up),
      cmocka_unit_test(test_unreached),      cmocka_unit_test(test_cut),
      cmocka_unit_test(test_forks),          cmocka_unit_test(test_strangers),
      cmocka_unit_test(test_end_of_another), cmocka_unit_test(test_receipts_left_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
