// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_CRYPTO_LANES_H
#define AVOW_CRYPTO_LANES_H

#include "crypto/hash.h"

/* SHA-512 of several texts side by side, one in each lane of the processor's vector registers.  For
 * hash.c only: hash_texts says when it pays. */
struct lanes;

/** LANES_TEXT_MAX: A lane takes no longer text. */
#define LANES_TEXT_MAX 65000u

/** lanes_new(): Return NULL where they do not pay on this processor, or there is no memory. */
struct lanes *lanes_new(void);

/** lanes_free(lanes): NULL is fine. */
void lanes_free(struct lanes *lanes);

/** lanes_size(): Return the bytes that lanes_new takes. */
size_t lanes_size(void);

/** lanes_sha512(lanes, texts, count, digests): Of each text.  Returns AVOW_CRYPTO. */
enum avow_error lanes_sha512(struct lanes *lanes, const struct view *texts, size_t count,
                             uint8_t (*digests)[SHA512_SIZE]);

#endif
