// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"
#include "keys/identity.h"
#include "keys/public_key.h"
#include "keys_data.h"

#define BEGIN "-----BEGIN OPENSSH PRIVATE KEY-----\n"
#define END "-----END OPENSSH PRIVATE KEY-----\n"

/* Where things stand in the bytes of BOB_FILE; PROTOCOL.key says why. */
#define CIPHER_AT 19u
#define COUNT_AT 35u
#define PUBLIC_AT 62u
#define SECTION_AT 98u
#define SEED_AT 161u
#define COMMENT_AT 229u

/* Decode a copy of exactly ${size} bytes, so that reading past the end is seen by the sanitizer;
 * on an error, see that nothing was written. */
static enum avow_error decode(const void *text, size_t size, struct identity *ret) {
  uint8_t *copy = malloc(size > 0 ? size : 1);
  assert_non_null(copy);
  memcpy(copy, text, size);
  struct identity before;
  memset(&before, 0xa5, sizeof(before));
  *ret = before;
  enum avow_error error = identity_decode(view_of(copy, size), ret);
  free(copy);
  if (error != AVOW_OK)
    assert_memory_equal(ret, &before, sizeof(before));
  return error;
}

static enum avow_error decode_text(const char *text) {
  struct identity found;
  return decode(text, strlen(text), &found);
}

static void assert_bob(const struct identity *found) {
  char seed[2 * ED25519_SEED_SIZE + 1];
  char line[PUBLIC_KEY_TEXT_SIZE];
  hex_encode(view_of(found->seed, sizeof(found->seed)), seed);
  public_key_encode(found->public, line);
  assert_string_equal(seed, BOB_SEED);
  assert_string_equal(line, BOB_LINE);
}

/* The bytes under the armour of ${file}. */
static size_t unwrap(const char *file, uint8_t *bytes) {
  char text[4096];
  size_t size = 0;
  const char *end = strstr(file, "\n-----END");
  for (const char *at = file + strlen(BEGIN); at < end; at++)
    if (*at != '\n')
      text[size++] = *at;
  assert_int_equal(base64_decode(BASE64_STANDARD, view_of(text, size), bytes, &size), AVOW_OK);
  return size;
}

/* Decode ${bytes} with an armour around them, in one line. */
static enum avow_error decode_bytes(const uint8_t *bytes, size_t size, struct identity *ret) {
  char text[4096];
  size_t text_size = base64_encoded_size(size);
  size_t at = strlen(BEGIN);
  memcpy(text, BEGIN, at);
  base64_encode(BASE64_STANDARD, view_of(bytes, size), text + at);
  at += text_size;
  memcpy(text + at, "\n" END, strlen("\n" END));
  return decode(text, at + strlen("\n" END), ret);
}

static size_t bob_bytes(uint8_t *bytes) {
  size_t size = unwrap(BOB_FILE, bytes);
  assert_int_equal(size, 250);
  return size;
}

static void test_reads_ssh_keygen(void **state) {
  /* Goal: a key that ssh-keygen wrote is read, with its seed, its public key and its comment. */
  (void)state;
  struct identity found;
  assert_int_equal(decode(BOB_FILE, strlen(BOB_FILE), &found), AVOW_OK);
  assert_bob(&found);
  assert_string_equal(found.comment, BOB_COMMENT);

  char line[PUBLIC_KEY_TEXT_SIZE];
  assert_int_equal(decode(UNNAMED_FILE, strlen(UNNAMED_FILE), &found), AVOW_OK);
  public_key_encode(found.public, line);
  assert_string_equal(line, UNNAMED_LINE);
  assert_string_equal(found.comment, "");
}

static void test_writes_as_ssh_keygen(void **state) {
  /* Goal: what we write of a key is, byte for byte, what ssh-keygen wrote; it is appended. */
  (void)state;
  struct identity found;
  struct buf file;
  buf_init(&file, AVOW_KEY_FILE_MAX);
  assert_int_equal(decode(BOB_FILE, strlen(BOB_FILE), &found), AVOW_OK);
  assert_int_equal(buf_text(&file, "before"), AVOW_OK);
  assert_int_equal(identity_encode(&found, BOB_CHECK, &file), AVOW_OK);
  assert_true(view_equal(buf_view(&file), view_text("before" BOB_FILE)));
  buf_wipe_free(&file);
}

static void test_round_trip(void **state) {
  /* Goal: every length of comment, and so every length of padding, comes back as it was. */
  (void)state;
  char comment[AVOW_NAME_SIZE] = "";
  for (size_t size = 0; size < sizeof(comment); size++) {
    uint8_t seed[ED25519_SEED_SIZE];
    memset(seed, (int)size, sizeof(seed));
    comment[size] = '\0';
    struct identity made, found;
    struct buf file;
    buf_init(&file, AVOW_KEY_FILE_MAX);
    assert_int_equal(identity_new(seed, comment, &made), AVOW_OK);
    assert_string_equal(made.comment, comment);
    assert_int_equal(identity_encode(&made, 0xfffffffe, &file), AVOW_OK);
    struct view text = buf_view(&file);
    assert_int_equal(decode(text.data, text.size, &found), AVOW_OK);
    assert_memory_equal(found.seed, seed, sizeof(seed));
    assert_memory_equal(found.public, made.public, sizeof(made.public));
    assert_string_equal(found.comment, comment);
    buf_wipe_free(&file);
    comment[size] = (char)('a' + size % 26);
  }
}

static void test_encode_limit(void **state) {
  /* Goal: a file that does not fit leaves the buffer as it was. */
  (void)state;
  uint8_t seed[ED25519_SEED_SIZE] = {1};
  struct identity made;
  struct buf file;
  buf_init(&file, 300);
  assert_int_equal(buf_text(&file, "before"), AVOW_OK);
  assert_int_equal(identity_new(seed, "x", &made), AVOW_OK);
  assert_int_equal(identity_encode(&made, 1, &file), AVOW_TOO_LONG);
  assert_true(view_equal(buf_view(&file), view_text("before")));
  buf_wipe_free(&file);
}

static void test_comment_too_long(void **state) {
  /* Goal: a long comment is cut to fit, from the caller and from a file, and never in the middle of
   * a UTF-8 character; bytes that are not UTF-8 are cut anywhere. */
  (void)state;
  uint8_t seed[ED25519_SEED_SIZE] = {1};
  struct identity made;
  char comment[301];
  memset(comment, 'c', sizeof(comment) - 1);
  comment[sizeof(comment) - 1] = '\0';
  assert_int_equal(identity_new(seed, comment, &made), AVOW_OK);
  assert_int_equal(strlen(made.comment), AVOW_NAME_SIZE - 1);
  memcpy(comment + AVOW_NAME_SIZE - 3, "\xe2\x82\xac", 3); /* its last byte would not fit */
  assert_int_equal(identity_new(seed, comment, &made), AVOW_OK);
  assert_int_equal(strlen(made.comment), AVOW_NAME_SIZE - 3);
  memset(comment, 0x80, sizeof(comment) - 1);
  assert_int_equal(identity_new(seed, comment, &made), AVOW_OK);
  assert_int_equal(strlen(made.comment), AVOW_NAME_SIZE - 1);

  uint8_t bytes[4096];
  size_t size = bob_bytes(bytes);
  struct identity found;
  store_u32(bytes + SECTION_AT - 4, 131 + 304 + 5);
  store_u32(bytes + COMMENT_AT - 4, 304);
  memset(bytes + COMMENT_AT, 'd', 304);
  memcpy(bytes + COMMENT_AT + 304, "\1\2\3\4\5", 5);
  size = COMMENT_AT + 304 + 5;
  assert_int_equal(decode_bytes(bytes, size, &found), AVOW_OK);
  assert_bob(&found);
  assert_int_equal(strlen(found.comment), AVOW_NAME_SIZE - 1);
}

static void test_other_keys(void **state) {
  /* Goal: each kind of key that we do not take has the error that tells the user what to do. */
  (void)state;
  assert_int_equal(decode_text(ENCRYPTED_FILE), AVOW_KEY_ENCRYPTED);
  assert_int_equal(decode_text(ENCRYPTED_TAGGED_FILE), AVOW_KEY_ENCRYPTED);
  assert_int_equal(decode_text(RSA_FILE), AVOW_KEY_TYPE);
  assert_int_equal(decode_text(ECDSA_FILE), AVOW_KEY_TYPE);
  assert_int_equal(decode_text(PEM_FILE), AVOW_KEY_TYPE);
  assert_int_equal(decode_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\r\n"), AVOW_KEY_TYPE);
}

static void test_not_a_key(void **state) {
  /* Goal: what is no key file at all is malformed. */
  (void)state;
  static const char *const files[] = {
      "",
      "\n",
      "hello",
      BOB_LINE,
      "-----BEGIN ",
      "----------",
      "-----BEGIN -----",
      BEGIN,
      BEGIN END,
      BEGIN "\n" END,
      BEGIN "A\n" END,
      BEGIN "AAAA\n" END,
      BEGIN "!!!!\n" END,
      ("-----BEGIN OPENSSH PRIVATE KEY-----" END),
  };
  for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
    assert_int_equal(decode_text(files[i]), AVOW_MALFORMED);
  struct identity found;
  assert_int_equal(identity_decode((struct view){0}, &found), AVOW_MALFORMED);
}

static void test_too_large(void **state) {
  /* Goal: the largest file is read, one byte more is not. */
  (void)state;
  static char file[AVOW_KEY_FILE_MAX + 1];
  struct identity found;
  memset(file, '\n', sizeof(file));
  memcpy(file, BOB_FILE, strlen(BOB_FILE));
  assert_int_equal(decode(file, AVOW_KEY_FILE_MAX, &found), AVOW_OK);
  assert_int_equal(decode(file, AVOW_KEY_FILE_MAX + 1, &found), AVOW_MALFORMED);
  /* Full of letters: more than any of our buffers would take if they were one too small. */
  memset(file, 'A', sizeof(file));
  memcpy(file, BEGIN, strlen(BEGIN));
  memcpy(file + AVOW_KEY_FILE_MAX - strlen("\n" END), "\n" END, strlen("\n" END));
  assert_int_equal(decode(file, AVOW_KEY_FILE_MAX, &found), AVOW_MALFORMED);
}

static void test_white_space(void **state) {
  /* Goal: CRLF, blank lines and blanks at the ends of lines do no harm; other text does. */
  (void)state;
  char file[2048];
  size_t size = 0;
  struct identity found;
  for (const char *at = BOB_FILE; *at != '\0'; at++) {
    if (*at == '\n') {
      memcpy(file + size, " \t\r\n \r\n", 7);
      size += 7;
    } else {
      file[size++] = *at;
    }
  }
  assert_int_equal(decode(file, size, &found), AVOW_OK);
  assert_bob(&found);
  assert_int_equal(decode(BOB_FILE, strlen(BOB_FILE) - 1, &found), AVOW_OK);
  assert_int_equal(decode_text(BOB_FILE "\n\n"), AVOW_OK);
  assert_int_equal(decode_text(BOB_FILE "more\n"), AVOW_MALFORMED);
  assert_int_equal(decode_text(BOB_FILE BOB_FILE), AVOW_MALFORMED);
  assert_int_equal(decode_text("more\n" BOB_FILE), AVOW_MALFORMED);
  assert_int_equal(decode(BOB_FILE, strlen(BOB_FILE) + 1, &found), AVOW_MALFORMED); /* a NUL */
}

static void test_truncated(void **state) {
  /* Goal: a file cut at any length is refused, and so are its bytes under a whole armour. */
  (void)state;
  struct identity found;
  for (size_t size = 0; size < strlen(BOB_FILE) - 1; size++)
    assert_int_not_equal(decode(BOB_FILE, size, &found), AVOW_OK);
  uint8_t bytes[512];
  size_t whole = bob_bytes(bytes);
  for (size_t size = 0; size < whole; size++)
    assert_int_not_equal(decode_bytes(bytes, size, &found), AVOW_OK);
  bytes[whole] = 7;
  assert_int_equal(decode_bytes(bytes, whole, &found), AVOW_OK);
  assert_int_equal(decode_bytes(bytes, whole + 1, &found), AVOW_MALFORMED);
  for (size_t size = 0; size < strlen(ENCRYPTED_FILE); size++)
    assert_int_not_equal(decode(ENCRYPTED_FILE, size, &found), AVOW_OK);
}

static void test_text_flipped(void **state) {
  /* Goal: whatever byte of the text is changed, the pair is Bob's or there is none. */
  (void)state;
  for (size_t at = 0; at < strlen(BOB_FILE); at++) {
    for (unsigned bit = 0; bit < 8; bit++) {
      char file[] = BOB_FILE;
      struct identity found;
      file[at] = (char)(file[at] ^ (1 << bit));
      if (decode(file, strlen(BOB_FILE), &found) == AVOW_OK)
        assert_bob(&found);
    }
  }
}

static void test_bytes_flipped(void **state) {
  /* Goal: under the armour, only the comment can be changed unnoticed. */
  (void)state;
  uint8_t bytes[512];
  size_t size = bob_bytes(bytes);
  for (size_t at = 0; at < size; at++) {
    for (unsigned bit = 0; bit < 8; bit++) {
      struct identity found;
      bytes[at] ^= (uint8_t)(1 << bit);
      bool comment = at >= COMMENT_AT && at < COMMENT_AT + strlen(BOB_COMMENT) && bytes[at] != '\0';
      enum avow_error error = decode_bytes(bytes, size, &found);
      bytes[at] ^= (uint8_t)(1 << bit);
      assert_int_equal(error == AVOW_OK, comment);
      if (comment)
        assert_bob(&found);
    }
  }
}

static void test_lying_lengths(void **state) {
  /* Goal: a huge or slightly wrong number at any place makes no read go astray. */
  (void)state;
  static const uint32_t lies[] = {0, 1, 0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffff};
  uint8_t bytes[512], lying[512];
  size_t size = bob_bytes(bytes);
  for (size_t at = 0; at + 4 <= size; at++) {
    for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
      struct identity found;
      memcpy(lying, bytes, size);
      store_u32(lying + at, lies[i]);
      if (memcmp(lying, bytes, size) != 0 && decode_bytes(lying, size, &found) == AVOW_OK)
        assert_bob(&found);
    }
  }
}

static void test_wrong_fields(void **state) {
  /* Goal: each rule of the format that a single flipped bit does not show. */
  (void)state;
  uint8_t bytes[512];
  struct identity found, other;
  size_t size = bob_bytes(bytes);
  store_u32(bytes + COUNT_AT, 2);
  assert_int_equal(decode_bytes(bytes, size, &found), AVOW_KEY_TYPE); /* two keys */

  /* Another public key outside, a whole one. */
  bob_bytes(bytes);
  assert_int_equal(decode(UNNAMED_FILE, strlen(UNNAMED_FILE), &other), AVOW_OK);
  memcpy(bytes + PUBLIC_AT, other.public, ED25519_PUBLIC_SIZE);
  assert_int_equal(decode_bytes(bytes, size, &found), AVOW_MALFORMED);
  /* Also in the section: then only the seed tells. */
  memcpy(bytes + SEED_AT - 4 - ED25519_PUBLIC_SIZE, other.public, ED25519_PUBLIC_SIZE);
  memcpy(bytes + SEED_AT + ED25519_SEED_SIZE, other.public, ED25519_PUBLIC_SIZE);
  assert_int_equal(decode_bytes(bytes, size, &found), AVOW_MALFORMED);
  /* With its seed it is a good key again: the offsets above are right. */
  memcpy(bytes + SEED_AT, other.seed, ED25519_SEED_SIZE);
  assert_int_equal(decode_bytes(bytes, size, &found), AVOW_OK);
  assert_memory_equal(found.public, other.public, ED25519_PUBLIC_SIZE);

  bob_bytes(bytes);
  memcpy(bytes + CIPHER_AT, "nine", 4); /* neither a cipher with a passphrase, nor none */
  assert_int_equal(decode_bytes(bytes, size, &found), AVOW_MALFORMED);
  bob_bytes(bytes);
  bytes[COMMENT_AT + 3] = '\0';
  assert_int_equal(decode_bytes(bytes, size, &found), AVOW_MALFORMED);
  /* The right padding, but not to a whole block. */
  bob_bytes(bytes);
  store_u32(bytes + SECTION_AT - 4, load_u32(bytes + SECTION_AT - 4) + 1);
  bytes[size] = 7;
  assert_int_equal(decode_bytes(bytes, size + 1, &found), AVOW_MALFORMED);
}

/* Put ${extra} bytes, all ${value}, before byte ${at}, and add their number to the length that
 * stands at ${length_at}. */
static size_t insert(uint8_t *bytes, size_t size, size_t at, size_t length_at, uint8_t value,
                     size_t extra) {
  memmove(bytes + at + extra, bytes + at, size - at);
  memset(bytes + at, value, extra);
  store_u32(bytes + length_at, load_u32(bytes + length_at) + (uint32_t)extra);
  return size + extra;
}

static void test_longer_fields(void **state) {
  /* Goal: a field that is longer than it should be, in a file that is otherwise whole, is refused,
   * though the bytes in front are the right ones. */
  (void)state;
  uint8_t bytes[512];
  struct identity found;
  size_t size = insert(bytes, bob_bytes(bytes), COUNT_AT, COUNT_AT - 4, 'o', 8);
  assert_int_equal(decode_bytes(bytes, size, &found), AVOW_MALFORMED); /* options of no kdf */

  size = insert(bytes, bob_bytes(bytes), SECTION_AT - 4, PUBLIC_AT - 4, 'k', 1);
  store_u32(bytes + PUBLIC_AT - 23, load_u32(bytes + PUBLIC_AT - 23) + 1);
  assert_int_equal(decode_bytes(bytes, size, &found), AVOW_MALFORMED); /* public key */

  size = insert(bytes, bob_bytes(bytes), COMMENT_AT - 4, SEED_AT - 4, 'p', 8);
  store_u32(bytes + SECTION_AT - 4, load_u32(bytes + SECTION_AT - 4) + 8);
  assert_int_equal(decode_bytes(bytes, size, &found), AVOW_MALFORMED); /* private key */

  /* The same done to the comment is fine: so it is not the arithmetic that is refused. */
  size = insert(bytes, bob_bytes(bytes), COMMENT_AT, COMMENT_AT - 4, 'c', 8);
  store_u32(bytes + SECTION_AT - 4, load_u32(bytes + SECTION_AT - 4) + 8);
  assert_int_equal(decode_bytes(bytes, size, &found), AVOW_OK);
  assert_string_equal(found.comment, "cccccccc" BOB_COMMENT);
}

static void test_end_in_the_middle(void **state) {
  /* Goal: nothing behind the end line is taken for a part of the key. */
  (void)state;
  char file[2048];
  static const char file_text[] = BOB_FILE;
  const char *second = strchr(strchr(file_text, '\n') + 1, '\n') + 1;
  size_t before = (size_t)(second - file_text);
  snprintf(file, sizeof(file), "%.*s%s%s", (int)before, file_text, END, second);
  assert_int_equal(decode_text(file), AVOW_MALFORMED);
}

static void test_wipe(void **state) {
  /* Goal: after identity_wipe the seed is gone. */
  (void)state;
  static const uint8_t zero[ED25519_SEED_SIZE];
  struct identity found;
  assert_int_equal(decode(BOB_FILE, strlen(BOB_FILE), &found), AVOW_OK);
  identity_wipe(&found);
  assert_memory_equal(found.seed, zero, sizeof(zero));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_reads_ssh_keygen),
      cmocka_unit_test(test_writes_as_ssh_keygen),
      cmocka_unit_test(test_round_trip),
      cmocka_unit_test(test_encode_limit),
      cmocka_unit_test(test_comment_too_long),
      cmocka_unit_test(test_other_keys),
      cmocka_unit_test(test_not_a_key),
      cmocka_unit_test(test_too_large),
      cmocka_unit_test(test_white_space),
      cmocka_unit_test(test_truncated),
      cmocka_unit_test(test_text_flipped),
      cmocka_unit_test(test_bytes_flipped),
      cmocka_unit_test(test_lying_lengths),
      cmocka_unit_test(test_wrong_fields),
      cmocka_unit_test(test_longer_fields),
      cmocka_unit_test(test_end_in_the_middle),
      cmocka_unit_test(test_wipe),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
