// SPDX-License-Identifier: Apache-2.0
#include "made_evidence.h"

#include "evidence/exhibit.h"

/* Read ${log} once, as far as it goes, and give each record to one of the two readings. */
static void read_log(struct exhibit *exhibit, struct view log, bool gather) {
  struct replay *replay;
  struct record record;
  MUST(replay_new(&replay));
  MUST(replay_input(replay, log));
  while (replay_next(replay, &record) == AVOW_OK) {
    if (gather)
      MUST(exhibit_gather(exhibit, &record));
    else
      exhibit_find(exhibit, &record);
  }
  replay_free(replay);
}

static enum avow_error show(struct exhibit *exhibit, struct view log, uint64_t id) {
  struct hash *hash;
  exhibit_init(exhibit, id);
  read_log(exhibit, log, false);
  read_log(exhibit, log, true);
  MUST(hash_new(&hash));
  enum avow_error error = exhibit_complete(exhibit, hash);
  hash_free(hash);
  return error;
}

/* Goal: from either log, each message comes with its text and lines, and all signatures of it and
 * of the connection in which it was stored verify. */
static void test_each_message(void **state) {
  (void)state;
  struct made *made = made_session();
  for (unsigned side = 0; side < 2; side++) {
    for (uint64_t id = 0; id < 6; id++) {
      struct exhibit exhibit;
      struct made_text store;
      uint8_t digest[SHA256_SIZE];
      struct recorded recorded = made_message(made, id, &store);
      assert_int_equal(show(&exhibit, buf_view(side ? &made->bob.log : &made->alice.log), id),
                       AVOW_OK);
      assert_true(exhibit.has_text && view_equal(buf_view(&exhibit.text), recorded.text));
      assert_memory_equal(exhibit.hash, recorded.hash, SHA512_SIZE);
      assert_true(exhibit.timestamp_us == recorded.timestamp_us);
      made_digest(made, exhibit.enveloped.first_id, exhibit.enveloped.count, digest);
      assert_memory_equal(exhibit.enveloped.digest, digest, sizeof digest);
      assert_true(exhibit.connection.id <= id);
      for (enum exhibit_part part = 0; part < EXHIBIT_PARTS; part++)
        assert_int_equal(exhibit_verify(&exhibit, part), AVOW_OK);
      exhibit_free(&exhibit);
    }
  }
  made_end(made);
}

/* Goal: the connection is the one in which the message was stored, though its receipt came to Bob
 * only in the next one. */
static void test_a_late_receipt(void **state) {
  (void)state;
  struct made *made = made_begin();
  struct exhibit exhibit;
  made_queued(made);
  bob_messages(made, 0, 1);
  made_seal(&made->bob);
  made_connection(made, false);
  struct enveloped enveloped = made_envelope(made, 0, 1);
  alice_messages(made, 0, 1, enveloped.confirmed_us);
  alice_envelope(made, &enveloped, 0);
  made_seal(&made->alice);
  made_connection(made, true);
  bob_envelope(made, &enveloped);
  made_seal(&made->bob);
  assert_int_equal(show(&exhibit, buf_view(&made->bob.log), 0), AVOW_OK);
  assert_false(exhibit.connection.resumed);
  assert_int_equal(exhibit_verify(&exhibit, EXHIBIT_OPENING_BOB), AVOW_OK);
  exhibit_free(&exhibit);
  made_end(made);
}

/* Goal: each signature is checked, by itself, against the key of the one who should have made it.
 */
static void test_each_signature(void **state) {
  (void)state;
  struct made *made = made_session();
  for (enum exhibit_part wrong = 0; wrong < EXHIBIT_PARTS; wrong++) {
    struct exhibit exhibit;
    assert_int_equal(show(&exhibit, buf_view(&made->alice.log), 2), AVOW_OK);
    uint8_t *signature = (uint8_t *)(uintptr_t)exhibit_signature(&exhibit, wrong);
    signature[3] ^= 1;
    for (enum exhibit_part part = 0; part < EXHIBIT_PARTS; part++)
      assert_int_equal(exhibit_verify(&exhibit, part),
                       part == wrong ? AVOW_NOT_AUTHENTIC : AVOW_OK);
    signature[3] ^= 1;
    /* The same signature, and another key's name on it. */
    struct record *record = wrong < EXHIBIT_ORIGIN ? &exhibit.connection : &exhibit.envelope;
    bool alice = wrong == EXHIBIT_OPENING_ALICE || wrong == EXHIBIT_RECEIPT;
    memcpy(alice ? record->alice_signer : record->bob_signer, ed25519_key(made->eve_key), 32);
    assert_int_equal(exhibit_verify(&exhibit, wrong), AVOW_NOT_AUTHENTIC);
    exhibit_free(&exhibit);
  }
  made_end(made);
}

/* Goal: a receipt that Alice gave for other messages than the log has now does not verify. */
static void test_another_message(void **state) {
  (void)state;
  struct made *made = made_begin();
  struct exhibit exhibit;
  made_queued(made);
  made_seal(&made->bob);
  made_connection(made, false);
  struct enveloped enveloped = made_envelope(made, 0, 2);
  snprintf(made->salt, sizeof made->salt, "!");
  alice_messages(made, 0, 2, enveloped.confirmed_us);
  alice_envelope(made, &enveloped, 0);
  made_seal(&made->alice);
  assert_int_equal(show(&exhibit, buf_view(&made->alice.log), 1), AVOW_OK);
  assert_int_equal(exhibit_verify(&exhibit, EXHIBIT_ORIGIN), AVOW_NOT_AUTHENTIC);
  assert_int_equal(exhibit_verify(&exhibit, EXHIBIT_RECEIPT), AVOW_NOT_AUTHENTIC);
  assert_int_equal(exhibit_verify(&exhibit, EXHIBIT_OPENING_ALICE), AVOW_OK);
  exhibit_free(&exhibit);
  made_end(made);
}

/* Goal: what is not there is not shown: no message, no envelope, no connection, one message of an
 * envelope missing. */
static void test_what_is_not_there(void **state) {
  (void)state;
  struct made *made = made_begin();
  struct exhibit exhibit;
  made_queued(made);
  bob_messages(made, 0, 1);
  bob_messages(made, 2, 1);
  made_seal(&made->bob);
  assert_int_equal(show(&exhibit, buf_view(&made->bob.log), 0), AVOW_NOT_FOUND);
  assert_true(exhibit.has_message && !exhibit.has_envelope);
  exhibit_free(&exhibit);
  struct enveloped enveloped = made_envelope(made, 0, 3);
  bob_envelope(made, &enveloped);
  made_seal(&made->bob);
  assert_int_equal(show(&exhibit, buf_view(&made->bob.log), 1), AVOW_NOT_FOUND);
  assert_true(!exhibit.has_message && exhibit.has_envelope && !exhibit.has_connection);
  exhibit_free(&exhibit);
  made_connection(made, false);
  enveloped = made_envelope(made, 3, 2);
  bob_messages(made, 4, 1);
  bob_envelope(made, &enveloped);
  made_seal(&made->bob);
  assert_int_equal(show(&exhibit, buf_view(&made->bob.log), 4), AVOW_MALFORMED);
  exhibit_free(&exhibit);
  enveloped = made_envelope(made, 5, 1);
  bob_envelope(made, &enveloped);
  bob_messages(made, 5, 1); /* too late */
  made_seal(&made->bob);
  assert_int_equal(show(&exhibit, buf_view(&made->bob.log), 5), AVOW_NOT_FOUND);
  assert_true(!exhibit.has_message && exhibit.has_envelope);
  assert_int_equal(exhibit.gathered, 0);
  exhibit_free(&exhibit);
  assert_int_equal(show(&exhibit, buf_view(&made->bob.log), 9), AVOW_NOT_FOUND);
  exhibit_free(&exhibit);
  made_end(made);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_each_message),      cmocka_unit_test(test_a_late_receipt),
      cmocka_unit_test(test_each_signature),    cmocka_unit_test(test_another_message),
      cmocka_unit_test(test_what_is_not_there),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
