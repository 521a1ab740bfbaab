// SPDX-License-Identifier: Apache-2.0
#include "crypto/cbc.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"

#define UPDATE_MAX ((size_t)1 << 30) /* the library counts in int; a multiple of the block */

struct cbc {
  EVP_CIPHER_CTX *encrypt;
  EVP_CIPHER_CTX *decrypt;
};

static EVP_CIPHER_CTX *context_new(const uint8_t *key, int encrypt) {
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
  if (context != NULL &&
      (EVP_CipherInit_ex(context, EVP_aes_128_cbc(), NULL, key, NULL, encrypt) != 1 ||
       EVP_CIPHER_CTX_set_padding(context, 0) != 1)) {
    EVP_CIPHER_CTX_free(context);
    context = NULL;
  }
  return context;
}

enum avow_error cbc_new(struct cbc **ret, const uint8_t key[CBC_KEY_SIZE]) {
  struct cbc *cbc = calloc(1, sizeof *cbc);
  if (cbc == NULL)
    return AVOW_NO_MEMORY;
  cbc->encrypt = context_new(key, 1);
  cbc->decrypt = context_new(key, 0);
  if (cbc->encrypt == NULL || cbc->decrypt == NULL) {
    cbc_free(cbc);
    return AVOW_CRYPTO;
  }
  *ret = cbc;
  return AVOW_OK;
}

void cbc_free(struct cbc *cbc) {
  if (cbc == NULL)
    return;
  EVP_CIPHER_CTX_free(cbc->encrypt); /* these wipe the key */
  EVP_CIPHER_CTX_free(cbc->decrypt);
  free(cbc);
}

size_t cbc_padded_size(size_t size) {
  return size - size % CBC_BLOCK_SIZE + CBC_BLOCK_SIZE;
}

/* Whole blocks through a context, which goes on from the block it saw last. */
static bool update(EVP_CIPHER_CTX *context, uint8_t *to, const uint8_t *from, size_t size) {
  while (size > 0) {
    int part = (int)(size < UPDATE_MAX ? size : UPDATE_MAX);
    int written;
    if (EVP_CipherUpdate(context, to, &written, from, part) != 1 || written != part)
      return false;
    to += part;
    from += part;
    size -= (size_t)part;
  }
  return true;
}

enum avow_error cbc_encrypt(struct cbc *cbc, const uint8_t iv[CBC_BLOCK_SIZE], struct view plain,
                            uint8_t *cipher) {
  size_t rest = plain.size % CBC_BLOCK_SIZE;
  size_t whole = plain.size - rest;
  uint8_t last[CBC_BLOCK_SIZE];
  memset(last, (int)(CBC_BLOCK_SIZE - rest), sizeof last);
  if (rest > 0)
    memcpy(last, plain.data + whole, rest);
  bool done = EVP_CipherInit_ex(cbc->encrypt, NULL, NULL, NULL, iv, -1) == 1 &&
              update(cbc->encrypt, cipher, plain.data, whole) &&
              update(cbc->encrypt, cipher + whole, last, sizeof last);
  secret_wipe(last, sizeof last);
  return done ? AVOW_OK : AVOW_CRYPTO;
}

/* The size of the padding at the end of whole blocks, 0 if it is wrong. */
static size_t padding_of(const uint8_t *bytes, size_t size) {
  size_t padding = bytes[size - 1];
  if (padding > CBC_BLOCK_SIZE)
    return 0;
  for (size_t i = 2; i <= padding; i++)
    if (bytes[size - i] != padding)
      return 0;
  return padding;
}

enum avow_error cbc_decrypt(struct cbc *cbc, const uint8_t iv[CBC_BLOCK_SIZE], uint8_t *bytes,
                            size_t size, size_t *ret_size) {
  if (size == 0 || size % CBC_BLOCK_SIZE != 0) {
    secret_wipe(bytes, size);
    return AVOW_MALFORMED;
  }
  /* A block decrypts to something that depends on the block before it only.  So instead of giving
   * the context a new IV, which costs 60 ns, let it decrypt the IV as a block and forget the
   * result. */
  uint8_t forgotten[CBC_BLOCK_SIZE];
  bool done = update(cbc->decrypt, forgotten, iv, sizeof forgotten) &&
              update(cbc->decrypt, bytes, bytes, size);
  secret_wipe(forgotten, sizeof forgotten);
  size_t padding = done ? padding_of(bytes, size) : 0;
  if (padding == 0) {
    secret_wipe(bytes, size);
    return done ? AVOW_MALFORMED : AVOW_CRYPTO;
  }
  secret_wipe(bytes + size - padding, padding);
  *ret_size = size - padding;
  return AVOW_OK;
}
