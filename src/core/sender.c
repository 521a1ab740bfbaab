// SPDX-License-Identifier: Apache-2.0
#include "core/sender.h"

#include <assert.h>
#include <stdlib.h>

#include "base/limits.h"
#include "core/channel.h"
#include "core/incidents.h"
#include "crypto/hash.h"
#include "crypto/secret.h"

/* A notice makes us transmit again at once, but not more often than this. */
#define NOTICE_PAUSE_US 1000000u

enum ending { OPEN, FINISHING, END_SENT, ENDED };

/* A spoilt stream heals in a silence of FRAMES_SILENCE_US.  Whoever set a shorter --resend-after
 * gets it for so many tries; then the line gets its silence. */
#define QUICK_TRIES 3u
#define HEALING_US (FRAMES_SILENCE_US + 1000000u)

struct sender {
  struct sender_config config;
  struct channel channel;
  struct hash *hash;
  int offset_min;
  struct buf queue;    /* messages not confirmed, as they stand in an envelope's body */
  uint64_t queued_id;  /* id of the first one in the queue */
  uint64_t next_id;    /* of the next one to be submitted */
  uint64_t durable_id; /* ids below it are on the disk */
  struct {
    unsigned count; /* messages at the front of the queue; 0: none in flight */
    size_t size;
    uint64_t sent_us; /* monotonic, of the last transmission; also of our end */
    unsigned tries;   /* how often it was transmitted again because no confirmation came */
  } flight;
  uint64_t notice_after_us; /* monotonic; earlier notices are ignored */
  enum ending ending;
  struct buf plaintext;
  struct buf record;
  struct incidents incidents;
  struct events events;
};

enum avow_error sender_new(struct sender **ret, const struct sender_config *config,
                           const struct session *session) {
  struct sender *sender = calloc(1, sizeof *sender);
  if (sender == NULL)
    return AVOW_NO_MEMORY;
  sender->config = *config;
  sender->offset_min = session->grant.offset_min;
  buf_init(&sender->queue, AVOW_QUEUE_MAX);
  buf_init(&sender->plaintext, AVOW_TOKEN_MAX);
  /* A text may grow fourfold when it is escaped; and there are incidents beside it. */
  buf_init(&sender->record, 4 * AVOW_QUEUE_MAX + AVOW_TEXT_MAX);
  enum avow_error error = channel_open(&sender->channel, session, TO_BOB, config->seed);
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
  buf_wipe_free(&sender->record);
  secret_wipe(sender, sizeof *sender);
  free(sender);
}

static enum avow_error report(struct sender *sender, struct now now) {
  return incidents_report(&sender->incidents, now, sender->offset_min, &sender->record,
                          &sender->events);
}

static enum avow_error transmit(struct sender *sender, enum verdict why, struct now now) {
  struct view queue = buf_view(&sender->queue);
  struct sealed sealed = {.kind = SEALED_ENVELOPE,
                          .first_id = sender->queued_id,
                          .count = (uint16_t)sender->flight.count,
                          .body = view_of(queue.data, sender->flight.size)};
  /* The order of durability: nothing leaves that is not on our own disk. */
  assert(sealed.first_id + sealed.count <= sender->durable_id);
  enum avow_error error = channel_seal(&sender->channel, &sealed, now.mono_us);
  if (error != AVOW_OK)
    return error;
  sender->flight.sent_us = now.mono_us;
  events_put(&sender->events,
             &(struct event){
                 .type = EVENT_SENT, .verdict = why, .id = sealed.first_id, .count = sealed.count});
  return AVOW_OK;
}

static enum avow_error transmit_end(struct sender *sender, struct now now) {
  struct sealed sealed = {.kind = SEALED_END, .first_id = sender->next_id};
  sender->ending = END_SENT;
  sender->flight.sent_us = now.mono_us;
  return channel_seal(&sender->channel, &sealed, now.mono_us);
}

/* Transmit again what waits for its answer.  On a line that takes nothing the last copy has not
 * left yet, and more of them would only pile up. */
static enum avow_error transmit_again(struct sender *sender, enum verdict why, struct now now) {
  sender->flight.sent_us = now.mono_us;
  if (buf_view(&sender->channel.out).size > 0)
    return AVOW_OK;
  return sender->flight.count > 0 ? transmit(sender, why, now) : transmit_end(sender, now);
}

/* Choose what the next envelope holds: what is durable, in order, up to the limits. */
static void fill(struct sender *sender) {
  struct reader reader = reader_of(buf_view(&sender->queue));
  size_t all = reader.rest.size;
  uint64_t ready = sender->durable_id - sender->queued_id;
  while (sender->flight.count < ready &&
         sender->flight.count < sender->config.envelope_messages_max) {
    struct message message;
    message_take(&reader, &message);
    size_t size = all - reader.rest.size;
    if (sender->flight.count > 0 && size > AVOW_ENVELOPE_FILL)
      break;
    sender->flight.count++;
    sender->flight.size = size;
  }
}

/* Let the next thing leave, if the line is free for it. */
static enum avow_error pump(struct sender *sender, struct now now) {
  if (sender->flight.count > 0 || sender->ending > FINISHING)
    return AVOW_OK;
  fill(sender);
  if (sender->flight.count > 0)
    return transmit(sender, VERDICT_ACCEPTED, now);
  if (sender->ending == FINISHING && sender->queued_id == sender->next_id)
    return transmit_end(sender, now);
  return AVOW_OK;
}

bool sender_room(const struct sender *sender) {
  return sender->ending == OPEN &&
         buf_view(&sender->queue).size + message_size(AVOW_TEXT_MAX) <= AVOW_QUEUE_MAX;
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
  error = record_message(&sender->record, sender->config.detail, sender->offset_min, &recorded);
  if (error == AVOW_OK)
    error = message_append(&sender->queue, &message);
  if (error == AVOW_OK)
    *ret_id = sender->next_id++;
  return error;
}

enum avow_error sender_finish(struct sender *sender, struct now now) {
  if (sender->ending == OPEN)
    sender->ending = FINISHING;
  return pump(sender, now);
}

enum avow_error sender_cut(struct sender *sender, struct now now) {
  if (sender->ending == ENDED)
    return AVOW_OK;
  sender->ending = ENDED;
  incidents_see(&sender->incidents, VERDICT_CUT, "The connection was cut.");
  incidents_hurry(&sender->incidents);
  return report(sender, now);
}

static enum avow_error end(struct sender *sender, bool by_peer, struct now now) {
  sender->ending = ENDED;
  incidents_hurry(&sender->incidents);
  enum avow_error error = report(sender, now);
  events_put(&sender->events, &(struct event){.type = EVENT_ENDED, .by_peer = by_peer});
  if (error != AVOW_OK)
    return error;
  return record_ended(&sender->record, sender->offset_min, now.wall_us, sender->queued_id);
}

static void fake(struct sender *sender) {
  incidents_see(&sender->incidents, VERDICT_MODIFIED, "Fake confirmation.");
}

/* All hashes, of all the messages in flight, or it is a fake one. */
static bool confirms(const struct sender *sender, const struct sealed *sealed) {
  if (sealed->first_id != sender->queued_id || sealed->count != sender->flight.count)
    return false;
  struct reader messages = reader_of(buf_view(&sender->queue));
  bool same = true;
  for (unsigned i = 0; i < sealed->count; i++) {
    struct message message;
    message_take(&messages, &message);
    same &= secret_equal(message.hash, sealed->body.data + (size_t)i * MESSAGE_HASH_SIZE,
                         MESSAGE_HASH_SIZE);
  }
  return same;
}

static enum avow_error take_confirmation(struct sender *sender, const struct sealed *sealed,
                                         struct now now) {
  if (sealed->first_id + sealed->count <= sender->queued_id)
    return AVOW_OK; /* a retransmission crossed its confirmation: this is the second one */
  if (sender->flight.count == 0 || !confirms(sender, sealed)) {
    fake(sender);
    return AVOW_OK;
  }
  buf_consume(&sender->queue, sender->flight.size);
  sender->queued_id += sealed->count;
  sender->flight.count = 0;
  sender->flight.size = 0;
  sender->flight.tries = 0;
  events_put(&sender->events, &(struct event){.type = EVENT_CONFIRMED,
                                              .id = sealed->first_id,
                                              .count = sealed->count,
                                              .confirmed_us = sealed->confirmed_us});
  enum avow_error error = record_confirmed(&sender->record, sender->offset_min, sealed->first_id,
                                           sealed->count, sealed->confirmed_us);
  return error == AVOW_OK ? pump(sender, now) : error;
}

static enum avow_error take_notice(struct sender *sender, struct now now) {
  if (now.mono_us < sender->notice_after_us)
    return AVOW_OK; /* the timer is there */
  sender->notice_after_us = now.mono_us + NOTICE_PAUSE_US;
  bool waiting = sender->flight.count > 0 || sender->ending == END_SENT;
  return waiting ? transmit_again(sender, VERDICT_MODIFIED, now) : AVOW_OK;
}

static enum avow_error take(struct sender *sender, const struct sealed *sealed, struct now now) {
  channel_took(&sender->channel, sealed);
  switch (sealed->kind) {
  case SEALED_CONFIRMATION: return take_confirmation(sender, sealed, now);
  case SEALED_NOTICE: return take_notice(sender, now);
  case SEALED_END: return end(sender, sender->ending != END_SENT, now);
  case SEALED_ENVELOPE: break; /* sealed_decode refuses it in this direction */
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

struct view sender_record(const struct sender *sender) {
  return buf_view(&sender->record);
}

void sender_record_consume(struct sender *sender, size_t size) {
  buf_consume(&sender->record, size);
}

enum avow_error sender_durable(struct sender *sender, struct now now) {
  assert(buf_view(&sender->record).size == 0);
  sender->durable_id = sender->next_id;
  return pump(sender, now);
}

struct view sender_output(const struct sender *sender) {
  return buf_view(&sender->channel.out);
}

void sender_output_consume(struct sender *sender, size_t size) {
  buf_consume(&sender->channel.out, size);
}

bool sender_next_event(struct sender *sender, struct event *ret) {
  return events_take(&sender->events, ret);
}

uint64_t sender_unconfirmed(const struct sender *sender) {
  return sender->next_id - sender->queued_id;
}

static uint64_t resend_deadline(const struct sender *sender) {
  bool waiting =
      sender->ending != ENDED && (sender->flight.count > 0 || sender->ending == END_SENT);
  uint64_t after_us = sender->config.resend_after_us;
  if (sender->flight.tries >= QUICK_TRIES && after_us < HEALING_US)
    after_us = HEALING_US;
  return waiting ? sender->flight.sent_us + after_us : WHEN_NEVER;
}

uint64_t sender_deadline(const struct sender *sender) {
  uint64_t deadlines[] = {resend_deadline(sender), frames_deadline(&sender->channel.frames),
                          incidents_deadline(&sender->incidents)};
  uint64_t first = WHEN_NEVER;
  for (size_t i = 0; i < sizeof deadlines / sizeof deadlines[0]; i++)
    first = deadlines[i] < first ? deadlines[i] : first;
  return first;
}

enum avow_error sender_tick(struct sender *sender, struct now now) {
  enum avow_error error = AVOW_OK;
  frames_tick(&sender->channel.frames, now.mono_us);
  if (now.mono_us >= resend_deadline(sender)) {
    incidents_see(&sender->incidents, VERDICT_UNCONFIRMED,
                  "No confirmation received from the server.");
    sender->flight.tries++;
    error = transmit_again(sender, VERDICT_UNCONFIRMED, now);
  }
  if (error != AVOW_OK)
    return error;
  return sender_input(sender, view_of("", 0), now); /* a truncated frame may have come to light */
}
