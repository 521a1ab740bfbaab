// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_CRYPTO_CBC_H
#define AVOW_CRYPTO_CBC_H

#include "base/bytes.h"

/* AES-128 in CBC mode (NIST SP 800-38A) with PKCS #7 padding (RFC 5652, 6.3) under one key.  CBC
 * authenticates nothing: verify a tag first.  One struct serves one thread. */
#define CBC_KEY_SIZE 16u
#define CBC_BLOCK_SIZE 16u

struct cbc;

/** cbc_new(ret, key): ${key} is not kept in the clear.  Returns AVOW_NO_MEMORY, AVOW_CRYPTO. */
enum avow_error cbc_new(struct cbc **ret, const uint8_t key[CBC_KEY_SIZE]);

/** cbc_free(cbc): Wipe and free; NULL is fine. */
void cbc_free(struct cbc *cbc);

/** cbc_padded_size(size): Return the size of ${size} bytes with their padding, 1 to 16 more. */
size_t cbc_padded_size(size_t size);

/**
 * cbc_encrypt(cbc, iv, plain, cipher):
 * Write cbc_padded_size(plain.size) bytes to ${cipher}, which does not overlap ${plain}.  Returns
 * AVOW_CRYPTO; ${cipher} may then have been written to.
 */
enum avow_error cbc_encrypt(struct cbc *cbc, const uint8_t iv[CBC_BLOCK_SIZE], struct view plain,
                            uint8_t *cipher);

/**
 * cbc_decrypt(cbc, iv, bytes, size, ret_size):
 * Decrypt ${size} bytes in place, and set ${ret_size} to how many are left without the padding; the
 * rest is wiped.  Returns AVOW_MALFORMED if ${size} is no positive multiple of 16 or the padding is
 * wrong, AVOW_CRYPTO; all of ${bytes} is then wiped.
 */
enum avow_error cbc_decrypt(struct cbc *cbc, const uint8_t iv[CBC_BLOCK_SIZE], uint8_t *bytes,
                            size_t size, size_t *ret_size);

#endif
