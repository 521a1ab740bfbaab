// SPDX-License-Identifier: Apache-2.0
#include "made_log.h"

/* Records that nobody would have written, under heads that are right for them. */

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
/* A signature; and one in another namespace. */
#define SIGNATURE                                                                                  \
  "U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"           \
  "AQEAAAAEYXZvdwAAAAAAAAAGc2hhNTEyAAAAUwAAAAtzc2gtZWQyNTUxOQAAAEADAwMDAwMDAwMDAwMDAwMD"           \
  "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMD"
#define STRANGE                                                                                    \
  "U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"           \
  "AQEAAAAEZmlsZQAAAAAAAAAGc2hhNTEyAAAAUwAAAAtzc2gtZWQyNTUxOQAAAEADAwMDAwMDAwMDAwMDAwMD"           \
  "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMD"
#define HEAD_64 HASH_32 HASH_32 "\n"
#define HEADS "Bob's head: " HEAD_64 "Alice's head: " HEAD_64
#define OPENING "Next ID: 7\n" HEADS "Signed by Alice: " SIGNATURE "\n"
#define TLS "\nConnected: x\n" SESSION "Opened: " WHEN "Handshake: tls x\nAlice: " KEY "\nBob: " KEY
#define ENVELOPE "\nMessages: 0-0\nMessage confirmed at: " WHEN HEADS
#define ORIGIN "Origin signature: " SIGNATURE "\n"
#define RECEIPT "Head at receipt: " HEAD_64 "Receipt: " SIGNATURE "\n"
#define ENDED "\nMessages in all: 1\nEnded: " WHEN "Bob's head: " HEAD_64
#define BOB_SIGNED "Alice's head: " HEAD_64 "Signed by Bob: " SIGNATURE "\n"
#define CLOSING "Head at the end: " HEAD_64 "Signed by Alice: " SIGNATURE "\n"
/* A Fernet key of zeroes, and its hash. */
#define ZERO_KEY "Key: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
#define ZERO_HASH "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925\n"
#define PLAIN                                                                                      \
  SESSION "Opened: " WHEN "Handshake: plain\nEvidence: none (keys were sent in the clear)\n"

/* Goal: what record_* would not have written is malformed, though the head be right for it. */
static void test_malformed(void **state) {
  (void)state;
  static const char *const good[] = {
      "\nConnected: x\nKey hash: " ZERO_HASH PLAIN, /* the key is withheld */
      MESSAGE,
      MESSAGE MESSAGE,
      MESSAGE "Message confirmed at: " WHEN,
      "\nMessages: 0-1023\n",
      "\nMessages: 9007199254740990-9007199254740990\n",
      TLS " n\n" OPENING,
      "\nConnected: x\n" ZERO_KEY "Key hash: " ZERO_HASH PLAIN,
      "\nSigned by Bob: " SIGNATURE "\n",
      ENVELOPE ORIGIN RECEIPT,
      ENDED CLOSING,
      ENDED BOB_SIGNED CLOSING,
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
      TLS "\n",
      TLS "\nNext ID: x\n" HEADS "Signed by Alice: " SIGNATURE "\n",
      TLS "\nNext ID: 7\nBob's head: " HEAD_64 "Signed by Alice: " SIGNATURE "\n",
      TLS "\nNext ID: 7\nBob's head: 00\nAlice's head: 00\nSigned by Alice: " SIGNATURE "\n",
      TLS "\nNext ID: 7\n" HEADS,
      TLS "\nNext ID: 7\n" HEADS "Signed by Alice: " STRANGE "\n",
      TLS "\n" OPENING "Signed by Bob: " SIGNATURE "\n",
      "\nConnected: x\n" ZERO_KEY PLAIN,
      "\nConnected: x\n" ZERO_KEY "Key hash: " HEAD_64 PLAIN,
      "\nConnected: x\nKey hash: " ZERO_HASH ZERO_KEY PLAIN,
      "\nSigned by Bob: \n",
      "\nSigned by Bob: " STRANGE "\n",
      "\nSigned by Bob: " SIGNATURE " \n",
      "\nSigned by Alice: " SIGNATURE "\n",
      "\nMessages: 0-0\n" HEADS ORIGIN RECEIPT, /* no time */
      ENVELOPE,
      ENVELOPE ORIGIN,
      ENVELOPE RECEIPT,
      ENVELOPE RECEIPT ORIGIN,
      ENVELOPE ORIGIN RECEIPT RECEIPT,
      ENVELOPE ORIGIN "Head at receipt: " HEAD_64,
      ENVELOPE ORIGIN "Receipt: " SIGNATURE "\n",
      ENVELOPE ORIGIN CLOSING,
      ENVELOPE "Origin signature: " STRANGE "\n" RECEIPT,
      ENVELOPE ORIGIN "Head at receipt: " HASH_32 UPPER_32 "\nReceipt: " SIGNATURE "\n",
      ENVELOPE ORIGIN "Head at receipt: " HEAD_64 "Receipt: " STRANGE "\n",
      ENDED,
      ENDED BOB_SIGNED,
      ENDED RECEIPT,
      ENDED CLOSING BOB_SIGNED,
      ENDED "Alice's head: " HEAD_64 CLOSING,
      ENDED "Signed by Bob: " SIGNATURE "\n" CLOSING,
      ENDED BOB_SIGNED "Head at the end: 00\nSigned by Alice: " SIGNATURE "\n",
      "\nHead at receipt: " HEAD_64,
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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_malformed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
