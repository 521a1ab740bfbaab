// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_IO_JOURNAL_H
#define AVOW_IO_JOURNAL_H

#include "base/when.h"
#include "evidence/replay.h"
#include "store/store.h"

/* A session's log as either program keeps it: its name, its reading, and durable appends. */
struct journal {
  struct log *log;
  char name[WHEN_NAME_SIZE];
};

/**
 * journal_begin(journal, store, opened_us, offset_min):
 * Create the log named after ${opened_us}, or after the next microsecond whose name is free; that
 * time is left in ${opened_us}.  Errors of log_create.
 */
enum avow_error journal_begin(struct journal *journal, struct store *store, uint64_t *opened_us,
                              int offset_min);

/**
 * journal_resume(journal, store, name):
 * Open and lock the log ${name}.  Errors of log_open and log_lock.
 */
enum avow_error journal_resume(struct journal *journal, struct store *store, const char *name);

/* What is wrong with a log that cannot be read to its end. */
struct damage {
  enum avow_error error;
  int reason; /* errno, if it is AVOW_SYSTEM */
  uint64_t line;
  char what[128]; /* a phrase */
};

typedef enum avow_error journal_taker(void *core, const struct record *record);

/**
 * journal_read(journal, take, core, ret_damage):
 * Give the records of the log to ${take}, one after the other; the first error ends it, and
 * ${ret_damage} gets it: AVOW_MALFORMED, AVOW_SYSTEM, AVOW_NO_MEMORY, AVOW_CRYPTO, and those of
 * ${take}.
 */
enum avow_error journal_read(struct journal *journal, journal_taker *take, void *core,
                             struct damage *ret_damage);

/**
 * journal_replay(journal, folder, take, core, ret_head):
 * As journal_read, of a locked log that is going to be continued: what a crash has cut off at its
 * end is dropped, the rest is durable, and ${ret_head} gets its head.  Every error is said on the
 * screen, with the log's name in ${folder}.
 */
enum avow_error journal_replay(struct journal *journal, const char *folder, journal_taker *take,
                               void *core, struct head *ret_head);

/** journal_say_damage(journal, folder, damage): Say what is wrong with the log. */
void journal_say_damage(const struct journal *journal, const char *folder,
                        const struct damage *damage);

/** journal_say_unopened(journal, folder, error, reason): Say why log_open, log_look or log_lock
 * failed, and what to do; ${reason} is its errno. */
void journal_say_unopened(const struct journal *journal, const char *folder, enum avow_error error,
                          int reason);

/** journal_store(journal, record): Append and make durable.  Errors of log_append and log_sync. */
enum avow_error journal_store(struct journal *journal, struct view record);

/** journal_ahead(journal, record): Append the first part of a record, and let the disk begin with
 * it; it counts once the rest is stored.  Errors of log_append and log_hasten. */
enum avow_error journal_ahead(struct journal *journal, struct view record);

/** journal_end(journal): Close it. */
void journal_end(struct journal *journal);

/**
 * store_open_said(ret, folder, option), store_look_said(ret, folder, option):
 * store_open and store_look, with every AVOW_SYSTEM said on the screen; ${option} is what names
 * another folder.
 */
enum avow_error store_open_said(struct store **ret, const char *folder, const char *option);
enum avow_error store_look_said(struct store **ret, const char *folder, const char *option);

#endif
