// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_CRYPTO_ED25519_H
#define AVOW_CRYPTO_ED25519_H

#include "base/bytes.h"

/* RFC 8032.  The private key is its 32-byte seed.  Signatures are deterministic: the same key and
 * the same message always make the same one. */
#define ED25519_SEED_SIZE 32u
#define ED25519_PUBLIC_SIZE 32u
#define ED25519_SIGNATURE_SIZE 64u

/** ed25519_public(seed, public): Compute the public key of ${seed}.  Returns AVOW_CRYPTO. */
enum avow_error ed25519_public(const uint8_t seed[ED25519_SEED_SIZE],
                               uint8_t public[ED25519_PUBLIC_SIZE]);

/* A key that is ready for use: a private one signs, a public one verifies. */
struct ed25519;

/** ed25519_private(ret, seed): To sign and to verify.  Returns AVOW_NO_MEMORY, AVOW_CRYPTO. */
enum avow_error ed25519_private(struct ed25519 **ret, const uint8_t seed[ED25519_SEED_SIZE]);

/** ed25519_peer(ret, public): Only to verify.  Returns AVOW_NO_MEMORY, AVOW_CRYPTO. */
enum avow_error ed25519_peer(struct ed25519 **ret, const uint8_t public[ED25519_PUBLIC_SIZE]);

/** ed25519_free(key): Wipe and free; NULL is fine. */
void ed25519_free(struct ed25519 *key);

/** ed25519_key(key): Return its public key. */
const uint8_t *ed25519_key(const struct ed25519 *key);

/** ed25519_sign(key, message, signature): With a private one; AVOW_CRYPTO with another. */
enum avow_error ed25519_sign(struct ed25519 *key, struct view message,
                             uint8_t signature[ED25519_SIGNATURE_SIZE]);

/** ed25519_verify(key, message, signature): Nothing is authentic under a key of small order, since
 * anybody can make signatures that fit it.  Returns AVOW_NOT_AUTHENTIC, AVOW_CRYPTO. */
enum avow_error ed25519_verify(struct ed25519 *key, struct view message,
                               const uint8_t signature[ED25519_SIGNATURE_SIZE]);

#endif
