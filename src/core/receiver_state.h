// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_CORE_RECEIVER_STATE_H
#define AVOW_CORE_RECEIVER_STATE_H

/* The inside of a receiver, for the files receiver*.c only. */

#include "core/channel.h"
#include "core/incidents.h"
#include "core/notary.h"
#include "core/receiver.h"
#include "core/window.h"
#include "crypto/hash.h"

/* Envelopes accepted and not yet shown in full. */
#define HELD_MAX WINDOW_ENVELOPES
/* And so many bytes of them: the last one may exceed it. */
#define HELD_BYTES_MAX (4u * 1024u * 1024u)
/* The records of one envelope at its largest: texts escaped fourfold, and the other lines; and
 * those of incidents. */
#define RECORD_ENVELOPE_MAX (4u * AVOW_PLAINTEXT_MAX + AVOW_ENVELOPE_MESSAGES_MAX * 320u)
#define RECORD_MAX (2u * RECORD_ENVELOPE_MAX)
/* More than what a confirmation takes of the output, before base64. */
#define CONFIRMATION_MAX (AVOW_ENVELOPE_MESSAGES_MAX * MESSAGE_HASH_SIZE + 4096u)

enum ending { OPEN, END_RECORDED, ENDED };

/* An accepted envelope: its messages are recorded, then durable, then shown. */
struct held {
  struct buf plaintext; /* what sealed.body points into */
  struct sealed sealed;
  struct reader unshown;
};

/* A confirmation that was given: it is given again to whoever asks. */
struct given {
  uint64_t first_id;
  uint16_t count;
  uint64_t confirmed_us;
  int16_t confirmed_min;
  struct proof proof;
  struct buf hashes;
};

struct receiver {
  struct receiver_config config;
  struct receiver_past past;
  struct channel channel;
  struct notary notary;
  struct freshness freshness;
  struct hash *hash;
  struct zones zones;
  uint64_t next_id;
  struct held held[HELD_MAX]; /* a ring: durable ones first, then the recorded ones */
  unsigned held_first, held_durable, held_count;
  size_t held_size;                     /* bytes of all that are held */
  struct given given[WINDOW_ENVELOPES]; /* a ring: the last ones */
  unsigned given_first, given_count;
  uint64_t restored_id;          /* while a log is read: ids below it were given */
  uint8_t first_head[HEAD_SIZE]; /* of our log, before this connection: bob knows it */
  uint64_t attached_id;          /* the next id at that time */
  uint64_t seen_id;              /* bob has signed a head of ours behind the ids below it */
  uint8_t bob_head[HEAD_SIZE];   /* of his log: the last one that he has signed */
  bool notice_due;
  uint64_t notice_id;       /* what the last notice said */
  uint64_t notice_after_us; /* monotonic */
  enum ending ending;
  struct ended ended; /* as it is recorded */
  uint64_t quiet_us;  /* monotonic: when to trim; WHEN_NEVER: that was done */
  struct chunk chunk;
  struct incidents incidents;
  struct events events;
};

/** receiver_given(receiver, i): Return the confirmation that was given as number ${i}, oldest
 * first. */
struct given *receiver_given(struct receiver *receiver, unsigned i);

/**
 * receiver_take_envelope(receiver, sealed, now):
 * A fresh envelope: accept it, confirm it again, or refuse it.  Like receiver_input.
 */
enum avow_error receiver_take_envelope(struct receiver *receiver, struct sealed *sealed,
                                       struct now now);

/**
 * receiver_take_end(receiver, sealed, now):
 * Bob's end of the session.  Like receiver_input.
 */
enum avow_error receiver_take_end(struct receiver *receiver, const struct sealed *sealed,
                                  struct now now);

/** receiver_refuse(receiver, verdict, what): Note an incident, and that a notice is due. */
void receiver_refuse(struct receiver *receiver, enum verdict verdict, const char *what);

/** receiver_confirm(receiver, given, now): Say a confirmation, for the first time or again. */
enum avow_error receiver_confirm(struct receiver *receiver, const struct given *given,
                                 struct now now);

/** receiver_can_confirm(receiver, more): Whether so many confirmations fit into the output, beside
 * those that are promised to what is recorded and not durable yet, and an end. */
bool receiver_can_confirm(const struct receiver *receiver, unsigned more);

/* Room for so many is left by confirmations that are given again.  Without room the next token is
 * not taken; and under cover nothing leaves but in answer to one. */
#define RECEIVER_SPARE 4u

/** receiver_give(receiver): Return the place for one more; the oldest gives way. */
struct given *receiver_give(struct receiver *receiver);

/** receiver_shown(receiver): The first envelope has been shown in full: let go of its slot. */
void receiver_shown(struct receiver *receiver);

#endif
