// SPDX-License-Identifier: Apache-2.0
#include "pair.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"
#include "core/window.h"

/* Sender and receiver on an honest line: order, durability, batches, limits, ends. */

static bool disk_has(const struct buf *disk, const char *text) {
  struct view bytes = buf_view(disk);
  return memmem(bytes.data, bytes.size, text, strlen(text)) != NULL;
}

/* So much later that bob stores confirmations, though no message came that they could go with. */
static void pair_later(struct pair *pair) {
  pair_pass(pair, 50000);
  pair_tick(pair);
}

/* Goal: confirmations alone are told at once and stored a little later, or with the next message,
 * or before more of them would be open than the receiver remembers. */
static void test_confirmations_wait(void **state) {
  (void)state;
  struct pair *pair = pair_new(NULL);
  size_t size = buf_view(&pair->bob_disk).size;
  for (unsigned i = 0; i < 3; i++) {
    pair_say(pair, "x");
    assert_true(buf_view(&pair->bob_disk).size > size);
    size = buf_view(&pair->bob_disk).size;
    pair_settle(pair, 0);
    assert_int_equal(pair->confirmed_count, i + 1);
    assert_int_equal(buf_view(&pair->bob_disk).size, size);
  }
  pair_later(pair);
  assert_true(buf_view(&pair->bob_disk).size > size);
  for (unsigned i = 0; i < WINDOW_ENVELOPES / 2; i++)
    pair_submit(pair, view_text("x"));
  pair_bob_works(pair);
  size = buf_view(&pair->bob_disk).size;
  pair_settle(pair, 0);
  assert_true(buf_view(&pair->bob_disk).size > size);
  pair_free(pair);
}

/* Goal: some messages, one at a time, each arrives once, is confirmed with alice's time, stands in
 * both logs, and the session ends in order on both sides with no incident. */
static void test_happy_path(void **state) {
  (void)state;
  struct pair *pair = pair_new(&(struct pair_setting){.detail = LOG_TEXT});
  for (unsigned i = 0; i < 20; i++) {
    pair_say(pair, i % 2 ? "Hey dude" : "");
    pair_pass(pair, 1500);
    pair_carry_to_alice(pair);
    assert_int_equal(pair->shown_count, i + 1);
    uint64_t stored_us = pair->now.wall_us;
    pair_pass(pair, 1500);
    pair_carry_to_bob(pair);
    assert_int_equal(pair->confirmed_count, i + 1);
    assert_int_equal(pair->confirmed_us[i], stored_us);
    pair_later(pair);
    assert_int_equal(pair_deadline(pair), WHEN_NEVER);
    pair_pass(pair, 3600000000);
  }
  pair_finish(pair);
  assert_true(pair->by_peer == false); /* bob's event came last, and he began the end */
  assert_int_equal(pair->sent_events, 20);
  assert_int_equal(pair->sent_again, 0);
  assert_int_equal(pair_incidents(pair->at_bob), 0);
  assert_int_equal(pair_incidents(pair->at_alice), 0);
  assert_true(disk_has(&pair->alice_disk, "\nMessage ID: 19\n"));
  assert_true(disk_has(&pair->alice_disk, "\nMessage text: Hey dude\n"));
  assert_true(disk_has(&pair->alice_disk, "\nMessages in all: 20\n"));
  assert_true(disk_has(&pair->bob_disk, "\nMessages: 19-19\n"));
  assert_true(disk_has(&pair->bob_disk, "\nMessages in all: 20\n"));
  pair_free(pair);
}

/* Run ${call} in a child whose messages nobody reads; return whether an assertion stopped it. */
static bool stops(enum avow_error (*call)(struct pair *pair), struct pair *pair) {
  int status;
  pid_t child = fork();
  if (child == 0) {
    close(STDERR_FILENO);
    signal(SIGABRT, SIG_DFL); /* cmocka catches it, too */
    call(pair);
    _exit(0);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static enum avow_error bob_durable(struct pair *pair) {
  return sender_durable(pair->sender, pair_bob_now(pair));
}

static enum avow_error alice_durable(struct pair *pair) {
  return receiver_durable(pair->receiver, pair->now);
}

/* Goal: bob lets nothing out, at no call, until his record is durable; and saying that it is
 * durable while a record waits is a mistake of the owner that stops the program. */
static void test_bob_stores_first(void **state) {
  (void)state;
  struct pair *pair = pair_new(NULL);
  pair_submit(pair, view_text("one"));
  assert_true(pair_bob_record(pair).size > 0);
  assert_int_equal(sender_deadline(pair->sender), WHEN_NEVER);
  assert_int_equal(sender_input(pair->sender, view_of("", 0), pair_bob_now(pair)), AVOW_OK);
  pair_pass(pair, 20000000);
  assert_int_equal(sender_tick(pair->sender, pair_bob_now(pair)), AVOW_OK);
  assert_int_equal(sender_finish(pair->sender, pair_bob_now(pair)), AVOW_OK);
  assert_int_equal(sender_output(pair->sender).size, 0);
  assert_true(stops(bob_durable, pair));
  sender_record_consume(pair->sender, pair_bob_record(pair).size);
  assert_false(stops(bob_durable, pair));
  assert_int_equal(sender_input(pair->sender, view_of("", 0), pair_bob_now(pair)), AVOW_OK);
  assert_int_equal(sender_output(pair->sender).size, 0); /* written is not durable */
  assert_int_equal(sender_durable(pair->sender, pair_bob_now(pair)), AVOW_OK);
  assert_true(sender_output(pair->sender).size > 0);
  pair_free(pair);
}

/* Goal: a message that comes while another is in flight leaves only when it is durable itself, also
 * when the line becomes free before that. */
static void test_bob_stores_each_first(void **state) {
  (void)state;
  struct pair *pair = pair_new(&(struct pair_setting){.envelope_max = 8});
  pair_say(pair, "one");
  pair_carry_to_alice(pair);
  pair_submit(pair, view_text("two"));
  struct view answer = buf_view(&pair->to_bob);
  assert_int_equal(sender_input(pair->sender, answer, pair_bob_now(pair)), AVOW_OK);
  assert_int_equal(sender_unconfirmed(pair->sender), 1);
  assert_int_equal(sender_output(pair->sender).size, 0);
  buf_clear(&pair->to_bob);
  pair_bob_works(pair);
  assert_true(buf_view(&pair->to_alice).size > 0);
  pair_settle(pair, 0);
  pair_free(pair);
}

/* Goal: alice neither confirms nor shows a message before its record is durable, whatever is called
 * in between; then both at once. */
static void test_alice_stores_first(void **state) {
  (void)state;
  struct pair *pair = pair_new(NULL);
  struct event event;
  pair_say(pair, "one");
  assert_int_equal(receiver_input(pair->receiver, buf_view(&pair->to_alice), pair->now), AVOW_OK);
  assert_true(stops(alice_durable, pair));
  for (unsigned i = 0; i < 3; i++) {
    assert_int_equal(receiver_output(pair->receiver).size, 0);
    assert_false(receiver_next_event(pair->receiver, &event));
    pair_pass(pair, 700000);
    assert_int_equal(receiver_tick(pair->receiver, pair->now), AVOW_OK);
  }
  /* The same envelope, transmitted again meanwhile, is not confirmed either. */
  buf_clear(&pair->to_alice);
  pair_pass(pair, 10000000);
  assert_int_equal(sender_tick(pair->sender, pair_bob_now(pair)), AVOW_OK);
  pair_bob_works(pair);
  assert_int_equal(receiver_input(pair->receiver, buf_view(&pair->to_alice), pair->now), AVOW_OK);
  assert_int_equal(receiver_output(pair->receiver).size, 0);
  assert_false(receiver_next_event(pair->receiver, &event));
  buf_clear(&pair->to_alice);
  pair_alice_works(pair);
  assert_int_equal(pair->shown_count, 1);
  pair_settle(pair, 0);
  pair_free(pair);
}

/* Goal: what comes from a pipe while as many envelopes are in flight as may be goes together in the
 * next ones, as many as the setting allows; a full envelope is confirmed as a whole. */
static void test_batches(void **state) {
  (void)state;
  struct pair *pair = pair_new(&(struct pair_setting){.envelope_max = 20});
  for (unsigned i = 0; i < WINDOW_ENVELOPES; i++)
    pair_say(pair, "alone");
  assert_int_equal(pair->sent_events, WINDOW_ENVELOPES);
  for (unsigned i = 0; i < 205; i++)
    pair_say(pair, "of many");
  assert_int_equal(pair->sent_events, WINDOW_ENVELOPES);
  pair_carry_to_alice(pair);
  assert_int_equal(pair->shown_count, WINDOW_ENVELOPES);
  pair_carry_to_bob(pair);
  assert_int_equal(pair->confirmed_count, WINDOW_ENVELOPES);
  pair_carry_to_alice(pair);
  assert_int_equal(pair->shown_count, pair->said_count);
  pair_carry_to_bob(pair);
  assert_int_equal(pair->confirmed_count, pair->said_count);
  assert_int_equal(pair->envelopes_count, WINDOW_ENVELOPES + 11);
  for (unsigned i = 0; i < pair->envelopes_count; i++) {
    unsigned expected = i + 1 < pair->envelopes_count ? 20 : 5;
    assert_int_equal(pair->envelopes[i], i < WINDOW_ENVELOPES ? 1 : expected);
  }
  pair_finish(pair);
  pair_free(pair);
}

/* Goal: at a terminal an envelope holds one message, however many wait; several are in flight. */
static void test_one_at_a_time(void **state) {
  (void)state;
  struct pair *pair = pair_new(NULL);
  for (unsigned i = 0; i < 5; i++)
    pair_submit(pair, view_text("x"));
  pair_bob_works(pair);
  pair_carry_to_alice(pair);
  assert_int_equal(pair->shown_count, 5);
  pair_carry_to_bob(pair);
  assert_int_equal(pair->envelopes_count, 5);
  assert_int_equal(pair->sent_events, 1);
  pair_free(pair);
}

/* Goal: no more envelopes are in flight than the receiver remembers, and no more bytes than the
 * window says, but for one envelope; what waits leaves as soon as there is room, in order. */
static void test_in_flight(void **state) {
  (void)state;
  uint8_t text[1000] = {0};
  const unsigned half = WINDOW_ENVELOPES / 2;
  for (unsigned big = 0; big < 2; big++) {
    struct pair *pair = pair_new(&(struct pair_setting){.window_max = 16 * 1024});
    size_t size = big ? sizeof text : 1;
    size_t most = big ? 1 + 16 * 1024 / message_size(size) : WINDOW_ENVELOPES;
    for (unsigned i = 0; i < 100; i++)
      pair_submit(pair, view_of(text, size));
    pair_bob_works(pair);
    pair_carry_to_alice(pair);
    assert_int_equal(pair->shown_count, most);
    while (pair->shown_count < 100) {
      size_t one = AVOW_FRAME_HEADER + load_u32(buf_view(&pair->to_bob).data);
      uint64_t confirmed = pair->confirmed_count;
      pair_bob_hears(pair, view_of(buf_view(&pair->to_bob).data, one));
      buf_consume(&pair->to_bob, one);
      assert_int_equal(pair->confirmed_count, confirmed + 1);
      pair_carry_to_alice(pair);
      /* A place is free when the confirmation is stored, too: by halves of the window. */
      uint64_t free = big ? confirmed + 1 : (confirmed + 1) / half * half;
      assert_int_equal(pair->shown_count, free + most < 100 ? free + most : 100);
    }
    pair_settle(pair, 0);
    assert_int_equal(pair_incidents(pair->at_alice) + pair_incidents(pair->at_bob), 0);
    pair_free(pair);
  }
}

/* Goal: an envelope is filled to its size and no further, both when the window is small and when it
 * has grown; a longer message goes alone. */
static void test_fill_size(void **state) {
  (void)state;
  static const unsigned expected[] = {2, 1, 1, 1, 1};
  uint8_t *text = calloc(1, AVOW_WINDOW_MAX / 4);
  struct pair *pair = pair_new(&(struct pair_setting){.envelope_max = 1024});
  size_t fill = 4 * 1024;
  for (unsigned grown = 0; grown < 2; grown++) {
    size_t half = fill / 2 - message_size(0);
    unsigned before = pair->envelopes_count;
    pair_submit(pair, view_of(text, half)); /* two of them fill an envelope to the byte */
    pair_submit(pair, view_of(text, half));
    pair_submit(pair, view_of(text, half));
    pair_submit(pair, view_of(text, half + 1));
    pair_submit(pair, view_of(text, fill));
    pair_submit(pair, view_of(text, 1));
    pair_bob_works(pair);
    pair_settle(pair, 0);
    assert_int_equal(pair->envelopes_count, before + COUNT_OF(expected));
    for (unsigned i = 0; i < COUNT_OF(expected); i++)
      assert_int_equal(pair->envelopes[before + i], expected[i]);
    for (unsigned i = 0; i < 300; i++) { /* a fast line lets the window grow */
      pair_submit(pair, view_of(text, 8000));
      pair_bob_works(pair);
      pair_settle(pair, 0);
    }
    fill = AVOW_WINDOW_MAX / 4;
  }
  free(text);
  pair_free(pair);
}

/* Goal: what alice needed for many messages she gives back after a second of silence, also where
 * that is little more than what hashing them side by side takes. */
static void test_quiet_memory(void **state) {
  (void)state;
  struct pair *pair = pair_new(&(struct pair_setting){.envelope_max = 12});
  for (unsigned i = 1; i <= PAIR_SAID_MAX; i++) {
    pair_submit(pair, view_text("x"));
    if (i % 12 == 0) {
      pair_bob_works(pair);
      pair_settle(pair, 0);
    }
  }
  pair_pass(pair, 1000001);
  assert_int_equal(receiver_tick(pair->receiver, pair->now), AVOW_OK);
  assert_true(receiver_memory(pair->receiver) < 120000);
  pair_free(pair);
}

/* Goal: a text of 1 MiB goes through, of the bytes that grow most when they are escaped; one byte
 * more is refused; a full queue says so and takes nothing, until there is room again. */
static void test_long_texts(void **state) {
  (void)state;
  struct pair *pair = pair_new(&(struct pair_setting){.envelope_max = 1024, .detail = LOG_TEXT});
  uint8_t *text = malloc(AVOW_TEXT_MAX + 1);
  memset(text, 1, AVOW_TEXT_MAX + 1);
  uint64_t id = 99;
  struct view longest = view_of(text, AVOW_TEXT_MAX);
  assert_int_equal(
      sender_submit(pair->sender, view_of(text, AVOW_TEXT_MAX + 1), pair_bob_now(pair), &id),
      AVOW_TOO_LONG);
  assert_int_equal(pair_bob_record(pair).size, 0);
  for (unsigned i = 0; i < 3; i++) {
    assert_true(sender_room(pair->sender));
    pair_submit(pair, longest);
  }
  assert_false(sender_room(pair->sender));
  size_t recorded = pair_bob_record(pair).size;
  assert_int_equal(sender_submit(pair->sender, view_text("x"), pair_bob_now(pair), &id), AVOW_FULL);
  assert_int_equal(pair_bob_record(pair).size, recorded);
  assert_int_equal(id, 99);
  assert_int_equal(sender_unconfirmed(pair->sender), 3);
  pair_bob_works(pair);
  pair_carry_to_alice(pair);
  pair_carry_to_bob(pair);
  assert_true(sender_room(pair->sender));
  pair_submit(pair, longest);
  pair_settle(pair, 0);
  assert_int_equal(pair->shown_count, 4);
  free(text);
  pair_free(pair);
}

/* Goal: the whole conversation byte by byte, in both directions, is the same. */
static void test_byte_by_byte(void **state) {
  (void)state;
  struct pair *pair = pair_new(&(struct pair_setting){.envelope_max = 3});
  for (unsigned i = 0; i < 7; i++)
    pair_say(pair, "letter by letter");
  while (pair->confirmed_count < 7) {
    struct buf line = pair->to_alice;
    buf_init(&pair->to_alice, line.max);
    for (; buf_view(&line).size > 0; buf_consume(&line, 1))
      pair_alice_hears(pair, view_of(buf_view(&line).data, 1));
    buf_free(&line);
    line = pair->to_bob;
    buf_init(&pair->to_bob, line.max);
    for (; buf_view(&line).size > 0; buf_consume(&line, 1))
      pair_bob_hears(pair, view_of(buf_view(&line).data, 1));
    buf_free(&line);
  }
  pair_finish(pair);
  assert_int_equal(pair_incidents(pair->at_alice) + pair_incidents(pair->at_bob), 0);
  pair_free(pair);
}

/* Goal: bob's end waits for the confirmation of all messages; nothing is taken after it. */
static void test_end_by_bob(void **state) {
  (void)state;
  struct pair *pair = pair_new(NULL);
  pair_say(pair, "one");
  pair_say(pair, "two");
  assert_int_equal(sender_finish(pair->sender, pair_bob_now(pair)), AVOW_OK);
  uint64_t id;
  assert_int_equal(sender_submit(pair->sender, view_text("x"), pair_bob_now(pair), &id), AVOW_FULL);
  pair_carry_to_alice(pair);
  assert_int_equal(pair->alice_ended, 0);
  struct view both = buf_view(&pair->to_bob); /* one confirmation is not all of them */
  size_t one = AVOW_FRAME_HEADER + load_u32(both.data);
  pair_bob_hears(pair, view_of(both.data, one));
  assert_int_equal(buf_view(&pair->to_alice).size, 0);
  pair_bob_hears(pair, view_of(both.data + one, both.size - one));
  buf_clear(&pair->to_bob);
  assert_int_equal(pair->confirmed_count, 2);
  pair_carry_to_alice(pair);
  assert_int_equal(pair->alice_ended, 1);
  assert_true(pair->by_peer);
  pair_carry_to_bob(pair);
  assert_int_equal(pair->bob_ended, 1);
  assert_false(pair->by_peer);
  assert_int_equal(pair_deadline(pair), WHEN_NEVER);
  pair_free(pair);
}

/* Goal: alice's end comes after the confirmation of all that she stored, and only when the record
 * of the end is durable; bob then sends nothing more and says that she ended it. */
static void test_end_by_alice(void **state) {
  (void)state;
  struct pair *pair = pair_new(NULL);
  pair_say(pair, "one");
  assert_int_equal(receiver_input(pair->receiver, buf_view(&pair->to_alice), pair->now), AVOW_OK);
  buf_clear(&pair->to_alice);
  pair_say(pair, "two");
  assert_int_equal(receiver_finish(pair->receiver, pair->now), AVOW_OK);
  assert_int_equal(receiver_output(pair->receiver).size, 0);
  pair_alice_works(pair);
  assert_int_equal(pair->alice_ended, 1);
  assert_false(pair->by_peer);
  pair_carry_to_bob(pair);
  assert_int_equal(pair->confirmed_count, 1);
  assert_int_equal(pair->bob_ended, 1);
  assert_true(pair->by_peer);
  assert_int_equal(sender_unconfirmed(pair->sender), 1); /* "two" may have arrived or not */
  assert_true(disk_has(&pair->alice_disk, "\nMessages in all: 1\n"));
  assert_false(disk_has(&pair->bob_disk, "\nMessages in all: ")); /* for him it goes on */
  pair_pass(pair, 100000000);
  pair_carry_to_alice(pair); /* it has not: alice takes nothing after her end */
  assert_int_equal(pair->shown_count, 1);
  assert_int_equal(pair_deadline(pair), WHEN_NEVER);
  pair_free(pair);
}

/* Goal: a connection that is cut is recorded and told once by each side; nothing leaves after it,
 * and nobody wants to be woken; what is said then is stored, and leaves on the next connection. */
static void test_cut(void **state) {
  (void)state;
  struct pair *pair = pair_new(NULL);
  pair_say(pair, "one");
  buf_clear(&pair->to_alice);
  for (unsigned i = 0; i < 2; i++) {
    assert_int_equal(sender_detach(pair->sender, pair_bob_now(pair)), AVOW_OK);
    assert_int_equal(receiver_cut(pair->receiver, pair->now), AVOW_OK);
    pair_bob_works(pair);
    pair_alice_works(pair);
  }
  assert_int_equal(pair->at_bob[VERDICT_CUT], 1);
  assert_int_equal(pair->at_alice[VERDICT_CUT], 1);
  assert_true(disk_has(&pair->bob_disk, "\nIncident: The connection was cut. Possible interr"));
  assert_true(disk_has(&pair->alice_disk, "\nVerdict: cut\n"));
  pair_pass(pair, 100000000);
  pair_tick(pair);
  assert_int_equal(pair_deadline(pair), WHEN_NEVER);
  assert_int_equal(buf_view(&pair->to_alice).size, 0);
  assert_int_equal(buf_view(&pair->to_bob).size, 0);
  pair_say(pair, "two");
  assert_int_equal(pair_deadline(pair), WHEN_NEVER);
  assert_int_equal(buf_view(&pair->to_alice).size, 0);
  assert_int_equal(sender_unconfirmed(pair->sender), 2);
  assert_true(disk_has(&pair->bob_disk, "\nMessage text: two\n"));
  assert_int_equal(pair->shown_count, 0);
  pair_cut(pair); /* alice's next receiver */
  pair_connect(pair);
  pair_settle(pair, 0);
  assert_int_equal(pair->at_bob[VERDICT_CUT] + pair->at_alice[VERDICT_CUT], 2);
  pair_finish(pair);
  pair_free(pair);
}

/* Goal: a cut after an orderly end is no incident. */
static void test_cut_after_end(void **state) {
  (void)state;
  struct pair *pair = pair_new(NULL);
  pair_finish(pair);
  assert_int_equal(sender_detach(pair->sender, pair_bob_now(pair)), AVOW_OK);
  assert_int_equal(receiver_cut(pair->receiver, pair->now), AVOW_OK);
  pair_bob_works(pair);
  pair_alice_works(pair);
  assert_int_equal(pair_incidents(pair->at_bob) + pair_incidents(pair->at_alice), 0);
  pair_free(pair);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_happy_path),
      cmocka_unit_test(test_confirmations_wait),
      cmocka_unit_test(test_bob_stores_first),
      cmocka_unit_test(test_bob_stores_each_first),
      cmocka_unit_test(test_alice_stores_first),
      cmocka_unit_test(test_batches),
      cmocka_unit_test(test_one_at_a_time),
      cmocka_unit_test(test_in_flight),
      cmocka_unit_test(test_fill_size),
      cmocka_unit_test(test_quiet_memory),
      cmocka_unit_test(test_long_texts),
      cmocka_unit_test(test_byte_by_byte),
      cmocka_unit_test(test_end_by_bob),
      cmocka_unit_test(test_end_by_alice),
      cmocka_unit_test(test_cut),
      cmocka_unit_test(test_cut_after_end),
  };
  int failed = 0;
  PAIR_RUN(tests, failed);
  return failed;
}
