// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_IO_JOURNAL_H
#define AVOW_IO_JOURNAL_H

#include "core/session.h"
#include "evidence/record.h"
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
 * journal_open_record(journal, detail, session, peer, alice, bob):
 * Write the first record, durably.  ${alice} and ${bob} are not looked at in plain mode.  Errors of
 * journal_store.
 */
enum avow_error journal_open_record(struct journal *journal, enum log_detail detail,
                                    const struct session *session, const char *peer,
                                    const struct party *alice, const struct party *bob);

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
