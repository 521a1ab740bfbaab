// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_EVIDENCE_RECORD_H
#define AVOW_EVIDENCE_RECORD_H

#include "base/bytes.h"
#include "base/limits.h"
#include "base/proof.h"

/* Records are blocks of "Name: value" lines, parted by an empty line.  docs/PROTOCOL.md, "The log".
 * Every function appends one block to ${out}, with the empty line before it where it is not the
 * first, and returns the errors of buf_append; record_origin, record_receipt and record_closing go
 * on with the block before, and record_lines writes lines only. */

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
  const uint8_t *key_hash; /* its SHA-256; only where the log keeps the key */
  /* tls only: what both sign beside, and alice's signature. */
  uint64_t next_id; /* all messages below it were stored before */
  uint8_t bob_head[HEAD_SIZE], alice_head[HEAD_SIZE];
  uint8_t alice_signature[SIGNATURE_SIZE];
};

/* Whose session it is: in every statement, and behind every signature. */
struct names {
  uint8_t session_id[16];
  uint8_t alice_key[32], bob_key[32];
};

/** record_opened(out, detail, first, opened): A connection; ${first}: nothing is in the log yet. */
enum avow_error record_opened(struct buf *out, enum log_detail detail, bool first,
                              const struct opened *opened);

/** record_agreed(out, names, bob_signature): Bob has signed the opening, too. */
enum avow_error record_agreed(struct buf *out, const struct names *names,
                              const uint8_t bob_signature[SIGNATURE_SIZE]);

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

/* Of a message, the lines that a digest is made of, at their longest. */
#define RECORD_LINES_MAX 256u

/** record_lines(lines, bob_min, message): Write them to ${lines} of RECORD_LINES_MAX: its id, hash
 * and timestamp.  Returns how many bytes. */
size_t record_lines(char *lines, int bob_min, const struct recorded *message);

/**
 * record_envelope(out, first_id, count, confirmed_us, confirmed_min):
 * These messages were one envelope, confirmed then, in alice's zone; WHEN_NEVER in alice's log of a
 * plain session, where each message says it.  In a tls session record_origin and record_receipt
 * come next, to be lines of the same block.
 */
enum avow_error record_envelope(struct buf *out, uint64_t first_id, unsigned count,
                                uint64_t confirmed_us, int confirmed_min);

/** record_origin(out, names, proof): What bob signed of it. */
enum avow_error record_origin(struct buf *out, const struct names *names,
                              const struct proof *proof);

/** record_receipt(out, names, proof): What alice signed of it. */
enum avow_error record_receipt(struct buf *out, const struct names *names,
                               const struct proof *proof);

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

/* An orderly end. */
struct ended {
  uint64_t messages; /* in all */
  uint64_t ended_us; /* by alice's clock, in her zone */
  int offset_min;
  bool by_bob;        /* he has signed it, too */
  struct proof proof; /* tls only */
};

/**
 * record_ended(out, names, ended):
 * Its first lines: in a tls session all that stands before the head at the end, and record_closing
 * comes next.  ${names} is NULL in a plain one.
 */
enum avow_error record_ended(struct buf *out, const struct names *names, const struct ended *ended);

/** record_closing(out, names, proof): What alice signed of it. */
enum avow_error record_closing(struct buf *out, const struct names *names,
                               const struct proof *proof);

#endif
