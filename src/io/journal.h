// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_IO_JOURNAL_H
#define AVOW_IO_JOURNAL_H

#include "core/session.h"
#include "evidence/replay.h"
#include "store/store.h"

/* A session's log as either program keeps it: its name, its first record, and durable appends. */
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

/**
 * journal_replay(journal, folder, take, core):
 * Give the records of the log to ${take}, one after the other; the first error ends it.  With
 * ${head} the log is going to be continued: what a crash has cut off at its end is dropped, and
 * ${head} gets its head.  Every error is said on the screen, with the log's name in ${folder}:
 * AVOW_MALFORMED, AVOW_SYSTEM, and those of ${take}.
 */
typedef enum avow_error journal_taker(void *core, const struct record *record);
enum avow_error journal_replay(struct journal *journal, const char *folder, journal_taker *take,
                               void *core, struct head *ret_head);

/** journal_store(journal, record): Append and make durable.  Errors of log_append and log_sync. */
enum avow_error journal_store(struct journal *journal, struct view record);

/** journal_end(journal): Close it. */
void journal_end(struct journal *journal);

/**
 * store_open_said(ret, folder, option):
 * store_open, with every error said on the screen; ${option} is what names another folder.
 */
enum avow_error store_open_said(struct store **ret, const char *folder, const char *option);

#endif
