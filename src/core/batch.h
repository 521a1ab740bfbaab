// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_CORE_BATCH_H
#define AVOW_CORE_BATCH_H

#include "crypto/hash.h"
#include "wire/sealed.h"

#define BATCH_MAX 16u

/* Messages whose texts are hashed together, since that takes less time. */
struct batch {
  unsigned count;
  struct message messages[BATCH_MAX];
  uint8_t hashes[BATCH_MAX][SHA512_SIZE]; /* of the texts, whatever message.hash says */
};

/** batch_take(batch, hash, body, most): Take up to ${most} of the next messages off a body, not
 * more than BATCH_MAX; they point into it.  Returns AVOW_CRYPTO. */
enum avow_error batch_take(struct batch *batch, struct hash *hash, struct reader *body,
                           unsigned most);

#endif
