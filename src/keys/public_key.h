// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_KEYS_PUBLIC_KEY_H
#define AVOW_KEYS_PUBLIC_KEY_H

#include "base/bytes.h"
#include "base/limits.h"
#include "crypto/ed25519.h"

/* "ssh-ed25519 " and 68 characters of base64, and a NUL. */
#define PUBLIC_KEY_TEXT_SIZE 81u
/* "SHA256:", 43 characters of base64 without padding, and a NUL. */
#define FINGERPRINT_SIZE 51u

/** public_key_encode(key, text): Write "ssh-ed25519 AAAA…" with a NUL. */
void public_key_encode(const uint8_t key[ED25519_PUBLIC_SIZE], char text[PUBLIC_KEY_TEXT_SIZE]);

/**
 * public_key_decode(line, key, comment):
 * Read "ssh-ed25519 AAAA… comment", with any blanks around the fields and an optional newline (LF
 * or CRLF) at the end.  ${comment} of AVOW_NAME_SIZE gets the rest, cut to fit, not escaped.  It
 * may be NULL.  Returns AVOW_KEY_TYPE for another key type, AVOW_MALFORMED.
 */
enum avow_error public_key_decode(struct view line, uint8_t key[ED25519_PUBLIC_SIZE],
                                  char *comment);

/** fingerprint(key, text): Write "SHA256:…" as `ssh-keygen -l` prints it.  Returns AVOW_NO_MEMORY,
 * AVOW_CRYPTO. */
enum avow_error fingerprint(const uint8_t key[ED25519_PUBLIC_SIZE], char text[FINGERPRINT_SIZE]);

#endif
