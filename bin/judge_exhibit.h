// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_BIN_JUDGE_EXHIBIT_H
#define AVOW_BIN_JUDGE_EXHIBIT_H

#include "base/when.h"
#include "evidence/exhibit.h"
#include "judge.h"
#include "keys/public_key.h"

/* The line of the reader's list that vouches for a signature. */
struct voucher {
  char name[AVOW_NAME_SIZE]; /* the principal */
  unsigned line;             /* in the list; 0 if the log's own word is all there is */
};

/* An exhibit whose signatures verify. */
struct shown {
  struct exhibit exhibit;
  const char *log, *keys_path; /* keys_path is NULL without a list */
  struct buf keys;             /* the list */
  struct voucher vouchers[EXHIBIT_PARTS];
  char alice[FINGERPRINT_SIZE], bob[FINGERPRINT_SIZE];
};

/**
 * shown_load(shown, log, id, keys):
 * Read the evidence for message ${id} from ${log} and check it: the digest, all four signatures,
 * and with ${keys} (NULL: without) that the list has the keys, valid at the time.  Returns
 * JUDGE_PROVEN; else why not is said, and shown_free is due either way.
 */
enum judge_code shown_load(struct shown *shown, const char *log, uint64_t id, const char *keys);

/** shown_free(shown): Give the memory back. */
void shown_free(struct shown *shown);

/** shown_name(shown, part): Return who signed: a principal, or "alice" or "bob" without a list. */
const char *shown_name(const struct shown *shown, enum exhibit_part part);

#endif
