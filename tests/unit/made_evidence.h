// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_TESTS_UNIT_MADE_EVIDENCE_H
#define AVOW_TESTS_UNIT_MADE_EVIDENCE_H

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/when.h"
#include "evidence/head.h"
#include "evidence/statement.h"
#include "keys/public_key.h"

/* Both logs of a session, signed, made by hand: each step writes what it is told, so that a liar
 * can write what he likes, and signs it with the keys that he has. */

#define MADE_NOW_US UINT64_C(1795368456951090)
#define MADE_MAX (8u * 1024u * 1024u)

static const struct zones made_zones = {.alice_min = 60, .bob_min = -210};

struct made_side {
  struct chunk chunk;
  struct buf log;
  unsigned records;
};

struct made {
  struct made_side alice, bob;
  struct ed25519 *alice_key, *bob_key, *eve_key;
  struct names names;
  uint64_t now_us;
  char salt[16];                 /* in every text */
  uint8_t seen[HEAD_SIZE];       /* the last head of Alice's that Bob has seen */
  uint8_t bob_signed[HEAD_SIZE]; /* the last head of his own that he signed */
  uint64_t stored;               /* messages in Alice's log */
};

#define MUST(call) assert_int_equal((call), AVOW_OK)

static inline struct ed25519 *made_key(uint8_t byte) {
  uint8_t seed[ED25519_SEED_SIZE];
  struct ed25519 *key;
  memset(seed, byte, sizeof seed);
  MUST(ed25519_private(&key, seed));
  return key;
}

static inline void made_side_begin(struct made_side *side) {
  MUST(chunk_init(&side->chunk, MADE_MAX));
  buf_init(&side->log, MADE_MAX);
  side->records = 0;
}

static inline struct made *made_begin(void) {
  struct made *made = calloc(1, sizeof *made);
  made->alice_key = made_key(0xa1);
  made->bob_key = made_key(0xb0);
  made->eve_key = made_key(0xee);
  memset(made->names.session_id, 0x5e, sizeof made->names.session_id);
  memcpy(made->names.alice_key, ed25519_key(made->alice_key), 32);
  memcpy(made->names.bob_key, ed25519_key(made->bob_key), 32);
  made_side_begin(&made->alice);
  made_side_begin(&made->bob);
  memcpy(made->seen, made->alice.chunk.head.last, HEAD_SIZE);
  made->now_us = MADE_NOW_US;
  return made;
}

static inline void made_end(struct made *made) {
  chunk_free(&made->alice.chunk);
  chunk_free(&made->bob.chunk);
  buf_free(&made->alice.log);
  buf_free(&made->bob.log);
  ed25519_free(made->alice_key);
  ed25519_free(made->bob_key);
  ed25519_free(made->eve_key);
  free(made);
}

/* The reader's list, with options before the keys. */
static inline void made_list(const struct made *made, const char *alice_options,
                             const char *bob_options, char *list, size_t size) {
  char alice[PUBLIC_KEY_TEXT_SIZE], bob[PUBLIC_KEY_TEXT_SIZE], eve[PUBLIC_KEY_TEXT_SIZE];
  public_key_encode(ed25519_key(made->eve_key), eve);
  public_key_encode(made->names.alice_key, alice);
  public_key_encode(made->names.bob_key, bob);
  snprintf(list, size, "# who is who\nalice@host %s %s\nbob@host,*@bobs %s %s\neve@host %s\n",
           alice_options, alice, bob_options, bob, eve);
}

static inline void made_seal(struct made_side *side) {
  MUST(chunk_seal(&side->chunk));
  MUST(buf_append(&side->log, buf_view(&side->chunk.bytes)));
  chunk_consume(&side->chunk, buf_view(&side->chunk.bytes).size);
}

static inline void made_sign(struct ed25519 *key, struct buf *text, uint8_t *signature) {
  MUST(sshsig_sign(key, buf_view(text), signature));
  buf_clear(text);
}

/* A signature of one statement: MADE_SIGN(made->bob_key, out, statement_end, names, ended). */
#define MADE_SIGN(key, signature, statement, ...)                                                  \
  do {                                                                                             \
    struct buf made_text;                                                                          \
    buf_init(&made_text, STATEMENT_MAX);                                                           \
    MUST(statement(&made_text, __VA_ARGS__));                                                      \
    made_sign(key, &made_text, signature);                                                         \
    buf_free(&made_text);                                                                          \
  } while (0)

static inline void made_queued(struct made *made) {
  struct queued queued = {
      .to = "port", .since_us = made->now_us, .offset_min = made_zones.bob_min, .tls = true};
  memcpy(queued.bob.key, made->names.bob_key, 32);
  MUST(record_queued(&made->bob.chunk.bytes, &queued));
  made->bob.records++;
}

/* Message ${id}, as it is before anybody changes it. */
struct made_text {
  char text[64];
  uint8_t hash[SHA512_SIZE];
};

static inline struct recorded made_message(const struct made *made, uint64_t id,
                                           struct made_text *store) {
  struct hash *hash;
  snprintf(store->text, sizeof store->text, "message %llu%s", (unsigned long long)id, made->salt);
  MUST(hash_new(&hash));
  MUST(hash_sha512(hash, view_text(store->text), store->hash));
  hash_free(hash);
  return (struct recorded){.id = id,
                           .hash = store->hash,
                           .timestamp_us = MADE_NOW_US + id,
                           .text = view_text(store->text),
                           .confirmed_us = WHEN_NEVER};
}

static inline void made_digest(const struct made *made, uint64_t first_id, unsigned count,
                               uint8_t digest[SHA256_SIZE]) {
  struct digest *stream;
  MUST(digest_new(&stream));
  for (unsigned i = 0; i < count; i++) {
    struct made_text store;
    char lines[RECORD_LINES_MAX];
    struct recorded recorded = made_message(made, first_id + i, &store);
    MUST(digest_add(stream, view_of(lines, record_lines(lines, made_zones.bob_min, &recorded))));
  }
  MUST(digest_value(stream, digest));
  digest_free(stream);
}

static inline void bob_messages(struct made *made, uint64_t first_id, unsigned count) {
  for (unsigned i = 0; i < count; i++) {
    struct made_text store;
    struct recorded recorded = made_message(made, first_id + i, &store);
    MUST(record_message(&made->bob.chunk.bytes, LOG_TEXT, made_zones, &recorded));
  }
}

static inline void alice_messages(struct made *made, uint64_t first_id, unsigned count,
                                  uint64_t confirmed_us) {
  for (unsigned i = 0; i < count; i++) {
    struct made_text store;
    struct recorded recorded = made_message(made, first_id + i, &store);
    recorded.confirmed_us = confirmed_us;
    MUST(record_message(&made->alice.chunk.bytes, LOG_TEXT, made_zones, &recorded));
  }
}

static inline void made_incident(struct made_side *side) {
  struct incident incident = {.what = "Late token.",
                              .attack = "Possible replay attack.",
                              .verdict = "stale",
                              .seen_us = MADE_NOW_US};
  MUST(record_incident(&side->chunk.bytes, 0, &incident));
}

/* An opening, with the heads and the number that both logs have now; not signed yet. */
static inline struct opened made_opening(struct made *made, bool resumed) {
  struct opened opened = {.peer = "('127.0.0.1', 38464)",
                          .session_id = made->names.session_id,
                          .resumed = resumed,
                          .when_us = made->now_us++,
                          .offset_min = made_zones.alice_min,
                          .tls = true,
                          .group = "X25519",
                          .next_id = made->stored};
  memcpy(opened.alice.key, made->names.alice_key, 32);
  memcpy(opened.bob.key, made->names.bob_key, 32);
  memcpy(opened.bob_head, made->bob.chunk.head.last, HEAD_SIZE);
  memcpy(opened.alice_head, made->alice.chunk.head.last, HEAD_SIZE);
  return opened;
}

static inline void alice_opened(struct made *made, struct opened *opened) {
  MADE_SIGN(made->alice_key, opened->alice_signature, statement_opening, opened);
  MUST(record_opened(&made->alice.chunk.bytes, LOG_TEXT, made->alice.records++ == 0, opened));
}

static inline void bob_opened(struct made *made, const struct opened *opened) {
  MUST(record_opened(&made->bob.chunk.bytes, LOG_TEXT, made->bob.records++ == 0, opened));
  memcpy(made->seen, opened->alice_head, HEAD_SIZE);
}

static inline void made_agreed(struct made *made, struct made_side *side,
                               const struct opened *opened) {
  uint8_t signature[SIGNATURE_SIZE];
  MADE_SIGN(made->bob_key, signature, statement_opening, opened);
  MUST(record_agreed(&side->chunk.bytes, &made->names, signature));
  memcpy(made->bob_signed, opened->bob_head, HEAD_SIZE);
}

/* A connection in both logs, sealed in each. */
static inline struct opened made_connection(struct made *made, bool resumed) {
  struct opened opened = made_opening(made, resumed);
  alice_opened(made, &opened);
  made_seal(&made->alice);
  bob_opened(made, &opened);
  made_agreed(made, &made->bob, &opened);
  made_seal(&made->bob);
  made_agreed(made, &made->alice, &opened);
  made_seal(&made->alice);
  return opened;
}

/* An envelope of the next messages, with Bob's part signed. */
static inline struct enveloped made_envelope(struct made *made, uint64_t first_id, unsigned count) {
  struct enveloped enveloped = {.first_id = first_id,
                                .count = count,
                                .confirmed_us = made->now_us++,
                                .confirmed_min = made_zones.alice_min};
  made_digest(made, first_id, count, enveloped.digest);
  memcpy(enveloped.proof.bob_head, made->bob.chunk.head.last, HEAD_SIZE);
  memcpy(enveloped.proof.alice_head, made->seen, HEAD_SIZE);
  MADE_SIGN(made->bob_key, enveloped.proof.bob_signature, statement_origin, &made->names,
            &enveloped);
  memcpy(made->bob_signed, enveloped.proof.bob_head, HEAD_SIZE);
  return enveloped;
}

/* Its lines in Alice's log, without its messages; she signs what ${lie} leaves of the head. */
static inline void alice_envelope(struct made *made, struct enveloped *enveloped, uint8_t lie) {
  struct buf *out = &made->alice.chunk.bytes;
  MUST(record_envelope(out, enveloped->first_id, enveloped->count, enveloped->confirmed_us,
                       enveloped->confirmed_min));
  MUST(record_origin(out, &made->names, &enveloped->proof));
  MUST(chunk_head(&made->alice.chunk, enveloped->proof.head));
  enveloped->proof.head[0] ^= lie;
  MADE_SIGN(made->alice_key, enveloped->proof.alice_signature, statement_receipt, &made->names,
            enveloped);
  MUST(record_receipt(out, &made->names, &enveloped->proof));
  made->stored = enveloped->first_id + enveloped->count;
}

static inline void bob_envelope(struct made *made, const struct enveloped *enveloped) {
  struct buf *out = &made->bob.chunk.bytes;
  MUST(record_envelope(out, enveloped->first_id, enveloped->count, enveloped->confirmed_us,
                       enveloped->confirmed_min));
  MUST(record_origin(out, &made->names, &enveloped->proof));
  MUST(record_receipt(out, &made->names, &enveloped->proof));
  memcpy(made->seen, enveloped->proof.head, HEAD_SIZE);
}

/* The next messages in one envelope, in both logs, sealed in each. */
static inline struct enveloped made_delivery(struct made *made, uint64_t first_id, unsigned count) {
  bob_messages(made, first_id, count);
  made_seal(&made->bob);
  struct enveloped enveloped = made_envelope(made, first_id, count);
  alice_messages(made, first_id, count, enveloped.confirmed_us);
  alice_envelope(made, &enveloped, 0);
  made_seal(&made->alice);
  bob_envelope(made, &enveloped);
  made_seal(&made->bob);
  return enveloped;
}

static inline struct ended made_ended(struct made *made, bool by_bob) {
  struct ended ended = {.messages = made->stored,
                        .ended_us = made->now_us++,
                        .offset_min = made_zones.alice_min,
                        .by_bob = by_bob};
  memcpy(ended.proof.bob_head, by_bob ? made->bob.chunk.head.last : made->bob_signed, HEAD_SIZE);
  if (by_bob) {
    memcpy(ended.proof.alice_head, made->seen, HEAD_SIZE);
    MADE_SIGN(made->bob_key, ended.proof.bob_signature, statement_end, &made->names, &ended);
  }
  return ended;
}

static inline void alice_ended(struct made *made, struct ended *ended, uint8_t lie) {
  MUST(record_ended(&made->alice.chunk.bytes, &made->names, ended));
  MUST(chunk_head(&made->alice.chunk, ended->proof.head));
  ended->proof.head[0] ^= lie;
  MADE_SIGN(made->alice_key, ended->proof.alice_signature, statement_ended, &made->names, ended);
  MUST(record_closing(&made->alice.chunk.bytes, &made->names, &ended->proof));
}

static inline void bob_ended(struct made *made, const struct ended *ended) {
  MUST(record_ended(&made->bob.chunk.bytes, &made->names, ended));
  MUST(record_closing(&made->bob.chunk.bytes, &made->names, &ended->proof));
}

/* The end, in both logs, sealed in each. */
static inline struct ended made_over(struct made *made, bool by_bob) {
  struct ended ended = made_ended(made, by_bob);
  alice_ended(made, &ended, 0);
  made_seal(&made->alice);
  bob_ended(made, &ended);
  made_seal(&made->bob);
  return ended;
}

/* An honest session: six messages in three envelopes over two connections, an incident in each log.
 */
static inline struct made *made_session(void) {
  struct made *made = made_begin();
  made_queued(made);
  made_seal(&made->bob);
  made_connection(made, false);
  made_delivery(made, 0, 1);
  made_delivery(made, 1, 3);
  made_incident(&made->alice);
  made_seal(&made->alice);
  made_incident(&made->bob);
  made_seal(&made->bob);
  made_connection(made, true);
  made_delivery(made, 4, 2);
  made_over(made, true);
  return made;
}

#endif
