// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "core/opening.h"
#include "wire/frame.h"

/* Both sides of an opening over memory, in plain and in tls mode. */

static const uint8_t alice_seed[ED25519_SEED_SIZE] = "alice's seed, thirty-two bytes..";
static const uint8_t bob_seed[ED25519_SEED_SIZE] = "bob's seed, also thirty-two byte";
static struct tls_identity *alice_identity, *bob_identity;
static uint8_t alice_key[ED25519_PUBLIC_SIZE], bob_key[ED25519_PUBLIC_SIZE];

static int identities_up(void **state) {
  (void)state;
  return tls_identity_new(&alice_identity, alice_seed) != AVOW_OK ||
         tls_identity_new(&bob_identity, bob_seed) != AVOW_OK ||
         ed25519_public(alice_seed, alice_key) != AVOW_OK ||
         ed25519_public(bob_seed, bob_key) != AVOW_OK;
}

static int identities_down(void **state) {
  (void)state;
  tls_identity_free(alice_identity);
  tls_identity_free(bob_identity);
  return 0;
}

#define BOB_AHEAD_US UINT64_C(5000000000)

struct pair {
  struct opening *alice, *bob;
  struct now now; /* alice's */
  size_t spoil;   /* flip this bit of the stream: to_alice first, then to_bob */
  bool spoil_to_bob;
  size_t carried[2]; /* bytes to alice, to bob */
  enum avow_error refusal;
};
#define SPOIL_NOTHING SIZE_MAX

static struct now bob_now(const struct pair *pair) {
  return (struct now){pair->now.wall_us + BOB_AHEAD_US, pair->now.mono_us + 123};
}

static struct pair begin(bool tls) {
  struct pair pair = {.now = {1795368456951090, 77000000}, .spoil = SPOIL_NOTHING};
  assert_int_equal(opening_alice(&pair.alice, tls ? alice_identity : NULL, pair.now), AVOW_OK);
  assert_int_equal(
      opening_bob(&pair.bob, tls ? bob_identity : NULL, tls ? alice_key : NULL, bob_now(&pair)),
      AVOW_OK);
  return pair;
}

static void end(struct pair *pair) {
  opening_free(pair->alice);
  opening_free(pair->bob);
}

static struct grant grant_at(const struct pair *pair) {
  struct grant grant = {.opened_us = pair->now.wall_us, .offset_min = -210};
  memset(grant.key, 0x6b, sizeof grant.key);
  memset(grant.session_id, 0x1d, sizeof grant.session_id);
  return grant;
}

static void decide(struct pair *pair) {
  struct grant grant = grant_at(pair);
  if (opening_state(pair->alice) != OPENING_ASKED)
    return;
  assert_int_equal(opening_deadline(pair->alice), WHEN_NEVER);
  if (pair->refusal != AVOW_OK)
    opening_refuse(pair->alice, pair->refusal);
  else
    opening_grant(pair->alice, &grant, pair->now);
}

/* Carry what one side has to say to the other, in pieces of at most ${piece} bytes, until it has
 * been heard or the other one has enough. */
static void carry(struct pair *pair, bool to_bob, size_t piece) {
  struct opening *from = to_bob ? pair->alice : pair->bob;
  struct opening *to = to_bob ? pair->bob : pair->alice;
  while (opening_output(from).size > 0) {
    struct view bytes = opening_output(from);
    uint8_t *copy = malloc(bytes.size);
    bytes.size = bytes.size < piece ? bytes.size : piece;
    memcpy(copy, bytes.data, bytes.size);
    size_t at = pair->carried[to_bob], bit = pair->spoil;
    if (pair->spoil_to_bob == to_bob && bit / 8 >= at && bit / 8 < at + bytes.size)
      copy[bit / 8 - at] ^= (uint8_t)(1 << bit % 8);
    pair->carried[to_bob] += bytes.size;
    if (opening_state(to) == OPENING_RUNNING)
      opening_input(to, view_of(copy, bytes.size), to_bob ? bob_now(pair) : pair->now);
    free(copy);
    opening_output_consume(from, bytes.size);
    decide(pair);
  }
}

static void talk(struct pair *pair, size_t piece) {
  while (opening_output(pair->bob).size > 0 || opening_output(pair->alice).size > 0) {
    carry(pair, false, piece);
    carry(pair, true, piece);
  }
}

static void assert_error(const struct opening *opening, enum avow_error error) {
  assert_int_equal(opening_error(opening), error);
  assert_int_equal(opening_state(opening), error == AVOW_OK ? OPENING_DONE : OPENING_FAILED);
  assert_int_equal(opening_deadline(opening), WHEN_NEVER);
}

/* Goal: in both modes, byte by byte and at once, both sides end with the same session: the grant as
 * alice made it, the peer's key, and clocks that fit. */
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
    assert_int_equal(b->grant.offset_min, -210);
    assert_int_equal(a->handshake, i % 2 ? HANDSHAKE_TLS : HANDSHAKE_PLAIN);
    assert_int_equal(b->handshake, a->handshake);
    if (i % 2) {
      assert_memory_equal(a->peer_key, bob_key, sizeof bob_key);
      assert_memory_equal(b->peer_key, alice_key, sizeof alice_key);
      assert_string_not_equal(a->group, "");
    }
    assert_string_equal(a->group, b->group);
    assert_int_equal(a->clock.wall_us, grant.opened_us);
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
    assert_int_equal(opening_bob(&pair.bob, bob_identity, known ? bob_key : NULL, bob_now(&pair)),
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
  static const enum avow_error refusals[] = {AVOW_BUSY, AVOW_KEY_REFUSED};
  for (unsigned i = 0; i < 4; i++) {
    struct pair pair = begin(i % 2);
    pair.refusal = refusals[i / 2];
    talk(&pair, 5);
    assert_error(pair.alice, refusals[i / 2]);
    assert_error(pair.bob, refusals[i / 2]);
    end(&pair);
  }
}

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

/* Goal: whoever begins a frame and falls silent is let go after the 3 s of a truncated frame. */
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
    assert_error(pair.alice, AVOW_NOT_AVOW);
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
      assert_int_equal(grant_append(&bytes, &grant), AVOW_OK);
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
      assert_int_equal(open_append(&bytes, &(struct open){1}), AVOW_OK);
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
    for (size_t bit = 0; bit < 8 * (size_t)(to_bob ? 74 : 24); bit++) {
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
      cmocka_unit_test(test_both_modes),         cmocka_unit_test(test_clock_bound),
      cmocka_unit_test(test_wrong_mode),         cmocka_unit_test(test_wrong_version),
      cmocka_unit_test(test_server_key),         cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_strangers),          cmocka_unit_test(test_timeout),
      cmocka_unit_test(test_out_of_order),       cmocka_unit_test(test_beside_the_channel),
      cmocka_unit_test(test_too_much),           cmocka_unit_test(test_half_a_frame),
      cmocka_unit_test(test_leftover),           cmocka_unit_test(test_flipped_bits_tls),
      cmocka_unit_test(test_flipped_bits_plain),
  };
  return cmocka_run_group_tests(tests, identities_up, identities_down);
}
