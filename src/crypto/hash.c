// SPDX-License-Identifier: Apache-2.0
#include "crypto/hash.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "crypto/lanes.h"

/* Lanes pay for so many texts at a time; and to make them, only where there are many to come. */
#define LANES_LEAST 4u
#define LANES_AFTER 1000u

/* One context for each function: one that changes its function gives its memory back each time. */
struct hash {
  EVP_MD_CTX *sha256;
  EVP_MD_CTX *sha512;
  struct lanes *lanes; /* NULL until they are wanted */
  bool no_lanes;       /* there are none to be had */
  size_t texts;        /* that lanes could hash, since the last hash_trim */
};

static EVP_MD_CTX *context_new(const EVP_MD *function) {
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  if (context != NULL && EVP_DigestInit_ex(context, function, NULL) != 1) {
    EVP_MD_CTX_free(context);
    context = NULL;
  }
  return context;
}

enum avow_error hash_new(struct hash **ret) {
  struct hash *hash = calloc(1, sizeof *hash);
  if (hash == NULL)
    return AVOW_NO_MEMORY;
  hash->sha256 = context_new(EVP_sha256());
  hash->sha512 = context_new(EVP_sha512());
  if (hash->sha256 == NULL || hash->sha512 == NULL) {
    hash_free(hash);
    return AVOW_CRYPTO;
  }
  *ret = hash;
  return AVOW_OK;
}

void hash_free(struct hash *hash) {
  if (hash == NULL)
    return;
  EVP_MD_CTX_free(hash->sha256);
  EVP_MD_CTX_free(hash->sha512);
  lanes_free(hash->lanes);
  free(hash);
}

static enum avow_error digest_of(EVP_MD_CTX *context, struct view bytes, uint8_t *digest) {
  if (EVP_DigestInit_ex(context, NULL, NULL) != 1 ||
      EVP_DigestUpdate(context, bytes.data, bytes.size) != 1 ||
      EVP_DigestFinal_ex(context, digest, NULL) != 1)
    return AVOW_CRYPTO;
  return AVOW_OK;
}

enum avow_error hash_sha256(struct hash *hash, struct view bytes, uint8_t digest[SHA256_SIZE]) {
  return digest_of(hash->sha256, bytes, digest);
}

enum avow_error hash_sha512(struct hash *hash, struct view bytes, uint8_t digest[SHA512_SIZE]) {
  return digest_of(hash->sha512, bytes, digest);
}

/* Whether lanes are to hash these texts. */
static bool in_lanes(struct hash *hash, const struct view *texts, size_t count) {
  if (count < LANES_LEAST)
    return false;
  for (size_t i = 0; i < count; i++)
    if (texts[i].size > LANES_TEXT_MAX)
      return false;
  hash->texts += count;
  if (hash->lanes == NULL && hash->texts > LANES_AFTER && !hash->no_lanes) {
    hash->lanes = lanes_new();
    hash->no_lanes = hash->lanes == NULL;
  }
  return hash->lanes != NULL;
}

enum avow_error hash_texts(struct hash *hash, const struct view *texts, size_t count,
                           uint8_t (*digests)[SHA512_SIZE]) {
  if (in_lanes(hash, texts, count))
    return lanes_sha512(hash->lanes, texts, count, digests);
  enum avow_error error = AVOW_OK;
  for (size_t i = 0; i < count && error == AVOW_OK; i++)
    error = hash_sha512(hash, texts[i], digests[i]);
  return error;
}

size_t hash_memory(const struct hash *hash) {
  return hash->lanes != NULL ? lanes_size() : 0;
}

void hash_trim(struct hash *hash) {
  lanes_free(hash->lanes);
  hash->lanes = NULL;
  hash->texts = 0;
}

struct digest {
  EVP_MD_CTX *stream;
  EVP_MD_CTX *copy; /* that is finished in its place */
};

enum avow_error digest_new(struct digest **ret) {
  struct digest *digest = calloc(1, sizeof *digest);
  if (digest == NULL)
    return AVOW_NO_MEMORY;
  digest->stream = context_new(EVP_sha256());
  digest->copy = context_new(EVP_sha256());
  if (digest->stream == NULL || digest->copy == NULL) {
    digest_free(digest);
    return AVOW_CRYPTO;
  }
  *ret = digest;
  return AVOW_OK;
}

void digest_free(struct digest *digest) {
  if (digest == NULL)
    return;
  EVP_MD_CTX_free(digest->stream);
  EVP_MD_CTX_free(digest->copy);
  free(digest);
}

enum avow_error digest_add(struct digest *digest, struct view bytes) {
  return EVP_DigestUpdate(digest->stream, bytes.data, bytes.size) == 1 ? AVOW_OK : AVOW_CRYPTO;
}

enum avow_error digest_value(struct digest *digest, uint8_t value[SHA256_SIZE]) {
  if (EVP_MD_CTX_copy_ex(digest->copy, digest->stream) != 1 ||
      EVP_DigestFinal_ex(digest->copy, value, NULL) != 1)
    return AVOW_CRYPTO;
  return AVOW_OK;
}
