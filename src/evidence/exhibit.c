// SPDX-License-Identifier: Apache-2.0
#include "evidence/exhibit.h"

#include <string.h>

#include "base/limits.h"

void exhibit_init(struct exhibit *exhibit, uint64_t id) {
  *exhibit = (struct exhibit){.id = id};
  buf_init(&exhibit->text, AVOW_TEXT_MAX);
  buf_init(&exhibit->lines, AVOW_ENVELOPE_MESSAGES_MAX * RECORD_LINES_MAX);
}

void exhibit_free(struct exhibit *exhibit) {
  buf_wipe_free(&exhibit->text);
  buf_free(&exhibit->lines);
}

void exhibit_find(struct exhibit *exhibit, const struct record *record) {
  if (exhibit->has_envelope)
    return;
  if (record->type == RECORD_OPENED) {
    exhibit->in_plain = !record->tls;
    exhibit->offered = *record;
  } else if (record->type == RECORD_AGREED && exhibit->offered.type == RECORD_OPENED &&
             exhibit->offered.id <= exhibit->id) { /* alice had not stored the message before */
    exhibit->connection = exhibit->offered;
    exhibit->has_connection = true;
    memcpy(exhibit->bob_agreed, record->proof.bob_signature, SIGNATURE_SIZE);
    /* Whose key the line names counts as little as any other word of the log: both are checked. */
    memcpy(exhibit->connection.bob_signer, record->bob_signer, sizeof record->bob_signer);
  } else if (record->type == RECORD_MESSAGE && record->id == exhibit->id) {
    exhibit->has_message = true;
  } else if (record->type == RECORD_ENVELOPE && record->is_signed && record->id <= exhibit->id &&
             exhibit->id - record->id < record->count) {
    exhibit->envelope = *record;
    exhibit->has_envelope = true;
  }
}

static enum avow_error take_message(struct exhibit *exhibit, const struct record *record) {
  memcpy(exhibit->hash, record->hash, sizeof exhibit->hash);
  exhibit->timestamp_us = record->timestamp_us;
  exhibit->timestamp_min = record->offset_min;
  exhibit->has_text = record->has_text;
  return record->has_text ? buf_append(&exhibit->text, record->text) : AVOW_OK;
}

enum avow_error exhibit_gather(struct exhibit *exhibit, const struct record *record) {
  uint64_t wanted = exhibit->envelope.id + exhibit->gathered;
  if (!exhibit->has_envelope || record->type != RECORD_MESSAGE || record->id != wanted ||
      exhibit->gathered == exhibit->envelope.count || record->line > exhibit->envelope.line)
    return AVOW_OK;
  enum avow_error error = buf_append(&exhibit->lines, record->lines);
  if (error == AVOW_OK && record->id == exhibit->id)
    error = take_message(exhibit, record);
  if (error == AVOW_OK)
    exhibit->gathered++;
  return error;
}

enum avow_error exhibit_complete(struct exhibit *exhibit, struct hash *hash) {
  if (!exhibit->has_envelope || !exhibit->has_connection || !exhibit->has_message)
    return AVOW_NOT_FOUND;
  if (exhibit->gathered != exhibit->envelope.count)
    return AVOW_MALFORMED;
  memcpy(exhibit->names.session_id, exhibit->connection.session_id, 16);
  memcpy(exhibit->names.alice_key, exhibit->connection.alice_key, 32);
  memcpy(exhibit->names.bob_key, exhibit->connection.bob_key, 32);
  exhibit->enveloped = statement_enveloped(&exhibit->envelope);
  return hash_sha256(hash, buf_view(&exhibit->lines), exhibit->enveloped.digest);
}

enum avow_error exhibit_statement(const struct exhibit *exhibit, enum exhibit_part part,
                                  struct buf *out) {
  struct opened opened = statement_opened(&exhibit->connection);
  switch (part) {
  case EXHIBIT_ORIGIN: return statement_origin(out, &exhibit->names, &exhibit->enveloped);
  case EXHIBIT_RECEIPT: return statement_receipt(out, &exhibit->names, &exhibit->enveloped);
  default: return statement_opening(out, &opened);
  }
}

bool exhibit_by_alice(enum exhibit_part part) {
  return part == EXHIBIT_OPENING_ALICE || part == EXHIBIT_RECEIPT;
}

static bool of_opening(enum exhibit_part part) {
  return part == EXHIBIT_OPENING_ALICE || part == EXHIBIT_OPENING_BOB;
}

const uint8_t *exhibit_key(const struct exhibit *exhibit, enum exhibit_part part) {
  return exhibit_by_alice(part) ? exhibit->names.alice_key : exhibit->names.bob_key;
}

const uint8_t *exhibit_signature(const struct exhibit *exhibit, enum exhibit_part part) {
  if (part == EXHIBIT_OPENING_BOB)
    return exhibit->bob_agreed;
  const struct record *record = of_opening(part) ? &exhibit->connection : &exhibit->envelope;
  return exhibit_by_alice(part) ? record->proof.alice_signature : record->proof.bob_signature;
}

uint64_t exhibit_time(const struct exhibit *exhibit, enum exhibit_part part) {
  return of_opening(part) ? exhibit->connection.when_us : exhibit->envelope.confirmed_us;
}

enum avow_error exhibit_verify(const struct exhibit *exhibit, enum exhibit_part part) {
  const struct record *record = of_opening(part) ? &exhibit->connection : &exhibit->envelope;
  const uint8_t *signer = exhibit_by_alice(part) ? record->alice_signer : record->bob_signer;
  const uint8_t *public = exhibit_key(exhibit, part);
  struct ed25519 *key = NULL;
  struct buf statement;
  if (memcmp(signer, public, ED25519_PUBLIC_SIZE) != 0)
    return AVOW_NOT_AUTHENTIC;
  buf_init(&statement, STATEMENT_MAX);
  enum avow_error error = exhibit_statement(exhibit, part, &statement);
  if (error == AVOW_OK)
    error = ed25519_peer(&key, public);
  if (error == AVOW_OK)
    error = sshsig_verify(key, buf_view(&statement), exhibit_signature(exhibit, part));
  ed25519_free(key);
  buf_free(&statement);
  return error;
}
