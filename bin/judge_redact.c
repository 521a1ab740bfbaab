// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/screen.h"
#include "judge_exhibit.h"
#include "judge_walk.h"

/* Texts that can be taken out at once. */
#define IDS_MAX 4096u
/* A line at its longest is an escaped text. */
#define LINE_MAX_SIZE (4u * AVOW_TEXT_MAX + 64u)
#define PIECE (256u * 1024u)

struct redaction {
  const char *path, *copy; /* ${copy} is NULL for stdout */
  uint64_t ids[IDS_MAX];
  bool seen[IDS_MAX], had_text[IDS_MAX];
  size_t count;
  bool has_keys; /* lines that would open a recording of the line */
  uint64_t id;   /* of the message that is being copied */
};

/* Where ${id} is in the list, or ${count}. */
static size_t find_id(const struct redaction *redaction, uint64_t id) {
  size_t i = 0;
  while (i < redaction->count && redaction->ids[i] != id)
    i++;
  return i;
}

static enum avow_error on_record(void *context, const struct record *record, bool *ret_enough) {
  struct redaction *redaction = context;
  (void)ret_enough;
  if (record->type != RECORD_MESSAGE)
    return AVOW_OK;
  size_t i = find_id(redaction, record->id);
  if (i < redaction->count) {
    redaction->seen[i] = true;
    redaction->had_text[i] |= record->has_text;
  }
  return AVOW_OK;
}

static bool write_out(const struct redaction *redaction, FILE *out, struct view bytes) {
  if (bytes.size == 0 || fwrite(bytes.data, 1, bytes.size, out) == bytes.size)
    return true;
  screen_error("cannot write %s: %s.", redaction->copy != NULL ? redaction->copy : "the copy",
               strerror(errno));
  return false;
}

/* Whether the line, with its newline, belongs into the copy. */
static bool kept(struct redaction *redaction, struct view line) {
  static const char id[] = "Message ID: ";
  if (view_begins(line, id)) {
    redaction->id = 0;
    for (size_t i = sizeof id - 1; i + 1 < line.size; i++)
      redaction->id = redaction->id * 10 + (uint64_t)(line.data[i] - '0');
  }
  if (view_begins(line, "Key: ")) {
    redaction->has_keys = true;
    return false;
  }
  return !view_begins(line, "Message text: ") ||
         find_id(redaction, redaction->id) == redaction->count;
}

/* The lines that are there; false if they cannot be written. */
static bool copy_lines(struct redaction *redaction, struct buf *in, FILE *out) {
  struct view all = buf_view(in), rest = all;
  const uint8_t *end;
  while ((end = rest.size > 0 ? memchr(rest.data, '\n', rest.size) : NULL) != NULL) {
    struct view line = view_of(rest.data, (size_t)(end + 1 - rest.data));
    if (kept(redaction, line) && !write_out(redaction, out, line))
      return false;
    rest = view_of(end + 1, rest.size - line.size);
  }
  buf_consume(in, all.size - rest.size);
  return true;
}

/* Copy the first ${size} bytes: finished chunks, found in order. */
static enum judge_code copy(struct redaction *redaction, int fd, uint64_t size, FILE *out) {
  struct buf in;
  uint8_t *room;
  buf_init(&in, LINE_MAX_SIZE + PIECE);
  enum judge_code code = JUDGE_PROVEN;
  while (size > 0 && code == JUDGE_PROVEN) {
    size_t got, want = size < PIECE ? (size_t)size : PIECE;
    if (buf_reserve(&in, want, &room) != AVOW_OK) {
      screen_error("%s has a line that is too long, or there is no memory left.", redaction->path);
      code = JUDGE_USAGE;
      break;
    }
    code = walk_read(fd, redaction->path, room, want, &got);
    if (code != JUDGE_PROVEN)
      break;
    if (got == 0) {
      screen_error("%s got shorter while it was read.", redaction->path);
      code = JUDGE_USAGE;
      break;
    }
    buf_commit(&in, got);
    size -= got;
    if (!copy_lines(redaction, &in, out))
      code = JUDGE_USAGE;
  }
  buf_wipe_free(&in);
  return code;
}

static FILE *open_copy(const struct redaction *redaction) {
  if (redaction->copy == NULL)
    return stdout;
  int fd = open(redaction->copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
  if (out == NULL)
    screen_error("cannot make %s: %s.", redaction->copy, strerror(errno));
  return out;
}

static enum judge_code write_copy(struct redaction *redaction, uint64_t size) {
  int fd;
  enum judge_code code = walk_open(redaction->path, &fd);
  if (code != JUDGE_PROVEN)
    return code;
  FILE *out = open_copy(redaction);
  if (out == NULL) {
    close(fd);
    return JUDGE_USAGE;
  }
  code = copy(redaction, fd, size, out);
  close(fd);
  bool good = fflush(out) == 0 && (redaction->copy == NULL || fsync(fileno(out)) == 0);
  if (!good && code == JUDGE_PROVEN) {
    screen_error("cannot write the copy: %s.", strerror(errno));
    code = JUDGE_USAGE;
  }
  if (redaction->copy != NULL)
    fclose(out);
  if (code != JUDGE_PROVEN && redaction->copy != NULL)
    unlink(redaction->copy);
  return code;
}

/* All ids are there; say what there was to do. */
static bool check_ids(const struct redaction *redaction) {
  size_t texts = 0;
  for (size_t i = 0; i < redaction->count; i++) {
    if (!redaction->seen[i]) {
      screen_error("there is no message %" PRIu64 " in %s. Nothing was written.", redaction->ids[i],
                   redaction->path);
      return false;
    }
    texts += redaction->had_text[i];
    if (!redaction->had_text[i])
      screen_status("Message %" PRIu64 " has no text in %s: there was nothing to take out.",
                    redaction->ids[i], redaction->path);
  }
  if (texts > 0)
    screen_status("%zu of the texts taken out. The evidence of the copy still verifies.", texts);
  return true;
}

static enum judge_code redact(struct redaction *redaction) {
  uint64_t finished = 0;
  enum judge_code code = walk_log(redaction->path, on_record, redaction, &finished);
  if (code == JUDGE_PROVEN && !check_ids(redaction))
    code = JUDGE_USAGE;
  if (code == JUDGE_PROVEN)
    code = write_copy(redaction, finished);
  if (code == JUDGE_PROVEN && redaction->has_keys)
    screen_status("The session's Fernet key was taken out, too: with it, whoever has recorded the "
                  "line could read the texts.");
  return code;
}

static bool add_id(struct redaction *redaction, const char *text) {
  uint64_t id;
  if (!judge_take_id(text, &id) || redaction->count == IDS_MAX)
    return false;
  if (find_id(redaction, id) == redaction->count)
    redaction->ids[redaction->count++] = id;
  return true;
}

enum judge_code judge_redact(int argc, char **argv) {
  static const struct option options[] = {{"message", required_argument, NULL, 'm'}, {0}};
  int option;
  enum judge_code code = JUDGE_PROVEN;
  struct redaction *redaction = calloc(1, sizeof *redaction);
  if (redaction == NULL) {
    screen_error("there is no memory left.");
    return JUDGE_USAGE;
  }
  while (code == JUDGE_PROVEN && (option = getopt_long(argc, argv, "o:", options, NULL)) != -1) {
    if (option == 'o')
      redaction->copy = optarg;
    else if (option != 'm' || !add_id(redaction, optarg))
      code = judge_usage("redact takes --message N, at most %u times, and -o FILE.", IDS_MAX);
  }
  if (code == JUDGE_PROVEN && (argc - optind != 1 || redaction->count == 0))
    code = judge_usage("redact wants LOG --message N.");
  if (code == JUDGE_PROVEN) {
    redaction->path = argv[optind];
    code = redact(redaction);
  }
  free(redaction);
  return code;
}
