// SPDX-License-Identifier: Apache-2.0
#include "evidence/block.h"

#include <string.h>

#include "base/base64.h"
#include "base/limits.h"
#include "base/when.h"
#include "crypto/secret.h"
#include "evidence/escape.h"
#include "keys/public_key.h"
#include "keys/sshsig.h"

/* 32 bytes in base64url. */
#define KEY_TEXT_SIZE 44u

bool block_line(struct view *rest, struct view *ret_line) {
  const uint8_t *end = rest->size > 0 ? memchr(rest->data, '\n', rest->size) : NULL;
  if (end == NULL)
    return false;
  *ret_line = view_of(rest->data, (size_t)(end - rest->data));
  *rest = view_of(end + 1, rest->size - ret_line->size - 1);
  return true;
}

/* Whether the block's next line has this name. */
static bool has(const struct block *block, const char *name) {
  return view_begins(block->rest, name);
}

/* The value of the next line, which must have this name. */
static struct view value(struct block *block, const char *name) {
  struct view line = view_of("", 0);
  if (block->bad)
    return line;
  block->line++;
  if (!has(block, name) || !block_line(&block->rest, &line)) {
    block->bad = true;
    return line;
  }
  return view_of(line.data + strlen(name), line.size - strlen(name));
}

static uint64_t number(struct block *block, struct view text) {
  uint64_t n = 0;
  block->bad |= text.size == 0 || text.size > 16 || (text.size > 1 && text.data[0] == '0');
  for (size_t i = 0; i < text.size && !block->bad; i++) {
    block->bad |= text.data[i] < '0' || text.data[i] > '9';
    n = n * 10 + (uint64_t)(text.data[i] - '0');
  }
  return n;
}

static void hex(struct block *block, struct view text, uint8_t *bytes, size_t size) {
  static const char digits[] = "0123456789abcdef";
  block->bad |= text.size != 2 * size;
  for (size_t i = 0; i < 2 * size && !block->bad; i++) {
    const char *digit = memchr(digits, text.data[i], 16);
    if (digit == NULL)
      block->bad = true;
    else
      bytes[i / 2] = (uint8_t)(bytes[i / 2] << 4 | (digit - digits));
  }
}

static uint64_t when(struct block *block, struct view text, int *ret_offset_min) {
  uint64_t us = 0;
  int offset_min;
  if (!block->bad && when_parse(text, &us, ret_offset_min != NULL ? ret_offset_min : &offset_min))
    block->bad = true;
  return us;
}

static void key(struct block *block, struct view text, uint8_t *bytes) {
  if (!block->bad && public_key_decode(text, bytes, NULL) != AVOW_OK)
    block->bad = true;
}

/* A line with the signature of a statement, by whoever. */
static void signature(struct block *block, struct view text, uint8_t *signer,
                      uint8_t bytes[SIGNATURE_SIZE]) {
  if (!block->bad && sshsig_decode(text, signer, bytes) != AVOW_OK)
    block->bad = true;
}

static void head(struct block *block, const char *name, uint8_t bytes[HEAD_SIZE]) {
  hex(block, value(block, name), bytes, HEAD_SIZE);
}

/* A line that begins with "Head at " follows: what is the head there? */
static void head_there(struct block *block, struct record *record) {
  struct view there = buf_view(block->there);
  if (block->bad)
    return;
  if (there.size < HEAD_SIZE || !has(block, "Head at ")) {
    block->line++;
    block->bad = true;
    return;
  }
  memcpy(record->head_there, there.data, HEAD_SIZE);
  buf_consume(block->there, HEAD_SIZE);
}

static enum avow_error bad(struct block *block, const char *reason) {
  block->bad = true;
  block->reason = reason;
  return AVOW_MALFORMED;
}

/* A Fernet key is in no head; its hash is, and keeps it from being changed. */
static enum avow_error fernet_key(struct block *block) {
  uint8_t bytes[KEY_TEXT_SIZE], told[SHA256_SIZE], hash[SHA256_SIZE];
  size_t size;
  struct view text = value(block, "Key: ");
  if (text.size != KEY_TEXT_SIZE || base64_decode(BASE64_URL, text, bytes, &size) != AVOW_OK) {
    block->bad = true;
    return AVOW_OK;
  }
  hex(block, value(block, "Key hash: "), told, sizeof told);
  enum avow_error error = hash_sha256(block->hash, view_of(bytes, size), hash);
  secret_wipe(bytes, sizeof bytes);
  if (error == AVOW_OK && !block->bad && memcmp(told, hash, sizeof hash) != 0)
    return bad(block, "a key that does not have its hash");
  return error;
}

static void read_queued(struct block *block, struct record *record) {
  struct buf to;
  record->type = RECORD_QUEUED;
  buf_init(&to, sizeof record->to - 1);
  if (escape_decode(value(block, "To: "), &to) != AVOW_OK)
    block->bad = true;
  struct view text = buf_view(&to);
  if (text.size > 0 && memchr(text.data, '\0', text.size) != NULL)
    block->bad = true;
  if (text.size > 0)
    memcpy(record->to, text.data, text.size);
  record->to[text.size] = '\0';
  buf_free(&to);
  record->when_us = when(block, value(block, "Queued since: "), &record->offset_min);
  record->tls = has(block, "Bob: ");
  if (record->tls)
    key(block, value(block, "Bob: "), record->bob_key);
}

/* What both have signed of the opening. */
static void read_opening(struct block *block, struct record *record) {
  key(block, value(block, "Alice: "), record->alice_key);
  key(block, value(block, "Bob: "), record->bob_key);
  record->id = number(block, value(block, "Next ID: "));
  head(block, "Bob's head: ", record->proof.bob_head);
  head(block, "Alice's head: ", record->proof.alice_head);
  signature(block, value(block, "Signed by Alice: "), record->alice_signer,
            record->proof.alice_signature);
}

static enum avow_error read_opened(struct block *block, struct record *record) {
  enum avow_error error = AVOW_OK;
  record->type = RECORD_OPENED;
  value(block, "Connected: ");
  uint8_t key_hash[SHA256_SIZE];
  if (has(block, "Key: "))
    error = fernet_key(block);
  else if (has(block, "Key hash: ")) /* the key is withheld, as a text may be */
    hex(block, value(block, "Key hash: "), key_hash, sizeof key_hash);
  hex(block, value(block, "Session: "), record->session_id, sizeof record->session_id);
  record->resumed = has(block, "Resumed: ");
  record->when_us =
      when(block, value(block, record->resumed ? "Resumed: " : "Opened: "), &record->offset_min);
  record->tls = has(block, "Handshake: tls ");
  if (!record->tls) {
    block->bad |= !view_equal(value(block, "Handshake: "), view_text("plain"));
    block->bad |=
        !view_equal(value(block, "Evidence: "), view_text("none (keys were sent in the clear)"));
    return error;
  }
  struct view group = value(block, "Handshake: tls ");
  if (group.size >= sizeof record->group)
    block->bad = true;
  else if (group.size > 0)
    memcpy(record->group, group.data, group.size);
  read_opening(block, record);
  return error;
}

static void read_agreed(struct block *block, struct record *record) {
  record->type = RECORD_AGREED;
  signature(block, value(block, "Signed by Bob: "), record->bob_signer,
            record->proof.bob_signature);
}

static enum avow_error check_text(struct block *block, struct record *record, struct view line) {
  uint8_t hash[SHA512_SIZE];
  struct buf *text = block->text;
  buf_clear(text);
  record->has_text = true;
  if (block->bad)
    return AVOW_OK; /* a line before the text is to blame */
  if (escape_decode(line, text) != AVOW_OK)
    return bad(block, "a text that is not escaped as texts are");
  record->text = buf_view(text);
  enum avow_error error = hash_sha512(block->hash, record->text, hash);
  if (error == AVOW_OK && memcmp(hash, record->hash, sizeof hash) != 0)
    error = bad(block, "a text that does not have its hash value");
  return error;
}

static enum avow_error read_message(struct block *block, struct record *record) {
  enum avow_error error = AVOW_OK;
  record->type = RECORD_MESSAGE;
  const uint8_t *lines = block->rest.data;
  record->id = number(block, value(block, "Message ID: "));
  hex(block, value(block, "Hash value: "), record->hash, sizeof record->hash);
  record->timestamp_us = when(block, value(block, "Timestamp: "), &record->offset_min);
  record->lines = view_of(lines, (size_t)(block->rest.data - lines));
  if (has(block, "Message text: "))
    error = check_text(block, record, value(block, "Message text: "));
  if (has(block, "Message confirmed at: "))
    record->confirmed_us =
        when(block, value(block, "Message confirmed at: "), &record->confirmed_min);
  return error;
}

static void read_envelope(struct block *block, struct record *record) {
  record->type = RECORD_ENVELOPE;
  struct view ids = value(block, "Messages: ");
  const uint8_t *dash = ids.size > 0 ? memchr(ids.data, '-', ids.size) : NULL;
  size_t size = dash != NULL ? (size_t)(dash - ids.data) : 0;
  block->bad |= dash == NULL;
  if (block->bad)
    return;
  record->id = number(block, view_of(ids.data, size));
  uint64_t last = number(block, view_of(dash + 1, ids.size - size - 1));
  block->bad |= last < record->id || last - record->id >= AVOW_ENVELOPE_MESSAGES_MAX;
  record->count = last - record->id + 1;
  if (has(block, "Message confirmed at: "))
    record->confirmed_us =
        when(block, value(block, "Message confirmed at: "), &record->confirmed_min);
  record->is_signed = has(block, "Bob's head: ");
  if (!record->is_signed)
    return;
  block->bad |= record->confirmed_us == WHEN_NEVER;
  head(block, "Bob's head: ", record->proof.bob_head);
  head(block, "Alice's head: ", record->proof.alice_head);
  signature(block, value(block, "Origin signature: "), record->bob_signer,
            record->proof.bob_signature);
  head_there(block, record);
  head(block, "Head at receipt: ", record->proof.head);
  signature(block, value(block, "Receipt: "), record->alice_signer, record->proof.alice_signature);
}

static void read_incident(struct block *block, struct record *record) {
  record->type = RECORD_INCIDENT;
  value(block, "Incident: ");
  value(block, "Verdict: ");
  record->when_us = when(block, value(block, "Seen at: "), &record->offset_min);
  if (has(block, "Count: "))
    record->count = number(block, value(block, "Count: "));
}

static void read_ended(struct block *block, struct record *record) {
  record->type = RECORD_ENDED;
  record->id = number(block, value(block, "Messages in all: "));
  record->when_us = when(block, value(block, "Ended: "), &record->offset_min);
  record->is_signed = has(block, "Bob's head: ");
  if (!record->is_signed)
    return;
  head(block, "Bob's head: ", record->proof.bob_head);
  record->by_bob = has(block, "Alice's head: ");
  if (record->by_bob) {
    head(block, "Alice's head: ", record->proof.alice_head);
    signature(block, value(block, "Signed by Bob: "), record->bob_signer,
              record->proof.bob_signature);
  }
  head_there(block, record);
  head(block, "Head at the end: ", record->proof.head);
  signature(block, value(block, "Signed by Alice: "), record->alice_signer,
            record->proof.alice_signature);
}

enum avow_error block_read(struct block *block, bool first, struct record *ret) {
  enum avow_error error = AVOW_OK;
  *ret = (struct record){.confirmed_us = WHEN_NEVER};
  if (!first)
    block->bad |= value(block, "").size != 0; /* the empty line between records */
  ret->line = block->line + 1;
  if (has(block, "Message ID: "))
    error = read_message(block, ret);
  else if (has(block, "Messages: "))
    read_envelope(block, ret);
  else if (has(block, "Connected: "))
    error = read_opened(block, ret);
  else if (has(block, "Signed by Bob: "))
    read_agreed(block, ret);
  else if (has(block, "Incident: "))
    read_incident(block, ret);
  else if (has(block, "Messages in all: "))
    read_ended(block, ret);
  else if (has(block, "To: "))
    read_queued(block, ret);
  else if (!block->bad) {
    block->line++;
    block->bad = true;
  }
  if (error == AVOW_OK && block->bad)
    return bad(block, "a line that does not belong there");
  return error;
}

bool block_plausible(struct view line, bool whole) {
  static const char *const names[] = {"Message ID: ",
                                      "Hash value: ",
                                      "Timestamp: ",
                                      "Message text: ",
                                      "Message confirmed at: ",
                                      "Messages: ",
                                      "Connected: ",
                                      "Key: ",
                                      "Session: ",
                                      "Opened: ",
                                      "Resumed: ",
                                      "Handshake: ",
                                      "Alice: ",
                                      "Bob: ",
                                      "Evidence: ",
                                      "Incident: ",
                                      "Verdict: ",
                                      "Seen at: ",
                                      "Count: ",
                                      "Messages in all: ",
                                      "Ended: ",
                                      "To: ",
                                      "Queued since: ",
                                      "Key hash: ",
                                      "Next ID: ",
                                      "Bob's head: ",
                                      "Alice's head: ",
                                      "Signed by Alice: ",
                                      "Signed by Bob: ",
                                      "Origin signature: ",
                                      "Head at receipt: ",
                                      "Receipt: ",
                                      "Head at the end: "};
  if (line.size == 0)
    return true;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    size_t size = strlen(names[i]);
    if (view_begins(line, names[i]) ||
        (!whole && line.size < size && !memcmp(names[i], line.data, line.size)))
      return true;
  }
  size_t most = line.size < sizeof HEAD_LINE - 1 ? line.size : sizeof HEAD_LINE - 1;
  return !whole && line.size <= sizeof HEAD_LINE - 1 + 2 * SHA256_SIZE &&
         memcmp(HEAD_LINE, line.data, most) == 0;
}
