// SPDX-License-Identifier: Apache-2.0
#include "rules.h"

#include <stdlib.h>
#include <string.h>

#include "evidence/statement.h"
#include "rules_inside.h"

#define BREACH(condition, text)                                                                    \
  do {                                                                                             \
    if (condition)                                                                                 \
      return text;                                                                                 \
  } while (0)

struct rules *rules_new(const struct world *world, enum side side) {
  struct rules *rules = calloc(1, sizeof *rules);
  struct head empty = {0};
  if (rules == NULL || hash_new(&rules->hash) != AVOW_OK || head_init(&empty) != AVOW_OK)
    abort();
  rules->side = side;
  rules->tls = !world->setting.plain;
  rules->keys[BOB] = tls_identity_key(world->hosts[BOB].tls);
  rules->keys[ALICE] = tls_identity_key(world->hosts[ALICE].tls);
  buf_init(&rules->text, STATEMENT_MAX);
  buf_init(&rules->opening, STATEMENT_MAX);
  buf_init(&rules->told, 1024u * 1024u);
  rules->lines = rules_grow(NULL, 0, sizeof *rules->lines);
  memcpy(rules->lines[rules->lines_count++].head, empty.last, HEAD_SIZE);
  head_free(&empty);
  return rules;
}

void rules_free(struct rules *rules) {
  if (rules == NULL)
    return;
  hash_free(rules->hash);
  buf_free(&rules->text);
  buf_free(&rules->opening);
  buf_free(&rules->told);
  free(rules->lines);
  free(rules->given);
  free(rules->connections);
  free(rules->messages);
  free(rules->envelopes);
  free(rules->ends);
  free(rules);
}

void *rules_grow(void *items, size_t count, size_t size) {
  if ((count & (count - 1)) != 0)
    return items; /* there is room up to the next power of two */
  items = realloc(items, (count == 0 ? 1 : 2 * count) * size);
  if (items == NULL)
    abort();
  return items;
}

bool rules_line(const struct rules *rules, const uint8_t head[HEAD_SIZE], uint64_t behind) {
  for (size_t i = rules->lines_count; i > 0 && rules->lines[i - 1].messages >= behind; i--)
    if (memcmp(rules->lines[i - 1].head, head, HEAD_SIZE) == 0)
      return true;
  return false;
}

/* The value of the last head line. */
static const uint8_t *rules_last_line(const struct rules *rules) {
  return rules->lines[rules->lines_count - 1].head;
}

const uint8_t *rules_given(const struct rules *rules, size_t i) {
  return i < rules->given_count ? rules->given[i].head : NULL;
}

/* The place of a head among those that alice gave; SIZE_MAX: she never did. */
static size_t place(const struct rules *rules, const uint8_t head[HEAD_SIZE]) {
  for (size_t i = rules->given_count; i > 0; i--)
    if (memcmp(rules->given[i - 1].head, head, HEAD_SIZE) == 0)
      return i - 1;
  return SIZE_MAX;
}

bool rules_gave(const struct rules *rules, const uint8_t head[HEAD_SIZE]) {
  return place(rules, head) != SIZE_MAX;
}

static void give(struct rules *rules, const uint8_t head[HEAD_SIZE]) {
  rules->given = rules_grow(rules->given, rules->given_count, sizeof *rules->given);
  memcpy(rules->given[rules->given_count++].head, head, HEAD_SIZE);
}

const uint8_t *rules_session(const struct rules *rules) {
  return rules->connections_count > 0 ? rules->names.session_id : NULL;
}

uint64_t rules_enveloped(const struct rules *rules) {
  return rules->enveloped;
}

size_t rules_seen(const struct rules *rules) {
  return rules->seen;
}

const uint8_t *rules_bob_head(const struct rules *rules) {
  return rules->bob_head;
}

size_t rules_ends(const struct rules *rules) {
  return rules->ends_count;
}

const struct names *rules_names(const struct rules *rules) {
  return &rules->names;
}

bool rules_said(const struct rules *rules) {
  bool said = rules->messages_count > 0;
  for (size_t i = 0; i < rules->connections_count; i++)
    said |= rules->connections[i].agreed;
  return said;
}

/* Rule 3: whether ${side} has signed what is in ${text}, and the block says so. */
static bool is_signed(struct rules *rules, enum side side, const struct buf *text,
                      const uint8_t *signer, const uint8_t *signature) {
  struct ed25519 *key = rules->keys[side];
  return memcmp(signer, ed25519_key(key), ED25519_PUBLIC_SIZE) == 0 &&
         sshsig_verify(key, buf_view(text), signature) == AVOW_OK;
}

static void must(enum avow_error error) {
  if (error != AVOW_OK)
    abort();
}

static const char *take_opened(struct rules *rules, const struct record *record) {
  struct names names;
  const struct proof *proof = &record->proof;
  bool first = rules->connections_count == 0, bob = rules->side == BOB;
  memcpy(names.session_id, record->session_id, sizeof names.session_id);
  memcpy(names.alice_key, record->alice_key, sizeof names.alice_key);
  memcpy(names.bob_key, record->bob_key, sizeof names.bob_key);
  BREACH(record->resumed == first, "rule 2: the first connection opens, each other one resumes");
  BREACH(!first && memcmp(&names, &rules->names, sizeof names) != 0, "rule 2: another session");
  BREACH(record->tls != rules->tls, "rule 2: another handshake");
  BREACH(!bob && rules->enveloped < rules->messages_count, "rule 4: messages without an envelope");
  rules->names = names;
  rules->connections =
      rules_grow(rules->connections, rules->connections_count, sizeof *rules->connections);
  struct connection *connection = &rules->connections[rules->connections_count++];
  *connection = (struct connection){.proof = *proof};
  rules->seen = rules->given_count;
  rules->end_due = false;
  if (!rules->tls)
    return NULL;
  struct opened opened = {.session_id = record->session_id,
                          .resumed = record->resumed,
                          .when_us = record->when_us,
                          .offset_min = record->offset_min,
                          .tls = true,
                          .group = record->group,
                          .next_id = record->id};
  memcpy(opened.alice.key, ed25519_key(rules->keys[ALICE]), sizeof opened.alice.key);
  memcpy(opened.bob.key, ed25519_key(rules->keys[BOB]), sizeof opened.bob.key);
  memcpy(opened.bob_head, proof->bob_head, HEAD_SIZE);
  memcpy(opened.alice_head, proof->alice_head, HEAD_SIZE);
  buf_clear(&rules->opening);
  must(statement_opening(&rules->opening, &opened));
  must(hash_sha256(rules->hash, buf_view(&rules->opening), connection->statement));
  BREACH(!is_signed(rules, ALICE, &rules->opening, record->alice_signer, proof->alice_signature),
         "rule 3: alice did not sign the opening");
  BREACH(!bob && record->id != rules->messages_count, "rule 6: another next id");
  BREACH(!bob && memcmp(proof->alice_head, rules_last_line(rules), HEAD_SIZE) != 0,
         "rule 6: alice's head of a connection is not her last");
  BREACH(bob && !rules_line(rules, proof->bob_head, 0),
         "rule 7: bob's head of a connection is none of his");
  memcpy(rules->bob_head, proof->bob_head, HEAD_SIZE);
  give(rules, proof->alice_head);
  return NULL;
}

static const char *take_agreed(struct rules *rules, const struct record *record) {
  const uint8_t *signature = record->proof.bob_signature;
  BREACH(rules->connections_count == 0, "rule 5: a signature of no opening");
  struct connection *connection = &rules->connections[rules->connections_count - 1];
  BREACH(connection->agreed, "an opening that bob signs twice");
  BREACH(!is_signed(rules, BOB, &rules->opening, record->bob_signer, signature),
         "rule 3: bob did not sign the opening");
  connection->agreed = true;
  memcpy(connection->proof.bob_signature, signature, SIGNATURE_SIZE);
  return NULL;
}

/* Rule 5: whether both have signed a connection: the last one, or, in bob's log, any. */
static bool agreed(const struct rules *rules) {
  size_t count = rules->connections_count;
  return !rules->tls || (count > 0 && rules->connections[count - 1].agreed);
}

static const char *take_message(struct rules *rules, const struct record *record) {
  bool bob = rules->side == BOB;
  BREACH(record->id != rules->messages_count, "rule 4: a message out of order");
  BREACH(!bob && !agreed(rules), "rule 5: a message without an opening that bob signed");
  BREACH(bob != (record->confirmed_us == WHEN_NEVER), "rule 4: the time of a confirmation");
  rules->messages = rules_grow(rules->messages, rules->messages_count, sizeof *rules->messages);
  struct told *told = &rules->messages[rules->messages_count++];
  *told = (struct told){.confirmed_us = record->confirmed_us,
                        .confirmed_min = record->confirmed_min,
                        .at = buf_view(&rules->told).size,
                        .size = record->lines.size};
  must(buf_append(&rules->told, record->lines));
  return NULL;
}

/* What bob and alice signed of an envelope: rule 3. */
static const char *check_envelope(struct rules *rules, const struct record *record) {
  const struct told *first = &rules->messages[record->id];
  const struct told *last = &rules->messages[record->id + record->count - 1];
  struct enveloped enveloped = {.first_id = record->id,
                                .count = (unsigned)record->count,
                                .confirmed_us = record->confirmed_us,
                                .confirmed_min = record->confirmed_min,
                                .proof = record->proof};
  struct view lines =
      view_of(buf_view(&rules->told).data + first->at, last->at + last->size - first->at);
  must(hash_sha256(rules->hash, lines, enveloped.digest));
  buf_clear(&rules->text);
  must(statement_origin(&rules->text, &rules->names, &enveloped));
  BREACH(!is_signed(rules, BOB, &rules->text, record->bob_signer, record->proof.bob_signature),
         "rule 3: bob did not sign the origin");
  buf_clear(&rules->text);
  must(statement_receipt(&rules->text, &rules->names, &enveloped));
  BREACH(
      !is_signed(rules, ALICE, &rules->text, record->alice_signer, record->proof.alice_signature),
      "rule 3: alice did not sign the receipt");
  return NULL;
}

/* Alice's head in what bob signed: rules 6 and 7. */
static const char *check_seen(struct rules *rules, const uint8_t head[HEAD_SIZE]) {
  size_t at = place(rules, head);
  BREACH(at == SIZE_MAX, "rules 6, 7: a head of alice's that she never gave");
  BREACH(rules->side == ALICE && at < rules->seen, "rule 6: alice's head goes back");
  if (rules->side == ALICE)
    rules->seen = at;
  return NULL;
}

static const char *take_envelope(struct rules *rules, const struct record *record) {
  bool bob = rules->side == BOB;
  uint64_t end = record->id + record->count;
  BREACH(record->id != rules->enveloped || end > rules->messages_count,
         "rule 4: an envelope out of order");
  BREACH(!bob && end != rules->messages_count, "rule 4: an envelope not behind its messages");
  BREACH(!agreed(rules), "rule 5: an envelope without an opening that both signed");
  BREACH(record->is_signed != rules->tls, "rule 3: a signature is missing");
  for (uint64_t id = record->id; !bob && rules->tls && id < end; id++)
    BREACH(rules->messages[id].confirmed_us != record->confirmed_us ||
               rules->messages[id].confirmed_min != record->confirmed_min,
           "rule 4: a message with another time than its envelope");
  rules->envelopes = rules_grow(rules->envelopes, rules->envelopes_count, sizeof *rules->envelopes);
  rules->envelopes[rules->envelopes_count++] = (struct envelope){
      record->id, record->count, bob || rules->tls ? record->confirmed_us : 0, record->proof};
  rules->enveloped = end;
  if (!rules->tls)
    return NULL;
  BREACH(!bob && memcmp(record->proof.head, record->head_there, HEAD_SIZE) != 0,
         "rule 6: a head at receipt that the lines before it do not have");
  BREACH(bob && !rules_line(rules, record->proof.bob_head, end),
         "rule 7: bob's head of an envelope does not stand behind its messages");
  const char *breach = check_seen(rules, record->proof.alice_head);
  if (breach == NULL)
    breach = check_envelope(rules, record);
  memcpy(rules->bob_head, record->proof.bob_head, HEAD_SIZE);
  give(rules, record->proof.head);
  return breach;
}

static const char *check_end(struct rules *rules, const struct record *record) {
  struct ended ended = {.messages = record->id,
                        .ended_us = record->when_us,
                        .offset_min = record->offset_min,
                        .by_bob = record->by_bob,
                        .proof = record->proof};
  buf_clear(&rules->text);
  must(statement_end(&rules->text, &rules->names, &ended));
  BREACH(record->by_bob &&
             !is_signed(rules, BOB, &rules->text, record->bob_signer, record->proof.bob_signature),
         "rule 3: bob did not sign the end");
  buf_clear(&rules->text);
  must(statement_ended(&rules->text, &rules->names, &ended));
  BREACH(
      !is_signed(rules, ALICE, &rules->text, record->alice_signer, record->proof.alice_signature),
      "rule 3: alice did not sign the end");
  return NULL;
}

static const char *take_ended(struct rules *rules, const struct record *record) {
  bool bob = rules->side == BOB;
  const struct proof *proof = &record->proof;
  BREACH(record->id != rules->messages_count || record->id != rules->enveloped,
         "rule 8: an end of another number of messages");
  BREACH(record->is_signed != rules->tls, "rule 3: a signature is missing");
  rules->ends = rules_grow(rules->ends, rules->ends_count, sizeof *rules->ends);
  rules->ends[rules->ends_count++] =
      (struct end){record->id, record->when_us, record->by_bob, *proof};
  rules->end_due = true;
  if (!rules->tls)
    return NULL;
  BREACH(!agreed(rules), "rule 5: an end without an opening that both signed");
  BREACH(!bob && memcmp(proof->head, record->head_there, HEAD_SIZE) != 0,
         "rule 6: a head at the end that the lines before it do not have");
  BREACH(bob && !rules_line(rules, proof->bob_head, 0), "rule 7: bob's head of an end");
  BREACH(!bob && !record->by_bob && memcmp(proof->bob_head, rules->bob_head, HEAD_SIZE) != 0,
         "an end of alice's without bob's last head");
  const char *breach = record->by_bob ? check_seen(rules, proof->alice_head) : NULL;
  return breach == NULL ? check_end(rules, record) : breach;
}

const char *rules_take(struct rules *rules, const struct record *record) {
  bool bob = rules->side == BOB;
  BREACH(rules->end_due && (bob || record->type != RECORD_OPENED) && record->type != RECORD_HEAD &&
             record->type != RECORD_INCIDENT,
         "rule 8: something behind the end");
  switch (record->type) {
  case RECORD_OPENED: return take_opened(rules, record);
  case RECORD_AGREED: return take_agreed(rules, record);
  case RECORD_MESSAGE: return take_message(rules, record);
  case RECORD_ENVELOPE: return take_envelope(rules, record);
  case RECORD_ENDED: return take_ended(rules, record);
  case RECORD_HEAD:
    rules->lines = rules_grow(rules->lines, rules->lines_count, sizeof *rules->lines);
    memcpy(rules->lines[rules->lines_count].head, record->proof.head, HEAD_SIZE);
    rules->lines[rules->lines_count++].messages = rules->messages_count;
    break;
  case RECORD_QUEUED:
  case RECORD_INCIDENT: break;
  }
  return NULL;
}
