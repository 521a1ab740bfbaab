// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_EVIDENCE_AUDIT_H
#define AVOW_EVIDENCE_AUDIT_H

#include "evidence/fault.h"
#include "evidence/keyring.h"
#include "evidence/replay.h"
#include "evidence/statement.h"

/* One log, alone: docs/EVIDENCE.md, "What to check".  Bytes in; facts out, in the order of the log,
 * until the first fault.  Memory is bounded by what may be in flight, not by the log.
 *
 * Whether a signature is right is not found out here: each fact carries the claims that it rests
 * on, for the caller to check (audit_check), here or on another core.  A fact counts only when its
 * claims, and all before them, are right. */

/* One signature: by whom, over what. */
struct claim {
  enum who signer;
  uint64_t line;    /* of the fact that rests on it */
  const char *what; /* "origin signature" */
  uint8_t key[ED25519_PUBLIC_SIZE];
  uint8_t signature[SIGNATURE_SIZE];
  uint16_t size;
  char text[STATEMENT_MAX]; /* the statement */
};

#define FACT_CLAIMS_MAX 2u

/* What the log says, as far as it is in order. */
struct fact {
  struct record record;        /* of any type but RECORD_HEAD; its views stay until the next call */
  uint8_t digest[SHA256_SIZE]; /* ENVELOPE: of the lines of its messages */
  unsigned claims_count;
  struct claim claims[FACT_CLAIMS_MAX];
};

/* Whom the reader takes for whom; NULL where any key of his list will do. */
struct audit_options {
  struct keyring *keyring; /* stays the caller's, and stays */
  const char *alice, *bob; /* principals */
};

/* Who the parties of a log are: from its first connection, and from the reader's list. */
struct parties {
  bool known; /* a connection has been read */
  bool tls;
  struct names names;
  char alice[AVOW_NAME_SIZE], bob[AVOW_NAME_SIZE]; /* principals, not escaped */
  unsigned alice_line, bob_line;                   /* in the reader's list */
};

struct audit;

/** audit_new(ret, options): Returns AVOW_NO_MEMORY, AVOW_CRYPTO. */
enum avow_error audit_new(struct audit **ret, const struct audit_options *options);

/** audit_free(audit): NULL is fine. */
void audit_free(struct audit *audit);

/**
 * audit_input(audit, bytes):
 * The log goes on.  Call audit_next until AVOW_NOT_FOUND after each call.  Returns AVOW_NO_MEMORY,
 * AVOW_MALFORMED with a fault.
 */
enum avow_error audit_input(struct audit *audit, struct view bytes);

/**
 * audit_next(audit, ret):
 * Take the next fact.  Returns AVOW_NOT_FOUND if there is none now, AVOW_MALFORMED with a fault
 * (final), AVOW_NO_MEMORY, AVOW_CRYPTO.  On failure ${ret} may be touched.
 */
enum avow_error audit_next(struct audit *audit, struct fact *ret);

/** audit_end(audit): That was all.  Returns AVOW_OK, AVOW_MALFORMED with a fault. */
enum avow_error audit_end(struct audit *audit);

/** audit_fault(audit): Return the first fault; its kind is FAULT_NONE if there is none. */
const struct fault *audit_fault(const struct audit *audit);

/** audit_keeper(audit): Whose log it is; WHO_UNKNOWN before its first record. */
enum who audit_keeper(const struct audit *audit);

/** audit_parties(audit): Who they are. */
const struct parties *audit_parties(const struct audit *audit);

/** audit_head(audit): Return the value of the last head line; of an empty log that of nothing. */
const uint8_t *audit_head(const struct audit *audit);

/** audit_finished(audit): Return how many bytes of the log are covered by a head line. */
uint64_t audit_finished(const struct audit *audit);

/** audit_had_head(audit, value): Whether Bob's log had this head at one of its last 2^20 head
 * lines, or when it was empty. */
bool audit_had_head(const struct audit *audit, const uint8_t value[HEAD_SIZE]);

/**
 * audit_waiting(audit, first_id, count, digest):
 * In Bob's log: compute the digest of messages that no envelope has named yet.  Returns
 * AVOW_NOT_FOUND if they are not there, AVOW_CRYPTO.
 */
enum avow_error audit_waiting(const struct audit *audit, uint64_t first_id, uint64_t count,
                              uint8_t digest[SHA256_SIZE]);

/**
 * audit_check(claim, key):
 * Check one signature, with ${key} made of ${claim->key}.  Returns AVOW_NOT_AUTHENTIC,
 * AVOW_NO_MEMORY, AVOW_CRYPTO.  It may run on any thread; ${key} is used by one at a time.
 */
enum avow_error audit_check(const struct claim *claim, struct ed25519 *key);

/** audit_refuse(audit, claim): This claim is wrong: make that the fault, unless there is one
 * before it. */
void audit_refuse(struct audit *audit, const struct claim *claim);

#endif
