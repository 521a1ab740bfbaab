// SPDX-License-Identifier: Apache-2.0
#include "evidence/audit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evidence/audit_state.h"
#include "evidence/escape.h"
#include "keys/public_key.h"

/* More messages never wait in Bob's log: his queue takes no more (AVOW_QUEUE_MAX). */
#define WAITING_MAX 65536u

/* How many heads are remembered.  Bob's log has one for each time that something was synced; what
 * he signs is one of the last few of them.  Alice has at most 32 receipts on their way to him. */
#define HEADS_MAX (1024u * 1024u)
#define GIVEN_MAX 1024u

static void init(struct audit *audit) {
  buf_init(&audit->lines, AVOW_ENVELOPE_MESSAGES_MAX * RECORD_LINES_MAX);
  buf_init(&audit->waiting, WAITING_MAX * sizeof(struct waiting));
  heads_init(&audit->heads, HEADS_MAX);
  heads_init(&audit->given, GIVEN_MAX);
  audit->fault.id = FAULT_NO_ID;
}

/* A copy, or NULL where there is none; false without memory. */
static bool copy_name(const char *name, char **ret) {
  *ret = name != NULL ? strdup(name) : NULL;
  return (name == NULL) == (*ret == NULL);
}

enum avow_error audit_new(struct audit **ret, const struct audit_options *options) {
  struct audit *audit = calloc(1, sizeof *audit);
  if (audit == NULL)
    return AVOW_NO_MEMORY;
  init(audit);
  audit->keyring = options->keyring;
  bool copied = copy_name(options->alice, &audit->alice) && copy_name(options->bob, &audit->bob);
  enum avow_error error = copied ? replay_new(&audit->replay) : AVOW_NO_MEMORY;
  if (error == AVOW_OK)
    error = hash_new(&audit->hash);
  if (error == AVOW_OK)
    error = hash_sha256(audit->hash, view_of("", 0), audit->empty_head);
  if (error == AVOW_OK) {
    memcpy(audit->last_head, audit->empty_head, HEAD_SIZE);
    *ret = audit;
  } else {
    audit_free(audit);
  }
  return error;
}

void audit_free(struct audit *audit) {
  if (audit == NULL)
    return;
  free(audit->alice);
  free(audit->bob);
  replay_free(audit->replay);
  hash_free(audit->hash);
  buf_free(&audit->lines);
  buf_free(&audit->waiting);
  heads_free(&audit->heads);
  heads_free(&audit->given);
  free(audit);
}

enum avow_error audit_break(struct audit *audit, uint64_t line, enum who against,
                            const char *format, ...) {
  va_list args;
  audit->fault = (struct fault){.kind = FAULT_BROKEN,
                                .log = audit->keeper,
                                .line = line,
                                .id = FAULT_NO_ID,
                                .against = against};
  va_start(args, format);
  vsnprintf(audit->fault.text, sizeof audit->fault.text, format, args);
  va_end(args);
  return AVOW_MALFORMED;
}

/* What replay has found. */
static enum avow_error damaged(struct audit *audit, enum avow_error error) {
  if (error != AVOW_MALFORMED)
    return error;
  return audit_break(audit, replay_line(audit->replay), WHO_UNKNOWN, "%s",
                     replay_reason(audit->replay));
}

enum avow_error audit_input(struct audit *audit, struct view bytes) {
  if (audit->fault.kind != FAULT_NONE)
    return AVOW_MALFORMED;
  return damaged(audit, replay_input(audit->replay, bytes));
}

/* Bob signs a connection in the same chunk of his log, directly behind it. */
static bool is_unsigned(const struct audit *audit) {
  return audit->keeper == WHO_BOB && audit->parties.tls && audit->stage == STAGE_OPENED;
}

/* The chunk is whole. */
static enum avow_error take_head(struct audit *audit, const struct record *record) {
  if (audit->lines.size > audit->lines.start)
    return audit_break(audit, record->line, audit->keeper,
                       "messages without the envelope that they came in");
  memcpy(audit->last_head, record->proof.head, HEAD_SIZE);
  /* Bob signs heads that are behind him; Alice only the one that is now. */
  return audit->keeper == WHO_BOB ? heads_put(&audit->heads, record->proof.head, audit->messages)
                                  : AVOW_OK;
}

enum avow_error audit_next(struct audit *audit, struct fact *ret) {
  enum avow_error error = AVOW_OK;
  while (error == AVOW_OK && audit->fault.kind == FAULT_NONE) {
    error = damaged(audit, replay_next(audit->replay, &ret->record));
    if (error != AVOW_OK)
      return error;
    if (ret->record.type != RECORD_AGREED && is_unsigned(audit))
      return audit_break(audit, ret->record.line, WHO_BOB,
                         "behind a connection something else than Bob's signature of it");
    ret->claims_count = 0;
    if (ret->record.type != RECORD_HEAD)
      return audit_rule(audit, ret);
    error = take_head(audit, &ret->record);
  }
  return error != AVOW_OK ? error : AVOW_MALFORMED;
}

enum avow_error audit_end(struct audit *audit) {
  if (audit->fault.kind != FAULT_NONE)
    return AVOW_MALFORMED;
  return damaged(audit, replay_end(audit->replay));
}

const struct fault *audit_fault(const struct audit *audit) {
  return &audit->fault;
}

enum who audit_keeper(const struct audit *audit) {
  return audit->keeper;
}

const struct parties *audit_parties(const struct audit *audit) {
  return &audit->parties;
}

const uint8_t *audit_head(const struct audit *audit) {
  return audit->last_head;
}

uint64_t audit_finished(const struct audit *audit) {
  return replay_finished(audit->replay);
}

bool audit_had_head(const struct audit *audit, const uint8_t value[HEAD_SIZE]) {
  return memcmp(value, audit->empty_head, HEAD_SIZE) == 0 || heads_find(&audit->heads, value, NULL);
}

enum avow_error audit_waiting(const struct audit *audit, uint64_t first_id, uint64_t count,
                              uint8_t digest[SHA256_SIZE]) {
  struct view waiting = buf_view(&audit->waiting);
  uint64_t have = waiting.size / sizeof(struct waiting);
  struct digest *stream;
  if (first_id < audit->confirmed || first_id - audit->confirmed > have ||
      count > have - (first_id - audit->confirmed))
    return AVOW_NOT_FOUND;
  enum avow_error error = digest_new(&stream);
  if (error != AVOW_OK)
    return error;
  size_t at = (size_t)(first_id - audit->confirmed) * sizeof(struct waiting);
  for (uint64_t i = 0; i < count && error == AVOW_OK; i++, at += sizeof(struct waiting)) {
    struct waiting message;
    char lines[RECORD_LINES_MAX];
    memcpy(&message, waiting.data + at, sizeof message);
    struct recorded recorded = {
        .id = first_id + i, .hash = message.hash, .timestamp_us = message.timestamp_us};
    error = digest_add(stream, view_of(lines, record_lines(lines, message.offset_min, &recorded)));
  }
  if (error == AVOW_OK)
    error = digest_value(stream, digest);
  digest_free(stream);
  return error;
}

/* The key as people compare it; never fails, but may be empty. */
static void print_key(const uint8_t *key, char text[FINGERPRINT_SIZE]) {
  text[0] = '\0';
  (void)fingerprint(key, text);
}

/* A name for a screen: escaped, cut to fit. */
static void print_name(struct view name, char text[2 * AVOW_NAME_SIZE]) {
  struct buf escaped;
  buf_init(&escaped, 2 * AVOW_NAME_SIZE - 1);
  (void)escape_append(&escaped, name);
  struct view whole = buf_view(&escaped);
  if (whole.size > 0)
    memcpy(text, whole.data, whole.size);
  text[whole.size] = '\0';
  buf_free(&escaped);
}

/* Whose key is it, by the reader's list, at that time? */
static enum avow_error check_signer(struct audit *audit, const struct fact *fact,
                                    const struct claimed *claimed) {
  struct allowed_line line;
  char key[FINGERPRINT_SIZE], wanted[2 * AVOW_NAME_SIZE], name[2 * AVOW_NAME_SIZE];
  bool alice = claimed->signer == WHO_ALICE;
  enum avow_error error = keyring_find(audit->keyring, claimed->key, claimed->wall_us, &line);
  if (error != AVOW_OK && error != AVOW_NOT_FOUND && error != AVOW_EXPIRED)
    return error;
  print_key(claimed->key, key);
  if (error != AVOW_OK) {
    audit_break(audit, fact->record.line, WHO_UNKNOWN, "the key %s, which signs as %s, %s", key,
                who_name(claimed->signer),
                error == AVOW_NOT_FOUND
                    ? "is not in your list of keys"
                    : "was not valid at that time, as your list of keys has it");
    audit->fault.kind = FAULT_UNKNOWN;
    return AVOW_MALFORMED;
  }
  const char *principal = alice ? audit->alice : audit->bob;
  char *own = alice ? audit->parties.alice : audit->parties.bob;
  *(alice ? &audit->parties.alice_line : &audit->parties.bob_line) = line.number;
  allowed_line_name(&line, own);
  if (principal == NULL || allowed_line_is(&line, principal))
    return AVOW_OK;
  print_name(view_text(principal), wanted);
  print_name(view_text(own), name);
  return audit_break(audit, fact->record.line, WHO_UNKNOWN,
                     "the key %s, which signs as %s, is that of %s, and not of %s", key,
                     who_name(claimed->signer), name, wanted);
}

enum avow_error audit_claim(struct audit *audit, struct fact *fact, const struct claimed *claimed) {
  const struct names *names = &audit->parties.names;
  const uint8_t *own = claimed->signer == WHO_ALICE ? names->alice_key : names->bob_key;
  if (memcmp(claimed->key, own, ED25519_PUBLIC_SIZE) != 0)
    return audit_break(audit, fact->record.line, audit->keeper,
                       "%s is made by another key than that of %s", claimed->what,
                       who_name(claimed->signer));
  enum avow_error error = check_signer(audit, fact, claimed);
  if (error != AVOW_OK)
    return error;
  struct claim *claim = &fact->claims[fact->claims_count++];
  claim->signer = claimed->signer;
  claim->line = fact->record.line;
  claim->what = claimed->what;
  memcpy(claim->key, own, sizeof claim->key);
  memcpy(claim->signature, claimed->signature, sizeof claim->signature);
  claim->size = (uint16_t)claimed->statement.size;
  memcpy(claim->text, claimed->statement.data, claimed->statement.size);
  return AVOW_OK;
}

enum avow_error audit_check(const struct claim *claim, struct ed25519 *key) {
  return sshsig_verify(key, view_of(claim->text, claim->size), claim->signature);
}

void audit_refuse(struct audit *audit, const struct claim *claim) {
  if (audit->fault.kind == FAULT_NONE || audit->fault.line > claim->line)
    audit_break(audit, claim->line, audit->keeper, "%s does not fit what the log says",
                claim->what);
}
