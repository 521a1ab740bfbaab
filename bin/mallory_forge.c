// SPDX-License-Identifier: Apache-2.0
#include "mallory_forge.h"

#include <stdio.h>
#include <string.h>

#include "crypto/hash.h"
#include "mallory.h"

#define HASHES_MAX (AVOW_ENVELOPE_MESSAGES_MAX * MESSAGE_HASH_SIZE)

void forger_init(struct forger *forger) {
  *forger = (struct forger){0};
  for (size_t i = 0; i < FORGED_MAX; i++)
    buf_init(&forger->forged[i].hashes, HASHES_MAX);
}

void forger_free(struct forger *forger) {
  for (size_t i = 0; i < FORGED_MAX; i++)
    buf_free(&forger->forged[i].hashes);
}

enum avow_error forge_message(struct buf *body, uint64_t timestamp_us, struct view text) {
  struct hash *hash;
  uint8_t digest[SHA512_SIZE];
  enum avow_error error = hash_new(&hash);
  if (error != AVOW_OK)
    return error;
  error = hash_sha512(hash, text, digest);
  hash_free(hash);
  struct message message = {.timestamp_us = timestamp_us, .hash = digest, .text = text};
  return error != AVOW_OK ? error : message_append(body, &message);
}

/* The hashes of an envelope's messages, one after the other: a confirmation's body. */
static enum avow_error take_hashes(const struct sealed *envelope, struct buf *hashes) {
  struct reader body = reader_of(envelope->body);
  struct message message;
  enum avow_error error = AVOW_OK;
  for (uint16_t i = 0; i < envelope->count && error == AVOW_OK; i++) {
    message_take(&body, &message);
    error = buf_append(hashes, view_of(message.hash, MESSAGE_HASH_SIZE));
  }
  return error;
}

enum avow_error forge_answer(struct spy *spy, const struct sealed *asked, struct buf *out) {
  struct buf hashes;
  struct sealed answer = {.kind = asked->kind == SEALED_END ? SEALED_END : SEALED_CONFIRMATION,
                          .direction = TO_BOB,
                          .time_us = ++spy->newest_us[TO_BOB - 1],
                          .echo_us = asked->time_us,
                          .first_id = asked->first_id};
  answer.when_us = answer.time_us;
  if (asked->kind == SEALED_END)
    return spy_seal(spy, &answer, out);
  if (asked->kind != SEALED_ENVELOPE)
    return AVOW_OK;
  buf_init(&hashes, HASHES_MAX);
  enum avow_error error = take_hashes(asked, &hashes);
  answer.count = asked->count;
  answer.body = buf_view(&hashes);
  if (error == AVOW_OK)
    error = spy_seal(spy, &answer, out);
  buf_free(&hashes);
  return error;
}

static void tell(const struct relay_event *event, const char *what, const char *text, uint64_t id) {
  mallory_say(json_pack("{s:s, s:s, s:i, s:s, s:I}", "event", "forged", "attack",
                        event->attack->kind->name, "connection", (int)event->connection, "what",
                        what, "id", (json_int_t)id),
              "%s", text);
}

/* Other texts in the place of Bob's, all the same; with their own hashes, or with his. */
static enum avow_error change_texts(struct spy *spy, const char *text, bool hashes,
                                    const struct sealed *envelope, struct buf *on) {
  struct buf body;
  struct message message;
  struct reader messages = reader_of(envelope->body);
  struct sealed forged = *envelope;
  enum avow_error error = AVOW_OK;
  buf_init(&body, AVOW_PLAINTEXT_MAX);
  for (uint16_t i = 0; i < envelope->count && error == AVOW_OK; i++) {
    message_take(&messages, &message);
    message.text = view_text(text);
    error = hashes ? forge_message(&body, message.timestamp_us, message.text)
                   : message_append(&body, &message);
  }
  forged.body = buf_view(&body);
  if (error == AVOW_OK)
    error = spy_seal(spy, &forged, on);
  buf_free(&body);
  return error;
}

/* What Bob will want to see confirmed. */
static enum avow_error note_hashes(struct forger *forger, const struct sealed *envelope) {
  size_t at = (size_t)(forger->count++ % FORGED_MAX);
  forger->forged[at].first_id = envelope->first_id;
  buf_clear(&forger->forged[at].hashes);
  return take_hashes(envelope, &forger->forged[at].hashes);
}

/* Bob's own hashes, in the place of those that Alice has confirmed. */
static bool restore_hashes(const struct forger *forger, struct sealed *confirmation) {
  for (size_t i = 0; i < FORGED_MAX; i++) {
    struct view hashes = buf_view(&forger->forged[i].hashes);
    if (hashes.size == confirmation->body.size && hashes.size > 0 &&
        forger->forged[i].first_id == confirmation->first_id) {
      confirmation->body = hashes;
      return true;
    }
  }
  return false;
}

static void forge_texts(struct forger *forger, struct spy *spy, struct relay *relay,
                        const struct relay_event *event, struct sealed *sealed) {
  struct buf on;
  char text[160];
  enum avow_error error = AVOW_OK;
  buf_init(&on, AVOW_FRAME_HEADER + AVOW_TOKEN_MAX);
  if (sealed->kind == SEALED_ENVELOPE) {
    bool hashes = strcmp(event->attack->kind->name, "forge-hash") != 0;
    if (hashes)
      error = note_hashes(forger, sealed);
    if (error == AVOW_OK)
      error = change_texts(spy, event->attack->text, hashes, sealed, &on);
    snprintf(text, sizeof text,
             "put a text of her own in the place of message %llu, with %s hash and under the key.",
             (unsigned long long)sealed->first_id, hashes ? "its right" : "Bob's");
    if (error == AVOW_OK)
      tell(event, "message", text, sealed->first_id);
  } else if (sealed->kind == SEALED_CONFIRMATION && restore_hashes(forger, sealed)) {
    error = spy_seal(spy, sealed, &on);
    if (error == AVOW_OK)
      tell(event, "confirmation", "gave the confirmation the hash that Bob expects.",
           sealed->first_id);
  }
  if (error == AVOW_OK && buf_view(&on).size > 0)
    (void)relay_answer(relay, buf_view(&on), view_of("", 0)); /* or it passes as it is */
  buf_free(&on);
}

static void forge_confirmations(struct spy *spy, struct relay *relay,
                                const struct relay_event *event, const struct sealed *sealed) {
  struct buf back;
  char text[160];
  buf_init(&back, AVOW_FRAME_HEADER + AVOW_TOKEN_MAX);
  if (event->way == TO_ALICE && forge_answer(spy, sealed, &back) == AVOW_OK &&
      sealed->kind == SEALED_ENVELOPE) {
    snprintf(
        text, sizeof text,
        "swallowed message %llu and confirmed it herself, under the key. Alice has not got it.",
        (unsigned long long)sealed->first_id);
    tell(event, "confirmation", text, sealed->first_id);
  }
  (void)relay_answer(relay, view_of("", 0), buf_view(&back));
  buf_free(&back);
}

void forge(struct forger *forger, struct spy *spy, struct relay *relay,
           const struct relay_event *event) {
  struct sealed sealed;
  if (!spy_open(spy, event->payload, event->way, &sealed)) {
    if (!forger->keyless && spy->fernet == NULL)
      mallory_say(json_pack("{s:s, s:s, s:i, s:s}", "event", "no key", "attack",
                            event->attack->kind->name, "connection", (int)event->connection, "why",
                            "no key to forge with: it went inside TLS"),
                  "has no key to forge with: it went inside TLS. She lets all pass.");
    forger->keyless = spy->fernet == NULL;
    return;
  }
  if (strcmp(event->attack->kind->name, "forge-confirmation") == 0)
    forge_confirmations(spy, relay, event, &sealed);
  else
    forge_texts(forger, spy, relay, event, &sealed);
}
