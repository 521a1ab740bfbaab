// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_FUZZ_FORGER_H
#define AVOW_FUZZ_FORGER_H

#include "base/bytes.h"

/* For fuzzers whose input holds logs.  What links it mutates lines as well as bytes: half of the
 * time a run of lines is left out, or said twice. */

/**
 * forger_put_right(log, out):
 * Append ${log} with its heads, those at receipts and ends too, and the hashes of its texts set
 * right, as one who owns the file would do it.
 */
void forger_put_right(struct view log, struct buf *out);

#endif
