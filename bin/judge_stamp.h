// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_BIN_JUDGE_STAMP_H
#define AVOW_BIN_JUDGE_STAMP_H

#include "crypto/timestamp.h"
#include "judge.h"

/* What the files judge_stamp*.c share. */

/* The value of a head line, and where it stands. */
struct stamped {
  uint8_t head[HEAD_SIZE];
  uint64_t line;
};

/** stamp_path(log, path, size): Write where the stamp of a log lies: LOG.tsr; false, said, if it
 * does not fit. */
bool stamp_path(const char *log, char *path, size_t size);

/** stamp_authority(stamp, text, size): Write the authority's name, harmless on a terminal. */
void stamp_authority(const struct timestamp *stamp, char *text, size_t size);

#endif
