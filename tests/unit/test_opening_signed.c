// SPDX-License-Identifier: Apache-2.0
#include "openings.h"

#include "core/notary.h"

/* The signatures of an opening, where one side is not honest, or says nothing. */

/* Bring an opening to where bob has asked, or, with ${granted}, to where alice waits for his
 * signature. */
static struct pair begin_until(bool granted) {
  struct pair pair = begin(true);
  carry(&pair, false, SIZE_MAX);
  carry(&pair, true, SIZE_MAX);
  while (opening_output(pair.bob).size > 0) { /* as carry, but alice does not decide yet */
    struct view bytes = opening_output(pair.bob);
    opening_input(pair.alice, bytes, pair.now);
    opening_output_consume(pair.bob, bytes.size);
  }
  assert_int_equal(opening_state(pair.alice), OPENING_ASKED);
  if (granted)
    decide(&pair);
  return pair;
}

/* What alice knows of the session, to be changed: so an alice would be who signs something else. */
static struct session *inside(struct opening *alice) {
  return (struct session *)(void *)((char *)(void *)opening_asked(alice) -
                                    offsetof(struct session, open));
}

static void change(struct session *session, unsigned what) {
  switch (what) {
  case 0: break;
  case 1: session->open.bob_head[31] ^= 1; break;
  case 2: session->open.resume = false; break;
  case 3: memcpy(session->peer_key, alice_key, sizeof alice_key); break;
  case 4: session->group[0] ^= 1; break;
  case 5: session->key = tls_identity_key(bob_identity); break;
  default: fail();
  }
}

/* Goal: an alice who signs the opening with another key, or another opening, has no session with
 * bob: he does not answer with his signature. */
static void test_alice_signs_wrongly(void **state) {
  (void)state;
  for (unsigned what = 0; what < 6; what++) {
    struct pair pair = begin_until(false);
    change(inside(pair.alice), what);
    decide(&pair);
    carry(&pair, true, SIZE_MAX);
    if (what == 0) {
      assert_error(pair.bob, AVOW_OK);
      assert_true(opening_output(pair.bob).size > 0);
      carry(&pair, false, SIZE_MAX);
      assert_error(pair.alice, AVOW_OK);
    } else {
      assert_error(pair.bob, AVOW_NOT_AUTHENTIC);
      assert_int_equal(opening_output(pair.bob).size, 0);
      assert_int_equal(opening_state(pair.alice), OPENING_GRANTED);
    }
    end(&pair);
  }
}

/* Goal: a bob who signs with another key than his, or another opening than alice, has no session
 * with her. */
static void test_bob_signs_wrongly(void **state) {
  (void)state;
  for (unsigned what = 0; what < 5; what++) {
    struct pair pair = begin_until(true);
    struct session *session = inside(pair.alice);
    change(session, what);
    carry(&pair, true, SIZE_MAX);
    carry(&pair, false, SIZE_MAX);
    assert_error(pair.bob, AVOW_OK);
    assert_error(pair.alice, what == 0 ? AVOW_OK : AVOW_NOT_AUTHENTIC);
    end(&pair);
  }
}

/* Goal: alice waits for bob's signature until ten seconds have passed since he came, and no longer;
 * and what comes in the clear meanwhile is not from him, be it a signature. */
static void test_no_agreement(void **state) {
  (void)state;
  for (unsigned type = 0; type <= FRAME_TYPE_LAST; type++) {
    struct pair pair = begin_until(true);
    uint8_t signature[SIGNATURE_SIZE] = {0};
    uint64_t end_us = pair.now.mono_us + AVOW_OPENING_TIME_US;
    struct buf bytes;
    buf_init(&bytes, 1000);
    assert_int_equal(opening_state(pair.alice), OPENING_GRANTED);
    assert_int_equal(opening_deadline(pair.alice), end_us);
    if (type == 0) {
      opening_tick(pair.alice, (struct now){pair.now.wall_us, end_us - 1});
      assert_int_equal(opening_state(pair.alice), OPENING_GRANTED);
      opening_tick(pair.alice, (struct now){pair.now.wall_us, end_us});
      assert_error(pair.alice, AVOW_TIMEOUT);
    } else if (type != FRAME_HANDSHAKE) {
      struct view payload = view_of(signature, sizeof signature);
      assert_int_equal(frame_append(&bytes, (enum frame_type)type, payload), AVOW_OK);
      opening_input(pair.alice, buf_view(&bytes), pair.now);
      assert_error(pair.alice, AVOW_MALFORMED);
    }
    buf_free(&bytes);
    end(&pair);
  }
}

/* A bob of our own, who has the right key, and says what he likes once he has his session. */
static struct tls *insider(struct opening *alice, struct pair *pair) {
  struct tls *tls;
  struct buf line;
  buf_init(&line, 100000);
  assert_int_equal(tls_connect(&tls, bob_identity, alice_key), AVOW_OK);
  assert_int_equal(hello_append(&line, HANDSHAKE_TLS), AVOW_OK);
  for (unsigned turn = 0; turn < 4; turn++) {
    struct view out = tls_output(tls);
    if (out.size > 0)
      assert_int_equal(frame_append(&line, FRAME_HANDSHAKE, out), AVOW_OK);
    tls_output_consume(tls, out.size);
    opening_input(alice, buf_view(&line), pair->now);
    buf_clear(&line);
    decide(pair);
    struct view said = opening_output(alice);
    while (said.size > 0) {
      size_t size = load_u32(said.data);
      if (said.data[4] == FRAME_HANDSHAKE)
        assert_int_equal(tls_input(tls, view_of(said.data + AVOW_FRAME_HEADER, size)), AVOW_OK);
      said = view_of(said.data + AVOW_FRAME_HEADER + size, said.size - AVOW_FRAME_HEADER - size);
    }
    opening_output_consume(alice, opening_output(alice).size);
    if (turn == 1) {
      assert_int_equal(open_append(&line, &resumption), AVOW_OK);
      assert_int_equal(tls_write(tls, buf_view(&line)), AVOW_OK);
      buf_clear(&line);
    }
  }
  buf_free(&line);
  return tls;
}

/* Goal: inside the channel only an agreement of the right size may answer the session, and only the
 * right signature is one. */
static void test_insider(void **state) {
  (void)state;
  for (unsigned type = 1; type <= FRAME_TYPE_LAST; type++)
    for (size_t size = SIGNATURE_SIZE - 1; size <= SIGNATURE_SIZE + 1; size++) {
      struct pair pair = begin(true);
      struct tls *tls = insider(pair.alice, &pair);
      uint8_t payload[SIGNATURE_SIZE + 1] = {0};
      struct buf frame, line;
      assert_int_equal(opening_state(pair.alice), OPENING_GRANTED);
      buf_init(&frame, 1000);
      buf_init(&line, 1000);
      assert_int_equal(frame_append(&frame, (enum frame_type)type, view_of(payload, size)),
                       AVOW_OK);
      assert_int_equal(tls_write(tls, buf_view(&frame)), AVOW_OK);
      assert_int_equal(frame_append(&line, FRAME_HANDSHAKE, tls_output(tls)), AVOW_OK);
      opening_input(pair.alice, buf_view(&line), pair.now);
      bool fits = type == FRAME_AGREE && size == SIGNATURE_SIZE;
      assert_error(pair.alice, fits ? AVOW_NOT_AUTHENTIC : AVOW_MALFORMED);
      tls_free(tls);
      buf_free(&frame);
      buf_free(&line);
      end(&pair);
    }
}

/* Goal: a peer whose key is of small order has signed nothing: the signature that needs no private
 * key, and that fits every statement, is not good. */
static void test_weak_key(void **state) {
  (void)state;
  struct pair pair = begin_until(true);
  struct session *session = inside(pair.alice);
  const uint8_t weak[ED25519_PUBLIC_SIZE] = {1}, signature[SIGNATURE_SIZE] = {1};
  struct notary notary;
  bool is_good = true;
  memcpy(session->peer_key, weak, sizeof weak);
  struct opened opened = session_opened(session, false);
  assert_int_equal(notary_open(&notary, session, false), AVOW_OK);
  assert_int_equal(statement_opening(notary_text(&notary), &opened), AVOW_OK);
  assert_int_equal(notary_check(&notary, false, signature, &is_good), AVOW_OK);
  assert_false(is_good);
  notary_close(&notary);
  carry(&pair, true, SIZE_MAX);
  carry(&pair, false, SIZE_MAX);
  assert_error(pair.alice, AVOW_NOT_AUTHENTIC);
  end(&pair);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_alice_signs_wrongly),
      cmocka_unit_test(test_bob_signs_wrongly),
      cmocka_unit_test(test_no_agreement),
      cmocka_unit_test(test_insider),
      cmocka_unit_test(test_weak_key),
  };
  return cmocka_run_group_tests(tests, identities_up, identities_down);
}
