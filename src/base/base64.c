// SPDX-License-Identifier: Apache-2.0
#include "base/base64.h"

#include "base/base64_impl.h"

#define A_TO_Z "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LETTERS A_TO_Z "abcdefghijklmnopqrstuvwxyz0123456789"

static const char letters[][65] = {
    [BASE64_STANDARD] = LETTERS "+/",
    [BASE64_URL] = LETTERS "-_",
};

/* The value of each letter plus one, so that what is left out is 0: no letter. */
#define UPPER                                                                                      \
  ['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6, ['G'] = 7, ['H'] = 8,          \
  ['I'] = 9, ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,   \
  ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,  \
  ['Y'] = 25, ['Z'] = 26
#define LOWER                                                                                      \
  ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34,  \
  ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42,  \
  ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49, ['x'] = 50,  \
  ['y'] = 51, ['z'] = 52
#define DIGITS                                                                                     \
  ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56, ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60,  \
  ['8'] = 61, ['9'] = 62

static const uint8_t values[][256] = {
    [BASE64_STANDARD] = {UPPER, LOWER, DIGITS, ['+'] = 63, ['/'] = 64},
    [BASE64_URL] = {UPPER, LOWER, DIGITS, ['-'] = 63, ['_'] = 64},
};

/* 0 to 63; more, with all bits set, for no letter. */
static uint32_t value_of(enum base64_alphabet alphabet, uint8_t letter) {
  return values[alphabet][letter] - 1u;
}

size_t base64_encoded_size(size_t size) {
  return (size / 3 + (size % 3 != 0)) * 4;
}

size_t base64_decoded_max(size_t size) {
  return size / 4 * 3;
}

void base64_encode_scalar(enum base64_alphabet alphabet, struct view bytes, char *text) {
  const char *letter = letters[alphabet];
  const uint8_t *from = bytes.data;
  size_t left = bytes.size;
  for (; left >= 3; left -= 3, from += 3) {
    uint32_t group = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
    *text++ = letter[group >> 18];
    *text++ = letter[group >> 12 & 63];
    *text++ = letter[group >> 6 & 63];
    *text++ = letter[group & 63];
  }
  if (left == 0)
    return;
  uint32_t group = (uint32_t)from[0] << 16 | (left == 2 ? (uint32_t)from[1] << 8 : 0);
  *text++ = letter[group >> 18];
  *text++ = letter[group >> 12 & 63];
  *text++ = left == 2 ? letter[group >> 6 & 63] : '=';
  *text++ = '=';
}

/* Decode four letters, which may be the last with their padding; 0 if they are not canonical. */
static size_t decode_last(enum base64_alphabet alphabet, const uint8_t *from, uint8_t *to) {
  size_t size = from[3] != '=' ? 3 : from[2] != '=' ? 2 : 1;
  uint32_t group = value_of(alphabet, from[0]) << 18 | value_of(alphabet, from[1]) << 12;
  uint32_t bad = value_of(alphabet, from[0]) | value_of(alphabet, from[1]);
  for (size_t i = 2; i <= size; i++) {
    group |= value_of(alphabet, from[i]) << (18 - 6 * i);
    bad |= value_of(alphabet, from[i]);
  }
  uint32_t unused = group & (0xffffffu >> (8 * size));
  if (bad > 63 || unused != 0)
    return 0;
  for (size_t i = 0; i < size; i++)
    to[i] = (uint8_t)(group >> (16 - 8 * i));
  return size;
}

enum avow_error base64_decode_scalar(enum base64_alphabet alphabet, struct view text,
                                     uint8_t *bytes, size_t *ret_size) {
  if (text.size % 4 != 0)
    return AVOW_MALFORMED;
  if (text.size == 0) {
    *ret_size = 0;
    return AVOW_OK;
  }
  const uint8_t *from = text.data;
  const uint8_t *last = text.data + text.size - 4;
  uint8_t *to = bytes;
  uint32_t bad = 0;
  for (; from < last; from += 4, to += 3) {
    uint32_t a = value_of(alphabet, from[0]), b = value_of(alphabet, from[1]);
    uint32_t c = value_of(alphabet, from[2]), d = value_of(alphabet, from[3]);
    uint32_t group = a << 18 | b << 12 | c << 6 | d;
    bad |= a | b | c | d;
    to[0] = (uint8_t)(group >> 16);
    to[1] = (uint8_t)(group >> 8);
    to[2] = (uint8_t)group;
  }
  size_t size = decode_last(alphabet, last, to);
  if (bad > 63 || size == 0)
    return AVOW_MALFORMED;
  *ret_size = (size_t)(to - bytes) + size;
  return AVOW_OK;
}

void base64_encode(enum base64_alphabet alphabet, struct view bytes, char *text) {
  size_t done = base64_encode_avx2(alphabet, bytes, text);
  if (done == bytes.size)
    return;
  struct view rest = view_of(bytes.data + done, bytes.size - done);
  base64_encode_scalar(alphabet, rest, text + done / 3 * 4);
}

enum avow_error base64_decode(enum base64_alphabet alphabet, struct view text, uint8_t *bytes,
                              size_t *ret_size) {
  if (text.size % 4 != 0)
    return AVOW_MALFORMED;
  size_t done = base64_decode_avx2(alphabet, text, bytes);
  if (done == 0)
    return base64_decode_scalar(alphabet, text, bytes, ret_size);
  struct view rest = view_of(text.data + done, text.size - done);
  size_t before = done / 4 * 3;
  size_t size;
  enum avow_error error = base64_decode_scalar(alphabet, rest, bytes + before, &size);
  if (error == AVOW_OK)
    *ret_size = before + size;
  return error;
}
