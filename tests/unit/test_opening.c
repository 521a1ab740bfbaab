// SPDX-License-Identifier: Apache-2.0
#include "openings.h"

/* Openings as they should be, and as the two sides may refuse each other. */

/* Goal: in both modes, byte by byte and at once, both sides end with the same session: the open as
 * bob made it, the grant as alice made it, the peer's key, and clocks that fit. */
static void test_both_modes(void **state) {
  (void)state;
  static const size_t pieces[] = {1, 2, 7, 1000, SIZE_MAX};
  for (unsigned i = 0; i < 2 * COUNT_OF(pieces); i++) {
    struct pair pair = begin(i % 2);
    pair.refusal = AVOW_OK;
    talk(&pair, pieces[i / 2]);
    assert_error(pair.alice, AVOW_OK);
    assert_error(pair.bob, AVOW_OK);
    const struct session *a = opening_session(pair.alice), *b = opening_session(pair.bob);
    struct grant grant = grant_at(&pair);
    assert_memory_equal(a->grant.key, grant.key, sizeof grant.key);
    assert_memory_equal(b->grant.key, grant.key, sizeof grant.key);
    assert_memory_equal(b->grant.session_id, grant.session_id, sizeof grant.session_id);
    assert_int_equal(b->grant.opened_us, grant.opened_us);
    assert_int_equal(b->grant.clock_us, grant.clock_us);
    assert_int_equal(b->grant.next_id, 0x123456789);
    assert_int_equal(b->grant.offset_min, -210);
    assert_same_open(&a->open, &b->open);
    assert_int_equal(a->handshake, i % 2 ? HANDSHAKE_TLS : HANDSHAKE_PLAIN);
    assert_int_equal(b->handshake, a->handshake);
    if (i % 2) {
      assert_memory_equal(a->peer_key, bob_key, sizeof bob_key);
      assert_memory_equal(b->peer_key, alice_key, sizeof alice_key);
      assert_string_not_equal(a->group, "");
    }
    assert_string_equal(a->group, b->group);
    assert_int_equal(a->clock.wall_us, grant.clock_us);
    assert_int_equal(a->clock.mono_us, pair.now.mono_us);
    assert_int_equal(b->clock.wall_us, pair.now.wall_us + BOB_AHEAD_US);
    assert_int_equal(opening_rest(pair.alice).size + opening_rest(pair.bob).size, 0);
    end(&pair);
  }
}

/* Goal: what alice thinks of bob's clock is never less than it shows, and more by the time that his
 * answer took at most. */
static void test_clock_bound(void **state) {
  (void)state;
  for (unsigned i = 0; i < 2; i++) {
    struct pair pair = begin(i);
    for (unsigned turn = 0; opening_state(pair.bob) == OPENING_RUNNING && turn < 10; turn++) {
      carry(&pair, turn % 2 == 1, SIZE_MAX);
      pair.now.wall_us += 400000;
      pair.now.mono_us += 400000;
    }
    const struct session *a = opening_session(pair.alice), *b = opening_session(pair.bob);
    uint64_t shows_us = b->clock.wall_us + (a->peer_mono_us + 123 - b->clock.mono_us);
    assert_true(a->peer_us >= shows_us);
    assert_true(a->peer_us <= shows_us + 800000);
    end(&pair);
  }
}

/* Goal: another mode on the other side is told apart by both, either way round. */
static void test_wrong_mode(void **state) {
  (void)state;
  for (unsigned i = 0; i < 2; i++) {
    struct pair pair = begin(i), other = begin(!i);
    struct opening *alice = pair.alice;
    pair.alice = other.alice;
    other.alice = alice;
    talk(&pair, 3);
    assert_error(pair.alice, AVOW_BAD_MODE);
    assert_error(pair.bob, AVOW_BAD_MODE);
    end(&pair);
    end(&other);
  }
}

/* Goal: another version is told apart by both sides. */
static void test_wrong_version(void **state) {
  (void)state;
  for (unsigned i = 0; i < 2; i++)
    for (unsigned to_bob = 0; to_bob < 2; to_bob++) {
      struct pair pair = begin(i);
      pair.spoil = 8 * (AVOW_FRAME_HEADER + 4) + 1;
      pair.spoil_to_bob = to_bob;
      talk(&pair, SIZE_MAX);
      assert_error(pair.bob, AVOW_BAD_VERSION); /* by himself, or by alice's refusal */
      if (!to_bob)
        assert_error(pair.alice, AVOW_BAD_VERSION);
      end(&pair);
    }
}

/* Goal: a bob who trusts another key, or none yet, stops before he asks; and he knows the key that
 * he saw.  Alice never gets as far as being asked. */
static void test_server_key(void **state) {
  (void)state;
  for (unsigned known = 0; known < 2; known++) {
    struct pair pair = begin(true);
    opening_free(pair.bob);
    assert_int_equal(
        opening_bob(&pair.bob, bob_identity, known ? bob_key : NULL, &resumption, bob_now(&pair)),
        AVOW_OK);
    talk(&pair, 100);
    assert_error(pair.bob, known ? AVOW_KEY_CHANGED : AVOW_KEY_UNKNOWN);
    uint8_t key[ED25519_PUBLIC_SIZE];
    assert_true(opening_peer_key(pair.bob, key));
    assert_memory_equal(key, alice_key, sizeof key);
    assert_int_equal(opening_state(pair.alice), OPENING_FAILED);
    assert_false(opening_peer_key(pair.alice, key));
    end(&pair);
  }
}

/* Goal: alice's refusals reach bob with their reason, in both modes. */
static void test_refusals(void **state) {
  (void)state;
  static const enum avow_error refusals[] = {AVOW_BUSY, AVOW_KEY_REFUSED, AVOW_NO_SESSION};
  for (unsigned i = 0; i < 6; i++) {
    struct pair pair = begin(i % 2);
    pair.refusal = refusals[i / 2];
    talk(&pair, 5);
    assert_error(pair.alice, refusals[i / 2]);
    assert_error(pair.bob, refusals[i / 2]);
    end(&pair);
  }
}

/* Goal: bytes that come right behind the opening are the session's, on both sides, whole. */
static void test_leftover(void **state) {
  (void)state;
  for (unsigned i = 0; i < 2; i++) {
    struct pair pair = begin(i);
    pair.refusal = AVOW_OK;
    while (opening_state(pair.alice) != OPENING_DONE) {
      carry(&pair, true, SIZE_MAX);
      struct buf bytes;
      buf_init(&bytes, 100000);
      assert_int_equal(buf_append(&bytes, opening_output(pair.bob)), AVOW_OK);
      opening_output_consume(pair.bob, bytes.size);
      bool last = i == 0 ? pair.carried[1] > 0 : opening_peer_key(pair.bob, (uint8_t[32]){0});
      if (last)
        assert_int_equal(buf_text(&bytes, "the session's"), AVOW_OK);
      opening_input(pair.alice, buf_view(&bytes), pair.now);
      buf_free(&bytes);
      decide(&pair);
    }
    assert_view_text(opening_rest(pair.alice), "the session's");
    struct buf bytes;
    buf_init(&bytes, 100000);
    assert_int_equal(buf_append(&bytes, opening_output(pair.alice)), AVOW_OK);
    assert_int_equal(buf_text(&bytes, "his, too"), AVOW_OK);
    opening_input(pair.bob, buf_view(&bytes), bob_now(&pair));
    buf_free(&bytes);
    assert_error(pair.bob, AVOW_OK);
    assert_view_text(opening_rest(pair.bob), "his, too");
    end(&pair);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_both_modes), cmocka_unit_test(test_clock_bound),
      cmocka_unit_test(test_wrong_mode), cmocka_unit_test(test_wrong_version),
      cmocka_unit_test(test_server_key), cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_leftover),
  };
  return cmocka_run_group_tests(tests, identities_up, identities_down);
}
