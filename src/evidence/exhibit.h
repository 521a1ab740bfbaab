// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_EVIDENCE_EXHIBIT_H
#define AVOW_EVIDENCE_EXHIBIT_H

#include "evidence/replay.h"
#include "evidence/statement.h"

/* What can be shown to somebody of one message: the message, the lines that the digest of its
 * envelope is made of, and what both sides signed of the envelope and of a connection before it.
 *
 * The log's records are given twice, from the first one: exhibit_find looks for the envelope, then
 * exhibit_gather takes the messages.  So nothing has to be kept that is not wanted. */
struct exhibit {
  uint64_t id;   /* of the message */
  bool in_plain; /* the session has no evidence */
  bool has_connection, has_envelope, has_message, has_text;
  struct record connection; /* in which alice stored the message; both have signed it */
  uint8_t bob_agreed[SIGNATURE_SIZE];
  struct record envelope;
  uint8_t hash[64];      /* of the message, SHA-512 */
  uint64_t timestamp_us; /* by bob's clock, in his zone */
  int timestamp_min;
  struct buf text;  /* raw, if has_text */
  struct buf lines; /* those that the digest is made of */
  struct enveloped enveloped;
  struct names names;
  struct record offered; /* a connection that only alice has signed so far */
  uint64_t gathered;     /* messages of the envelope, in order */
};

/** exhibit_init(exhibit, id): Of the message ${id}. */
void exhibit_init(struct exhibit *exhibit, uint64_t id);

/** exhibit_free(exhibit): Give the memory back. */
void exhibit_free(struct exhibit *exhibit);

/** exhibit_find(exhibit, record): The first reading goes on; has_envelope says when it can end. */
void exhibit_find(struct exhibit *exhibit, const struct record *record);

/** exhibit_gather(exhibit, record): The second reading, up to the envelope.  Errors of buf_append.
 */
enum avow_error exhibit_gather(struct exhibit *exhibit, const struct record *record);

/* What both signed of it. */
enum exhibit_part {
  EXHIBIT_OPENING_ALICE,
  EXHIBIT_OPENING_BOB,
  EXHIBIT_ORIGIN,  /* by bob */
  EXHIBIT_RECEIPT, /* by alice */
  EXHIBIT_PARTS,
};

/**
 * exhibit_complete(exhibit, hash):
 * Both readings are over: compute the digest.  Returns AVOW_NOT_FOUND if the log does not hold the
 * message, its envelope or a connection, as has_... say; AVOW_MALFORMED if the envelope's messages
 * are not all there, in order; AVOW_CRYPTO.
 */
enum avow_error exhibit_complete(struct exhibit *exhibit, struct hash *hash);

/** exhibit_statement(exhibit, part, out): Append what was signed.  Errors of buf_append. */
enum avow_error exhibit_statement(const struct exhibit *exhibit, enum exhibit_part part,
                                  struct buf *out);

/** exhibit_by_alice(part): Whether she should have signed it; else bob. */
bool exhibit_by_alice(enum exhibit_part part);

/** exhibit_key(exhibit, part): Return the key of the one who should have signed it. */
const uint8_t *exhibit_key(const struct exhibit *exhibit, enum exhibit_part part);

/** exhibit_signature(exhibit, part): Return the signature. */
const uint8_t *exhibit_signature(const struct exhibit *exhibit, enum exhibit_part part);

/** exhibit_time(exhibit, part): Return when it was signed, as it says itself; of the origin, when
 * alice confirmed it. */
uint64_t exhibit_time(const struct exhibit *exhibit, enum exhibit_part part);

/** exhibit_verify(exhibit, part): Check the signature.  Returns AVOW_NOT_AUTHENTIC, also where the
 * log names another key behind it; AVOW_NO_MEMORY, AVOW_CRYPTO. */
enum avow_error exhibit_verify(const struct exhibit *exhibit, enum exhibit_part part);

#endif
