// SPDX-License-Identifier: Apache-2.0
#include "core/sender.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mutant.h"
#include "core/sender_state.h"
#include "crypto/secret.h"

/* A notice, or a gap, makes us act at once, but the same one not more often than this. */
#define NOTICE_PAUSE_US 1000000u

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
    *ret = sender;
  else
    sender_free(sender);
  return error;
}

void sender_free(struct sender *sender) {
  if (sender == NULL)
    return;
  channel_close(&sender->channel);
  hash_free(sender->hash);
  buf_wipe_free(&sender->queue);
  buf_wipe_free(&sender->plaintext);
  chunk_free(&sender->chunk);
  secret_wipe(sender, sizeof *sender);
  free(sender);
}

/* Report what is due of the incidents: as events, and in the log. */
static enum avow_error report(struct sender *sender, struct now now) {
  return incidents_report(&sender->incidents, now, sender->zones.bob_min, &sender->chunk.bytes,
                          &sender->events);
}

static struct flight *flight_at(struct sender *sender, unsigned i) {
  return &sender->flights[(sender->flights_first + i) % WINDOW_ENVELOPES];
}

static enum avow_error transmit(struct sender *sender, struct flight *flight, uint64_t id,
                                size_t offset, enum verdict why, struct now now) {
  struct sealed sealed = {.kind = SEALED_ENVELOPE,
                          .first_id = id,
                          .count = (uint16_t)flight->count,
                          .body = view_of(buf_view(&sender->queue).data + offset, flight->size)};
  /* The order of durability: nothing leaves that is not on our own disk. */
  assert(sealed.first_id + sealed.count <= sender->durable_id);
  if (sealed.first_id + sealed.count > sender->left_id)
    sender->left_id = sealed.first_id + sealed.count;
  flight->sent_us = flight->left_us = now.mono_us;
  flight->again = why != VERDICT_ACCEPTED;
  return channel_seal(&sender->channel, &sealed, now.mono_us);
}

static void tell_sent(struct sender *sender, uint64_t id, uint64_t count, enum verdict why) {
  struct event event = {.type = EVENT_SENT, .verdict = why, .id = id, .count = count};
  events_put(&sender->events, &event);
}

/* Transmit again what is in flight, from ${from_id} on. */
static enum avow_error go_back(struct sender *sender, uint64_t from_id, enum verdict why,
                               struct now now) {
  uint64_t id = sender->sent_id;
  for (unsigned i = 0; i < sender->flights_count; i++)
    id -= flight_at(sender, i)->count;
  size_t offset = sender->known_size;
  uint64_t count = 0;
  /* On a line that takes nothing the last copy has not left yet: more would only pile up. */
  bool stalled = buf_view(&sender->channel.out).size > 0;
  enum avow_error error = AVOW_OK;
  window_shrink(&sender->window);
  sender->round_us = line_clock_now(&sender->channel.clock, now.mono_us);
  for (unsigned i = 0; i < sender->flights_count && error == AVOW_OK; i++) {
    struct flight *flight = flight_at(sender, i);
    flight->sent_us = now.mono_us;
    flight->again = true; /* also where it is not: its round trip began before */
    if (id >= from_id && !stalled) {
      error = transmit(sender, flight, id, offset, why, now);
      count += flight->count;
    }
    id += flight->count;
    offset += flight->size;
  }
  if (count > 0)
    tell_sent(sender, sender->sent_id - count, count, why);
  return error;
}

/* Ask for the confirmations of what is stored over there, from our first message on. */
static enum avow_error ask(struct sender *sender, struct now now) {
  sender->asked_us = now.mono_us;
  return channel_say(&sender->channel, SEALED_ASK, sender->queued_id, now.mono_us);
}

static enum avow_error transmit_end(struct sender *sender, struct now now) {
  sender->ending = END_SENT;
  sender->ended_us = now.mono_us;
  return channel_say(&sender->channel, SEALED_END, sender->next_id, now.mono_us);
}

/* Choose what the next envelope holds: what is durable, in order, up to the limits. */
static void fill(const struct sender *sender, struct flight *flight) {
  struct view queue = buf_view(&sender->queue);
  size_t offset = sender->known_size + sender->flights_size;
  struct reader reader = reader_of(view_of(queue.data + offset, queue.size - offset));
  size_t all = reader.rest.size, most = window_envelope(&sender->window);
  uint64_t ready = sender->durable_id - sender->sent_id;
  *flight = (struct flight){0};
  while (flight->count < ready && flight->count < sender->config.envelope_messages_max) {
    struct message message;
    message_take(&reader, &message);
    size_t size = all - reader.rest.size;
    if (flight->count > 0 && size > most)
      break;
    flight->count++;
    flight->size = size;
  }
}

/* Let what may leave leave, as far as the line is free for it. */
static enum avow_error pump(struct sender *sender, struct now now) {
  enum avow_error error = AVOW_OK;
  /* First what is stored over there is confirmed.  The receiver remembers the confirmations of
   * WINDOW_ENVELOPES: so many may be in flight, or confirmed and not durably so in our log. */
  bool owed = sender->queued_id < sender->known_id;
  if (!sender->recorded || sender->ending > FINISHING || owed)
    return AVOW_OK;
  uint64_t first_id = sender->sent_id;
  while (error == AVOW_OK && sender->durable_id > sender->sent_id &&
         sender->flights_count + sender->unsynced < WINDOW_ENVELOPES + MUTANT(5) &&
         window_open(&sender->window, sender->flights_size)) {
    struct flight *flight = flight_at(sender, sender->flights_count);
    fill(sender, flight);
    if (!channel_room(&sender->channel, flight->size))
      break; /* he confirms, and does not read */
    error = transmit(sender, flight, sender->sent_id, sender->known_size + sender->flights_size,
                     VERDICT_ACCEPTED, now);
    sender->flights_count++;
    sender->flights_size += flight->size;
    sender->sent_id += flight->count;
  }
  if (sender->sent_id > first_id)
    tell_sent(sender, first_id, sender->sent_id - first_id, VERDICT_ACCEPTED);
  if (error == AVOW_OK && sender->ending == FINISHING && sender->queued_id == sender->next_id)
    error = transmit_end(sender, now);
  return error;
}

static void clear_flights(struct sender *sender) {
  sender->flights_first = sender->flights_count = 0;
  sender->flights_size = 0;
}

enum avow_error sender_attach(struct sender *sender, const struct session *session,
                              const struct opened *opened, const uint8_t seed[DRBG_SEED_SIZE],
                              struct now now) {
  assert(!sender->attached);
  uint64_t stored = session->grant.next_id;
  struct sender_past *past = &sender->past;
  if (stored < sender->queued_id || stored > (past->any ? sender->left_id : 0))
    return AVOW_OUT_OF_STEP;
  if (past->any &&
      memcmp(past->session_id, session->grant.session_id, sizeof past->session_id) != 0)
    return AVOW_OUT_OF_STEP; /* we asked for another one */
  if (!past->any) {
    past->opened_us = session->grant.opened_us;
    past->opened_offset_min = session->grant.offset_min;
  }
  past->any = true;
  past->tls = session->handshake == HANDSHAKE_TLS;
  memcpy(past->session_id, session->grant.session_id, SESSION_ID_SIZE);
  memcpy(past->alice_key, session->peer_key, ED25519_PUBLIC_SIZE);
  sender->zones.alice_min = session->grant.offset_min;
  enum avow_error error = record_opened(&sender->chunk.bytes, sender->config.detail, false, opened);
  if (error == AVOW_OK)
    error = channel_open(&sender->channel, session, TO_BOB, seed);
  if (error != AVOW_OK) {
    channel_close(&sender->channel);
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
  return AVOW_OK;
}

enum avow_error sender_detach(struct sender *sender, struct now now) {
  if (!sender->attached)
    return AVOW_OK;
  sender->attached = sender->recorded = false;
  channel_close(&sender->channel);
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
  return report(sender, now);
}

enum avow_error sender_submit(struct sender *sender, struct view text, struct now now,
                              uint64_t *ret_id) {
  if (text.size > AVOW_TEXT_MAX)
    return AVOW_TOO_LONG;
  if (!sender_room(sender))
    return AVOW_FULL;
  uint8_t hash[SHA512_SIZE];
  enum avow_error error = hash_sha512(sender->hash, text, hash);
  if (error != AVOW_OK)
    return error;
  struct message message = {.timestamp_us = now.wall_us, .hash = hash, .text = text};
  struct recorded recorded = {.id = sender->next_id,
                              .hash = hash,
                              .timestamp_us = now.wall_us,
                              .text = text,
                              .confirmed_us = WHEN_NEVER};
  /* Bob's log is his outbox: it needs the text, whatever the detail. */
  error = record_message(&sender->chunk.bytes, LOG_TEXT, sender->zones, &recorded);
  if (error == AVOW_OK)
    error = message_append(&sender->queue, &message);
  if (error == AVOW_OK)
    *ret_id = sender->next_id++;
  if (MUTANT(2)) {
    sender->durable_id = sender->next_id;
    error = pump(sender, now);
  }
  return error;
}

enum avow_error sender_finish(struct sender *sender, struct now now) {
  if (sender->ending == OPEN)
    sender->ending = FINISHING;
  return pump(sender, now);
}

static enum avow_error end(struct sender *sender, bool by_peer, struct now now) {
  sender->ending = ENDED;
  incidents_hurry(&sender->incidents);
  enum avow_error error = report(sender, now);
  struct event event = {.type = EVENT_ENDED, .by_peer = by_peer};
  events_put(&sender->events, &event);
  /* With messages left the session is not over: it will be resumed. */
  if (error != AVOW_OK || (sender->queued_id < sender->next_id && !MUTANT(19)))
    return error;
  sender->past.ended = true;
  return record_ended(&sender->chunk.bytes, sender->zones.bob_min, now.wall_us, sender->queued_id);
}

static void fake(struct sender *sender) {
  incidents_see(&sender->incidents, VERDICT_MODIFIED, "Fake confirmation.");
}

/* All hashes, of exactly the messages of an envelope, or it is a fake one. */
static bool confirms(struct sender *sender, const struct sealed *sealed) {
  bool known = sender->queued_id < sender->known_id;
  if (known && sealed->count > sender->known_id - sender->queued_id)
    return false;
  if (!known && (sender->flights_count == 0 || sealed->count != flight_at(sender, 0)->count))
    return false;
  struct reader messages = reader_of(buf_view(&sender->queue));
  bool same = true;
  for (unsigned i = 0; i < sealed->count; i++) {
    struct message message;
    message_take(&messages, &message);
    same &= secret_equal(message.hash, sealed->body.data + (size_t)i * MESSAGE_HASH_SIZE,
                         MESSAGE_HASH_SIZE);
  }
  return same || MUTANT(13);
}

/* The first messages of the queue are confirmed: forget them. */
static void settle(struct sender *sender, unsigned count, struct now now) {
  size_t size;
  if (sender->queued_id < sender->known_id) {
    size = sender_messages_size(sender, 0, count);
    sender->known_size -= size;
    sender->asked_us = now.mono_us;
  } else {
    struct flight *flight = flight_at(sender, 0);
    size = flight->size;
    if (!flight->again)
      window_confirmed(&sender->window, size, now.mono_us - flight->sent_us);
    sender->flights_size -= size;
    sender->flights_first = (sender->flights_first + 1) % WINDOW_ENVELOPES;
    sender->flights_count--;
  }
  buf_consume(&sender->queue, size);
  sender->queued_id += count;
  sender->tries = 0;
}

static enum avow_error take_confirmation(struct sender *sender, const struct sealed *sealed,
                                         struct now now) {
  if (sealed->first_id + sealed->count <= sender->queued_id)
    return AVOW_OK; /* a retransmission crossed its confirmation: this is the second one */
  if (sealed->first_id > sender->queued_id && sealed->first_id < sender->sent_id) {
    /* The one before it is missing: it is to be said again, and this one with it. */
    if (now.mono_us < sender->notice_after_us)
      return AVOW_OK;
    sender->notice_after_us = now.mono_us + NOTICE_PAUSE_US;
    return ask(sender, now);
  }
  if (sealed->first_id != sender->queued_id || !confirms(sender, sealed)) {
    fake(sender);
    return AVOW_OK;
  }
  settle(sender, sealed->count, now);
  struct event event = {.type = EVENT_CONFIRMED,
                        .id = sealed->first_id,
                        .count = sealed->count,
                        .confirmed_us = sealed->confirmed_us};
  events_put(&sender->events, &event);
  bool only = buf_view(&sender->chunk.bytes).size == sender->unsynced_size;
  enum avow_error error = record_envelope(&sender->chunk.bytes, sender->zones, sealed->first_id,
                                          sealed->count, sealed->confirmed_us);
  if (sender->unsynced++ == 0)
    sender->unsynced_us = now.mono_us;
  if (only)
    sender->unsynced_size = buf_view(&sender->chunk.bytes).size;
  return error == AVOW_OK ? pump(sender, now) : error;
}

static enum avow_error take_notice(struct sender *sender, const struct sealed *sealed,
                                   struct now now) {
  /* One that was caused by what we sent before we last went back says nothing new. */
  if (now.mono_us < sender->notice_after_us && sealed->echo_us < sender->round_us)
    return AVOW_OK;
  sender->notice_after_us = now.mono_us + NOTICE_PAUSE_US;
  if (sender->ending == END_SENT)
    return transmit_end(sender, now);
  if (sender->queued_id < sender->known_id)
    return ask(sender, now); /* that is all that may be on its way */
  sender_refused(sender, sealed->first_id, now);
  return go_back(sender, sealed->first_id, VERDICT_MODIFIED, now);
}

static enum avow_error take(struct sender *sender, const struct sealed *sealed, struct now now) {
  channel_took(&sender->channel, sealed);
  switch (sealed->kind) {
  case SEALED_CONFIRMATION: return take_confirmation(sender, sealed, now);
  case SEALED_NOTICE: return take_notice(sender, sealed, now);
  case SEALED_END: return end(sender, sender->ending != END_SENT, now);
  case SEALED_ENVELOPE:
  case SEALED_ASK: break; /* sealed_decode refuses them in this direction */
  }
  return AVOW_OK;
}

/* A peer who knows our texts could confirm them all in one go, and each confirmation makes events
 * and lets an envelope leave.  What finds no room waits until the owner has taken what there is. */
static bool has_room(const struct sender *sender) {
  return events_room(&sender->events) >= 4 + VERDICT_COUNT &&
         buf_view(&sender->channel.out).size <= AVOW_OUTPUT_MAX / 2;
}

enum avow_error sender_input(struct sender *sender, struct view bytes, struct now now) {
  struct sealed sealed;
  enum verdict verdict;
  const char *what;
  if (!sender->attached)
    return AVOW_OK;
  enum avow_error error = frames_input(&sender->channel.frames, bytes, now.mono_us);
  while (error == AVOW_OK && sender->ending != ENDED && has_room(sender) &&
         channel_next(&sender->channel, &sender->plaintext, &sealed, &verdict, &what)) {
    if (verdict == VERDICT_ACCEPTED)
      error = take(sender, &sealed, now);
    else if (verdict == VERDICT_MODIFIED)
      fake(sender);
    else
      incidents_see(&sender->incidents, verdict, what);
  }
  return error == AVOW_OK ? report(sender, now) : error;
}

/* A record of nothing but confirmations may wait for the next message, to be durable with it: a
 * crash makes us ask for them again.  But only for so many as the receiver remembers, and not for
 * long. */
static bool can_wait(const struct sender *sender) {
  size_t size = buf_view(&sender->chunk.bytes).size;
  return size > 0 && size == sender->unsynced_size && sender->unsynced < WINDOW_ENVELOPES / 2 &&
         sender->attached && sender->ending == OPEN;
}

enum avow_error sender_record(struct sender *sender, struct view *ret_record) {
  *ret_record = view_of("", 0);
  if (can_wait(sender))
    return AVOW_OK;
  enum avow_error error = chunk_seal(&sender->chunk);
  *ret_record = buf_view(&sender->chunk.bytes);
  return error;
}

void sender_record_consume(struct sender *sender, size_t size) {
  chunk_consume(&sender->chunk, size);
}

enum avow_error sender_durable(struct sender *sender, struct now now) {
  assert(can_wait(sender) || buf_view(&sender->chunk.bytes).size == 0);
  sender->durable_id = sender->next_id;
  if (!can_wait(sender))
    sender->unsynced_size = sender->unsynced = 0;
  bool begins = sender->attached && !sender->recorded;
  sender->recorded = sender->attached;
  enum avow_error error = AVOW_OK;
  if (begins && sender->queued_id < sender->known_id)
    error = ask(sender, now);
  return error == AVOW_OK ? pump(sender, now) : error;
}

/* What is waited for the longest, if anything is. */
static uint64_t resend_deadline(struct sender *sender) {
  if (!sender->attached || sender->ending == ENDED || MUTANT(21))
    return WHEN_NEVER;
  uint64_t since_us = WHEN_NEVER;
  if (sender->queued_id < sender->known_id)
    since_us = sender->asked_us;
  else if (sender->flights_count > 0)
    since_us = flight_at(sender, 0)->sent_us;
  else if (sender->ending == END_SENT)
    since_us = sender->ended_us;
  uint64_t after_us = sender->config.resend_after_us;
  if (sender->tries >= QUICK_TRIES && after_us < HEALING_US)
    after_us = HEALING_US;
  return since_us == WHEN_NEVER ? WHEN_NEVER : since_us + after_us;
}

uint64_t sender_deadline(const struct sender *sender) {
  uint64_t deadlines[] = {resend_deadline((struct sender *)sender),
                          sender->attached ? frames_deadline(&sender->channel.frames) : WHEN_NEVER,
                          incidents_deadline(&sender->incidents),
                          can_wait(sender) ? sender->unsynced_us + UNSYNCED_US : WHEN_NEVER};
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
    return ask(sender, now);
  if (sender->flights_count > 0)
    return go_back(sender, sender->queued_id, VERDICT_UNCONFIRMED, now);
  return transmit_end(sender, now);
}

enum avow_error sender_tick(struct sender *sender, struct now now) {
  enum avow_error error = AVOW_OK;
  if (sender->attached)
    frames_tick(&sender->channel.frames, now.mono_us);
  if (now.mono_us >= sender->unsynced_us + UNSYNCED_US)
    sender->unsynced_size = 0; /* it has waited long enough */
  if (now.mono_us >= resend_deadline(sender))
    error = resend(sender, now);
  if (error != AVOW_OK)
    return error;
  if (!sender->attached)
    return report(sender, now);
  return sender_input(sender, view_of("", 0), now); /* a truncated frame may have come to light */
}
