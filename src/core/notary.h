// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_CORE_NOTARY_H
#define AVOW_CORE_NOTARY_H

#include "core/session.h"
#include "crypto/hash.h"
#include "evidence/statement.h"

/* Signs our statements of a session, and checks the other side's.  In plain mode there is nothing
 * to sign: ${on} is false, and nothing else may be called but notary_close. */
struct notary {
  bool on;
  struct names names;
  struct ed25519 *own; /* borrowed */
  struct ed25519 *peer;
  struct hash *hash;
  struct buf text;  /* a statement */
  struct buf lines; /* what a digest is made of */
};

/**
 * notary_open(notary, session, bob):
 * Begin on a session, whose key outlives the notary; ${bob}: we are bob.  Returns AVOW_NO_MEMORY,
 * AVOW_CRYPTO; notary_close is due either way.
 */
enum avow_error notary_open(struct notary *notary, const struct session *session, bool bob);

/** notary_close(notary): Free; also a zeroed or a closed one. */
void notary_close(struct notary *notary);

/** notary_text(notary): Return the empty buffer that the statement to sign or check goes to. */
struct buf *notary_text(struct notary *notary);

/** notary_sign(notary, signature): Sign it.  Returns AVOW_NO_MEMORY, AVOW_CRYPTO. */
enum avow_error notary_sign(struct notary *notary, uint8_t signature[SIGNATURE_SIZE]);

/**
 * notary_check(notary, own, signature, ret_good):
 * Check that the other side has signed it, or that we have (${own}).  Returns AVOW_NO_MEMORY,
 * AVOW_CRYPTO.
 */
enum avow_error notary_check(struct notary *notary, bool own,
                             const uint8_t signature[SIGNATURE_SIZE], bool *ret_good);

/** notary_digest(notary, bob_min, first_id, count, messages, digest): Of so many messages of a
 * body; bob writes his times in the zone ${bob_min}.  Errors of buf_append, AVOW_CRYPTO. */
enum avow_error notary_digest(struct notary *notary, int bob_min, uint64_t first_id, unsigned count,
                              struct reader messages, uint8_t digest[SHA256_SIZE]);

#endif
