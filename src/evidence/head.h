// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_EVIDENCE_HEAD_H
#define AVOW_EVIDENCE_HEAD_H

#include "base/bytes.h"
#include "crypto/hash.h"

/* The head of a log: SHA-256 over its lines so far, without the "Message text: " and "Key: " lines.
 * The hash line stands for the text, so a text can be withheld and the head still holds.  Each
 * chunk of a log ends with a "Head: " line that gives the head of all before that line.  Anyone can
 * recompute it: grep -v, then sha256sum. */
struct head {
  struct digest *digest;
  uint8_t last[SHA256_SIZE]; /* the value of the last head line; of an empty log that of nothing */
};

#define HEAD_LINE "Head: "

/** head_init(head): Of an empty log.  Returns AVOW_NO_MEMORY, AVOW_CRYPTO. */
enum avow_error head_init(struct head *head);

/** head_free(head): Also of a zeroed one. */
void head_free(struct head *head);

/** head_add(head, lines): Whole lines come next in the log.  Returns AVOW_CRYPTO. */
enum avow_error head_add(struct head *head, struct view lines);

/** head_value(head, value): Return the head so far.  Returns AVOW_CRYPTO. */
enum avow_error head_value(struct head *head, uint8_t value[SHA256_SIZE]);

/** head_line(head, line): A head line comes next, and bears the value that was asked for last.
 * Returns AVOW_CRYPTO. */
enum avow_error head_line(struct head *head, struct view line, const uint8_t value[SHA256_SIZE]);

/* Log bytes on their way to the store: records are appended to ${bytes}, and chunk_seal closes them
 * with a head line. */
struct chunk {
  struct buf bytes;
  size_t sealed;  /* so many of the unconsumed bytes are covered by a head line */
  size_t covered; /* so many of them are in ${head} */
  bool open;      /* bytes were consumed that no head line covers yet */
  struct head head;
};

/** chunk_init(chunk, max): Of an empty log.  Returns AVOW_NO_MEMORY, AVOW_CRYPTO; chunk_free is due
 * either way. */
enum avow_error chunk_init(struct chunk *chunk, size_t max);

/** chunk_continue(chunk, head): The log has this head already; ${head} is taken over. */
void chunk_continue(struct chunk *chunk, struct head head);

/** chunk_free(chunk): Wipe and free. */
void chunk_free(struct chunk *chunk);

/** chunk_head(chunk, value): Return the head of the log with all that was appended so far.  Returns
 * AVOW_CRYPTO. */
enum avow_error chunk_head(struct chunk *chunk, uint8_t value[SHA256_SIZE]);

/** chunk_seal(chunk): Close what is open with a head line, if anything is.  Errors of buf_append,
 * AVOW_CRYPTO. */
enum avow_error chunk_seal(struct chunk *chunk);

/** chunk_ahead(chunk): What is there may be consumed before it is sealed; the chunk goes on behind
 * it, and counts only with its head line.  Returns AVOW_CRYPTO. */
enum avow_error chunk_ahead(struct chunk *chunk);

/** chunk_consume(chunk, size): The first ${size} bytes have been stored: they are sealed, or
 * chunk_ahead let them go. */
void chunk_consume(struct chunk *chunk, size_t size);

#endif
