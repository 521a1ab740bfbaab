// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_IO_LINES_H
#define AVOW_IO_LINES_H

#include "base/bytes.h"
#include "base/limits.h"

/* A stream of bytes, cut into lines at '\n'.  The last one needs none. */
struct lines {
  struct buf in;
  size_t line_max;
  size_t searched; /* so many bytes of ${in} hold no end of line */
  uint64_t number; /* of the line that was taken last, from 1 */
  bool ended;
};

enum lines_status { LINES_MORE, LINES_LINE, LINES_TOO_LONG, LINES_END };

/** lines_init(lines, line_max): Lines are at most ${line_max} bytes, without their '\n'. */
void lines_init(struct lines *lines, size_t line_max);

/** lines_free(lines): Wipe and free. */
void lines_free(struct lines *lines);

/**
 * lines_room(lines, ret_room):
 * Point ${ret_room} at room for LINES_CHUNK bytes to be read into; lines_fill says how many were.
 * Returns AVOW_NO_MEMORY, or AVOW_TOO_LONG if lines_next has not been drained.
 */
#define LINES_CHUNK AVOW_READ_MAX
enum avow_error lines_room(struct lines *lines, uint8_t **ret_room);
void lines_fill(struct lines *lines, size_t size);

/** lines_end(lines): The stream has ended. */
void lines_end(struct lines *lines);

/**
 * lines_next(lines, ret_line):
 * LINES_LINE sets ${ret_line}, valid until the next call.  LINES_TOO_LONG is final: line ${number}
 * has more than ${line_max} bytes.
 */
enum lines_status lines_next(struct lines *lines, struct view *ret_line);

#endif
