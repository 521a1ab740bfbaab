// SPDX-License-Identifier: Apache-2.0
#include "pair.h"

#include <string.h>

#include "core/notary.h"
#include "crypto/hash.h"

void pair_forger(struct pair *pair, struct channel *channel) {
  uint8_t seed[DRBG_SEED_SIZE] = "the other bob";
  assert_int_equal(channel_open(channel, &pair->bob, TO_BOB, seed), AVOW_OK);
}

void pair_forge(struct pair *pair, struct channel *channel, struct sealed *sealed,
                uint64_t age_us) {
  static const uint8_t nothing[SIGNATURE_SIZE];
  channel->clock.last_us = 0; /* an attacker needs no strictly growing times */
  if (pair->is_signed && memcmp(sealed->proof.bob_signature, nothing, SIGNATURE_SIZE) == 0) {
    memcpy(sealed->proof.bob_head, pair->bob.open.bob_head, HEAD_SIZE);
    memcpy(sealed->proof.alice_head, pair->bob.grant.alice_head, HEAD_SIZE);
    pair_sign(pair, false, sealed, sealed->body);
  }
  assert_int_equal(channel_seal(channel, sealed, pair->now.mono_us - age_us), AVOW_OK);
  assert_int_equal(buf_append(&pair->to_alice, buf_view(&channel->out)), AVOW_OK);
  buf_clear(&channel->out);
}

void pair_body(struct pair *pair, struct buf *body, const char *text, const char *hash_of) {
  uint8_t digest[SHA512_SIZE];
  struct hash *hash;
  assert_int_equal(hash_new(&hash), AVOW_OK);
  assert_int_equal(hash_sha512(hash, view_text(hash_of), digest), AVOW_OK);
  hash_free(hash);
  struct message message = {pair_bob_now(pair).wall_us, digest, view_text(text)};
  assert_int_equal(message_append(body, &message), AVOW_OK);
}

/* Put the statement that ${sealed} is signed with into the notary's hands. */
static enum avow_error state(struct pair *pair, struct notary *notary, bool by_alice,
                             const struct sealed *sealed, struct view messages) {
  struct buf *text = notary_text(notary);
  struct enveloped enveloped = {.first_id = sealed->first_id,
                                .count = sealed->count,
                                .confirmed_us = sealed->when_us,
                                .confirmed_min = sealed->when_min,
                                .proof = sealed->proof};
  struct ended ended = {.messages = sealed->first_id,
                        .ended_us = sealed->when_us,
                        .offset_min = sealed->when_min,
                        .proof = sealed->proof};
  if (sealed->kind == SEALED_END)
    return by_alice ? statement_ended(text, &notary->names, &ended)
                    : statement_end(text, &notary->names, &ended);
  assert_int_equal(notary_digest(notary, pair->bob.open.offset_min, sealed->first_id, sealed->count,
                                 reader_of(messages), enveloped.digest),
                   AVOW_OK);
  return by_alice ? statement_receipt(text, &notary->names, &enveloped)
                  : statement_origin(text, &notary->names, &enveloped);
}

void pair_sign(struct pair *pair, bool by_alice, struct sealed *sealed, struct view messages) {
  struct notary notary;
  if (sealed->kind == SEALED_ASK || sealed->kind == SEALED_NOTICE)
    return;
  assert_int_equal(notary_open(&notary, by_alice ? &pair->alice : &pair->bob, !by_alice), AVOW_OK);
  assert_int_equal(state(pair, &notary, by_alice, sealed, messages), AVOW_OK);
  assert_int_equal(
      notary_sign(&notary, by_alice ? sealed->proof.alice_signature : sealed->proof.bob_signature),
      AVOW_OK);
  notary_close(&notary);
}

void pair_read(struct pair *pair, struct view bytes, bool to_alice, struct sealed *sealed,
               struct buf *plaintext) {
  struct channel channel;
  uint8_t seed[DRBG_SEED_SIZE] = {0};
  enum verdict verdict;
  const char *what;
  unsigned count = 0;
  buf_init(plaintext, AVOW_TOKEN_MAX);
  assert_int_equal(channel_open(&channel, &pair->bob, to_alice ? TO_ALICE : TO_BOB, seed), AVOW_OK);
  assert_int_equal(frames_input(&channel.frames, bytes, pair->now.mono_us), AVOW_OK);
  while (channel_next(&channel, plaintext, sealed, &verdict, &what)) {
    assert_int_equal(verdict, VERDICT_ACCEPTED);
    channel_took(&channel, sealed);
    count++;
  }
  assert_true(count > 0);
  channel_close(&channel);
}
