// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_CRYPTO_ED25519_H
#define AVOW_CRYPTO_ED25519_H

#include <stdint.h>

#include "base/error.h"

/* RFC 8032.  The private key is its 32-byte seed. */
#define ED25519_SEED_SIZE 32u
#define ED25519_PUBLIC_SIZE 32u

/** ed25519_public(seed, public): Compute the public key of ${seed}.  Returns AVOW_CRYPTO. */
enum avow_error ed25519_public(const uint8_t seed[ED25519_SEED_SIZE],
                               uint8_t public[ED25519_PUBLIC_SIZE]);

#endif
