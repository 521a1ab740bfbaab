// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "crypto/ed25519.h"
#include "crypto/hash.h"

/* In the place of src/crypto/ed25519.c, for speed: a signature is the SHA-512 of the private key
 * and the message.  Whoever checks one finds the private key in a table.  Nobody here makes a
 * signature but with the private key at hand, so that is enough.  sim-ed25519 has the real ones. */

struct ed25519 {
  uint8_t seed[ED25519_SEED_SIZE], public[ED25519_PUBLIC_SIZE];
  bool private;
  struct hash *hash;
};

/* The private keys of this world and of those before; the oldest gives way. */
#define KNOWN_MAX 16u
static struct { uint8_t seed[ED25519_SEED_SIZE], public[ED25519_PUBLIC_SIZE]; } known[KNOWN_MAX];
static unsigned known_count;

static struct ed25519 *begin(void) {
  struct ed25519 *key = calloc(1, sizeof *key);
  if (key == NULL || hash_new(&key->hash) != AVOW_OK)
    abort();
  return key;
}

enum avow_error ed25519_public(const uint8_t seed[ED25519_SEED_SIZE],
                               uint8_t public[ED25519_PUBLIC_SIZE]) {
  struct hash *hash;
  enum avow_error error = hash_new(&hash);
  if (error == AVOW_OK)
    error = hash_sha256(hash, view_of(seed, ED25519_SEED_SIZE), public);
  hash_free(hash);
  return error;
}

enum avow_error ed25519_private(struct ed25519 **ret, const uint8_t seed[ED25519_SEED_SIZE]) {
  struct ed25519 *key = begin();
  enum avow_error error = ed25519_public(seed, key->public);
  key->private = true;
  memcpy(key->seed, seed, sizeof key->seed);
  memcpy(known[known_count % KNOWN_MAX].seed, seed, sizeof key->seed);
  memcpy(known[known_count++ % KNOWN_MAX].public, key->public, sizeof key->public);
  *ret = key;
  return error;
}

enum avow_error ed25519_peer(struct ed25519 **ret, const uint8_t public[ED25519_PUBLIC_SIZE]) {
  struct ed25519 *key = begin();
  memcpy(key->public, public, sizeof key->public);
  for (unsigned i = 0; i < KNOWN_MAX; i++)
    if (memcmp(known[i].public, public, sizeof key->public) == 0)
      memcpy(key->seed, known[i].seed, sizeof key->seed);
  *ret = key;
  return AVOW_OK;
}

void ed25519_free(struct ed25519 *key) {
  if (key == NULL)
    return;
  hash_free(key->hash);
  free(key);
}

const uint8_t *ed25519_key(const struct ed25519 *key) {
  return key->public;
}

static enum avow_error make(struct ed25519 *key, struct view message,
                            uint8_t signature[ED25519_SIGNATURE_SIZE]) {
  uint8_t bytes[ED25519_SEED_SIZE + 256];
  if (message.size > sizeof bytes - ED25519_SEED_SIZE)
    abort(); /* what sshsig signs is short */
  memcpy(bytes, key->seed, ED25519_SEED_SIZE);
  memcpy(bytes + ED25519_SEED_SIZE, message.data, message.size);
  return hash_sha512(key->hash, view_of(bytes, ED25519_SEED_SIZE + message.size), signature);
}

enum avow_error ed25519_sign(struct ed25519 *key, struct view message,
                             uint8_t signature[ED25519_SIGNATURE_SIZE]) {
  return key->private ? make(key, message, signature) : AVOW_CRYPTO;
}

enum avow_error ed25519_verify(struct ed25519 *key, struct view message,
                               const uint8_t signature[ED25519_SIGNATURE_SIZE]) {
  uint8_t expected[ED25519_SIGNATURE_SIZE];
  enum avow_error error = make(key, message, expected);
  bool same = memcmp(expected, signature, sizeof expected) == 0;
  return error != AVOW_OK ? error : same ? AVOW_OK : AVOW_NOT_AUTHENTIC;
}
