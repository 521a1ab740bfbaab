// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_CRYPTO_HMAC_H
#define AVOW_CRYPTO_HMAC_H

#include "base/bytes.h"

/* HMAC-SHA256 (RFC 2104, FIPS 198-1) under one key.  One struct serves one thread. */
#define HMAC_SIZE 32u
#define HMAC_KEY_MAX 64u /* a block of SHA-256; longer keys are not supported */

struct hmac;

/** hmac_new(ret, key): Returns AVOW_TOO_LONG over HMAC_KEY_MAX, AVOW_NO_MEMORY, AVOW_CRYPTO. */
enum avow_error hmac_new(struct hmac **ret, struct view key);

/** hmac_free(hmac): Wipe and free; NULL is fine. */
void hmac_free(struct hmac *hmac);

/** hmac_tag(hmac, first, second, tag): The tag of both, one after the other.  Returns AVOW_CRYPTO.
 */
enum avow_error hmac_tag(struct hmac *hmac, struct view first, struct view second,
                         uint8_t tag[HMAC_SIZE]);

#endif
