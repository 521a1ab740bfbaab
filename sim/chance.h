// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_SIM_CHANCE_H
#define AVOW_SIM_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

/* All that is random in a world comes from here: xoshiro256** (Blackman and Vigna, public domain),
 * filled by splitmix64. */
struct chance {
  uint64_t state[4];
};

/** chance_init(chance, seed): The same seed gives the same numbers. */
void chance_init(struct chance *chance, uint64_t seed);

/** chance_next(chance): Return 64 random bits. */
uint64_t chance_next(struct chance *chance);

/** chance_between(chance, least, most): Return a number from ${least} to ${most}. */
uint64_t chance_between(struct chance *chance, uint64_t least, uint64_t most);

/** chance_wide(chance, least, most): The same, small ones as likely as large ones by magnitude;
 * ${least} is at least 1. */
uint64_t chance_wide(struct chance *chance, uint64_t least, uint64_t most);

/** chance_of(chance, per_million): Whether something that happens so often happens. */
bool chance_of(struct chance *chance, unsigned per_million);

/** chance_bytes(chance, bytes, size): Fill. */
void chance_bytes(struct chance *chance, uint8_t *bytes, uint64_t size);

#endif
