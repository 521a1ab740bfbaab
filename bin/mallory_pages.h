// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_BIN_MALLORY_PAGES_H
#define AVOW_BIN_MALLORY_PAGES_H

#include "base/bytes.h"

/* A log as someone sees it who holds the file and wants another one: blocks of lines, the "Head:"
 * lines among them. */
struct pages {
  struct buf *blocks; /* without the newline at their end */
  size_t count;
};

/** pages_read(pages, log): Take it apart.  Returns AVOW_MALFORMED if it is no log, or does not end
 * with a line, AVOW_NO_MEMORY, AVOW_TOO_LONG; pages_free is due either way. */
enum avow_error pages_read(struct pages *pages, struct view log);

/** pages_free(pages): Also a zeroed one. */
void pages_free(struct pages *pages);

/** pages_message(pages, id): Return the index of this message's block; ${pages->count}: none. */
size_t pages_message(const struct pages *pages, uint64_t id);

/** pages_envelope(pages, id, ret_first, ret_last): The same, of the envelope that it came in, and
 * the ids of the first and the last message in it. */
size_t pages_envelope(const struct pages *pages, uint64_t id, uint64_t *ret_first,
                      uint64_t *ret_last);

/** pages_line(pages, at, name, ret_value): Find the line that begins so in a block, and its value;
 * false if there is none. */
bool pages_line(const struct pages *pages, size_t at, const char *name, struct view *ret_value);

/** pages_set(pages, at, name, value): Give that line another value.  Errors of buf_append. */
enum avow_error pages_set(struct pages *pages, size_t at, const char *name, struct view value);

/** pages_remove(pages, at, count): Take blocks out. */
void pages_remove(struct pages *pages, size_t at, size_t count);

/** pages_repeat(pages, at): Put a copy of a block behind it.  Errors of buf_append. */
enum avow_error pages_repeat(struct pages *pages, size_t at);

/** pages_swap(pages, one, other): Let them change places. */
void pages_swap(struct pages *pages, size_t one, size_t other);

/**
 * pages_write(pages, heads, log):
 * Append the log again; ${heads}: with each head computed anew, as anybody can.  Errors of
 * buf_append, AVOW_CRYPTO.
 */
enum avow_error pages_write(const struct pages *pages, bool heads, struct buf *log);

#endif
