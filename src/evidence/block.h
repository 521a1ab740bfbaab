// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_EVIDENCE_BLOCK_H
#define AVOW_EVIDENCE_BLOCK_H

#include "evidence/replay.h"

/* One record's lines, back to its fields; for replay.c only. */

/* Lines, taken off one after the other. */
struct block {
  struct view rest;
  uint64_t line; /* the number of the one that was taken last */
  bool bad;      /* a line does not belong there, or not with this value */
  struct hash *hash;
  struct buf *text;   /* a message's text, unescaped */
  struct buf *there;  /* heads of the log before each "Head at ..." line to come, in order */
  const char *reason; /* set with AVOW_MALFORMED */
};

/** block_line(rest, ret_line): Take a line off, without its newline; false if there is none. */
bool block_line(struct view *rest, struct view *ret_line);

/**
 * block_read(block, first, ret):
 * Take one record off; ${first}: no empty line stands before it.  Returns AVOW_MALFORMED with
 * ${block->reason} and ${block->line}, AVOW_NO_MEMORY, AVOW_CRYPTO.
 */
enum avow_error block_read(struct block *block, bool first, struct record *ret);

/** block_plausible(line, whole): Whether a line, or the first part of one, could be of a record. */
bool block_plausible(struct view line, bool whole);

#endif
