// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <string.h>

#include "base/mutant.h"
#include "core/sender_state.h"

struct flight *sender_flight(struct sender *sender, unsigned i) {
  return &sender->flights[(sender->flights_first + i) % WINDOW_ENVELOPES];
}

/* Sign that we send these messages, and which heads of the two logs we know. */
static enum avow_error sign_origin(struct sender *sender, struct flight *flight, uint64_t id,
                                   size_t offset) {
  struct notary *notary = &sender->notary;
  struct view queue = buf_view(&sender->queue);
  struct enveloped enveloped = {.first_id = id, .count = flight->count};
  if (!notary->on)
    return AVOW_OK;
  memcpy(enveloped.proof.bob_head, sender->durable_head, HEAD_SIZE);
  memcpy(enveloped.proof.alice_head, sender->alice_head, HEAD_SIZE);
  if (MUTANT(32)) /* a head that is not durable yet */
    (void)chunk_head(&sender->chunk, enveloped.proof.bob_head);
  enum avow_error error =
      notary_digest(notary, sender->zones.bob_min, id, flight->count,
                    reader_of(view_of(queue.data + offset, flight->size)), enveloped.digest);
  if (error == AVOW_OK)
    error = statement_origin(notary_text(notary), &notary->names, &enveloped);
  if (error == AVOW_OK)
    error = notary_sign(notary, enveloped.proof.bob_signature);
  flight->proof = enveloped.proof;
  memcpy(flight->digest, enveloped.digest, SHA256_SIZE);
  return error;
}

static enum avow_error transmit(struct sender *sender, struct flight *flight, uint64_t id,
                                size_t offset, enum verdict why, struct now now) {
  struct sealed sealed = {.kind = SEALED_ENVELOPE,
                          .first_id = id,
                          .count = (uint16_t)flight->count,
                          .proof = flight->proof,
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

enum avow_error sender_go_back(struct sender *sender, uint64_t from_id, enum verdict why,
                               struct now now) {
  uint64_t id = sender->sent_id;
  for (unsigned i = 0; i < sender->flights_count; i++)
    id -= sender_flight(sender, i)->count;
  size_t offset = sender->known_size;
  uint64_t count = 0;
  /* On a line that takes nothing the last copy has not left yet: more would only pile up. */
  bool stalled = !channel_idle(&sender->channel);
  enum avow_error error = AVOW_OK;
  window_shrink(&sender->window);
  sender->round_us = line_clock_now(&sender->channel.clock, now.mono_us);
  for (unsigned i = 0; i < sender->flights_count && error == AVOW_OK; i++) {
    struct flight *flight = sender_flight(sender, i);
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

enum avow_error sender_ask(struct sender *sender, struct now now) {
  sender->asked_us = now.mono_us;
  struct sealed question = {.kind = SEALED_ASK, .first_id = sender->queued_id};
  return channel_say(&sender->channel, &question, now.mono_us);
}

/* Sign that these were all. */
static enum avow_error sign_end(struct sender *sender, struct sealed *end) {
  struct notary *notary = &sender->notary;
  struct ended ended = {.messages = end->first_id};
  memcpy(ended.proof.bob_head, sender->durable_head, HEAD_SIZE);
  memcpy(ended.proof.alice_head, sender->alice_head, HEAD_SIZE);
  enum avow_error error = statement_end(notary_text(notary), &notary->names, &ended);
  if (error == AVOW_OK)
    error = notary_sign(notary, ended.proof.bob_signature);
  end->proof = sender->end_proof = ended.proof;
  return error;
}

enum avow_error sender_transmit_end(struct sender *sender, struct now now) {
  struct sealed end = {.kind = SEALED_END, .first_id = sender->next_id};
  enum avow_error error = AVOW_OK;
  if (sender->ending == END_SENT)
    end.proof = sender->end_proof;
  else if (sender->notary.on)
    error = sign_end(sender, &end);
  if (error != AVOW_OK)
    return error;
  sender->ending = END_SENT;
  sender->ended_us = now.mono_us;
  return channel_say(&sender->channel, &end, now.mono_us);
}

/* Choose what the next envelope holds: what is durable, in order, up to the limits. */
static void fill(const struct sender *sender, struct flight *flight) {
  struct view queue = buf_view(&sender->queue);
  size_t offset = sender->known_size + sender->flights_size;
  struct reader reader = reader_of(view_of(queue.data + offset, queue.size - offset));
  size_t all = reader.rest.size, most = window_envelope(&sender->window);
  size_t fits = cover_body_max(&sender->channel.cover);
  most = most < fits ? most : fits;
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

enum avow_error sender_pump(struct sender *sender, struct now now) {
  enum avow_error error = AVOW_OK;
  /* First what is stored over there is confirmed.  The receiver remembers the confirmations of
   * WINDOW_ENVELOPES: so many may be in flight, or confirmed and not durably so in our log. */
  bool owed = sender->queued_id < sender->known_id;
  if (!sender->recorded || sender->ending > FINISHING || owed)
    return AVOW_OK;
  uint64_t first_id = sender->sent_id;
  while (error == AVOW_OK && sender->durable_id > sender->sent_id &&
         sender->flights_count + sender->unsynced < WINDOW_ENVELOPES + MUTANT(5) &&
         window_open(&sender->window, sender->flights_size) &&
         !cover_waits(&sender->channel.cover)) {
    struct flight *flight = sender_flight(sender, sender->flights_count);
    fill(sender, flight);
    if (!channel_room(&sender->channel, flight->size))
      break; /* he confirms, and does not read */
    size_t offset = sender->known_size + sender->flights_size;
    error = sign_origin(sender, flight, sender->sent_id, offset);
    if (error == AVOW_OK)
      error = transmit(sender, flight, sender->sent_id, offset, VERDICT_ACCEPTED, now);
    sender->flights_count++;
    sender->flights_size += flight->size;
    sender->sent_id += flight->count;
  }
  if (sender->sent_id > first_id)
    tell_sent(sender, first_id, sender->sent_id - first_id, VERDICT_ACCEPTED);
  if (error == AVOW_OK && sender->ending == FINISHING && sender->queued_id == sender->next_id)
    error = sender_transmit_end(sender, now);
  return error;
}
