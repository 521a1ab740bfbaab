// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <string.h>

#include "base/when.h"
#include "crypto/hash.h"
#include "evidence/record.h"

#define ZEROES_128                                                                                 \
  "0000000000000000000000000000000000000000000000000000000000000000"                               \
  "0000000000000000000000000000000000000000000000000000000000000000"
/* 2026-11-22 18:27:36.951090 +0100 */
#define OPENED_US UINT64_C(1795368456951090)

static const uint8_t session_id[16] = {0x5f, 0x2c, 0, 1};
static const uint8_t fernet_key[32] = {0xfb, 0xff, 0xbf}; /* "+/" and "-_" tell the alphabet */
static const uint8_t key_hash[SHA256_SIZE] = {0xab, 0xcd};
static const uint8_t zeroes[64];

static struct opened opened_example(bool tls) {
  struct opened opened = {.peer = "('127.0.0.1', 38464)",
                          .session_id = session_id,
                          .when_us = OPENED_US,
                          .offset_min = 60,
                          .tls = tls,
                          .group = "X25519",
                          .key = fernet_key,
                          .key_hash = key_hash,
                          .next_id = 17};
  memset(opened.bob_head, 0xb0, HEAD_SIZE);
  memset(opened.alice_head, 0xa0, HEAD_SIZE);
  memset(opened.alice_signature, 3, SIGNATURE_SIZE);
  memset(opened.alice.key, 1, 32);
  memcpy(opened.alice.name, "alice@host", 11);
  memset(opened.bob.key, 2, 32);
  return opened;
}

#define HEAD "Connected: ('127.0.0.1', 38464)\n"
#define KEY                                                                                        \
  "Key: -_-_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"                                            \
  "Key hash: abcd000000000000000000000000000000000000000000000000000000000000\n"
#define SESSION                                                                                    \
  "Session: 5f2c0001000000000000000000000000\nOpened: 2026-11-22 18:27:36.951090 +0100\n"
#define ALICE                                                                                      \
  "Alice: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"
#define BOB "Bob: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIC"
/* The same 32 bytes, in hexadecimal. */
#define A0 "a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0\n"
#define B0 "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0\n"
#define C0 "c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0\n"
/* A signature of 64 threes by the key of 32 ones, and one of fours by that of twos, as another
 * program encodes them in OpenSSH's format. */
#define ALICE_SIGNED                                                                               \
  "U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"           \
  "AQEAAAAEYXZvdwAAAAAAAAAGc2hhNTEyAAAAUwAAAAtzc2gtZWQyNTUxOQAAAEADAwMDAwMDAwMDAwMDAwMD"           \
  "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMD"
#define BOB_SIGNED                                                                                 \
  "U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIC"           \
  "AgIAAAAEYXZvdwAAAAAAAAAGc2hhNTEyAAAAUwAAAAtzc2gtZWQyNTUxOQAAAEAEBAQEBAQEBAQEBAQEBAQE"           \
  "BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"
#define OPENING                                                                                    \
  "Next ID: 17\nBob's head: " B0 "Alice's head: " A0 "Signed by Alice: " ALICE_SIGNED "\n"
#define TLS "Handshake: tls X25519\n" ALICE " alice@host\n" BOB "\n" OPENING
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
                                                " b\\nAlice: \\x1b[m\n" OPENING);
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

#define WHEN "2026-11-22 18:27:36.951090 +0100\n"

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
  struct ended ended = {.messages = 1028, .ended_us = OPENED_US, .offset_min = 60, .by_bob = true};
  assert_int_equal(record_envelope(&out, 3, 1, OPENED_US, 60), AVOW_OK);
  assert_int_equal(record_envelope(&out, 4, 1024, OPENED_US, 60), AVOW_OK);
  assert_int_equal(record_envelope(&out, 1028, 2, WHEN_NEVER, 60), AVOW_OK);
  assert_int_equal(record_incident(&out, 60, &one), AVOW_OK);
  assert_int_equal(record_incident(&out, 60, &many), AVOW_OK);
  assert_int_equal(record_ended(&out, NULL, &ended), AVOW_OK);
  assert_view_text(buf_view(&out),
                   "\nMessages: 3-3\nMessage confirmed at: " WHEN
                   "\nMessages: 4-1027\nMessage confirmed at: " WHEN "\nMessages: 1028-1029\n"
                   "\nIncident: Late token. Possible replay attack.\nVerdict: stale\nSeen at: " WHEN
                   "\nIncident: Message received again, confirmed again.\nVerdict: duplicate\n"
                   "Seen at: " WHEN "Count: 12345678901\n"
                   "\nMessages in all: 1028\nEnded: " WHEN);
  buf_free(&out);
}

static struct proof proof_example(void) {
  struct proof proof;
  memset(proof.bob_head, 0xb0, HEAD_SIZE);
  memset(proof.alice_head, 0xa0, HEAD_SIZE);
  memset(proof.bob_signature, 4, SIGNATURE_SIZE);
  memset(proof.head, 0xc0, HEAD_SIZE);
  memset(proof.alice_signature, 3, SIGNATURE_SIZE);
  return proof;
}

static struct names names_example(void) {
  struct names names;
  memcpy(names.session_id, session_id, sizeof session_id);
  memset(names.alice_key, 1, 32);
  memset(names.bob_key, 2, 32);
  return names;
}

/* Goal: what was signed stands in these lines: bob's agreement, an envelope, and both ends. */
static void test_signed(void **state) {
  (void)state;
  struct buf out;
  struct proof proof = proof_example();
  struct names names = names_example();
  struct ended ended = {.messages = 5, .ended_us = OPENED_US, .offset_min = 60, .proof = proof};
  buf_init(&out, 8192);
  assert_int_equal(record_agreed(&out, &names, proof.bob_signature), AVOW_OK);
  assert_view_text(buf_view(&out), "\nSigned by Bob: " BOB_SIGNED "\n");
  buf_clear(&out);
  assert_int_equal(record_envelope(&out, 3, 2, OPENED_US, 60), AVOW_OK);
  assert_int_equal(record_origin(&out, &names, &proof), AVOW_OK);
  assert_int_equal(record_receipt(&out, &names, &proof), AVOW_OK);
  assert_view_text(buf_view(&out), "\nMessages: 3-4\nMessage confirmed at: " WHEN "Bob's head: " B0
                                   "Alice's head: " A0 "Origin signature: " BOB_SIGNED "\n"
                                   "Head at receipt: " C0 "Receipt: " ALICE_SIGNED "\n");
  for (unsigned by_bob = 0; by_bob < 2; by_bob++) {
    buf_clear(&out);
    ended.by_bob = by_bob;
    assert_int_equal(record_ended(&out, &names, &ended), AVOW_OK);
    assert_int_equal(record_closing(&out, &names, &proof), AVOW_OK);
#define END "\nMessages in all: 5\nEnded: " WHEN "Bob's head: " B0
#define CLOSING "Head at the end: " C0 "Signed by Alice: " ALICE_SIGNED "\n"
    assert_view_text(buf_view(&out), by_bob ? END "Alice's head: " A0 "Signed by Bob: " BOB_SIGNED
                                                  "\n" CLOSING
                                            : END CLOSING);
  }
  buf_free(&out);
}

/* Goal: the lines that a digest is made of are those of the message's record, at their longest,
 * too. */
static void test_lines(void **state) {
  (void)state;
  char lines[RECORD_LINES_MAX];
  struct recorded message = {.id = (UINT64_C(1) << 53) - 1,
                             .hash = zeroes,
                             .timestamp_us = OPENED_US + 1,
                             .text = view_text("x"),
                             .confirmed_us = WHEN_NEVER};
  size_t size = record_lines(lines, -210, &message);
  assert_view_text(view_of(lines, size), "Message ID: 9007199254740991\nHash value: " ZEROES_128
                                         "\nTimestamp: 2026-11-22 13:57:36.951091 -0330\n");
  struct buf out;
  struct zones zones = {.alice_min = 60, .bob_min = -210};
  buf_init(&out, 4096);
  assert_int_equal(record_message(&out, LOG_PROOF, zones, &message), AVOW_OK);
  assert_true(view_equal(view_of(out.data + 1, out.size - 1), view_of(lines, size)));
  buf_free(&out);
}

/* Goal: a block that does not fit is an error, for every size that is too small. */
static void test_no_room(void **state) {
  (void)state;
  struct buf whole;
  struct opened opened = opened_example(true);
  struct recorded message = {.hash = zeroes, .text = view_text("x\n"), .confirmed_us = OPENED_US};
  struct zones zones = {0};
  struct proof proof = proof_example();
  struct names names = names_example();
  struct ended ended = {.by_bob = true, .proof = proof};
  buf_init(&whole, 8192);
  assert_int_equal(record_opened(&whole, LOG_FULL, false, &opened), AVOW_OK);
  assert_int_equal(record_message(&whole, LOG_FULL, zones, &message), AVOW_OK);
  assert_int_equal(record_origin(&whole, &names, &proof), AVOW_OK);
  assert_int_equal(record_ended(&whole, &names, &ended), AVOW_OK);
  assert_int_equal(record_closing(&whole, &names, &proof), AVOW_OK);
  for (size_t max = 0; max < whole.size; max++) {
    struct buf out;
    buf_init(&out, max);
    enum avow_error error = record_opened(&out, LOG_FULL, false, &opened);
    if (error == AVOW_OK)
      error = record_message(&out, LOG_FULL, zones, &message);
    if (error == AVOW_OK)
      error = record_origin(&out, &names, &proof);
    if (error == AVOW_OK)
      error = record_ended(&out, &names, &ended);
    if (error == AVOW_OK)
      error = record_closing(&out, &names, &proof);
    assert_int_equal(error, AVOW_TOO_LONG);
    buf_free(&out);
  }
  buf_free(&whole);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_opened),  cmocka_unit_test(test_resumed), cmocka_unit_test(test_queued),
      cmocka_unit_test(test_names),   cmocka_unit_test(test_message), cmocka_unit_test(test_others),
      cmocka_unit_test(test_no_room), cmocka_unit_test(test_signed),  cmocka_unit_test(test_lines),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
