// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/when.h"
#include "evidence/audit_state.h"

/* docs/EVIDENCE.md, "What to check", "One log, alone": rules 2 to 8, record by record. */

static enum avow_error broken(struct audit *audit, const struct fact *fact, const char *what) {
  return audit_break(audit, fact->record.line, audit->keeper, "%s", what);
}

static enum avow_error broken_at(struct audit *audit, const struct fact *fact, uint64_t id,
                                 const char *what) {
  enum avow_error error = broken(audit, fact, what);
  audit->fault.id = id;
  return error;
}

static bool same_head(const uint8_t *a, const uint8_t *b) {
  return memcmp(a, b, HEAD_SIZE) == 0;
}

static enum avow_error queued(struct audit *audit, const struct fact *fact) {
  if (audit->keeper != WHO_UNKNOWN)
    return broken(audit, fact, "a second beginning of the log");
  audit->keeper = WHO_BOB;
  audit->begun_tls = fact->record.tls;
  memcpy(audit->begun_key, fact->record.bob_key, sizeof audit->begun_key);
  return AVOW_OK;
}

/* The same session, the same keys, as in the first connection, and at the beginning of the log. */
static enum avow_error same_session(struct audit *audit, const struct fact *fact) {
  const struct record *record = &fact->record;
  struct parties *parties = &audit->parties;
  struct names *names = &parties->names;
  if (record->resumed != parties->known)
    return broken(audit, fact,
                  parties->known ? "a connection that opens a session, behind the first"
                                 : "a first connection that does not open the session");
  if (audit->begun_tls && record->tls &&
      memcmp(audit->begun_key, record->bob_key, ED25519_PUBLIC_SIZE) != 0)
    return broken(audit, fact,
                  "a connection with another key than that with which Bob's log began");
  if (!parties->known) {
    parties->known = true;
    parties->tls = record->tls;
    memcpy(names->session_id, record->session_id, sizeof names->session_id);
    memcpy(names->alice_key, record->alice_key, sizeof names->alice_key);
    memcpy(names->bob_key, record->bob_key, sizeof names->bob_key);
    return AVOW_OK;
  }
  if (memcmp(names->session_id, record->session_id, sizeof names->session_id) != 0)
    return broken(audit, fact, "a connection of another session");
  if (record->tls != parties->tls)
    return broken(audit, fact, "a connection with another handshake");
  if (memcmp(names->alice_key, record->alice_key, ED25519_PUBLIC_SIZE) != 0)
    return broken(audit, fact, "a connection with another key of Alice's");
  if (memcmp(names->bob_key, record->bob_key, ED25519_PUBLIC_SIZE) != 0)
    return broken(audit, fact, "a connection with another key of Bob's");
  return AVOW_OK;
}

/* The heads and the next id of a connection, in the log of the one who could know them. */
static enum avow_error check_opening(struct audit *audit, const struct fact *fact) {
  const struct record *record = &fact->record;
  if (audit->keeper == WHO_ALICE) {
    if (record->id != audit->messages)
      return broken(audit, fact, "a next ID that is not the number of messages before it");
    if (!same_head(record->proof.alice_head, audit->last_head))
      return broken(audit, fact, "a head of Alice's that her log did not have there");
    return AVOW_OK;
  }
  if (record->id < audit->confirmed)
    return audit_break(audit, record->line, WHO_ALICE,
                       "a next ID below messages whose receipts Alice had signed");
  if (record->id > audit->messages)
    return broken(audit, fact, "a next ID above the messages that Bob had");
  if (!audit_had_head(audit, record->proof.bob_head))
    return broken(audit, fact, "a head of Bob's that his log never had");
  return AVOW_OK;
}

static enum avow_error claim_opening(struct audit *audit, struct fact *fact, enum who signer) {
  const struct record *record = &fact->record;
  bool alice = signer == WHO_ALICE;
  struct claimed claimed = {
      .signer = signer,
      .what = alice ? "Alice's signature of the opening" : "Bob's signature of the opening",
      .wall_us = audit->opened_us,
      .key = alice ? record->alice_signer : record->bob_signer,
      .signature = alice ? record->proof.alice_signature : record->proof.bob_signature,
      .statement = view_of(audit->opening, audit->opening_size)};
  return audit_claim(audit, fact, &claimed);
}

static enum avow_error write_opening(struct audit *audit, const struct record *record) {
  struct opened opened = statement_opened(record);
  struct buf text;
  buf_init(&text, STATEMENT_MAX);
  enum avow_error error = statement_opening(&text, &opened);
  if (error == AVOW_OK) {
    audit->opening_size = buf_view(&text).size;
    memcpy(audit->opening, buf_view(&text).data, audit->opening_size);
    audit->opened_us = record->when_us;
    memcpy(audit->opened_head, record->proof.bob_head, HEAD_SIZE);
  }
  buf_free(&text);
  return error;
}

static enum avow_error opened(struct audit *audit, struct fact *fact) {
  if (audit->keeper == WHO_UNKNOWN)
    audit->keeper = WHO_ALICE;
  enum avow_error error = same_session(audit, fact);
  audit->stage = STAGE_OPENED;
  if (error != AVOW_OK || !audit->parties.tls)
    return error;
  error = check_opening(audit, fact);
  if (error == AVOW_OK)
    error = write_opening(audit, &fact->record);
  if (error == AVOW_OK)
    error = claim_opening(audit, fact, WHO_ALICE);
  if (error == AVOW_OK && audit->keeper == WHO_ALICE)
    heads_clear(&audit->given);
  return error == AVOW_OK ? heads_put(&audit->given, fact->record.proof.alice_head, fact->record.id)
                          : error;
}

static enum avow_error agreed(struct audit *audit, struct fact *fact) {
  if (audit->stage != STAGE_OPENED || !audit->parties.tls)
    return broken(audit, fact, "a signature of Bob's that belongs to no connection");
  audit->stage = STAGE_AGREED;
  memcpy(audit->bob_signed, audit->opened_head, HEAD_SIZE);
  return claim_opening(audit, fact, WHO_BOB);
}

/* Whether both have signed the connection; where nothing is signed, whether there is one. */
static bool is_open(const struct audit *audit) {
  return audit->stage == STAGE_AGREED || (!audit->parties.tls && audit->stage == STAGE_OPENED);
}

static enum avow_error alice_message(struct audit *audit, struct fact *fact) {
  const struct record *record = &fact->record;
  bool first = buf_view(&audit->lines).size == 0;
  if (!is_open(audit))
    return broken_at(audit, fact, record->id, "a message outside of a connection that both signed");
  if (record->confirmed_us == WHEN_NEVER ||
      (!first && (record->confirmed_us != audit->confirmed_us ||
                  record->confirmed_min != audit->confirmed_min)))
    return broken_at(audit, fact, record->id,
                     "a message that does not bear the time at which its envelope was confirmed");
  audit->confirmed_us = record->confirmed_us;
  audit->confirmed_min = record->confirmed_min;
  enum avow_error error = buf_append(&audit->lines, record->lines);
  return error == AVOW_TOO_LONG ? broken_at(audit, fact, record->id, "no envelope for too long")
                                : error;
}

static enum avow_error bob_message(struct audit *audit, struct fact *fact) {
  const struct record *record = &fact->record;
  struct waiting waiting = {.timestamp_us = record->timestamp_us, .offset_min = record->offset_min};
  if (record->confirmed_us != WHEN_NEVER)
    return broken_at(audit, fact, record->id, "a message of Bob's that says when it is confirmed");
  memcpy(waiting.hash, record->hash, sizeof waiting.hash);
  enum avow_error error = buf_append(&audit->waiting, view_of(&waiting, sizeof waiting));
  return error == AVOW_TOO_LONG
             ? broken_at(audit, fact, record->id, "more messages wait than Bob's queue takes")
             : error;
}

static enum avow_error message(struct audit *audit, struct fact *fact) {
  if (fact->record.id != audit->messages)
    return broken_at(audit, fact, fact->record.id, "a message ID out of order");
  audit->messages++;
  return audit->keeper == WHO_ALICE ? alice_message(audit, fact) : bob_message(audit, fact);
}

/* The heads of an envelope. */
static enum avow_error check_envelope(struct audit *audit, const struct fact *fact) {
  const struct record *record = &fact->record;
  const struct proof *proof = &record->proof;
  uint64_t next_id;
  if (!heads_find(&audit->given, proof->alice_head, NULL))
    return broken_at(audit, fact, record->id, "a head of Alice's that she had not given to Bob");
  if (audit->keeper == WHO_BOB) {
    if (heads_find(&audit->heads, proof->bob_head, &next_id) &&
        next_id >= record->id + record->count)
      return AVOW_OK;
    return broken_at(audit, fact, record->id,
                     "a head of Bob's that his log did not have behind these messages");
  }
  heads_forget_before(&audit->given, proof->alice_head);
  if (!same_head(proof->head, record->head_there))
    return broken_at(audit, fact, record->id, "a head at the receipt that the log does not have");
  return AVOW_OK;
}

static enum avow_error claim_envelope(struct audit *audit, struct fact *fact) {
  const struct record *record = &fact->record;
  struct enveloped enveloped = statement_enveloped(record);
  struct claimed origin = {.signer = WHO_BOB,
                           .what = "Bob's origin signature",
                           .wall_us = record->confirmed_us,
                           .key = record->bob_signer,
                           .signature = record->proof.bob_signature};
  struct claimed receipt = {.signer = WHO_ALICE,
                            .what = "Alice's receipt",
                            .wall_us = record->confirmed_us,
                            .key = record->alice_signer,
                            .signature = record->proof.alice_signature};
  struct buf text;
  memcpy(enveloped.digest, fact->digest, sizeof enveloped.digest);
  buf_init(&text, STATEMENT_MAX);
  enum avow_error error = statement_origin(&text, &audit->parties.names, &enveloped);
  origin.statement = buf_view(&text);
  if (error == AVOW_OK)
    error = audit_claim(audit, fact, &origin);
  buf_clear(&text);
  if (error == AVOW_OK)
    error = statement_receipt(&text, &audit->parties.names, &enveloped);
  receipt.statement = buf_view(&text);
  if (error == AVOW_OK)
    error = audit_claim(audit, fact, &receipt);
  buf_free(&text);
  return error;
}

/* The messages of an envelope: the next ones, and the digest of their lines. */
static enum avow_error take_messages(struct audit *audit, struct fact *fact) {
  const struct record *record = &fact->record;
  enum avow_error error;
  if (record->id != audit->confirmed)
    return broken_at(audit, fact, record->id, "an envelope that is not of the next messages");
  if (audit->keeper == WHO_ALICE) {
    if (record->count != audit->messages - audit->confirmed ||
        (audit->parties.tls && (record->confirmed_us != audit->confirmed_us ||
                                record->confirmed_min != audit->confirmed_min)))
      return broken_at(audit, fact, record->id, "an envelope that is not that of its messages");
    error = hash_sha256(audit->hash, buf_view(&audit->lines), fact->digest);
    buf_clear(&audit->lines);
  } else {
    error = audit_waiting(audit, record->id, record->count, fact->digest);
    if (error == AVOW_NOT_FOUND)
      return broken_at(audit, fact, record->id, "an envelope of messages that are not there");
    if (error == AVOW_OK)
      buf_consume(&audit->waiting, (size_t)record->count * sizeof(struct waiting));
  }
  audit->confirmed += record->count;
  return error;
}

static enum avow_error envelope(struct audit *audit, struct fact *fact) {
  const struct record *record = &fact->record;
  if (!is_open(audit))
    return broken_at(audit, fact, record->id,
                     "an envelope outside of a connection that both signed");
  if (record->is_signed != audit->parties.tls)
    return broken_at(audit, fact, record->id, "an envelope without signatures");
  enum avow_error error = take_messages(audit, fact);
  if (error != AVOW_OK || !audit->parties.tls)
    return error;
  error = check_envelope(audit, fact);
  if (error == AVOW_OK)
    error = claim_envelope(audit, fact);
  memcpy(audit->bob_signed, record->proof.bob_head, HEAD_SIZE);
  return error == AVOW_OK ? heads_put(&audit->given, record->proof.head, audit->confirmed) : error;
}

/* The heads of an end. */
static enum avow_error check_end(struct audit *audit, const struct fact *fact) {
  const struct record *record = &fact->record;
  const struct proof *proof = &record->proof;
  if (record->by_bob && !heads_find(&audit->given, proof->alice_head, NULL))
    return broken(audit, fact, "a head of Alice's that she had not given to Bob");
  if (audit->keeper == WHO_ALICE && !same_head(proof->head, record->head_there))
    return broken(audit, fact, "a head at the end that the log does not have");
  if (audit->keeper == WHO_ALICE && !record->by_bob &&
      !same_head(proof->bob_head, audit->bob_signed))
    return broken(audit, fact, "an end without the last head of Bob's that he signed");
  if (audit->keeper == WHO_BOB && !audit_had_head(audit, proof->bob_head))
    return broken(audit, fact, "a head of Bob's that his log never had");
  return AVOW_OK;
}

static enum avow_error claim_end(struct audit *audit, struct fact *fact) {
  const struct record *record = &fact->record;
  struct ended ended = {.messages = record->id,
                        .ended_us = record->when_us,
                        .offset_min = record->offset_min,
                        .by_bob = record->by_bob,
                        .proof = record->proof};
  struct claimed bob = {.signer = WHO_BOB,
                        .what = "Bob's signature of the end",
                        .wall_us = record->when_us,
                        .key = record->bob_signer,
                        .signature = record->proof.bob_signature};
  struct claimed alice = {.signer = WHO_ALICE,
                          .what = "Alice's signature of the end",
                          .wall_us = record->when_us,
                          .key = record->alice_signer,
                          .signature = record->proof.alice_signature};
  struct buf text;
  enum avow_error error = AVOW_OK;
  buf_init(&text, STATEMENT_MAX);
  if (record->by_bob) {
    error = statement_end(&text, &audit->parties.names, &ended);
    bob.statement = buf_view(&text);
    if (error == AVOW_OK)
      error = audit_claim(audit, fact, &bob);
    buf_clear(&text);
  }
  if (error == AVOW_OK)
    error = statement_ended(&text, &audit->parties.names, &ended);
  alice.statement = buf_view(&text);
  if (error == AVOW_OK)
    error = audit_claim(audit, fact, &alice);
  buf_free(&text);
  return error;
}

/* Bob gives a session up that Alice cannot go on with: nobody has signed that. */
static bool is_given_up(const struct audit *audit, const struct record *record) {
  return audit->keeper == WHO_BOB && audit->parties.tls && !record->is_signed;
}

static enum avow_error ended(struct audit *audit, struct fact *fact) {
  const struct record *record = &fact->record;
  bool given_up = is_given_up(audit, record);
  if (!is_open(audit) && !given_up)
    return broken(audit, fact, "an end outside of a connection that both signed");
  if (record->is_signed != audit->parties.tls && !given_up)
    return broken(audit, fact, "an end without signatures");
  if (record->id != audit->confirmed || (record->id != audit->messages && !given_up))
    return broken(audit, fact, "an end with another number of messages than the log has");
  audit->stage = audit->keeper == WHO_BOB ? STAGE_FINAL : STAGE_ENDED;
  if (!record->is_signed)
    return AVOW_OK;
  enum avow_error error = check_end(audit, fact);
  if (error == AVOW_OK)
    error = claim_end(audit, fact);
  return error == AVOW_OK ? heads_put(&audit->given, record->proof.head, audit->confirmed) : error;
}

enum avow_error audit_rule(struct audit *audit, struct fact *fact) {
  enum record_type type = fact->record.type;
  if (audit->keeper == WHO_UNKNOWN && type != RECORD_QUEUED && type != RECORD_OPENED) {
    audit->keeper = WHO_ALICE;
    return broken(audit, fact, "a log that begins with no connection");
  }
  if (audit->stage == STAGE_FINAL && type != RECORD_INCIDENT)
    return broken(audit, fact, "a record behind the end of Bob's log");
  if (buf_view(&audit->lines).size > 0 && type != RECORD_MESSAGE && type != RECORD_ENVELOPE)
    return broken(audit, fact, "messages without the envelope that they came in");
  switch (type) {
  case RECORD_QUEUED: return queued(audit, fact);
  case RECORD_OPENED: return opened(audit, fact);
  case RECORD_AGREED: return agreed(audit, fact);
  case RECORD_MESSAGE: return message(audit, fact);
  case RECORD_ENVELOPE: return envelope(audit, fact);
  case RECORD_ENDED: return ended(audit, fact);
  case RECORD_INCIDENT:
  case RECORD_HEAD: break;
  }
  return AVOW_OK;
}
