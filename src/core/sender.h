// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_CORE_SENDER_H
#define AVOW_CORE_SENDER_H

#include "core/event.h"
#include "core/session.h"
#include "crypto/random.h"
#include "evidence/record.h"

/* Bob's side of an open session, as a state machine without I/O.  Its owner feeds bytes and time,
 * and pulls records, bytes, events and the next deadline:
 *
 *   submit -> record -> (owner makes it durable) -> durable -> output -> input -> events
 *
 * A message leaves only after its record is durable.  One envelope is in flight at a time; what is
 * submitted meanwhile fills the next one.
 *
 * Functions that return an error return AVOW_NO_MEMORY or AVOW_CRYPTO, and those are final, unless
 * they say more. */
struct sender;

struct sender_config {
  uint8_t seed[DRBG_SEED_SIZE]; /* random; of the IVs */
  uint64_t resend_after_us;
  unsigned envelope_messages_max; /* 1 to AVOW_ENVELOPE_MESSAGES_MAX */
  enum log_detail detail;
};

/** sender_new(ret, config, session): ${session} is copied as far as it is needed. */
enum avow_error sender_new(struct sender **ret, const struct sender_config *config,
                           const struct session *session);

/** sender_free(sender): Wipe and free; NULL is fine. */
void sender_free(struct sender *sender);

/** sender_room(sender): Whether sender_submit would take a text of AVOW_TEXT_MAX now. */
bool sender_room(const struct sender *sender);

/**
 * sender_submit(sender, text, now, ret_id):
 * Take a message; it is recorded, and leaves once that is durable.  Returns also AVOW_TOO_LONG over
 * AVOW_TEXT_MAX, and AVOW_FULL without sender_room; nothing is taken then.
 */
enum avow_error sender_submit(struct sender *sender, struct view text, struct now now,
                              uint64_t *ret_id);

/** sender_finish(sender): No more messages come: end the session once all are confirmed. */
enum avow_error sender_finish(struct sender *sender, struct now now);

/** sender_cut(sender, now): The connection is gone; records it.  Nothing leaves any more. */
enum avow_error sender_cut(struct sender *sender, struct now now);

/**
 * sender_input(sender, bytes, now):
 * Take bytes that came from the receiver.  While there is a record to store afterwards, more may be
 * waiting inside: store it, call sender_durable, pull the events, send, and come again with no
 * bytes; come again, too, when output that stood still has left.  Returns also AVOW_FULL as
 * frames_input does, for an owner who does not.
 */
enum avow_error sender_input(struct sender *sender, struct view bytes, struct now now);

/** sender_record(sender): Return log bytes to store; valid until the next call. */
struct view sender_record(const struct sender *sender);

/** sender_record_consume(sender, size): The first ${size} of them have been appended. */
void sender_record_consume(struct sender *sender, size_t size);

/** sender_durable(sender, now): All records have been consumed, and are on the disk. */
enum avow_error sender_durable(struct sender *sender, struct now now);

/** sender_output(sender): Return bytes for the receiver; valid until the next call. */
struct view sender_output(const struct sender *sender);

/** sender_output_consume(sender, size): The first ${size} of them have been sent. */
void sender_output_consume(struct sender *sender, size_t size);

/** sender_next_event(sender, ret): Take the next event; false if there is none. */
bool sender_next_event(struct sender *sender, struct event *ret);

/** sender_unconfirmed(sender): Return how many messages are submitted and not confirmed. */
uint64_t sender_unconfirmed(const struct sender *sender);

/** sender_deadline(sender): When to call sender_tick, monotonic, or WHEN_NEVER. */
uint64_t sender_deadline(const struct sender *sender);

/** sender_tick(sender, now): Time has passed. */
enum avow_error sender_tick(struct sender *sender, struct now now);

#endif
