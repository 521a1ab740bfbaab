// SPDX-License-Identifier: Apache-2.0
#include "openings.h"

#include "core/notary.h"

/* Openings as they should be, and as the two sides may refuse each other. */

/* Both have signed the same opening, each with his own key. */
static void assert_signed(const struct session *alice, const struct session *bob) {
  for (unsigned i = 0; i < 2; i++) {
    struct notary notary;
    const struct session *session = i ? bob : alice;
    struct opened opened = session_opened(session, i);
    bool by_alice, by_bob;
    assert_int_equal(notary_open(&notary, session, i), AVOW_OK);
    assert_int_equal(statement_opening(notary_text(&notary), &opened), AVOW_OK);
    assert_int_equal(notary_check(&notary, i == 0, session->grant.signature, &by_alice), AVOW_OK);
    assert_int_equal(notary_check(&notary, i == 1, session->bob_signature, &by_bob), AVOW_OK);
    assert_true(by_alice && by_bob);
    notary_close(&notary);
  }
  assert_memory_equal(alice->grant.signature, bob->grant.signature, SIGNATURE_SIZE);
  assert_memory_equal(alice->bob_signature, bob->bob_signature, SIGNATURE_SIZE);
}

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
    assert_memory_equal(a->grant.alice_head, grant.alice_head, HEAD_SIZE);
    assert_memory_equal(b->grant.alice_head, grant.alice_head, HEAD_SIZE);
    assert_same_open(&a->open, &b->open);
    assert_int_equal(a->handshake, i % 2 ? HANDSHAKE_TLS : HANDSHAKE_PLAIN);
    assert_int_equal(b->handshake, a->handshake);
    if (i % 2) {
      assert_memory_equal(a->peer_key, bob_key, sizeof bob_key);
      assert_memory_equal(b->peer_key, alice_key, sizeof alice_key);
      assert_string_not_equal(a->group, "");
      assert_ptr_equal(a->key, tls_identity_key(alice_identity));
      assert_ptr_equal(b->key, tls_identity_key(bob_identity));
      assert_signed(a, b);
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

/* Carry all that one side has to say, and ${more} with it. */
static void hand(struct pair *pair, bool to_bob, const char *more) {
  struct opening *from = to_bob ? pair->alice : pair->bob;
  struct opening *to = to_bob ? pair->bob : pair->alice;
  struct buf bytes;
  buf_init(&bytes, 100000);
  assert_int_equal(buf_append(&bytes, opening_output(from)), AVOW_OK);
  opening_output_consume(from, bytes.size);
  pair->carried[to_bob] += bytes.size;
  assert_int_equal(buf_text(&bytes, more), AVOW_OK);
  if (listens(to))
    opening_input(to, buf_view(&bytes), to_bob ? bob_now(pair) : pair->now);
  buf_free(&bytes);
  decide(pair);
}

/* Goal: bytes that come right behind the opening are the session's, on both sides, whole. */
static void test_leftover(void **state) {
  (void)state;
  for (unsigned tls = 0; tls < 2; tls++) {
    struct pair pair = begin(tls);
    for (unsigned turn = 0; turn < 4; turn++) {
      bool last = tls ? opening_state(pair.bob) == OPENING_DONE : pair.carried[1] > 0;
      hand(&pair, false, last ? "the session's" : "");
      last = opening_state(pair.alice) == (tls ? OPENING_GRANTED : OPENING_DONE);
      hand(&pair, true, last ? "his, too" : "");
    }
    assert_error(pair.alice, AVOW_OK);
    assert_error(pair.bob, AVOW_OK);
    assert_view_text(opening_rest(pair.alice), "the session's");
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
