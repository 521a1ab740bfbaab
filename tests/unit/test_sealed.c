// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/when.h"
#include "wire/sealed.h"

#define TIME_US UINT64_C(1790000000000000)

/* An example of each kind, in its direction; the bodies have two messages, or their hashes. */
enum { EXAMPLES = 6 };

/* Whether tokens carry a proof, as in tls mode: all tests run both ways. */
static bool proven;

/* How much of the proof an example carries: bob's part, or all. */
static size_t proof_size(int number) {
  static const size_t sizes[EXAMPLES] = {128, 224, 0, 128, 224, 0};
  return proven ? sizes[number] : 0;
}

/* Where an example's body begins. */
static size_t body_at(int number) {
  static const size_t at[EXAMPLES] = {28, 38, 26, 26, 36, 26};
  return at[number] + proof_size(number);
}

/* How many bytes it has without the padding. */
static size_t content_size(int number) {
  return body_at(number) + (number == 0 ? 76 + 5 + 76 : number == 1 ? 128 : 0);
}

static void append_message(struct buf *body, size_t size, uint64_t timestamp_us) {
  uint8_t hash[MESSAGE_HASH_SIZE];
  uint8_t *text = calloc(1, size + 1);
  memset(hash, 0xa5, sizeof hash);
  memset(text, 'm', size);
  struct message message = {timestamp_us, hash, view_of(text, size)};
  assert_int_equal(message_append(body, &message), AVOW_OK);
  free(text);
}

static struct sealed example(int number, struct buf *body) {
  static const struct sealed examples[EXAMPLES] = {
      {.kind = SEALED_ENVELOPE, .direction = TO_ALICE, .first_id = 7, .count = 2},
      {.kind = SEALED_CONFIRMATION,
       .direction = TO_BOB,
       .first_id = 7,
       .count = 2,
       .when_us = TIME_US - 3,
       .when_min = -210},
      {.kind = SEALED_NOTICE, .direction = TO_BOB, .first_id = 9},
      {.kind = SEALED_END, .direction = TO_ALICE, .first_id = 9},
      {.kind = SEALED_END,
       .direction = TO_BOB,
       .first_id = 9,
       .when_us = TIME_US - 2,
       .when_min = 1439},
      {.kind = SEALED_ASK, .direction = TO_ALICE, .first_id = 9},
  };
  struct sealed sealed = examples[number];
  sealed.time_us = TIME_US;
  sealed.echo_us = TIME_US - 1000;
  for (size_t i = 0; i < proof_size(number); i++)
    ((uint8_t *)&sealed.proof)[i] = (uint8_t)(i + 17);
  buf_init(body, AVOW_PLAINTEXT_MAX);
  if (sealed.kind == SEALED_ENVELOPE) {
    append_message(body, 5, TIME_US - 9);
    append_message(body, 0, TIME_US - 8);
  } else if (sealed.kind == SEALED_CONFIRMATION) {
    for (unsigned i = 0; i < 2 * MESSAGE_HASH_SIZE; i++)
      assert_int_equal(buf_u8(body, (uint8_t)(i * 3)), AVOW_OK);
  }
  sealed.body = buf_view(body);
  return sealed;
}

static void encode(const struct sealed *sealed, struct buf *out) {
  buf_init(out, AVOW_PLAINTEXT_MAX);
  assert_int_equal(sealed_encode(sealed, proven, 0, out), AVOW_OK);
}

static enum avow_error decode(struct view plaintext, enum direction direction,
                              struct sealed *sealed) {
  struct sealed untouched;
  memset(&untouched, 0x77, sizeof untouched);
  *sealed = untouched;
  /* An own copy, so that a sanitizer sees any read past its end. */
  uint8_t *copy = malloc(plaintext.size + 1);
  memcpy(copy + 1, plaintext.data, plaintext.size);
  enum avow_error error =
      sealed_decode(view_of(copy + 1, plaintext.size), direction, proven, sealed);
  assert_true(error == AVOW_OK || error == AVOW_MALFORMED);
  if (error != AVOW_OK)
    assert_memory_equal(sealed, &untouched, sizeof untouched);
  else if (sealed->body.size > 0) /* point into the original again, which stays */
    sealed->body.data = plaintext.data + (sealed->body.data - (copy + 1));
  free(copy);
  return error;
}

static void assert_same(const struct sealed *a, const struct sealed *b) {
  assert_int_equal(a->kind, b->kind);
  assert_int_equal(a->direction, b->direction);
  assert_int_equal(a->time_us, b->time_us);
  assert_int_equal(a->echo_us, b->echo_us);
  assert_int_equal(a->first_id, b->first_id);
  assert_int_equal(a->count, b->count);
  assert_int_equal(a->when_us, b->when_us);
  assert_int_equal(a->when_min, b->when_min);
  assert_memory_equal(&a->proof, &b->proof, sizeof a->proof);
  assert_true(view_equal(a->body, b->body));
}

/* Goal: what is encoded comes back, for every kind; in the other direction it is malformed. */
static void test_round_trips(void **state) {
  (void)state;
  for (int i = 0; i < EXAMPLES; i++) {
    struct buf body, out;
    struct sealed sealed = example(i, &body), back;
    encode(&sealed, &out);
    assert_int_equal(decode(buf_view(&out), sealed.direction, &back), AVOW_OK);
    assert_same(&sealed, &back);
    enum direction other = sealed.direction == TO_ALICE ? TO_BOB : TO_ALICE;
    assert_int_equal(decode(buf_view(&out), other, &back), AVOW_MALFORMED);
    buf_free(&body);
    buf_free(&out);
  }
}

/* Goal: the bytes are those of the protocol's page, so that another program can read them. */
static void test_exact_bytes(void **state) {
  (void)state;
  struct buf out;
  struct sealed end = {.kind = SEALED_END,
                       .direction = TO_BOB,
                       .time_us = 0x0102030405060708 >> 8,
                       .echo_us = 5,
                       .first_id = 0x0a0b,
                       .when_us = 0x0c0d,
                       .when_min = -2};
  for (unsigned i = 0; i < sizeof end.proof; i++)
    ((uint8_t *)&end.proof)[i] = (uint8_t)i;
  encode(&end, &out);
  size_t size = proven ? 36 + 224 : 36;
  assert_int_equal(out.size, padme_size(size));
  assert_true(view_equal(view_of(out.data, 36), view_of("\4\2\0\1\2\3\4\5\6\7\0\0\0\0\0\0\0\5"
                                                        "\0\0\0\0\0\0\x0a\x0b"
                                                        "\0\0\0\0\0\0\x0c\x0d\xff\xfe",
                                                        36)));
  for (size_t i = 36; i < out.size; i++)
    assert_int_equal(out.data[i], i < size ? i - 36 : 0);
  buf_free(&out);

  struct buf body;
  struct sealed envelope = example(0, &body);
  encode(&envelope, &out);
  struct view bytes = buf_view(&out);
  assert_int_equal(bytes.data[26] << 8 | bytes.data[27], 2); /* count */
  if (proven) {
    assert_memory_equal(bytes.data + 28, envelope.proof.bob_head, 32);
    assert_memory_equal(bytes.data + 60, envelope.proof.alice_head, 32);
    assert_memory_equal(bytes.data + 92, envelope.proof.bob_signature, 64);
  }
  size_t at = proven ? 156 : 28;
  assert_int_equal(load_u64(bytes.data + at), TIME_US - 9);      /* timestamp */
  assert_int_equal(bytes.data[at + 8], 0xa5);                    /* hash */
  assert_int_equal(load_u32(bytes.data + at + 8 + 64), 5);       /* size of the text */
  assert_memory_equal(bytes.data + at + 8 + 64 + 4, "mmmmm", 5); /* text */
  assert_int_equal(bytes.size, padme_size(at + 2 * message_size(0) + 5));
  buf_free(&body);
  buf_free(&out);
}

/* Goal: a plaintext of one mode is not one of the other: what a plain envelope or end lacks is not
 * taken for a proof, and a proof not for a body.  Notices and asks are the same in both. */
static void test_other_mode(void **state) {
  (void)state;
  for (int i = 0; i < EXAMPLES; i++) {
    struct buf body, out;
    struct sealed sealed = example(i, &body), back;
    encode(&sealed, &out);
    proven = !proven;
    enum avow_error error = decode(buf_view(&out), sealed.direction, &back);
    proven = !proven;
    bool same = sealed.kind == SEALED_NOTICE || sealed.kind == SEALED_ASK;
    assert_int_equal(error, same ? AVOW_OK : AVOW_MALFORMED);
    buf_free(&body);
    buf_free(&out);
  }
}

/* Goal: a plaintext that is cut anywhere before its padding is malformed; cut inside the padding it
 * means the same as whole. */
static void test_truncations(void **state) {
  (void)state;
  for (int i = 0; i < EXAMPLES; i++) {
    struct buf body, out;
    struct sealed sealed = example(i, &body), back;
    encode(&sealed, &out);
    for (size_t size = 0; size <= out.size; size++) {
      enum avow_error error = decode(view_of(out.data, size), sealed.direction, &back);
      assert_int_equal(error, size < content_size(i) ? AVOW_MALFORMED : AVOW_OK);
      if (error == AVOW_OK)
        assert_same(&sealed, &back);
    }
    buf_free(&body);
    buf_free(&out);
  }
}

/* Goal: each single flipped bit is either refused, or decodes to something that says exactly these
 * bytes when it is encoded again; so no bit is without a meaning.  In the padding it is refused. */
static void test_flipped_bits(void **state) {
  (void)state;
  for (int i = 0; i < EXAMPLES; i++) {
    struct buf body, out, again;
    struct sealed sealed = example(i, &body), back;
    encode(&sealed, &out);
    unsigned refused = 0;
    for (size_t bit = 0; bit < 8 * out.size; bit++) {
      out.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
      if (decode(buf_view(&out), sealed.direction, &back) == AVOW_OK) {
        buf_init(&again, AVOW_PLAINTEXT_MAX);
        assert_int_equal(sealed_encode(&back, proven, 0, &again), AVOW_OK);
        assert_true(view_equal(buf_view(&again), buf_view(&out)));
        buf_free(&again);
      } else {
        refused++;
      }
      out.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_true(refused > 16);
    for (size_t at = content_size(i); at < out.size; at++) {
      out.data[at] = 1;
      assert_int_equal(decode(buf_view(&out), sealed.direction, &back), AVOW_MALFORMED);
      out.data[at] = 0;
    }
    buf_free(&body);
    buf_free(&out);
  }
}

static enum avow_error decode_changed(int number, void (*change)(struct sealed *sealed, uint64_t),
                                      uint64_t value) {
  struct buf body, out;
  struct sealed sealed = example(number, &body), back;
  change(&sealed, value);
  encode(&sealed, &out);
  enum avow_error error = decode(buf_view(&out), sealed.direction, &back);
  buf_free(&body);
  buf_free(&out);
  return error;
}

static void set_count(struct sealed *sealed, uint64_t value) {
  static uint8_t hashes[1025 * MESSAGE_HASH_SIZE];
  sealed->count = (uint16_t)value;
  if (sealed->kind == SEALED_CONFIRMATION)
    sealed->body = view_of(hashes, value * MESSAGE_HASH_SIZE);
}

static void set_id(struct sealed *sealed, uint64_t value) {
  sealed->first_id = value;
}

static void set_time(struct sealed *sealed, uint64_t value) {
  sealed->time_us = value;
}

static void set_echo(struct sealed *sealed, uint64_t value) {
  sealed->echo_us = value;
}

static void set_when(struct sealed *sealed, uint64_t value) {
  sealed->when_us = value;
}

static void set_zone(struct sealed *sealed, uint64_t value) {
  sealed->when_min = (int16_t)value;
}

static void set_kind(struct sealed *sealed, uint64_t value) {
  sealed->kind = (enum sealed_kind)value;
}

/* Goal: every number has its edge: the last good one passes, the next is malformed. */
static void test_edges(void **state) {
  (void)state;
  assert_int_equal(decode_changed(1, set_count, 0), AVOW_MALFORMED);
  assert_int_equal(decode_changed(1, set_count, 1), AVOW_OK);
  assert_int_equal(decode_changed(1, set_count, 1024), AVOW_OK);
  assert_int_equal(decode_changed(1, set_count, 1025), AVOW_MALFORMED);
  assert_int_equal(decode_changed(0, set_count, 0), AVOW_MALFORMED);
  assert_int_equal(decode_changed(0, set_count, 3), AVOW_MALFORMED); /* there are two */
  uint64_t last = (UINT64_C(1) << 53) - 1;
  for (int i = 0; i < EXAMPLES; i++) {
    uint64_t count = i < 2 ? 2 : 0;
    assert_int_equal(decode_changed(i, set_id, last - count), AVOW_OK);
    assert_int_equal(decode_changed(i, set_id, last - count + 1), AVOW_MALFORMED);
    assert_int_equal(decode_changed(i, set_id, UINT64_MAX), AVOW_MALFORMED);
    assert_int_equal(decode_changed(i, set_time, WHEN_MAX_US), AVOW_OK);
    assert_int_equal(decode_changed(i, set_time, WHEN_MAX_US + 1), AVOW_MALFORMED);
    assert_int_equal(decode_changed(i, set_echo, WHEN_MAX_US), AVOW_OK);
    assert_int_equal(decode_changed(i, set_echo, WHEN_MAX_US + 1), AVOW_MALFORMED);
  }
  for (int i = 1; i < EXAMPLES; i += 3) { /* confirmation, and alice's end */
    assert_int_equal(decode_changed(i, set_when, WHEN_MAX_US), AVOW_OK);
    assert_int_equal(decode_changed(i, set_when, WHEN_MAX_US + 1), AVOW_MALFORMED);
    for (int zone = INT16_MIN; zone <= INT16_MAX; zone++) {
      bool good = zone >= -1439 && zone <= 1439;
      assert_int_equal(decode_changed(i, set_zone, (uint64_t)zone),
                       good ? AVOW_OK : AVOW_MALFORMED);
    }
  }
}

/* Goal: a kind that does not exist, or is the other side's, is malformed. */
static void test_kinds(void **state) {
  (void)state;
  for (uint64_t kind = 0; kind < 256; kind++) {
    bool good = kind == SEALED_END || kind == SEALED_ASK || kind == SEALED_DUMMY;
    assert_int_equal(decode_changed(3, set_kind, kind), good ? AVOW_OK : AVOW_MALFORMED);
    good = kind == SEALED_END || kind == SEALED_NOTICE || kind == SEALED_DUMMY;
    assert_int_equal(decode_changed(4, set_kind, kind), good ? AVOW_OK : AVOW_MALFORMED);
  }
}

/* Goal: a text of the limit passes, one byte more is malformed although all of it is there; so is a
 * message's time after the year 9999. */
static void test_messages(void **state) {
  (void)state;
  for (unsigned over = 0; over < 2; over++) {
    struct buf body, out;
    buf_init(&body, AVOW_PLAINTEXT_MAX);
    append_message(&body, AVOW_TEXT_MAX + over, WHEN_MAX_US);
    struct sealed sealed = {
        .kind = SEALED_ENVELOPE, .direction = TO_ALICE, .count = 1, .body = buf_view(&body)};
    struct sealed back;
    encode(&sealed, &out);
    assert_int_equal(decode(buf_view(&out), TO_ALICE, &back), over ? AVOW_MALFORMED : AVOW_OK);
    buf_clear(&body);
    buf_clear(&out);
    append_message(&body, 3, WHEN_MAX_US + over);
    sealed.body = buf_view(&body);
    assert_int_equal(sealed_encode(&sealed, proven, 0, &out), AVOW_OK);
    assert_int_equal(decode(buf_view(&out), TO_ALICE, &back), over ? AVOW_MALFORMED : AVOW_OK);
    if (!over) {
      struct message message;
      struct reader reader = reader_of(back.body);
      message_take(&reader, &message);
      assert_int_equal(message.timestamp_us, WHEN_MAX_US);
      assert_view_text(message.text, "mmm");
      assert_true(reader_done(&reader));
    }
    buf_free(&body);
    buf_free(&out);
  }
}

/* Goal: the largest envelope that a sender may fill has room in a plaintext. */
static void test_largest(void **state) {
  (void)state;
  struct buf body, out;
  buf_init(&body, AVOW_PLAINTEXT_MAX);
  size_t full = AVOW_WINDOW_MAX / 4, each = full / 1024 - message_size(0) % 64;
  while (body.size + message_size(each) <= full)
    append_message(&body, each, TIME_US);
  assert_true(padme_size(body_at(0) + body.size) <= AVOW_PLAINTEXT_MAX);
  assert_true(padme_size(body_at(0) + message_size(AVOW_TEXT_MAX)) <= AVOW_PLAINTEXT_MAX);
  assert_true(padme_size(body_at(1) + 1024 * MESSAGE_HASH_SIZE) <= AVOW_PLAINTEXT_MAX);
  for (int i = 0; i < EXAMPLES; i++)
    assert_true(body_at(i) <= SEALED_HEAD_MAX);
  buf_init(&out, 100);
  struct sealed sealed = {.kind = SEALED_ENVELOPE, .body = buf_view(&body), .count = 1};
  assert_int_equal(sealed_encode(&sealed, proven, 0, &out), AVOW_TOO_LONG);
  assert_int_equal(out.size, 0);
  buf_free(&body);
  buf_free(&out);
}

/* Goal: the buckets are those of the paper's algorithm (PURBs, PoPETs 2019, section 4.1.2):
 * E = floor(log2 L), S = floor(log2 E) + 1, z = E - S, rounded up to 2^z; never more than 12 %,
 * and nothing is ever cut. */
static void test_padme(void **state) {
  (void)state;
  for (size_t size = 2; size <= 100000; size++) {
    unsigned e = 0, s = 0;
    for (size_t rest = size; rest > 1; rest /= 2)
      e++;
    for (unsigned rest = e; rest > 0; rest /= 2)
      s++;
    size_t step = 1;
    for (unsigned i = s; i < e; i++)
      step *= 2;
    size_t expected = (size + step - 1) / step * step;
    if (padme_size(size) != expected)
      fail_msg("padme_size(%zu) is %zu, not %zu", size, padme_size(size), expected);
    assert_true(100 * (expected - size) <= 12 * size);
    assert_int_equal(padme_size(expected), expected); /* a bucket is its own */
  }
  assert_int_equal(padme_size(0), 0);
  assert_int_equal(padme_size(1), 1);
  assert_int_equal(padme_size(9), 10); /* the paper's own examples and neighbours */
  assert_int_equal(padme_size(1000), 1024);
  assert_int_equal(padme_size(1025), 1088);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_round_trips), cmocka_unit_test(test_exact_bytes),
      cmocka_unit_test(test_truncations), cmocka_unit_test(test_flipped_bits),
      cmocka_unit_test(test_edges),       cmocka_unit_test(test_kinds),
      cmocka_unit_test(test_messages),    cmocka_unit_test(test_largest),
      cmocka_unit_test(test_padme),       cmocka_unit_test(test_other_mode),
  };
  int failed = 0;
  for (int mode = 0; mode < 2; mode++) {
    proven = mode == 1;
    failed += cmocka_run_group_tests_name(proven ? "proven" : "plain", tests, NULL, NULL);
  }
  return failed;
}
