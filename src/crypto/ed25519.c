// SPDX-License-Identifier: Apache-2.0
#include "crypto/ed25519.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"

_Static_assert(ED25519_SIGNATURE_SIZE == crypto_sign_BYTES, "the library's signature");

struct ed25519 {
  bool signs;
  uint8_t pair[crypto_sign_SECRETKEYBYTES]; /* the seed and the public key; the seed if it signs */
  uint8_t public[ED25519_PUBLIC_SIZE];
};

static enum avow_error pair_of(const uint8_t seed[ED25519_SEED_SIZE],
                               uint8_t public[ED25519_PUBLIC_SIZE],
                               uint8_t pair[crypto_sign_SECRETKEYBYTES]) {
  if (sodium_init() < 0)
    return AVOW_CRYPTO;
  return crypto_sign_seed_keypair(public, pair, seed) == 0 ? AVOW_OK : AVOW_CRYPTO;
}

enum avow_error ed25519_public(const uint8_t seed[ED25519_SEED_SIZE],
                               uint8_t public[ED25519_PUBLIC_SIZE]) {
  uint8_t pair[crypto_sign_SECRETKEYBYTES];
  enum avow_error error = pair_of(seed, public, pair);
  secret_wipe(pair, sizeof pair);
  return error;
}

enum avow_error ed25519_private(struct ed25519 **ret, const uint8_t seed[ED25519_SEED_SIZE]) {
  struct ed25519 *key = calloc(1, sizeof *key);
  if (key == NULL)
    return AVOW_NO_MEMORY;
  key->signs = true;
  enum avow_error error = pair_of(seed, key->public, key->pair);
  if (error == AVOW_OK)
    *ret = key;
  else
    ed25519_free(key);
  return error;
}

enum avow_error ed25519_peer(struct ed25519 **ret, const uint8_t public[ED25519_PUBLIC_SIZE]) {
  if (sodium_init() < 0)
    return AVOW_CRYPTO;
  struct ed25519 *key = calloc(1, sizeof *key);
  if (key == NULL)
    return AVOW_NO_MEMORY;
  memcpy(key->public, public, sizeof key->public);
  *ret = key;
  return AVOW_OK;
}

void ed25519_free(struct ed25519 *key) {
  if (key == NULL)
    return;
  secret_wipe(key, sizeof *key);
  free(key);
}

const uint8_t *ed25519_key(const struct ed25519 *key) {
  return key->public;
}

enum avow_error ed25519_sign(struct ed25519 *key, struct view message,
                             uint8_t signature[ED25519_SIGNATURE_SIZE]) {
  if (!key->signs ||
      crypto_sign_detached(signature, NULL, message.data, message.size, key->pair) != 0)
    return AVOW_CRYPTO;
  return AVOW_OK;
}

/* The library refuses a second form of a true signature (S + L), keys and points that are not
 * canonical, and keys of small order, under which anybody can sign anything. */
enum avow_error ed25519_verify(struct ed25519 *key, struct view message,
                               const uint8_t signature[ED25519_SIGNATURE_SIZE]) {
  int bad = crypto_sign_verify_detached(signature, message.data, message.size, key->public);
  return bad == 0 ? AVOW_OK : AVOW_NOT_AUTHENTIC;
}
