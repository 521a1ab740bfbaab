// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/when.h"
#include "io/files.h"
#include "judge_stamp.h"
#include "judge_walk.h"

/* Certificates of authorities; the lists that systems keep of all of them have a quarter of it. */
#define AUTHORITIES_MAX (1024u * 1024u)

static enum ruling rule(enum ruling ruling, char *text, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static enum ruling rule(enum ruling ruling, char *text, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(text, STAMP_TEXT_SIZE, format, args);
  va_end(args);
  return ruling;
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

static enum ruling check(const char *log, const char *path, struct view answer,
                         struct view authorities, char *text) {
  char time[WHEN_TEXT_SIZE], name[512];
  struct timestamp stamp;
  struct stamped stamped = {0};
  enum avow_error error = timestamp_verify(answer, authorities);
  if (error == AVOW_OK)
    error = timestamp_read(answer, &stamp);
  if (error == AVOW_NOT_FOUND)
    return rule(RULING_UNDECIDED, text, "there is no certificate in the file of --tsa-ca");
  if (error == AVOW_NOT_AUTHENTIC)
    return rule(RULING_REFUTED, text,
                "%s does not verify: its signature is wrong, or by no authority of --tsa-ca", path);
  if (error != AVOW_OK)
    return rule(error == AVOW_MALFORMED ? RULING_REFUTED : RULING_UNDECIDED, text,
                "%s cannot be checked: %s", path, avow_error_text(error));
  memcpy(stamped.head, stamp.imprint, HEAD_SIZE);
  if (walk_log(log, on_record, &stamped, NULL) != JUDGE_PROVEN && stamped.line == 0)
    return rule(RULING_UNDECIDED, text, "%s cannot be read to the head that was stamped", log);
  if (stamped.line == 0)
    return rule(RULING_REFUTED, text,
                "%s stamps no head of %s: it is of another log, or this one was changed since",
                path, log);
  when_text(stamp.when_us, 0, time);
  stamp_authority(&stamp, name, sizeof name);
  return rule(RULING_PROVEN, text, "the head at line %" PRIu64 " existed at %s, says %s",
              stamped.line, time, name);
}

static bool take(const char *path, struct buf *file, char *text) {
  enum avow_error error = file_read(path, FILE_ANY, file);
  if (error != AVOW_OK)
    rule(RULING_UNDECIDED, text, "cannot read %s: %s", path,
         error == AVOW_SYSTEM ? strerror(errno) : avow_error_text(error));
  return error == AVOW_OK;
}

enum ruling stamp_rule(const char *log, const char *authorities, char text[STAMP_TEXT_SIZE]) {
  char path[PATH_MAX];
  struct buf answer, list;
  enum ruling ruling = RULING_UNDECIDED;
  if (!stamp_path(log, path, sizeof path))
    return rule(ruling, text, "the name of the log is too long");
  buf_init(&answer, TIMESTAMP_MAX);
  buf_init(&list, AUTHORITIES_MAX);
  if (take(path, &answer, text) && take(authorities, &list, text))
    ruling = check(log, path, buf_view(&answer), buf_view(&list), text);
  buf_free(&answer);
  buf_free(&list);
  return ruling;
}
