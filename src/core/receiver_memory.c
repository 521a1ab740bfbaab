// SPDX-License-Identifier: Apache-2.0
#include "base/when.h"
#include "core/receiver_state.h"

/* What OpenSSL takes for the keys and hashes of a session, about. */
#define CRYPTO_SIZE (16u * 1024u)
/* What a slot keeps: the first ones the room that a full envelope of short messages takes. */
#define SLOT_SIZE (1024u * 1024u)
#define SLOTS_LARGE 4u
#define SLOT_SIZE_SMALL (128u * 1024u)

void receiver_shown(struct receiver *receiver) {
  receiver->held_size -= buf_view(&receiver->held[receiver->held_first].plaintext).size;
  receiver->held_first = (receiver->held_first + 1) % HELD_MAX;
  receiver->held_durable--;
  receiver->held_count--;
  if (receiver->held_count > 0)
    return;
  /* Not every slot is to grow to the longest envelope, and stay so: only the first one. */
  receiver->held_first = 0;
  for (unsigned i = 1; i < HELD_MAX; i++)
    if (receiver->held[i].plaintext.capacity > (i < SLOTS_LARGE ? SLOT_SIZE : SLOT_SIZE_SMALL))
      buf_wipe_free(&receiver->held[i].plaintext);
}

size_t receiver_memory(const struct receiver *receiver) {
  size_t size = sizeof *receiver + CRYPTO_SIZE + hash_memory(receiver->hash) +
                channel_memory(&receiver->channel) + receiver->chunk.bytes.capacity +
                receiver->notary.lines.capacity;
  for (unsigned i = 0; i < HELD_MAX; i++)
    size += receiver->held[i].plaintext.capacity;
  for (unsigned i = 0; i < WINDOW_ENVELOPES; i++)
    size += receiver->given[i].hashes.capacity;
  return size;
}

void receiver_trim(struct receiver *receiver) {
  receiver->quiet_us = WHEN_NEVER;
  channel_trim(&receiver->channel);
  hash_trim(receiver->hash);
  buf_trim(&receiver->chunk.bytes);
  for (unsigned i = receiver->held_count; i < HELD_MAX; i++) {
    struct buf *plaintext = &receiver->held[(receiver->held_first + i) % HELD_MAX].plaintext;
    buf_clear(plaintext);
    buf_trim(plaintext);
  }
}
