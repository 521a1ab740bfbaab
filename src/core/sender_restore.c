// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <string.h>

#include "base/limits.h"
#include "base/mutant.h"
#include "core/sender_state.h"

enum avow_error sender_begin(struct sender *sender, const struct queued *queued) {
  return record_queued(&sender->chunk.bytes, queued);
}

bool sender_attached(const struct sender *sender) {
  return sender->attached;
}

size_t sender_messages_size(const struct sender *sender, size_t offset, uint64_t count) {
  struct view queue = buf_view(&sender->queue);
  struct reader reader = reader_of(view_of(queue.data + offset, queue.size - offset));
  for (uint64_t i = 0; i < count; i++) {
    struct message message;
    message_take(&reader, &message);
  }
  return queue.size - offset - reader.rest.size;
}

bool sender_room(const struct sender *sender) {
  size_t max = sender->config.queue_max > 0 ? sender->config.queue_max : AVOW_QUEUE_MAX;
  return sender->ending == OPEN &&
         buf_view(&sender->queue).size + message_size(sender_text_max(sender)) <= max;
}

uint64_t sender_unconfirmed(const struct sender *sender) {
  return sender->next_id - sender->queued_id;
}

uint64_t sender_waiting_since(const struct sender *sender) {
  return sender_unconfirmed(sender) > 0 ? load_u64(buf_view(&sender->queue).data) : 0;
}

uint64_t sender_may_be_stored(const struct sender *sender) {
  return sender->left_id > sender->queued_id ? sender->left_id - sender->queued_id : 0;
}

enum avow_error sender_take_over(struct sender *sender, const struct sender *old) {
  assert(!old->attached && sender_may_be_stored(old) == 0 && old->new_count == 0);
  struct reader reader = reader_of(buf_view(&old->queue));
  enum avow_error error = AVOW_OK;
  while (error == AVOW_OK && reader.rest.size > 0) {
    struct message message;
    message_take(&reader, &message);
    error = sender_record_message(sender, sender->next_id, &message);
    if (error == AVOW_OK)
      error = message_append(&sender->queue, &message);
    if (error == AVOW_OK)
      sender->next_id++;
  }
  return error;
}

enum avow_error sender_close(struct sender *sender, struct now now) {
  assert(!sender->attached && sender_may_be_stored(sender) == 0);
  sender->ending = ENDED;
  sender->past.ended = true;
  struct ended ended = {
      .messages = sender->queued_id, .ended_us = now.wall_us, .offset_min = sender->zones.bob_min};
  return record_ended(&sender->chunk.bytes, NULL, &ended); /* there is nobody to sign it with */
}

static enum avow_error restore_message(struct sender *sender, const struct record *record) {
  if (record->id != sender->next_id || record->confirmed_us != WHEN_NEVER || !record->has_text)
    return AVOW_MALFORMED;
  struct message message = {
      .timestamp_us = record->timestamp_us, .hash = record->hash, .text = record->text};
  enum avow_error error = message_append(&sender->queue, &message);
  sender->left_id = sender->durable_id = ++sender->next_id;
  return error == AVOW_TOO_LONG ? AVOW_MALFORMED : error; /* more than we ever queue */
}

static enum avow_error restore_opened(struct sender *sender, const struct record *record) {
  struct sender_past *past = &sender->past;
  if (past->any != record->resumed)
    return AVOW_MALFORMED;
  if (past->any && (memcmp(past->session_id, record->session_id, SESSION_ID_SIZE) != 0 ||
                    past->tls != record->tls ||
                    memcmp(past->alice_key, record->alice_key, ED25519_PUBLIC_SIZE) != 0))
    return AVOW_MALFORMED;
  if (!past->any) {
    past->opened_us = record->when_us;
    past->opened_offset_min = record->offset_min;
  }
  past->any = !MUTANT(23);
  past->tls = record->tls;
  past->ended = false;
  memcpy(past->session_id, record->session_id, SESSION_ID_SIZE);
  memcpy(past->alice_key, record->alice_key, ED25519_PUBLIC_SIZE);
  return AVOW_OK;
}

enum avow_error sender_restore(struct sender *sender, const struct record *record) {
  switch (record->type) {
  case RECORD_MESSAGE: return restore_message(sender, record);
  case RECORD_OPENED: return restore_opened(sender, record);
  case RECORD_ENVELOPE:
    if (record->id != sender->queued_id || record->confirmed_us == WHEN_NEVER ||
        record->count > sender->next_id - record->id || record->is_signed != sender->past.tls)
      return AVOW_MALFORMED;
    buf_consume(&sender->queue, sender_messages_size(sender, 0, record->count));
    sender->queued_id += record->count;
    break;
  case RECORD_ENDED:
    if (record->id != sender->queued_id)
      return AVOW_MALFORMED;
    sender->past.ended = true;
    break;
  case RECORD_QUEUED:
    if (sender->next_id > 0 || sender->past.any)
      return AVOW_MALFORMED; /* a log has one, at its beginning */
    sender->zones.bob_min = sender->past.offset_min = record->offset_min;
    break;
  case RECORD_INCIDENT:
  case RECORD_AGREED:
  case RECORD_HEAD: break;
  }
  sender->sent_id = sender->known_id = sender->queued_id;
  return AVOW_OK;
}

void sender_restored(struct sender *sender, struct head head) {
  sender->next_id -= MUTANT(4) && sender->next_id > sender->queued_id;
  chunk_continue(&sender->chunk, head);
  memcpy(sender->durable_head, sender->chunk.head.last, HEAD_SIZE);
}

const struct sender_past *sender_past(const struct sender *sender) {
  return &sender->past;
}

struct view sender_output(const struct sender *sender) {
  return sender->attached ? buf_view(&sender->channel.out) : view_of("", 0);
}

void sender_output_consume(struct sender *sender, size_t size) {
  if (size > 0)
    buf_consume(&sender->channel.out, size);
}

bool sender_next_event(struct sender *sender, struct event *ret) {
  return events_take(&sender->events, ret);
}
