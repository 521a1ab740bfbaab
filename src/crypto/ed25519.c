// SPDX-License-Identifier: Apache-2.0
#include "crypto/ed25519.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

/* A context keeps the key that it was first given, whatever it is given later: so each key has its
 * own. */
struct ed25519 {
  EVP_PKEY *pair; /* without its private half for a peer */
  EVP_MD_CTX *sign;
  EVP_MD_CTX *verify;
  bool weak;
  uint8_t public[ED25519_PUBLIC_SIZE];
};

/* All encodings of the eight points of small order, without the bit of the sign.  Under such a key
 * there are signatures that fit any message, and that anybody can make: its owner could deny each
 * of them.  The library takes them. */
static const uint8_t WEAK[][ED25519_PUBLIC_SIZE] = {
    {0x00},
    {0x01},
    {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
     0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
     0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
    {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
     0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
     0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
};

static bool is_weak(const uint8_t public[ED25519_PUBLIC_SIZE]) {
  uint8_t unsigned_y[ED25519_PUBLIC_SIZE];
  memcpy(unsigned_y, public, sizeof unsigned_y);
  unsigned_y[ED25519_PUBLIC_SIZE - 1] &= 0x7f;
  for (size_t i = 0; i < sizeof WEAK / sizeof *WEAK; i++)
    if (memcmp(unsigned_y, WEAK[i], sizeof unsigned_y) == 0)
      return true;
  return false;
}

static enum avow_error public_of(EVP_PKEY *pair, uint8_t public[ED25519_PUBLIC_SIZE]) {
  uint8_t raw[ED25519_PUBLIC_SIZE];
  size_t size = sizeof raw;
  if (EVP_PKEY_get_raw_public_key(pair, raw, &size) != 1 || size != sizeof raw)
    return AVOW_CRYPTO;
  memcpy(public, raw, sizeof raw);
  return AVOW_OK;
}

static EVP_PKEY *pair_of(const uint8_t seed[ED25519_SEED_SIZE]) {
  return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, ED25519_SEED_SIZE);
}

enum avow_error ed25519_public(const uint8_t seed[ED25519_SEED_SIZE],
                               uint8_t public[ED25519_PUBLIC_SIZE]) {
  EVP_PKEY *pair = pair_of(seed);
  if (pair == NULL)
    return AVOW_CRYPTO;
  enum avow_error error = public_of(pair, public);
  EVP_PKEY_free(pair);
  return error;
}

/* Take over ${pair}, also on failure. */
static enum avow_error key_of(struct ed25519 **ret, EVP_PKEY *pair) {
  struct ed25519 *key = calloc(1, sizeof *key);
  if (key == NULL) {
    EVP_PKEY_free(pair);
    return AVOW_NO_MEMORY;
  }
  key->pair = pair;
  key->sign = EVP_MD_CTX_new();
  key->verify = EVP_MD_CTX_new();
  if (pair == NULL || key->sign == NULL || key->verify == NULL ||
      public_of(pair, key->public) != AVOW_OK) {
    ed25519_free(key);
    return AVOW_CRYPTO;
  }
  key->weak = is_weak(key->public);
  *ret = key;
  return AVOW_OK;
}

enum avow_error ed25519_private(struct ed25519 **ret, const uint8_t seed[ED25519_SEED_SIZE]) {
  return key_of(ret, pair_of(seed));
}

enum avow_error ed25519_peer(struct ed25519 **ret, const uint8_t public[ED25519_PUBLIC_SIZE]) {
  return key_of(ret,
                EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public, ED25519_PUBLIC_SIZE));
}

void ed25519_free(struct ed25519 *key) {
  if (key == NULL)
    return;
  EVP_MD_CTX_free(key->sign);
  EVP_MD_CTX_free(key->verify);
  EVP_PKEY_free(key->pair); /* wipes the seed */
  free(key);
}

const uint8_t *ed25519_key(const struct ed25519 *key) {
  return key->public;
}

enum avow_error ed25519_sign(struct ed25519 *key, struct view message,
                             uint8_t signature[ED25519_SIGNATURE_SIZE]) {
  uint8_t made[ED25519_SIGNATURE_SIZE];
  size_t size = sizeof made;
  if (EVP_DigestSignInit(key->sign, NULL, NULL, NULL, key->pair) != 1 ||
      EVP_DigestSign(key->sign, made, &size, message.data, message.size) != 1 ||
      size != sizeof made)
    return AVOW_CRYPTO;
  memcpy(signature, made, sizeof made);
  return AVOW_OK;
}

enum avow_error ed25519_verify(struct ed25519 *key, struct view message,
                               const uint8_t signature[ED25519_SIGNATURE_SIZE]) {
  if (key->weak)
    return AVOW_NOT_AUTHENTIC;
  if (EVP_DigestVerifyInit(key->verify, NULL, NULL, NULL, key->pair) != 1)
    return AVOW_CRYPTO;
  int found =
      EVP_DigestVerify(key->verify, signature, ED25519_SIGNATURE_SIZE, message.data, message.size);
  return found == 1 ? AVOW_OK : found == 0 ? AVOW_NOT_AUTHENTIC : AVOW_CRYPTO;
}
