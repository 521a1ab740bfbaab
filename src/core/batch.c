// SPDX-License-Identifier: Apache-2.0
#include "core/batch.h"

enum avow_error batch_take(struct batch *batch, struct hash *hash, struct reader *body,
                           unsigned most) {
  struct view texts[BATCH_MAX];
  batch->count = most < BATCH_MAX ? most : BATCH_MAX;
  for (unsigned i = 0; i < batch->count; i++) {
    message_take(body, &batch->messages[i]);
    texts[i] = batch->messages[i].text;
  }
  return hash_texts(hash, texts, batch->count, batch->hashes);
}
