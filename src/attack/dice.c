// SPDX-License-Identifier: Apache-2.0
#include "attack/dice.h"

#include "base/base64.h"
#include "wire/frame.h"

/* Version, time, IV, one block, HMAC: the shortest token. */
#define TOKEN_BYTES_MIN 73u
#define TOKEN_VERSION 0x80

uint64_t dice_roll(struct dice *dice) {
  uint64_t z = dice->state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

uint64_t dice_below(struct dice *dice, uint64_t limit) {
  return dice_roll(dice) % limit;
}

bool dice_percent(struct dice *dice, uint64_t percent) {
  return percent >= 100 || dice_below(dice, 100) < percent;
}

enum avow_error dice_token(struct dice *dice, struct buf *out, size_t size) {
  size_t bytes = TOKEN_BYTES_MIN;
  while (base64_encoded_size(bytes) < size && base64_encoded_size(bytes + 16) <= AVOW_TOKEN_MAX)
    bytes += 16;
  uint8_t *to;
  size_t text = base64_encoded_size(bytes);
  enum avow_error error = frame_reserve(out, FRAME_TOKEN, text, &to);
  if (error != AVOW_OK)
    return error;
  /* base64_encode takes bytes that are the last of the room of their text. */
  uint8_t *raw = to + text - bytes;
  for (size_t i = 0; i < bytes; i++)
    raw[i] = (uint8_t)dice_roll(dice);
  raw[0] = TOKEN_VERSION;
  base64_encode(BASE64_URL, view_of(raw, bytes), (char *)to);
  return AVOW_OK;
}
