// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_FUZZ_EVIDENCE_H
#define AVOW_FUZZ_EVIDENCE_H

#include "evidence/replay.h"
#include "evidence/statement.h"

/* What a core's log proves: every envelope and every end in it was signed by both sides, with the
 * keys of peer_key. */
struct evidence {
  struct names names;
  struct buf lines; /* of the messages that no envelope record has followed */
  struct buf sizes; /* of the lines of each, 8 bytes */
};

/** evidence_init(evidence), evidence_free(evidence): Of an empty log. */
void evidence_init(struct evidence *evidence);
void evidence_free(struct evidence *evidence);

/** evidence_take(evidence, record): The next record of the log. */
void evidence_take(struct evidence *evidence, const struct record *record);

#endif
