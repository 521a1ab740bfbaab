// SPDX-License-Identifier: Apache-2.0
#include "base/base64_impl.h"

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

/* After Wojciech Mula and Daniel Lemire, "Faster Base64 Encoding and Decoding using AVX2
 * Instructions" (ACM TWEB 12(3), 2018).  An AVX2 register is two lanes of 16 bytes, and byte
 * shuffles stay within a lane: so each lane holds 12 bytes, or the 16 letters that stand for them.
 * No load or branch depends on the value of a byte, but for the one that finds a wrong letter. */

#define AVX2 __attribute__((target("avx2")))

static const char letter_62[] = {[BASE64_STANDARD] = '+', [BASE64_URL] = '-'};
static const char letter_63[] = {[BASE64_STANDARD] = '/', [BASE64_URL] = '_'};

/* The same 16 bytes in both lanes, first byte first. */
#define BOTH_LANES(...) _mm256_setr_epi8(__VA_ARGS__, __VA_ARGS__)

/* 12 bytes at the start of each lane -> 32 values of 6 bits. */
AVX2 static inline __m256i split(__m256i bytes) {
  /* Each three bytes a b c become one 32-bit word of the bytes b a c b, which holds the four values
   * at the bits 10, 4, 22, 16; two multiplications shift all of them into place. */
  __m256i words =
      _mm256_shuffle_epi8(bytes, BOTH_LANES(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10));
  __m256i first_third = _mm256_mulhi_epu16(_mm256_and_si256(words, _mm256_set1_epi32(0x0fc0fc00)),
                                           _mm256_set1_epi32(0x04000040));
  __m256i second_fourth = _mm256_mullo_epi16(_mm256_and_si256(words, _mm256_set1_epi32(0x003f03f0)),
                                             _mm256_set1_epi32(0x01000010));
  return _mm256_or_si256(first_third, second_fourth);
}

/* The way back; the last 4 bytes of each lane are 0. */
AVX2 static inline __m256i join(__m256i values) {
  __m256i twelve_bits = _mm256_maddubs_epi16(values, _mm256_set1_epi32(0x01400140));
  __m256i words = _mm256_madd_epi16(twelve_bits, _mm256_set1_epi32(0x00011000));
  return _mm256_shuffle_epi8(words,
                             BOTH_LANES(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1));
}

AVX2 static size_t encode(enum base64_alphabet alphabet, struct view bytes, char *text) {
  /* What to add to a value to get its letter: for 0..25, 26..51, each of 52..61, 62, and 63. */
  const char digit = '0' - 52;
  const __m256i shifts =
      BOTH_LANES('a' - 26, digit, digit, digit, digit, digit, digit, digit, digit, digit, digit,
                 (char)(letter_62[alphabet] - 62), (char)(letter_63[alphabet] - 63), 'A', 0, 0);
  size_t done = 0;
  for (; bytes.size - done >= 28; done += 24) { /* 28: the second load reads 4 bytes more */
    __m128i low = _mm_loadu_si128((const __m128i *)(bytes.data + done));
    __m128i high = _mm_loadu_si128((const __m128i *)(bytes.data + done + 12));
    __m256i values = split(_mm256_set_m128i(high, low));
    /* Which of ${shifts}: 0 for 26..51, 1..12 for 52..63, 13 for 0..25. */
    __m256i which = _mm256_subs_epu8(values, _mm256_set1_epi8(51));
    __m256i upper = _mm256_cmpgt_epi8(_mm256_set1_epi8(26), values);
    which = _mm256_or_si256(which, _mm256_and_si256(upper, _mm256_set1_epi8(13)));
    __m256i out = _mm256_add_epi8(values, _mm256_shuffle_epi8(shifts, which));
    _mm256_storeu_si256((__m256i *)(text + done / 3 * 4), out);
  }
  return done;
}

/* Letters by their upper four bits: 2 is '+', '-' or '/', 3 the digits, 4 and 6 A to O and a to o,
 * 5 and 7 P to Z and p to z, with '_' in 5.  Each of these rows has its bit in ${rows}; ${wrong}
 * has, for each lower four bits, the bits of the rows in which they make no letter.  The bit 0x10
 * is for rows without letters. */
#define ROWS                                                                                       \
  0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x20, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10
#define WRONG_0_TO_A 0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x13
#define WRONG_STANDARD WRONG_0_TO_A, 0x3a, 0x3b, 0x3b, 0x3b, 0x3a
#define WRONG_URL WRONG_0_TO_A, 0x3b, 0x3b, 0x3a, 0x3b, 0x33

AVX2 static size_t decode(enum base64_alphabet alphabet, struct view text, uint8_t *bytes) {
  const char c62 = letter_62[alphabet], c63 = letter_63[alphabet];
  const __m256i rows = BOTH_LANES(ROWS);
  const __m256i wrong = alphabet == BASE64_URL ? BOTH_LANES(WRONG_URL) : BOTH_LANES(WRONG_STANDARD);
  /* What to add to a letter to get its value, by its row; the letter 63 is in a row 8 further on.
   */
  const char s62 = (char)(62 - c62), s63 = (char)(63 - c63);
  const __m256i shifts =
      BOTH_LANES(0, 0, s62, 52 - '0', -'A', -'A', 26 - 'a', 26 - 'a', 0, 0, s63, 0, 0, s63, 0, 0);
  const __m256i low_bits = _mm256_set1_epi8(15);
  size_t done = 0;
  /* 48: the store writes 8 bytes past its 24, for which 16 more letters give the room. */
  for (; text.size - done >= 48; done += 32) {
    __m256i letter = _mm256_loadu_si256((const __m256i *)(text.data + done));
    __m256i high = _mm256_and_si256(_mm256_srli_epi16(letter, 4), low_bits);
    __m256i low = _mm256_and_si256(letter, low_bits);
    if (!_mm256_testz_si256(_mm256_shuffle_epi8(rows, high), _mm256_shuffle_epi8(wrong, low)))
      break;
    __m256i is_63 = _mm256_cmpeq_epi8(letter, _mm256_set1_epi8(c63));
    __m256i row = _mm256_add_epi8(high, _mm256_and_si256(is_63, _mm256_set1_epi8(8)));
    __m256i joined = join(_mm256_add_epi8(letter, _mm256_shuffle_epi8(shifts, row)));
    __m256i packed = _mm256_permutevar8x32_epi32(joined, _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7));
    _mm256_storeu_si256((__m256i *)(bytes + done / 4 * 3), packed);
  }
  return done;
}

size_t base64_encode_avx2(enum base64_alphabet alphabet, struct view bytes, char *text) {
  return __builtin_cpu_supports("avx2") ? encode(alphabet, bytes, text) : 0;
}

size_t base64_decode_avx2(enum base64_alphabet alphabet, struct view text, uint8_t *bytes) {
  return __builtin_cpu_supports("avx2") ? decode(alphabet, text, bytes) : 0;
}

#else

size_t base64_encode_avx2(enum base64_alphabet alphabet, struct view bytes, char *text) {
  (void)alphabet, (void)bytes, (void)text;
  return 0;
}

size_t base64_decode_avx2(enum base64_alphabet alphabet, struct view text, uint8_t *bytes) {
  (void)alphabet, (void)text, (void)bytes;
  return 0;
}

#endif
