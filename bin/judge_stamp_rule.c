// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/when.h"
#include "io/files.h"
#include "io/screen.h"
#include "judge_stamp.h"
#include "judge_walk.h"

/* Certificates of authorities; the lists that systems keep of all of them have a quarter of it. */
#define AUTHORITIES_MAX (1024u * 1024u)

static void find(struct stamp_finding *finding, enum ruling ruling, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The sentence may hold names of files: it is made harmless. */
static void find(struct stamp_finding *finding, enum ruling ruling, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(finding->text, sizeof finding->text, format, args);
  va_end(args);
  screen_harmless(finding->text);
  finding->ruling = ruling;
}

/* Looks for the head line with the value that was stamped. */
static enum avow_error on_record(void *context, const struct record *record, bool *ret_enough) {
  struct stamped *stamped = context;
  if (record->type == RECORD_HEAD && memcmp(record->proof.head, stamped->head, HEAD_SIZE) == 0) {
    stamped->line = record->line;
    *ret_enough = true;
  }
  return AVOW_OK;
}

static void check(struct stamp_finding *finding, const char *log, const char *path,
                  struct view answer, struct view authorities) {
  char time[WHEN_TEXT_SIZE], name[512];
  struct timestamp stamp;
  struct stamped stamped = {0};
  enum avow_error error = timestamp_verify(answer, authorities);
  if (error == AVOW_OK)
    error = timestamp_read(answer, &stamp);
  if (error == AVOW_NOT_FOUND) {
    find(finding, RULING_UNDECIDED, "there is no certificate in the file of --tsa-ca");
    return;
  }
  if (error == AVOW_NOT_AUTHENTIC || error == AVOW_MALFORMED) {
    find(finding, RULING_REFUTED, "the time stamp %s %s", path,
         error == AVOW_MALFORMED
             ? "is no time stamp"
             : "does not verify: its signature is wrong, or by no authority of --tsa-ca");
    return;
  }
  if (error != AVOW_OK) {
    find(finding, RULING_UNDECIDED, "the time stamp %s cannot be checked: %s", path,
         avow_error_text(error));
    return;
  }
  memcpy(stamped.head, stamp.imprint, HEAD_SIZE);
  bool whole = walk_log(log, on_record, &stamped, NULL) == JUDGE_PROVEN;
  if (stamped.line == 0) {
    find(finding, whole ? RULING_REFUTED : RULING_UNDECIDED,
         "the time stamp %s is of no head of %s: it is of another log, or this one was changed "
         "since",
         path, log);
    return;
  }
  when_text(stamp.when_us, 0, time);
  stamp_authority(&stamp, name, sizeof name);
  find(finding, RULING_PROVEN, "the head at line %" PRIu64 " existed at %s, says %s", stamped.line,
       time, name);
}

static bool take(struct stamp_finding *finding, const char *path, struct buf *file) {
  enum avow_error error = file_read(path, FILE_ANY, file);
  finding->there = error != AVOW_NOT_FOUND;
  if (error == AVOW_NOT_FOUND)
    find(finding, RULING_UNDECIDED, "there is no time stamp: %s is not there", path);
  else if (error == AVOW_TOO_LONG)
    find(finding, RULING_UNDECIDED, "the file %s is too long to be a time stamp", path);
  else if (error != AVOW_OK)
    find(finding, RULING_UNDECIDED, "cannot read %s: %s", path,
         error == AVOW_SYSTEM ? strerror(errno) : avow_error_text(error));
  return error == AVOW_OK;
}

struct stamp_finding stamp_rule(const char *log, const char *authorities) {
  struct stamp_finding finding = {.ruling = RULING_UNDECIDED};
  char path[PATH_MAX];
  struct buf answer, list;
  if (!stamp_path(log, path, sizeof path)) {
    find(&finding, RULING_UNDECIDED, "the name of the log is too long");
    return finding;
  }
  buf_init(&answer, TIMESTAMP_MAX);
  buf_init(&list, AUTHORITIES_MAX);
  if (take(&finding, path, &answer)) {
    if (file_read(authorities, FILE_ANY, &list) == AVOW_OK)
      check(&finding, log, path, buf_view(&answer), buf_view(&list));
    else
      find(&finding, RULING_UNDECIDED, "cannot read the certificates in %s", authorities);
  }
  buf_free(&answer);
  buf_free(&list);
  return finding;
}
