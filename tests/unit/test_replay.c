// SPDX-License-Identifier: Apache-2.0
#include "made_log.h"

/* Logs that are read back: whole, cut, changed, and not written by us. */

static void assert_record(const struct record *is, const struct record *expected) {
  assert_int_equal(is->type, expected->type);
  assert_string_equal(is->to, expected->to);
  assert_memory_equal(is->session_id, expected->session_id, sizeof is->session_id);
  assert_int_equal(is->resumed, expected->resumed);
  assert_int_equal(is->tls, expected->tls);
  assert_int_equal(is->when_us, expected->when_us);
  assert_int_equal(is->offset_min, expected->offset_min);
  assert_memory_equal(is->alice_key, expected->alice_key, 32);
  assert_memory_equal(is->bob_key, expected->bob_key, 32);
  assert_int_equal(is->id, expected->id);
  assert_int_equal(is->count, expected->count);
  assert_memory_equal(is->hash, expected->hash, SHA512_SIZE);
  assert_int_equal(is->timestamp_us, expected->timestamp_us);
  assert_int_equal(is->has_text, expected->has_text);
  assert_int_equal(is->text.size, expected->text.size);
  assert_true(view_equal(is->text, expected->text));
  assert_int_equal(is->confirmed_us, expected->confirmed_us);
  assert_int_equal(is->confirmed_min, expected->confirmed_min);
  assert_string_equal(is->group, expected->group);
  assert_int_equal(is->is_signed, expected->is_signed);
  assert_int_equal(is->by_bob, expected->by_bob);
  assert_memory_equal(&is->proof, &expected->proof, sizeof is->proof);
  assert_memory_equal(is->head_there, expected->head_there, HEAD_SIZE);
  assert_memory_equal(is->alice_signer, expected->alice_signer, 32);
  assert_memory_equal(is->bob_signer, expected->bob_signer, 32);
  if (is->type == RECORD_MESSAGE) {
    char lines[RECORD_LINES_MAX];
    struct recorded message = {.id = is->id, .hash = is->hash, .timestamp_us = is->timestamp_us};
    size_t size = record_lines(lines, is->offset_min, &message);
    assert_true(view_equal(is->lines, view_of(lines, size)));
  }
}

/* Every bit is flipped, but where a sanitizer looks on: it is slow, and looks for other things. */
#ifdef AVOW_SANITIZED
#define BIT_STEP 5u
#else
#define BIT_STEP 1u
#endif

/* What came of reading a log. */
struct outcome {
  enum avow_error error; /* of replay_next, or of replay_end */
  unsigned records;
  uint64_t finished, line;
  const char *reason;
};

/* Read ${log} in pieces of this size; every record that comes must be the one that was made. */
static struct outcome read_log(const struct made *made, struct view log, size_t piece) {
  struct outcome outcome = {0};
  struct replay *replay;
  assert_int_equal(replay_new(&replay), AVOW_OK);
  while (log.size > 0 && outcome.error == AVOW_OK) {
    size_t size = log.size < piece ? log.size : piece;
    assert_int_equal(replay_input(replay, view_of(log.data, size)), AVOW_OK);
    log = view_of(log.data + size, log.size - size);
    struct record record;
    while ((outcome.error = replay_next(replay, &record)) == AVOW_OK) {
      assert_true(outcome.records < made->count);
      assert_record(&record, &made->records[outcome.records++]);
    }
    if (outcome.error == AVOW_NOT_FOUND)
      outcome.error = AVOW_OK;
    else
      assert_int_equal(replay_next(replay, &record), AVOW_MALFORMED); /* for good */
  }
  if (outcome.error == AVOW_OK)
    outcome.error = replay_end(replay);
  assert_true(outcome.error == AVOW_OK || outcome.error == AVOW_MALFORMED);
  outcome.reason = replay_reason(replay);
  assert_int_equal(outcome.reason[0] == '\0', outcome.error == AVOW_OK);
  outcome.finished = replay_finished(replay);
  outcome.line = replay_line(replay);
  replay_free(replay);
  return outcome;
}

/* Goal: every record of both sides comes back with all that it says, at each detail and in both
 * modes, however the log is cut into pieces; all of the log is finished. */
static void test_round_trip(void **state) {
  (void)state;
  static const size_t pieces[] = {1, 7, 100, LOG_MAX};
  for (unsigned kind = 0; kind < KINDS; kind++)
    for (unsigned i = 0; i < COUNT_OF(pieces); i++) {
      struct made *made = make(kind);
      struct outcome outcome = read_log(made, buf_view(&made->log), pieces[i]);
      assert_int_equal(outcome.error, AVOW_OK);
      assert_int_equal(outcome.records, made->count);
      assert_int_equal(outcome.finished, made->log.size);
      unmake(made);
    }
}

/* Goal: each record says on which line it begins. */
static void test_lines(void **state) {
  (void)state;
  struct made *made = make(3);
  struct replay *replay;
  struct record record;
  unsigned count = 0;
  assert_int_equal(replay_new(&replay), AVOW_OK);
  assert_int_equal(replay_input(replay, buf_view(&made->log)), AVOW_OK);
  for (; replay_next(replay, &record) == AVOW_OK; count++) {
    const char *line = (const char *)made->log.data;
    for (uint64_t i = 1; i < record.line; i++)
      line = strchr(line, '\n') + 1;
    static const char *const names[] = {
        "To: ",       "Connected: ",       "Message ID: ",    "Messages: ",
        "Incident: ", "Messages in all: ", "Signed by Bob: ", "Head: "};
    assert_int_equal(strncmp(line, names[record.type], strlen(names[record.type])), 0);
  }
  assert_int_equal(count, made->count);
  replay_free(replay);
  unmake(made);
}

/* Goal: a log may be cut anywhere: the chunks that are whole stay, the one that is not is dropped,
 * and that is no error; zeroes behind it, as some file systems leave, are none either. */
static void test_truncations(void **state) {
  (void)state;
  for (unsigned kind = 0; kind < KINDS; kind++) {
    struct made *made = make(kind);
    for (size_t size = 0; size <= made->log.size; size++) {
      size_t expected = 0;
      for (unsigned i = 0; i < made->chunks_count; i++)
        expected = made->chunks[i] <= size ? made->chunks[i] : expected;
      struct outcome outcome = read_log(made, view_of(made->log.data, size), LOG_MAX);
      assert_int_equal(outcome.error, AVOW_OK);
      assert_int_equal(outcome.finished, expected);
      struct buf padded;
      buf_init(&padded, LOG_MAX + 99);
      assert_int_equal(buf_append(&padded, view_of(made->log.data, size)), AVOW_OK);
      for (unsigned i = 0; i < 99; i++)
        assert_int_equal(buf_u8(&padded, 0), AVOW_OK);
      outcome = read_log(made, buf_view(&padded), LOG_MAX);
      assert_int_equal(outcome.error, AVOW_OK);
      assert_int_equal(outcome.finished, expected);
      buf_free(&padded);
    }
    unmake(made);
  }
}

/* Whether a head line is left behind these zeroes, and before that of the last chunk; or the
 * beginning of one before them, and that of the last chunk behind them. */
static bool head_behind(const struct made *made, size_t from, size_t end) {
  enum { SIZE = sizeof HEAD_LINE - 1 + 2 * SHA256_SIZE + 1 };
  bool last = made->log.size > end + SIZE;
  for (unsigned i = 0; i + 1 < made->chunks_count; i++)
    if (made->chunks[i] > end + SIZE ||
        (last && made->chunks[i] > from && from + SIZE >= made->chunks[i] + sizeof HEAD_LINE - 1))
      return true;
  return false;
}

/* Goal: where the end of a log has a sector that was never written, what it belongs to is dropped,
 * even if the head line is there; where chunks follow, that is damage, and so is less than a sector
 * of zeroes. */
static void test_holes(void **state) {
  (void)state;
  enum { SECTOR = 512 };
  unsigned dropped = 0, found = 0;
  for (unsigned kind = 0; kind < KINDS; kind++) {
    struct made *made = make(kind);
    size_t start = made->chunks_count > 1 ? made->chunks[made->chunks_count - 2] : 0;
    for (size_t at = 0; at < made->log.size; at += SECTOR) {
      size_t end = at + SECTOR < made->log.size ? at + SECTOR : made->log.size;
      size_t from = at < start && start < end ? start : at;
      bool damage = head_behind(made, from, end);
      struct buf log;
      buf_init(&log, LOG_MAX);
      assert_int_equal(buf_append(&log, buf_view(&made->log)), AVOW_OK);
      memset(log.data + from, 0, end - from);
      struct outcome outcome = read_log(made, buf_view(&log), LOG_MAX);
      assert_int_equal(outcome.error, damage ? AVOW_MALFORMED : AVOW_OK);
      assert_true(outcome.finished <= from);
      dropped += !damage;
      found += damage;
      memcpy(log.data + from, made->log.data + from, (end - from) / 2);
      if (from == at && end < made->log.size) /* half a sector */
        assert_int_equal(read_log(made, buf_view(&log), LOG_MAX).error, AVOW_MALFORMED);
      buf_free(&log);
    }
    unmake(made);
  }
  assert_true(dropped > 0 && found > 0);
}

/* Goal: no single flipped bit of a log passes, be it in a key or in a signature, and it is detected
 * behind no more than the records of the chunks before it: nothing is dropped in silence, no text,
 * time, name or incident changes. */
static void test_flipped_bits(void **state) {
  (void)state;
  size_t all = 0;
  for (unsigned kind = 0; kind < KINDS; kind++) {
    struct made *made = make(kind);
    for (size_t bit = 0; bit < 8 * made->log.size; bit += BIT_STEP) {
      made->log.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
      struct outcome outcome = read_log(made, buf_view(&made->log), LOG_MAX);
      made->log.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
      all++;
      assert_int_equal(outcome.error, AVOW_MALFORMED);
      uint64_t line = 1;
      for (size_t i = 0; i < bit / 8; i++)
        line += made->log.data[i] == '\n';
      assert_true(outcome.line >= line); /* there, or at the head that is wrong for it */
      assert_true(outcome.finished <= bit / 8);
    }
    unmake(made);
  }
  assert_true(all > 100000 / BIT_STEP);
}

/* Goal: what an envelope or an end tells of its head is told beside what the log has there, also
 * where several stand in one chunk; in a log whose lines fit, both are equal. */
static void test_head_there(void **state) {
  (void)state;
  struct made *made = calloc(1, sizeof *made);
  struct names names = make_names();
  struct proof proof = {0};
  struct chunk chunk;
  buf_init(&made->log, LOG_MAX);
  assert_int_equal(chunk_init(&chunk, LOG_MAX), AVOW_OK);
  put_opened(made, &chunk, LOG_FULL, true, false);
  for (unsigned id = 0; id < 4; id++) {
    put_message(made, &chunk, LOG_TEXT, id, NOW_US);
    assert_int_equal(record_envelope(&chunk.bytes, id, 1, NOW_US, 60), AVOW_OK);
    assert_int_equal(record_origin(&chunk.bytes, &names, &proof), AVOW_OK);
    assert_int_equal(chunk_head(&chunk, proof.head), AVOW_OK);
    proof.head[0] ^= id == 2;
    assert_int_equal(record_receipt(&chunk.bytes, &names, &proof), AVOW_OK);
    if (id % 2)
      seal(made, &chunk);
  }
  struct replay *replay;
  struct record record;
  unsigned count = 0;
  assert_int_equal(replay_new(&replay), AVOW_OK);
  assert_int_equal(replay_input(replay, buf_view(&made->log)), AVOW_OK);
  while (replay_next(replay, &record) == AVOW_OK)
    if (record.type == RECORD_ENVELOPE) {
      bool same = memcmp(record.head_there, record.proof.head, HEAD_SIZE) == 0;
      assert_int_equal(same, record.id != 2);
      count++;
    }
  assert_int_equal(count, 4);
  assert_int_equal(replay_end(replay), AVOW_OK);
  replay_free(replay);
  chunk_free(&chunk);
  unmake(made);
}

#define HASH_32 "00112233445566778899aabbccddeeff"

/* Goal: behind the last head only the first part of a chunk may stand: anything else is malformed,
 * and said on its line. */
static void test_tails(void **state) {
  (void)state;
  static const char *const good[] = {
      "", "\n", "\nM", "\nMessage ID: 1\nHa", "\n\nHead: 00ff", "\nMessage ID: 1\nMessage text: x",
      "H"};
  static const char *const bad[] = {"x",           "\nx",    "\nx\n",
                                    "\nMessage\n", "\n\x01", "\nHead: " HASH_32 HASH_32 "0"};
  struct made *made = make(0);
  for (size_t i = 0; i < COUNT_OF(good) + COUNT_OF(bad); i++) {
    struct buf log;
    buf_init(&log, LOG_MAX);
    assert_int_equal(buf_append(&log, buf_view(&made->log)), AVOW_OK);
    bool is_good = i < COUNT_OF(good);
    assert_int_equal(buf_text(&log, is_good ? good[i] : bad[i - COUNT_OF(good)]), AVOW_OK);
    struct outcome outcome = read_log(made, buf_view(&log), LOG_MAX);
    assert_int_equal(outcome.error, is_good ? AVOW_OK : AVOW_MALFORMED);
    assert_int_equal(outcome.finished, made->log.size);
    buf_free(&log);
  }
  unmake(made);
}

/* Goal: whole chunks or whole lines that are taken out, doubled or swapped are seen: the heads hang
 * together.  Only the last chunks may be gone, as after a crash; and a text may be withheld. */
static void test_moved_lines(void **state) {
  (void)state;
  for (unsigned kind = 4; kind < 6; kind++) { /* with texts, without keys */
    struct made *made = make(kind);
    struct view whole = buf_view(&made->log);
    size_t next;
    for (size_t at = 0; at < whole.size; at = next) {
      const uint8_t *end = memchr(whole.data + at, '\n', whole.size - at);
      next = (size_t)(end + 1 - whole.data);
      bool text = whole.size - at > 14 && memcmp(whole.data + at, "Message text: ", 14) == 0;
      for (unsigned twice = 0; twice < 2; twice++) {
        struct buf log;
        buf_init(&log, LOG_MAX);
        assert_int_equal(buf_append(&log, view_of(whole.data, twice ? next : at)), AVOW_OK);
        size_t from = twice ? at : next;
        assert_int_equal(buf_append(&log, view_of(whole.data + from, whole.size - from)), AVOW_OK);
        struct replay *replay;
        struct record record;
        assert_int_equal(replay_new(&replay), AVOW_OK);
        assert_int_equal(replay_input(replay, buf_view(&log)), AVOW_OK);
        enum avow_error error;
        while ((error = replay_next(replay, &record)) == AVOW_OK)
          ;
        bool last = next == whole.size; /* without its head the last chunk was never finished */
        if (error == AVOW_NOT_FOUND)
          error = replay_end(replay);
        assert_int_equal(error, !twice && (text || last) ? AVOW_OK : AVOW_MALFORMED);
        replay_free(replay);
        buf_free(&log);
      }
    }
    unmake(made);
  }
}

/* Goal: the head that is handed over goes on the log as if it had never been closed. */
static void test_goes_on(void **state) {
  (void)state;
  struct made *made = make(5);
  struct replay *replay;
  struct record record;
  struct chunk chunk;
  assert_int_equal(replay_new(&replay), AVOW_OK);
  assert_int_equal(replay_input(replay, buf_view(&made->log)), AVOW_OK);
  while (replay_next(replay, &record) == AVOW_OK)
    ;
  assert_int_equal(chunk_init(&chunk, LOG_MAX), AVOW_OK);
  chunk_continue(&chunk, replay_take_head(replay));
  replay_free(replay);
  put_incident(made, &chunk, 3);
  seal(made, &chunk);
  chunk_free(&chunk);
  struct outcome outcome = read_log(made, buf_view(&made->log), LOG_MAX);
  assert_int_equal(outcome.error, AVOW_OK);
  assert_int_equal(outcome.records, made->count);
  unmake(made);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_round_trip),  cmocka_unit_test(test_lines),
      cmocka_unit_test(test_truncations), cmocka_unit_test(test_flipped_bits),
      cmocka_unit_test(test_tails),       cmocka_unit_test(test_moved_lines),
      cmocka_unit_test(test_goes_on),     cmocka_unit_test(test_holes),
      cmocka_unit_test(test_head_there),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
