// SPDX-License-Identifier: Apache-2.0
/* Mallory's relay: what each attack makes of a row of frames at once, to the byte. */
#include "relay_line.h"

/* Goal: without an attack every byte passes as it came, in whatever pieces. */
static void test_nothing(void **state) {
  (void)state;
  struct line line;
  uint8_t bytes[AVOW_FRAME_HEADER + TOKEN_SIZE];
  begin(&line, "eavesdrop");
  size_t size = token('a', bytes);
  for (size_t i = 0; i < size; i++)
    give(&line, TO_ALICE, bytes + i, 1);
  give_token(&line, TO_BOB, 'b');
  assert_went(&line, TO_ALICE, "a");
  assert_went(&line, TO_BOB, "b");
  assert_said(&line, "");
  assert_int_equal(line.last.size, TOKEN_SIZE);
  end(&line);
}

/* Goal: a bit of the right frame is flipped, and no other. */
static void test_modify(void **state) {
  (void)state;
  struct line line;
  begin(&line, "modify,nth=2,byte=-1,bit=3");
  for (const char *letter = "abc"; *letter != '\0'; letter++)
    give_token(&line, TO_ALICE, *letter);
  struct view went = buf_view(&line.to[TO_ALICE - 1]);
  uint8_t *last =
      (uint8_t *)(uintptr_t)went.data + 2 * (size_t)(AVOW_FRAME_HEADER + TOKEN_SIZE) - 1;
  assert_int_equal(*last, 'b' ^ 8);
  *last = 'b';
  assert_went(&line, TO_ALICE, "abc");
  assert_said(&line, "flipped bit 3 of byte 124 of the 2nd token to Alice.\n");
  end(&line);
}

/* Goal: a byte that the frame does not have is left alone, and the attack is not used up. */
static void test_modify_outside(void **state) {
  (void)state;
  struct line line;
  begin(&line, "modify,byte=125");
  give_token(&line, TO_ALICE, 'a');
  assert_went(&line, TO_ALICE, "a");
  assert_said(&line, "");
  assert_int_equal(line.plan.attacks[0].done, 0);
  end(&line);
}

static void run(const char *attack, const char *letters, const char *to_alice, const char *to_bob,
                const char *said) {
  struct line line;
  begin(&line, attack);
  for (const char *letter = letters; *letter != '\0'; letter++)
    give_token(&line, *letter < 'a' ? TO_BOB : TO_ALICE, *letter);
  assert_went(&line, TO_ALICE, to_alice);
  assert_went(&line, TO_BOB, to_bob);
  assert_said(&line, said);
  end(&line);
}

/* Goal: what is done at once: capital letters go to Bob, small ones to Alice. */
static void test_at_once(void **state) {
  (void)state;
  run("drop,nth=2", "abcABC", "ac", "ABC", "swallowed the 2nd token to Alice.\n");
  run("drop,to=bob,times=2", "abcABC", "abc", "C",
      "swallowed the 1st token to Bob.\nswallowed the 2nd token to Bob.\n");
  run("duplicate,nth=3", "abc", "abcc", "", "sent the 3rd token to Alice twice in one go.\n");
  run("replay,count=3", "ab", "aaaab", "",
      "sent the 1st token to Alice again, 3 times, right "
      "behind it.\n");
  run("replay", "ab", "aab", "", "sent the 1st token to Alice again, right behind it.\n");
  run("reflect", "aA", "a", "aA", "sent the 1st token to Alice back to its maker, too.\n");
  run("reorder", "abc", "bac", "",
      "holds back the 1st token to Alice until the next one has passed.\n"
      "let the 1st token to Alice go, behind the next one.\n");
  run("drop,rate=0,times=0", "abc", "abc", "", "");
  run("drop,type=open,times=0", "abc", "abc", "", "");
  run("drop,connection=2,times=0", "abc", "abc", "", "");
}

/* Goal: what is put before a frame is what it says. */
static void test_added(void **state) {
  (void)state;
  struct line line;
  uint8_t bytes[AVOW_FRAME_HEADER + TOKEN_SIZE];
  size_t size = token('a', bytes);
  static const struct {
    const char *attack, *said;
    size_t more;
  } CASES[] = {
      {"huge-length", "put a header that promises 4 GiB before the 1st token to Alice.\n", 5},
      {"inject,what=http", "put HTTP (35 bytes) before the 1st token to Alice.\n", 35},
      {"inject,what=open", "put an `open` of her own (13 bytes) before the 1st token to Alice.\n",
       13},
      {"inject,what=empty", "put an empty token (5 bytes) before the 1st token to Alice.\n", 5},
      {"inject,what=token", "put a made-up token (125 bytes) before the 1st token to Alice.\n",
       125},
      {"inject", "put noise (32 bytes) before the 1st token to Alice.\n", 32},
      {"flood,count=1000", "put 1000 made-up tokens before the 1st token to Alice.\n", 105000},
  };
  for (size_t i = 0; i < COUNT_OF(CASES); i++) {
    begin(&line, CASES[i].attack);
    give_token(&line, TO_ALICE, 'a');
    struct view went = buf_view(&line.to[TO_ALICE - 1]);
    assert_int_equal(went.size, CASES[i].more + size);
    assert_memory_equal(went.data + CASES[i].more, bytes, size);
    assert_said(&line, CASES[i].said);
    end(&line);
  }
}

/* Goal: a made-up confirmation has the length of the true one, and is not it. */
static void test_fake(void **state) {
  (void)state;
  struct line line;
  uint8_t bytes[AVOW_FRAME_HEADER + TOKEN_SIZE];
  size_t size = token('A', bytes);
  begin(&line, "fake-confirmation");
  give_token(&line, TO_BOB, 'A');
  struct view went = buf_view(&line.to[TO_BOB - 1]);
  assert_int_equal(went.size, size);
  assert_memory_equal(went.data, bytes, AVOW_FRAME_HEADER);
  assert_memory_not_equal(went.data, bytes, size);
  end(&line);
}

/* Goal: a frame that is cut off ends where she says. */
static void test_truncate(void **state) {
  (void)state;
  struct line line;
  begin(&line, "truncate,size=7");
  give_token(&line, TO_ALICE, 'a');
  assert_true(view_equal(buf_view(&line.to[TO_ALICE - 1]), view_of("\0\0\0\x78\6aa", 7)));
  assert_said(&line, "cut the 1st token to Alice off after 7 of its 125 bytes.\n");
  end(&line);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_nothing),        cmocka_unit_test(test_modify),
      cmocka_unit_test(test_modify_outside), cmocka_unit_test(test_at_once),
      cmocka_unit_test(test_added),          cmocka_unit_test(test_fake),
      cmocka_unit_test(test_truncate),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
