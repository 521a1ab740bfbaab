// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_EVIDENCE_FAULT_H
#define AVOW_EVIDENCE_FAULT_H

#include "base/bytes.h"
#include "base/limits.h"

/* One of the two, or neither. */
enum who {
  WHO_UNKNOWN,
  WHO_ALICE,
  WHO_BOB,
};

/** who_name(who): "Alice", "Bob", or "nobody in particular". */
const char *who_name(enum who who);

/* What a fault means for a ruling. */
enum fault_kind {
  FAULT_NONE,
  FAULT_BROKEN,  /* a rule is broken: what the log says is not so */
  FAULT_UNKNOWN, /* whose key it was then, the reader's list does not say: nothing can be said */
};

#define FAULT_NO_ID UINT64_MAX
#define FAULT_TEXT_SIZE 512u

/* The first thing in a log, or between two logs, that breaks a rule of docs/EVIDENCE.md. */
struct fault {
  enum fault_kind kind;
  enum who log;               /* where it stands */
  uint64_t line;              /* of that log, from 1 */
  uint64_t id;                /* the message that it is about, or FAULT_NO_ID */
  enum who against;           /* whom it speaks against; WHO_UNKNOWN: whoever changed the file */
  char text[FAULT_TEXT_SIZE]; /* one sentence, without anything that must not reach a terminal */
};

#endif
