// SPDX-License-Identifier: Apache-2.0
#include "evidence/record.h"

#include <inttypes.h>
#include <string.h>

#include "base/base64.h"
#include "base/when.h"
#include "evidence/escape.h"
#include "keys/public_key.h"

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
  if (detail == LOG_FULL)
    line_key(&lines, opened->key);
  LINE(&lines, "Session: %s\n", id);
  line_time(&lines, opened->resumed ? "Resumed" : "Opened", opened->when_us, opened->offset_min);
  if (opened->tls) {
    LINE(&lines, "Handshake: tls %s\n", opened->group);
    line_party(&lines, "Alice", &opened->alice);
    line_party(&lines, "Bob", &opened->bob);
  } else {
    LINE(&lines, "Handshake: plain\nEvidence: none (keys were sent in the clear)\n");
  }
  return lines.error;
}

/* The lines of a message but its text, at their longest, and some more. */
#define MESSAGE_LINES 512u

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
enum avow_error record_message(struct buf *out, enum log_detail detail, struct zones zones,
                               const struct recorded *message) {
  char lines[MESSAGE_LINES], *to = lines;
  to = put_number(PUT(to, "\nMessage ID: "), message->id);
  to = PUT(to, "\nHash value: ");
  hex_encode(view_of(message->hash, 64), to);
  to = PUT(to + 128, "\nTimestamp: ");
  to = put_time(to, message->timestamp_us, zones.bob_min);
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

enum avow_error record_envelope(struct buf *out, struct zones zones, uint64_t first_id,
                                unsigned count, uint64_t confirmed_us) {
  struct lines lines = {.out = out};
  LINE(&lines, "\nMessages: %" PRIu64 "-%" PRIu64 "\n", first_id, first_id + count - 1);
  if (confirmed_us != WHEN_NEVER)
    line_time(&lines, "Message confirmed at", confirmed_us, zones.alice_min);
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

enum avow_error record_ended(struct buf *out, int offset_min, uint64_t ended_us,
                             uint64_t messages) {
  struct lines lines = {.out = out};
  LINE(&lines, "\nMessages in all: %" PRIu64 "\n", messages);
  line_time(&lines, "Ended", ended_us, offset_min);
  return lines.error;
}
