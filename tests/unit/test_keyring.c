// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "evidence/keyring.h"
#include "keys/public_key.h"

/* Whose key is whose, by the reader's list. */

#define PEOPLE 9u
#define DAY_US (UINT64_C(86400) * 1000000)

static void key_of(unsigned person, uint8_t key[ED25519_PUBLIC_SIZE]) {
  memset(key, 'a' + (int)person, ED25519_PUBLIC_SIZE);
}

static void add(char *list, size_t size, const char *before, unsigned person) {
  uint8_t key[ED25519_PUBLIC_SIZE];
  char line[PUBLIC_KEY_TEXT_SIZE];
  key_of(person, key);
  public_key_encode(key, line);
  size_t used = strlen(list);
  snprintf(list + used, size - used, "%s %s comment\n", before, line);
}

/* Goal: the first line that has the key at that time counts, and says its number and its names;
 * however many keys are asked for in turns. */
static void test_find(void **state) {
  (void)state;
  char list[4096] = "# people\n\n";
  struct keyring keyring;
  struct allowed_line line;
  uint8_t key[ED25519_PUBLIC_SIZE];
  char name[AVOW_NAME_SIZE], text[32];
  unsigned bad;
  for (unsigned i = 0; i < PEOPLE; i++) {
    snprintf(text, sizeof text, "p%u@a,*@b,!eve@b", i);
    add(list, sizeof list, text, i);
  }
  add(list, sizeof list, "new@a valid-after=\"19700103\"", 20);
  add(list, sizeof list, "old@a valid-before=\"19700102\"", 20);
  assert_int_equal(keyring_init(&keyring, view_text(list), &bad), AVOW_OK);
  for (unsigned round = 0; round < 3; round++)
    for (unsigned i = 0; i < PEOPLE; i++) {
      key_of(i, key);
      assert_int_equal(keyring_find(&keyring, key, 0, &line), AVOW_OK);
      assert_int_equal(line.number, 3 + i);
      snprintf(text, sizeof text, "p%u@a", i);
      allowed_line_name(&line, name);
      assert_string_equal(name, text);
      assert_true(allowed_line_is(&line, text));
      assert_true(allowed_line_is(&line, "someone@b"));
      assert_false(allowed_line_is(&line, "eve@b"));
      assert_false(allowed_line_is(&line, "p@a"));
    }
  key_of(20, key);
  assert_int_equal(keyring_find(&keyring, key, 0, &line), AVOW_OK);
  assert_int_equal(line.number, 3 + PEOPLE + 1);
  assert_int_equal(keyring_find(&keyring, key, DAY_US + 1000000, &line), AVOW_EXPIRED);
  assert_int_equal(keyring_find(&keyring, key, 2 * DAY_US, &line), AVOW_OK);
  assert_int_equal(line.number, 3 + PEOPLE);
  key_of(21, key);
  assert_int_equal(keyring_find(&keyring, key, 0, &line), AVOW_NOT_FOUND);
  keyring_free(&keyring);
}

/* Goal: a list that is in part unreadable is no list; its first bad line is named. */
static void test_unreadable(void **state) {
  (void)state;
  char list[1024] = "";
  struct keyring keyring;
  unsigned line = 0;
  add(list, sizeof list, "alice", 0);
  add(list, sizeof list, "bob unheard-of", 1);
  add(list, sizeof list, "carol", 2);
  assert_int_equal(keyring_init(&keyring, view_text(list), &line), AVOW_MALFORMED);
  assert_int_equal(line, 2);
  keyring_free(&keyring);
  assert_int_equal(keyring_init(&keyring, view_of("", 0), &line), AVOW_OK);
  keyring_free(&keyring);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_find),
      cmocka_unit_test(test_unreadable),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
