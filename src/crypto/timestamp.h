// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_CRYPTO_TIMESTAMP_H
#define AVOW_CRYPTO_TIMESTAMP_H

#include "base/bytes.h"
#include "crypto/hash.h"

/* Time stamps of RFC 3161: an authority signs that a hash existed at a time.  Queries and answers
 * are DER, as `openssl ts` reads and writes them.  No clock is asked. */

/* A query or an answer at its longest; an answer holds the authority's certificates. */
#define TIMESTAMP_MAX (64u * 1024u)

/** timestamp_query(imprint, query): Append a query for a SHA-256 hash, with a random nonce, that
 * asks for the certificates.  Returns AVOW_NO_MEMORY, AVOW_CRYPTO, errors of buf_append. */
enum avow_error timestamp_query(const uint8_t imprint[SHA256_SIZE], struct buf *query);

/* What an answer says.  Nothing of it is proven before timestamp_verify. */
struct timestamp {
  uint8_t imprint[SHA256_SIZE];
  uint64_t when_us;    /* to the second */
  char authority[256]; /* the subject of its certificate (RFC 4514), cut to fit; "" if none */
};

/**
 * timestamp_read(answer, ret):
 * Read an answer.  Returns AVOW_MALFORMED if it is none, or stamps no SHA-256 hash; AVOW_NOT_FOUND
 * if the authority refuses, and says why in ${ret->authority} (not escaped, maybe some lines).
 */
enum avow_error timestamp_read(struct view answer, struct timestamp *ret);

/** timestamp_answers(answer, query): Whether it is an answer to this query: the same hash and
 * nonce. Returns AVOW_MALFORMED if one of them cannot be read, AVOW_NOT_AUTHENTIC if it is not. */
enum avow_error timestamp_answers(struct view answer, struct view query);

/**
 * timestamp_verify(answer, authorities):
 * Check the authority's signature.  ${authorities} are certificates in PEM: one of them must have
 * issued the authority's.  All of them must be valid at the time of the stamp.  Returns
 * AVOW_NOT_AUTHENTIC, AVOW_MALFORMED for the answer, AVOW_NOT_FOUND if there is no certificate in
 * ${authorities}, AVOW_NO_MEMORY, AVOW_CRYPTO.
 */
enum avow_error timestamp_verify(struct view answer, struct view authorities);

#endif
