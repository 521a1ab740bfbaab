// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_CORE_SENDER_STATE_H
#define AVOW_CORE_SENDER_STATE_H

/* The inside of a sender, for the files sender*.c only. */

#include "core/channel.h"
#include "core/incidents.h"
#include "core/notary.h"
#include "core/sender.h"
#include "core/window.h"
#include "crypto/hash.h"

enum ending { OPEN, FINISHING, END_SENT, ENDED };

/* An envelope on its way. */
struct flight {
  unsigned count; /* messages */
  size_t size;    /* their bytes in the queue */
  uint64_t sent_us;
  uint64_t left_us;            /* as sent_us, but of a transmission that was really made */
  bool again;                  /* transmitted more than once: its round trip says nothing */
  uint8_t digest[SHA256_SIZE]; /* tls only, as the proof: what we have signed of it */
  struct proof proof;
};

struct sender {
  struct sender_config config;
  struct sender_past past;
  bool attached;
  bool recorded; /* the log durably tells of the connection; nothing leaves on it before */
  struct channel channel;
  struct notary notary;
  struct hash *hash;
  struct zones zones;
  /* Messages that are not confirmed, as they stand in an envelope's body.  In order: those that the
   * receiver is known to have stored, those in flight, those that wait. */
  struct buf queue;
  unsigned new_count;  /* the last so many in the queue have no hash and no record yet */
  size_t new_size;     /* their bytes */
  uint64_t queued_id;  /* id of the first one in the queue */
  uint64_t known_id;   /* ids below it are stored over there; their confirmations are asked for */
  size_t known_size;   /* bytes of these in the queue */
  uint64_t asked_us;   /* monotonic */
  uint64_t sent_id;    /* ids below it are stored or in flight */
  uint64_t left_id;    /* ids below it may have left us, now or before a restart */
  uint64_t durable_id; /* ids below it are on our disk */
  uint64_t next_id;    /* of the next one to be submitted */
  uint8_t durable_head[HEAD_SIZE]; /* of our log, as it is on our disk */
  uint8_t alice_head[HEAD_SIZE];   /* of hers: the last one that she gave us */
  uint8_t bob_head[HEAD_SIZE];     /* of ours: the last one that we know her to know */
  struct flight flights[WINDOW_ENVELOPES];
  unsigned flights_first, flights_count;
  size_t flights_size;
  /* Confirmations that are recorded, and not on our disk yet; the bytes of their records, if there
   * are no others; since when, monotonic. */
  unsigned unsynced;
  size_t unsynced_size;
  uint64_t unsynced_us;
  struct window window;
  uint64_t round_us;        /* line time at which the last going back began */
  uint64_t notice_after_us; /* monotonic; earlier notices are ignored, unless they answer it */
  uint64_t beat_us;         /* monotonic: under cover, when the next token leaves */
  uint64_t heard_us;        /* and when alice last answered one */
  uint64_t ended_us;        /* monotonic, when our end left */
  struct proof end_proof;   /* what we signed of it */
  unsigned tries;           /* how often we sent again because nothing came back */
  uint64_t refused_id;      /* the oldest message, if it is refused again and again */
  unsigned refused_late;    /* so many times in a row, long after it left */
  enum ending ending;
  struct buf plaintext;
  struct chunk chunk;
  struct incidents incidents;
  struct events events;
};

/* Between the files of the sender; errors are those of sender_input. */

/** sender_flight(sender, i): Return the envelope in flight of number ${i}, oldest first. */
struct flight *sender_flight(struct sender *sender, unsigned i);

/** sender_report(sender, now): Report what is due of the incidents: as events, and in the log. */
enum avow_error sender_report(struct sender *sender, struct now now);

/** sender_pump(sender, now): Let what may leave leave, as far as the line is free for it. */
enum avow_error sender_pump(struct sender *sender, struct now now);

/** sender_go_back(sender, from_id, why, now): Retransmit what is in flight, from ${from_id} on. */
enum avow_error sender_go_back(struct sender *sender, uint64_t from_id, enum verdict why,
                               struct now now);

/** sender_ask(sender, now): Ask for the confirmations of what is stored over there, from our first
 * message on. */
enum avow_error sender_ask(struct sender *sender, struct now now);

/** sender_transmit_end(sender, now): Say that these were all. */
enum avow_error sender_transmit_end(struct sender *sender, struct now now);

/** sender_record_message(sender, id, message): Record that it is in the queue. */
enum avow_error sender_record_message(struct sender *sender, uint64_t id,
                                      const struct message *message);

/** sender_messages_size(sender, offset, count): Bytes of so many messages in the queue. */
size_t sender_messages_size(const struct sender *sender, size_t offset, uint64_t count);

#endif
