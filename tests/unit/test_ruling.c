// SPDX-License-Identifier: Apache-2.0
#include "made_trial.h"

/* The answers to what is asked of one log, or of both that fit each other. */

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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_honest),    cmocka_unit_test(test_nothing),
      cmocka_unit_test(test_plain),     cmocka_unit_test(test_open_session),
      cmocka_unit_test(test_goes_on),   cmocka_unit_test(test_given_up),
      cmocka_unit_test(test_unreached),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
