// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_FERNET_FERNET_H
#define AVOW_FERNET_FERNET_H

#include "base/bytes.h"

/* Fernet, the public specification (github.com/fernet/spec, version 0x80): AES-128-CBC with PKCS #7
 * padding, HMAC-SHA256 over all before it, base64url with padding.  The clock and the IV are passed
 * in.  One struct serves one thread. */

#define FERNET_KEY_SIZE 32u      /* 16 bytes to sign, 16 to encrypt */
#define FERNET_KEY_TEXT_SIZE 45u /* 44 characters and a NUL */
#define FERNET_IV_SIZE 16u

struct fernet;

/** fernet_new(ret, key): ${key} is not kept in the clear.  Returns AVOW_NO_MEMORY, AVOW_CRYPTO. */
enum avow_error fernet_new(struct fernet **ret, const uint8_t key[FERNET_KEY_SIZE]);

/** fernet_free(fernet): Wipe and free; NULL is fine. */
void fernet_free(struct fernet *fernet);

/** fernet_token_size(size): Return the characters of a token over ${size} bytes. */
size_t fernet_token_size(size_t size);

/** fernet_message_max(token_size): Return the room that decrypting such a token needs. */
size_t fernet_message_max(size_t token_size);

/**
 * fernet_encrypt(fernet, time_s, iv, message, token):
 * Write the token of ${message}, made at ${time_s} seconds since 1970, to ${token}, which has
 * fernet_token_size(message.size) bytes; no NUL.  ${iv} must be unpredictable and never used twice
 * with this key.  ${message} does not overlap ${token}.  Returns AVOW_CRYPTO; ${token} may then
 * have been written to, but not with anything of the message in the clear.
 */
enum avow_error fernet_encrypt(struct fernet *fernet, uint64_t time_s,
                               const uint8_t iv[FERNET_IV_SIZE], struct view message,
                               uint8_t *token);

/* What the reader's clock says of a token's time.  A zeroed one accepts any time; ${check} and
 * ${ttl_s} work each by itself. */
struct fernet_time {
  bool check;     /* refuse more than 60 s in the future */
  uint64_t now_s; /* seconds since 1970 */
  uint64_t ttl_s; /* refuse what is older than this; 0: any age */
};

/**
 * fernet_decrypt(fernet, token, time, message, ret_size):
 * Verify ${token}, then decrypt it into ${message}, which has room for
 * fernet_message_max(token.size), and set ${ret_size}.
 * Order: length, base64url (strict, canonical), version, HMAC in constant time, time, padding.
 * Returns AVOW_NOT_AUTHENTIC for whatever makes a token not verify (one error for all),
 * AVOW_EXPIRED if it verifies but ${time} refuses it, AVOW_CRYPTO.  On failure ${ret_size} is
 * untouched and ${message} holds nothing of the plaintext.
 */
enum avow_error fernet_decrypt(struct fernet *fernet, struct view token, struct fernet_time time,
                               uint8_t *message, size_t *ret_size);

/** fernet_key_encode(key, text): Write the key as the specification does, with a NUL. */
void fernet_key_encode(const uint8_t key[FERNET_KEY_SIZE], char text[FERNET_KEY_TEXT_SIZE]);

/** fernet_key_decode(text, key): The way back.  Returns AVOW_MALFORMED. */
enum avow_error fernet_key_decode(struct view text, uint8_t key[FERNET_KEY_SIZE]);

#endif
