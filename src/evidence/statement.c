// SPDX-License-Identifier: Apache-2.0
#include "evidence/statement.h"

#include <inttypes.h>
#include <string.h>

#include "base/when.h"
#include "keys/public_key.h"

/* The first error sticks. */
struct text {
  struct buf *out;
  enum avow_error error;
};

#define LINE(text, ...)                                                                            \
  ((text)->error = (text)->error != AVOW_OK ? (text)->error : buf_format((text)->out, __VA_ARGS__))

static void line_hex(struct text *text, const char *name, const uint8_t *bytes, size_t size) {
  char hex[2 * SHA256_SIZE + 1];
  hex_encode(view_of(bytes, size), hex);
  LINE(text, "%s: %s\n", name, hex);
}

static void line_head(struct text *text, const char *name, const uint8_t head[HEAD_SIZE]) {
  line_hex(text, name, head, HEAD_SIZE);
}

static void line_time(struct text *text, const char *name, uint64_t us, int offset_min) {
  char time[WHEN_TEXT_SIZE];
  when_text(us, offset_min, time);
  LINE(text, "%s: %s\n", name, time);
}

static void line_key(struct text *text, const char *name, const uint8_t *key) {
  char line[PUBLIC_KEY_TEXT_SIZE];
  public_key_encode(key, line);
  LINE(text, "%s: %s\n", name, line);
}

/* The lines with which every statement within a session begins. */
static struct text begin(struct buf *out, const char *title, const struct names *names) {
  struct text text = {.out = out};
  LINE(&text, "avow %s 1\n", title);
  line_hex(&text, "Session", names->session_id, sizeof names->session_id);
  line_key(&text, "Alice", names->alice_key);
  line_key(&text, "Bob", names->bob_key);
  return text;
}

struct opened statement_opened(const struct record *record) {
  struct opened opened = {.session_id = record->session_id,
                          .resumed = record->resumed,
                          .when_us = record->when_us,
                          .offset_min = record->offset_min,
                          .tls = record->tls,
                          .group = record->group,
                          .next_id = record->id};
  memcpy(opened.alice.key, record->alice_key, sizeof opened.alice.key);
  memcpy(opened.bob.key, record->bob_key, sizeof opened.bob.key);
  memcpy(opened.bob_head, record->proof.bob_head, HEAD_SIZE);
  memcpy(opened.alice_head, record->proof.alice_head, HEAD_SIZE);
  return opened;
}

enum avow_error statement_opening(struct buf *out, const struct opened *opened) {
  struct text text = {.out = out};
  LINE(&text, "avow opening 1\n");
  line_hex(&text, "Session", opened->session_id, 16);
  line_time(&text, opened->resumed ? "Resumed" : "Opened", opened->when_us, opened->offset_min);
  LINE(&text, "Handshake: tls %s\n", opened->group);
  line_key(&text, "Alice", opened->alice.key);
  line_key(&text, "Bob", opened->bob.key);
  LINE(&text, "Next ID: %" PRIu64 "\n", opened->next_id);
  line_head(&text, "Bob's head", opened->bob_head);
  line_head(&text, "Alice's head", opened->alice_head);
  return text.error;
}

struct enveloped statement_enveloped(const struct record *record) {
  return (struct enveloped){.first_id = record->id,
                            .count = (unsigned)record->count,
                            .confirmed_us = record->confirmed_us,
                            .confirmed_min = record->confirmed_min,
                            .proof = record->proof};
}

static void line_messages(struct text *text, const struct enveloped *enveloped) {
  LINE(text, "Messages: %" PRIu64 "-%" PRIu64 "\n", enveloped->first_id,
       enveloped->first_id + enveloped->count - 1);
  line_hex(text, "Digest", enveloped->digest, SHA256_SIZE);
}

enum avow_error statement_origin(struct buf *out, const struct names *names,
                                 const struct enveloped *enveloped) {
  struct text text = begin(out, "origin", names);
  line_messages(&text, enveloped);
  line_head(&text, "Bob's head", enveloped->proof.bob_head);
  line_head(&text, "Alice's head", enveloped->proof.alice_head);
  return text.error;
}

enum avow_error statement_receipt(struct buf *out, const struct names *names,
                                  const struct enveloped *enveloped) {
  struct text text = begin(out, "receipt", names);
  line_messages(&text, enveloped);
  line_time(&text, "Message confirmed at", enveloped->confirmed_us, enveloped->confirmed_min);
  line_head(&text, "Bob's head", enveloped->proof.bob_head);
  line_head(&text, "Head at receipt", enveloped->proof.head);
  return text.error;
}

enum avow_error statement_end(struct buf *out, const struct names *names,
                              const struct ended *ended) {
  struct text text = begin(out, "end", names);
  LINE(&text, "Messages in all: %" PRIu64 "\n", ended->messages);
  line_head(&text, "Bob's head", ended->proof.bob_head);
  line_head(&text, "Alice's head", ended->proof.alice_head);
  return text.error;
}

enum avow_error statement_ended(struct buf *out, const struct names *names,
                                const struct ended *ended) {
  struct text text = begin(out, "ended", names);
  LINE(&text, "Messages in all: %" PRIu64 "\n", ended->messages);
  line_time(&text, "Ended", ended->ended_us, ended->offset_min);
  line_head(&text, "Bob's head", ended->proof.bob_head);
  line_head(&text, "Head at the end", ended->proof.head);
  return text.error;
}
