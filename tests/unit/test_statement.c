// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <string.h>

#include "core/notary.h"
#include "wire/sealed.h"

/* The statements, byte by byte, as docs/EVIDENCE.md has them. */

/* 2026-11-22 21:30:06.012230 +0100 */
#define OPENED_US UINT64_C(1795379406012230)

#define SESSION "Session: 1d204f7960e2cb619f1f377ee6fc14e7\n"
#define NAMES                                                                                      \
  "Alice: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB\n"      \
  "Bob: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIC\n"
#define A0 "a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0\n"
#define B0 "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0\n"
#define C0 "c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0\n"
#define D0 "d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0\n"
#define HEADS "Bob's head: " B0 "Alice's head: " A0

static const uint8_t session_id[16] = {0x1d, 0x20, 0x4f, 0x79, 0x60, 0xe2, 0xcb, 0x61,
                                       0x9f, 0x1f, 0x37, 0x7e, 0xe6, 0xfc, 0x14, 0xe7};

static struct names names_example(void) {
  struct names names;
  memcpy(names.session_id, session_id, sizeof session_id);
  memset(names.alice_key, 1, 32);
  memset(names.bob_key, 2, 32);
  return names;
}

static struct proof proof_example(void) {
  struct proof proof;
  memset(proof.bob_head, 0xb0, HEAD_SIZE);
  memset(proof.alice_head, 0xa0, HEAD_SIZE);
  memset(proof.head, 0xc0, HEAD_SIZE);
  memset(proof.bob_signature, 0xee, SIGNATURE_SIZE); /* signatures are not signed */
  memset(proof.alice_signature, 0xee, SIGNATURE_SIZE);
  return proof;
}

/* Goal: an opening, the first one and one that resumes, whatever names stand behind the keys. */
static void test_opening(void **state) {
  (void)state;
  struct opened opened = {.peer = "('127.0.0.1', 38464)",
                          .session_id = session_id,
                          .when_us = OPENED_US,
                          .offset_min = 60,
                          .tls = true,
                          .group = "X25519",
                          .alice.name = "alice@host",
                          .bob.name = "bob",
                          .key = session_id,
                          .next_id = 0};
  memset(opened.alice.key, 1, 32);
  memset(opened.bob.key, 2, 32);
  memset(opened.bob_head, 0xb0, HEAD_SIZE);
  memset(opened.alice_head, 0xa0, HEAD_SIZE);
  struct buf out;
  buf_init(&out, STATEMENT_MAX);
  assert_int_equal(statement_opening(&out, &opened), AVOW_OK);
  assert_view_text(buf_view(&out),
                   "avow opening 1\n" SESSION "Opened: 2026-11-22 21:30:06.012230 +0100\n"
                   "Handshake: tls X25519\n" NAMES "Next ID: 0\n" HEADS);
  buf_clear(&out);
  opened.resumed = true;
  opened.next_id = (UINT64_C(1) << 53) - 1;
  opened.offset_min = -210;
  assert_int_equal(statement_opening(&out, &opened), AVOW_OK);
  assert_view_text(buf_view(&out),
                   "avow opening 1\n" SESSION "Resumed: 2026-11-22 17:00:06.012230 -0330\n"
                   "Handshake: tls X25519\n" NAMES "Next ID: 9007199254740991\n" HEADS);
  buf_free(&out);
}

/* Goal: an origin and a receipt of the same messages. */
static void test_envelope(void **state) {
  (void)state;
  struct names names = names_example();
  struct enveloped enveloped = {.first_id = 7,
                                .count = 3,
                                .confirmed_us = OPENED_US + 2584,
                                .confirmed_min = 60,
                                .proof = proof_example()};
  memset(enveloped.digest, 0xd0, SHA256_SIZE);
  struct buf out;
  buf_init(&out, STATEMENT_MAX);
  assert_int_equal(statement_origin(&out, &names, &enveloped), AVOW_OK);
  assert_view_text(buf_view(&out),
                   "avow origin 1\n" SESSION NAMES "Messages: 7-9\nDigest: " D0 HEADS);
  buf_clear(&out);
  assert_int_equal(statement_receipt(&out, &names, &enveloped), AVOW_OK);
  assert_view_text(buf_view(&out), "avow receipt 1\n" SESSION NAMES "Messages: 7-9\nDigest: " D0
                                   "Message confirmed at: 2026-11-22 21:30:06.014814 +0100\n"
                                   "Bob's head: " B0 "Head at receipt: " C0);
  buf_free(&out);
}

/* Goal: both ends; what alice signs does not depend on who ended the session. */
static void test_end(void **state) {
  (void)state;
  struct names names = names_example();
  struct ended ended = {
      .messages = 3, .ended_us = OPENED_US + 3018, .offset_min = 60, .proof = proof_example()};
  struct buf out;
  buf_init(&out, STATEMENT_MAX);
  for (unsigned by_bob = 0; by_bob < 2; by_bob++) {
    ended.by_bob = by_bob;
    buf_clear(&out);
    assert_int_equal(statement_end(&out, &names, &ended), AVOW_OK);
    assert_view_text(buf_view(&out), "avow end 1\n" SESSION NAMES "Messages in all: 3\n" HEADS);
    buf_clear(&out);
    assert_int_equal(statement_ended(&out, &names, &ended), AVOW_OK);
    assert_view_text(buf_view(&out), "avow ended 1\n" SESSION NAMES "Messages in all: 3\n"
                                     "Ended: 2026-11-22 21:30:06.015248 +0100\n"
                                     "Bob's head: " B0 "Head at the end: " C0);
  }
  buf_free(&out);
}

/* Goal: a digest is of three lines of each message, in order; ids go on from the first. */
static void test_digest(void **state) {
  (void)state;
#define HASH_OF(byte) byte byte byte byte byte byte byte byte
#define BYTES_8(digits) digits digits digits digits digits digits digits digits
  static const char lines[] = "Message ID: 9\nHash value: " HASH_OF(
      BYTES_8("a1")) "\n"
                     "Timestamp: 2026-11-22 17:00:06.012230 -0330\n"
                     "Message ID: 10\nHash value: " HASH_OF(
                         BYTES_8("a2")) "\n"
                                        "Timestamp: 2026-11-22 17:00:06.012231 -0330\n";
  struct notary notary = {.on = true};
  struct buf body;
  uint8_t digest[SHA256_SIZE], expected[SHA256_SIZE];
  buf_init(&body, 1000);
  buf_init(&notary.lines, 1000);
  for (unsigned i = 0; i < 2; i++) {
    uint8_t hash[MESSAGE_HASH_SIZE];
    memset(hash, 0xa1 + (int)i, sizeof hash);
    struct message message = {OPENED_US + i, hash, view_text(i ? "" : "text")};
    assert_int_equal(message_append(&body, &message), AVOW_OK);
  }
  assert_int_equal(hash_new(&notary.hash), AVOW_OK);
  assert_int_equal(hash_sha256(notary.hash, view_text(lines), expected), AVOW_OK);
  for (unsigned i = 0; i < 2; i++) { /* the second time as the first */
    memset(digest, 0, sizeof digest);
    assert_int_equal(notary_digest(&notary, -210, 9, 2, reader_of(buf_view(&body)), digest),
                     AVOW_OK);
    assert_memory_equal(digest, expected, sizeof digest);
  }
  notary_close(&notary);
  buf_free(&body);
}

/* Goal: the longest of each has room, and one that has not is an error. */
static void test_room(void **state) {
  (void)state;
  struct names names = names_example();
  struct enveloped enveloped = {.first_id = (UINT64_C(1) << 53) - 1025, .count = 1024};
  struct opened opened = {.session_id = session_id,
                          .resumed = true,
                          .tls = true,
                          .group = "a group of thirty-one letters..",
                          .next_id = (UINT64_C(1) << 53) - 1};
  struct buf out;
  buf_init(&out, STATEMENT_MAX);
  assert_int_equal(statement_receipt(&out, &names, &enveloped), AVOW_OK);
  buf_clear(&out);
  assert_int_equal(statement_opening(&out, &opened), AVOW_OK);
  size_t size = out.size;
  buf_free(&out);
  for (size_t max = 0; max < size; max++) {
    buf_init(&out, max);
    assert_int_equal(statement_opening(&out, &opened), AVOW_TOO_LONG);
    buf_free(&out);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_opening), cmocka_unit_test(test_envelope), cmocka_unit_test(test_end),
      cmocka_unit_test(test_digest),  cmocka_unit_test(test_room),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
