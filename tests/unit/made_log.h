// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_TESTS_UNIT_MADE_LOG_H
#define AVOW_TESTS_UNIT_MADE_LOG_H

#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/when.h"
#include "evidence/replay.h"

/* Small logs with every record in them, made by hand, and what should be read back from them. */

#define NOW_US UINT64_C(1795368456951090)
#define LOG_MAX 100000u
#define RECORDS_MAX 32u
#define ALICE_KEY 0xa0
#define BOB_KEY 0xb0

/* A log, and the records that made it. */
struct made {
  struct buf log;
  struct record records[RECORDS_MAX];
  unsigned count;
  size_t chunks[RECORDS_MAX]; /* where the log stands after each chunk */
  unsigned chunks_count;
};

static const struct zones zones = {.alice_min = 60, .bob_min = -210};
static const uint8_t session_id[16] = {0x5f, 0x2c, 0, 1}, fernet_key[32] = {0xfb, 0xff};
static const char *const texts[] = {"", "Hey dude", "a\nb\\", "\xc3\xa9\xff\x1b[m"};

static inline void hash_bytes(struct view bytes, uint8_t value[SHA256_SIZE]) {
  struct hash *hash;
  assert_int_equal(hash_new(&hash), AVOW_OK);
  assert_int_equal(hash_sha256(hash, bytes, value), AVOW_OK);
  hash_free(hash);
}

/* Signatures and heads as no two records have them; a replay checks none of them but heads. */
static inline struct proof make_proof(const struct made *made) {
  struct proof proof;
  memset(proof.bob_head, 1 + (int)made->count, HEAD_SIZE);
  memset(proof.alice_head, 51 + (int)made->count, HEAD_SIZE);
  memset(proof.bob_signature, 101 + (int)made->count, SIGNATURE_SIZE);
  memset(proof.head, 151 + (int)made->count, HEAD_SIZE);
  memset(proof.alice_signature, 201 + (int)made->count, SIGNATURE_SIZE);
  return proof;
}

static inline struct names make_names(void) {
  struct names names;
  memcpy(names.session_id, session_id, sizeof session_id);
  memset(names.alice_key, ALICE_KEY, 32);
  memset(names.bob_key, BOB_KEY, 32);
  return names;
}

static inline void hash_text(const char *text, uint8_t value[SHA512_SIZE]) {
  struct hash *hash;
  assert_int_equal(hash_new(&hash), AVOW_OK);
  assert_int_equal(hash_sha512(hash, view_text(text), value), AVOW_OK);
  hash_free(hash);
}

static inline struct record *expect(struct made *made, enum record_type type) {
  assert_true(made->count < RECORDS_MAX);
  struct record *record = &made->records[made->count++];
  *record = (struct record){.type = type, .confirmed_us = WHEN_NEVER};
  return record;
}

static inline void put_queued(struct made *made, struct chunk *chunk, bool tls) {
  struct queued queued = {
      .to = "al\\ice:1", .since_us = NOW_US, .offset_min = zones.bob_min, .tls = tls};
  struct record *record = expect(made, RECORD_QUEUED);
  memcpy(record->to, queued.to, 9);
  record->when_us = NOW_US;
  record->offset_min = zones.bob_min;
  record->tls = tls;
  memcpy(queued.bob.name, "bob@host", 9);
  if (tls)
    memset(record->bob_key, BOB_KEY, 32);
  memset(queued.bob.key, BOB_KEY, 32);
  assert_int_equal(record_queued(&chunk->bytes, &queued), AVOW_OK);
}

static inline void put_opened(struct made *made, struct chunk *chunk, enum log_detail detail,
                              bool tls, bool resumed) {
  uint8_t key_hash[SHA256_SIZE];
  hash_bytes(view_of(fernet_key, sizeof fernet_key), key_hash);
  struct opened opened = {.peer = "('127.0.0.1', 38464)",
                          .session_id = session_id,
                          .resumed = resumed,
                          .when_us = NOW_US + resumed,
                          .offset_min = zones.alice_min,
                          .tls = tls,
                          .group = "X25519",
                          .key = fernet_key,
                          .key_hash = key_hash,
                          .next_id = made->count};
  struct proof proof = make_proof(made);
  bool first = made->count == 0;
  struct record *record = expect(made, RECORD_OPENED);
  memcpy(record->session_id, session_id, sizeof session_id);
  record->resumed = resumed;
  record->tls = tls;
  record->when_us = opened.when_us;
  record->offset_min = zones.alice_min;
  memset(opened.alice.key, ALICE_KEY, 32);
  memset(opened.bob.key, BOB_KEY, 32);
  memcpy(opened.bob.name, "b\nAlice: x", 11);
  memcpy(opened.bob_head, proof.bob_head, HEAD_SIZE);
  memcpy(opened.alice_head, proof.alice_head, HEAD_SIZE);
  memcpy(opened.alice_signature, proof.alice_signature, SIGNATURE_SIZE);
  assert_int_equal(record_opened(&chunk->bytes, detail, first, &opened), AVOW_OK);
  if (!tls)
    return;
  memset(record->alice_key, ALICE_KEY, 32);
  memset(record->bob_key, BOB_KEY, 32);
  memset(record->alice_signer, ALICE_KEY, 32);
  memcpy(record->group, "X25519", 7);
  record->id = opened.next_id;
  memcpy(record->proof.bob_head, proof.bob_head, HEAD_SIZE);
  memcpy(record->proof.alice_head, proof.alice_head, HEAD_SIZE);
  memcpy(record->proof.alice_signature, proof.alice_signature, SIGNATURE_SIZE);
}

static inline void put_agreed(struct made *made, struct chunk *chunk, bool tls) {
  if (!tls)
    return;
  struct proof proof = make_proof(made);
  struct names names = make_names();
  struct record *record = expect(made, RECORD_AGREED);
  memset(record->bob_signer, BOB_KEY, 32);
  memcpy(record->proof.bob_signature, proof.bob_signature, SIGNATURE_SIZE);
  assert_int_equal(record_agreed(&chunk->bytes, &names, proof.bob_signature), AVOW_OK);
}

static inline void put_message(struct made *made, struct chunk *chunk, enum log_detail detail,
                               uint64_t id, uint64_t confirmed_us) {
  struct record *record = expect(made, RECORD_MESSAGE);
  record->id = id;
  record->timestamp_us = NOW_US + id;
  record->offset_min = zones.bob_min;
  record->has_text = detail != LOG_PROOF;
  record->confirmed_us = confirmed_us;
  record->confirmed_min = confirmed_us != WHEN_NEVER ? zones.alice_min : 0;
  hash_text(texts[id % COUNT_OF(texts)], record->hash);
  if (record->has_text)
    record->text = view_text(texts[id % COUNT_OF(texts)]);
  struct recorded recorded = {.id = id,
                              .hash = record->hash,
                              .timestamp_us = record->timestamp_us,
                              .text = view_text(texts[id % COUNT_OF(texts)]),
                              .confirmed_us = confirmed_us};
  assert_int_equal(record_message(&chunk->bytes, detail, zones, &recorded), AVOW_OK);
}

/* An envelope; in a tls session with what was signed of it. */
static inline void put_envelope(struct made *made, struct chunk *chunk, uint64_t id, unsigned count,
                                uint64_t confirmed_us, bool tls) {
  struct names names = make_names();
  struct proof proof = make_proof(made);
  struct record *record = expect(made, RECORD_ENVELOPE);
  record->id = id;
  record->count = count;
  record->confirmed_us = confirmed_us;
  record->confirmed_min = confirmed_us != WHEN_NEVER ? zones.alice_min : 0;
  assert_int_equal(record_envelope(&chunk->bytes, id, count, confirmed_us, zones.alice_min),
                   AVOW_OK);
  if (!tls)
    return;
  record->is_signed = true;
  record->proof = proof;
  memset(record->alice_signer, ALICE_KEY, 32);
  memset(record->bob_signer, BOB_KEY, 32);
  assert_int_equal(record_origin(&chunk->bytes, &names, &proof), AVOW_OK);
  assert_int_equal(chunk_head(chunk, record->head_there), AVOW_OK);
  assert_int_equal(record_receipt(&chunk->bytes, &names, &proof), AVOW_OK);
}

static inline void put_incident(struct made *made, struct chunk *chunk, uint64_t count) {
  struct incident incident = {.what = "Late token.",
                              .attack = count > 1 ? "" : "Possible replay attack.",
                              .verdict = "stale",
                              .seen_us = NOW_US,
                              .count = count};
  struct record *record = expect(made, RECORD_INCIDENT);
  record->when_us = NOW_US;
  record->offset_min = zones.alice_min;
  record->count = count > 1 ? count : 0;
  assert_int_equal(record_incident(&chunk->bytes, zones.alice_min, &incident), AVOW_OK);
}

static inline void put_ended(struct made *made, struct chunk *chunk, uint64_t messages, bool tls,
                             bool by_bob) {
  struct names names = make_names();
  struct ended ended = {.messages = messages,
                        .ended_us = NOW_US + 99,
                        .offset_min = zones.alice_min,
                        .by_bob = by_bob,
                        .proof = make_proof(made)};
  struct record *record = expect(made, RECORD_ENDED);
  record->id = messages;
  record->when_us = NOW_US + 99;
  record->offset_min = zones.alice_min;
  assert_int_equal(record_ended(&chunk->bytes, tls ? &names : NULL, &ended), AVOW_OK);
  if (!tls)
    return;
  record->is_signed = true;
  record->by_bob = by_bob;
  record->proof = ended.proof;
  memset(record->alice_signer, ALICE_KEY, 32);
  if (by_bob) {
    memset(record->bob_signer, BOB_KEY, 32);
  } else {
    memset(record->proof.alice_head, 0, HEAD_SIZE);
    memset(record->proof.bob_signature, 0, SIGNATURE_SIZE);
  }
  assert_int_equal(chunk_head(chunk, record->head_there), AVOW_OK);
  assert_int_equal(record_closing(&chunk->bytes, &names, &ended.proof), AVOW_OK);
}

static inline void seal(struct made *made, struct chunk *chunk) {
  assert_int_equal(chunk_seal(chunk), AVOW_OK);
  assert_int_equal(buf_append(&made->log, buf_view(&chunk->bytes)), AVOW_OK);
  chunk_consume(chunk, buf_view(&chunk->bytes).size);
  made->chunks[made->chunks_count++] = made->log.size;
  memcpy(expect(made, RECORD_HEAD)->proof.head, chunk->head.last, HEAD_SIZE);
}

static inline void make_bob(struct made *made, struct chunk *chunk, enum log_detail detail,
                            bool tls) {
  put_queued(made, chunk, tls);
  put_message(made, chunk, LOG_TEXT, 0, WHEN_NEVER);
  seal(made, chunk);
  put_opened(made, chunk, detail, tls, false);
  put_agreed(made, chunk, tls);
  seal(made, chunk);
  put_message(made, chunk, LOG_TEXT, 1, WHEN_NEVER);
  put_message(made, chunk, LOG_TEXT, 2, WHEN_NEVER);
  put_envelope(made, chunk, 0, 1, NOW_US + 5, tls);
  seal(made, chunk);
  put_incident(made, chunk, 12345);
  put_opened(made, chunk, detail, tls, true);
  put_agreed(made, chunk, tls);
  put_envelope(made, chunk, 1, 1, NOW_US + 6, tls);
  put_envelope(made, chunk, 2, 1, NOW_US + 6, tls);
  seal(made, chunk);
  put_ended(made, chunk, 3, tls, true);
  seal(made, chunk);
}

static inline void make_alice(struct made *made, struct chunk *chunk, enum log_detail detail,
                              bool tls) {
  put_opened(made, chunk, detail, tls, false);
  seal(made, chunk);
  put_agreed(made, chunk, tls);
  put_message(made, chunk, detail, 0, NOW_US + 5);
  put_message(made, chunk, detail, 1, NOW_US + 5);
  put_envelope(made, chunk, 0, 2, tls ? NOW_US + 5 : WHEN_NEVER, tls);
  put_incident(made, chunk, 1);
  seal(made, chunk);
  put_opened(made, chunk, detail, tls, true);
  put_message(made, chunk, detail, 2, NOW_US + 6);
  put_envelope(made, chunk, 2, 1, tls ? NOW_US + 6 : WHEN_NEVER, tls);
  seal(made, chunk);
  put_ended(made, chunk, 3, tls, false);
  seal(made, chunk);
}

/* A log of 12 kinds: of either side, at each detail, in both modes. */
enum { KINDS = 12 };

static inline struct made *make(unsigned kind) {
  struct made *made = calloc(1, sizeof *made);
  struct chunk chunk;
  buf_init(&made->log, LOG_MAX);
  assert_int_equal(chunk_init(&chunk, LOG_MAX), AVOW_OK);
  if (kind % 2)
    make_bob(made, &chunk, (enum log_detail)(kind / 4), kind & 2);
  else
    make_alice(made, &chunk, (enum log_detail)(kind / 4), kind & 2);
  chunk_free(&chunk);
  return made;
}

static inline void unmake(struct made *made) {
  buf_free(&made->log);
  free(made);
}

#endif
