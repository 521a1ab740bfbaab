// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "keys/public_key.h"
#include "keys_data.h"

/* Decode a copy of exactly ${size} bytes; on an error, see that nothing was written. */
static enum avow_error decode(const void *text, size_t size, uint8_t *key, char *comment) {
  uint8_t *copy = malloc(size > 0 ? size : 1);
  uint8_t key_before[ED25519_PUBLIC_SIZE];
  char comment_before[AVOW_NAME_SIZE];
  assert_non_null(copy);
  memcpy(copy, text, size);
  memset(key_before, 0xa5, sizeof(key_before));
  memset(comment_before, 0x5a, sizeof(comment_before));
  memcpy(key, key_before, sizeof(key_before));
  memcpy(comment, comment_before, sizeof(comment_before));
  enum avow_error error = public_key_decode(view_of(copy, size), key, comment);
  free(copy);
  if (error != AVOW_OK) {
    assert_memory_equal(key, key_before, sizeof(key_before));
    assert_memory_equal(comment, comment_before, sizeof(comment_before));
  }
  return error;
}

/* Decode and see that it is ${expected_key} with ${expected_comment}. */
static void assert_decodes(const char *line, const char *expected_key,
                           const char *expected_comment) {
  uint8_t key[ED25519_PUBLIC_SIZE];
  char comment[AVOW_NAME_SIZE];
  char text[PUBLIC_KEY_TEXT_SIZE];
  assert_int_equal(decode(line, strlen(line), key, comment), AVOW_OK);
  public_key_encode(key, text);
  assert_string_equal(text, expected_key);
  assert_string_equal(comment, expected_comment);
}

static enum avow_error decode_text(const char *line) {
  uint8_t key[ED25519_PUBLIC_SIZE];
  char comment[AVOW_NAME_SIZE];
  return decode(line, strlen(line), key, comment);
}

static void test_line(void **state) {
  /* Goal: a line is read with any blanks around its fields and with either end of line. */
  (void)state;
  assert_decodes(BOB_LINE, BOB_LINE, "");
  assert_decodes(ALICE_LINE "\n", ALICE_LINE, "");
  assert_decodes(BOB_LINE "\r\n", BOB_LINE, "");
  assert_decodes(BOB_LINE " \t ", BOB_LINE, "");
  assert_decodes(BOB_LINE " bob@example.org\n", BOB_LINE, "bob@example.org");
  assert_decodes(BOB_LINE "\t  two  words \t\r\n", BOB_LINE, "two  words");
  assert_decodes(" \t" BOB_LINE " x", BOB_LINE, "x");
  char spread[] = BOB_LINE "   ";
  size_t type = strlen("ssh-ed25519");
  memmove(spread + type + 3, spread + type, strlen(BOB_LINE) - type);
  memcpy(spread + type, " \t\t", 3);
  assert_decodes(spread, BOB_LINE, "");
}

static void test_no_comment_wanted(void **state) {
  /* Goal: the comment may be left out by the caller. */
  (void)state;
  uint8_t key[ED25519_PUBLIC_SIZE];
  assert_int_equal(public_key_decode(view_text(BOB_LINE " x"), key, NULL), AVOW_OK);
}

static void test_comment_too_long(void **state) {
  /* Goal: a comment of any length is cut to fit, between characters. */
  (void)state;
  size_t size = strlen(BOB_LINE) + 1 + 1024 * 1024;
  char *line = malloc(size);
  uint8_t key[ED25519_PUBLIC_SIZE];
  char comment[AVOW_NAME_SIZE];
  assert_non_null(line);
  memset(line, 'c', size);
  memcpy(line, BOB_LINE " ", strlen(BOB_LINE) + 1);
  assert_int_equal(decode(line, size, key, comment), AVOW_OK);
  assert_int_equal(strlen(comment), AVOW_NAME_SIZE - 1);
  size_t exact = strlen(BOB_LINE) + 1 + AVOW_NAME_SIZE - 1;
  assert_int_equal(decode(line, exact, key, comment), AVOW_OK);
  assert_int_equal(strlen(comment), AVOW_NAME_SIZE - 1);
  memcpy(line + exact - 1, "\xc3\xa9", 2);
  assert_int_equal(decode(line, size, key, comment), AVOW_OK);
  assert_int_equal(strlen(comment), AVOW_NAME_SIZE - 2);
  free(line);
}

static void test_other_types(void **state) {
  /* Goal: a good key of another type is told apart from what is no key. */
  (void)state;
  assert_int_equal(decode_text(RSA_LINE " rsa"), AVOW_KEY_TYPE);
  assert_int_equal(decode_text(ECDSA_LINE "\n"), AVOW_KEY_TYPE);
  /* The same bytes under another name are neither. */
  static const char rsa[] = RSA_LINE;
  assert_int_equal(decode_text("ssh-dss " RSA_LINE), AVOW_MALFORMED);
  char mixed[sizeof(rsa) + 16];
  snprintf(mixed, sizeof(mixed), "ssh-ed25519%s", strchr(rsa, ' '));
  assert_int_equal(decode_text(mixed), AVOW_MALFORMED);
  char renamed[] = BOB_LINE;
  renamed[strlen("ssh-ed2551")] = '8';
  assert_int_equal(decode_text(renamed), AVOW_MALFORMED);
}

static void test_malformed(void **state) {
  /* Goal: what is no key line is malformed. */
  (void)state;
  static const char *const lines[] = {
      "",
      " ",
      "\n",
      "\r\n",
      "# comment",
      "hello world",
      "ssh-ed25519",
      "ssh-ed25519 ",
      "ssh-rsa",
      "ssh-rsa AAA",
      "ssh-rsa AAAA",
      "ssh-rsa AAAAAA==",
      "ssh-rsa /////w==",
      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==",
      "no-pty " BOB_LINE,
      "\n" BOB_LINE,
      BOB_LINE "\n\n",
      BOB_LINE " a\nb",
      BOB_LINE "\n" BOB_LINE,
      BOB_LINE "=",
      BOB_LINE "AAAA",
      BOB_LINE "\r",
      "SSH-ED25519" BOB_LINE,
  };
  for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
    assert_int_equal(decode_text(lines[i]), AVOW_MALFORMED);
  uint8_t key[ED25519_PUBLIC_SIZE];
  char comment[AVOW_NAME_SIZE];
  static const char with_nul[] = BOB_LINE " a\0b";
  assert_int_equal(decode(with_nul, sizeof(with_nul) - 1, key, comment), AVOW_MALFORMED);
  assert_int_equal(decode(BOB_LINE, strlen(BOB_LINE) + 1, key, comment), AVOW_MALFORMED);
  assert_int_equal(public_key_decode((struct view){0}, key, NULL), AVOW_MALFORMED);
}

static void test_truncated(void **state) {
  /* Goal: a line cut at any length is refused. */
  (void)state;
  uint8_t key[ED25519_PUBLIC_SIZE];
  char comment[AVOW_NAME_SIZE];
  for (size_t size = 0; size < strlen(BOB_LINE); size++)
    assert_int_equal(decode(BOB_LINE, size, key, comment), AVOW_MALFORMED);
  for (size_t size = 0; size < strlen(RSA_LINE); size++)
    assert_int_not_equal(decode(RSA_LINE, size, key, comment), AVOW_OK);
}

static void test_flipped(void **state) {
  /* Goal: whatever byte is changed, what is read is what the line says: it encodes to itself. */
  (void)state;
  unsigned read = 0;
  for (size_t at = 0; at < strlen(BOB_LINE); at++) {
    for (unsigned value = 0; value < 256; value++) {
      char line[] = BOB_LINE, text[PUBLIC_KEY_TEXT_SIZE], comment[AVOW_NAME_SIZE];
      uint8_t key[ED25519_PUBLIC_SIZE];
      line[at] = (char)value;
      if (decode(line, strlen(BOB_LINE), key, comment) != AVOW_OK)
        continue;
      read++;
      public_key_encode(key, text);
      if (line[at] != '\t')
        assert_memory_equal(text, line, strlen(BOB_LINE));
    }
  }
  /* The key is in 43 of the characters (one shared with its length: four bits of it are ours),
   * and a tab may stand where the blank does. */
  assert_int_equal(read, 42 * 64 + 16 + (strlen(BOB_LINE) - 43) + 1);
}

static void test_fingerprint(void **state) {
  /* Goal: the fingerprint is the one that ssh-keygen -l printed. */
  (void)state;
  uint8_t key[ED25519_PUBLIC_SIZE];
  char text[FINGERPRINT_SIZE];
  assert_int_equal(public_key_decode(view_text(BOB_LINE), key, NULL), AVOW_OK);
  assert_int_equal(fingerprint(key, text), AVOW_OK);
  assert_string_equal(text, BOB_FINGERPRINT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_line),
      cmocka_unit_test(test_no_comment_wanted),
      cmocka_unit_test(test_comment_too_long),
      cmocka_unit_test(test_other_types),
      cmocka_unit_test(test_malformed),
      cmocka_unit_test(test_truncated),
      cmocka_unit_test(test_flipped),
      cmocka_unit_test(test_fingerprint),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
