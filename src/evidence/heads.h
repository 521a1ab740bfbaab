// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_EVIDENCE_HEADS_H
#define AVOW_EVIDENCE_HEADS_H

#include "base/bytes.h"
#include "base/proof.h"

/* The heads that a log has had, so that one that is named later can be found: the last so many, and
 * so in bounded memory. */
struct heads {
  struct buf list; /* of struct head_at, the oldest first */
  size_t most;
};

struct head_at {
  uint8_t value[HEAD_SIZE];
  uint64_t next_id; /* so many messages stood before it */
};

/** heads_init(heads, most): None yet; the last ${most} will be kept. */
void heads_init(struct heads *heads, size_t most);

/** heads_free(heads): Give the memory back. */
void heads_free(struct heads *heads);

/** heads_put(heads, value, next_id): Another one.  Returns AVOW_NO_MEMORY. */
enum avow_error heads_put(struct heads *heads, const uint8_t value[HEAD_SIZE], uint64_t next_id);

/**
 * heads_find(heads, value, ret_next_id):
 * Whether it is one of them; with ${ret_next_id}, which may be NULL, of the last such.
 */
bool heads_find(const struct heads *heads, const uint8_t value[HEAD_SIZE], uint64_t *ret_next_id);

/** heads_forget_before(heads, value): Drop those that were put before this one, which is there. */
void heads_forget_before(struct heads *heads, const uint8_t value[HEAD_SIZE]);

/** heads_clear(heads): Drop all. */
void heads_clear(struct heads *heads);

#endif
