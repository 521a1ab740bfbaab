// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_BIN_MALLORY_FORGE_H
#define AVOW_BIN_MALLORY_FORGE_H

#include "attack/relay.h"
#include "mallory_spy.h"

/* What one can do who has the key: it is the same for both sides and both ways. */

/* The hashes of messages of Bob's, in whose place others went to Alice. */
#define FORGED_MAX 64u
struct forger {
  struct {
    uint64_t first_id;
    struct buf hashes;
  } forged[FORGED_MAX]; /* a ring */
  uint64_t count;
  bool keyless; /* and that was said */
};

/** forger_init(forger), forger_free(forger): Nothing forged yet; give the memory back. */
void forger_init(struct forger *forger);
void forger_free(struct forger *forger);

/**
 * forge(forger, spy, relay, event):
 * Answer an ACT_ASKED of an attack with ROLE_FORGE, and tell.  Without a key the frame passes.
 */
void forge(struct forger *forger, struct spy *spy, struct relay *relay,
           const struct relay_event *event);

/**
 * forge_answer(spy, asked, out):
 * Append what Alice would say to ${asked}, an envelope or an `end` of Bob's, to ${out}; to others
 * she says nothing.  Errors of spy_seal.
 */
enum avow_error forge_answer(struct spy *spy, const struct sealed *asked, struct buf *out);

/** forge_message(body, timestamp_us, text): Append a message with its right hash.  Errors of
 * buf_append, AVOW_CRYPTO. */
enum avow_error forge_message(struct buf *body, uint64_t timestamp_us, struct view text);

#endif
