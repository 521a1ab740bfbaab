// SPDX-License-Identifier: Apache-2.0
#include "core/receiver.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mutant.h"
#include "core/receiver_state.h"
#include "crypto/secret.h"

/* A notice is sent at most so often. */
#define NOTICE_PAUSE_US 1000000u

/* Large buffers are kept for the next bytes, but not for longer than this. */
#define QUIET_US 1000000u
#define ROOMY (512u * 1024u)

enum avow_error receiver_new(struct receiver **ret, const struct receiver_config *config) {
  struct receiver *receiver = calloc(1, sizeof *receiver);
  if (receiver == NULL)
    return AVOW_NO_MEMORY;
  receiver->config = *config;
  receiver->notice_id = receiver->quiet_us = WHEN_NEVER;
  for (unsigned i = 0; i < HELD_MAX; i++)
    buf_init(&receiver->held[i].plaintext, AVOW_TOKEN_MAX);
  for (unsigned i = 0; i < WINDOW_ENVELOPES; i++)
    buf_init(&receiver->given[i].hashes, AVOW_ENVELOPE_MESSAGES_MAX * MESSAGE_HASH_SIZE);
  enum avow_error error = chunk_init(&receiver->chunk, RECORD_MAX);
  if (error == AVOW_OK)
    error = hash_new(&receiver->hash);
  if (error == AVOW_OK)
    *ret = receiver;
  else
    receiver_free(receiver);
  return error;
}

void receiver_free(struct receiver *receiver) {
  if (receiver == NULL)
    return;
  channel_close(&receiver->channel);
  notary_close(&receiver->notary);
  hash_free(receiver->hash);
  for (unsigned i = 0; i < HELD_MAX; i++)
    buf_wipe_free(&receiver->held[i].plaintext);
  for (unsigned i = 0; i < WINDOW_ENVELOPES; i++)
    buf_free(&receiver->given[i].hashes);
  chunk_free(&receiver->chunk);
  secret_wipe(receiver, sizeof *receiver);
  free(receiver);
}

static enum avow_error report(struct receiver *receiver, struct now now) {
  return incidents_report(&receiver->incidents, now, receiver->zones.alice_min,
                          &receiver->chunk.bytes, &receiver->events);
}

uint64_t receiver_next_id(const struct receiver *receiver) {
  return receiver->next_id;
}

const uint8_t *receiver_head(const struct receiver *receiver) {
  return receiver->chunk.head.last;
}

enum avow_error receiver_attach(struct receiver *receiver, const struct session *session,
                                const struct opened *opened, const uint8_t seed[DRBG_SEED_SIZE]) {
  assert(receiver->channel.fernet == NULL && session->grant.next_id == receiver->next_id &&
         receiver->restored_id == receiver->next_id);
  uint8_t key_hash[SHA256_SIZE];
  struct opened record = *opened;
  record.key_hash = key_hash;
  receiver->zones = (struct zones){session->grant.offset_min, session->open.offset_min};
  receiver->freshness = (struct freshness){.limit_us = receiver->config.freshness_us,
                                           .peer_us = session->peer_us,
                                           .mono_us = session->peer_mono_us};
  memcpy(receiver->first_head, session->grant.alice_head, HEAD_SIZE);
  memcpy(receiver->bob_head, session->open.bob_head, HEAD_SIZE);
  receiver->seen_id = receiver->attached_id = receiver->next_id;
  enum avow_error error =
      hash_sha256(receiver->hash, view_of(session->grant.key, SESSION_KEY_SIZE), key_hash);
  if (error == AVOW_OK)
    error =
        record_opened(&receiver->chunk.bytes, receiver->config.detail, !opened->resumed, &record);
  if (error == AVOW_OK)
    error = notary_open(&receiver->notary, session, false);
  return error == AVOW_OK ? channel_open(&receiver->channel, session, TO_ALICE, seed) : error;
}

enum avow_error receiver_agreed(struct receiver *receiver,
                                const uint8_t bob_signature[SIGNATURE_SIZE]) {
  return record_agreed(&receiver->chunk.bytes, &receiver->notary.names, bob_signature);
}

bool receiver_can_confirm(const struct receiver *receiver, unsigned more) {
  unsigned promised = receiver->held_count - receiver->held_durable;
  return channel_room(&receiver->channel, (promised + more + 1) * (size_t)CONFIRMATION_MAX) &&
         cover_room(&receiver->channel.cover, promised + more + 1);
}

/* Say what we expect, so that the sender need not wait for his timer; but not to every flood, and
 * not while we could not hear his answer. */
static enum avow_error send_notice(struct receiver *receiver, struct now now) {
  bool paused = receiver->notice_id == receiver->next_id &&
                now.mono_us < receiver->notice_after_us && !MUTANT(20);
  if (!receiver->notice_due || receiver->ending != OPEN || paused ||
      receiver->channel.frames.skipping)
    return AVOW_OK;
  receiver->notice_due = false;
  if (!receiver_can_confirm(receiver, 0) || cover_waits(&receiver->channel.cover))
    return AVOW_OK; /* he does not read what we say, or other words wait for their turn */
  receiver->notice_id = receiver->next_id;
  receiver->notice_after_us = now.mono_us + NOTICE_PAUSE_US;
  struct sealed notice = {.kind = SEALED_NOTICE, .first_id = receiver->next_id};
  return channel_seal(&receiver->channel, &notice, now.mono_us);
}

void receiver_refuse(struct receiver *receiver, enum verdict verdict, const char *what) {
  incidents_see(&receiver->incidents, verdict, what);
  receiver->notice_due = true;
}

enum avow_error receiver_confirm(struct receiver *receiver, const struct given *given,
                                 struct now now) {
  struct sealed confirmation = {.kind = SEALED_CONFIRMATION,
                                .first_id = given->first_id,
                                .count = given->count,
                                .when_us = MUTANT(7) ? now.wall_us : given->confirmed_us,
                                .when_min = given->confirmed_min,
                                .proof = given->proof,
                                .body = buf_view(&given->hashes)};
  return channel_seal(&receiver->channel, &confirmation, now.mono_us);
}

/* Give the confirmations again, from an id on, in order. */
static enum avow_error take_ask(struct receiver *receiver, const struct sealed *sealed,
                                struct now now) {
  enum avow_error error = AVOW_OK;
  for (unsigned i = 0; i < receiver->given_count && error == AVOW_OK && !MUTANT(14); i++) {
    if (!receiver_can_confirm(receiver, RECEIVER_SPARE))
      break; /* he asks, and does not read: he will ask again for the rest */
    if (receiver_given(receiver, i)->first_id >= sealed->first_id)
      error = receiver_confirm(receiver, receiver_given(receiver, i), now);
  }
  return error;
}

static enum avow_error take(struct receiver *receiver, struct sealed *sealed, struct now now) {
  uint64_t own_now_us = line_clock_now(&receiver->channel.clock, now.mono_us);
  /* An echo of nothing (0) is old; one of our last stamp may be a few microseconds ahead. */
  uint64_t echo_age_us = sealed->echo_us < own_now_us ? own_now_us - sealed->echo_us : 0;
  if (!freshness_fresh(&receiver->freshness, sealed->time_us, echo_age_us, now.mono_us)) {
    receiver_refuse(receiver, VERDICT_STALE, "Late token.");
    return channel_beat(&receiver->channel, now.mono_us); /* what answers it is fresh by its echo */
  }
  channel_took(&receiver->channel, sealed);
  /* Before anything is made of it, so that our answer does not tell what it was. */
  enum avow_error error = channel_beat(&receiver->channel, now.mono_us);
  if (error != AVOW_OK)
    return error;
  switch (sealed->kind) {
  case SEALED_ENVELOPE: return receiver_take_envelope(receiver, sealed, now);
  case SEALED_ASK: return take_ask(receiver, sealed, now);
  case SEALED_END: return receiver_take_end(receiver, sealed, now);
  case SEALED_DUMMY: break;
  case SEALED_CONFIRMATION:
  case SEALED_NOTICE: break; /* sealed_decode refuses them in this direction */
  }
  return AVOW_OK;
}

/* Whether the next envelope would find a slot, and room for its records and its confirmation. */
static bool has_room(const struct receiver *receiver) {
  return receiver->held_count < HELD_MAX && receiver->held_size < HELD_BYTES_MAX &&
         receiver_can_confirm(receiver, 1) &&
         buf_view(&receiver->chunk.bytes).size <= RECORD_MAX - RECORD_ENVELOPE_MAX;
}

/* What was recorded is durable: confirm it, remember that, and let it be shown. */
static enum avow_error release(struct receiver *receiver, struct held *held, struct now now) {
  struct given *given = receiver_give(receiver);
  given->first_id = held->sealed.first_id;
  given->count = held->sealed.count;
  given->confirmed_us = held->sealed.when_us;
  given->confirmed_min = held->sealed.when_min;
  given->proof = held->sealed.proof;
  held->unshown = reader_of(held->sealed.body);
  struct reader body = held->unshown;
  enum avow_error error = AVOW_OK;
  for (unsigned i = 0; i < held->sealed.count && error == AVOW_OK; i++) {
    struct message message;
    message_take(&body, &message);
    error = buf_append(&given->hashes, view_of(message.hash, MESSAGE_HASH_SIZE));
  }
  return error == AVOW_OK ? receiver_confirm(receiver, given, now) : error;
}

static enum avow_error release_held(struct receiver *receiver, struct now now) {
  enum avow_error error = AVOW_OK;
  while (error == AVOW_OK && receiver->held_durable < receiver->held_count) {
    unsigned slot = (receiver->held_first + receiver->held_durable++) % HELD_MAX;
    error = release(receiver, &receiver->held[slot], now);
  }
  return error;
}

static enum avow_error work(struct receiver *receiver, struct now now) {
  enum avow_error error = AVOW_OK;
  while (error == AVOW_OK && receiver->ending == OPEN && has_room(receiver)) {
    struct held *slot = &receiver->held[(receiver->held_first + receiver->held_count) % HELD_MAX];
    enum verdict verdict;
    const char *what;
    if (!channel_next(&receiver->channel, &slot->plaintext, &slot->sealed, &verdict, &what))
      break;
    if (verdict == VERDICT_ACCEPTED)
      error = take(receiver, &slot->sealed, now);
    else if (verdict == VERDICT_REPLAYED)
      incidents_see(&receiver->incidents, verdict, what); /* the honest one got through */
    else
      receiver_refuse(receiver, verdict, what);
  }
  if (error == AVOW_OK && MUTANT(1)) /* confirmed before it is durable */
    error = release_held(receiver, now);
  if (error == AVOW_OK)
    error = send_notice(receiver, now);
  return error == AVOW_OK ? report(receiver, now) : error;
}

/* Whether there will be something to give back. */
static bool is_roomy(const struct receiver *receiver) {
  return receiver_memory(receiver) > ROOMY || hash_memory(receiver->hash) > 0;
}

enum avow_error receiver_input(struct receiver *receiver, struct view bytes, struct now now) {
  if (receiver->ending != OPEN)
    return AVOW_OK; /* what comes after the end is not even kept */
  enum avow_error error = frames_input(&receiver->channel.frames, bytes, now.mono_us);
  if (error == AVOW_OK)
    error = work(receiver, now);
  if (bytes.size > 0)
    receiver->quiet_us = is_roomy(receiver) ? now.mono_us + QUIET_US : WHEN_NEVER;
  return error;
}

/* Record the end that ${receiver->ended} tells, and sign it. */
static enum avow_error record_end(struct receiver *receiver) {
  struct ended *ended = &receiver->ended;
  struct notary *notary = &receiver->notary;
  const struct names *names = notary->on ? &notary->names : NULL;
  enum avow_error error = record_ended(&receiver->chunk.bytes, names, ended);
  if (!notary->on)
    return error;
  if (error == AVOW_OK)
    error = chunk_head(&receiver->chunk, ended->proof.head);
  if (error == AVOW_OK)
    error = statement_ended(notary_text(notary), names, ended);
  if (error == AVOW_OK)
    error = notary_sign(notary, ended->proof.alice_signature);
  return error == AVOW_OK ? record_closing(&receiver->chunk.bytes, names, &ended->proof) : error;
}

enum avow_error receiver_finish(struct receiver *receiver, struct now now) {
  if (receiver->ending != OPEN)
    return AVOW_OK;
  receiver->ending = END_RECORDED;
  incidents_hurry(&receiver->incidents);
  enum avow_error error = report(receiver, now);
  if (error != AVOW_OK)
    return error;
  struct ended *ended = &receiver->ended;
  ended->messages = receiver->next_id;
  ended->ended_us = now.wall_us;
  ended->offset_min = receiver->zones.alice_min;
  if (!ended->by_bob)
    memcpy(ended->proof.bob_head, receiver->bob_head, HEAD_SIZE);
  return record_end(receiver);
}

enum avow_error receiver_cut(struct receiver *receiver, struct now now) {
  if (receiver->ending == ENDED)
    return AVOW_OK;
  receiver->ending = ENDED;
  incidents_see(&receiver->incidents, VERDICT_CUT, "The connection was cut.");
  incidents_hurry(&receiver->incidents);
  return report(receiver, now);
}

enum avow_error receiver_record(struct receiver *receiver, struct view *ret_record) {
  enum avow_error error = chunk_seal(&receiver->chunk);
  *ret_record = buf_view(&receiver->chunk.bytes);
  return error;
}

void receiver_record_consume(struct receiver *receiver, size_t size) {
  chunk_consume(&receiver->chunk, size);
}

static enum avow_error send_end(struct receiver *receiver, struct now now) {
  struct sealed end = {.kind = SEALED_END,
                       .first_id = receiver->ended.messages,
                       .when_us = receiver->ended.ended_us,
                       .when_min = (int16_t)receiver->ended.offset_min,
                       .proof = receiver->ended.proof};
  receiver->ending = ENDED;
  events_put(&receiver->events,
             &(struct event){.type = EVENT_ENDED, .by_peer = receiver->ended.by_bob});
  enum avow_error error = channel_seal(&receiver->channel, &end, now.mono_us);
  return error == AVOW_OK ? channel_flush(&receiver->channel, now.mono_us) : error;
}

enum avow_error receiver_durable(struct receiver *receiver, struct now now) {
  /* The order of durability: no confirmation before this. */
  assert(buf_view(&receiver->chunk.bytes).size == 0);
  enum avow_error error = release_held(receiver, now);
  if (error == AVOW_OK && receiver->ending == END_RECORDED)
    error = send_end(receiver, now);
  return error;
}

struct view receiver_output(const struct receiver *receiver) {
  return buf_view(&receiver->channel.out);
}

void receiver_output_consume(struct receiver *receiver, size_t size) {
  buf_consume(&receiver->channel.out, size);
}

bool receiver_next_event(struct receiver *receiver, struct event *ret) {
  while (receiver->held_durable > 0) {
    struct held *held = &receiver->held[receiver->held_first];
    if (held->unshown.rest.size > 0) {
      struct message message;
      message_take(&held->unshown, &message);
      *ret = (struct event){.type = EVENT_MESSAGE,
                            .id = held->sealed.first_id++,
                            .count = 1,
                            .timestamp_us = message.timestamp_us,
                            .confirmed_us = held->sealed.when_us,
                            .hash = message.hash,
                            .text = message.text};
      return true;
    }
    receiver_shown(receiver);
  }
  return events_take(&receiver->events, ret);
}

uint64_t receiver_deadline(const struct receiver *receiver) {
  bool notice =
      receiver->notice_due && receiver->ending == OPEN && !receiver->channel.frames.skipping;
  uint64_t deadlines[] = {frames_deadline(&receiver->channel.frames),
                          incidents_deadline(&receiver->incidents),
                          notice ? receiver->notice_after_us : WHEN_NEVER, receiver->quiet_us};
  uint64_t first = WHEN_NEVER;
  for (size_t i = 0; i < sizeof deadlines / sizeof deadlines[0]; i++)
    first = deadlines[i] < first ? deadlines[i] : first;
  return first;
}

enum avow_error receiver_tick(struct receiver *receiver, struct now now) {
  frames_tick(&receiver->channel.frames, now.mono_us);
  if (now.mono_us >= receiver->quiet_us)
    receiver_trim(receiver);
  return work(receiver, now);
}
