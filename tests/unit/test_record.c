// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <string.h>

#include "base/when.h"
#include "evidence/record.h"

#define ZEROES_128                                                                                 \
  "0000000000000000000000000000000000000000000000000000000000000000"                               \
  "0000000000000000000000000000000000000000000000000000000000000000"
/* 2026-11-22 18:27:36.951090 +0100 */
#define OPENED_US UINT64_C(1795368456951090)

static const uint8_t session_id[16] = {0x5f, 0x2c, 0, 1};
static const uint8_t fernet_key[32] = {0xfb, 0xff, 0xbf}; /* "+/" and "-_" tell the alphabet */
static const uint8_t zeroes[64];

static struct opened opened_example(bool tls) {
  struct opened opened = {.peer = "('127.0.0.1', 38464)",
                          .session_id = session_id,
                          .when_us = OPENED_US,
                          .offset_min = 60,
                          .tls = tls,
                          .group = "X25519",
                          .key = fernet_key};
  memset(opened.alice.key, 1, 32);
  memcpy(opened.alice.name, "alice@host", 11);
  memset(opened.bob.key, 2, 32);
  return opened;
}

#define HEAD "Connected: ('127.0.0.1', 38464)\n"
#define KEY "Key: -_-_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
#define SESSION                                                                                    \
  "Session: 5f2c0001000000000000000000000000\nOpened: 2026-11-22 18:27:36.951090 +0100\n"
#define ALICE                                                                                      \
  "Alice: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"
#define BOB "Bob: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIC"
#define TLS "Handshake: tls X25519\n" ALICE " alice@host\n" BOB "\n"
#define PLAIN "Handshake: plain\nEvidence: none (keys were sent in the clear)\n"

/* Goal: the first block has these bytes, at each log detail, in both modes; the key stands there
 * only where it was asked for. */
static void test_opened(void **state) {
  (void)state;
  static const char *const expected[2][3] = {
      {HEAD SESSION PLAIN, HEAD SESSION PLAIN, HEAD KEY SESSION PLAIN},
      {HEAD SESSION TLS, HEAD SESSION TLS, HEAD KEY SESSION TLS},
  };
  for (unsigned tls = 0; tls < 2; tls++)
    for (unsigned detail = LOG_PROOF; detail <= LOG_FULL; detail++) {
      struct buf out;
      struct opened opened = opened_example(tls);
      buf_init(&out, 4096);
      assert_int_equal(record_opened(&out, (enum log_detail)detail, true, &opened), AVOW_OK);
      assert_view_text(buf_view(&out), expected[tls][detail]);
      buf_free(&out);
    }
}

/* Goal: a later connection says so, and stands behind an empty line; so does the first one of bob's
 * log, which comes after what was queued. */
static void test_resumed(void **state) {
  (void)state;
  struct buf out;
  struct opened opened = opened_example(true);
  buf_init(&out, 4096);
  assert_int_equal(record_opened(&out, LOG_TEXT, false, &opened), AVOW_OK);
  assert_view_text(buf_view(&out), "\n" HEAD SESSION TLS);
  buf_clear(&out);
  opened.resumed = true;
  assert_int_equal(record_opened(&out, LOG_FULL, false, &opened), AVOW_OK);
  assert_view_text(buf_view(&out), "\n" HEAD KEY "Session: 5f2c0001000000000000000000000000\n"
                                   "Resumed: 2026-11-22 18:27:36.951090 +0100\n" TLS);
  buf_free(&out);
}

/* Goal: the first block of bob's log has these bytes, in both modes, whatever the server's name
 * holds. */
static void test_queued(void **state) {
  (void)state;
  struct opened opened = opened_example(true);
  for (unsigned tls = 0; tls < 2; tls++) {
    struct queued queued = {.to = "a\nb:4711",
                            .since_us = OPENED_US,
                            .offset_min = -210,
                            .tls = tls,
                            .bob = opened.bob};
    struct buf out;
    buf_init(&out, 4096);
    assert_int_equal(record_queued(&out, &queued), AVOW_OK);
#define QUEUED "To: a\\nb:4711\nQueued since: 2026-11-22 13:57:36.951090 -0330\n"
    assert_view_text(buf_view(&out), tls ? QUEUED BOB "\n" : QUEUED);
    buf_free(&out);
  }
}

/* Goal: a name that came from somebody's key file cannot forge a line. */
static void test_names(void **state) {
  (void)state;
  struct buf out;
  struct opened opened = opened_example(true);
  memcpy(opened.bob.name, "b\nAlice: \x1b[m", 13);
  buf_init(&out, 4096);
  assert_int_equal(record_opened(&out, LOG_TEXT, true, &opened), AVOW_OK);
  assert_view_text(buf_view(&out), HEAD SESSION "Handshake: tls X25519\n" ALICE " alice@host\n" BOB
                                                " b\\nAlice: \\x1b[m\n");
  buf_free(&out);
}

/* Goal: a message's block has these bytes; the text is left out at `proof`, the confirmation where
 * there is none yet; a text is one line whatever it holds. */
static void test_message(void **state) {
  (void)state;
  static const char *const texts[] = {"", "Message text: Hey\\n\\ndude\n",
                                      "Message text: Hey\\n\\ndude\n"};
  for (unsigned i = 0; i < 6; i++) {
    bool confirmed = i % 2;
    struct recorded message = {.id = i == 5 ? (UINT64_C(1) << 53) - 1 : 7,
                               .hash = zeroes,
                               .timestamp_us = OPENED_US + 1,
                               .text = view_text("Hey\n\ndude"),
                               .confirmed_us = confirmed ? OPENED_US + 2 : WHEN_NEVER};
    struct zones zones = {.alice_min = 60, .bob_min = -210};
    struct buf out, expected;
    buf_init(&out, 4096);
    buf_init(&expected, 4096);
    assert_int_equal(record_message(&out, (enum log_detail)(i / 2), zones, &message), AVOW_OK);
    assert_int_equal(buf_format(&expected,
                                "\nMessage ID: %s\nHash value: " ZEROES_128
                                "\nTimestamp: 2026-11-22 13:57:36.951091 -0330\n%s%s",
                                i == 5 ? "9007199254740991" : "7", texts[i / 2],
                                confirmed ? "Message confirmed at: 2026-11-22 18:27:36.951092 "
                                            "+0100\n"
                                          : ""),
                     AVOW_OK);
    assert_view_text(buf_view(&out), (const char *)expected.data);
    buf_free(&out);
    buf_free(&expected);
  }
}

/* Goal: the other blocks have these bytes, one after the other, parted by an empty line. */
static void test_others(void **state) {
  (void)state;
  struct buf out;
  buf_init(&out, 4096);
  struct incident one = {.what = "Late token.",
                         .attack = "Possible replay attack.",
                         .verdict = "stale",
                         .seen_us = OPENED_US,
                         .count = 1};
  struct incident many = {.what = "Message received again, confirmed again.",
                          .attack = "",
                          .verdict = "duplicate",
                          .seen_us = OPENED_US,
                          .count = 12345678901};
  struct zones zones = {.alice_min = 60, .bob_min = -210};
  assert_int_equal(record_envelope(&out, zones, 3, 1, OPENED_US), AVOW_OK);
  assert_int_equal(record_envelope(&out, zones, 4, 1024, OPENED_US), AVOW_OK);
  assert_int_equal(record_envelope(&out, zones, 1028, 2, WHEN_NEVER), AVOW_OK);
  assert_int_equal(record_incident(&out, 60, &one), AVOW_OK);
  assert_int_equal(record_incident(&out, 60, &many), AVOW_OK);
  assert_int_equal(record_ended(&out, 60, OPENED_US, 1028), AVOW_OK);
#define WHEN "2026-11-22 18:27:36.951090 +0100\n"
  assert_view_text(buf_view(&out),
                   "\nMessages: 3-3\nMessage confirmed at: " WHEN
                   "\nMessages: 4-1027\nMessage confirmed at: " WHEN "\nMessages: 1028-1029\n"
                   "\nIncident: Late token. Possible replay attack.\nVerdict: stale\nSeen at: " WHEN
                   "\nIncident: Message received again, confirmed again.\nVerdict: duplicate\n"
                   "Seen at: " WHEN "Count: 12345678901\n"
                   "\nMessages in all: 1028\nEnded: " WHEN);
  buf_free(&out);
}

/* Goal: a block that does not fit is an error, for every size that is too small. */
static void test_no_room(void **state) {
  (void)state;
  struct buf whole;
  struct opened opened = opened_example(true);
  struct recorded message = {.hash = zeroes, .text = view_text("x\n"), .confirmed_us = OPENED_US};
  struct zones zones = {0};
  buf_init(&whole, 4096);
  assert_int_equal(record_opened(&whole, LOG_FULL, false, &opened), AVOW_OK);
  assert_int_equal(record_message(&whole, LOG_FULL, zones, &message), AVOW_OK);
  for (size_t max = 0; max < whole.size; max++) {
    struct buf out;
    buf_init(&out, max);
    enum avow_error error = record_opened(&out, LOG_FULL, false, &opened);
    if (error == AVOW_OK)
      error = record_message(&out, LOG_FULL, zones, &message);
    assert_int_equal(error, AVOW_TOO_LONG);
    buf_free(&out);
  }
  buf_free(&whole);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_opened),  cmocka_unit_test(test_resumed), cmocka_unit_test(test_queued),
      cmocka_unit_test(test_names),   cmocka_unit_test(test_message), cmocka_unit_test(test_others),
      cmocka_unit_test(test_no_room),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
