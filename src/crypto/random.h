// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_CRYPTO_RANDOM_H
#define AVOW_CRYPTO_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/** random_bytes(bytes, size): Fill with random bytes fit for keys.  Returns AVOW_CRYPTO. */
enum avow_error random_bytes(uint8_t *bytes, size_t size);

/* A generator that a core owns: the same seed gives the same bytes, so that randomness is an input
 * of the core.  AES-256 in counter mode under the seed, from zero. */
struct drbg;
#define DRBG_SEED_SIZE 32u

/** drbg_new(ret, seed): Returns AVOW_NO_MEMORY, AVOW_CRYPTO. */
enum avow_error drbg_new(struct drbg **ret, const uint8_t seed[DRBG_SEED_SIZE]);

/** drbg_free(drbg): Wipe and free; NULL is fine. */
void drbg_free(struct drbg *drbg);

/** drbg_bytes(drbg, bytes, size): Fill.  Costs a few nanoseconds for an IV.  Returns AVOW_CRYPTO.
 */
enum avow_error drbg_bytes(struct drbg *drbg, uint8_t *bytes, size_t size);

#endif
