// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "keys/known_servers.h"
#include "keys/public_key.h"
#include "keys_data.h"

#define LINE_UNSET 77777u

/* Look in a copy of exactly ${size} bytes; ${ret_text} of PUBLIC_KEY_TEXT_SIZE gets the key, or "".
 */
static enum avow_error find_in(const void *file, size_t size, const char *host, unsigned port,
                               char *ret_text, unsigned *ret_line) {
  uint8_t *copy = malloc(size > 0 ? size : 1);
  uint8_t key[ED25519_PUBLIC_SIZE], before[ED25519_PUBLIC_SIZE];
  assert_non_null(copy);
  memcpy(copy, file, size);
  memset(before, 0xa5, sizeof(before));
  memcpy(key, before, sizeof(key));
  *ret_line = LINE_UNSET;
  enum avow_error error = known_servers_find(view_of(copy, size), host, port, key, ret_line);
  free(copy);
  ret_text[0] = '\0';
  if (error == AVOW_OK)
    public_key_encode(key, ret_text);
  else
    assert_memory_equal(key, before, sizeof(before));
  if (error == AVOW_NOT_FOUND)
    assert_int_equal(*ret_line, LINE_UNSET);
  return error;
}

static void assert_finds(const char *file, const char *host, unsigned port, const char *key,
                         unsigned number) {
  char text[PUBLIC_KEY_TEXT_SIZE];
  unsigned line;
  assert_int_equal(find_in(file, strlen(file), host, port, text, &line), AVOW_OK);
  assert_string_equal(text, key);
  assert_int_equal(line, number);
}

/* ${number} is 0 where no line is named. */
static void assert_fails(const char *file, const char *host, unsigned port, enum avow_error error,
                         unsigned number) {
  char text[PUBLIC_KEY_TEXT_SIZE];
  unsigned line;
  assert_int_equal(find_in(file, strlen(file), host, port, text, &line), error);
  assert_int_equal(line, number == 0 ? LINE_UNSET : number);
}

static void test_finds(void **state) {
  /* Goal: host and port both count, the case of the host does not, and lines are counted with those
   * that are skipped. */
  (void)state;
  static const char file[] = "# servers\n"
                             "\n"
                             "[alice.example]:1024 " ALICE_LINE " alice@host\n"
                             " \t \n"
                             "  # indented\n"
                             "[alice.example]:1025 " BOB_LINE "\n"
                             "[ALICE-2.example]:1024\t\t" UNNAMED_LINE "\n";
  assert_finds(file, "alice.example", 1024, ALICE_LINE, 3);
  assert_finds(file, "Alice.EXAMPLE", 1025, BOB_LINE, 6);
  assert_finds(file, "alice-2.example", 1024, UNNAMED_LINE, 7);
  assert_fails(file, "alice.example", 1026, AVOW_NOT_FOUND, 0);
  assert_fails(file, "alice.exampl", 1024, AVOW_NOT_FOUND, 0);
  assert_fails(file, "alice.example.", 1024, AVOW_NOT_FOUND, 0);
  assert_fails(file, "", 1024, AVOW_NOT_FOUND, 0);
  assert_fails("", "alice", 1024, AVOW_NOT_FOUND, 0);
  assert_fails("\n\n", "alice", 1024, AVOW_NOT_FOUND, 0);
}

static void test_only_ascii_case(void **state) {
  /* Goal: no bytes but the letters are folded: '[' and '{' stand 32 apart as 'A' and 'a' do. */
  (void)state;
  assert_fails("[a\xc3\x89]:1 " BOB_LINE, "a\xc3\xa9", 1, AVOW_NOT_FOUND, 0);
  assert_fails("[a^]:1 " BOB_LINE, "a~", 1, AVOW_NOT_FOUND, 0);
  assert_fails("[a@]:1 " BOB_LINE, "a`", 1, AVOW_NOT_FOUND, 0);
}

static void test_addresses(void **state) {
  /* Goal: IPv4 and IPv6 addresses, with a zone too, are hosts as any other. */
  (void)state;
  static const char file[] = "[127.0.0.1]:1024 " ALICE_LINE "\n"
                             "[::1]:1024 " BOB_LINE "\n"
                             "[fe80::1%eth0]:65535 " UNNAMED_LINE "\n";
  assert_finds(file, "127.0.0.1", 1024, ALICE_LINE, 1);
  assert_finds(file, "::1", 1024, BOB_LINE, 2);
  assert_finds(file, "FE80::1%eth0", 65535, UNNAMED_LINE, 3);
  assert_fails(file, "::", 11024, AVOW_NOT_FOUND, 0);
}

static void test_line_ends(void **state) {
  /* Goal: CRLF, and a last line without a newline. */
  (void)state;
  assert_finds("\r\n[a]:1 " BOB_LINE " x\r\n[b]:1 " ALICE_LINE "\r\n", "b", 1, ALICE_LINE, 3);
  assert_finds("\r\n[a]:1 " BOB_LINE "\r\n[b]:1 " ALICE_LINE, "a", 1, BOB_LINE, 2);
  assert_finds("#\n[b]:1 " ALICE_LINE, "b", 1, ALICE_LINE, 2);
  assert_finds("#\n[b]:1 " ALICE_LINE "\r", "b", 1, ALICE_LINE, 2);
}

static void test_duplicates(void **state) {
  /* Goal: the first line of a server counts, whatever stands behind it. */
  (void)state;
  static const char file[] = "[a]:1 " ALICE_LINE "\n[A]:1 " BOB_LINE "\nnoise\n";
  assert_finds(file, "a", 1, ALICE_LINE, 1);
  assert_fails(file, "b", 1, AVOW_MALFORMED, 3);
}

static void test_unreadable_key(void **state) {
  /* Goal: a line without a good key is an error for its own server, and for no other. */
  (void)state;
  static const char *const bad[] = {
      "[a]:1\n",
      "[a]:1 \n",
      "[a]:1 ssh-ed25519\n",
      "[a]:1 ssh-ed25519 AAAA\n",
      "[a]:1 " BOB_LINE "AAAA\n",
  };
  for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
    char file[1024];
    snprintf(file, sizeof(file), "#\n%s[b]:1 " BOB_LINE "\n[a]:1 " BOB_LINE "\n", bad[i]);
    assert_fails(file, "a", 1, AVOW_MALFORMED, 2);
    assert_finds(file, "b", 1, BOB_LINE, 3);
  }
  static const char rsa[] = "[a]:1 " RSA_LINE "\n[b]:1 " BOB_LINE "\n";
  assert_fails(rsa, "a", 1, AVOW_KEY_TYPE, 1);
  assert_finds(rsa, "b", 1, BOB_LINE, 2);
}

static void test_unreadable_host(void **state) {
  /* Goal: a line of which it cannot be told whose it is, is an error for all whose line was not
   * before it: it may be theirs. */
  (void)state;
  static const char *const bad[] = {
      "noise",     "a",       "a:1",     "[a]",         "[a]1",       "[a]:",
      "[a:1",      "[]:1",    "[a]:0",   "[a]:01",      "[a]:65536",  "[a]:4294967297",
      "[a]:1x",    "[a]:-1",  "[a]:+1",  "[a]:1,[b]:1", "[*.a]:1",    "[a?]:1",
      "[!a]:1",    "[a,b]:1", "[[a]]:1", "@revoked",    "|1|aa=|bb=", "[a\x7f]:1",
      "[a\x1b]:1", "[a",      "[",       "]",
  };
  for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
    char file[1024];
    snprintf(file, sizeof(file), "[first]:1 " ALICE_LINE "\n%s " BOB_LINE "\n[b]:1 " BOB_LINE "\n",
             bad[i]);
    assert_fails(file, "b", 1, AVOW_MALFORMED, 2);
    assert_fails(file, "a", 1, AVOW_MALFORMED, 2);
    assert_finds(file, "first", 1, ALICE_LINE, 1);
  }
}

static void test_nul_bytes(void **state) {
  /* Goal: a NUL ends nothing: not the host, not the key, not the comment. */
  (void)state;
  static const char in_host[] = "[a\0]:1 " BOB_LINE "\n";
  static const char behind_host[] = "[a]:1\0 " BOB_LINE "\n";
  static const char behind_key[] = "[a]:1 " BOB_LINE "\0\n";
  static const char in_comment[] = "[a]:1 " BOB_LINE " c\0c\n";
  static const char in_remark[] = "#\0\n[a]:1 " BOB_LINE "\n";
  char text[PUBLIC_KEY_TEXT_SIZE];
  unsigned line;
  assert_int_equal(find_in(in_host, sizeof(in_host) - 1, "a", 1, text, &line), AVOW_MALFORMED);
  assert_int_equal(find_in(behind_host, sizeof(behind_host) - 1, "a", 1, text, &line),
                   AVOW_MALFORMED);
  assert_int_equal(find_in(behind_key, sizeof(behind_key) - 1, "a", 1, text, &line),
                   AVOW_MALFORMED);
  assert_int_equal(find_in(in_comment, sizeof(in_comment) - 1, "a", 1, text, &line),
                   AVOW_MALFORMED);
  assert_int_equal(find_in(in_remark, sizeof(in_remark) - 1, "a", 1, text, &line), AVOW_OK);
  assert_int_equal(line, 2);
}

static void test_long_lines(void **state) {
  /* Goal: a line of a megabyte is a line as any other, whatever part of it is long. */
  (void)state;
  static const char end[] = "\n[a]:1 " BOB_LINE "\n";
  size_t size = 1024 * 1024;
  char *file = malloc(size + sizeof(end));
  char text[PUBLIC_KEY_TEXT_SIZE];
  unsigned line;
  assert_non_null(file);
  memset(file, 'c', size);
  memcpy(file + size, end, sizeof(end));
  assert_int_equal(find_in(file, size + strlen(end), "a", 1, text, &line), AVOW_MALFORMED);
  assert_int_equal(line, 1);
  file[0] = '#';
  assert_int_equal(find_in(file, size + strlen(end), "a", 1, text, &line), AVOW_OK);
  assert_int_equal(line, 2);
  memcpy(file, "[b]:1 " ALICE_LINE " ", strlen("[b]:1 " ALICE_LINE " "));
  assert_int_equal(find_in(file, size + strlen(end), "b", 1, text, &line), AVOW_OK);
  assert_string_equal(text, ALICE_LINE);
  assert_int_equal(find_in(file, size + strlen(end), "a", 1, text, &line), AVOW_OK);
  free(file);
}

static void test_truncated_and_flipped(void **state) {
  /* Goal: no cut and no changed byte makes a key appear that the file does not say, and none of
   * them reads outside of the file. */
  (void)state;
  char file[] = "[a]:1 " ALICE_LINE "\n[b]:22 " BOB_LINE "\n";
  char text[PUBLIC_KEY_TEXT_SIZE];
  unsigned line;
  for (size_t size = 0; size < strlen(file) - 1; size++)
    assert_int_not_equal(find_in(file, size, "b", 22, text, &line), AVOW_OK);
  for (size_t at = 0; at < strlen(file); at++) {
    for (unsigned bit = 0; bit < 8; bit++) {
      file[at] = (char)(file[at] ^ (1 << bit));
      if (find_in(file, strlen(file), "b", 22, text, &line) == AVOW_OK)
        assert_non_null(strstr(file, strchr(text, ' ') + 1));
      file[at] = (char)(file[at] ^ (1 << bit));
    }
  }
}

static void test_writes(void **state) {
  /* Goal: a line that we write is appended, and found again. */
  (void)state;
  struct buf file;
  uint8_t key[ED25519_PUBLIC_SIZE];
  buf_init(&file, 1024);
  assert_int_equal(public_key_decode(view_text(ALICE_LINE), key, NULL), AVOW_OK);
  assert_int_equal(known_servers_line("::1", 1024, key, &file), AVOW_OK);
  assert_int_equal(known_servers_line("Alice.example", 65535, key, &file), AVOW_OK);
  assert_true(view_equal(buf_view(&file), view_text("[::1]:1024 " ALICE_LINE "\n"
                                                    "[Alice.example]:65535 " ALICE_LINE "\n")));
  assert_int_equal(buf_u8(&file, 0), AVOW_OK);
  assert_finds((const char *)buf_view(&file).data, "alice.example", 65535, ALICE_LINE, 2);
  buf_free(&file);
}

static void test_writes_no_bad_line(void **state) {
  /* Goal: a host or port that would make a line that cannot be read, or two lines, is refused, and
   * nothing is written; nor is a part of a line when there is no room. */
  (void)state;
  static const char *const hosts[] = {"",   " ",  "a b", "a\n", "a\tb", "a\x1b", "a\x7f",
                                      "a]", "[a", "a,b", "*",   "a?",   "!a"};
  struct buf file;
  uint8_t key[ED25519_PUBLIC_SIZE] = {0};
  buf_init(&file, 64);
  assert_int_equal(buf_text(&file, "x"), AVOW_OK);
  for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++)
    assert_int_equal(known_servers_line(hosts[i], 1, key, &file), AVOW_MALFORMED);
  assert_int_equal(known_servers_line("a", 0, key, &file), AVOW_MALFORMED);
  assert_int_equal(known_servers_line("a", 65536, key, &file), AVOW_MALFORMED);
  assert_int_equal(known_servers_line("a", 1, key, &file), AVOW_TOO_LONG);
  assert_true(view_equal(buf_view(&file), view_text("x")));
  buf_free(&file);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_finds),           cmocka_unit_test(test_only_ascii_case),
      cmocka_unit_test(test_addresses),       cmocka_unit_test(test_line_ends),
      cmocka_unit_test(test_duplicates),      cmocka_unit_test(test_unreadable_key),
      cmocka_unit_test(test_unreadable_host), cmocka_unit_test(test_nul_bytes),
      cmocka_unit_test(test_long_lines),      cmocka_unit_test(test_truncated_and_flipped),
      cmocka_unit_test(test_writes),          cmocka_unit_test(test_writes_no_bad_line),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
