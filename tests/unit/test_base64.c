// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs those before it */
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64_impl.h"

#define LONGEST 300u

static const enum base64_alphabet alphabets[] = {BASE64_STANDARD, BASE64_URL};

/* A decoder of another make, to compare with: slow, and one bit after the other. */
static enum avow_error reference_decode(enum base64_alphabet alphabet, struct view text,
                                        uint8_t *bytes, size_t *ret_size) {
  const char *letters = alphabet == BASE64_URL
                            ? "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
                            : "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  size_t length = text.size, bits = 0, size = 0;
  unsigned pending = 0;
  if (length % 4 != 0)
    return AVOW_MALFORMED;
  for (int i = 0; i < 2 && length > 0 && text.data[length - 1] == '='; i++)
    length--;
  for (size_t i = 0; i < length; i++) {
    const char *at = text.data[i] == '\0' ? NULL : strchr(letters, text.data[i]);
    if (at == NULL)
      return AVOW_MALFORMED;
    pending = (pending << 6 | (unsigned)(at - letters)) & 0xfff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[size++] = (uint8_t)(pending >> bits);
    }
  }
  if (bits == 6 || (pending & ((1u << bits) - 1)) != 0)
    return AVOW_MALFORMED;
  *ret_size = size;
  return AVOW_OK;
}

/* Check that base64_decode and its scalar half say the same of ${text} as the reference, and write
 * nothing past their room.  Returns whether the text is good. */
static bool check_text(enum base64_alphabet alphabet, struct view text) {
  size_t room = base64_decoded_max(text.size);
  uint8_t expected[LONGEST * 4 / 3 + 8];
  size_t expected_size = 12345;
  enum avow_error error = reference_decode(alphabet, text, expected, &expected_size);
  for (int scalar = 0; scalar < 2; scalar++) {
    /* Exactly the room promised, so that a sanitizer sees any step beyond. */
    uint8_t *bytes = malloc(room + 1);
    assert_non_null(bytes);
    bytes[room] = 0xa5;
    size_t size = 12345;
    enum avow_error got = scalar ? base64_decode_scalar(alphabet, text, bytes, &size)
                                 : base64_decode(alphabet, text, bytes, &size);
    assert_int_equal(got, error);
    assert_int_equal(size, expected_size); /* untouched on failure */
    if (error == AVOW_OK)
      assert_memory_equal(bytes, expected, size);
    assert_int_equal(bytes[room], 0xa5);
    free(bytes);
  }
  return error == AVOW_OK;
}

static void fill(uint8_t *bytes, size_t size, uint32_t seed) {
  for (size_t i = 0; i < size; i++) {
    seed = seed * 1664525u + 1013904223u;
    bytes[i] = (uint8_t)(seed >> 24);
  }
}

/* Goal: the vectors of RFC 4648, section 10, come out both ways. */
static void test_rfc4648(void **state) {
  (void)state;
  static const struct {
    const char *bytes, *text;
  } vectors[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
  };
  for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
    for (size_t a = 0; a < 2; a++) {
      struct view bytes = view_text(vectors[i].bytes), expected = view_text(vectors[i].text);
      char text[16];
      assert_int_equal(base64_encoded_size(bytes.size), expected.size);
      base64_encode(alphabets[a], bytes, text);
      assert_memory_equal(text, expected.data, expected.size);
      uint8_t decoded[16];
      size_t size;
      assert_int_equal(base64_decode(alphabets[a], expected, decoded, &size), AVOW_OK);
      assert_true(view_equal(view_of(decoded, size), bytes));
    }
}

/* Goal: the two alphabets differ in the letters 62 and 63, and neither takes the other's. */
static void test_alphabets(void **state) {
  (void)state;
  const struct view bytes = view_of("\xfb\xff\xbf", 3);
  char text[4];
  base64_encode(BASE64_STANDARD, bytes, text);
  assert_memory_equal(text, "+/+/", 4);
  base64_encode(BASE64_URL, bytes, text);
  assert_memory_equal(text, "-_-_", 4);
  assert_true(check_text(BASE64_STANDARD, view_text("+/+/")));
  assert_true(check_text(BASE64_URL, view_text("-_-_")));
  assert_false(check_text(BASE64_URL, view_text("+/+/")));
  assert_false(check_text(BASE64_STANDARD, view_text("-_-_")));
}

/* Goal: what lax decoders let through is refused: white space, missing, too much or early padding,
 * trailing data, unused bits that are set. */
static void test_not_canonical(void **state) {
  (void)state;
  static const char *const bad[] = {
      "Z",        "Zg",      "Zg=",      "Zg===",    "Zm9vYg=", "Zm9v====", "====",
      "Z===",     "=Zg=",    "Zg==Zg==", "Zg==\n",   " Zg==",   "Zm 9",     "Zm9v\n\n\n\n",
      "Zh==",     "Zm9=",    "Zm9vYh==", "Zm9vYmF=", "Zg=g",    "Zm9v=m9v", "Zm9vZg==Zm9v",
      "Zm9v\x80", "\xdam9v", "Zm9v====", "Zg==A",    "Zg==AAA",
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    for (size_t a = 0; a < 2; a++)
      assert_false(check_text(alphabets[a], view_text(bad[i])));
  assert_false(check_text(BASE64_URL, view_of("Zg\0=", 4)));
}

/* Goal: of all 256 values of each character of a short text, exactly the canonical ones pass, at
 * every kind of end.  "Zg==" stays good with 64 first letters, 4 second ones (unused bits zero),
 * '=' or 16 letters as the third, '=' as the last: 86.  "Zm8=": 64 + 64 + 16 + 65.  "Zm9v": 4 * 64.
 */
static void test_every_character(void **state) {
  (void)state;
  static const struct {
    const char *text;
    size_t good;
  } cases[] = {
      {"Zg==", 86},           {"Zm8=", 209},           {"Zm9v", 256},
      {"Zm9vZg==", 256 + 86}, {"Zm9vZm8=", 256 + 209}, {"Zm9vZm9v", 256 + 256},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (size_t a = 0; a < 2; a++) {
      uint8_t text[8];
      size_t size = strlen(cases[i].text), good = 0;
      memcpy(text, cases[i].text, size);
      for (size_t at = 0; at < size; at++) {
        for (unsigned value = 0; value < 256; value++) {
          text[at] = (uint8_t)value;
          good += check_text(alphabets[a], view_of(text, size));
        }
        text[at] = (uint8_t)cases[i].text[at];
      }
      assert_int_equal(good, cases[i].good);
    }
}

/* Goal: at all lengths the vector code and the scalar code give the same letters, write nothing
 * past them, and decode to the bytes again. */
static void test_all_lengths(void **state) {
  (void)state;
  uint8_t bytes[LONGEST];
  for (size_t size = 0; size <= LONGEST; size++)
    for (size_t a = 0; a < 2; a++) {
      fill(bytes, size, (uint32_t)size);
      size_t text_size = base64_encoded_size(size);
      char *fast = malloc(text_size + 1), *scalar = malloc(text_size + 1);
      uint8_t *exact = malloc(size + 1); /* no byte to read beyond the input, for a sanitizer */
      assert_true(fast != NULL && scalar != NULL && exact != NULL);
      memcpy(exact + 1, bytes, size);
      fast[text_size] = scalar[text_size] = '#';
      base64_encode(alphabets[a], view_of(exact + 1, size), fast);
      base64_encode_scalar(alphabets[a], view_of(exact + 1, size), scalar);
      assert_memory_equal(fast, scalar, text_size + 1);
      assert_int_equal(fast[text_size], '#');
      assert_true(check_text(alphabets[a], view_of(fast, text_size)));
      free(fast);
      free(scalar);
      free(exact);
    }
}

/* Goal: the bytes may stand at the end of the text's room, at all lengths. */
static void test_in_place(void **state) {
  (void)state;
  uint8_t bytes[LONGEST];
  uint8_t apart[LONGEST * 4 / 3 + 4], room[sizeof apart];
  for (size_t size = 0; size <= LONGEST; size++) {
    fill(bytes, size, (uint32_t)size + 1000);
    size_t text_size = base64_encoded_size(size);
    base64_encode(BASE64_URL, view_of(bytes, size), (char *)apart);
    memcpy(room + text_size - size, bytes, size);
    base64_encode(BASE64_URL, view_of(room + text_size - size, size), (char *)room);
    assert_memory_equal(room, apart, text_size);
  }
}

/* Goal: the vector code gives each of the 64 letters in each of its 32 places, and knows it again.
 */
static void test_every_letter_everywhere(void **state) {
  (void)state;
  for (size_t a = 0; a < 2; a++)
    for (unsigned shift = 0; shift < 64; shift++) {
      uint8_t bytes[96], again[96];
      char text[128];
      for (size_t i = 0; i < 32; i++) {
        uint32_t group = 0;
        for (unsigned k = 0; k < 4; k++)
          group = group << 6 | ((shift + 4 * i + k) & 63);
        bytes[3 * i] = (uint8_t)(group >> 16);
        bytes[3 * i + 1] = (uint8_t)(group >> 8);
        bytes[3 * i + 2] = (uint8_t)group;
      }
      base64_encode(alphabets[a], view_of(bytes, sizeof bytes), text);
      size_t size;
      assert_int_equal(reference_decode(alphabets[a], view_of(text, sizeof text), again, &size),
                       AVOW_OK);
      assert_memory_equal(again, bytes, sizeof bytes);
      assert_true(check_text(alphabets[a], view_of(text, sizeof text)));
    }
}

/* Goal: the vector code lets through no wrong byte in any place: of all 256 values in each place of
 * a text long enough for it, 64 pass. */
static void test_every_byte_everywhere(void **state) {
  (void)state;
  for (size_t a = 0; a < 2; a++) {
    uint8_t bytes[72], text[96];
    fill(bytes, sizeof bytes, 7);
    base64_encode(alphabets[a], view_of(bytes, sizeof bytes), (char *)text);
    for (size_t at = 0; at < sizeof text - 4; at++) {
      uint8_t before = text[at];
      size_t good = 0;
      for (unsigned value = 0; value < 256; value++) {
        text[at] = (uint8_t)value;
        good += check_text(alphabets[a], view_of(text, sizeof text));
      }
      text[at] = before;
      assert_int_equal(good, 64);
    }
  }
}

/* Goal: where the processor has AVX2, the vector code is really what is tested above; elsewhere it
 * leaves all to the scalar code. */
static void test_vector_code_runs(void **state) {
  (void)state;
  bool runs = false;
#if defined(__x86_64__) && defined(__GNUC__)
  runs = __builtin_cpu_supports("avx2");
#endif
  uint8_t bytes[96], text[128];
  fill(bytes, sizeof bytes, 1);
  assert_int_equal(base64_encode_avx2(BASE64_URL, view_of(bytes, 96), (char *)text), runs ? 72 : 0);
  base64_encode(BASE64_URL, view_of(bytes, 96), (char *)text);
  assert_int_equal(base64_decode_avx2(BASE64_URL, view_of(text, 128), bytes), runs ? 96 : 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rfc4648),
      cmocka_unit_test(test_alphabets),
      cmocka_unit_test(test_not_canonical),
      cmocka_unit_test(test_every_character),
      cmocka_unit_test(test_all_lengths),
      cmocka_unit_test(test_in_place),
      cmocka_unit_test(test_every_letter_everywhere),
      cmocka_unit_test(test_every_byte_everywhere),
      cmocka_unit_test(test_vector_code_runs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
