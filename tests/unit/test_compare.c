// SPDX-License-Identifier: Apache-2.0
#include "made_trial.h"

/* Two logs that do not fit each other: one was cut, or somebody told two stories. */

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
      {alice.size, envelope.bob, "a connection that Bob has signed, and that his log"},
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

/* Rule on two logs of one side. */
static enum ruling rule_copies(struct made *made, enum who keeper, struct view one,
                               struct view other, char *text) {
  struct trial trial;
  struct heard *heard = calloc(2, sizeof *heard);
  const struct fact *facts[2];
  trial_begin(&trial, made, "", "");
  trial.bench.copies = true;
  heard_begin(&trial, &heard[0], made, one, &trial.bench.alice, 1 << 20);
  heard_begin(&trial, &heard[1], made, other, &trial.bench.bob, 1 << 20);
  do
    for (int i = 0; i < 2; i++)
      do
        facts[i] = heard_next(&trial, &heard[i]);
      while (facts[i] != NULL && facts[i]->claims_count == 0);
  while (facts[0] != NULL && facts[1] != NULL &&
         compare_copies(keeper, facts[0], facts[1], &trial.bench.compared));
  heard_end(&trial, &heard[0], one.size, keeper);
  heard_end(&trial, &heard[1], other.size, keeper);
  free(heard);
  enum ruling ruling = ruling_give(&trial.bench, text);
  trial_end(&trial);
  return ruling;
}

/* Goal: who shows two people two logs has signed two stories, and any two of them show it; a log
 * that only goes on where the other ends is no lie. */
static void test_two_faces(void **state) {
  (void)state;
  static void (*const tell[])(struct made * made, int which) = {
      other_text, other_grouping, other_confirmation, other_origin, other_end, other_connection};
  char text[RULING_TEXT_SIZE];
  for (size_t i = 0; i < COUNT_OF(tell); i++) {
    struct made *made[2];
    struct moment before = {0};
    for (int which = 0; which < 2; which++) {
      made[which] = made_begin();
      begin(made[which]);
      made_delivery(made[which], 0, 1);
      before = now(made[which]);
      tell[i](made[which], which);
    }
    struct view alice = alice_log(made[0]), bob = bob_log(made[0]);
    assert_int_equal(rule_copies(made[0], WHO_ALICE, alice, alice_log(made[1]), text),
                     RULING_REFUTED);
    assert_non_null(strstr(text, "of the other log. This speaks against Alice."));
    assert_int_equal(rule_copies(made[0], WHO_BOB, bob, bob_log(made[1]), text), RULING_REFUTED);
    assert_non_null(strstr(text, "This speaks against Bob."));
    assert_int_equal(
        rule_copies(made[0], WHO_ALICE, alice, view_of(alice.data, before.alice), text),
        RULING_PROVEN);
    assert_non_null(strstr(text, "one goes on where the other ends"));
    assert_int_equal(rule_copies(made[0], WHO_BOB, view_of(bob.data, before.bob), bob, text),
                     RULING_PROVEN);
    made_end(made[0]);
    made_end(made[1]);
  }
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
  /* Nor does it help to go on, from an old copy of his log, as if that end had never been. */
  struct made_side lost = made[1]->bob;
  made[1]->bob = made[0]->bob;
  made[0]->bob = lost;
  made_connection(made[1], true);
  ask(made[1], QUESTION_SAME, FAULT_NO_ID, alice_log(made[1]), bob_log(made[1]), RULING_REFUTED,
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
      cmocka_unit_test(test_cut),       cmocka_unit_test(test_forks),
      cmocka_unit_test(test_two_faces), cmocka_unit_test(test_end_of_another),
      cmocka_unit_test(test_strangers), cmocka_unit_test(test_receipts_left_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
