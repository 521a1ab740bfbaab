// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_EVIDENCE_STATEMENT_H
#define AVOW_EVIDENCE_STATEMENT_H

#include "base/proof.h"
#include "crypto/hash.h"
#include "evidence/replay.h"
#include "keys/sshsig.h"

/* What is signed: short texts, one field on a line, the first line saying which.  Never stored:
 * whoever needs one makes it from the log.  docs/EVIDENCE.md, "Statements".
 *
 * Each function appends one statement to ${out}, and returns the errors of buf_append. */

/* A statement at its longest. */
#define STATEMENT_MAX 1024u

/** statement_opened(record): Return what is signed of an OPENED ${record}, which it points into. */
struct opened statement_opened(const struct record *record);

/** statement_opening(out, opened): By both: this is a session between us. */
enum avow_error statement_opening(struct buf *out, const struct opened *opened);

/* An envelope that is sent, and stored. */
struct enveloped {
  uint64_t first_id;
  unsigned count;
  uint8_t digest[SHA256_SIZE]; /* of the lines of its messages */
  uint64_t confirmed_us; /* receipt: when alice recorded it, and in which zone she wrote that */
  int confirmed_min;
  struct proof proof;
};

/** statement_enveloped(record): Return that of an ENVELOPE; the digest is still to be made. */
struct enveloped statement_enveloped(const struct record *record);

/** statement_origin(out, names, enveloped): By bob: I sent these messages. */
enum avow_error statement_origin(struct buf *out, const struct names *names,
                                 const struct enveloped *enveloped);

/** statement_receipt(out, names, enveloped): By alice: I have stored them. */
enum avow_error statement_receipt(struct buf *out, const struct names *names,
                                  const struct enveloped *enveloped);

/** statement_end(out, names, ended): By bob: these were all. */
enum avow_error statement_end(struct buf *out, const struct names *names,
                              const struct ended *ended);

/** statement_ended(out, names, ended): By alice: these were all that I have stored. */
enum avow_error statement_ended(struct buf *out, const struct names *names,
                                const struct ended *ended);

#endif
