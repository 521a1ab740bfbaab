// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <string.h>

#include "base/limits.h"
#include "base/when.h"
#include "wire/frame.h"
#include "wire/greeting.h"

/* Take the one frame of ${line}, of this type. */
static struct view payload_of(const struct buf *line, enum frame_type type) {
  struct view bytes = buf_view(line);
  assert_true(bytes.size >= AVOW_FRAME_HEADER);
  assert_int_equal(load_u32(bytes.data), bytes.size - AVOW_FRAME_HEADER);
  assert_int_equal(bytes.data[4], type);
  return view_of(bytes.data + AVOW_FRAME_HEADER, bytes.size - AVOW_FRAME_HEADER);
}

/* Goal: a hello has these bytes, and each change of them is told apart: not ours, another version,
 * another mode. */
static void test_hello(void **state) {
  (void)state;
  static const struct {
    const char *bytes;
    size_t size;
    enum avow_error plain, tls;
  } hellos[] = {
      {"avow\1\0", 6, AVOW_OK, AVOW_BAD_MODE},
      {"avow\1\1", 6, AVOW_BAD_MODE, AVOW_OK},
      {"avow\1\2", 6, AVOW_NOT_AVOW, AVOW_NOT_AVOW},
      {"avow\1\xff", 6, AVOW_NOT_AVOW, AVOW_NOT_AVOW},
      {"avow\2\0", 6, AVOW_BAD_VERSION, AVOW_BAD_VERSION},
      {"avow\0\0", 6, AVOW_BAD_VERSION, AVOW_BAD_VERSION},
      {"avow\2", 5, AVOW_BAD_VERSION, AVOW_BAD_VERSION}, /* what it holds is up to it */
      {"avow\2and more", 13, AVOW_BAD_VERSION, AVOW_BAD_VERSION},
      {"avow\1", 5, AVOW_NOT_AVOW, AVOW_NOT_AVOW},
      {"avow\1\0\0", 7, AVOW_NOT_AVOW, AVOW_NOT_AVOW},
      {"avow", 4, AVOW_NOT_AVOW, AVOW_NOT_AVOW},
      {"", 0, AVOW_NOT_AVOW, AVOW_NOT_AVOW},
      {"AVOW\1\0", 6, AVOW_NOT_AVOW, AVOW_NOT_AVOW},
      {"avox\1\0", 6, AVOW_NOT_AVOW, AVOW_NOT_AVOW},
  };
  for (size_t i = 0; i < COUNT_OF(hellos); i++) {
    struct view hello = view_of(hellos[i].bytes, hellos[i].size);
    assert_int_equal(hello_decode(hello, HANDSHAKE_PLAIN), hellos[i].plain);
    assert_int_equal(hello_decode(hello, HANDSHAKE_TLS), hellos[i].tls);
  }
  for (unsigned mode = 0; mode < 2; mode++) {
    struct buf line;
    buf_init(&line, 100);
    assert_int_equal(hello_append(&line, (enum handshake)mode), AVOW_OK);
    assert_true(view_equal(payload_of(&line, FRAME_HELLO), view_of(hellos[mode].bytes, 6)));
    buf_free(&line);
  }
}

#define OPEN_SIZE 73u
#define GRANT_SIZE 106u /* and in tls mode a signature */

static void set_u16(uint8_t *to, int value) {
  to[0] = (uint8_t)((uint16_t)value >> 8);
  to[1] = (uint8_t)value;
}

/* Goal: an open comes back, of a new session and of one to resume, in the bytes of the protocol's
 * page. */
static void test_open(void **state) {
  (void)state;
  static const uint64_t clocks[] = {0, 1, UINT64_C(1795368456951090), WHEN_MAX_US};
  static const int16_t zones[] = {0, 60, -210, 1439, -1439};
  for (size_t i = 0; i < COUNT_OF(clocks) * COUNT_OF(zones) * 2; i++) {
    struct open open = {.clock_us = clocks[i % COUNT_OF(clocks)],
                        .offset_min = zones[i % COUNT_OF(zones)],
                        .resume = i % 2},
                back;
    if (open.resume) {
      memset(open.session_id, (int)i + 1, SESSION_ID_SIZE);
      open.opened_us = clocks[(i + 1) % COUNT_OF(clocks)];
      open.opened_offset_min = zones[(i + 1) % COUNT_OF(zones)];
    }
    memset(open.bob_head, (int)i + 100, HEAD_SIZE);
    open.cover = i % 3 == 0 ? 0 : i % 3 == 1 ? AVOW_COVER_MIN : AVOW_COVER_MAX;
    struct buf line;
    buf_init(&line, 100);
    assert_int_equal(open_append(&line, &open), AVOW_OK);
    struct view payload = payload_of(&line, FRAME_OPEN);
    assert_int_equal(payload.size, OPEN_SIZE);
    assert_int_equal(load_u64(payload.data), open.clock_us);
    assert_int_equal(payload.data[10], open.resume);
    assert_memory_equal(payload.data + 11, open.session_id, SESSION_ID_SIZE);
    assert_int_equal(load_u64(payload.data + 27), open.opened_us);
    assert_memory_equal(payload.data + 37, open.bob_head, HEAD_SIZE);
    assert_int_equal(load_u32(payload.data + 69), open.cover);
    assert_int_equal(open_decode(payload, &back), AVOW_OK);
    assert_int_equal(back.clock_us, open.clock_us);
    assert_int_equal(back.offset_min, open.offset_min);
    assert_int_equal(back.resume, open.resume);
    assert_memory_equal(back.session_id, open.session_id, SESSION_ID_SIZE);
    assert_int_equal(back.opened_us, open.opened_us);
    assert_int_equal(back.opened_offset_min, open.opened_offset_min);
    assert_memory_equal(back.bob_head, open.bob_head, HEAD_SIZE);
    assert_int_equal(back.cover, open.cover);
    buf_free(&line);
  }
}

/* Goal: any other length of an open, a time after the year 9999, an impossible zone, a strange
 * flag and a cover out of its limits are malformed, and leave the output alone. */
static void test_bad_open(void **state) {
  (void)state;
  struct open open = {.clock_us = 42};
  uint8_t bytes[OPEN_SIZE + 3] = {0};
  struct view whole = view_of(bytes, OPEN_SIZE);
  for (size_t size = 0; size < sizeof bytes; size++)
    if (size != OPEN_SIZE)
      assert_int_equal(open_decode(view_of(bytes, size), &open), AVOW_MALFORMED);
  static const size_t times[] = {0, 27}, zones[] = {8, 35};
  for (unsigned i = 0; i < 2; i++) {
    store_u64(bytes + times[i], WHEN_MAX_US + 1);
    assert_int_equal(open_decode(whole, &open), AVOW_MALFORMED);
    store_u64(bytes + times[i], 0);
  }
  for (unsigned flag = 2; flag < 256; flag++) {
    bytes[10] = (uint8_t)flag;
    assert_int_equal(open_decode(whole, &open), AVOW_MALFORMED);
  }
  bytes[10] = 0;
  static const uint32_t covers[] = {1, AVOW_COVER_MIN - 1, AVOW_COVER_MAX + 1, UINT32_MAX};
  for (size_t i = 0; i < COUNT_OF(covers); i++) {
    store_u32(bytes + 69, covers[i]);
    assert_int_equal(open_decode(whole, &open), AVOW_MALFORMED);
  }
  store_u32(bytes + 69, 0);
  assert_int_equal(open.clock_us, 42);
  for (unsigned i = 0; i < 2; i++)
    for (int zone = INT16_MIN; zone <= INT16_MAX; zone++) {
      set_u16(bytes + zones[i], zone);
      bool good = zone >= -1439 && zone <= 1439;
      assert_int_equal(open_decode(whole, &open), good ? AVOW_OK : AVOW_MALFORMED);
      set_u16(bytes + zones[i], 0);
    }
}

static void check_grant(enum handshake handshake) {
  static const int16_t zones[] = {0, 60, -210, 1439, -1439};
  static const uint8_t nothing[SIGNATURE_SIZE];
  const size_t size = GRANT_SIZE + (handshake == HANDSHAKE_TLS ? SIGNATURE_SIZE : 0);
  struct grant back;
  struct buf line;
  buf_init(&line, 1000);
  for (size_t i = 0; i < COUNT_OF(zones); i++) {
    struct grant grant = {.clock_us = WHEN_MAX_US - i,
                          .opened_us = WHEN_MAX_US - 7 * i,
                          .offset_min = zones[i],
                          .next_id = i << 33};
    memset(grant.session_id, 0xa0 + (int)i, SESSION_ID_SIZE);
    memset(grant.key, 0xb0 + (int)i, SESSION_KEY_SIZE);
    memset(grant.alice_head, 0xc0 + (int)i, HEAD_SIZE);
    memset(grant.signature, 0xd0 + (int)i, SIGNATURE_SIZE);
    buf_clear(&line);
    assert_int_equal(grant_append(&line, handshake, &grant), AVOW_OK);
    struct view payload = payload_of(&line, FRAME_SESSION);
    assert_int_equal(payload.size, size);
    assert_memory_equal(payload.data + 74, grant.alice_head, HEAD_SIZE);
    assert_int_equal(grant_decode(payload, handshake, &back), AVOW_OK);
    assert_memory_equal(back.session_id, grant.session_id, SESSION_ID_SIZE);
    assert_memory_equal(back.key, grant.key, SESSION_KEY_SIZE);
    assert_int_equal(back.clock_us, grant.clock_us);
    assert_int_equal(back.opened_us, grant.opened_us);
    assert_int_equal(back.next_id, grant.next_id);
    assert_int_equal(back.offset_min, zones[i]);
    assert_memory_equal(back.alice_head, grant.alice_head, HEAD_SIZE);
    assert_memory_equal(back.signature, handshake == HANDSHAKE_TLS ? grant.signature : nothing,
                        SIGNATURE_SIZE);
  }
  uint8_t bytes[GRANT_SIZE + SIGNATURE_SIZE + 9] = {0}, before[sizeof back];
  struct view whole = view_of(bytes, size);
  memcpy(before, &back, sizeof back);
  for (size_t other = 0; other < sizeof bytes; other++)
    if (other != size)
      assert_int_equal(grant_decode(view_of(bytes, other), handshake, &back), AVOW_MALFORMED);
  static const size_t times[] = {48, 58};
  for (unsigned i = 0; i < 2; i++) {
    store_u64(bytes + times[i], WHEN_MAX_US + 1);
    assert_int_equal(grant_decode(whole, handshake, &back), AVOW_MALFORMED);
    store_u64(bytes + times[i], 0);
  }
  assert_memory_equal(&back, before, sizeof back);
  for (int zone = INT16_MIN; zone <= INT16_MAX; zone++) {
    set_u16(bytes + 56, zone);
    bool good = zone >= -1439 && zone <= 1439;
    assert_int_equal(grant_decode(whole, handshake, &back), good ? AVOW_OK : AVOW_MALFORMED);
  }
  buf_free(&line);
}

/* Goal: a grant comes back, with zones on both sides of UTC; every other length, an impossible time
 * or zone is malformed, and leaves the output alone.  Only in tls mode it is signed. */
static void test_grant(void **state) {
  (void)state;
  check_grant(HANDSHAKE_PLAIN);
  check_grant(HANDSHAKE_TLS);
}

/* Goal: bob's signature comes back, and no other length is one. */
static void test_agree(void **state) {
  (void)state;
  uint8_t signature[SIGNATURE_SIZE + 1], back[SIGNATURE_SIZE], before[SIGNATURE_SIZE];
  struct buf line;
  buf_init(&line, 100);
  for (unsigned i = 0; i < sizeof signature; i++)
    signature[i] = (uint8_t)(3 * i);
  assert_int_equal(agree_append(&line, signature), AVOW_OK);
  struct view payload = payload_of(&line, FRAME_AGREE);
  assert_true(view_equal(payload, view_of(signature, SIGNATURE_SIZE)));
  assert_int_equal(agree_decode(payload, back), AVOW_OK);
  assert_memory_equal(back, signature, SIGNATURE_SIZE);
  memset(back, 0x5a, sizeof back);
  memset(before, 0x5a, sizeof before);
  for (size_t size = 0; size <= sizeof signature; size++)
    if (size != SIGNATURE_SIZE)
      assert_int_equal(agree_decode(view_of(signature, size), back), AVOW_MALFORMED);
  assert_memory_equal(back, before, sizeof back);
  buf_free(&line);
}

/* Goal: the five refusals come back, and nothing else is one. */
static void test_refusal(void **state) {
  (void)state;
  static const enum avow_error errors[] = {AVOW_BAD_VERSION, AVOW_BAD_MODE, AVOW_BUSY,
                                           AVOW_KEY_REFUSED, AVOW_NO_SESSION};
  for (unsigned i = 0; i < COUNT_OF(errors); i++) {
    struct buf line;
    buf_init(&line, 100);
    assert_int_equal(refusal_append(&line, errors[i]), AVOW_OK);
    struct view payload = payload_of(&line, FRAME_REFUSAL);
    assert_int_equal(payload.data[0], i + 1);
    assert_int_equal(refusal_decode(payload), errors[i]);
    buf_free(&line);
  }
  for (unsigned i = 0; i < 256; i++) {
    uint8_t byte[2] = {(uint8_t)i, 0};
    if (i == 0 || i > COUNT_OF(errors))
      assert_int_equal(refusal_decode(view_of(byte, 1)), AVOW_MALFORMED);
    assert_int_equal(refusal_decode(view_of(byte, 2)), AVOW_MALFORMED);
  }
  assert_int_equal(refusal_decode(view_of("", 0)), AVOW_MALFORMED);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_hello), cmocka_unit_test(test_open),    cmocka_unit_test(test_bad_open),
      cmocka_unit_test(test_grant), cmocka_unit_test(test_refusal), cmocka_unit_test(test_agree),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
