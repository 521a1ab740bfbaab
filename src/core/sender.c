// SPDX-License-Identifier: Apache-2.0
#include "core/sender.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mutant.h"
#include "core/batch.h"
#include "core/sender_state.h"
#include "crypto/secret.h"

/* A spoilt stream heals in a silence of FRAMES_SILENCE_US.  Whoever set a shorter --resend-after
 * gets it for so many tries; then the line gets its silence. */
#define QUICK_TRIES 3u
#define HEALING_US (FRAMES_SILENCE_US + 1000000u)

/* So long a record of confirmations waits for a message to go with. */
#define UNSYNCED_US 50000u

enum avow_error sender_new(struct sender **ret, const struct sender_config *config) {
  struct sender *sender = calloc(1, sizeof *sender);
  if (sender == NULL)
    return AVOW_NO_MEMORY;
  sender->config = *config;
  sender->zones.bob_min = sender->past.offset_min = config->offset_min;
  buf_init(&sender->queue, AVOW_QUEUE_MAX);
  buf_init(&sender->plaintext, AVOW_TOKEN_MAX);
  /* A text may grow fourfold when it is escaped; and there are other records beside it. */
  enum avow_error error = chunk_init(&sender->chunk, 4 * AVOW_QUEUE_MAX + AVOW_TEXT_MAX);
  if (error == AVOW_OK)
    error = hash_new(&sender->hash);
  if (error == AVOW_OK)
    memcpy(sender->durable_head, sender->chunk.head.last, HEAD_SIZE);
  if (error == AVOW_OK)
    *ret = sender;
  else
    sender_free(sender);
  return error;
}

void sender_free(struct sender *sender) {
  if (sender == NULL)
    return;
  channel_close(&sender->channel);
  notary_close(&sender->notary);
  hash_free(sender->hash);
  buf_wipe_free(&sender->queue);
  buf_wipe_free(&sender->plaintext);
  chunk_free(&sender->chunk);
  secret_wipe(sender, sizeof *sender);
  free(sender);
}

enum avow_error sender_report(struct sender *sender, struct now now) {
  return incidents_report(&sender->incidents, now, sender->zones.bob_min, &sender->chunk.bytes,
                          &sender->events);
}

static void clear_flights(struct sender *sender) {
  sender->flights_first = sender->flights_count = 0;
  sender->flights_size = 0;
}

size_t sender_text_max(const struct sender *sender) {
  struct cover cover = {.size = sender->config.cover};
  size_t fits = cover_body_max(&cover) - message_size(0);
  return fits < AVOW_TEXT_MAX ? fits : AVOW_TEXT_MAX;
}

/* Whether all that waits can be sent under our cover. */
static bool fits_cover(const struct sender *sender) {
  struct reader reader = reader_of(buf_view(&sender->queue));
  while (reader.rest.size > 0) {
    struct message message;
    message_take(&reader, &message);
    if (message.text.size > sender_text_max(sender))
      return false;
  }
  return true;
}

static enum avow_error record_connection(struct sender *sender, const struct session *session,
                                         const struct opened *opened) {
  uint8_t key_hash[SHA256_SIZE];
  struct opened record = *opened;
  record.key_hash = key_hash;
  enum avow_error error =
      hash_sha256(sender->hash, view_of(session->grant.key, SESSION_KEY_SIZE), key_hash);
  if (error == AVOW_OK)
    error = record_opened(&sender->chunk.bytes, sender->config.detail, false, &record);
  if (error == AVOW_OK && sender->notary.on)
    error = record_agreed(&sender->chunk.bytes, &sender->notary.names, session->bob_signature);
  return error;
}

enum avow_error sender_may_attach(const struct sender *sender, const struct session *session) {
  const struct sender_past *past = &sender->past;
  const struct grant *grant = &session->grant;
  if (!fits_cover(sender))
    return AVOW_TOO_LONG;
  if (past->any && past->tls &&
      !secret_equal(past->alice_key, session->peer_key, sizeof past->alice_key))
    return AVOW_KEY_CHANGED;
  if ((grant->next_id < sender->queued_id && !MUTANT(39)) ||
      grant->next_id > (past->any ? sender->left_id : 0))
    return AVOW_OUT_OF_STEP;
  if (past->any && memcmp(past->session_id, grant->session_id, sizeof past->session_id) != 0)
    return AVOW_OUT_OF_STEP; /* we asked for another one */
  return AVOW_OK;
}

enum avow_error sender_attach(struct sender *sender, const struct session *session,
                              const struct opened *opened, const uint8_t seed[DRBG_SEED_SIZE],
                              struct now now) {
  assert(!sender->attached);
  uint64_t stored = session->grant.next_id;
  struct sender_past *past = &sender->past;
  if (MUTANT(39) && stored < sender->queued_id)
    stored = sender->queued_id;
  enum avow_error error = sender_may_attach(sender, session);
  if (error != AVOW_OK)
    return error;
  if (!past->any) {
    past->opened_us = session->grant.opened_us;
    past->opened_offset_min = session->grant.offset_min;
  }
  past->any = true;
  past->tls = session->handshake == HANDSHAKE_TLS;
  memcpy(past->session_id, session->grant.session_id, SESSION_ID_SIZE);
  memcpy(past->alice_key, session->peer_key, ED25519_PUBLIC_SIZE);
  sender->zones.alice_min = session->grant.offset_min;
  memcpy(sender->alice_head, session->grant.alice_head, HEAD_SIZE);
  memcpy(sender->bob_head, session->open.bob_head, HEAD_SIZE);
  error = notary_open(&sender->notary, session, true);
  if (error == AVOW_OK)
    error = record_connection(sender, session, opened);
  if (error == AVOW_OK)
    error = channel_open(&sender->channel, session, TO_BOB, seed);
  if (error != AVOW_OK) {
    channel_close(&sender->channel);
    notary_close(&sender->notary);
    return error;
  }
  sender->attached = true;
  if (!MUTANT(18))
    clear_flights(sender);
  window_init(&sender->window, sender->config.window_max, sender->config.freshness_us);
  sender->sent_id = stored;
  sender->known_id = MUTANT(15) ? sender->queued_id : stored;
  sender->known_size = sender_messages_size(sender, 0, stored - sender->queued_id);
  sender->notice_after_us = sender->asked_us = now.mono_us;
  sender->beat_us = sender->heard_us = now.mono_us;
  return AVOW_OK;
}

enum avow_error sender_detach(struct sender *sender, struct now now) {
  if (!sender->attached)
    return AVOW_OK;
  sender->attached = sender->recorded = false;
  channel_close(&sender->channel);
  notary_close(&sender->notary);
  if (!MUTANT(18))
    clear_flights(sender);
  sender->known_size = 0;
  sender->known_id = sender->sent_id = sender->queued_id;
  if (sender->ending == ENDED)
    return AVOW_OK;
  if (sender->ending == END_SENT)
    sender->ending = FINISHING;
  incidents_see(&sender->incidents, VERDICT_CUT, "The connection was cut.");
  incidents_hurry(&sender->incidents);
  return sender_report(sender, now);
}

const uint8_t *sender_head(const struct sender *sender) {
  return sender->durable_head;
}

enum avow_error sender_record_message(struct sender *sender, uint64_t id,
                                      const struct message *message) {
  struct recorded recorded = {.id = id,
                              .hash = message->hash,
                              .timestamp_us = message->timestamp_us,
                              .text = message->text,
                              .confirmed_us = WHEN_NEVER};
  /* Bob's log is his outbox: it needs the text, whatever the detail. */
  return record_message(&sender->chunk.bytes, LOG_TEXT, sender->zones, &recorded);
}

/* Hash what was submitted since the last time, and record it. */
static enum avow_error record_new(struct sender *sender) {
  struct view queue = buf_view(&sender->queue);
  size_t at = queue.size - sender->new_size;
  struct reader reader = reader_of(view_of(queue.data + at, sender->new_size));
  uint64_t id = sender->next_id - sender->new_count;
  struct batch batch;
  enum avow_error error = batch_take(&batch, sender->hash, &reader, sender->new_count);
  for (unsigned i = 0; i < batch.count && error == AVOW_OK; i++) {
    struct message *message = &batch.messages[i];
    message_set_hash(&sender->queue, at, batch.hashes[i]);
    error = sender_record_message(sender, id + i, message);
    at += message_size(message->text.size);
  }
  if (error != AVOW_OK)
    return error; /* they stay new: never durable */
  sender->new_count = 0;
  sender->new_size = 0;
  return AVOW_OK;
}

enum avow_error sender_submit(struct sender *sender, struct view text, struct now now,
                              uint64_t *ret_id) {
  static const uint8_t none[SHA512_SIZE];
  if (text.size > sender_text_max(sender))
    return AVOW_TOO_LONG;
  if (!sender_room(sender))
    return AVOW_FULL;
  struct message message = {.timestamp_us = now.wall_us, .hash = none, .text = text};
  enum avow_error error = AVOW_OK;
  if (sender->new_count == BATCH_MAX)
    error = record_new(sender);
  if (error == AVOW_OK)
    error = message_append(&sender->queue, &message);
  if (error != AVOW_OK)
    return error;
  *ret_id = sender->next_id++;
  sender->new_count++;
  sender->new_size += message_size(text.size);
  if (MUTANT(2)) {
    error = record_new(sender);
    sender->durable_id = sender->next_id;
    error = sender_pump(sender, now);
  }
  return error;
}

enum avow_error sender_finish(struct sender *sender, struct now now) {
  if (sender->ending == OPEN)
    sender->ending = FINISHING;
  return sender_pump(sender, now);
}

/* A record of nothing but confirmations may wait for the next message, to be durable with it: a
 * crash makes us ask for them again.  But only for so many as the receiver remembers, and not for
 * long. */
static bool can_wait(const struct sender *sender) {
  size_t size = buf_view(&sender->chunk.bytes).size;
  return size > 0 && size == sender->unsynced_size && !sender->chunk.open &&
         sender->unsynced < WINDOW_ENVELOPES / 2 && sender->attached && sender->ending == OPEN;
}

enum avow_error sender_record(struct sender *sender, struct view *ret_record) {
  *ret_record = view_of("", 0);
  enum avow_error error = record_new(sender);
  if (error != AVOW_OK || can_wait(sender))
    return error;
  error = chunk_seal(&sender->chunk);
  *ret_record = buf_view(&sender->chunk.bytes);
  return error;
}

enum avow_error sender_ahead(struct sender *sender, size_t least, struct view *ret_record) {
  *ret_record = buf_view(&sender->chunk.bytes);
  if (ret_record->size < least) {
    *ret_record = view_of("", 0);
    return AVOW_OK;
  }
  if (MUTANT(40)) /* it is not durable yet */
    sender->durable_id = sender->next_id;
  return chunk_ahead(&sender->chunk);
}

void sender_record_consume(struct sender *sender, size_t size) {
  chunk_consume(&sender->chunk, size);
}

enum avow_error sender_durable(struct sender *sender, struct now now) {
  assert(sender->new_count == 0);
  assert(can_wait(sender) || (buf_view(&sender->chunk.bytes).size == 0 && !sender->chunk.open));
  sender->durable_id = sender->next_id;
  memcpy(sender->durable_head, sender->chunk.head.last, HEAD_SIZE);
  if (!can_wait(sender))
    sender->unsynced_size = sender->unsynced = 0;
  bool begins = sender->attached && !sender->recorded;
  sender->recorded = sender->attached;
  enum avow_error error = AVOW_OK;
  if (begins && sender->queued_id < sender->known_id)
    error = sender_ask(sender, now);
  return error == AVOW_OK ? sender_pump(sender, now) : error;
}

/* What is waited for the longest, if anything is. */
static uint64_t resend_deadline(struct sender *sender) {
  if (!sender->attached || sender->ending == ENDED || MUTANT(21))
    return WHEN_NEVER;
  uint64_t since_us = WHEN_NEVER;
  if (sender->queued_id < sender->known_id)
    since_us = sender->asked_us;
  else if (sender->flights_count > 0)
    since_us = sender_flight(sender, 0)->sent_us;
  else if (sender->ending == END_SENT)
    since_us = sender->ended_us;
  uint64_t after_us = sender->config.resend_after_us;
  if (sender->tries >= QUICK_TRIES && after_us < HEALING_US)
    after_us = HEALING_US;
  return since_us == WHEN_NEVER ? WHEN_NEVER : since_us + after_us;
}

static bool has_cover(const struct sender *sender) {
  return sender->recorded && sender->channel.cover.size > 0 && sender->ending != ENDED;
}

uint64_t sender_deadline(const struct sender *sender) {
  uint64_t deadlines[] = {resend_deadline((struct sender *)sender),
                          sender->attached ? frames_deadline(&sender->channel.frames) : WHEN_NEVER,
                          incidents_deadline(&sender->incidents),
                          can_wait(sender) ? sender->unsynced_us + UNSYNCED_US : WHEN_NEVER,
                          has_cover(sender) ? sender->beat_us : WHEN_NEVER};
  uint64_t first = WHEN_NEVER;
  for (size_t i = 0; i < sizeof deadlines / sizeof deadlines[0]; i++)
    first = deadlines[i] < first ? deadlines[i] : first;
  return first;
}

static enum avow_error resend(struct sender *sender, struct now now) {
  incidents_see(&sender->incidents, VERDICT_UNCONFIRMED,
                "No confirmation received from the server.");
  sender->tries++;
  if (sender->queued_id < sender->known_id)
    return sender_ask(sender, now);
  if (sender->flights_count > 0)
    return sender_go_back(sender, sender->queued_id, VERDICT_UNCONFIRMED, now);
  return sender_transmit_end(sender, now);
}

/* Under cover, the moment for the next token has come.  Moments that were missed are left out. When
 * no answer comes, the stream may be spoilt, on either side: it gets the silence that heals it. */
static enum avow_error beat(struct sender *sender, struct now now) {
  if (now.mono_us > sender->heard_us + FRAMES_SILENCE_US) {
    sender->beat_us = sender->heard_us = now.mono_us + HEALING_US;
    return AVOW_OK;
  }
  uint64_t period_us = sender->config.cover_period_us;
  sender->beat_us += period_us * (1 + (now.mono_us - sender->beat_us) / period_us);
  enum avow_error error = channel_beat(&sender->channel, now.mono_us);
  return error == AVOW_OK ? sender_pump(sender, now) : error;
}

enum avow_error sender_tick(struct sender *sender, struct now now) {
  enum avow_error error = AVOW_OK;
  if (sender->attached)
    frames_tick(&sender->channel.frames, now.mono_us);
  if (now.mono_us >= sender->unsynced_us + UNSYNCED_US)
    sender->unsynced_size = 0; /* it has waited long enough */
  if (now.mono_us >= resend_deadline(sender))
    error = resend(sender, now);
  /* After that: the token of this moment would look to it like one that the line does not take. */
  if (error == AVOW_OK && has_cover(sender) && now.mono_us >= sender->beat_us)
    error = beat(sender, now);
  if (error != AVOW_OK)
    return error;
  if (!sender->attached)
    return sender_report(sender, now);
  return sender_input(sender, view_of("", 0), now); /* a truncated frame may have come to light */
}
