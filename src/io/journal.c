// SPDX-License-Identifier: Apache-2.0
#include "io/journal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mutant.h"
#include "io/screen.h"

/* Of a log, at once. */
#define READ_SIZE (1024u * 1024u)

enum avow_error journal_begin(struct journal *journal, struct store *store, uint64_t *opened_us,
                              int offset_min) {
  enum avow_error error;
  do {
    when_name(*opened_us, offset_min, journal->name);
    error = log_create(&journal->log, store, journal->name);
  } while (error == AVOW_SYSTEM && errno == EEXIST && (*opened_us)++ < WHEN_MAX_US);
  return error;
}

enum avow_error journal_resume(struct journal *journal, struct store *store, const char *name) {
  snprintf(journal->name, sizeof journal->name, "%s", name);
  enum avow_error error = log_open(&journal->log, store, name);
  if (error != AVOW_OK)
    return error;
  error = log_lock(journal->log);
  int reason = errno;
  if (error != AVOW_OK)
    journal_end(journal);
  errno = reason;
  return error;
}

/* Feed one piece of the file, and hand out what it finished. */
static enum avow_error replay_piece(struct replay *replay, struct view bytes, journal_taker *take,
                                    void *core) {
  struct record record;
  enum avow_error error = replay_input(replay, bytes);
  while (error == AVOW_OK) {
    error = replay_next(replay, &record);
    if (error == AVOW_OK)
      error = take(core, &record);
  }
  return error == AVOW_NOT_FOUND ? AVOW_OK : error;
}

static enum avow_error replay_file(struct journal *journal, struct replay *replay,
                                   journal_taker *take, void *core) {
  uint8_t *bytes = malloc(READ_SIZE);
  uint64_t offset = 0;
  size_t got = 1;
  enum avow_error error = bytes == NULL ? AVOW_NO_MEMORY : AVOW_OK;
  while (error == AVOW_OK && got > 0) {
    error = log_read(journal->log, offset, bytes, READ_SIZE, &got);
    if (error == AVOW_OK && got > 0)
      error = replay_piece(replay, view_of(bytes, got), take, core);
    offset += got;
  }
  int reason = errno;
  free(bytes);
  errno = reason;
  return error == AVOW_OK ? replay_end(replay) : error;
}

void journal_say_damage(const struct journal *journal, const char *folder,
                        const struct damage *damage) {
  if (damage->error == AVOW_SYSTEM)
    screen_error("cannot read %s/%s.log: %s.", folder, journal->name, strerror(damage->reason));
  else if (damage->error == AVOW_NO_MEMORY || damage->error == AVOW_CRYPTO)
    screen_error("cannot read %s/%s.log: %s.", folder, journal->name,
                 avow_error_text(damage->error));
  else
    screen_error("%s/%s.log is damaged at line %llu: %s. Nothing was changed in it. Keep it: what "
                 "stands before that line still counts.",
                 folder, journal->name, (unsigned long long)damage->line, damage->what);
}

void journal_say_unopened(const struct journal *journal, const char *folder, enum avow_error error,
                          int reason) {
  const char *name = journal->name;
  const char *wrong = error == AVOW_NOT_FOUND ? "there is no such log"
                      : error != AVOW_SYSTEM  ? avow_error_text(error)
                      : reason == ELOOP       ? "it is a symbolic link"
                      : reason == EISDIR      ? "it is not a file"
                                              : NULL;
  if (error == AVOW_SYSTEM && reason == EPERM)
    screen_error("%s/%s.log may be read or written by others, or is not yours, so what stands in "
                 "it proves nothing. Nothing was changed in it. If it is as it should be: "
                 "chmod 600 %s/%s.log",
                 folder, name, folder, name);
  else if (error == AVOW_SYSTEM && reason == EMLINK)
    screen_error("%s/%s.log has another name as well (a hard link), so it may be changed from "
                 "there. Nothing was changed in it. Keep a copy of it in the place of the link, "
                 "with mode 600.",
                 folder, name);
  else
    screen_error("cannot open %s/%s.log: %s.", folder, name,
                 wrong != NULL ? wrong : strerror(reason));
}

/* Read to the end; on success ${ret_replay} is the caller's. */
static enum avow_error read_all(struct journal *journal, journal_taker *take, void *core,
                                struct damage *damage, struct replay **ret_replay) {
  struct replay *replay = NULL;
  enum avow_error error = replay_new(&replay);
  if (error == AVOW_OK)
    error = replay_file(journal, replay, take, core);
  if (error == AVOW_OK) {
    *ret_replay = replay;
    return AVOW_OK;
  }
  *damage = (struct damage){.error = error, .reason = errno};
  const char *what = replay == NULL ? "" : replay_reason(replay);
  damage->line = replay == NULL ? 0 : replay_line(replay);
  snprintf(damage->what, sizeof damage->what, "%s",
           what[0] != '\0' ? what : "a record that does not fit those before it");
  replay_free(replay);
  return error;
}

enum avow_error journal_read(struct journal *journal, journal_taker *take, void *core,
                             struct damage *ret_damage) {
  struct replay *replay = NULL;
  enum avow_error error = read_all(journal, take, core, ret_damage, &replay);
  replay_free(replay);
  return error;
}

enum avow_error journal_replay(struct journal *journal, const char *folder, journal_taker *take,
                               void *core, struct head *ret_head) {
  struct replay *replay;
  struct damage damage;
  enum avow_error error = read_all(journal, take, core, &damage, &replay);
  if (error != AVOW_OK) {
    journal_say_damage(journal, folder, &damage);
    return error;
  }
  uint64_t finished = replay_finished(replay);
  uint64_t unfinished = log_size(journal->log) - finished;
  if (unfinished > 0)
    screen_status("%s/%s.log: the last %llu byte%s never finished, nor confirmed: dropped.", folder,
                  journal->name, (unsigned long long)unfinished,
                  unfinished == 1 ? " was" : "s were");
  /* One that was killed may have written what it had no time to sync. */
  if (unfinished > 0 && !MUTANT(3))
    error = log_truncate(journal->log, finished);
  else if (!MUTANT(41))
    error = log_sync(journal->log);
  if (error != AVOW_OK)
    screen_error("cannot sync or mend the end of %s/%s.log: %s.", folder, journal->name,
                 strerror(errno));
  else
    *ret_head = replay_take_head(replay);
  replay_free(replay);
  return error;
}

enum avow_error journal_store(struct journal *journal, struct view record) {
  enum avow_error error = log_append(journal->log, record);
  return error == AVOW_OK ? log_sync(journal->log) : error;
}

enum avow_error journal_ahead(struct journal *journal, struct view record) {
  enum avow_error error = log_append(journal->log, record);
  return error == AVOW_OK ? log_hasten(journal->log) : error;
}

void journal_end(struct journal *journal) {
  log_close(journal->log);
  journal->log = NULL;
}

static enum avow_error say_folder(enum avow_error error, const char *folder, const char *option) {
  if (error != AVOW_SYSTEM)
    return error;
  if (errno == ELOOP || errno == ENOTDIR)
    screen_error("%s is not a folder, or is a link to one. Remove it, or name another with %s.",
                 folder, option);
  else if (errno == EPERM)
    screen_error("others may write in %s, so no log there would prove anything. It must be yours, "
                 "with mode 700; or name another with %s.",
                 folder, option);
  else
    screen_error("cannot keep logs in %s: %s. Name another folder with %s.", folder,
                 strerror(errno), option);
  return error;
}

enum avow_error store_open_said(struct store **ret, const char *folder, const char *option) {
  return say_folder(store_open(ret, folder), folder, option);
}

enum avow_error store_look_said(struct store **ret, const char *folder, const char *option) {
  return say_folder(store_look(ret, folder), folder, option);
}
