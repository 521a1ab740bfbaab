// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "keys/allowed_signers.h"
#include "keys/public_key.h"
#include "keys_data.h"

/* 2026-01-01 00:00:00 UTC */
#define NEW_YEAR_S 1767225600u
#define LINE_UNSET 77777u
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Look for the key of ${key_line} in a copy of exactly ${size} bytes. */
static enum avow_error find_in(const void *file, size_t size, const char *key_line,
                               uint64_t wall_us, char *name, unsigned *ret_line) {
  uint8_t key[ED25519_PUBLIC_SIZE];
  uint8_t *copy = malloc(size > 0 ? size : 1);
  assert_non_null(copy);
  memcpy(copy, file, size);
  assert_int_equal(public_key_decode(view_text(key_line), key, NULL), AVOW_OK);
  memset(name, 0x5a, AVOW_NAME_SIZE);
  *ret_line = LINE_UNSET;
  enum avow_error error = allowed_signers_find(view_of(copy, size), key, wall_us, name, ret_line);
  free(copy);
  if (error != AVOW_OK)
    for (size_t i = 0; i < AVOW_NAME_SIZE; i++)
      assert_int_equal(name[i], 0x5a);
  if (error != AVOW_OK && error != AVOW_MALFORMED)
    assert_int_equal(*ret_line, LINE_UNSET);
  return error;
}

static void assert_lets_in(const char *file, const char *key_line, const char *expected_name,
                           unsigned expected_line) {
  char name[AVOW_NAME_SIZE];
  unsigned line;
  assert_int_equal(
      find_in(file, strlen(file), key_line, NEW_YEAR_S * UINT64_C(1000000), name, &line), AVOW_OK);
  assert_string_equal(name, expected_name);
  assert_int_equal(line, expected_line);
}

/* ${number} is 0 where no line is named. */
static void assert_keeps_out(const char *file, enum avow_error expected, unsigned number) {
  char name[AVOW_NAME_SIZE];
  unsigned line;
  assert_int_equal(
      find_in(file, strlen(file), BOB_LINE, NEW_YEAR_S * UINT64_C(1000000), name, &line), expected);
  assert_int_equal(line, number == 0 ? LINE_UNSET : number);
}

/* What "bob OPTIONS KEY" says to Bob at ${wall_us}. */
static enum avow_error with_options(const char *options, uint64_t wall_us) {
  char line[1024], name[AVOW_NAME_SIZE];
  unsigned number;
  snprintf(line, sizeof(line), "bob %s " BOB_LINE "\n", options);
  return find_in(line, strlen(line), BOB_LINE, wall_us, name, &number);
}

static enum avow_error at_new_year(const char *options) {
  return with_options(options, NEW_YEAR_S * UINT64_C(1000000));
}

static void test_finds(void **state) {
  /* Goal: the line with the key is found, wherever it stands and however it is spaced; its name and
   * number are right. */
  (void)state;
  static const char file[] = "# who may come in\n"
                             "\n"
                             "alice@example.org " ALICE_LINE " her laptop\n"
                             "  # indented\n"
                             " \t bob@example.org \t " BOB_LINE "\t\tcomment \n"
                             "rsa " RSA_LINE "\n"
                             "ec namespaces=\"avow\" " ECDSA_LINE "\n";
  assert_lets_in(file, ALICE_LINE, "alice@example.org", 3);
  assert_lets_in(file, BOB_LINE, "bob@example.org", 5);
  char name[AVOW_NAME_SIZE];
  unsigned line;
  assert_int_equal(find_in(file, strlen(file), UNNAMED_LINE, 0, name, &line), AVOW_NOT_FOUND);
  assert_keeps_out("", AVOW_NOT_FOUND, 0);
  assert_keeps_out("\n", AVOW_NOT_FOUND, 0);
  assert_keeps_out("#", AVOW_NOT_FOUND, 0);
}

static void test_line_ends(void **state) {
  /* Goal: CRLF, and a last line without a newline. */
  (void)state;
  assert_lets_in("#\r\n\r\nbob " BOB_LINE "\r\nalice " ALICE_LINE "\r\n", BOB_LINE, "bob", 3);
  assert_lets_in("#\r\n\r\nbob " BOB_LINE "\r\nalice " ALICE_LINE, ALICE_LINE, "alice", 4);
  assert_lets_in("bob " BOB_LINE "\r", BOB_LINE, "bob", 1);
}

static void test_principals(void **state) {
  /* Goal: the first principal that is not negated is the name; quotes are no part of it. */
  (void)state;
  assert_lets_in("bob,robert,*@example.org " BOB_LINE, BOB_LINE, "bob", 1);
  assert_lets_in("!eve,bob " BOB_LINE, BOB_LINE, "bob", 1);
  assert_lets_in(",bob " BOB_LINE, BOB_LINE, "bob", 1);
  assert_lets_in("\"bob the builder,bob\" " BOB_LINE, BOB_LINE, "bob the builder", 1);
  assert_lets_in("\"bob\" cert-authority " ALICE_LINE "\n\"#bob\"\t" BOB_LINE, BOB_LINE, "#bob", 2);
  assert_keeps_out("!eve " BOB_LINE, AVOW_NOT_FOUND, 0);
  assert_keeps_out("\"bob " BOB_LINE, AVOW_MALFORMED, 1);
  assert_keeps_out("\"bob\"" BOB_LINE, AVOW_MALFORMED, 1);
  assert_keeps_out("\"\" " BOB_LINE, AVOW_MALFORMED, 1);
  assert_keeps_out("\"", AVOW_MALFORMED, 1);
  assert_keeps_out("\"\"", AVOW_MALFORMED, 1);
}

static void test_long_name(void **state) {
  /* Goal: a name that does not fit is cut, between characters, and the line still counts. */
  (void)state;
  char file[2048], expected[AVOW_NAME_SIZE + 1];
  memset(file, 'b', 1000);
  memcpy(file + 1000, " " BOB_LINE "\n", sizeof(" " BOB_LINE "\n"));
  memset(expected, 'b', sizeof(expected));
  expected[AVOW_NAME_SIZE - 1] = '\0';
  assert_lets_in(file, BOB_LINE, expected, 1);
  memcpy(file + AVOW_NAME_SIZE - 2, "\xc3\xa9", 2);
  expected[AVOW_NAME_SIZE - 2] = '\0';
  assert_lets_in(file, BOB_LINE, expected, 1);
}

static void test_duplicates(void **state) {
  /* Goal: the first line that lets the key in counts, also behind lines that do not. */
  (void)state;
  assert_lets_in("bob " BOB_LINE "\nrobert " BOB_LINE "\n", BOB_LINE, "bob", 1);
  assert_lets_in("ca cert-authority " BOB_LINE "\n"
                 "git namespaces=\"git\" " BOB_LINE "\n"
                 "old valid-before=\"20200101\" " BOB_LINE "\n"
                 "bob " BOB_LINE "\n"
                 "older valid-before=\"20200101\" " BOB_LINE "\n",
                 BOB_LINE, "bob", 4);
}

static void test_namespaces(void **state) {
  /* Goal: a pattern list lets "avow" in exactly if ssh-keygen would. */
  (void)state;
  static const char *const in[] = {
      "avow",      "*",   "a*",       "*w",          "av?w",         "????",
      "*a*v*o*w*", "**",  "git,avow", "avow,git",    "!git,*",       "*,!git",
      "avow,avow", "a*?", ",avow",    "x\\\"y,avow", "!x\\\"y,avow",
  };
  static const char *const out[] = {
      "",        "git",    "avo",      "avoww",        "Avow",  "?",       "???",     "?????",
      "a",       "w*",     "*a",       "!avow",        "!git",  "*,!avow", "!avow,*", "avow,!a*",
      "!*,avow", "!!avow", "avow\\\"", "\\\"avow\\\"", " avow", "avow ",   "a,v,o,w", ",",
      "!",
  };
  for (size_t i = 0; i < COUNT(in); i++) {
    char options[256];
    snprintf(options, sizeof(options), "namespaces=\"%s\"", in[i]);
    assert_int_equal(at_new_year(options), AVOW_OK);
  }
  for (size_t i = 0; i < COUNT(out); i++) {
    char options[256];
    snprintf(options, sizeof(options), "namespaces=\"%s\"", out[i]);
    assert_int_equal(at_new_year(options), AVOW_NOT_FOUND);
  }
}

static void test_slow_pattern(void **state) {
  /* Goal: a pattern made to be slow is not: this test ends. */
  (void)state;
  size_t size = 1024 * 1024;
  char *file = malloc(size + 256);
  char name[AVOW_NAME_SIZE];
  unsigned line;
  assert_non_null(file);
  memset(file, '*', size);
  memcpy(file, "bob namespaces=\"", strlen("bob namespaces=\""));
  memcpy(file + size, "b\" " BOB_LINE "\n", sizeof("b\" " BOB_LINE "\n"));
  assert_int_equal(find_in(file, strlen(file), BOB_LINE, 0, name, &line), AVOW_NOT_FOUND);
  free(file);
}

static void test_options(void **state) {
  /* Goal: options are read in any order and case, with blanks and commas inside the quotes. */
  (void)state;
  static const char *const in[] = {
      "namespaces=\"avow\"",
      "NameSpaces=\"avow\"",
      "namespaces=\"git,avow,a b\"",
      "namespaces=\"a b\\\" c,avow\"",
      "valid-after=\"20200101\"",
      "valid-after=\"20200101\",valid-before=\"20300101\"",
      "VALID-BEFORE=\"20300101\",namespaces=\"avow\",valid-after=\"20200101\"",
  };
  for (size_t i = 0; i < COUNT(in); i++)
    assert_int_equal(at_new_year(in[i]), AVOW_OK);
}

static void test_authority(void **state) {
  /* Goal: a key that vouches for certificates does not come in itself. */
  (void)state;
  assert_int_equal(at_new_year("cert-authority"), AVOW_NOT_FOUND);
  assert_int_equal(at_new_year("Cert-Authority"), AVOW_NOT_FOUND);
  assert_int_equal(at_new_year("cert-authority,namespaces=\"avow\""), AVOW_NOT_FOUND);
  assert_int_equal(at_new_year("namespaces=\"avow\",cert-authority"), AVOW_NOT_FOUND);
  assert_int_equal(at_new_year("cert-authority,valid-before=\"20200101\""), AVOW_NOT_FOUND);
}

static void test_bad_options(void **state) {
  /* Goal: what is not known, not whole or said twice makes the line unreadable. */
  (void)state;
  static const char *const bad[] = {
      "no-pty",
      "verify-required",
      "from=\"10.0.0.1\"",
      "cert-authorit",
      "cert-authority2",
      "cert-authority=\"x\"",
      "cert-authority,",
      ",cert-authority",
      "cert-authority,,namespaces=\"avow\"",
      "cert-authority;namespaces=\"avow\"",
      "namespaces",
      "namespaces=",
      "namespaces=avow",
      "namespaces=\"avow",
      "namespaces=\"avow\\\"",
      "namespaces=\"avow\"x",
      "namespaces=\"avow\";valid-after=\"20200101\"",
      "namespaces=\"avow\"\"git\"",
      "namespaces =\"avow\"",
      "namespaces= \"avow\"",
      "namespaces=\"avow\", valid-after=\"20200101\"",
      "namespaces=\"avow\" valid-after=\"20200101\"",
      "namespaces=\"avow\",namespaces=\"avow\"",
      "valid-after=\"20200101\",valid-after=\"20200101\"",
      "valid-before=\"20300101\",valid-before=\"20300101\"",
      "valid-after=20200101",
      "valid-after",
      "valid-after=\"20300101\",valid-before=\"20200101\"",
      "valid-after=\"20260101\",valid-before=\"20260101\"",
      "ssh-ed25519",
  };
  for (size_t i = 0; i < COUNT(bad); i++)
    assert_int_equal(at_new_year(bad[i]), AVOW_MALFORMED);
}

static void test_bad_times(void **state) {
  /* Goal: only dates of the calendar, from 1970 on, in the three lengths. */
  (void)state;
  static const char *const bad[] = {
      "",
      "Z",
      "2026",
      "202601",
      "2026010",
      "202601011",
      "2026010112",
      "20260101120",
      "2026010112000",
      "202601011200000",
      "20260101ZZ",
      "20260101z",
      "20260101UTC",
      "20260101 ",
      " 20260101",
      "2026-01-01",
      "20260101T1200",
      "2026010a",
      "+2260101",
      "20260001",
      "20261301",
      "20260100",
      "20260132",
      "20260431",
      "20260229",
      "21000229",
      "19691231",
      "202601012400",
      "202601011260",
      "20260101120060",
      "20260101\\\"",
  };
  static const char *const good[] = {
      "19700101",     "20240229",  "20000229",      "20251231235959",
      "202601010000", "20260101Z", "202512312359Z", "20251231235959Z",
  };
  for (size_t i = 0; i < COUNT(bad); i++) {
    char options[256];
    snprintf(options, sizeof(options), "valid-after=\"%s\"", bad[i]);
    assert_int_equal(at_new_year(options), AVOW_MALFORMED);
  }
  for (size_t i = 0; i < COUNT(good); i++) {
    char options[256];
    snprintf(options, sizeof(options), "valid-after=\"%s\"", good[i]);
    assert_int_equal(at_new_year(options), AVOW_OK);
  }
}

static void test_time_edges(void **state) {
  /* Goal: the second named belongs to the time at either end, as ssh-keygen -Y verify counts
   * (tried: 20260101000000Z passes for both, one second outside does not). */
  (void)state;
  static const struct {
    const char *text;
    uint64_t s;
  } times[] = {
      {"20260101", NEW_YEAR_S},
      {"20260101Z", NEW_YEAR_S},
      {"202601010000", NEW_YEAR_S},
      {"20260101000000Z", NEW_YEAR_S},
      {"20260101000001Z", NEW_YEAR_S + 1},
      {"202602281234Z", 1772282040},
      {"20240229235959", 1709251199},
      {"20240301", 1709251200},
      {"20001231", 978220800},
      {"20380119031408Z", 2147483648},
      {"21000301", 4107542400},
      {"24000229", 13574563200},
      {"99991231235959Z", 253402300799},
  };
  for (size_t i = 0; i < COUNT(times); i++) {
    char after[64], before[64];
    snprintf(after, sizeof(after), "valid-after=\"%s\"", times[i].text);
    snprintf(before, sizeof(before), "valid-before=\"%s\"", times[i].text);
    uint64_t us = times[i].s * 1000000;
    assert_int_equal(with_options(after, us - 1), AVOW_EXPIRED);
    assert_int_equal(with_options(after, us), AVOW_OK);
    assert_int_equal(with_options(after, UINT64_MAX), AVOW_OK);
    assert_int_equal(with_options(before, 0), AVOW_OK);
    assert_int_equal(with_options(before, us + 999999), AVOW_OK);
    assert_int_equal(with_options(before, us + 1000000), AVOW_EXPIRED);
  }
}

static void test_expired_or_not_found(void **state) {
  /* Goal: "expired" is said only of a key that would be let in at another time. */
  (void)state;
  assert_keeps_out("bob valid-before=\"20200101\" " BOB_LINE
                   "\nbob valid-after=\"20300101\" " BOB_LINE,
                   AVOW_EXPIRED, 0);
  assert_keeps_out("bob valid-before=\"20200101\",namespaces=\"git\" " BOB_LINE, AVOW_NOT_FOUND, 0);
  assert_keeps_out("alice valid-before=\"20200101\" " ALICE_LINE, AVOW_NOT_FOUND, 0);
}

static void test_unreadable_lines(void **state) {
  /* Goal: one line that cannot be read, before or behind the match, lets nobody in and is named. */
  (void)state;
  static const char *const bad[] = {
      "noise",
      "bob",
      "bob ssh-ed25519",
      "bob ssh-ed25519 AAAA",
      "bob ssh-rsa AAAA",
      "bob frobnicate " BOB_LINE,
      BOB_LINE,
      "bob namespaces=\"avow\"",
      "bob namespaces=\"avow\" ssh-ed25519 AAAA",
      "rsa no-such-option " RSA_LINE,
      "-----BEGIN OPENSSH PRIVATE KEY-----",
  };
  for (size_t i = 0; i < COUNT(bad); i++) {
    char before[1024], behind[1024];
    snprintf(before, sizeof(before), "#\n%s\nbob " BOB_LINE "\n", bad[i]);
    snprintf(behind, sizeof(behind), "bob " BOB_LINE "\n\n%s", bad[i]);
    assert_keeps_out(before, AVOW_MALFORMED, 2);
    assert_keeps_out(behind, AVOW_MALFORMED, 3);
  }
}

static void test_nul_bytes(void **state) {
  /* Goal: a NUL makes its line unreadable; it does not hide the rest of it. */
  (void)state;
  static const char line[] = "bob namespaces=\"git\" " BOB_LINE " comment\nbob " BOB_LINE "\n";
  char name[AVOW_NAME_SIZE];
  unsigned number;
  for (size_t at = 0; at < strlen(line); at++) {
    char file[] = "bob namespaces=\"git\" " BOB_LINE " comment\nbob " BOB_LINE "\n";
    file[at] = '\0';
    assert_int_equal(find_in(file, strlen(line), BOB_LINE, 0, name, &number), AVOW_MALFORMED);
  }
  static const char remark[] = "#\0\nbob " BOB_LINE;
  assert_int_equal(find_in(remark, sizeof(remark) - 1, BOB_LINE, 0, name, &number), AVOW_OK);
}

static void test_long_lines(void **state) {
  /* Goal: a list as large as one may be, of one line or of many, is read. */
  (void)state;
  static const char end[] = "\nbob " BOB_LINE "\n";
  size_t size = AVOW_KEY_LIST_MAX - strlen(end);
  char *file = malloc(AVOW_KEY_LIST_MAX + 1);
  char name[AVOW_NAME_SIZE];
  unsigned line;
  assert_non_null(file);
  memset(file, 'c', size);
  memcpy(file + size, end, sizeof(end));
  assert_int_equal(find_in(file, AVOW_KEY_LIST_MAX, BOB_LINE, 0, name, &line), AVOW_MALFORMED);
  assert_int_equal(line, 1);
  memcpy(file, "alice " ALICE_LINE " ", strlen("alice " ALICE_LINE " "));
  assert_int_equal(find_in(file, AVOW_KEY_LIST_MAX, BOB_LINE, 0, name, &line), AVOW_OK);
  assert_int_equal(line, 2);
  memset(file, '\n', size);
  assert_int_equal(find_in(file, AVOW_KEY_LIST_MAX, BOB_LINE, 0, name, &line), AVOW_OK);
  assert_int_equal(line, size + 2);
  free(file);
}

static void test_truncated(void **state) {
  /* Goal: a file cut at any length lets Bob in only once his whole line is there. */
  (void)state;
  static const char file[] = "alice,\"b\" namespaces=\"a\\\"b,avow\" " ALICE_LINE "\n"
                             "bob valid-before=\"20300101Z\",namespaces=\"!x,*\" " BOB_LINE " x\n";
  char name[AVOW_NAME_SIZE];
  unsigned line;
  for (size_t size = 0; size <= strlen(file); size++) {
    enum avow_error error = find_in(file, size, BOB_LINE, 0, name, &line);
    assert_int_equal(error == AVOW_OK, size >= strlen(file) - strlen(" x\n"));
  }
}

static void test_flipped(void **state) {
  /* Goal: no changed byte lets in a key that the file does not name, and none reads outside of it.
   */
  (void)state;
  char file[] = "alice,\"b\" namespaces=\"a\\\"b,avow\",valid-after=\"20200101\" " ALICE_LINE "\n"
                "\"b b\" valid-before=\"20300101Z\",cert-authority " UNNAMED_LINE " x\n";
  char name[AVOW_NAME_SIZE];
  unsigned line;
  for (size_t at = 0; at < strlen(file); at++) {
    for (unsigned bit = 0; bit < 8; bit++) {
      file[at] = (char)(file[at] ^ (1 << bit));
      enum avow_error error = find_in(file, sizeof(file) - 1, BOB_LINE, 0, name, &line);
      file[at] = (char)(file[at] ^ (1 << bit));
      assert_true(error == AVOW_NOT_FOUND || error == AVOW_MALFORMED);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_finds),
      cmocka_unit_test(test_line_ends),
      cmocka_unit_test(test_principals),
      cmocka_unit_test(test_long_name),
      cmocka_unit_test(test_duplicates),
      cmocka_unit_test(test_namespaces),
      cmocka_unit_test(test_slow_pattern),
      cmocka_unit_test(test_options),
      cmocka_unit_test(test_authority),
      cmocka_unit_test(test_bad_options),
      cmocka_unit_test(test_bad_times),
      cmocka_unit_test(test_time_edges),
      cmocka_unit_test(test_expired_or_not_found),
      cmocka_unit_test(test_unreadable_lines),
      cmocka_unit_test(test_nul_bytes),
      cmocka_unit_test(test_long_lines),
      cmocka_unit_test(test_truncated),
      cmocka_unit_test(test_flipped),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
