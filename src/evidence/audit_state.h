// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_EVIDENCE_AUDIT_STATE_H
#define AVOW_EVIDENCE_AUDIT_STATE_H

#include "evidence/audit.h"
#include "evidence/heads.h"

/* For audit.c and audit_rules.c only. */

/* A message of Bob's that no envelope has named yet: what its digest is made of. */
struct waiting {
  uint8_t hash[SHA512_SIZE];
  uint64_t timestamp_us;
  int32_t offset_min;
};

/* What may come now, in a session. */
enum stage {
  STAGE_NONE,   /* no connection yet */
  STAGE_OPENED, /* Alice has signed it */
  STAGE_AGREED, /* and Bob */
  STAGE_ENDED,  /* an end: in Alice's log a connection may go on with it */
  STAGE_FINAL,  /* an end in Bob's log: nothing may */
};

struct audit {
  struct keyring *keyring;
  char *alice, *bob; /* principals that they must be; NULL: any */
  struct replay *replay;
  struct hash *hash;
  enum who keeper;
  enum stage stage;
  struct parties parties;
  bool begun_tls; /* Bob's log: its beginning names his key, this one */
  uint8_t begun_key[ED25519_PUBLIC_SIZE];
  char opening[STATEMENT_MAX]; /* the statement of the connection that came last */
  size_t opening_size;
  uint64_t opened_us;
  uint8_t opened_head[HEAD_SIZE]; /* Bob's, in it */
  uint64_t messages, confirmed;   /* how many there are, how many of them in envelopes */
  struct buf lines;               /* Alice's log: what the next envelope's digest is made of */
  uint64_t confirmed_us;          /* Alice's log: what the messages of the next envelope bear */
  int confirmed_min;
  struct buf waiting; /* Bob's log: of struct waiting, from ${confirmed} on */
  struct heads heads; /* of this log, at its head lines */
  struct heads given; /* of Alice's log: what she gave to Bob */
  uint8_t empty_head[HEAD_SIZE], last_head[HEAD_SIZE];
  uint8_t bob_signed[HEAD_SIZE]; /* the last head of Bob's that he has signed */
  struct fault fault;
};

/** audit_break(audit, line, against, format, ...): Make that the fault, about no message.  Returns
 * AVOW_MALFORMED. */
enum avow_error audit_break(struct audit *audit, uint64_t line, enum who against,
                            const char *format, ...) __attribute__((format(printf, 4, 5)));

/* A signature that a record bears, and when it says it was made. */
struct claimed {
  enum who signer;
  const char *what;
  uint64_t wall_us;
  const uint8_t *key; /* that the signature bears */
  const uint8_t *signature;
  struct view statement;
};

/** audit_claim(audit, fact, claimed): The fact rests on this signature.  Returns AVOW_MALFORMED
 * with a fault, AVOW_NO_MEMORY. */
enum avow_error audit_claim(struct audit *audit, struct fact *fact, const struct claimed *claimed);

/** audit_rule(audit, fact): Hold the next record against the rules, and fill the rest of the fact.
 * Returns AVOW_MALFORMED with a fault, AVOW_NO_MEMORY, AVOW_CRYPTO. */
enum avow_error audit_rule(struct audit *audit, struct fact *fact);

#endif
