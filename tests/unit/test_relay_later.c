// SPDX-License-Identifier: Apache-2.0
/* Mallory's relay over time and connections: what is held, cut, remembered, asked. */
#include "relay_line.h"

/* Goal: a held frame goes at its time, not before; what is behind it may overtake, or not. */
static void test_delay(void **state) {
  (void)state;
  struct line line;
  begin(&line, "delay,seconds=4");
  give_token(&line, TO_ALICE, 'a');
  give_token(&line, TO_ALICE, 'b');
  assert_went(&line, TO_ALICE, "b");
  assert_int_equal(relay_deadline(line.relay), START_US + 4000000);
  wait(&line, 3999999);
  assert_went(&line, TO_ALICE, "b");
  wait(&line, 1);
  assert_went(&line, TO_ALICE, "ba");
  assert_said(&line, "holds back the 1st token to Alice for 4 s.\n"
                     "held the 1st token to Alice for 4 s, then let it go.\n");
  assert_true(relay_deadline(line.relay) == WHEN_NEVER);
  end(&line);

  begin(&line, "delay,seconds=4,overtake=no");
  for (const char *letter = "abc"; *letter != '\0'; letter++)
    give_token(&line, TO_ALICE, *letter);
  give_token(&line, TO_BOB, 'A');
  assert_went(&line, TO_ALICE, "");
  assert_went(&line, TO_BOB, "A"); /* the other way is free */
  wait(&line, 4000000);
  assert_went(&line, TO_ALICE, "abc");
  end(&line);
}

/* Goal: a token that waits for the next one goes by itself, if none comes. */
static void test_reorder_alone(void **state) {
  (void)state;
  struct line line;
  begin(&line, "reorder,seconds=2");
  give_token(&line, TO_ALICE, 'a');
  give_token(&line, TO_BOB, 'A'); /* the other way does not count */
  give_token(&line, TO_BOB, 'B');
  wait(&line, 1999999);
  assert_went(&line, TO_ALICE, "");
  wait(&line, 1);
  assert_went(&line, TO_ALICE, "a");
  assert_said(&line, "holds back the 1st token to Alice until the next one has passed.\n"
                     "let the 1st token to Alice go, since none came behind it.\n");
  end(&line);
}

/* Goal: a token that is repeated later goes twice: now and then. */
static void test_replay_later(void **state) {
  (void)state;
  struct line line;
  begin(&line, "replay,when=later,seconds=1");
  give_token(&line, TO_ALICE, 'a');
  give_token(&line, TO_ALICE, 'b');
  assert_went(&line, TO_ALICE, "ab");
  wait(&line, 1000000);
  assert_went(&line, TO_ALICE, "aba");
  assert_said(&line, "noted the 1st token to Alice; she will send it again.\n"
                     "sent the 1st token to Alice once more, after 1 s.\n");
  end(&line);
}

/* Goal: a token of an earlier connection comes before one of this, or in its place. */
static void test_other_connections(void **state) {
  (void)state;
  struct line line;
  begin(&line, "replay,when=another");
  give_token(&line, TO_ALICE, 'a');
  give_token(&line, TO_ALICE, 'b');
  open_connection(&line, RELAY_LINE);
  give(&line, TO_ALICE, HELLO, sizeof HELLO - 1);
  buf_clear(&line.to[TO_ALICE - 1]);
  give_token(&line, TO_ALICE, 'c');
  assert_went(&line, TO_ALICE, "ac");
  assert_said(&line, "put token 1 of connection 1 before the 1st token to Alice (connection 2).\n");
  end(&line);

  begin(&line, "splice");
  give_token(&line, TO_ALICE, 'a');
  give_token(&line, TO_ALICE, 'b');
  open_connection(&line, RELAY_LINE);
  give(&line, TO_ALICE, HELLO, sizeof HELLO - 1);
  buf_clear(&line.to[TO_ALICE - 1]);
  give_token(&line, TO_ALICE, 'c');
  give_token(&line, TO_ALICE, 'd');
  assert_went(&line, TO_ALICE, "bd");
  end(&line);
}

/* Goal: a dripped frame goes byte by byte, and what is behind it waits for its last byte. */
static void test_drip(void **state) {
  (void)state;
  struct line line;
  begin(&line, "drip,gap=0.01");
  give_token(&line, TO_ALICE, 'a');
  give_token(&line, TO_ALICE, 'b');
  for (unsigned i = 1; i < AVOW_FRAME_HEADER + TOKEN_SIZE; i++) {
    wait(&line, 10000);
    assert_int_equal(buf_view(&line.to[TO_ALICE - 1]).size, i);
  }
  wait(&line, 10000);
  assert_went(&line, TO_ALICE, "ab");
  end(&line);
}

/* Goal: swallowing ends when its time is over. */
static void test_during(void **state) {
  (void)state;
  struct line line;
  begin(&line, "swallow-confirmations,during=2");
  give_token(&line, TO_BOB, 'A');
  wait(&line, 1999999);
  give_token(&line, TO_BOB, 'B');
  wait(&line, 1);
  give_token(&line, TO_BOB, 'C');
  assert_went(&line, TO_BOB, "C");
  end(&line);
}

/* Goal: the line is cut on both sides at once, or on Alice's first. */
static void test_cut(void **state) {
  (void)state;
  struct line line;
  begin(&line, "cut,nth=2");
  give_token(&line, TO_BOB, 'A');
  assert_int_equal(relay_fate(line.relay), RELAY_ON);
  give_token(&line, TO_BOB, 'B');
  assert_int_equal(relay_fate(line.relay), RELAY_CUT);
  assert_went(&line, TO_BOB, "A");
  assert_false(relay_wants(line.relay, TO_ALICE));
  end(&line);

  begin(&line, "half-open,seconds=5");
  give_token(&line, TO_ALICE, 'a');
  assert_int_equal(relay_fate(line.relay), RELAY_HALF);
  assert_went(&line, TO_ALICE, "");
  assert_int_equal(relay_deadline(line.relay), START_US + 5000000);
  wait(&line, 5000000);
  assert_int_equal(relay_fate(line.relay), RELAY_CUT);
  end(&line);
}

/* Goal: 'tls' becomes 'plain' in both hellos, and a plain one stays. */
static void test_downgrade(void **state) {
  (void)state;
  struct line line;
  begin(&line, NULL);
  struct attack attack;
  attack_default(attack_kind_named(view_text("downgrade")), &attack);
  assert_int_equal(plan_add(&line.plan, &attack), AVOW_OK);
  open_connection(&line, RELAY_LINE);
  give(&line, TO_ALICE, HELLO, sizeof HELLO - 1);
  give(&line, TO_BOB, "\0\0\0\6\1avow\1\0", 11);
  assert_true(view_equal(buf_view(&line.to[0]), view_of("\0\0\0\6\1avow\1\0", 11)));
  assert_true(view_equal(buf_view(&line.to[1]), view_of("\0\0\0\6\1avow\1\0", 11)));
  assert_said(&line, "wrote 'plain' for 'tls' into Bob's hello (connection 2).\n");
  end(&line);
}

/* Goal: who is no avow is told from who is, at the first frame, and later, and the line is cut. */
static void test_strangers(void **state) {
  (void)state;
  static const struct {
    const char *bytes;
    size_t size;
    enum direction way;
    const char *said;
  } CASES[] = {
      {"GET / HTTP/1.1\r\n\r\n", 18, TO_ALICE,
       "what comes from Bob's side is no frame of avow's. She cuts the line.\n"},
      {"\0\0\0\6\1wova\1\1", 11, TO_BOB,
       "what comes from Alice's side does not begin with avow's hello. She cuts the line.\n"},
      {"\0\0\0\1\6a", 6, TO_BOB,
       "what comes from Alice's side does not begin with avow's hello. She cuts the line.\n"},
  };
  for (size_t i = 0; i < COUNT_OF(CASES); i++) {
    struct line line;
    begin(&line, NULL);
    open_connection(&line, RELAY_LINE);
    give(&line, CASES[i].way, CASES[i].bytes, CASES[i].size);
    assert_int_equal(relay_fate(line.relay), RELAY_CUT);
    assert_said(&line, CASES[i].said);
    assert_int_equal(buf_view(&line.to[0]).size + buf_view(&line.to[1]).size, 0);
    end(&line);
  }
}

/* Goal: her program is asked, and what it answers goes, either way; without an answer the frame
 * passes as it came. */
static void test_asked(void **state) {
  (void)state;
  struct line line;
  struct relay_event event;
  uint8_t bytes[AVOW_FRAME_HEADER + TOKEN_SIZE];
  size_t size = token('a', bytes);
  begin(&line, "forge-message");
  assert_int_equal(relay_input(line.relay, TO_ALICE, view_of(bytes, size)), AVOW_OK);
  assert_true(relay_next(line.relay, line.now_us, &event));
  assert_int_equal(event.act, ACT_ASKED);
  assert_int_equal(event.payload.size, TOKEN_SIZE);
  assert_int_equal(relay_answer(line.relay, view_text("on"), view_text("back")), AVOW_OK);
  step(&line);
  assert_view_text(buf_view(&line.to[TO_ALICE - 1]), "on");
  assert_view_text(buf_view(&line.to[TO_BOB - 1]), "back");
  buf_clear(&line.to[TO_ALICE - 1]);
  give_token(&line, TO_ALICE, 'b');
  assert_went(&line, TO_ALICE, "b");
  end(&line);
}

/* Goal: alone with one side, nothing passes; what she says herself goes. */
static void test_alone(void **state) {
  (void)state;
  struct line line;
  begin(&line, NULL);
  open_connection(&line, RELAY_ALONE);
  give(&line, TO_ALICE, HELLO, sizeof HELLO - 1);
  assert_int_equal(line.last.act, ACT_ASKED);
  assert_int_equal(relay_say(line.relay, TO_BOB, view_text("hi")), AVOW_OK);
  step(&line);
  assert_int_equal(buf_view(&line.to[TO_ALICE - 1]).size, 0);
  assert_view_text(buf_view(&line.to[TO_BOB - 1]), "hi");
  end(&line);
}

/* Goal: an end is handed on when all that was held has gone. */
static void test_end(void **state) {
  (void)state;
  struct line line;
  begin(&line, "delay,seconds=2");
  give_token(&line, TO_ALICE, 'a');
  relay_ended(line.relay, TO_ALICE);
  assert_false(relay_finished(line.relay, TO_ALICE));
  assert_false(relay_finished(line.relay, TO_BOB));
  wait(&line, 2000000);
  assert_true(relay_finished(line.relay, TO_ALICE));
  assert_went(&line, TO_ALICE, "a");
  end(&line);
}

/* Goal: the same seed does the same to the same frames; another one does not. */
static void chaos(const char *attack, struct buf *out, unsigned *ret_acts) {
  struct line line;
  begin(&line, attack);
  line.plan.dice.state = (uint64_t)line.plan.attacks[0].value[OPTION_SEED];
  for (unsigned i = 0; i < 300; i++) {
    if (relay_fate(line.relay) != RELAY_ON) {
      open_connection(&line, RELAY_LINE);
      give(&line, TO_ALICE, HELLO, sizeof HELLO - 1);
      give(&line, TO_BOB, HELLO, sizeof HELLO - 1);
    }
    give_token(&line, i % 2 == 0 ? TO_ALICE : TO_BOB, (char)('a' + i % 26));
    wait(&line, 50000);
  }
  for (size_t i = 0; i < 2; i++)
    assert_int_equal(buf_append(out, buf_view(&line.to[i])), AVOW_OK);
  *ret_acts = line.acts;
  end(&line);
}

static void test_chaos(void **state) {
  (void)state;
  struct buf out[3];
  unsigned acts[3], all = 1u << ACT_CHANGED | 1u << ACT_DROPPED | 1u << ACT_HELD |
                          1u << ACT_RELEASED | 1u << ACT_ADDED | 1u << ACT_CUT;
  for (size_t i = 0; i < 3; i++)
    buf_init(&out[i], 64u << 20);
  chaos("chaos,seed=9,rate=40", &out[0], &acts[0]);
  chaos("chaos,seed=9,rate=40", &out[1], &acts[1]);
  chaos("chaos,seed=10,rate=40", &out[2], &acts[2]);
  assert_true(view_equal(buf_view(&out[0]), buf_view(&out[1])));
  assert_false(view_equal(buf_view(&out[0]), buf_view(&out[2])));
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(acts[i] & all, all);
    buf_free(&out[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_delay),        cmocka_unit_test(test_reorder_alone),
      cmocka_unit_test(test_replay_later), cmocka_unit_test(test_other_connections),
      cmocka_unit_test(test_drip),         cmocka_unit_test(test_during),
      cmocka_unit_test(test_cut),          cmocka_unit_test(test_downgrade),
      cmocka_unit_test(test_strangers),    cmocka_unit_test(test_asked),
      cmocka_unit_test(test_alone),        cmocka_unit_test(test_end),
      cmocka_unit_test(test_chaos),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
