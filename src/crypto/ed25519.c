// SPDX-License-Identifier: Apache-2.0
#include "crypto/ed25519.h"

#include <openssl/evp.h>
#include <string.h>

enum avow_error ed25519_public(const uint8_t seed[ED25519_SEED_SIZE],
                               uint8_t public[ED25519_PUBLIC_SIZE]) {
  EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, ED25519_SEED_SIZE);
  if (key == NULL)
    return AVOW_CRYPTO;
  uint8_t raw[ED25519_PUBLIC_SIZE];
  size_t size = sizeof raw;
  int done = EVP_PKEY_get_raw_public_key(key, raw, &size);
  EVP_PKEY_free(key);
  if (done != 1 || size != sizeof raw)
    return AVOW_CRYPTO;
  memcpy(public, raw, sizeof raw);
  return AVOW_OK;
}
