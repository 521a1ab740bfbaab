// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_BASE_BASE64_H
#define AVOW_BASE_BASE64_H

#include "base/bytes.h"

/* RFC 4648: section 4 (OpenSSH's files) and section 5 (Fernet).  Both always padded. */
enum base64_alphabet { BASE64_STANDARD, BASE64_URL };

/** base64_encoded_size(size): Return how many characters ${size} bytes become. */
size_t base64_encoded_size(size_t size);

/** base64_decoded_max(size): Return the most bytes that ${size} characters can hold. */
size_t base64_decoded_max(size_t size);

/**
 * base64_encode(alphabet, bytes, text):
 * Write base64_encoded_size(bytes.size) characters to ${text}; no NUL.  The bytes may be the last
 * of the room of ${text}: they are read before they are overwritten.
 */
void base64_encode(enum base64_alphabet alphabet, struct view bytes, char *text);

/**
 * base64_decode(alphabet, text, bytes, ret_size):
 * Decode into ${bytes}, which has room for base64_decoded_max(text.size), and set ${ret_size}.
 * Strict: canonical only (unused bits zero), exact padding, no white space, nothing after it.
 * Returns AVOW_MALFORMED otherwise; ${bytes} may then have been written to, ${ret_size} not.
 */
enum avow_error base64_decode(enum base64_alphabet alphabet, struct view text, uint8_t *bytes,
                              size_t *ret_size);

#endif
