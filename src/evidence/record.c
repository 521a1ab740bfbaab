// SPDX-License-Identifier: Apache-2.0
#include "evidence/record.h"

#include <inttypes.h>
#include <string.h>

#include "base/base64.h"
#include "base/when.h"
#include "evidence/escape.h"
#include "keys/public_key.h"
#include "keys/sshsig.h"

/* Lines are appended one after the other; the first error sticks and is returned by the last. */
struct lines {
  struct buf *out;
  enum avow_error error;
};

#define LINE(lines, ...)                                                                           \
  ((lines)->error =                                                                                \
       (lines)->error != AVOW_OK ? (lines)->error : buf_format((lines)->out, __VA_ARGS__))

static void line_time(struct lines *lines, const char *name, uint64_t us, int offset_min) {
  char text[WHEN_TEXT_SIZE];
  when_text(us, offset_min, text);
  LINE(lines, "%s: %s\n", name, text);
}

static void line_escaped(struct lines *lines, const char *before, struct view text) {
  LINE(lines, "%s", before);
  if (lines->error == AVOW_OK)
    lines->error = escape_append(lines->out, text);
  LINE(lines, "\n");
}

static void line_party(struct lines *lines, const char *name, const struct party *party) {
  char text[PUBLIC_KEY_TEXT_SIZE];
  public_key_encode(party->key, text);
  LINE(lines, "%s: %s%s", name, text, party->name[0] == '\0' ? "" : " ");
  line_escaped(lines, "", view_text(party->name));
}

static void line_key(struct lines *lines, const uint8_t *key) {
  char text[45] = {0};
  base64_encode(BASE64_URL, view_of(key, 32), text);
  LINE(lines, "Key: %s\n", text);
  explicit_bzero(text, sizeof text);
}

static void line_hex(struct lines *lines, const char *name, const uint8_t head[HEAD_SIZE]) {
  char hex[2 * HEAD_SIZE + 1];
  hex_encode(view_of(head, HEAD_SIZE), hex);
  LINE(lines, "%s: %s\n", name, hex);
}

static void line_signature(struct lines *lines, const char *name, const uint8_t key[32],
                           const uint8_t signature[SIGNATURE_SIZE]) {
  char text[SSHSIG_TEXT_SIZE];
  sshsig_encode(key, signature, text);
  LINE(lines, "%s: %s\n", name, text);
}

enum avow_error record_queued(struct buf *out, const struct queued *queued) {
  struct lines lines = {.out = out};
  line_escaped(&lines, "To: ", view_text(queued->to));
  line_time(&lines, "Queued since", queued->since_us, queued->offset_min);
  if (queued->tls)
    line_party(&lines, "Bob", &queued->bob);
  return lines.error;
}

enum avow_error record_opened(struct buf *out, enum log_detail detail, bool first,
                              const struct opened *opened) {
  struct lines lines = {.out = out};
  char id[33];
  hex_encode(view_of(opened->session_id, 16), id);
  LINE(&lines, "%sConnected: %s\n", first ? "" : "\n", opened->peer);
  if (detail == LOG_FULL) {
    line_key(&lines, opened->key);
    line_hex(&lines, "Key hash", opened->key_hash);
  }
  LINE(&lines, "Session: %s\n", id);
  line_time(&lines, opened->resumed ? "Resumed" : "Opened", opened->when_us, opened->offset_min);
  if (opened->tls) {
    LINE(&lines, "Handshake: tls %s\n", opened->group);
    line_party(&lines, "Alice", &opened->alice);
    line_party(&lines, "Bob", &opened->bob);
    LINE(&lines, "Next ID: %" PRIu64 "\n", opened->next_id);
    line_hex(&lines, "Bob's head", opened->bob_head);
    line_hex(&lines, "Alice's head", opened->alice_head);
    line_signature(&lines, "Signed by Alice", opened->alice.key, opened->alice_signature);
  } else {
    LINE(&lines, "Handshake: plain\nEvidence: none (keys were sent in the clear)\n");
  }
  return lines.error;
}

enum avow_error record_agreed(struct buf *out, const struct names *names,
                              const uint8_t bob_signature[SIGNATURE_SIZE]) {
  struct lines lines = {.out = out};
  LINE(&lines, "\n");
  line_signature(&lines, "Signed by Bob", names->bob_key, bob_signature);
  return lines.error;
}

/* Copy a string that is known when compiling, and return what comes after it. */
#define PUT(to, literal) ((char *)memcpy(to, literal, sizeof literal - 1) + sizeof literal - 1)

static char *put_number(char *to, uint64_t number) {
  char reversed[20];
  size_t count = 0;
  do
    reversed[count++] = (char)('0' + number % 10);
  while ((number /= 10) != 0);
  while (count > 0)
    *to++ = reversed[--count];
  return to;
}

static char *put_time(char *to, uint64_t us, int offset_min) {
  when_text(us, offset_min, to);
  to[WHEN_TEXT_SIZE - 1] = '\n';
  return to + WHEN_TEXT_SIZE;
}

/* By hand, since it is done for every message: printf took most of the time. */
size_t record_lines(char *lines, int bob_min, const struct recorded *message) {
  char *to = put_number(PUT(lines, "Message ID: "), message->id);
  to = PUT(to, "\nHash value: ");
  hex_encode(view_of(message->hash, 64), to);
  to = PUT(to + 128, "\nTimestamp: ");
  return (size_t)(put_time(to, message->timestamp_us, bob_min) - lines);
}

enum avow_error record_message(struct buf *out, enum log_detail detail, struct zones zones,
                               const struct recorded *message) {
  char lines[1 + RECORD_LINES_MAX + WHEN_TEXT_SIZE + 32], *to = lines;
  *to++ = '\n';
  to += record_lines(to, zones.bob_min, message);
  enum avow_error error = AVOW_OK;
  if (detail != LOG_PROOF) {
    to = PUT(to, "Message text: ");
    error = buf_append(out, view_of(lines, (size_t)(to - lines)));
    if (error == AVOW_OK)
      error = escape_append(out, message->text);
    to = PUT(lines, "\n");
  }
  if (message->confirmed_us != WHEN_NEVER)
    to = put_time(PUT(to, "Message confirmed at: "), message->confirmed_us, zones.alice_min);
  return error == AVOW_OK ? buf_append(out, view_of(lines, (size_t)(to - lines))) : error;
}

enum avow_error record_envelope(struct buf *out, uint64_t first_id, unsigned count,
                                uint64_t confirmed_us, int confirmed_min) {
  struct lines lines = {.out = out};
  LINE(&lines, "\nMessages: %" PRIu64 "-%" PRIu64 "\n", first_id, first_id + count - 1);
  if (confirmed_us != WHEN_NEVER)
    line_time(&lines, "Message confirmed at", confirmed_us, confirmed_min);
  return lines.error;
}

enum avow_error record_origin(struct buf *out, const struct names *names,
                              const struct proof *proof) {
  struct lines lines = {.out = out};
  line_hex(&lines, "Bob's head", proof->bob_head);
  line_hex(&lines, "Alice's head", proof->alice_head);
  line_signature(&lines, "Origin signature", names->bob_key, proof->bob_signature);
  return lines.error;
}

enum avow_error record_receipt(struct buf *out, const struct names *names,
                               const struct proof *proof) {
  struct lines lines = {.out = out};
  line_hex(&lines, "Head at receipt", proof->head);
  line_signature(&lines, "Receipt", names->alice_key, proof->alice_signature);
  return lines.error;
}

enum avow_error record_incident(struct buf *out, int offset_min, const struct incident *incident) {
  struct lines lines = {.out = out};
  LINE(&lines, "\nIncident: %s%s%s\n", incident->what, incident->attack[0] == '\0' ? "" : " ",
       incident->attack);
  LINE(&lines, "Verdict: %s\n", incident->verdict);
  line_time(&lines, "Seen at", incident->seen_us, offset_min);
  if (incident->count > 1)
    LINE(&lines, "Count: %" PRIu64 "\n", incident->count);
  return lines.error;
}

enum avow_error record_ended(struct buf *out, const struct names *names,
                             const struct ended *ended) {
  struct lines lines = {.out = out};
  LINE(&lines, "\nMessages in all: %" PRIu64 "\n", ended->messages);
  line_time(&lines, "Ended", ended->ended_us, ended->offset_min);
  if (names == NULL)
    return lines.error;
  line_hex(&lines, "Bob's head", ended->proof.bob_head);
  if (ended->by_bob) {
    line_hex(&lines, "Alice's head", ended->proof.alice_head);
    line_signature(&lines, "Signed by Bob", names->bob_key, ended->proof.bob_signature);
  }
  return lines.error;
}

enum avow_error record_closing(struct buf *out, const struct names *names,
                               const struct proof *proof) {
  struct lines lines = {.out = out};
  line_hex(&lines, "Head at the end", proof->head);
  line_signature(&lines, "Signed by Alice", names->alice_key, proof->alice_signature);
  return lines.error;
}
