// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/mutant.h"
#include "core/receiver_state.h"

struct given *receiver_given(struct receiver *receiver, unsigned i) {
  return &receiver->given[(receiver->given_first + i) % WINDOW_ENVELOPES];
}

struct given *receiver_give(struct receiver *receiver) {
  if (receiver->given_count == WINDOW_ENVELOPES) {
    receiver->given_first = (receiver->given_first + 1) % WINDOW_ENVELOPES;
    receiver->given_count--;
  }
  struct given *given = receiver_given(receiver, receiver->given_count++);
  buf_clear(&given->hashes);
  return given;
}

/* Messages wait in the newest slot, with no count, until their envelope's record comes. */
static enum avow_error restore_message(struct receiver *receiver, const struct record *record) {
  if (record->id != receiver->next_id || record->confirmed_us == WHEN_NEVER)
    return AVOW_MALFORMED;
  struct given *given = receiver->restored_id == record->id
                            ? receiver_give(receiver)
                            : receiver_given(receiver, receiver->given_count - 1);
  if (receiver->restored_id == record->id)
    given->first_id = record->id;
  given->confirmed_us = record->confirmed_us;
  given->confirmed_min = (int16_t)record->confirmed_min;
  receiver->next_id++;
  enum avow_error error = buf_append(&given->hashes, view_of(record->hash, MESSAGE_HASH_SIZE));
  return error == AVOW_TOO_LONG ? AVOW_MALFORMED : error;
}

static enum avow_error restore_opened(struct receiver *receiver, const struct record *record) {
  struct receiver_past *past = &receiver->past;
  bool same = past->tls == record->tls &&
              memcmp(past->session_id, record->session_id, SESSION_ID_SIZE) == 0 &&
              memcmp(past->alice_key, record->alice_key, ED25519_PUBLIC_SIZE) == 0 &&
              memcmp(past->bob_key, record->bob_key, ED25519_PUBLIC_SIZE) == 0;
  if (past->any != record->resumed || (past->any && !same))
    return AVOW_MALFORMED;
  if (record->tls && record->id != receiver->next_id)
    return AVOW_MALFORMED;
  past->any = true;
  past->tls = record->tls;
  memcpy(past->session_id, record->session_id, SESSION_ID_SIZE);
  memcpy(past->alice_key, record->alice_key, ED25519_PUBLIC_SIZE);
  memcpy(past->bob_key, record->bob_key, ED25519_PUBLIC_SIZE);
  return AVOW_OK;
}

static enum avow_error restore_envelope(struct receiver *receiver, const struct record *record) {
  if (record->id != receiver->restored_id || record->id + record->count != receiver->next_id ||
      record->is_signed != receiver->past.tls)
    return AVOW_MALFORMED;
  struct given *given = receiver_given(receiver, receiver->given_count - 1);
  if (record->is_signed && (record->confirmed_us != given->confirmed_us ||
                            memcmp(record->head_there, record->proof.head, HEAD_SIZE) != 0))
    return AVOW_MALFORMED;
  given->count = (uint16_t)record->count;
  if (!MUTANT(37))
    given->proof = record->proof;
  receiver->restored_id = receiver->next_id;
  receiver->given_count -= MUTANT(17);
  return AVOW_OK;
}

enum avow_error receiver_restore(struct receiver *receiver, const struct record *record) {
  bool within = receiver->restored_id != receiver->next_id; /* an envelope's messages */
  if (within && record->type != RECORD_MESSAGE && record->type != RECORD_ENVELOPE)
    return AVOW_MALFORMED;
  if (!receiver->past.any && record->type != RECORD_OPENED)
    return AVOW_MALFORMED;
  switch (record->type) {
  case RECORD_MESSAGE: return restore_message(receiver, record);
  case RECORD_ENVELOPE: return restore_envelope(receiver, record);
  case RECORD_ENDED:
    if (record->id != receiver->next_id)
      return AVOW_MALFORMED;
    break;
  case RECORD_QUEUED: return AVOW_MALFORMED; /* that is bob's */
  case RECORD_OPENED: return restore_opened(receiver, record);
  case RECORD_INCIDENT:
  case RECORD_AGREED:
  case RECORD_HEAD: break;
  }
  return AVOW_OK;
}

const struct receiver_past *receiver_past(const struct receiver *receiver) {
  return &receiver->past;
}

enum avow_error receiver_restored(struct receiver *receiver, struct head head) {
  chunk_continue(&receiver->chunk, head);
  return receiver->restored_id == receiver->next_id ? AVOW_OK : AVOW_MALFORMED;
}
