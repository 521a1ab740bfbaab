// SPDX-License-Identifier: Apache-2.0
#include "pair.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "core/window.h"

/* Sender and receiver that are restored from their logs, after a crash of either at any moment. */

#define SECOND UINT64_C(1000000)

static const uint8_t odd[] = "\\ \n\xff\xc3\xa9 \x1b[m\0x";

/* A conversation in steps, with moments at which something is recorded and not stored yet, stored
 * and not sent, sent and not heard. */
static void step(struct pair *pair, unsigned number) {
  switch (number) {
  case 0: pair_submit(pair, view_text("zero")); break;
  case 1: pair_bob_works(pair); break;
  case 2:
    pair_submit(pair, view_text("one"));
    pair_submit(pair, view_of(odd, sizeof odd));
    pair_submit(pair, view_text(""));
    break;
  case 3: pair_bob_works(pair); break;
  case 4: /* alice has heard, and stored nothing */
    assert_int_equal(receiver_input(pair->receiver, buf_view(&pair->to_alice), pair->now), AVOW_OK);
    buf_clear(&pair->to_alice);
    break;
  case 5: pair_alice_works(pair); break;
  case 6: pair_submit(pair, view_text("four")); break;
  case 7: /* bob has heard, and stored nothing; the one that he knows of is recorded with it */
    assert_int_equal(sender_input(pair->sender, buf_view(&pair->to_bob), pair_bob_now(pair)),
                     AVOW_OK);
    buf_clear(&pair->to_bob);
    break;
  case 8: pair_bob_works(pair); break;
  case 9: pair_carry_to_alice(pair); break;
  case 10:
    pair_cut(pair);
    pair_connect(pair);
    break;
  case 11: pair_say(pair, "five"); break;
  case 12: pair_carry_to_alice(pair); break;
  case 13: pair_carry_to_bob(pair); break;
  default: fail();
  }
  pair_pass(pair, 1000);
}
enum { STEPS = 14 };

/* What a log tells of each message. */
struct told {
  struct {
    uint8_t hash[64];
    uint64_t timestamp_us, confirmed_us;
    bool has_text;
  } messages[PAIR_SAID_MAX];
  struct proof proofs[PAIR_SAID_MAX], end; /* of envelopes, by their first id */
  uint64_t messages_count, confirmed_count, ended;
  unsigned opened, resumed, agreed;
};

static void take_told(struct told *told, const struct record *record) {
  if (record->type == RECORD_MESSAGE) {
    assert_int_equal(record->id, told->messages_count); /* each once, in order */
    memcpy(told->messages[record->id].hash, record->hash, 64);
    told->messages[record->id].timestamp_us = record->timestamp_us;
    told->messages[record->id].confirmed_us = record->confirmed_us;
    told->messages[record->id].has_text = record->has_text;
    told->messages_count++;
  } else if (record->type == RECORD_ENVELOPE) {
    assert_int_equal(record->id, told->confirmed_count);
    assert_true(record->id + record->count <= told->messages_count);
    for (uint64_t i = 0; i < record->count && record->confirmed_us != WHEN_NEVER; i++)
      told->messages[record->id + i].confirmed_us = record->confirmed_us;
    told->proofs[record->id] = record->proof;
    told->confirmed_count += record->count;
  } else if (record->type == RECORD_OPENED) {
    told->opened += !record->resumed;
    told->resumed += record->resumed;
  } else if (record->type == RECORD_AGREED) {
    told->agreed++;
  } else if (record->type == RECORD_ENDED) {
    told->end = record->proof;
    told->ended++;
  }
}

static struct told *read_told(const struct buf *disk) {
  struct told *told = calloc(1, sizeof *told);
  struct replay *replay;
  struct record record;
  assert_int_equal(replay_new(&replay), AVOW_OK);
  assert_int_equal(replay_input(replay, buf_view(disk)), AVOW_OK);
  enum avow_error error;
  while ((error = replay_next(replay, &record)) == AVOW_OK)
    take_told(told, &record);
  assert_int_equal(error, AVOW_NOT_FOUND);
  assert_int_equal(replay_end(replay), AVOW_OK);
  assert_int_equal(replay_finished(replay), buf_view(disk).size);
  replay_free(replay);
  return told;
}

/* Both logs tell the same of each message, and bob heard what they tell. */
static void check_logs(const struct pair *pair, unsigned connections) {
  struct told *bob = read_told(&pair->bob_disk), *alice = read_told(&pair->alice_disk);
  assert_int_equal(bob->messages_count, pair->said_count);
  assert_int_equal(alice->messages_count, pair->said_count);
  assert_int_equal(bob->confirmed_count, pair->said_count);
  assert_int_equal(alice->confirmed_count, pair->said_count);
  for (uint64_t i = 0; i < pair->said_count; i++) {
    assert_memory_equal(alice->messages[i].hash, bob->messages[i].hash, 64);
    assert_int_equal(alice->messages[i].timestamp_us, bob->messages[i].timestamp_us);
    assert_int_equal(alice->messages[i].confirmed_us, bob->messages[i].confirmed_us);
    assert_int_equal(alice->messages[i].confirmed_us, pair->confirmed_us[i]);
    assert_true(bob->messages[i].has_text); /* his log is his outbox */
    assert_int_equal(alice->messages[i].has_text, pair->alice_config.detail != LOG_PROOF);
  }
  /* Nothing but zeroes in a plain session. */
  static const struct proof nothing;
  assert_memory_equal(alice->proofs, bob->proofs, sizeof bob->proofs);
  assert_memory_equal(&alice->end, &bob->end, sizeof bob->end);
  assert_int_equal(memcmp(&bob->end, &nothing, sizeof nothing) != 0, pair->is_signed);
  assert_int_equal(memcmp(&bob->proofs[0], &nothing, sizeof nothing) != 0, pair->is_signed);
  assert_int_equal(bob->agreed, pair->is_signed ? bob->opened + bob->resumed : 0);
  assert_int_equal(alice->agreed, pair->is_signed ? alice->opened + alice->resumed : 0);
  assert_int_equal(bob->opened, 1);
  assert_int_equal(alice->opened, 1);
  assert_int_equal(alice->resumed, connections - 1);
  assert_true(bob->resumed <= connections - 1); /* he may have crashed before he stored it */
  assert_int_equal(bob->ended, 1);
  assert_int_equal(alice->ended, 1);
  free(bob);
  free(alice);
}

enum crash { CRASH_BOB = 1, CRASH_ALICE = 2 };

static void run(unsigned crash_after, unsigned who, size_t tail, enum log_detail detail) {
  struct pair *pair = pair_new(&(struct pair_setting){.envelope_max = 2, .detail = detail});
  for (unsigned i = 0; i < STEPS; i++) {
    step(pair, i);
    if (i != crash_after)
      continue;
    if (who & CRASH_ALICE)
      pair_crash_alice(pair, tail);
    if (who & CRASH_BOB)
      pair_crash_bob(pair, tail);
    pair_pass(pair, 5 * SECOND);
    pair_connect(pair);
  }
  pair_settle(pair, 0);
  assert_int_equal(pair->shown_count, pair->said_count);
  assert_true(pair->said_count >= 2); /* what was stored before a crash, and what came after it */
  pair_finish(pair);
  check_logs(pair, pair->connections);
  assert_int_equal(pair->at_bob[VERDICT_MODIFIED] + pair->at_alice[VERDICT_MODIFIED], 0);
  assert_int_equal(pair->at_alice[VERDICT_CONFLICT] + pair->at_alice[VERDICT_DUPLICATE], 0);
  pair_free(pair);
}

/* Goal: whoever crashes, both if need be, after whichever step, with however much of what he was
 * about to store on the disk: on the next connection all that bob had stored arrives once, with
 * the same id, time and text, and both logs tell the same confirmation of it. */
static void test_every_step(void **state) {
  (void)state;
  static const size_t tails[] = {0, 1, 2, 50, 200, 400, SIZE_MAX};
  for (unsigned detail = LOG_PROOF; detail <= LOG_FULL; detail++)
    for (unsigned who = 0; who < 4; who++)
      for (unsigned i = 0; i < (who ? STEPS : 1); i++)
        for (unsigned tail = 0; tail < COUNT_OF(tails); tail++)
          run(who ? i : STEPS, who, tails[tail], (enum log_detail)detail);
}

/* Goal: a bob who crashed before he ever had a connection sends what waited, with the times at
 * which it was said. */
static void test_offline(void **state) {
  (void)state;
  struct pair *pair = pair_new(NULL);
  pair_cut(pair);
  for (unsigned i = 0; i < 5; i++) {
    pair_say(pair, "said while nobody was there");
    pair_pass(pair, 3600 * SECOND);
    assert_int_equal(sender_waiting_since(pair->sender), pair->said[0].timestamp_us);
    assert_int_equal(sender_unconfirmed(pair->sender), i + 1);
    pair_crash_bob(pair, 0);
    assert_int_equal(sender_unconfirmed(pair->sender), i + 1);
    assert_int_equal(sender_waiting_since(pair->sender), pair->said[0].timestamp_us);
    assert_int_equal(sender_deadline(pair->sender), WHEN_NEVER);
  }
  pair_connect(pair);
  pair_settle(pair, 0);
  assert_int_equal(sender_waiting_since(pair->sender), 0);
  pair_finish(pair);
  check_logs(pair, 2);
  pair_free(pair);
}

/* Goal: confirmations that were stored and never heard are asked for on the next connection, and
 * are the same ones, as many as were in flight, also when alice was restored from her log, and when
 * some of the answers are lost again; nothing is transmitted again. */
static void test_ask(void **state) {
  (void)state;
  for (unsigned lost = 0; lost < 3; lost++) {
    struct pair *pair = pair_new(&(struct pair_setting){.envelope_max = 3});
    uint64_t stored_us[4 * WINDOW_ENVELOPES];
    for (unsigned i = 0; i < WINDOW_ENVELOPES; i++) {
      for (unsigned j = 0; j <= i % 3; j++) {
        stored_us[pair->said_count] = pair->now.wall_us;
        pair_submit(pair, view_text("x"));
      }
      pair_bob_works(pair);
      pair_carry_to_alice(pair);
      pair_pass(pair, 1000);
    }
    assert_int_equal(pair->shown_count, pair->said_count);
    assert_int_equal(pair->confirmed_count, 0);
    pair_crash_alice(pair, 0);
    if (lost == 1)
      pair_crash_bob(pair, 0);
    pair_pass(pair, 100 * SECOND);
    pair_connect(pair);
    if (lost == 2) {
      pair_carry_to_alice(pair);
      buf_clear(&pair->to_bob);
      pair_settle(pair, AVOW_RESEND_AFTER_US);
    }
    pair_settle(pair, 0);
    assert_int_equal(pair->envelopes_count, WINDOW_ENVELOPES);
    for (unsigned i = 0; i < WINDOW_ENVELOPES; i++)
      assert_int_equal(pair->envelopes[i], 1 + i % 3);
    for (uint64_t i = 0; i < pair->said_count; i++)
      assert_int_equal(pair->confirmed_us[i], stored_us[i]);
    assert_int_equal(pair->sent_again, 0);
    assert_int_equal(pair->at_alice[VERDICT_DUPLICATE], 0);
    pair_finish(pair);
    check_logs(pair, 2);
    pair_free(pair);
  }
}

/* Goal: alice has lost what she confirmed, or has what bob never sent: he refuses, either way
 * round, and is none the worse for it. */
static void test_out_of_step(void **state) {
  (void)state;
  for (unsigned restored = 0; restored < 2; restored++) {
    struct pair *pair = pair_new(NULL);
    for (unsigned i = 0; i < 4; i++)
      pair_say(pair, "x");
    pair_settle(pair, 0);
    for (unsigned i = 0; i < 3; i++)
      pair_say(pair, "y");
    if (restored)
      pair_crash_bob(pair, 0);
    else
      pair_cut(pair);
    size_t recorded = buf_view(&pair->bob_disk).size;
    for (uint64_t next_id = 0; next_id < 12; next_id++) {
      if (next_id >= 4 && next_id <= 7)
        continue;
      assert_int_equal(pair_connect_error(pair, next_id), AVOW_OUT_OF_STEP);
      assert_false(sender_attached(pair->sender));
    }
    assert_int_equal(pair_connect_error(pair, MESSAGE_ID_MAX), AVOW_OUT_OF_STEP);
    assert_int_equal(pair_connect_error(pair, UINT64_MAX), AVOW_OUT_OF_STEP);
    pair_bob_works(pair);
    assert_int_equal(buf_view(&pair->bob_disk).size, recorded);
    assert_int_equal(buf_view(&pair->to_alice).size, 0);
    pair_connect(pair);
    pair_settle(pair, 0);
    pair_finish(pair);
    pair_free(pair);
  }
}

/* Goal: what was said while nobody was there has never left: an alice who says that she has stored
 * it has another log than bob knows. */
static void test_never_left(void **state) {
  (void)state;
  struct pair *pair = pair_new(NULL);
  pair_say(pair, "x");
  pair_settle(pair, 0);
  pair_cut(pair);
  pair_say(pair, "y");
  pair_say(pair, "z");
  assert_int_equal(pair_connect_error(pair, 2), AVOW_OUT_OF_STEP);
  assert_int_equal(pair_connect_error(pair, 3), AVOW_OUT_OF_STEP);
  pair_connect(pair);
  pair_settle(pair, 0);
  pair_finish(pair);
  pair_free(pair);
}

/* Goal: alice ended the session while messages waited: for bob it is not over, and a restored one
 * goes on with it. */
static void test_ended_too_early(void **state) {
  (void)state;
  struct pair *pair = pair_new(NULL);
  pair_say(pair, "one");
  pair_settle(pair, 0);
  assert_int_equal(receiver_finish(pair->receiver, pair->now), AVOW_OK);
  pair_alice_works(pair);
  pair_say(pair, "two");
  pair_carry_to_bob(pair);
  assert_int_equal(pair->bob_ended, 1);
  assert_false(sender_past(pair->sender)->ended);
  pair_crash_bob(pair, 0);
  assert_false(sender_past(pair->sender)->ended);
  pair_connect(pair);
  pair_settle(pair, 0);
  assert_int_equal(sender_finish(pair->sender, pair_bob_now(pair)), AVOW_OK);
  pair_bob_works(pair);
  pair_carry_to_alice(pair);
  pair_carry_to_bob(pair);
  assert_int_equal(pair->bob_ended, 2);
  assert_true(sender_past(pair->sender)->ended);
  pair_crash_bob(pair, 0);
  assert_true(sender_past(pair->sender)->ended);
  pair_free(pair);
}

/* A row of records, and whether the last of them is refused. */
struct row {
  const char *records; /* see record_of */
  bool good;
};

/* One record from a letter and a digit. */
static struct record record_of(char letter, unsigned digit) {
  struct record record = {.id = digit, .confirmed_us = WHEN_NEVER, .has_text = true};
  record.text = view_text("x");
  record.session_id[0] = 1;
  switch (letter) {
  case 'Q': record.type = RECORD_QUEUED; break;
  case 'O': record.type = RECORD_OPENED; break;
  case 'R': record.type = RECORD_OPENED, record.resumed = true; break;
  case 's': record.type = RECORD_OPENED, record.resumed = true, record.session_id[0] = 2; break;
  case 't': record.type = RECORD_OPENED, record.resumed = true, record.tls = true; break;
  case 'k':
    record.type = RECORD_OPENED, record.resumed = true;
    record.alice_key[31] = record.bob_key[31] = 1;
    break;
  case 'I': record.type = RECORD_INCIDENT; break;
  case 'Z': record.type = RECORD_ENDED; break;
  case 'M': record.type = RECORD_MESSAGE; break;                             /* bob's */
  case 'm': record.type = RECORD_MESSAGE, record.confirmed_us = 1000; break; /* alice's */
  case 'n': record.type = RECORD_MESSAGE, record.has_text = false; break;
  case 'E': record.type = RECORD_ENVELOPE, record.count = 1, record.confirmed_us = 1; break;
  case 'F': record.type = RECORD_ENVELOPE, record.count = 2, record.confirmed_us = 1; break;
  case 'e': record.type = RECORD_ENVELOPE, record.count = 1; break; /* alice's */
  case 'f': record.type = RECORD_ENVELOPE, record.count = 2; break;
  default: fail();
  }
  return record;
}

/* Goal: records in an order that bob could not have written them in are refused, at the record that
 * is wrong. */
static void test_orders_of_bob(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"Q0M0O0E0Z1", true},
      {"Q0O0M0M1M2E0F1Z3", true},
      {"Q0M0O0R0R0E0I0M1", true},
      {"Q0Z0", true},
      {"Q0M1", false},
      {"Q0M0M0", false},
      {"Q0M0M2", false},
      {"Q0m0", false},
      {"Q0n0", false},
      {"Q0M0E1", false},
      {"Q0M0F0", false},
      {"Q0E0", false},
      {"Q0M0e0", false},
      {"Q0M0M1E0E0", false},
      {"Q0M0M1E1", false},
      {"Q0R0", false},
      {"Q0O0O0", false},
      {"Q0O0s0", false},
      {"Q0O0t0", false},
      {"Q0O0k0", false},
      {"Q0M0E0Z0", false},
      {"Q0M0Z1", false},
      {"Q0O0Q0", false},
      {"Q0M0Q0", false},
  };
  struct sender_config config = {.envelope_messages_max = 1};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    struct sender *sender;
    const char *at = rows[i].records;
    assert_int_equal(sender_new(&sender, &config), AVOW_OK);
    for (; *at != '\0'; at += 2) {
      struct record record = record_of(at[0], (unsigned)(at[1] - '0'));
      bool good = rows[i].good || at[2] != '\0';
      if (sender_restore(sender, &record) != (good ? AVOW_OK : AVOW_MALFORMED))
        fail_msg("%s: at %s", rows[i].records, at);
    }
    sender_free(sender);
  }
}

/* Goal: the same for alice. */
static void test_orders_of_alice(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"O0m0e0Z1", true},
      {"O0m0m1f0m2e2R0m3e3Z4", true},
      {"O0I0R0I0m0e0I0Z1R0", true},
      {"O0Z0", true},
      {"Q0", false},
      {"O0Q0", false},
      {"O0m1", false},
      {"O0m0m0", false},
      {"O0M0", false},
      {"O0m0e1", false},
      {"O0m0f0", false},
      {"O0m0m1e0", false},
      {"O0m0m1e1", false},
      {"O0e0", false},
      {"O0m0e0e0", false},
      {"R0", false},
      {"O0O0", false},
      {"O0s0", false},
      {"O0t0", false},
      {"O0k0", false},
      {"O0m0e0Z0", false},
      {"O0m0I0", false},
      {"O0m0R0", false},
      {"O0m0Z1", false},
      {"m0", false},
      {"I0", false},
      {"Z0", false},
      {"e0", false},
  };
  struct receiver_config config = {0};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    struct receiver *receiver;
    const char *at = rows[i].records;
    assert_int_equal(receiver_new(&receiver, &config), AVOW_OK);
    for (; *at != '\0'; at += 2) {
      struct record record = record_of(at[0], (unsigned)(at[1] - '0'));
      bool good = rows[i].good || at[2] != '\0';
      if (receiver_restore(receiver, &record) != (good ? AVOW_OK : AVOW_MALFORMED))
        fail_msg("%s: at %s", rows[i].records, at);
    }
    receiver_free(receiver);
  }
}

/* Goal: more messages than an envelope may have, or than a queue may hold, are in no log of ours.
 */
static void test_too_many(void **state) {
  (void)state;
  struct receiver *receiver;
  struct receiver_config config = {0};
  struct record record = record_of('O', 0);
  assert_int_equal(receiver_new(&receiver, &config), AVOW_OK);
  assert_int_equal(receiver_restore(receiver, &record), AVOW_OK);
  for (unsigned i = 0; i <= AVOW_ENVELOPE_MESSAGES_MAX; i++) {
    record = record_of('m', i);
    assert_int_equal(receiver_restore(receiver, &record),
                     i < AVOW_ENVELOPE_MESSAGES_MAX ? AVOW_OK : AVOW_MALFORMED);
  }
  receiver_free(receiver);

  struct sender *sender;
  struct sender_config bob = {.envelope_messages_max = 1};
  uint8_t *text = calloc(1, AVOW_TEXT_MAX);
  assert_int_equal(sender_new(&sender, &bob), AVOW_OK);
  for (unsigned i = 0; i < 4; i++) {
    record = record_of('M', i);
    record.text = view_of(text, AVOW_TEXT_MAX);
    assert_int_equal(sender_restore(sender, &record), i < 3 ? AVOW_OK : AVOW_MALFORMED);
  }
  sender_free(sender);
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_step),    cmocka_unit_test(test_offline),
      cmocka_unit_test(test_ask),           cmocka_unit_test(test_out_of_step),
      cmocka_unit_test(test_never_left),    cmocka_unit_test(test_ended_too_early),
      cmocka_unit_test(test_orders_of_bob), cmocka_unit_test(test_orders_of_alice),
      cmocka_unit_test(test_too_many),
  };
  int failed = 0;
  PAIR_RUN(tests, failed);
  return failed;
}
