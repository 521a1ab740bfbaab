// SPDX-License-Identifier: Apache-2.0
/* Openings, either side (the first byte chooses), in pieces and with time between them.  Built
 * twice: as `opening_plain` the script's bytes come as they are; as `opening_tls`, with TLS, they
 * come as they are, or the script is a peer who shakes hands in order and says anything after that,
 * or sits on the line between two honest ones and alters it.
 *
 * Whatever it does: the side asks, grants, refuses or fails, in time, with a session only from a
 * peer whose key it is; what waits to be sent is bounded. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/when.h"
#include "core/opening.h"
#include "crypto/secret.h"
#include "harness.h"
#include "wire/frame.h"

#define START_US 1700000000000000u

static const uint8_t alice_seed[ED25519_SEED_SIZE] = "alice's seed, thirty-two bytes..";
static const uint8_t bob_seed[ED25519_SEED_SIZE] = "bob's seed, also thirty-two byte";

struct run {
  struct reader script;
  struct now now;
  struct tls_identity *alice, *bob; /* NULL: plain */
  uint8_t alice_key[ED25519_PUBLIC_SIZE], bob_key[ED25519_PUBLIC_SIZE];
};

/* The owner's part of it. */
static void settle(struct run *run, struct opening *opening) {
  uint8_t key[ED25519_PUBLIC_SIZE];
  if (opening_state(opening) == OPENING_ASKED) {
    const struct open *open = opening_asked(opening);
    REQUIRE(open->clock_us <= WHEN_MAX_US && abs(open->offset_min) < 24 * 60);
    REQUIRE(opening_peer_key(opening, key) == (run->alice != NULL));
    struct grant grant = {.clock_us = run->now.wall_us, .key = "the key", .next_id = 5};
    if (open->clock_us % 7 == 1)
      opening_refuse(opening, AVOW_BUSY);
    else
      opening_grant(opening, &grant, run->now);
  }
  bool failed = opening_state(opening) == OPENING_FAILED;
  REQUIRE((opening_error(opening) != AVOW_OK) == failed && opening_detail(opening) != NULL);
  REQUIRE(opening_output(opening).size <= 2 * AVOW_OPENING_BYTES_MAX);
  if (opening_state(opening) == OPENING_DONE)
    REQUIRE(opening_session(opening)->grant.clock_us <= WHEN_MAX_US);
}

static void give(struct run *run, struct opening *opening, struct view bytes) {
  uint8_t *exact = fuzz_exact(bytes);
  opening_input(opening, view_of(exact, bytes.size), run->now);
  free(exact);
  settle(run, opening);
}

static void pass_time(struct run *run, struct opening *opening, uint64_t us) {
  run->now.mono_us += us;
  run->now.wall_us += us;
  opening_tick(opening, run->now);
  REQUIRE(opening_deadline(opening) > run->now.mono_us);
  settle(run, opening);
}

static struct opening *new_opening(struct run *run, bool alice) {
  struct opening *opening;
  struct open open = {.offset_min = 60};
  if (alice)
    REQUIRE_OK(opening_alice(&opening, run->alice, run->now));
  else
    REQUIRE_OK(opening_bob(&opening, run->bob, run->alice_key, &open, run->now));
  return opening;
}

/* A stranger: bytes as they come, or as frames of a type that could be right. */
static void stranger(struct run *run, bool alice) {
  struct opening *opening = new_opening(run, alice);
  struct buf frame;
  buf_init(&frame, AVOW_OPENING_BYTES_MAX);
  while (fuzz_more(&run->script)) {
    uint8_t act = reader_u8(&run->script);
    struct view bytes = fuzz_take(&run->script, act / 4);
    if (act % 4 == 0) {
      give(run, opening, bytes);
    } else if (act % 4 == 1) {
      pass_time(run, opening, (uint64_t)act * 20000);
    } else {
      buf_clear(&frame);
      enum frame_type type = (enum frame_type)(1 + reader_u8(&run->script) % FRAME_TYPE_LAST);
      REQUIRE_OK(frame_append(&frame, type, bytes));
      give(run, opening, buf_view(&frame));
    }
    if (act % 4 == 3)
      opening_output_consume(opening, opening_output(opening).size);
  }
  if (run->alice != NULL)
    REQUIRE(opening_state(opening) != OPENING_DONE && opening_state(opening) != OPENING_ASKED);
  pass_time(run, opening, AVOW_OPENING_TIME_US);
  REQUIRE(opening_state(opening) != OPENING_RUNNING && opening_state(opening) != OPENING_GRANTED);
  opening_free(opening);
  buf_free(&frame);
}

#ifdef TLS
/* Move what one side says to the other, altering it where the script says so. */
static bool relay(struct run *run, struct opening *from, struct opening *to) {
  struct view out = opening_output(from);
  uint8_t how = reader_u8(&run->script);
  if (out.size == 0)
    return false;
  size_t size = how & 1 ? 1u + reader_u16(&run->script) % out.size : out.size;
  uint8_t *copy = fuzz_exact(view_of(out.data, size));
  if (how & 2)
    copy[reader_u16(&run->script) % size] ^= reader_u8(&run->script);
  opening_output_consume(from, size);
  if (!(how & 4) || how & 8)
    give(run, to, view_of(copy, size));
  free(copy);
  return true;
}

static void between(struct run *run) {
  struct opening *alice = new_opening(run, true), *bob = new_opening(run, false);
  bool moved = true;
  for (int i = 0; i < 200 && moved; i++) {
    if (opening_state(bob) == OPENING_GRANTED)
      opening_agree(bob);
    moved = relay(run, bob, alice);
    moved |= relay(run, alice, bob);
  }
  bool alice_done = opening_state(alice) == OPENING_DONE;
  if (alice_done)
    REQUIRE(opening_state(bob) == OPENING_DONE); /* only then did he sign */
  if (opening_state(bob) == OPENING_DONE) {
    uint8_t key[ED25519_PUBLIC_SIZE];
    const struct session *session = opening_session(bob);
    REQUIRE(alice_done || opening_state(alice) == OPENING_GRANTED ||
            opening_state(alice) == OPENING_FAILED);
    REQUIRE(secret_equal(session->peer_key, run->alice_key, sizeof key));
    REQUIRE(opening_peer_key(alice, key) && secret_equal(key, run->bob_key, sizeof key));
  }
  if (alice_done) {
    const struct session *hers = opening_session(alice), *his = opening_session(bob);
    REQUIRE(secret_equal(his->grant.key, hers->grant.key, SESSION_KEY_SIZE));
    REQUIRE(secret_equal(his->grant.signature, hers->grant.signature, SIGNATURE_SIZE));
    REQUIRE(secret_equal(his->bob_signature, hers->bob_signature, SIGNATURE_SIZE));
  }
  opening_free(alice);
  opening_free(bob);
}

static void tls_to(struct run *run, struct tls *tls, struct opening *opening) {
  struct buf frame;
  struct view out = tls_output(tls);
  buf_init(&frame, AVOW_OPENING_BYTES_MAX);
  if (out.size > 0 && out.size <= AVOW_OPENING_FRAME_MAX)
    REQUIRE_OK(frame_append(&frame, FRAME_HANDSHAKE, out));
  tls_output_consume(tls, out.size);
  give(run, opening, buf_view(&frame));
  buf_free(&frame);
}

static void tls_from(struct opening *opening, struct tls *tls) {
  struct view out = opening_output(opening);
  while (out.size >= AVOW_FRAME_HEADER) {
    size_t size = load_u32(out.data);
    if (out.data[4] == FRAME_HANDSHAKE)
      (void)tls_input(tls, view_of(out.data + AVOW_FRAME_HEADER, size));
    out = view_of(out.data + AVOW_FRAME_HEADER + size, out.size - AVOW_FRAME_HEADER - size);
  }
  opening_output_consume(opening, opening_output(opening).size);
}

/* A peer with a right key, who says anything once the channel stands. */
static void insider(struct run *run, bool alice) {
  struct opening *opening = new_opening(run, alice);
  struct tls *tls;
  struct buf frame;
  buf_init(&frame, AVOW_OPENING_BYTES_MAX);
  if (alice)
    REQUIRE_OK(tls_connect(&tls, run->bob, run->alice_key));
  else
    REQUIRE_OK(tls_accept(&tls, run->alice));
  REQUIRE_OK(hello_append(&frame, HANDSHAKE_TLS));
  give(run, opening, buf_view(&frame));
  for (int i = 0; i < 6; i++) {
    tls_to(run, tls, opening);
    tls_from(opening, tls);
  }
  REQUIRE(tls_ready(tls));
  while (fuzz_more(&run->script) &&
         (opening_state(opening) == OPENING_RUNNING || opening_state(opening) == OPENING_GRANTED)) {
    uint8_t type = reader_u8(&run->script), size = reader_u8(&run->script);
    struct view bytes = fuzz_take(&run->script, size);
    buf_clear(&frame);
    if (type & 1)
      REQUIRE_OK(frame_append(&frame, (enum frame_type)(type / 2 % 8), bytes));
    else
      REQUIRE_OK(buf_append(&frame, bytes));
    if (buf_view(&frame).size > 0 && tls_write(tls, buf_view(&frame)) == AVOW_OK)
      tls_to(run, tls, opening);
  }
  REQUIRE(opening_state(opening) != OPENING_DONE); /* the script cannot sign */
  tls_free(tls);
  opening_free(opening);
  buf_free(&frame);
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct run run;
  run.script = reader_of(view_of(data, size));
  run.now = (struct now){START_US, 1000000};
  uint8_t how = reader_u8(&run.script);
#ifdef TLS
  if (run.alice == NULL) { /* once: they are the same for all inputs */
    REQUIRE_OK(tls_identity_new(&run.alice, alice_seed));
    REQUIRE_OK(tls_identity_new(&run.bob, bob_seed));
    REQUIRE_OK(ed25519_public(alice_seed, run.alice_key));
    REQUIRE_OK(ed25519_public(bob_seed, run.bob_key));
  }
  if (how % 8 == 2)
    between(&run);
  else if (how % 8 > 2 && how % 8 < 6)
    insider(&run, how & 1);
  else
    stranger(&run, how & 1);
#else
  (void)alice_seed, (void)bob_seed;
  stranger(&run, how & 1);
#endif
  return 0;
}
