// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_CORE_SENDER_H
#define AVOW_CORE_SENDER_H

#include "core/event.h"
#include "core/session.h"
#include "crypto/random.h"
#include "evidence/replay.h"

/* Bob's side of a session, over all its connections, as a state machine without I/O.  Its owner
 * feeds bytes and time, and pulls records, bytes, events and the next deadline:
 *
 *   submit -> record -> (owner makes it durable) -> durable -> output -> input -> events
 *
 * A message leaves only after its record is durable.  Messages may be submitted without a
 * connection: they wait.  Several envelopes are in flight at a time, as many as the line carries
 * well within the freshness limit.
 *
 * Functions that return an error return AVOW_NO_MEMORY or AVOW_CRYPTO, and those are final, unless
 * they say more. */
struct sender;

struct sender_config {
  uint64_t resend_after_us;
  uint64_t freshness_us;          /* what the receiver is believed to allow */
  unsigned envelope_messages_max; /* 1 to AVOW_ENVELOPE_MESSAGES_MAX */
  size_t window_max;              /* bytes of messages in flight */
  size_t queue_max;               /* and of all that wait; 0: AVOW_QUEUE_MAX, which is the most */
  enum log_detail detail;
  int offset_min; /* bob's zone, if his log is a new one */
  /* Cover: every token holds so many bytes, AVOW_COVER_MIN to AVOW_COVER_MAX, and one leaves in
   * each period; 0: no cover. */
  size_t cover;
  uint64_t cover_period_us;
};

/** sender_new(ret, config): Of a session without messages. */
enum avow_error sender_new(struct sender **ret, const struct sender_config *config);

/** sender_free(sender): Wipe and free; NULL is fine. */
void sender_free(struct sender *sender);

/** sender_begin(sender, queued): Record the beginning of a new log. */
enum avow_error sender_begin(struct sender *sender, const struct queued *queued);

/**
 * sender_restore(sender, record):
 * Take the next record of bob's own log, in order, before anything else.  Returns also
 * AVOW_MALFORMED if it does not fit those before it, or if a text that is still needed is missing.
 */
enum avow_error sender_restore(struct sender *sender, const struct record *record);

/** sender_restored(sender, head): That was the log; it goes on after ${head}, which is taken over.
 */
void sender_restored(struct sender *sender, struct head head);

/* What connections the log knows of. */
struct sender_past {
  bool any;
  bool tls;
  uint8_t session_id[SESSION_ID_SIZE];
  uint8_t alice_key[ED25519_PUBLIC_SIZE];
  uint64_t opened_us;    /* when the first one was opened, by alice's clock */
  int opened_offset_min; /* and in her zone */
  bool ended;            /* the session has ended in order */
  int offset_min;        /* bob's zone, for the life of his log */
};

/** sender_head(sender): Return the head of the log as it is on the disk, for `open`. */
const uint8_t *sender_head(const struct sender *sender);

/** sender_past(sender): Return it. */
const struct sender_past *sender_past(const struct sender *sender);

/**
 * sender_may_attach(sender, session):
 * Whether it could go on over this connection; bob must know before he signs its opening.  Returns
 * AVOW_TOO_LONG if a message waits that is longer than cover allows, AVOW_KEY_CHANGED if the
 * session is with another server, and AVOW_OUT_OF_STEP if the receiver has stored what we never
 * sent, or no longer has what she confirmed: one of the two logs is not what it was.
 */
enum avow_error sender_may_attach(const struct sender *sender, const struct session *session);

/**
 * sender_attach(sender, session, opened, seed, now):
 * Go on over a new connection.  Returns also the errors of sender_may_attach.
 */
enum avow_error sender_attach(struct sender *sender, const struct session *session,
                              const struct opened *opened, const uint8_t seed[DRBG_SEED_SIZE],
                              struct now now);

/** sender_attached(sender): Whether there is a connection. */
bool sender_attached(const struct sender *sender);

/** sender_detach(sender, now): The connection is gone; records it.  Messages wait for the next. */
enum avow_error sender_detach(struct sender *sender, struct now now);

/** sender_text_max(sender): Return the bytes of the longest text that can be sent. */
size_t sender_text_max(const struct sender *sender);

/** sender_room(sender): Whether sender_submit would take a text of that size now. */
bool sender_room(const struct sender *sender);

/**
 * sender_submit(sender, text, now, ret_id):
 * Take a message; sender_record has its record, and it leaves once that is durable.  Returns also
 * AVOW_TOO_LONG over sender_text_max, and AVOW_FULL without sender_room.  On an error it is not
 * taken.
 */
enum avow_error sender_submit(struct sender *sender, struct view text, struct now now,
                              uint64_t *ret_id);

/** sender_finish(sender, now): No more messages come: end the session once all are confirmed. */
enum avow_error sender_finish(struct sender *sender, struct now now);

/**
 * sender_input(sender, bytes, now):
 * Take bytes that came from the receiver.  While there is a record to store afterwards, more may be
 * waiting inside: store it, call sender_durable, pull the events, send, and come again with no
 * bytes; come again, too, when output that stood still has left.  Returns also AVOW_FULL as
 * frames_input does, for an owner who does not.
 */
enum avow_error sender_input(struct sender *sender, struct view bytes, struct now now);

/** sender_record(sender, ret_record): Point at log bytes to store; valid until the next call. */
enum avow_error sender_record(struct sender *sender, struct view *ret_record);

/**
 * sender_ahead(sender, least, ret_record):
 * Point at the first part of the next record, if it has ${least} bytes already, else at nothing.
 * It may be appended, and consumed, before the rest is there; it counts only with the rest.
 */
enum avow_error sender_ahead(struct sender *sender, size_t least, struct view *ret_record);

/** sender_record_consume(sender, size): The first ${size} of them have been appended. */
void sender_record_consume(struct sender *sender, size_t size);

/** sender_durable(sender, now): All that sender_record gave has been consumed, and is on the disk,
 * and what was ahead of it. */
enum avow_error sender_durable(struct sender *sender, struct now now);

/** sender_output(sender): Return bytes for the receiver; valid until the next call. */
struct view sender_output(const struct sender *sender);

/** sender_output_consume(sender, size): The first ${size} of them have been sent. */
void sender_output_consume(struct sender *sender, size_t size);

/** sender_next_event(sender, ret): Take the next event; false if there is none. */
bool sender_next_event(struct sender *sender, struct event *ret);

/** sender_unconfirmed(sender): Return how many messages are submitted and not confirmed. */
uint64_t sender_unconfirmed(const struct sender *sender);

/** sender_waiting_since(sender): Return the timestamp of the oldest unconfirmed message; 0: none.
 */
uint64_t sender_waiting_since(const struct sender *sender);

/** sender_may_be_stored(sender): Return how many of these may have left us. */
uint64_t sender_may_be_stored(const struct sender *sender);

/**
 * sender_take_over(sender, old):
 * Take the messages of ${old}, a sender without a connection of whose messages none has left us,
 * into a new sender; they are recorded again, with their times.
 */
enum avow_error sender_take_over(struct sender *sender, const struct sender *old);

/** sender_close(sender, now): Record the end of a session that cannot go on, and of which nothing
 * can be stored without our knowing. */
enum avow_error sender_close(struct sender *sender, struct now now);

/** sender_deadline(sender): When to call sender_tick, monotonic, or WHEN_NEVER. */
uint64_t sender_deadline(const struct sender *sender);

/** sender_tick(sender, now): Time has passed. */
enum avow_error sender_tick(struct sender *sender, struct now now);

#endif
