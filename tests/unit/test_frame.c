// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/when.h"
#include "wire/frame.h"

#define START_US UINT64_C(5000000)

static struct view payload_of(uint8_t *bytes, size_t size, unsigned number) {
  for (size_t i = 0; i < size; i++)
    bytes[i] = (uint8_t)(number * 31 + i);
  return view_of(bytes, size);
}

static void put_frame(struct buf *out, size_t size, unsigned number) {
  uint8_t bytes[1024];
  enum frame_type type = (enum frame_type)(1 + number % FRAME_TYPE_LAST);
  assert_int_equal(frame_append(out, type, payload_of(bytes, size, number)), AVOW_OK);
}

static void assert_frame(struct frames *frames, size_t size, unsigned number) {
  uint8_t bytes[1024];
  enum frame_type type = (enum frame_type)0;
  struct view payload;
  assert_int_equal(frames_next(frames, &type, &payload), FRAMES_FRAME);
  assert_int_equal(type, 1 + number % FRAME_TYPE_LAST);
  assert_true(view_equal(payload, payload_of(bytes, size, number)));
}

static void assert_status(struct frames *frames, enum frames_status status) {
  enum frame_type type = (enum frame_type)99;
  struct view payload = {NULL, 99};
  assert_int_equal(frames_next(frames, &type, &payload), status);
  assert_int_equal(type, 99); /* no frame: the outputs stay as they are */
  assert_int_equal(payload.size, 99);
}

static void feed(struct frames *frames, const void *bytes, size_t size, uint64_t mono_us) {
  assert_int_equal(frames_input(frames, view_of(bytes, size), mono_us), AVOW_OK);
}

static void feed_frame(struct frames *frames, size_t size, unsigned number, uint64_t mono_us) {
  struct buf line;
  buf_init(&line, 4096);
  put_frame(&line, size, number);
  feed(frames, line.data, line.size, mono_us);
  buf_free(&line);
}

/* Goal: the bytes of a frame are those of the protocol's page. */
static void test_bytes(void **state) {
  (void)state;
  struct buf line;
  buf_init(&line, 64);
  assert_int_equal(frame_append(&line, FRAME_TOKEN, view_text("abc")), AVOW_OK);
  assert_int_equal(frame_append(&line, FRAME_HELLO, view_text("")), AVOW_OK);
  assert_true(view_equal(buf_view(&line), view_of("\0\0\0\3\6abc\0\0\0\0\1", 13)));
  uint8_t big[64] = {0};
  assert_int_equal(frame_append(&line, FRAME_TOKEN, view_of(big, 47)), AVOW_TOO_LONG);
  assert_int_equal(buf_view(&line).size, 13); /* no half frame */
  buf_free(&line);
}

/* Goal: byte by byte, each frame comes with its last byte and not before, an empty one too. */
static void test_byte_by_byte(void **state) {
  (void)state;
  static const size_t sizes[] = {0, 1, 300, 0, 2};
  struct frames frames;
  struct buf line;
  frames_init(&frames, 300);
  buf_init(&line, 1024);
  for (unsigned i = 0; i < COUNT_OF(sizes); i++)
    put_frame(&line, sizes[i], i);
  size_t at = 0;
  for (unsigned i = 0; i < COUNT_OF(sizes); i++) {
    for (size_t j = 0; j < AVOW_FRAME_HEADER + sizes[i]; j++) {
      assert_status(&frames, FRAMES_MORE);
      feed(&frames, line.data + at++, 1, START_US);
    }
    assert_frame(&frames, sizes[i], i);
  }
  assert_status(&frames, FRAMES_MORE);
  assert_int_equal(frames_deadline(&frames), WHEN_NEVER);
  buf_free(&line);
  frames_free(&frames);
}

/* Goal: however the stream is cut, from one byte to all at once, the same frames come out. */
static void test_pieces(void **state) {
  (void)state;
  uint64_t seed = 1;
  for (unsigned round = 0; round < 300; round++) {
    struct frames frames;
    struct buf line;
    size_t sizes[40];
    frames_init(&frames, 1000);
    buf_init(&line, 64 * 1024);
    for (unsigned i = 0; i < COUNT_OF(sizes); i++) {
      sizes[i] = chance_below(&seed, 1001);
      put_frame(&line, sizes[i], i);
    }
    unsigned taken = 0;
    size_t piece_max = round == 0 ? line.size : 1 + chance_below(&seed, 3000);
    while (buf_view(&line).size > 0) {
      size_t piece = 1 + (size_t)chance_below(&seed, piece_max);
      piece = round == 0 || piece > buf_view(&line).size ? buf_view(&line).size : piece;
      feed(&frames, buf_view(&line).data, piece, START_US);
      buf_consume(&line, piece);
      while (frames_rest(&frames).size >= AVOW_FRAME_HEADER &&
             frames_rest(&frames).size >= AVOW_FRAME_HEADER + load_u32(frames_rest(&frames).data))
        assert_frame(&frames, sizes[taken], taken), taken++;
      assert_status(&frames, FRAMES_MORE);
    }
    assert_int_equal(taken, COUNT_OF(sizes));
    assert_int_equal(frames_rest(&frames).size, 0);
    buf_free(&line);
    frames_free(&frames);
  }
}

/* Goal: a payload of exactly the limit passes, one byte more is malformed as soon as its header is
 * there. */
static void test_limit(void **state) {
  (void)state;
  struct frames frames;
  frames_init(&frames, 300);
  feed_frame(&frames, 300, 1, START_US);
  assert_frame(&frames, 300, 1);
  feed(&frames, "\0\0\1\x2d", 4, START_US);
  assert_status(&frames, FRAMES_MORE);
  feed(&frames, "\6", 1, START_US);
  assert_status(&frames, FRAMES_MALFORMED);
  frames_tick(&frames, START_US + FRAMES_SILENCE_US);
  feed_frame(&frames, 300, 2, START_US + FRAMES_SILENCE_US);
  assert_frame(&frames, 300, 2);
  frames_free(&frames);
}

/* Goal: every type but the six, and every length over the limit, is malformed, and said once. */
static void test_bad_header(void **state) {
  (void)state;
  struct frames frames;
  uint64_t now_us = START_US;
  for (unsigned type = 0; type < 256; type++) {
    uint8_t header[] = {0, 0, 0, 0, (uint8_t)type};
    bool good = type >= 1 && type <= FRAME_TYPE_LAST;
    frames_init(&frames, 300);
    feed(&frames, header, sizeof header, now_us);
    if (good)
      assert_frame(&frames, 0, type - 1);
    else
      assert_status(&frames, FRAMES_MALFORMED);
    assert_status(&frames, FRAMES_MORE);
    frames_free(&frames);
  }
  static const char *const lengths[] = {"\xff\xff\xff\xff\6", "\x80\0\0\0\6", "\1\0\0\0\6",
                                        "\0\0\1\x2d\6"};
  for (size_t i = 0; i < COUNT_OF(lengths); i++) {
    frames_init(&frames, 300);
    feed(&frames, lengths[i], 5, now_us);
    assert_status(&frames, FRAMES_MALFORMED);
    assert_status(&frames, FRAMES_MORE);
    assert_int_equal(frames_rest(&frames).size, 0);
    frames_free(&frames);
  }
}

/* Goal: after a malformed header all is skipped, good frames too, until 3 s of silence to the
 * microsecond; each byte begins the silence anew; then the next frame passes. */
static void test_skipping(void **state) {
  (void)state;
  struct frames frames;
  frames_init(&frames, 300);
  uint64_t now_us = START_US;
  feed(&frames, "HTTP/1.1", 8, now_us);
  assert_status(&frames, FRAMES_MALFORMED);
  assert_int_equal(frames_deadline(&frames), now_us + FRAMES_SILENCE_US);
  for (unsigned i = 0; i < 5; i++) {
    now_us += FRAMES_SILENCE_US - 1;
    frames_tick(&frames, now_us);
    feed_frame(&frames, 10, i, now_us);
    assert_status(&frames, FRAMES_MORE);
    assert_int_equal(frames_rest(&frames).size, 0); /* skipped bytes take no memory */
    assert_int_equal(frames_deadline(&frames), now_us + FRAMES_SILENCE_US);
  }
  frames_tick(&frames, now_us + FRAMES_SILENCE_US);
  assert_int_equal(frames_deadline(&frames), WHEN_NEVER);
  feed_frame(&frames, 10, 3, now_us + FRAMES_SILENCE_US);
  assert_frame(&frames, 10, 3);

  feed(&frames, "HTTP/1.1", 8, now_us += 10000000);
  assert_status(&frames, FRAMES_MALFORMED);
  feed_frame(&frames, 10, 4, now_us + FRAMES_SILENCE_US); /* a byte is as good as a tick */
  assert_frame(&frames, 10, 4);
  frames_free(&frames);
}

/* Goal: a frame that begins and falls silent is dropped after 3 s, not a microsecond before, and
 * the next one, arriving with no tick between, is whole. */
static void test_truncated(void **state) {
  (void)state;
  struct frames frames;
  for (size_t cut = 1; cut < AVOW_FRAME_HEADER + 20; cut++)
    for (int ticked = 0; ticked < 2; ticked++) {
      uint8_t bytes[32] = {0, 0, 0, 20, FRAME_TOKEN};
      frames_init(&frames, 300);
      feed(&frames, bytes, cut, START_US);
      assert_int_equal(frames_deadline(&frames), START_US + FRAMES_SILENCE_US);
      frames_tick(&frames, START_US + FRAMES_SILENCE_US - 1);
      assert_status(&frames, FRAMES_MORE);
      assert_int_equal(frames_rest(&frames).size, cut);
      if (ticked)
        frames_tick(&frames, START_US + FRAMES_SILENCE_US);
      feed_frame(&frames, 10, 5, START_US + FRAMES_SILENCE_US);
      assert_status(&frames, FRAMES_TRUNCATED);
      assert_frame(&frames, 10, 5);
      assert_status(&frames, FRAMES_MORE);
      assert_int_equal(frames_deadline(&frames), WHEN_NEVER);
      frames_free(&frames);
    }
}

/* Goal: a frame that drips, never silent for 3 s, is dropped after 60 s, and what goes on dripping
 * is skipped until it stops. */
static void test_drip(void **state) {
  (void)state;
  struct frames frames;
  frames_init(&frames, 300);
  feed(&frames, "\0\0\0\x64\6", 5, START_US);
  uint64_t now_us = START_US;
  while (now_us + 2000000 < START_US + FRAMES_FRAME_TIME_US) {
    feed(&frames, "x", 1, now_us += 2000000);
    assert_status(&frames, FRAMES_MORE);
  }
  uint64_t end_us = START_US + FRAMES_FRAME_TIME_US;
  assert_int_equal(frames_deadline(&frames), end_us);
  frames_tick(&frames, end_us - 1);
  assert_status(&frames, FRAMES_MORE);
  frames_tick(&frames, end_us);
  assert_status(&frames, FRAMES_TRUNCATED);
  assert_status(&frames, FRAMES_MORE);
  feed_frame(&frames, 10, 1, end_us);
  assert_status(&frames, FRAMES_MORE); /* it was part of the drip */
  feed_frame(&frames, 10, 2, end_us + FRAMES_SILENCE_US);
  assert_frame(&frames, 10, 2);

  /* The 60 s are those of one frame: a busy line, on which a next one has always begun, is not a
   * dripping one. */
  feed(&frames, "\0\0\0", 3, now_us = end_us + 10000000);
  for (unsigned i = 0; i < 100; i++) {
    enum frame_type type;
    struct view payload;
    assert_status(&frames, FRAMES_MORE);
    feed(&frames, "\1\6x\0\0\0", 6, now_us += 1000000);
    assert_int_equal(frames_next(&frames, &type, &payload), FRAMES_FRAME);
  }
  frames_free(&frames);
}

/* Goal: an owner who does not drain gets AVOW_FULL, nothing of that input is taken, and nothing is
 * lost once he drains. */
static void test_full(void **state) {
  (void)state;
  struct frames frames;
  struct buf line;
  frames_init(&frames, 300);
  buf_init(&line, 4096);
  put_frame(&line, 300, 1);
  unsigned held = 0;
  enum avow_error error;
  while ((error = frames_input(&frames, buf_view(&line), START_US)) == AVOW_OK)
    held++;
  assert_int_equal(error, AVOW_FULL);
  assert_true(held * 305 >= 256 * 1024);
  assert_int_equal(frames_rest(&frames).size, held * 305);
  for (; held > 0; held--)
    assert_frame(&frames, 300, 1);
  assert_status(&frames, FRAMES_MORE);
  feed(&frames, line.data, line.size, START_US);
  assert_frame(&frames, 300, 1);
  buf_free(&line);
  frames_free(&frames);
}

/* Goal: a whole frame that waits for its taker is neither truncated nor a reason to wake anyone,
 * however long the taker's disk takes; a half one behind it is. */
static void test_waiting(void **state) {
  (void)state;
  struct frames frames;
  frames_init(&frames, 300);
  feed_frame(&frames, 20, 1, START_US);
  feed_frame(&frames, 20, 2, START_US);
  feed(&frames, "\0\0\0\1", 4, START_US);
  assert_int_equal(frames_deadline(&frames), WHEN_NEVER);
  frames_tick(&frames, START_US + FRAMES_FRAME_TIME_US);
  assert_frame(&frames, 20, 1);
  assert_frame(&frames, 20, 2);
  assert_status(&frames, FRAMES_MORE);
  assert_int_equal(frames_deadline(&frames), START_US + FRAMES_SILENCE_US);
  frames_tick(&frames, START_US + FRAMES_FRAME_TIME_US);
  assert_status(&frames, FRAMES_TRUNCATED);
  frames_free(&frames);
}

/* Goal: any bytes at any times are taken without a fault, and after silence and a tick there is
 * neither a deadline nor a byte left. */
static void test_any_bytes(void **state) {
  (void)state;
  uint64_t seed = 7, now_us = START_US;
  for (unsigned round = 0; round < 2000; round++) {
    struct frames frames;
    frames_init(&frames, 100);
    for (unsigned i = 0; i < 20; i++) {
      uint8_t bytes[64];
      for (size_t j = 0; j < sizeof bytes; j++)
        bytes[j] = (uint8_t)(chance_below(&seed, 4) ? chance_below(&seed, 3) : chance(&seed));
      feed(&frames, bytes, chance_below(&seed, sizeof bytes), now_us);
      enum frame_type type;
      struct view payload;
      while (frames_next(&frames, &type, &payload) != FRAMES_MORE)
        ;
      now_us += chance_below(&seed, 4000000);
    }
    frames_tick(&frames, now_us += FRAMES_SILENCE_US);
    assert_int_equal(frames_deadline(&frames), WHEN_NEVER);
    assert_int_equal(frames_rest(&frames).size, 0);
    frames_free(&frames);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_bytes),      cmocka_unit_test(test_byte_by_byte),
      cmocka_unit_test(test_pieces),     cmocka_unit_test(test_limit),
      cmocka_unit_test(test_bad_header), cmocka_unit_test(test_skipping),
      cmocka_unit_test(test_truncated),  cmocka_unit_test(test_drip),
      cmocka_unit_test(test_full),       cmocka_unit_test(test_waiting),
      cmocka_unit_test(test_any_bytes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
