// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_STORE_STORE_H
#define AVOW_STORE_STORE_H

#include "base/bytes.h"

/* Where logs live: a string of bytes per session, appended and made durable.  Nothing above this
 * header knows that they are files in a folder.
 *
 * A call that returns AVOW_SYSTEM leaves the reason in errno. */
struct store;

/**
 * store_open(ret, folder):
 * Open ${folder}, and make it (0700) if it is not there.  Returns AVOW_SYSTEM; with errno ENOTDIR
 * or ELOOP if it is something else or a symbolic link, EPERM if another user could write there.
 */
enum avow_error store_open(struct store **ret, const char *folder);

/** store_close(store): After all its logs.  NULL is fine. */
void store_close(struct store *store);

/* One session's log, open for appending. */
struct log;

/**
 * log_create(ret, store, name):
 * Begin the log ${name} (digits; the file is "NAME.log", 0600).  It is in the folder, durably, when
 * this returns.  Returns AVOW_SYSTEM; with errno EEXIST if there is such a log.
 */
enum avow_error log_create(struct log **ret, struct store *store, const char *name);

/**
 * log_append(log, bytes):
 * Append all of ${bytes} or nothing.  Not durable yet.  Returns AVOW_SYSTEM, for instance with
 * errno ENOSPC.
 */
enum avow_error log_append(struct log *log, struct view bytes);

/**
 * log_sync(log):
 * Make all that was appended durable.  Returns AVOW_SYSTEM.  A failure is final, for this and every
 * later call on ${log}: the kernel may have dropped the data and would call a second try a success.
 */
enum avow_error log_sync(struct log *log);

/** log_close(log): Close, without syncing.  NULL is fine. */
void log_close(struct log *log);

#endif
