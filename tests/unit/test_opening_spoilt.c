// SPDX-License-Identifier: Apache-2.0
#include "openings.h"

/* What strangers, a bad line and whoever sits on it may do to an opening. */

/* Goal: strangers are told from ours, and named where they can be guessed, however their bytes are
 * cut. */
static void test_strangers(void **state) {
  (void)state;
  static const struct {
    const char *bytes;
    size_t size;
    const char *detail;
  } strangers[] = {
      {"GET / HTTP/1.1\r\n", 16, "it looks like HTTP"},
      {"HTTP/1.0 400 Bad", 16, "it looks like HTTP"},
      {"POST /x HTTP/1.1", 16, "it looks like HTTP"},
      {"\x16\x03\x01\x02\0\1\0\1\xfc\3", 10, "it looks like TLS"},
      {"SSH-2.0-OpenSSH_", 16, "it looks like SSH"},
      {"\xff\xfb\1\xff\xfd\3xyz", 9, ""},
      {"\0\0\0\6\1avowX", 11, ""},      /* not even a version */
      {"\0\0\0\6\1AVOW\1", 11, ""},     /* not our name */
      {"\0\0\0\6\6avow\1\0", 11, ""},   /* not a hello */
      {"\0\0\0\7\1avow\1\0\0", 12, ""}, /* too long */
      {"\0\0\0\5\1avow\1", 10, ""},     /* too short */
      {"\0\0\0\6\1avow\1\2", 11, ""},   /* no such mode */
      {"\0\0\0\0\1", 5, ""},            /* empty */
      {"\0\1\0\0\1", 5, ""},            /* too long to wait for */
  };
  for (unsigned i = 0; i < COUNT_OF(strangers); i++)
    for (unsigned way = 0; way < 8; way++) {
      struct pair pair = begin(way & 1);
      struct opening *ours = way & 2 ? pair.alice : pair.bob;
      size_t piece = way & 4 ? 1 : strangers[i].size;
      for (size_t at = 0; at < strangers[i].size; at += piece)
        opening_input(ours, view_of(strangers[i].bytes + at, piece), pair.now);
      if (i == 6)
        assert_error(ours, AVOW_BAD_VERSION);
      else
        assert_error(ours, AVOW_NOT_AVOW);
      assert_string_equal(opening_detail(ours), strangers[i].detail);
      end(&pair);
    }
}

/* Goal: a stranger who only waits is given ten seconds, to the microsecond, at every point of the
 * opening; and a failure is final. */
static void test_timeout(void **state) {
  (void)state;
  for (unsigned i = 0; i < 2; i++)
    for (unsigned turns = 0; turns < 3; turns++) {
      struct pair pair = begin(i);
      uint64_t end_us = pair.now.mono_us + AVOW_OPENING_TIME_US;
      for (unsigned turn = 0; turn < turns && turn < 1 + i; turn++)
        carry(&pair, turn % 2 == 1, 11); /* the hellos, and what TLS says at once */
      struct opening *ours = pair.alice;
      if (opening_state(ours) == OPENING_RUNNING) {
        assert_int_equal(opening_deadline(ours), end_us);
        opening_tick(ours, (struct now){pair.now.wall_us, end_us - 1});
        assert_int_equal(opening_state(ours), OPENING_RUNNING);
        opening_tick(ours, (struct now){pair.now.wall_us, end_us});
        assert_error(ours, AVOW_TIMEOUT);
        carry(&pair, false, 11);
        opening_input(ours, view_text("GET / HTTP"), pair.now);
        assert_error(ours, AVOW_TIMEOUT);
      }
      end(&pair);
    }
}

/* Goal: whoever begins a frame and falls silent is let go after the 3 s of a truncated frame;
 * that the line stands still need not be anybody's doing. */
static void test_half_a_frame(void **state) {
  (void)state;
  for (unsigned i = 0; i < 2; i++) {
    struct pair pair = begin(i);
    opening_input(pair.alice, view_of("\0\0\0\6\1avow", i ? 3 : 9), pair.now);
    uint64_t end_us = pair.now.mono_us + FRAMES_SILENCE_US;
    assert_int_equal(opening_deadline(pair.alice), end_us);
    opening_tick(pair.alice, (struct now){pair.now.wall_us, end_us - 1});
    assert_int_equal(opening_state(pair.alice), OPENING_RUNNING);
    opening_tick(pair.alice, (struct now){pair.now.wall_us, end_us});
    assert_error(pair.alice, AVOW_TIMEOUT);
    end(&pair);
  }
}

/* Goal: what may not arrive where it arrives fails the opening: here every frame type as the first
 * frame after the hello. */
static void test_out_of_order(void **state) {
  (void)state;
  for (unsigned i = 0; i < 4; i++)
    for (unsigned type = 1; type <= FRAME_TYPE_LAST; type++) {
      bool tls = i & 1, to_bob = i & 2;
      struct pair pair = begin(tls);
      struct opening *ours = to_bob ? pair.bob : pair.alice;
      struct buf bytes;
      buf_init(&bytes, 1000);
      assert_int_equal(hello_append(&bytes, tls ? HANDSHAKE_TLS : HANDSHAKE_PLAIN), AVOW_OK);
      assert_int_equal(frame_append(&bytes, (enum frame_type)type, view_text("")), AVOW_OK);
      opening_input(ours, buf_view(&bytes), pair.now);
      /* An empty handshake frame moves nothing; all others are wrong, or wrong when empty. */
      if (tls && type == FRAME_HANDSHAKE)
        assert_int_equal(opening_state(ours), OPENING_RUNNING);
      else
        assert_error(ours, AVOW_MALFORMED);
      buf_free(&bytes);
      end(&pair);
    }
}

/* Goal: when the TLS channel stands, its frames are the only ones that count: an open, a session or
 * a refusal beside it, in the clear, is somebody else's and never believed. */
static void test_beside_the_channel(void **state) {
  (void)state;
  for (unsigned i = 0; i < 4; i++) {
    struct pair pair = begin(true);
    struct grant grant = grant_at(&pair);
    struct buf bytes;
    buf_init(&bytes, 10000);
    carry(&pair, false, SIZE_MAX);
    carry(&pair, true, SIZE_MAX); /* now bob is secured, and waits for a session */
    if (i == 0)
      assert_int_equal(grant_append(&bytes, HANDSHAKE_TLS, &grant), AVOW_OK);
    else if (i == 1)
      assert_int_equal(refusal_append(&bytes, AVOW_KEY_REFUSED), AVOW_OK);
    else if (i == 2)
      assert_int_equal(refusal_append(&bytes, AVOW_BAD_VERSION), AVOW_OK);
    if (i < 3) {
      opening_input(pair.bob, buf_view(&bytes), bob_now(&pair));
      assert_error(pair.bob, AVOW_MALFORMED);
    } else { /* all that bob says but for his open, which comes in a frame of its own */
      struct view said = opening_output(pair.bob);
      size_t first = AVOW_FRAME_HEADER + load_u32(said.data);
      assert_true(first < said.size);
      opening_input(pair.alice, view_of(said.data, first), pair.now);
      assert_int_equal(opening_state(pair.alice), OPENING_RUNNING);
      assert_true(opening_peer_key(pair.alice, (uint8_t[ED25519_PUBLIC_SIZE]){0}));
      assert_int_equal(open_append(&bytes, &(struct open){.clock_us = 1}), AVOW_OK);
      opening_input(pair.alice, buf_view(&bytes), pair.now);
      assert_error(pair.alice, AVOW_MALFORMED);
    }
    buf_free(&bytes);
    end(&pair);
  }
}

/* Goal: nobody may send more than 64 kB before the session is open, in however small frames. */
static void test_too_much(void **state) {
  (void)state;
  struct pair pair = begin(true);
  struct buf bytes;
  buf_init(&bytes, 1000);
  assert_int_equal(hello_append(&bytes, HANDSHAKE_TLS), AVOW_OK);
  opening_input(pair.alice, buf_view(&bytes), pair.now);
  buf_clear(&bytes);
  assert_int_equal(frame_append(&bytes, FRAME_HANDSHAKE, view_text("")), AVOW_OK);
  size_t sent = 11;
  for (; sent + 5 <= AVOW_OPENING_BYTES_MAX; sent += 5)
    opening_input(pair.alice, buf_view(&bytes), pair.now);
  assert_int_equal(opening_state(pair.alice), OPENING_RUNNING);
  opening_input(pair.alice, buf_view(&bytes), pair.now);
  assert_error(pair.alice, AVOW_TOO_LONG);
  buf_free(&bytes);
  end(&pair);
}

/* Goal: bits flip anywhere in what either side says in tls mode (all of each byte with AVOW_FULL=1,
 * else one of each, and all of the first ones): never do both sides have a session with different
 * keys, and what was protected and changed is always seen. */
static void test_flipped_bits_tls(void **state) {
  (void)state;
  bool full = getenv("AVOW_FULL") != NULL;
  for (unsigned to_bob = 0; to_bob < 2; to_bob++) {
    size_t size = 1, failed = 0, tried = 0;
    for (size_t at = 0; at < size; at++)
      for (size_t bit = 0; bit < 8; bit++) {
        if (!full && at >= 20 && bit != at % 8)
          continue;
        struct pair pair = begin(true);
        pair.refusal = AVOW_OK;
        pair.spoil = 8 * at + bit;
        pair.spoil_to_bob = to_bob;
        talk(&pair, SIZE_MAX);
        bool alice_done = opening_state(pair.alice) == OPENING_DONE;
        bool bob_done = opening_state(pair.bob) == OPENING_DONE;
        if (alice_done && bob_done) {
          const struct session *a = opening_session(pair.alice), *b = opening_session(pair.bob);
          assert_memory_equal(a->grant.key, b->grant.key, sizeof a->grant.key);
          assert_memory_equal(a->grant.session_id, b->grant.session_id, SESSION_ID_SIZE);
          assert_int_equal(a->grant.opened_us, b->grant.opened_us);
          assert_int_equal(a->grant.next_id, b->grant.next_id);
          assert_memory_equal(a->bob_signature, b->bob_signature, SIGNATURE_SIZE);
          assert_same_open(&a->open, &b->open);
          size = pair.carried[to_bob]; /* of a whole opening */
        } else if (size == 1) {
          size = 4000; /* not known yet */
        }
        failed += !alice_done || !bob_done;
        tried++;
        end(&pair);
      }
    assert_true(size > 500);
    assert_true(failed > tried * 9 / 10);
  }
}

/* Goal: the same in plain mode, which promises nothing: but no flipped bit makes a side believe
 * that all is well when the frames or the hellos were changed. */
static void test_flipped_bits_plain(void **state) {
  (void)state;
  for (unsigned to_bob = 0; to_bob < 2; to_bob++)
    for (size_t bit = 0; bit < 8 * (size_t)(to_bob ? 16 + 106 : 16 + 69); bit++) {
      struct pair pair = begin(false);
      pair.spoil = bit;
      pair.spoil_to_bob = to_bob;
      talk(&pair, SIZE_MAX);
      bool both =
          opening_state(pair.alice) == OPENING_DONE && opening_state(pair.bob) == OPENING_DONE;
      size_t at = bit / 8;
      bool content = at >= 16; /* after the hello and the header of the second frame */
      if (!content)
        assert_false(both);
      end(&pair);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_strangers),          cmocka_unit_test(test_timeout),
      cmocka_unit_test(test_half_a_frame),       cmocka_unit_test(test_out_of_order),
      cmocka_unit_test(test_beside_the_channel), cmocka_unit_test(test_too_much),
      cmocka_unit_test(test_flipped_bits_tls),   cmocka_unit_test(test_flipped_bits_plain),
  };
  return cmocka_run_group_tests(tests, identities_up, identities_down);
}
