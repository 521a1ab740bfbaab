// SPDX-License-Identifier: Apache-2.0
#include "crypto/random.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"

/* One call to the cipher for so many bytes: it costs as much as that for a few. */
#define DRBG_POOL_SIZE 4096u
#define RANDOM_CALL_MAX (1u << 20) /* the library counts in int */

struct drbg {
  EVP_CIPHER_CTX *cipher;
  size_t used; /* of the pool; what is used is wiped */
  uint8_t pool[DRBG_POOL_SIZE];
};

enum avow_error random_bytes(uint8_t *bytes, size_t size) {
  while (size > 0) {
    size_t part = size < RANDOM_CALL_MAX ? size : RANDOM_CALL_MAX;
    if (RAND_priv_bytes(bytes, (int)part) != 1)
      return AVOW_CRYPTO;
    bytes += part;
    size -= part;
  }
  return AVOW_OK;
}

enum avow_error drbg_new(struct drbg **ret, const uint8_t seed[DRBG_SEED_SIZE]) {
  static const uint8_t zero[16];
  struct drbg *drbg = calloc(1, sizeof *drbg);
  if (drbg == NULL)
    return AVOW_NO_MEMORY;
  drbg->used = DRBG_POOL_SIZE;
  drbg->cipher = EVP_CIPHER_CTX_new();
  if (drbg->cipher == NULL ||
      EVP_EncryptInit_ex(drbg->cipher, EVP_aes_256_ctr(), NULL, seed, zero) != 1) {
    drbg_free(drbg);
    return AVOW_CRYPTO;
  }
  *ret = drbg;
  return AVOW_OK;
}

void drbg_free(struct drbg *drbg) {
  if (drbg == NULL)
    return;
  EVP_CIPHER_CTX_free(drbg->cipher);
  secret_wipe(drbg, sizeof *drbg);
  free(drbg);
}

/* The used part of the pool is all zeroes, so that encrypting it in place yields the key stream. */
static enum avow_error refill(struct drbg *drbg) {
  int size;
  if (EVP_EncryptUpdate(drbg->cipher, drbg->pool, &size, drbg->pool, DRBG_POOL_SIZE) != 1 ||
      size != (int)DRBG_POOL_SIZE)
    return AVOW_CRYPTO;
  drbg->used = 0;
  return AVOW_OK;
}

enum avow_error drbg_bytes(struct drbg *drbg, uint8_t *bytes, size_t size) {
  while (size > 0) {
    if (drbg->used == DRBG_POOL_SIZE) {
      enum avow_error error = refill(drbg);
      if (error != AVOW_OK)
        return error;
    }
    size_t left = DRBG_POOL_SIZE - drbg->used;
    size_t part = size < left ? size : left;
    memcpy(bytes, drbg->pool + drbg->used, part);
    memset(drbg->pool + drbg->used, 0, part);
    drbg->used += part;
    bytes += part;
    size -= part;
  }
  return AVOW_OK;
}
