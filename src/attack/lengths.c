// SPDX-License-Identifier: Apache-2.0
#include "attack/lengths.h"

#include "base/base64.h"
#include "wire/sealed.h"

/* Before the messages of an envelope: kind, direction, three numbers, count; and in tls mode what
 * bob signs. */
#define ENVELOPE_HEAD 28u
#define ENVELOPE_PROOF 128u
/* Of a token: version, time and IV before the ciphertext, the HMAC behind it. */
#define TOKEN_AROUND (1u + 8u + 16u + 32u)
#define BLOCK 16u

/* How many characters the token of a text has. */
static size_t token_size_of(size_t text_size, bool proven, bool padded) {
  size_t plain = ENVELOPE_HEAD + (proven ? ENVELOPE_PROOF : 0) + message_size(text_size);
  if (padded)
    plain = padme_size(plain);
  return base64_encoded_size(TOKEN_AROUND + (plain / BLOCK + 1) * BLOCK);
}

/* The first text size whose token has at least ${token_size} characters. */
static size_t first_of(size_t token_size, bool proven, bool padded) {
  size_t low = 0, high = AVOW_TEXT_MAX + 1;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (token_size_of(middle, proven, padded) < token_size)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

bool lengths_of(size_t token_size, bool proven, bool padded, size_t *ret_least, size_t *ret_most) {
  size_t least = first_of(token_size, proven, padded),
         over = first_of(token_size + 1, proven, padded);
  if (least >= over)
    return false;
  *ret_least = least;
  *ret_most = over - 1;
  return true;
}
