// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/mutant.h"
#include "core/batch.h"
#include "core/receiver_state.h"
#include "crypto/secret.h"

/* Whether every text has the hash that stands before it. */
static enum avow_error check_hashes(struct receiver *receiver, const struct sealed *sealed,
                                    bool *ret_good) {
  struct reader body = reader_of(sealed->body);
  struct batch batch;
  *ret_good = true;
  for (unsigned left = sealed->count; left > 0 && *ret_good; left -= batch.count) {
    enum avow_error error = batch_take(&batch, receiver->hash, &body, left);
    if (error != AVOW_OK)
      return error;
    for (unsigned i = 0; i < batch.count; i++)
      *ret_good &= secret_equal(batch.hashes[i], batch.messages[i].hash, SHA512_SIZE);
    if (MUTANT(42)) /* only the first of them */
      break;
  }
  return AVOW_OK;
}

/* How far bob had seen our log when he signed this head of it: behind the messages below the id
 * that is returned.  WHEN_NEVER if we never gave it to him on this connection. */
static uint64_t seen_by(struct receiver *receiver, const uint8_t head[HEAD_SIZE]) {
  for (unsigned i = receiver->given_count; i > 0; i--) {
    const struct given *given = receiver_given(receiver, i - 1);
    if (given->first_id < receiver->attached_id)
      break; /* the head with which this connection began is behind those */
    if (memcmp(given->proof.head, head, HEAD_SIZE) == 0)
      return given->first_id + given->count;
  }
  bool first = memcmp(receiver->first_head, head, HEAD_SIZE) == 0;
  return first ? receiver->attached_id : WHEN_NEVER;
}

/* Whether bob's head of our log is one that he could sign now: he has it from us, and never goes
 * back. */
static bool check_head(struct receiver *receiver, const struct proof *proof) {
  uint64_t id = seen_by(receiver, proof->alice_head);
  if ((id == WHEN_NEVER && !MUTANT(34)) || (id < receiver->seen_id && !MUTANT(33))) {
    receiver_refuse(receiver, VERDICT_CONFLICT, "Another head of this log.");
    return false;
  }
  return true;
}

/* Whether bob has signed what we got: nothing is stored that he could deny. */
static enum avow_error check_origin(struct receiver *receiver, const struct enveloped *enveloped,
                                    bool *ret_good) {
  struct notary *notary = &receiver->notary;
  *ret_good = check_head(receiver, &enveloped->proof);
  if (!*ret_good)
    return AVOW_OK;
  enum avow_error error = statement_origin(notary_text(notary), &notary->names, enveloped);
  if (error == AVOW_OK)
    error = notary_check(notary, false, enveloped->proof.bob_signature, ret_good);
  *ret_good |= MUTANT(27);
  if (error == AVOW_OK && !*ret_good)
    receiver_refuse(receiver, VERDICT_MODIFIED, "Incorrect origin signature.");
  return error;
}

static enum avow_error sign_receipt(struct notary *notary, struct enveloped *enveloped) {
  enum avow_error error = statement_receipt(notary_text(notary), &notary->names, enveloped);
  return error == AVOW_OK ? notary_sign(notary, enveloped->proof.alice_signature) : error;
}

/* Record that it was one envelope, with what both sign of it. */
static enum avow_error record_proof(struct receiver *receiver, struct enveloped *enveloped) {
  struct notary *notary = &receiver->notary;
  struct buf *out = &receiver->chunk.bytes;
  if (!notary->on)
    return record_envelope(out, enveloped->first_id, enveloped->count, WHEN_NEVER, 0);
  enum avow_error error = record_envelope(out, enveloped->first_id, enveloped->count,
                                          enveloped->confirmed_us, enveloped->confirmed_min);
  if (error == AVOW_OK)
    error = record_origin(out, &notary->names, &enveloped->proof);
  if (error == AVOW_OK && !MUTANT(30))
    error = chunk_head(&receiver->chunk, enveloped->proof.head);
  if (error == AVOW_OK)
    error = sign_receipt(notary, enveloped);
  return error == AVOW_OK ? record_receipt(out, &notary->names, &enveloped->proof) : error;
}

static enum avow_error record_messages(struct receiver *receiver, const struct sealed *sealed) {
  struct reader body = reader_of(sealed->body);
  enum avow_error error = AVOW_OK;
  for (unsigned i = 0; i < sealed->count && error == AVOW_OK; i++) {
    struct message message;
    message_take(&body, &message);
    struct recorded recorded = {.id = receiver->next_id++,
                                .hash = message.hash,
                                .timestamp_us = message.timestamp_us,
                                .text = message.text,
                                .confirmed_us = sealed->when_us};
    error =
        record_message(&receiver->chunk.bytes, receiver->config.detail, receiver->zones, &recorded);
  }
  return error;
}

static enum avow_error accept(struct receiver *receiver, struct sealed *sealed, struct now now) {
  struct notary *notary = &receiver->notary;
  struct enveloped enveloped = {.first_id = receiver->next_id,
                                .count = sealed->count,
                                .confirmed_us = now.wall_us,
                                .confirmed_min = receiver->zones.alice_min,
                                .proof = sealed->proof};
  bool good = true;
  enum avow_error error = AVOW_OK;
  if (notary->on) {
    error = notary_digest(notary, receiver->zones.bob_min, enveloped.first_id, enveloped.count,
                          reader_of(sealed->body), enveloped.digest);
    if (error == AVOW_OK)
      error = check_origin(receiver, &enveloped, &good);
    if (error != AVOW_OK || !good)
      return error;
    receiver->seen_id = seen_by(receiver, sealed->proof.alice_head);
    memcpy(receiver->bob_head, sealed->proof.bob_head, HEAD_SIZE);
  }
  sealed->when_us = now.wall_us;
  sealed->when_min = (int16_t)receiver->zones.alice_min;
  struct held *slot = &receiver->held[(receiver->held_first + receiver->held_count) % HELD_MAX];
  receiver->held_size += buf_view(&slot->plaintext).size;
  receiver->held_count++; /* the envelope lies in that slot already */
  if (MUTANT(30))         /* the head before the messages */
    error = chunk_head(&receiver->chunk, enveloped.proof.head);
  if (error == AVOW_OK)
    error = record_messages(receiver, sealed);
  if (error == AVOW_OK)
    error = record_proof(receiver, &enveloped);
  sealed->proof = enveloped.proof;
  return error;
}

/* Whether the messages have these hashes, which stand one after the other; or, where ${hashes} is
 * NULL, those of the messages in ${known}. */
static bool same_messages(const struct sealed *sealed, const uint8_t *hashes, struct reader known) {
  struct reader body = reader_of(sealed->body);
  bool same = true;
  for (unsigned i = 0; i < sealed->count; i++) {
    struct message message, other = {0};
    message_take(&body, &message);
    if (hashes == NULL)
      message_take(&known, &other);
    const uint8_t *hash = hashes != NULL ? hashes + (size_t)i * MESSAGE_HASH_SIZE : other.hash;
    same &= secret_equal(message.hash, hash, MESSAGE_HASH_SIZE);
  }
  return same;
}

static bool same_ids(const struct sealed *sealed, uint64_t first_id, unsigned count) {
  return sealed->first_id == first_id && sealed->count == count;
}

/* What must never be: another receipt of the same messages, with another time. */
static enum avow_error confirm_anew(struct receiver *receiver, const struct sealed *sealed,
                                    struct given given, struct now now) {
  struct notary *notary = &receiver->notary;
  struct enveloped enveloped = {.first_id = given.first_id,
                                .count = given.count,
                                .confirmed_us = given.confirmed_us = now.wall_us,
                                .confirmed_min = given.confirmed_min,
                                .proof = given.proof};
  enum avow_error error = notary_digest(notary, receiver->zones.bob_min, enveloped.first_id,
                                        enveloped.count, reader_of(sealed->body), enveloped.digest);
  if (error == AVOW_OK)
    error = sign_receipt(notary, &enveloped);
  given.proof = enveloped.proof;
  return error == AVOW_OK ? receiver_confirm(receiver, &given, now) : error;
}

/* An envelope under ids that are taken: the same again, or another one?  It may be stored already,
 * or be about to: then it is confirmed as soon as it is. */
static enum avow_error repeat(struct receiver *receiver, const struct sealed *sealed,
                              struct now now) {
  const struct given *given = NULL;
  bool known = false, same = false;
  for (unsigned i = 0; i < receiver->given_count && !known; i++) {
    given = receiver_given(receiver, i);
    known = same_ids(sealed, given->first_id, given->count);
    same = known && same_messages(sealed, buf_view(&given->hashes).data, (struct reader){0});
  }
  for (unsigned i = receiver->held_durable; i < receiver->held_count && !known; i++) {
    const struct sealed *held = &receiver->held[(receiver->held_first + i) % HELD_MAX].sealed;
    given = NULL;
    known = same_ids(sealed, held->first_id, held->count);
    same = known && same_messages(sealed, NULL, reader_of(held->body));
  }
  if (!known) {
    receiver_refuse(receiver, VERDICT_MALFORMED, "Unexpected message ID.");
    return AVOW_OK;
  }
  if (!same && !MUTANT(11)) {
    receiver_refuse(receiver, VERDICT_CONFLICT, "Another message under a stored ID.");
    return AVOW_OK;
  }
  if (given == NULL)
    return AVOW_OK;
  incidents_see(&receiver->incidents, VERDICT_DUPLICATE,
                "Message received again, confirmed again.");
  if (!receiver_can_confirm(receiver, RECEIVER_SPARE))
    return AVOW_OK; /* he does not read them; he will come again */
  if (MUTANT(29) && receiver->notary.on)
    return confirm_anew(receiver, sealed, *given, now);
  return receiver_confirm(receiver, given, now);
}

enum avow_error receiver_take_envelope(struct receiver *receiver, struct sealed *sealed,
                                       struct now now) {
  bool good;
  enum avow_error error = check_hashes(receiver, sealed, &good);
  if (error != AVOW_OK)
    return error;
  if (!good && !MUTANT(10)) {
    receiver_refuse(receiver, VERDICT_MODIFIED, "Incorrect hash value.");
    return AVOW_OK;
  }
  if (sealed->first_id == receiver->next_id || (MUTANT(12) && sealed->first_id > receiver->next_id))
    return accept(receiver, sealed, now);
  if (sealed->first_id > receiver->next_id) {
    receiver_refuse(receiver, VERDICT_EARLY, "A message before this one is missing.");
    return AVOW_OK;
  }
  return MUTANT(22) ? accept(receiver, sealed, now) : repeat(receiver, sealed, now);
}

enum avow_error receiver_take_end(struct receiver *receiver, const struct sealed *sealed,
                                  struct now now) {
  struct notary *notary = &receiver->notary;
  struct ended *ended = &receiver->ended;
  bool good = sealed->first_id == receiver->next_id;
  if (!good)
    receiver_refuse(receiver, VERDICT_MALFORMED, "Unexpected message ID.");
  if (!good || (notary->on && !check_head(receiver, &sealed->proof)))
    return AVOW_OK;
  *ended = (struct ended){.messages = sealed->first_id, .by_bob = true, .proof = sealed->proof};
  enum avow_error error = AVOW_OK;
  if (notary->on)
    error = statement_end(notary_text(notary), &notary->names, ended);
  if (error == AVOW_OK && notary->on)
    error = notary_check(notary, false, ended->proof.bob_signature, &good);
  good |= MUTANT(31);
  if (error == AVOW_OK && good)
    return receiver_finish(receiver, now);
  *ended = (struct ended){0};
  if (error == AVOW_OK)
    receiver_refuse(receiver, VERDICT_MODIFIED, "Incorrect signature of the end.");
  return error;
}
