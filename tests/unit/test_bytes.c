// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Goal: whatever is appended and consumed in whatever order, the buffer holds what a plain array
 * would, and never more than its maximum. */
static void test_any_order(void **state) {
  (void)state;
  uint64_t seed = 11;
  for (unsigned round = 0; round < 300; round++) {
    static uint8_t model[1 << 16];
    size_t first = 0, last = 0, max = 1 + chance_below(&seed, 3000);
    struct buf buf;
    buf_init(&buf, max);
    for (unsigned i = 0; i < 200 && last < sizeof model - 700; i++) {
      uint8_t bytes[700];
      size_t size = chance_below(&seed, sizeof bytes);
      memset(bytes, (int)i, size);
      bool fits = size <= max - (last - first);
      assert_int_equal(buf_append(&buf, view_of(bytes, size)), fits ? AVOW_OK : AVOW_TOO_LONG);
      if (fits) {
        memcpy(model + last, bytes, size);
        last += size;
      }
      size = chance_below(&seed, last - first + 1);
      buf_consume(&buf, size);
      first += size;
      assert_true(view_equal(buf_view(&buf), view_of(model + first, last - first)));
    }
    buf_free(&buf);
  }
}

/* Goal: the maximum counts what is unconsumed; it can be filled to the byte, and a failure leaves
 * what is there. */
static void test_maximum(void **state) {
  (void)state;
  struct buf buf;
  uint8_t *to = NULL;
  buf_init(&buf, 1000);
  for (unsigned i = 0; i < 1000; i++)
    assert_int_equal(buf_u8(&buf, (uint8_t)i), AVOW_OK);
  assert_int_equal(buf_u8(&buf, 1), AVOW_TOO_LONG);
  assert_int_equal(buf_reserve(&buf, 1, &to), AVOW_TOO_LONG);
  assert_int_equal(buf_reserve(&buf, SIZE_MAX, &to), AVOW_TOO_LONG);
  assert_null(to);
  assert_int_equal(buf_reserve(&buf, 0, &to), AVOW_OK);
  assert_int_equal(buf_view(&buf).size, 1000);
  buf_consume(&buf, 7);
  assert_int_equal(buf_append(&buf, view_text("seven++")), AVOW_OK);
  assert_int_equal(buf_view(&buf).size, 1000);
  assert_int_equal(buf_view(&buf).data[0], 7);
  assert_memory_equal(buf_view(&buf).data + 993, "seven++", 7);
  buf_clear(&buf);
  assert_int_equal(buf_view(&buf).size, 0);
  buf_free(&buf);
  assert_int_equal(buf.max, 1000);
  assert_int_equal(buf_view(&buf).size, 0);
  assert_non_null(buf_view(&buf).data); /* an empty view may be given to memcpy */
  buf_wipe_free(&buf);

  buf_init(&buf, 0);
  assert_int_equal(buf_append(&buf, view_of("", 0)), AVOW_OK);
  assert_int_equal(buf_text(&buf, "x"), AVOW_TOO_LONG);
  buf_free(&buf);
}

/* Goal: bytes that were reserved and not committed do not count. */
static void test_reserve(void **state) {
  (void)state;
  struct buf buf;
  uint8_t *to;
  buf_init(&buf, 5000);
  assert_int_equal(buf_text(&buf, "ab"), AVOW_OK);
  assert_int_equal(buf_reserve(&buf, 4000, &to), AVOW_OK);
  memset(to, 'x', 4000);
  buf_commit(&buf, 1);
  assert_int_equal(buf_reserve(&buf, 10, &to), AVOW_OK);
  memcpy(to, "yz", 2);
  buf_commit(&buf, 2);
  assert_view_text(buf_view(&buf), "abxyz");
  buf_free(&buf);
}

/* Goal: the room of what was consumed is used again, also when most of a buffer is in use: it
 * takes no more memory, and what is left of its bytes stays as it is. */
static void test_room_of_the_consumed(void **state) {
  (void)state;
  struct buf buf;
  uint8_t *to;
  buf_init(&buf, 5000);
  assert_int_equal(buf_reserve(&buf, 4000, &to), AVOW_OK);
  for (size_t i = 0; i < 4000; i++)
    to[i] = (uint8_t)(i % 251);
  buf_commit(&buf, 4000);
  buf_consume(&buf, 100);
  size_t capacity = buf.capacity;
  const uint8_t *data = buf.data;
  assert_int_equal(buf_reserve(&buf, capacity - 3900, &to), AVOW_OK);
  assert_int_equal(buf.capacity, capacity);
  assert_ptr_equal(buf.data, data);
  assert_ptr_equal(to, data + 3900);
  for (size_t i = 0; i < 3900; i++)
    assert_int_equal(buf_view(&buf).data[i], (i + 100) % 251);
  buf_free(&buf);
}

/* Goal: formatted text is appended whole or not at all. */
static void test_format(void **state) {
  (void)state;
  for (size_t max = 0; max < 20; max++) {
    struct buf buf;
    buf_init(&buf, max);
    enum avow_error error = buf_format(&buf, "%s-%u", "message", 123u);
    if (max < 11)
      assert_int_equal(error, AVOW_TOO_LONG);
    if (max > 11)
      assert_int_equal(error, AVOW_OK);
    assert_view_text(buf_view(&buf), error == AVOW_OK ? "message-123" : "");
    buf_free(&buf);
  }
}

/* Goal: numbers are big-endian, and come back through the reader and the loaders. */
static void test_numbers(void **state) {
  (void)state;
  struct buf buf;
  uint8_t bytes[12];
  buf_init(&buf, 100);
  for (uint8_t value = 1; value <= 3; value++)
    assert_int_equal(buf_u8(&buf, value), AVOW_OK);
  assert_int_equal(buf_u32(&buf, 0x04050607), AVOW_OK);
  assert_int_equal(buf_u64(&buf, 0x08090a0b0c0d0e0f), AVOW_OK);
  assert_true(
      view_equal(buf_view(&buf), view_text("\1\2\3\4\5\6\7\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f")));
  struct reader reader = reader_of(buf_view(&buf));
  assert_int_equal(reader_u8(&reader), 0x01);
  assert_int_equal(reader_u16(&reader), 0x0203);
  assert_int_equal(reader_u32(&reader), 0x04050607);
  assert_false(reader_done(&reader));
  assert_int_equal(reader_u64(&reader), 0x08090a0b0c0d0e0f);
  assert_true(reader_done(&reader));
  buf_free(&buf);
  for (unsigned i = 0; i < 4; i++) { /* unaligned */
    store_u64(bytes + i, 0xfedcba9876543210);
    assert_int_equal(load_u64(bytes + i), 0xfedcba9876543210);
    assert_int_equal(load_u32(bytes + i), 0xfedcba98);
    store_u32(bytes + i, 0x89abcdef);
    assert_int_equal(load_u64(bytes + i), 0x89abcdef76543210);
  }
}

/* Goal: a read past the end yields zeroes, and so does every read after it, although bytes are
 * left; the failure sticks. */
static void test_reader_failure(void **state) {
  (void)state;
  struct reader reader = reader_of(view_text("\1\2\3"));
  uint8_t bytes[4] = "xxxx";
  assert_int_equal(reader_u8(&reader), 1);
  assert_int_equal(reader_u32(&reader), 0);
  assert_true(reader.failed);
  assert_int_equal(reader_u8(&reader), 0);
  assert_int_equal(reader_u16(&reader), 0);
  assert_int_equal(reader_u64(&reader), 0);
  assert_int_equal(reader_bytes(&reader, 1).size, 0);
  assert_non_null(reader_bytes(&reader, SIZE_MAX).data);
  reader_copy(&reader, bytes, 4);
  assert_memory_equal(bytes, "\0\0\0\0", 4);
  assert_false(reader_done(&reader));

  reader = reader_of(view_text("ab"));
  assert_view_text(reader_bytes(&reader, 2), "ab");
  assert_int_equal(reader_bytes(&reader, 0).size, 0);
  assert_true(reader_done(&reader));
  reader_u8(&reader);
  assert_false(reader_done(&reader)); /* all was read, but too much was asked for */
}

/* Goal: trimming keeps every unconsumed byte and the maximum, and gives back what is large and
 * mostly unused; a full one, and a small one, stay as they are. */
static void test_trim(void **state) {
  (void)state;
  struct buf buf;
  uint8_t *room;
  buf_init(&buf, 1u << 20);
  buf_trim(&buf);
  assert_int_equal(buf_reserve(&buf, 1u << 20, &room), AVOW_OK);
  for (unsigned i = 0; i < 1u << 20; i++)
    room[i] = (uint8_t)(i >> 4);
  buf_commit(&buf, 1u << 20);
  buf_trim(&buf);
  assert_int_equal(buf.capacity, 1u << 20);
  buf_consume(&buf, (1u << 20) - 20);
  buf_trim(&buf);
  assert_in_range(buf.capacity, 20, 4096);
  struct view left = buf_view(&buf);
  assert_int_equal(left.size, 20);
  for (unsigned i = 0; i < 20; i++)
    assert_int_equal(left.data[i], (uint8_t)(((1u << 20) - 20 + i) >> 4));
  assert_int_equal(buf_append(&buf, view_text("more")), AVOW_OK);
  assert_int_equal(buf_view(&buf).size, 24);
  assert_int_equal(buf_reserve(&buf, (1u << 20) - 23, &room), AVOW_TOO_LONG);
  assert_int_equal(buf_reserve(&buf, 100000, &room), AVOW_OK);
  buf_clear(&buf);
  buf_trim(&buf);
  assert_int_equal(buf.capacity, 0);
  assert_null(buf.data);
  buf_free(&buf);
}

/* Goal: every byte has its two digits. */
static void test_hex(void **state) {
  (void)state;
  for (unsigned i = 0; i < 256; i++) {
    uint8_t byte = (uint8_t)i;
    char text[4] = "???", expected[4];
    snprintf(expected, sizeof expected, "%02x", i);
    hex_encode(view_of(&byte, 1), text);
    assert_string_equal(text, expected);
  }
  char text[2] = "?";
  hex_encode(view_of("", 0), text);
  assert_string_equal(text, "");
}

/* Goal: views compare by size and content; NULL without bytes is fine. */
static void test_views(void **state) {
  (void)state;
  assert_true(view_equal(view_of(NULL, 0), view_text("")));
  assert_true(view_equal(view_text("ab"), view_text("ab")));
  assert_false(view_equal(view_text("ab"), view_text("abc")));
  assert_false(view_equal(view_text("ab"), view_text("aB")));
}

/* Goal: a view begins with what its first bytes are, and never with more than it has. */
static void test_begins(void **state) {
  (void)state;
  assert_true(view_begins(view_text("Key: a"), "Key: "));
  assert_true(view_begins(view_text("Key: "), "Key: "));
  assert_false(view_begins(view_of("Key: ", 4), "Key: "));
  assert_false(view_begins(view_text("Key. a"), "Key: "));
  assert_true(view_begins(view_of(NULL, 0), ""));
  assert_false(view_begins(view_of(NULL, 0), "a"));
}

/* Goal: every error has words of its own. */
static void test_error_texts(void **state) {
  (void)state;
  for (int i = 0; i <= AVOW_SYSTEM; i++)
    for (int j = 0; j < i; j++)
      assert_string_not_equal(avow_error_text((enum avow_error)i),
                              avow_error_text((enum avow_error)j));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_any_order),      cmocka_unit_test(test_maximum),
      cmocka_unit_test(test_reserve),        cmocka_unit_test(test_room_of_the_consumed),
      cmocka_unit_test(test_format),         cmocka_unit_test(test_numbers),
      cmocka_unit_test(test_reader_failure), cmocka_unit_test(test_hex),
      cmocka_unit_test(test_views),          cmocka_unit_test(test_error_texts),
      cmocka_unit_test(test_trim),           cmocka_unit_test(test_begins),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
