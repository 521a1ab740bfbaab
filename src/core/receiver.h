// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_CORE_RECEIVER_H
#define AVOW_CORE_RECEIVER_H

#include "core/event.h"
#include "core/session.h"
#include "crypto/random.h"
#include "evidence/replay.h"

/* Alice's side of a session on one connection, as a state machine without I/O; a later connection
 * begins with a new receiver, restored from the log.  Its owner feeds bytes and time, and pulls
 * records, bytes, events and the next deadline:
 *
 *   input -> record -> (owner makes it durable) -> durable -> output and events
 *
 * A confirmation leaves only after the record of its messages is durable, and a message is shown
 * only then.
 *
 * Functions that return an error return AVOW_NO_MEMORY or AVOW_CRYPTO, and those are final, unless
 * they say more. */
struct receiver;

struct receiver_config {
  uint64_t freshness_us;
  enum log_detail detail;
};

/** receiver_new(ret, config): Of a session without messages. */
enum avow_error receiver_new(struct receiver **ret, const struct receiver_config *config);

/** receiver_free(receiver): Wipe and free; NULL is fine. */
void receiver_free(struct receiver *receiver);

/**
 * receiver_restore(receiver, record):
 * Take the next record of the session's log, in order, before anything else.  Returns also
 * AVOW_MALFORMED if it does not fit those before it.
 */
enum avow_error receiver_restore(struct receiver *receiver, const struct record *record);

/** receiver_restored(receiver, head): That was the log; it goes on after ${head}, which is taken
 * over. Returns AVOW_MALFORMED if it ends within an envelope. */
enum avow_error receiver_restored(struct receiver *receiver, struct head head);

/* Whose session the log says it is. */
struct receiver_past {
  bool any, tls;
  uint8_t session_id[SESSION_ID_SIZE];
  uint8_t alice_key[ED25519_PUBLIC_SIZE], bob_key[ED25519_PUBLIC_SIZE]; /* tls only */
};

/** receiver_past(receiver): Return it. */
const struct receiver_past *receiver_past(const struct receiver *receiver);

/** receiver_next_id(receiver): Return the id that comes next: all below it are stored. */
uint64_t receiver_next_id(const struct receiver *receiver);

/** receiver_head(receiver): Return the value of the last head line of the log. */
const uint8_t *receiver_head(const struct receiver *receiver);

/**
 * receiver_attach(receiver, session, opened, seed):
 * Begin on the connection, and record it.  Once per receiver.
 */
enum avow_error receiver_attach(struct receiver *receiver, const struct session *session,
                                const struct opened *opened, const uint8_t seed[DRBG_SEED_SIZE]);

/** receiver_agreed(receiver, bob_signature): Bob has signed the opening, too; before any input. tls
 * only. */
enum avow_error receiver_agreed(struct receiver *receiver,
                                const uint8_t bob_signature[SIGNATURE_SIZE]);

/**
 * receiver_input(receiver, bytes, now):
 * Take bytes that came from the sender.  While there is a record to store or output to send
 * afterwards, more may be waiting inside: store it, call receiver_durable, pull the events, send,
 * and come again with no bytes.  After the end of the session bytes are ignored.
 * Returns also AVOW_FULL as frames_input does, for an owner who does not.
 */
enum avow_error receiver_input(struct receiver *receiver, struct view bytes, struct now now);

/** receiver_finish(receiver, now): End the session from our side. */
enum avow_error receiver_finish(struct receiver *receiver, struct now now);

/** receiver_cut(receiver, now): The connection is gone; records it.  Nothing leaves any more. */
enum avow_error receiver_cut(struct receiver *receiver, struct now now);

/** receiver_record(receiver, ret_record): Point at log bytes to store; valid until the next call.
 */
enum avow_error receiver_record(struct receiver *receiver, struct view *ret_record);

/** receiver_record_consume(receiver, size): The first ${size} of them have been appended. */
void receiver_record_consume(struct receiver *receiver, size_t size);

/** receiver_durable(receiver, now): All records have been consumed, and are on the disk. */
enum avow_error receiver_durable(struct receiver *receiver, struct now now);

/** receiver_output(receiver): Return bytes for the sender; valid until the next call. */
struct view receiver_output(const struct receiver *receiver);

/** receiver_output_consume(receiver, size): The first ${size} of them have been sent. */
void receiver_output_consume(struct receiver *receiver, size_t size);

/** receiver_next_event(receiver, ret): Take the next event; false if there is none. */
bool receiver_next_event(struct receiver *receiver, struct event *ret);

/** receiver_memory(receiver): Return about how many bytes of memory it takes. */
size_t receiver_memory(const struct receiver *receiver);

/** receiver_trim(receiver): Give back what it does not need now; it does so by itself when nothing
 * has come for a second. */
void receiver_trim(struct receiver *receiver);

/** receiver_deadline(receiver): When to call receiver_tick, monotonic, or WHEN_NEVER. */
uint64_t receiver_deadline(const struct receiver *receiver);

/** receiver_tick(receiver, now): Time has passed. */
enum avow_error receiver_tick(struct receiver *receiver, struct now now);

#endif
