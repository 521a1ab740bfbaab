// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_BASE_BASE64_IMPL_H
#define AVOW_BASE_BASE64_IMPL_H

#include "base/base64.h"

/* Private to base64*.c and their test.  The scalar code does every input on any machine; the vector
 * code does a prefix of it, and the scalar code the rest, so all rules about the end of a text and
 * about errors stand in one place. */

/** base64_encode_scalar(alphabet, bytes, text): base64_encode without vectors. */
void base64_encode_scalar(enum base64_alphabet alphabet, struct view bytes, char *text);

/** base64_decode_scalar(alphabet, text, bytes, ret_size): base64_decode without vectors. */
enum avow_error base64_decode_scalar(enum base64_alphabet alphabet, struct view text,
                                     uint8_t *bytes, size_t *ret_size);

/**
 * base64_encode_avx2(alphabet, bytes, text):
 * Encode a prefix of ${bytes}, as base64_encode does, and return its size: a multiple of 24, and 0
 * on a processor without AVX2.
 */
size_t base64_encode_avx2(enum base64_alphabet alphabet, struct view bytes, char *text);

/**
 * base64_decode_avx2(alphabet, text, bytes):
 * Decode a prefix of ${text} and return its size: a multiple of 32, and 0 on a processor without
 * AVX2.  Stops before the first 32 characters that are not all letters of the alphabet, and before
 * the last 16 in any case, so it never meets a rightful '='.  ${bytes} as for base64_decode.
 */
size_t base64_decode_avx2(enum base64_alphabet alphabet, struct view text, uint8_t *bytes);

#endif
