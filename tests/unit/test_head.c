// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "evidence/head.h"

/* Lines that are covered, lines that are not, and lines that only look so. */
static const char *const covered[] = {
    "\n",
    "Message ID: 0\n",
    "Head: 00\n",
    "Message text:\n",
    "message text: x\n",
    " Message text: x\n",
    "Key:\n",
    "Key\n",
    "Keys: 1\n",
    "Message confirmed at: x\n",
    "To: Key: \n",
};
static const char *const withheld[] = {
    "Message text: \n", "Message text: Hey dude\n",       "Message text: Head: 00\n", "Key: \n",
    "Key: -_-_=\n",     "Message text: Message text: \n",
};

/* SHA-256 of ${bytes}, as sha256sum would say. */
static void hash_of(const struct buf *bytes, uint8_t value[SHA256_SIZE]) {
  struct hash *hash;
  assert_int_equal(hash_new(&hash), AVOW_OK);
  assert_int_equal(hash_sha256(hash, buf_view(bytes), value), AVOW_OK);
  hash_free(hash);
}

static void assert_head(struct head *head, const struct buf *lines) {
  uint8_t is[SHA256_SIZE], expected[SHA256_SIZE];
  assert_int_equal(head_value(head, is), AVOW_OK);
  hash_of(lines, expected);
  assert_memory_equal(is, expected, SHA256_SIZE);
}

/* Goal: the head of nothing, and of one known line, is what sha256sum says. */
static void test_known(void **state) {
  (void)state;
  static const uint8_t empty[] = {0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14,
                                  0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24};
  static const uint8_t line[] = {0x01, 0xba, 0x47, 0x19, 0xc8, 0x0b, 0x6f, 0xe9,
                                 0x11, 0xb0, 0x91, 0xa7, 0xc0, 0x51, 0x24, 0xb6};
  struct head head;
  uint8_t value[SHA256_SIZE];
  assert_int_equal(head_init(&head), AVOW_OK);
  assert_int_equal(head_add(&head, view_text("Key: x\n")), AVOW_OK);
  assert_int_equal(head_value(&head, value), AVOW_OK);
  assert_memory_equal(value, empty, sizeof empty);
  assert_int_equal(head_add(&head, view_text("\n")), AVOW_OK);
  assert_int_equal(head_value(&head, value), AVOW_OK);
  assert_memory_equal(value, line, sizeof line); /* echo | sha256sum */
  head_free(&head);
  head_free(&head);
}

/* Goal: of any lines, added in any parts, the head covers exactly those that are no text and no
 * key; and asking for it changes nothing. */
static void test_any_lines(void **state) {
  (void)state;
  uint64_t seed = 1;
  for (unsigned round = 0; round < 500; round++) {
    struct head head;
    struct buf rest, part;
    buf_init(&rest, 100000);
    buf_init(&part, 100000);
    assert_int_equal(head_init(&head), AVOW_OK);
    for (uint64_t i = chance_below(&seed, 30); i > 0; i--) {
      bool under = chance_below(&seed, 2);
      const char *line = under ? covered[chance_below(&seed, COUNT_OF(covered))]
                               : withheld[chance_below(&seed, COUNT_OF(withheld))];
      assert_int_equal(buf_text(&part, line), AVOW_OK);
      if (under)
        assert_int_equal(buf_text(&rest, line), AVOW_OK);
      if (chance_below(&seed, 3) == 0) {
        assert_int_equal(head_add(&head, buf_view(&part)), AVOW_OK);
        buf_clear(&part);
        assert_head(&head, &rest);
      }
    }
    assert_int_equal(head_add(&head, buf_view(&part)), AVOW_OK);
    assert_head(&head, &rest);
    head_free(&head);
    buf_free(&rest);
    buf_free(&part);
  }
}

/* Compute by hand what the head line behind ${log} is, and append it. */
static void append_head(struct buf *log) {
  struct buf rest;
  uint8_t value[SHA256_SIZE];
  char hex[2 * SHA256_SIZE + 1];
  buf_init(&rest, 100000);
  struct view lines = buf_view(log);
  while (lines.size > 0) {
    const uint8_t *end = memchr(lines.data, '\n', lines.size);
    size_t size = (size_t)(end + 1 - lines.data);
    if (strncmp((const char *)lines.data, "Message text: ", 14) != 0 &&
        strncmp((const char *)lines.data, "Key: ", 5) != 0)
      assert_int_equal(buf_append(&rest, view_of(lines.data, size)), AVOW_OK);
    lines = view_of(lines.data + size, lines.size - size);
  }
  hash_of(&rest, value);
  hex_encode(view_of(value, sizeof value), hex);
  assert_int_equal(buf_format(log, "Head: %s\n", hex), AVOW_OK);
  buf_free(&rest);
}

/* Goal: a chunk is closed with an empty line and the head of the whole log before that line, heads
 * of earlier chunks among it; sealing twice adds nothing; what is consumed counts all the same. */
static void test_chunks(void **state) {
  (void)state;
  static const char *const chunks[] = {"To: x\n", "\nMessage ID: 0\nMessage text: a\n",
                                       "\nA: b\nKey: c\n", "\nMessages: 0-0\n"};
  struct chunk chunk;
  struct buf log, stored;
  buf_init(&log, 100000);
  buf_init(&stored, 100000);
  assert_int_equal(chunk_init(&chunk, 1000), AVOW_OK);
  assert_int_equal(chunk_seal(&chunk), AVOW_OK);
  assert_int_equal(buf_view(&chunk.bytes).size, 0); /* nothing in it needs no head */
  for (unsigned i = 0; i < 3 * COUNT_OF(chunks); i++) {
    const char *text = chunks[i % COUNT_OF(chunks)];
    assert_int_equal(buf_text(&chunk.bytes, text), AVOW_OK);
    if (i % 4 < 2) { /* some of it is stored before it is sealed */
      assert_int_equal(chunk_ahead(&chunk), AVOW_OK);
      struct view ahead = buf_view(&chunk.bytes);
      ahead.size -= i % 4 == 1 ? 3 : 0;
      assert_int_equal(buf_append(&stored, ahead), AVOW_OK);
      chunk_consume(&chunk, ahead.size);
    }
    assert_int_equal(chunk_seal(&chunk), AVOW_OK);
    size_t size = buf_view(&chunk.bytes).size;
    assert_int_equal(chunk_seal(&chunk), AVOW_OK);
    assert_int_equal(buf_view(&chunk.bytes).size, size);
    assert_int_equal(buf_format(&log, "%s\n", text), AVOW_OK);
    append_head(&log);
    if (i % 3 == 0)
      continue;                                  /* two chunks in one go */
    size_t first = i % 3 == 1 ? size : size / 2; /* or stored in two */
    for (unsigned part = 0; part < 2; part++) {
      struct view bytes = buf_view(&chunk.bytes);
      size_t now = part == 0 ? first : bytes.size;
      assert_int_equal(buf_append(&stored, view_of(bytes.data, now)), AVOW_OK);
      chunk_consume(&chunk, now);
    }
    assert_view_text(buf_view(&stored), (buf_u8(&log, 0), (const char *)log.data));
    log.size--;
  }
  chunk_free(&chunk);
  buf_free(&log);
  buf_free(&stored);
}

/* Goal: a chunk that goes on from a head gives the same bytes as one that never stopped. */
static void test_continue(void **state) {
  (void)state;
  struct chunk whole, later;
  struct head head;
  assert_int_equal(chunk_init(&whole, 1000), AVOW_OK);
  assert_int_equal(chunk_init(&later, 1000), AVOW_OK);
  assert_int_equal(head_init(&head), AVOW_OK);
  assert_int_equal(buf_text(&whole.bytes, "To: x\nKey: y\n"), AVOW_OK);
  assert_int_equal(chunk_seal(&whole), AVOW_OK);
  assert_int_equal(head_add(&head, buf_view(&whole.bytes)), AVOW_OK);
  chunk_consume(&whole, buf_view(&whole.bytes).size);
  chunk_continue(&later, head);
  assert_int_equal(buf_text(&whole.bytes, "\nMore: 1\n"), AVOW_OK);
  assert_int_equal(buf_text(&later.bytes, "\nMore: 1\n"), AVOW_OK);
  assert_int_equal(chunk_seal(&whole), AVOW_OK);
  assert_int_equal(chunk_seal(&later), AVOW_OK);
  assert_true(view_equal(buf_view(&whole.bytes), buf_view(&later.bytes)));
  chunk_free(&whole);
  chunk_free(&later);
}

/* Goal: a head line that does not fit is an error. */
static void test_no_room(void **state) {
  (void)state;
  size_t needed = 6 + 1 + 6 + 2 * SHA256_SIZE + 1 + 1; /* printf needs one more for its NUL */
  for (size_t max = 6; max <= needed; max++) {
    struct chunk chunk;
    assert_int_equal(chunk_init(&chunk, max), AVOW_OK);
    assert_int_equal(buf_text(&chunk.bytes, "To: x\n"), AVOW_OK);
    assert_int_equal(chunk_seal(&chunk), max < needed ? AVOW_TOO_LONG : AVOW_OK);
    chunk_free(&chunk);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_known),   cmocka_unit_test(test_any_lines),
      cmocka_unit_test(test_chunks),  cmocka_unit_test(test_continue),
      cmocka_unit_test(test_no_room),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
