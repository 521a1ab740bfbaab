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
}

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
  struct made *made = make(1);
  struct replay *replay;
  struct record record;
  assert_int_equal(replay_new(&replay), AVOW_OK);
  assert_int_equal(replay_input(replay, buf_view(&made->log)), AVOW_OK);
  while (replay_next(replay, &record) == AVOW_OK) {
    const char *line = (const char *)made->log.data;
    for (uint64_t i = 1; i < record.line; i++)
      line = strchr(line, '\n') + 1;
    static const char *const names[] = {
        "To: ", "Connected: ", "Message ID: ", "Messages: ", "Incident: ", "Messages in all: "};
    assert_int_equal(strncmp(line, names[record.type], strlen(names[record.type])), 0);
  }
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

/* Whether a head line is left behind these zeroes, and before that of the last chunk. */
static bool head_behind(const struct made *made, size_t from, size_t end) {
  enum { SIZE = sizeof HEAD_LINE - 1 + 2 * SHA256_SIZE + 1 };
  for (unsigned i = 0; i + 1 < made->chunks_count; i++)
    if (made->chunks[i] >= end + SIZE ||
        (made->chunks[i] > from && from + SIZE >= made->chunks[i] + sizeof HEAD_LINE - 1))
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

/* Whether byte ${at} belongs to the value of a "Key: " line. */
static bool in_key(const struct buf *log, size_t at) {
  size_t start = at;
  while (start > 0 && log->data[start - 1] != '\n')
    start--;
  return at >= start + 5 && log->data[at] != '\n' && memcmp(log->data + start, "Key: ", 5) == 0;
}

/* Goal: of all single flipped bits of a log the only ones that pass are in the value of a "Key: "
 * line, which no head covers, and only where they make another key; they change no record.  Every
 * other one is detected, behind no more than the records of the chunks before it: nothing is
 * dropped in silence, no text, time, name or incident changes. */
static void test_flipped_bits(void **state) {
  (void)state;
  size_t passed[KINDS] = {0}, all = 0;
  for (unsigned kind = 0; kind < KINDS; kind++) {
    struct made *made = make(kind);
    for (size_t bit = 0; bit < 8 * made->log.size; bit++) {
      made->log.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
      struct outcome outcome = read_log(made, buf_view(&made->log), LOG_MAX);
      made->log.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
      all++;
      if (outcome.error == AVOW_OK) {
        assert_true(in_key(&made->log, bit / 8));
        assert_int_equal(outcome.records, made->count);
        assert_int_equal(outcome.finished, made->log.size);
        passed[kind]++;
        continue;
      }
      uint64_t line = 1;
      for (size_t i = 0; i < bit / 8; i++)
        line += made->log.data[i] == '\n';
      assert_true(outcome.line >= line); /* there, or at the head that is wrong for it */
      assert_true(outcome.finished <= bit / 8);
    }
    unmake(made);
  }
  for (unsigned kind = 0; kind < KINDS; kind++)
    assert_int_equal(passed[kind] > 0, kind / 4 == LOG_FULL);
  assert_true(all > 100000);
}

/* A log of one chunk, and after it another with ${lines}, both with their right heads. */
static enum avow_error read_lines(const char *lines, uint64_t *ret_line) {
  struct made *made = calloc(1, sizeof *made);
  struct chunk chunk;
  buf_init(&made->log, LOG_MAX);
  assert_int_equal(chunk_init(&chunk, LOG_MAX), AVOW_OK);
  put_opened(made, &chunk, LOG_TEXT, false, false); /* 5 lines, and the empty one, and the head */
  seal(made, &chunk);
  assert_int_equal(buf_text(&chunk.bytes, lines), AVOW_OK);
  seal(made, &chunk);
  struct replay *replay;
  struct record record;
  assert_int_equal(replay_new(&replay), AVOW_OK);
  assert_int_equal(replay_input(replay, buf_view(&made->log)), AVOW_OK);
  enum avow_error error;
  while ((error = replay_next(replay, &record)) == AVOW_OK)
    ;
  *ret_line = replay_line(replay);
  replay_free(replay);
  chunk_free(&chunk);
  unmake(made);
  return error;
}

#define WHEN "2026-11-22 18:27:36.951090 +0100\n"
#define HASH_32 "00112233445566778899aabbccddeeff"
#define UPPER_32 "00112233445566778899AABBCCDDEEFF"
#define HASH HASH_32 HASH_32 HASH_32 HASH_32
#define X_32 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define MESSAGE "\nMessage ID: 7\nHash value: " HASH "\nTimestamp: " WHEN
#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"
#define SESSION "Session: " HASH_32 "\n"

/* Goal: what record_* would not have written is malformed, though the head be right for it. */
static void test_malformed(void **state) {
  (void)state;
  static const char *const good[] = {
      MESSAGE,
      MESSAGE MESSAGE,
      MESSAGE "Message confirmed at: " WHEN,
      "\nMessages: 0-1023\n",
      "\nMessages: 9007199254740990-9007199254740990\n",
      "\nConnected: x\n" SESSION "Opened: " WHEN "Handshake: tls x\nAlice: " KEY "\nBob: " KEY
      " n\n",
      "\nTo: x\nQueued since: " WHEN "Bob: " KEY "\n",
      "\nIncident: \nVerdict: x\nSeen at: " WHEN "Count: 2\n",
  };
  static const char *const bad[] = {
      "",
      "\n",
      "x\n",
      "\nx\n",
      "\n" MESSAGE,
      MESSAGE "\n",
      MESSAGE "\n" MESSAGE,
      MESSAGE "x\n",
      "Message ID: 7\nHash value: " HASH "\nTimestamp: " WHEN, /* no empty line */
      "\nMessage ID: 07\nHash value: " HASH "\nTimestamp: " WHEN,
      "\nMessage ID: \nHash value: " HASH "\nTimestamp: " WHEN,
      "\nMessage ID: -7\nHash value: " HASH "\nTimestamp: " WHEN,
      "\nMessage ID: 7 \nHash value: " HASH "\nTimestamp: " WHEN,
      "\nMessage ID: 12345678901234567\nHash value: " HASH "\nTimestamp: " WHEN,
      "\nMessage ID: 7\nHash value: " HASH "0\nTimestamp: " WHEN,
      "\nMessage ID: 7\nHash value: " HASH_32 "\nTimestamp: " WHEN,
      "\nMessage ID: 7\nHash value: " HASH_32 HASH_32 HASH_32 UPPER_32 "\nTimestamp: " WHEN,
      "\nMessage ID: 7\nTimestamp: " WHEN "Hash value: " HASH "\n",
      "\nMessage ID: 7\nHash value: " HASH "\n",
      "\nMessage ID: 7\nHash value: " HASH "\nTimestamp: 2026-02-30 18:27:36.951090 +0100\n",
      MESSAGE "Message text: not of this hash\n",
      MESSAGE "Message text: \\q\n",
      MESSAGE "Message confirmed at: " WHEN "Message confirmed at: " WHEN,
      MESSAGE "Message confirmed at: \n",
      MESSAGE "Key: x\n",
      "\nMessages: 1-0\n",
      "\nMessages: 0-1024\n",
      "\nMessages: 0\n",
      "\nMessages: -0\n",
      "\nMessages: 0-\n",
      "\nMessages: 0-0-0\n",
      "\nMessages: 00-0\n",
      "\nMessages: 0 - 0\n",
      "\nMessages: 0-99999999999999999999\n",
      "\nConnected: x\n" SESSION "Opened: " WHEN "Handshake: plain\n",
      "\nConnected: x\n" SESSION "Handshake: plain\nEvidence: none\n",
      "\nConnected: x\nSession: 00\nOpened: " WHEN "Handshake: plain\nEvidence: none\n",
      "\nConnected: x\n" SESSION "Opened: " WHEN "Handshake: tls x\nBob: " KEY "\nAlice: " KEY "\n",
      "\nConnected: x\n" SESSION "Opened: " WHEN "Handshake: tls x\nAlice: " KEY "\nBob: x\n",
      "\nConnected: x\nKey: short\n" SESSION "Opened: " WHEN "Handshake: plain\nEvidence: none\n",
      "\nTo: x\n",
      "\nTo: \\q\nQueued since: " WHEN,
      "\nTo: a\\x00b\nQueued since: " WHEN,
      "\nTo: "
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\nQueued since: " WHEN,
      "\nIncident: x\nSeen at: " WHEN,
      "\nIncident: x\nVerdict: x\n",
      "\nIncident: x\nVerdict: x\nSeen at: " WHEN "Count: 1x\n",
      "\nMessages in all: x\nEnded: " WHEN,
      "\nMessages in all: 1\n",
      "\nEnded: " WHEN,
  };
  for (size_t i = 0; i < COUNT_OF(good); i++) {
    uint64_t line;
    if (read_lines(good[i], &line) != AVOW_NOT_FOUND)
      fail_msg("good %zu: line %u", i, (unsigned)line);
  }
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    uint64_t line;
    if (bad[i][0] != '\0' && read_lines(bad[i], &line) != AVOW_MALFORMED)
      fail_msg("bad %zu: %s", i, bad[i]);
  }
}

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
      cmocka_unit_test(test_malformed),   cmocka_unit_test(test_tails),
      cmocka_unit_test(test_moved_lines), cmocka_unit_test(test_goes_on),
      cmocka_unit_test(test_holes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
