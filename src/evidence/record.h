// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_EVIDENCE_RECORD_H
#define AVOW_EVIDENCE_RECORD_H

#include "base/bytes.h"
#include "base/limits.h"

/* Records are blocks of "Name: value" lines, parted by an empty line.  docs/PROTOCOL.md, "The log".
 * Every function appends one block to ${out}, with the empty line before it where it is not the
 * first, and returns the errors of buf_append. */

/* How much a log keeps. */
enum log_detail {
  LOG_PROOF, /* hashes and times, no text */
  LOG_TEXT,  /* and the texts */
  LOG_FULL,  /* and the session's Fernet key: for teaching */
};

/* One party as the log names it. */
struct party {
  uint8_t key[32];
  char name[AVOW_NAME_SIZE]; /* "" if there is none */
};

/* The first record of bob's log: what waits in it, and for whom. */
struct queued {
  const char *to; /* where he finds the server, as he was told */
  uint64_t since_us;
  int offset_min; /* bob's zone: his times stand in it */
  bool tls;
  struct party bob; /* tls only */
};

/** record_queued(out, queued): Bob's first record. */
enum avow_error record_queued(struct buf *out, const struct queued *queued);

/* A connection: the session's first one opens it, the others resume it. */
struct opened {
  const char *peer; /* "('127.0.0.1', 38464)" */
  const uint8_t *session_id;
  bool resumed;
  uint64_t when_us; /* alice's clock */
  int offset_min;   /* alice's zone: her times stand in it */
  bool tls;
  const char *group;       /* of the key exchange; tls only */
  struct party alice, bob; /* tls only */
  const uint8_t *key;      /* of Fernet */
};

/** record_opened(out, detail, first, opened): A connection; ${first}: nothing is in the log yet. */
enum avow_error record_opened(struct buf *out, enum log_detail detail, bool first,
                              const struct opened *opened);

/* One message.  ${confirmed_us} is WHEN_NEVER where it has not been confirmed (bob's log). */
struct recorded {
  uint64_t id;
  const uint8_t *hash; /* SHA-512 */
  uint64_t timestamp_us;
  struct view text;
  uint64_t confirmed_us;
};

/* In whose zone times are written: each in that of the one whose clock it is. */
struct zones {
  int alice_min, bob_min;
};

/** record_message(out, detail, zones, message): One message. */
enum avow_error record_message(struct buf *out, enum log_detail detail, struct zones zones,
                               const struct recorded *message);

/**
 * record_envelope(out, zones, first_id, count, confirmed_us):
 * These messages were one envelope.  In bob's log ${confirmed_us} is when alice confirmed them; in
 * alice's it is WHEN_NEVER: each message says it there.
 */
enum avow_error record_envelope(struct buf *out, struct zones zones, uint64_t first_id,
                                unsigned count, uint64_t confirmed_us);

/* A suspected attack, or a retransmission that was seen. */
struct incident {
  const char *what;    /* what happened, a sentence */
  const char *attack;  /* how that is called, a sentence, or "" */
  const char *verdict; /* in one word */
  uint64_t seen_us;
  uint64_t count; /* how many there were since the last such record */
};

/** record_incident(out, offset_min, incident): One incident. */
enum avow_error record_incident(struct buf *out, int offset_min, const struct incident *incident);

/** record_ended(out, offset_min, ended_us, messages): An orderly end, after so many messages. */
enum avow_error record_ended(struct buf *out, int offset_min, uint64_t ended_us, uint64_t messages);

#endif
