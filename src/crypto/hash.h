// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_CRYPTO_HASH_H
#define AVOW_CRYPTO_HASH_H

#include "base/bytes.h"

#define SHA256_SIZE 32u
#define SHA512_SIZE 64u

/* One reusable hashing context: re-initialising costs half of what a one-shot call does. */
struct hash;

/** hash_new(ret): Returns AVOW_NO_MEMORY, AVOW_CRYPTO. */
enum avow_error hash_new(struct hash **ret);

/** hash_free(hash): NULL is fine. */
void hash_free(struct hash *hash);

/** hash_sha256(hash, bytes, digest), hash_sha512(…): FIPS 180-4.  Returns AVOW_CRYPTO. */
enum avow_error hash_sha256(struct hash *hash, struct view bytes, uint8_t digest[SHA256_SIZE]);
enum avow_error hash_sha512(struct hash *hash, struct view bytes, uint8_t digest[SHA512_SIZE]);

/**
 * hash_texts(hash, texts, count, digests):
 * hash_sha512 of each text; where the processor can, and it pays, side by side.  Returns
 * AVOW_CRYPTO.
 */
enum avow_error hash_texts(struct hash *hash, const struct view *texts, size_t count,
                           uint8_t (*digests)[SHA512_SIZE]);

/** hash_memory(hash): Return the bytes that hash_texts keeps. */
size_t hash_memory(const struct hash *hash);

/** hash_trim(hash): Give them back, until the next time. */
void hash_trim(struct hash *hash);

/* SHA-256 over a stream, whose value so far can be asked for at any time. */
struct digest;

/** digest_new(ret): Of nothing yet.  Returns AVOW_NO_MEMORY, AVOW_CRYPTO. */
enum avow_error digest_new(struct digest **ret);

/** digest_free(digest): NULL is fine. */
void digest_free(struct digest *digest);

/** digest_add(digest, bytes): The stream goes on.  Returns AVOW_CRYPTO. */
enum avow_error digest_add(struct digest *digest, struct view bytes);

/** digest_value(digest, value): The hash of all so far; the stream can go on.  Returns AVOW_CRYPTO.
 */
enum avow_error digest_value(struct digest *digest, uint8_t value[SHA256_SIZE]);

#endif
