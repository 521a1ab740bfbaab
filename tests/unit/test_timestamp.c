// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "crypto/timestamp.h"
#include "timestamp_data.h"

#define STAMPED_US (UINT64_C(1795387716) * 1000000)

static const struct view answer = {ts_answer, sizeof ts_answer};
static const struct view query = {ts_query, sizeof ts_query};

static void hash_that_was_stamped(uint8_t imprint[SHA256_SIZE]) {
  for (uint8_t i = 0; i < SHA256_SIZE; i++)
    imprint[i] = i;
}

/* Goal: a query has the hash and another nonce each time, and is of moderate size. */
static void test_query(void **state) {
  (void)state;
  uint8_t imprint[SHA256_SIZE];
  struct buf one, two;
  hash_that_was_stamped(imprint);
  buf_init(&one, TIMESTAMP_MAX);
  buf_init(&two, TIMESTAMP_MAX);
  assert_int_equal(timestamp_query(imprint, &one), AVOW_OK);
  assert_int_equal(timestamp_query(imprint, &two), AVOW_OK);
  struct view bytes = buf_view(&one);
  assert_non_null(memmem(bytes.data, bytes.size, imprint, sizeof imprint));
  assert_false(view_equal(bytes, buf_view(&two)));
  assert_true(bytes.size < 100);
  assert_int_equal(timestamp_answers(answer, bytes), AVOW_NOT_AUTHENTIC); /* another nonce */
  buf_free(&one);
  buf_free(&two);
  buf_init(&one, 10);
  assert_int_equal(timestamp_query(imprint, &one), AVOW_TOO_LONG);
  assert_int_equal(buf_view(&one).size, 0);
  buf_free(&one);
}

/* Goal: what an answer of `openssl ts` says is read as it is. */
static void test_read(void **state) {
  (void)state;
  struct timestamp stamp;
  uint8_t imprint[SHA256_SIZE];
  hash_that_was_stamped(imprint);
  assert_int_equal(timestamp_read(answer, &stamp), AVOW_OK);
  assert_memory_equal(stamp.imprint, imprint, sizeof imprint);
  assert_true(stamp.when_us == STAMPED_US);
  assert_string_equal(stamp.authority, "CN=Test Authority,O=Tests");
  assert_int_equal(timestamp_answers(answer, query), AVOW_OK);
}

/* Goal: a refusal is not a stamp, and its reason is told. */
static void test_refusal(void **state) {
  (void)state;
  struct timestamp stamp;
  struct view refusal = {ts_refusal, sizeof ts_refusal};
  assert_int_equal(timestamp_read(refusal, &stamp), AVOW_NOT_FOUND);
  assert_non_null(strstr(stamp.authority, "Rejected"));
  assert_int_equal(timestamp_verify(refusal, view_text(ts_root)), AVOW_MALFORMED);
  assert_int_equal(timestamp_answers(refusal, query), AVOW_MALFORMED);
}

/* Goal: the root decides: the right one, another one, both, none. */
static void test_verify(void **state) {
  (void)state;
  char both[sizeof ts_root + sizeof ts_other_root];
  snprintf(both, sizeof both, "%s%s", ts_other_root, ts_root);
  assert_int_equal(timestamp_verify(answer, view_text(ts_root)), AVOW_OK);
  assert_int_equal(timestamp_verify(answer, view_text(both)), AVOW_OK);
  assert_int_equal(timestamp_verify(answer, view_text(ts_other_root)), AVOW_NOT_AUTHENTIC);
  assert_int_equal(timestamp_verify(answer, view_text("")), AVOW_NOT_FOUND);
  assert_int_equal(timestamp_verify(answer, view_text("certificate")), AVOW_NOT_FOUND);
}

/* Goal: what is cut off, or longer, is none; outputs stay as they were. */
static void test_malformed(void **state) {
  (void)state;
  struct timestamp stamp = {.when_us = 7};
  uint8_t longer[sizeof ts_answer + 1] = {0};
  memcpy(longer, ts_answer, sizeof ts_answer);
  assert_int_equal(timestamp_read(view_of(longer, sizeof longer), &stamp), AVOW_MALFORMED);
  for (size_t size = 0; size < sizeof ts_answer; size++) {
    struct view part = view_of(ts_answer, size);
    assert_int_equal(timestamp_read(part, &stamp), AVOW_MALFORMED);
    assert_int_equal(timestamp_verify(part, view_text(ts_root)), AVOW_MALFORMED);
    assert_int_equal(timestamp_answers(part, query), AVOW_MALFORMED);
  }
  assert_int_equal(timestamp_read(query, &stamp), AVOW_MALFORMED);
  assert_true(stamp.when_us == 7);
}

/* Goal: whichever bit is changed, no other hash and no other time is ever proven. */
static void test_flipped_bits(void **state) {
  (void)state;
  struct timestamp stamp;
  uint8_t bytes[sizeof ts_answer], imprint[SHA256_SIZE];
  unsigned refused = 0;
  hash_that_was_stamped(imprint);
  for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
    memcpy(bytes, ts_answer, sizeof bytes);
    bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    if (timestamp_verify(view_of(bytes, sizeof bytes), view_text(ts_root)) != AVOW_OK) {
      refused++;
      continue;
    }
    assert_int_equal(timestamp_read(view_of(bytes, sizeof bytes), &stamp), AVOW_OK);
    assert_memory_equal(stamp.imprint, imprint, sizeof imprint);
    assert_true(stamp.when_us == STAMPED_US);
  }
  assert_true(refused > 7 * sizeof bytes); /* what is left says nothing */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_query),     cmocka_unit_test(test_read),
      cmocka_unit_test(test_refusal),   cmocka_unit_test(test_verify),
      cmocka_unit_test(test_malformed), cmocka_unit_test(test_flipped_bits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
