// SPDX-License-Identifier: Apache-2.0
#include "made_trial.h"

/* One log, alone: honest ones pass, and for each rule of docs/EVIDENCE.md there is a log that
 * breaks only that: its heads are computed anew, and all is signed by those who own the keys. */

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
      {"valid-before=\"20261122\"", "", NULL, NULL, RULING_UNDECIDED, "was not valid at that time"},
      {"", "valid-after=\"20261123\"", NULL, NULL, RULING_UNDECIDED, "was not valid at that time"},
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

/* Goal: a bit that is flipped anywhere in either log, alone, is seen (here every 41st of them). */
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
    for (size_t bit = 0; bit < log.size * 8; bit += 41) {
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
      cmocka_unit_test(test_honest),       cmocka_unit_test(test_keys),
      cmocka_unit_test(test_key_runs_out), cmocka_unit_test(test_flips),
      cmocka_unit_test(test_truncations),  cmocka_unit_test(test_withheld),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
