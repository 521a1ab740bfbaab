// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_IO_LOG_READER_H
#define AVOW_IO_LOG_READER_H

#include "io/crew.h"

/* A log that is read as evidence: a file, audited, its signatures checked on all cores.  The file
 * is opened for reading only; links are followed. */

struct log_reader;

/** log_reader_open(ret, path, options, crew): Returns AVOW_NO_MEMORY, AVOW_CRYPTO, AVOW_SYSTEM with
 * errno. */
enum avow_error log_reader_open(struct log_reader **ret, const char *path,
                                const struct audit_options *options, struct crew *crew);

/** log_reader_close(reader): NULL is fine. */
void log_reader_close(struct log_reader *reader);

/**
 * log_reader_next(reader, ret):
 * Take the next fact; it stays until the next call.  One with claims comes when they, and all
 * before them, have been checked and are right; so nothing is handed out that rests on a wrong
 * signature, but for messages, which rest on the envelope that comes behind them.  Returns
 * AVOW_NOT_FOUND at the end, and behind the last good fact where there is a fault
 * (log_reader_fault); AVOW_NO_MEMORY, AVOW_CRYPTO, AVOW_SYSTEM with errno.
 */
enum avow_error log_reader_next(struct log_reader *reader, const struct fact **ret);

/** log_reader_fault(reader): After AVOW_NOT_FOUND: the first fault; FAULT_NONE if there is none. */
const struct fault *log_reader_fault(const struct log_reader *reader);

/** log_reader_audit(reader): Return its audit, which may be ahead of the facts. */
const struct audit *log_reader_audit(const struct log_reader *reader);

/** log_reader_size(reader): Return how many bytes were read so far. */
uint64_t log_reader_size(const struct log_reader *reader);

/** log_reader_uncovered(reader): After AVOW_NOT_FOUND: whether the log ends with a chunk that no
 * head line covers. */
bool log_reader_uncovered(const struct log_reader *reader);

#endif
