// SPDX-License-Identifier: Apache-2.0
#include "evidence/replay.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/limits.h"
#include "base/mutant.h"
#include "base/when.h"
#include "crypto/secret.h"
#include "evidence/escape.h"
#include "keys/public_key.h"

/* A chunk at its largest: all that a sender may queue, escaped. */
#define CHUNK_MAX (40u * 1024u * 1024u)

/* What a disk writes at once. */
#define SECTOR_SIZE 512u

/* 32 bytes in base64url. */
#define KEY_TEXT_SIZE 44u

struct replay {
  struct buf in; /* the chunk being read, and what follows it */
  size_t searched;
  struct view chunk; /* lines of a finished chunk that are not handed out yet; without its head */
  size_t chunk_size; /* of it in ${in}, with its head line */
  uint64_t line, finished;
  bool begun; /* a record has been handed out */
  bool torn;  /* a chunk has a head line, and a hole before it: it must be the last */
  struct head head;
  struct hash *hash;
  struct buf text;
  const char *reason;
};

/* The lines of one record, taken off one after the other. */
struct block {
  struct replay *replay;
  struct view rest;
  bool bad;
};

enum avow_error replay_new(struct replay **ret) {
  struct replay *replay = calloc(1, sizeof *replay);
  if (replay == NULL)
    return AVOW_NO_MEMORY;
  buf_init(&replay->in, CHUNK_MAX);
  buf_init(&replay->text, AVOW_TEXT_MAX);
  replay->reason = "";
  enum avow_error error = head_init(&replay->head);
  if (error == AVOW_OK)
    error = hash_new(&replay->hash);
  if (error == AVOW_OK)
    *ret = replay;
  else
    replay_free(replay);
  return error;
}

void replay_free(struct replay *replay) {
  if (replay == NULL)
    return;
  buf_wipe_free(&replay->in);
  buf_wipe_free(&replay->text);
  head_free(&replay->head);
  hash_free(replay->hash);
  free(replay);
}

static enum avow_error bad(struct replay *replay, const char *reason) {
  if (replay->reason[0] == '\0')
    replay->reason = reason;
  return AVOW_MALFORMED;
}

enum avow_error replay_input(struct replay *replay, struct view bytes) {
  assert(replay->chunk_size == 0);
  enum avow_error error = buf_append(&replay->in, bytes);
  return error == AVOW_TOO_LONG ? bad(replay, "no head line for too long") : error;
}

/* Take a line off; false at the end.  ${ret_line} is without its newline. */
static bool take_line(struct view *rest, struct view *ret_line) {
  const uint8_t *end = rest->size > 0 ? memchr(rest->data, '\n', rest->size) : NULL;
  if (end == NULL)
    return false;
  *ret_line = view_of(rest->data, (size_t)(end - rest->data));
  *rest = view_of(end + 1, rest->size - ret_line->size - 1);
  return true;
}

static bool starts(struct view line, const char *name) {
  size_t size = strlen(name);
  return line.size >= size && memcmp(line.data, name, size) == 0;
}

/* Whether the block's next line has this name. */
static bool has(const struct block *block, const char *name) {
  return starts(block->rest, name);
}

/* The value of the next line, which must have this name. */
static struct view value(struct block *block, const char *name) {
  struct view line = view_of("", 0);
  if (!block->bad && (!has(block, name) || !take_line(&block->rest, &line)))
    block->bad = true;
  if (block->bad)
    return view_of("", 0);
  block->replay->line++;
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

/* A Fernet key is in no head and of no use here; but a line that holds another thing is not ours.
 */
static void fernet_key(struct block *block, struct view text) {
  uint8_t bytes[KEY_TEXT_SIZE];
  size_t size;
  if (text.size != KEY_TEXT_SIZE || base64_decode(BASE64_URL, text, bytes, &size) != AVOW_OK)
    block->bad = true;
  secret_wipe(bytes, sizeof bytes);
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

static void read_opened(struct block *block, struct record *record) {
  record->type = RECORD_OPENED;
  value(block, "Connected: ");
  if (has(block, "Key: "))
    fernet_key(block, value(block, "Key: "));
  hex(block, value(block, "Session: "), record->session_id, sizeof record->session_id);
  record->resumed = has(block, "Resumed: ");
  record->when_us =
      when(block, value(block, record->resumed ? "Resumed: " : "Opened: "), &record->offset_min);
  struct view handshake = value(block, "Handshake: ");
  record->tls = !view_equal(handshake, view_text("plain"));
  if (record->tls) {
    key(block, value(block, "Alice: "), record->alice_key);
    key(block, value(block, "Bob: "), record->bob_key);
  } else {
    value(block, "Evidence: none");
  }
}

static enum avow_error check_text(struct block *block, struct record *record, struct view line) {
  uint8_t hash[SHA512_SIZE];
  struct buf *text = &block->replay->text;
  buf_clear(text);
  record->has_text = true;
  if (block->bad || escape_decode(line, text) != AVOW_OK)
    return bad(block->replay, "a text that is not escaped as texts are");
  record->text = buf_view(text);
  enum avow_error error = hash_sha512(block->replay->hash, record->text, hash);
  if (error == AVOW_OK && memcmp(hash, record->hash, sizeof hash) != 0)
    error = bad(block->replay, "a text that does not have its hash value");
  return error;
}

static enum avow_error read_message(struct block *block, struct record *record) {
  enum avow_error error = AVOW_OK;
  record->type = RECORD_MESSAGE;
  record->id = number(block, value(block, "Message ID: "));
  hex(block, value(block, "Hash value: "), record->hash, sizeof record->hash);
  record->timestamp_us = when(block, value(block, "Timestamp: "), &record->offset_min);
  if (has(block, "Message text: "))
    error = check_text(block, record, value(block, "Message text: "));
  if (has(block, "Message confirmed at: "))
    record->confirmed_us = when(block, value(block, "Message confirmed at: "), NULL);
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
    record->confirmed_us = when(block, value(block, "Message confirmed at: "), NULL);
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
}

/* The next record of the finished chunk. */
static enum avow_error read_record(struct replay *replay, struct record *ret) {
  struct block block = {.replay = replay, .rest = replay->chunk};
  enum avow_error error = AVOW_OK;
  *ret = (struct record){.confirmed_us = WHEN_NEVER};
  if (replay->begun)
    block.bad |= value(&block, "").size != 0; /* the empty line between records */
  ret->line = replay->line + 1;
  if (has(&block, "Message ID: "))
    error = read_message(&block, ret);
  else if (has(&block, "Messages: "))
    read_envelope(&block, ret);
  else if (has(&block, "Connected: "))
    read_opened(&block, ret);
  else if (has(&block, "Incident: "))
    read_incident(&block, ret);
  else if (has(&block, "Messages in all: "))
    read_ended(&block, ret);
  else if (has(&block, "To: "))
    read_queued(&block, ret);
  else
    block.bad = true;
  if (error == AVOW_OK && block.bad) {
    replay->line++;
    return bad(replay, "a line that does not belong there");
  }
  replay->begun = true;
  replay->chunk = block.rest;
  return error;
}

/* Whether a sector, or what ${bytes} have of it, is zero: text never is.  They begin behind the
 * last finished chunk.  A power cut may leave that where the file had grown and not all was
 * written. */
static bool has_hole(const struct replay *replay, struct view bytes) {
  uint64_t at = replay->finished;
  while (bytes.size > 0) {
    size_t size = SECTOR_SIZE - (size_t)(at % SECTOR_SIZE), zeroes = 0;
    if (size > bytes.size)
      size = bytes.size;
    while (zeroes < size && bytes.data[zeroes] == 0)
      zeroes++;
    if (zeroes == size)
      return true;
    bytes = view_of(bytes.data + size, bytes.size - size);
    at += size;
  }
  return false;
}

/* Look for the head line that ends the chunk, and check it; AVOW_NOT_FOUND if it is not there yet.
 */
static enum avow_error find_chunk(struct replay *replay) {
  struct view in = buf_view(&replay->in);
  struct view rest = view_of(in.data + replay->searched, in.size - replay->searched), line;
  for (;;) {
    struct view before = rest;
    if (!take_line(&rest, &line))
      return AVOW_NOT_FOUND;
    bool head = starts(line, HEAD_LINE);
    if (head && !replay->torn && has_hole(replay, view_of(in.data, in.size - rest.size))) {
      replay->torn = true;
    } else if (head) {
      replay->searched = 0;
      replay->chunk_size = in.size - rest.size;
      replay->chunk = view_of(in.data, in.size - before.size);
      break;
    }
    replay->searched = in.size - rest.size;
  }
  uint8_t is[SHA256_SIZE];
  char expected[2 * SHA256_SIZE + 1];
  enum avow_error error = head_add(&replay->head, replay->chunk);
  if (error == AVOW_OK)
    error = head_value(&replay->head, is);
  if (error != AVOW_OK)
    return error;
  hex_encode(view_of(is, sizeof is), expected);
  struct view told = view_of(line.data + sizeof HEAD_LINE - 1, line.size - (sizeof HEAD_LINE - 1));
  if (!view_equal(told, view_text(expected)) && !MUTANT(16)) {
    for (struct view lines = view_of(in.data, replay->chunk_size); take_line(&lines, &line);)
      replay->line++;
    return bad(replay, "a head that the lines before it do not have");
  }
  return head_add(&replay->head,
                  view_of(in.data + replay->chunk.size, replay->chunk_size - replay->chunk.size));
}

/* All records of the chunk are handed out; its last lines are the empty one and the head. */
static void leave_chunk(struct replay *replay) {
  buf_consume(&replay->in, replay->chunk_size);
  replay->finished += replay->chunk_size;
  replay->chunk_size = 0;
  replay->line += 2;
}

enum avow_error replay_next(struct replay *replay, struct record *ret) {
  if (replay->reason[0] != '\0')
    return AVOW_MALFORMED;
  for (;;) {
    if (replay->chunk_size == 0) {
      enum avow_error error = find_chunk(replay);
      if (error != AVOW_OK)
        return error;
    }
    if (!view_equal(replay->chunk, view_text("\n")))
      return read_record(replay, ret);
    leave_chunk(replay);
  }
}

/* Whether a line, or the first part of one, could be of a chunk that was never finished. */
static bool plausible(struct view line, bool whole) {
  static const char *const names[] = {
      "Message ID: ", "Hash value: ", "Timestamp: ",   "Message text: ", "Message confirmed at: ",
      "Messages: ",   "Connected: ",  "Key: ",         "Session: ",      "Opened: ",
      "Resumed: ",    "Handshake: ",  "Alice: ",       "Bob: ",          "Evidence: ",
      "Incident: ",   "Verdict: ",    "Seen at: ",     "Count: ",        "Messages in all: ",
      "Ended: ",      "To: ",         "Queued since: "};
  if (line.size == 0)
    return true;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    size_t size = strlen(names[i]);
    if (starts(line, names[i]) ||
        (!whole && line.size < size && !memcmp(names[i], line.data, line.size)))
      return true;
  }
  size_t most = line.size < sizeof HEAD_LINE - 1 ? line.size : sizeof HEAD_LINE - 1;
  return !whole && line.size <= sizeof HEAD_LINE - 1 + 2 * SHA256_SIZE &&
         memcmp(HEAD_LINE, line.data, most) == 0;
}

enum avow_error replay_end(struct replay *replay) {
  struct view rest = buf_view(&replay->in), line;
  if (has_hole(replay, rest))
    return AVOW_OK;
  while (rest.size > 0 && rest.data[rest.size - 1] == '\0')
    rest.size--; /* a file system may have made the file longer and not written the bytes */
  while (take_line(&rest, &line)) {
    replay->line++;
    if (!plausible(line, true))
      return bad(replay, "a line that does not belong there");
  }
  replay->line++;
  return plausible(rest, false) ? AVOW_OK : bad(replay, "a line that does not belong there");
}

uint64_t replay_line(const struct replay *replay) {
  return replay->line;
}

const char *replay_reason(const struct replay *replay) {
  return replay->reason;
}

uint64_t replay_finished(const struct replay *replay) {
  return replay->finished;
}

struct head replay_take_head(struct replay *replay) {
  struct head head = replay->head;
  replay->head = (struct head){0};
  return head;
}
