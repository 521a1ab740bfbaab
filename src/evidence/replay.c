// SPDX-License-Identifier: Apache-2.0
#include "evidence/replay.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mutant.h"
#include "base/when.h"
#include "evidence/block.h"

/* A chunk at its largest: all that a sender may queue, escaped. */
#define CHUNK_MAX (40u * 1024u * 1024u)

/* What a disk writes at once. */
#define SECTOR_SIZE 512u

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
  struct buf there; /* heads before the lines "Head at ..." of the chunk that are not read yet */
  const char *reason;
};

enum avow_error replay_new(struct replay **ret) {
  struct replay *replay = calloc(1, sizeof *replay);
  if (replay == NULL)
    return AVOW_NO_MEMORY;
  buf_init(&replay->in, CHUNK_MAX);
  buf_init(&replay->text, AVOW_TEXT_MAX);
  buf_init(&replay->there, CHUNK_MAX);
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
  buf_free(&replay->there);
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

/* The next record of the finished chunk. */
static enum avow_error read_record(struct replay *replay, struct record *ret) {
  struct block block = {.rest = replay->chunk,
                        .line = replay->line,
                        .hash = replay->hash,
                        .text = &replay->text,
                        .there = &replay->there};
  enum avow_error error = block_read(&block, !replay->begun, ret);
  replay->line = block.line;
  if (error == AVOW_MALFORMED)
    return bad(replay, block.reason);
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

/* The head goes on over the lines of the chunk; what it is before each line "Head at ..." is kept.
 */
static enum avow_error add_chunk(struct replay *replay) {
  static const char mark[] = "\nHead at ";
  struct view rest = replay->chunk;
  enum avow_error error = AVOW_OK;
  buf_clear(&replay->there);
  for (;;) {
    const uint8_t *at = rest.size > 0 ? memmem(rest.data, rest.size, mark, sizeof mark - 1) : NULL;
    if (at == NULL || error != AVOW_OK)
      break;
    uint8_t value[SHA256_SIZE];
    size_t size = (size_t)(at + 1 - rest.data);
    error = head_add(&replay->head, view_of(rest.data, size));
    if (error == AVOW_OK)
      error = head_value(&replay->head, value);
    if (error == AVOW_OK)
      error = buf_append(&replay->there, view_of(value, sizeof value));
    rest = view_of(rest.data + size, rest.size - size);
  }
  return error == AVOW_OK ? head_add(&replay->head, rest) : error;
}

/* Look for the head line that ends the chunk, and check it; AVOW_NOT_FOUND if it is not there yet.
 */
static enum avow_error find_chunk(struct replay *replay) {
  struct view in = buf_view(&replay->in);
  struct view rest = view_of(in.data + replay->searched, in.size - replay->searched), line;
  for (;;) {
    struct view before = rest;
    if (!block_line(&rest, &line))
      return AVOW_NOT_FOUND;
    bool head = view_begins(line, HEAD_LINE);
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
  enum avow_error error = add_chunk(replay);
  if (error == AVOW_OK)
    error = head_value(&replay->head, is);
  if (error != AVOW_OK)
    return error;
  hex_encode(view_of(is, sizeof is), expected);
  struct view told = view_of(line.data + sizeof HEAD_LINE - 1, line.size - (sizeof HEAD_LINE - 1));
  if (!view_equal(told, view_text(expected)) && !MUTANT(16)) {
    for (struct view lines = view_of(in.data, replay->chunk_size); block_line(&lines, &line);)
      replay->line++;
    return bad(replay, "a head that the lines before it do not have");
  }
  return head_line(&replay->head,
                   view_of(in.data + replay->chunk.size, replay->chunk_size - replay->chunk.size),
                   is);
}

/* All records of the chunk are handed out; its last lines are the empty one and the head. */
static void leave_chunk(struct replay *replay, struct record *ret) {
  buf_consume(&replay->in, replay->chunk_size);
  replay->finished += replay->chunk_size;
  replay->chunk_size = 0;
  replay->line += 2;
  *ret = (struct record){.type = RECORD_HEAD, .line = replay->line, .confirmed_us = WHEN_NEVER};
  memcpy(ret->proof.head, replay->head.last, HEAD_SIZE);
}

enum avow_error replay_next(struct replay *replay, struct record *ret) {
  if (replay->reason[0] != '\0')
    return AVOW_MALFORMED;
  enum avow_error error = replay->chunk_size == 0 ? find_chunk(replay) : AVOW_OK;
  if (error != AVOW_OK)
    return error;
  if (!view_equal(replay->chunk, view_text("\n")))
    return read_record(replay, ret);
  leave_chunk(replay, ret);
  return AVOW_OK;
}

/* Whether a line could be of a record; text has no zero bytes. */
static bool belongs(struct view line, bool whole) {
  return block_plausible(line, whole) &&
         (line.size == 0 || memchr(line.data, '\0', line.size) == NULL);
}

enum avow_error replay_end(struct replay *replay) {
  struct view rest = buf_view(&replay->in), line;
  if (has_hole(replay, rest))
    return AVOW_OK;
  while (rest.size > 0 && rest.data[rest.size - 1] == '\0')
    rest.size--; /* a file system may have made the file longer and not written the bytes */
  while (block_line(&rest, &line)) {
    replay->line++;
    if (!belongs(line, true))
      return bad(replay, "a line that does not belong there");
  }
  replay->line++;
  return belongs(rest, false) ? AVOW_OK : bad(replay, "a line that does not belong there");
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
