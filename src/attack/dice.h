// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_ATTACK_DICE_H
#define AVOW_ATTACK_DICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

/* Chance that a seed decides: the same seed, the same row.  Nothing here is secret. */
struct dice {
  uint64_t state;
};

/** dice_roll(dice): Return the next number (SplitMix64). */
uint64_t dice_roll(struct dice *dice);

/** dice_below(dice, limit): Return a number from 0 to ${limit} - 1; ${limit} is at least 1. */
uint64_t dice_below(struct dice *dice, uint64_t limit);

/** dice_percent(dice, percent): Return true ${percent} times out of a hundred. */
bool dice_percent(struct dice *dice, uint64_t percent);

/** dice_token(dice, out, size): Append a frame of a made-up token of ${size} characters, rounded
 * up to the next length that a token can have.  Errors of buf_append. */
enum avow_error dice_token(struct dice *dice, struct buf *out, size_t size);

#endif
