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

/** store_look(ret, folder): As store_open, but nothing is made or synced: AVOW_NOT_FOUND if
 * ${folder} is not there. */
enum avow_error store_look(struct store **ret, const char *folder);

/** store_close(store): After all its logs.  NULL is fine. */
void store_close(struct store *store);

/**
 * store_names(store, names):
 * Append the names of all logs, oldest first, each with a newline.  Returns AVOW_SYSTEM, errors of
 * buf_append.
 */
enum avow_error store_names(struct store *store, struct buf *names);

/* One session's log, that can be appended to. */
struct log;

/**
 * log_create(ret, store, name):
 * Begin the log ${name} (digits; the file is "NAME.log", 0600).  It is in the folder, durably, when
 * this returns.  Returns AVOW_SYSTEM; with errno EEXIST if there is such a log.
 */
enum avow_error log_create(struct log **ret, struct store *store, const char *name);

/**
 * log_open(ret, store, name):
 * Open the log ${name} to be read; to append to it, log_lock it first.  Returns AVOW_NOT_FOUND,
 * AVOW_SYSTEM; with errno ELOOP if it is a symbolic link, EISDIR if it is not a regular file, EPERM
 * if it is not ours alone (owner, mode 0600), EMLINK if it has another name as well.
 */
enum avow_error log_open(struct log **ret, struct store *store, const char *name);

/** log_look(ret, store, name): As log_open, to be read only, also where nothing can be written. */
enum avow_error log_look(struct log **ret, struct store *store, const char *name);

/** log_lock(log): Keep all others from appending; log_create has done so.  Returns AVOW_BUSY if
 * somebody else does it, AVOW_SYSTEM. */
enum avow_error log_lock(struct log *log);

/** log_size(log): Return its bytes when it was opened or locked, and what was appended since. */
uint64_t log_size(const struct log *log);

/** log_read(log, offset, bytes, size, ret_size): Read; at the end ${ret_size} is 0.  AVOW_SYSTEM.
 */
enum avow_error log_read(struct log *log, uint64_t offset, uint8_t *bytes, size_t size,
                         size_t *ret_size);

/**
 * log_truncate(log, size):
 * Drop what stands behind the first ${size} bytes, durably: the first part of an append that a
 * crash has cut off.  Returns AVOW_SYSTEM.
 */
enum avow_error log_truncate(struct log *log, uint64_t size);

/* A failure of one of the next three is final for this log, since the system may have dropped data
 * and would call a second try a success: every later call returns it.  What was not made durable is
 * cut off, so that nobody reads it as if it were. */

/**
 * log_append(log, bytes):
 * Append.  Not durable yet.  Returns AVOW_SYSTEM, for instance with errno ENOSPC.
 */
enum avow_error log_append(struct log *log, struct view bytes);

/** log_hasten(log): Let the disk begin with what was appended, so that log_sync has less to wait
 * for.  Not durable yet.  Returns AVOW_SYSTEM. */
enum avow_error log_hasten(struct log *log);

/** log_sync(log): Make all that was appended durable.  Returns AVOW_SYSTEM. */
enum avow_error log_sync(struct log *log);

/** log_close(log): Close, without syncing.  NULL is fine. */
void log_close(struct log *log);

#endif
