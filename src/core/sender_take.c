// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <string.h>

#include "base/limits.h"
#include "base/mutant.h"
#include "core/sender_state.h"
#include "crypto/secret.h"

/* A notice, or a gap, makes us act at once, but the same one not more often than this. */
#define NOTICE_PAUSE_US 1000000u

/* Late is later than the freshness limit that we believe in: somebody who spoils a message on the
 * way makes it refused at once, or, since notices have their pace, a second later. */
#define REFUSED_LATE 3u

static void fake(struct sender *sender) {
  incidents_see(&sender->incidents, VERDICT_MODIFIED, "Fake confirmation.");
}

/* Whether this is what we signed. */
static bool same_origin(const struct proof *one, const struct proof *other) {
  return secret_equal((const uint8_t *)one, (const uint8_t *)other, offsetof(struct proof, head));
}

/* Whether alice has signed that she has stored what we signed that we sent.  What is known to be
 * stored over there was perhaps signed by an earlier bob, before a crash. */
static enum avow_error check_receipt(struct sender *sender, const struct sealed *sealed,
                                     bool *ret_good) {
  struct notary *notary = &sender->notary;
  struct enveloped enveloped = {.first_id = sealed->first_id,
                                .count = sealed->count,
                                .confirmed_us = sealed->when_us,
                                .confirmed_min = sealed->when_min,
                                .proof = sealed->proof};
  bool known = sender->queued_id < sender->known_id;
  enum avow_error error = AVOW_OK;
  *ret_good = true;
  if (!notary->on)
    return AVOW_OK;
  if (known) {
    error = notary_digest(notary, sender->zones.bob_min, sealed->first_id, sealed->count,
                          reader_of(buf_view(&sender->queue)), enveloped.digest);
    if (error == AVOW_OK)
      error = statement_origin(notary_text(notary), &notary->names, &enveloped);
    if (error == AVOW_OK)
      error = notary_check(notary, true, sealed->proof.bob_signature, ret_good);
  } else {
    *ret_good = same_origin(&sealed->proof, &sender_flight(sender, 0)->proof) || MUTANT(36);
    memcpy(enveloped.digest, sender_flight(sender, 0)->digest, SHA256_SIZE);
  }
  if (error != AVOW_OK || !*ret_good)
    return error;
  error = statement_receipt(notary_text(notary), &notary->names, &enveloped);
  if (error == AVOW_OK)
    error = notary_check(notary, false, sealed->proof.alice_signature, ret_good);
  *ret_good |= MUTANT(28);
  return error;
}

/* All hashes, of exactly the messages of an envelope, or it is a fake one. */
static bool confirms(struct sender *sender, const struct sealed *sealed) {
  bool known = sender->queued_id < sender->known_id;
  if (known && sealed->count > sender->known_id - sender->queued_id)
    return false;
  if (!known && (sender->flights_count == 0 || sealed->count != sender_flight(sender, 0)->count))
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
    struct flight *flight = sender_flight(sender, 0);
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

static enum avow_error record_confirmation(struct sender *sender, const struct sealed *sealed) {
  const struct notary *notary = &sender->notary;
  struct buf *out = &sender->chunk.bytes;
  enum avow_error error =
      record_envelope(out, sealed->first_id, sealed->count, sealed->when_us, sealed->when_min);
  if (error == AVOW_OK && notary->on)
    error = record_origin(out, &notary->names, &sealed->proof);
  if (error == AVOW_OK && notary->on)
    error = record_receipt(out, &notary->names, &sealed->proof);
  return error;
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
    return sender_ask(sender, now);
  }
  bool good = sealed->first_id == sender->queued_id && confirms(sender, sealed);
  enum avow_error error = good ? check_receipt(sender, sealed, &good) : AVOW_OK;
  if (error != AVOW_OK)
    return error;
  if (!good) {
    fake(sender);
    return AVOW_OK;
  }
  if (sender->queued_id >= sender->known_id ||
      MUTANT(38)) { /* or she gave it before this connection */
    memcpy(sender->alice_head, sealed->proof.head, HEAD_SIZE);
    memcpy(sender->bob_head, sealed->proof.bob_head, HEAD_SIZE);
  }
  settle(sender, sealed->count, now);
  struct event event = {.type = EVENT_CONFIRMED,
                        .id = sealed->first_id,
                        .count = sealed->count,
                        .confirmed_us = sealed->when_us};
  events_put(&sender->events, &event);
  bool only = buf_view(&sender->chunk.bytes).size == sender->unsynced_size;
  error = record_confirmation(sender, sealed);
  if (sender->unsynced++ == 0)
    sender->unsynced_us = now.mono_us;
  if (only)
    sender->unsynced_size = buf_view(&sender->chunk.bytes).size;
  return error == AVOW_OK ? sender_pump(sender, now) : error;
}

/* Whether we have signed this head of our log on this connection, so late that it may be the last
 * one that alice knows of. */
static bool signed_last(struct sender *sender, const uint8_t bob_head[HEAD_SIZE]) {
  bool same = memcmp(sender->bob_head, bob_head, HEAD_SIZE) == 0;
  for (unsigned i = 0; i < sender->flights_count && !same; i++)
    same = memcmp(sender_flight(sender, i)->proof.bob_head, bob_head, HEAD_SIZE) == 0;
  return same;
}

/* Whether alice has signed this end, and signed in it what we said: our end, or, if it is not an
 * answer to that, a head of our log. */
static enum avow_error check_ended(struct sender *sender, struct ended *ended, bool *ret_good) {
  struct notary *notary = &sender->notary;
  static const uint8_t nothing[SIGNATURE_SIZE];
  *ret_good = true;
  if (!notary->on)
    return AVOW_OK;
  ended->by_bob = !secret_equal(ended->proof.bob_signature, nothing, SIGNATURE_SIZE);
  *ret_good = ended->by_bob
                  ? sender->ending == END_SENT && same_origin(&ended->proof, &sender->end_proof)
                  : signed_last(sender, ended->proof.bob_head);
  if (!*ret_good)
    return AVOW_OK;
  enum avow_error error = statement_ended(notary_text(notary), &notary->names, ended);
  if (error == AVOW_OK)
    error = notary_check(notary, false, ended->proof.alice_signature, ret_good);
  *ret_good |= MUTANT(35);
  return error;
}

static enum avow_error record_end(struct sender *sender, const struct ended *ended) {
  struct notary *notary = &sender->notary;
  struct buf *out = &sender->chunk.bytes;
  enum avow_error error = record_ended(out, notary->on ? &notary->names : NULL, ended);
  if (error == AVOW_OK && notary->on)
    error = record_closing(out, &notary->names, &ended->proof);
  return error;
}

static enum avow_error take_end(struct sender *sender, const struct sealed *sealed,
                                struct now now) {
  struct ended ended = {.messages = sealed->first_id,
                        .ended_us = sealed->when_us,
                        .offset_min = sealed->when_min,
                        .proof = sealed->proof};
  bool good = sealed->first_id >= sender->queued_id && sealed->first_id <= sender->next_id;
  enum avow_error error = good ? check_ended(sender, &ended, &good) : AVOW_OK;
  if (error != AVOW_OK)
    return error;
  if (!good) {
    fake(sender);
    return AVOW_OK;
  }
  struct event event = {.type = EVENT_ENDED, .by_peer = sender->ending != END_SENT};
  sender->ending = ENDED;
  incidents_hurry(&sender->incidents);
  error = sender_report(sender, now);
  events_put(&sender->events, &event);
  /* With messages left the session is not over: it will be resumed. */
  if (error != AVOW_OK || (sender->queued_id < sender->next_id && !MUTANT(19)))
    return error;
  sender->past.ended = true;
  return record_end(sender, &ended);
}

/* The receiver expects this id, that is, refused it: tell the owner once if the line is too slow
 * for it. */
static void refused(struct sender *sender, uint64_t id, struct now now) {
  const struct flight *oldest = &sender->flights[sender->flights_first];
  if (sender->flights_count == 0 || id != sender->queued_id)
    return;
  uint64_t way_us = now.mono_us - oldest->left_us;
  bool late = way_us > sender->config.freshness_us;
  if (id != sender->refused_id || !late)
    sender->refused_late = 0;
  sender->refused_id = id;
  if (!late || ++sender->refused_late != REFUSED_LATE)
    return;
  struct event event = {.type = EVENT_SLOW, .id = id, .count = oldest->count, .way_us = way_us};
  events_put(&sender->events, &event);
}

static enum avow_error take_notice(struct sender *sender, const struct sealed *sealed,
                                   struct now now) {
  /* One that was caused by what we sent before we last went back says nothing new. */
  if (now.mono_us < sender->notice_after_us && sealed->echo_us < sender->round_us)
    return AVOW_OK;
  sender->notice_after_us = now.mono_us + NOTICE_PAUSE_US;
  if (sender->ending == END_SENT)
    return sender_transmit_end(sender, now);
  if (sender->queued_id < sender->known_id)
    return sender_ask(sender, now); /* that is all that may be on its way */
  refused(sender, sealed->first_id, now);
  return sender_go_back(sender, sealed->first_id, VERDICT_MODIFIED, now);
}

static enum avow_error take(struct sender *sender, const struct sealed *sealed, struct now now) {
  channel_took(&sender->channel, sealed);
  sender->heard_us = now.mono_us;
  switch (sealed->kind) {
  case SEALED_CONFIRMATION: return take_confirmation(sender, sealed, now);
  case SEALED_NOTICE: return take_notice(sender, sealed, now);
  case SEALED_END: return take_end(sender, sealed, now);
  case SEALED_DUMMY: break;
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
  return error == AVOW_OK ? sender_report(sender, now) : error;
}
