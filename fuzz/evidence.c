// SPDX-License-Identifier: Apache-2.0
#include "evidence.h"

#include <string.h>

#include "harness.h"
#include "peer.h"

#define LINES_MAX (64u * 1024u * 1024u)

void evidence_init(struct evidence *evidence) {
  *evidence = (struct evidence){0};
  buf_init(&evidence->lines, LINES_MAX);
  buf_init(&evidence->sizes, LINES_MAX);
}

void evidence_free(struct evidence *evidence) {
  buf_free(&evidence->lines);
  buf_free(&evidence->sizes);
}

static void check(struct buf *text, bool alice, const uint8_t *signer, const uint8_t *signature) {
  REQUIRE(memcmp(signer, ed25519_key(peer_key(alice)), ED25519_PUBLIC_SIZE) == 0);
  REQUIRE_OK(sshsig_verify(peer_key(alice), buf_view(text), signature));
  buf_clear(text);
}

static void take_envelope(struct evidence *evidence, const struct record *record,
                          struct buf *text) {
  struct enveloped enveloped = statement_enveloped(record);
  size_t size = 0;
  REQUIRE(buf_view(&evidence->sizes).size >= 8 * record->count);
  for (uint64_t i = 0; i < record->count; i++)
    size += load_u64(buf_view(&evidence->sizes).data + 8 * i);
  struct hash *hash;
  REQUIRE_OK(hash_new(&hash));
  REQUIRE_OK(hash_sha256(hash, view_of(buf_view(&evidence->lines).data, size), enveloped.digest));
  hash_free(hash);
  buf_consume(&evidence->lines, size);
  buf_consume(&evidence->sizes, 8 * record->count);
  if (!record->is_signed)
    return;
  REQUIRE_OK(statement_origin(text, &evidence->names, &enveloped));
  check(text, false, record->bob_signer, record->proof.bob_signature);
  REQUIRE_OK(statement_receipt(text, &evidence->names, &enveloped));
  check(text, true, record->alice_signer, record->proof.alice_signature);
}

static void take_ended(struct evidence *evidence, const struct record *record, struct buf *text) {
  struct ended ended = {.messages = record->id,
                        .ended_us = record->when_us,
                        .offset_min = record->offset_min,
                        .proof = record->proof};
  if (record->by_bob) {
    REQUIRE_OK(statement_end(text, &evidence->names, &ended));
    check(text, false, record->bob_signer, record->proof.bob_signature);
  }
  REQUIRE_OK(statement_ended(text, &evidence->names, &ended));
  check(text, true, record->alice_signer, record->proof.alice_signature);
}

void evidence_take(struct evidence *evidence, const struct record *record) {
  struct buf text;
  buf_init(&text, STATEMENT_MAX);
  if (record->type == RECORD_OPENED) {
    memcpy(evidence->names.session_id, record->session_id, sizeof record->session_id);
    memcpy(evidence->names.alice_key, record->alice_key, sizeof record->alice_key);
    memcpy(evidence->names.bob_key, record->bob_key, sizeof record->bob_key);
  } else if (record->type == RECORD_MESSAGE) {
    REQUIRE_OK(buf_append(&evidence->lines, record->lines));
    REQUIRE_OK(buf_u64(&evidence->sizes, record->lines.size));
  } else if (record->type == RECORD_ENVELOPE) {
    take_envelope(evidence, record, &text);
  } else if (record->type == RECORD_ENDED && record->is_signed) {
    take_ended(evidence, record, &text);
  }
  buf_free(&text);
}
