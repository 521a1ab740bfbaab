// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_TESTS_UNIT_OPENINGS_H
#define AVOW_TESTS_UNIT_OPENINGS_H

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

static inline int identities_up(void **state) {
  (void)state;
  return tls_identity_new(&alice_identity, alice_seed) != AVOW_OK ||
         tls_identity_new(&bob_identity, bob_seed) != AVOW_OK ||
         ed25519_public(alice_seed, alice_key) != AVOW_OK ||
         ed25519_public(bob_seed, bob_key) != AVOW_OK;
}

static inline int identities_down(void **state) {
  (void)state;
  tls_identity_free(alice_identity);
  tls_identity_free(bob_identity);
  return 0;
}

#define BOB_AHEAD_US UINT64_C(5000000000)

/* What bob asks for. */
static const struct open resumption = {.offset_min = 345,
                                       .resume = true,
                                       .session_id = "sixteen bytes id",
                                       .opened_us = 1795000000000001,
                                       .opened_offset_min = -90,
                                       .bob_head = "bob's head, of thirty-two bytes"};

struct pair {
  struct opening *alice, *bob;
  struct now now; /* alice's */
  size_t spoil;   /* flip this bit of the stream: to_alice first, then to_bob */
  bool spoil_to_bob;
  size_t carried[2]; /* bytes to alice, to bob */
  enum avow_error refusal;
};
#define SPOIL_NOTHING SIZE_MAX

static inline struct now bob_now(const struct pair *pair) {
  return (struct now){pair->now.wall_us + BOB_AHEAD_US, pair->now.mono_us + 123};
}

static inline struct pair begin(bool tls) {
  struct pair pair = {.now = {1795368456951090, 77000000}, .spoil = SPOIL_NOTHING};
  assert_int_equal(opening_alice(&pair.alice, tls ? alice_identity : NULL, pair.now), AVOW_OK);
  assert_int_equal(opening_bob(&pair.bob, tls ? bob_identity : NULL, tls ? alice_key : NULL,
                               &resumption, bob_now(&pair)),
                   AVOW_OK);
  return pair;
}

static inline void end(struct pair *pair) {
  opening_free(pair->alice);
  opening_free(pair->bob);
}

static inline struct grant grant_at(const struct pair *pair) {
  struct grant grant = {.opened_us = resumption.opened_us,
                        .clock_us = pair->now.wall_us,
                        .offset_min = -210,
                        .next_id = 0x123456789};
  memset(grant.key, 0x6b, sizeof grant.key);
  memset(grant.session_id, 0x1d, sizeof grant.session_id);
  memset(grant.alice_head, 0xa1, sizeof grant.alice_head);
  return grant;
}

static inline void decide(struct pair *pair) {
  struct grant grant = grant_at(pair);
  if (opening_state(pair->bob) == OPENING_GRANTED)
    opening_agree(pair->bob);
  if (opening_state(pair->alice) != OPENING_ASKED)
    return;
  assert_int_equal(opening_deadline(pair->alice), WHEN_NEVER);
  if (pair->refusal != AVOW_OK)
    opening_refuse(pair->alice, pair->refusal);
  else
    opening_grant(pair->alice, &grant, pair->now);
}

/* Whether it takes what comes. */
static inline bool listens(const struct opening *opening) {
  enum opening_state state = opening_state(opening);
  return state == OPENING_RUNNING || state == OPENING_GRANTED;
}

/* Carry what one side has to say to the other, in pieces of at most ${piece} bytes, until it has
 * been heard or the other one has enough. */
static inline void carry(struct pair *pair, bool to_bob, size_t piece) {
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
    if (listens(to))
      opening_input(to, view_of(copy, bytes.size), to_bob ? bob_now(pair) : pair->now);
    free(copy);
    opening_output_consume(from, bytes.size);
    decide(pair);
  }
}

static inline void talk(struct pair *pair, size_t piece) {
  while (opening_output(pair->bob).size > 0 || opening_output(pair->alice).size > 0) {
    carry(pair, false, piece);
    carry(pair, true, piece);
  }
}

static inline void assert_error(const struct opening *opening, enum avow_error error) {
  assert_int_equal(opening_error(opening), error);
  assert_int_equal(opening_state(opening), error == AVOW_OK ? OPENING_DONE : OPENING_FAILED);
  assert_int_equal(opening_deadline(opening), WHEN_NEVER);
}

/* Both sides know what bob asked for; only its clock was filled in. */
static inline void assert_same_open(const struct open *alice, const struct open *bob) {
  assert_int_equal(alice->clock_us, bob->clock_us);
  assert_int_equal(alice->offset_min, 345);
  assert_true(alice->resume);
  assert_memory_equal(alice->session_id, resumption.session_id, SESSION_ID_SIZE);
  assert_int_equal(alice->opened_us, resumption.opened_us);
  assert_int_equal(alice->opened_offset_min, -90);
  assert_memory_equal(alice->bob_head, resumption.bob_head, HEAD_SIZE);
  assert_memory_equal(bob->bob_head, resumption.bob_head, HEAD_SIZE);
  assert_int_equal(bob->offset_min, 345);
  assert_true(bob->resume);
}

#endif
