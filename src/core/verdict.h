// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_CORE_VERDICT_H
#define AVOW_CORE_VERDICT_H

/* What a core says of an input, or of its absence. */
enum verdict {
  VERDICT_ACCEPTED,
  VERDICT_DUPLICATE,   /* a retransmission of what is stored: confirmed again */
  VERDICT_REPLAYED,    /* not newer than the last transmission */
  VERDICT_STALE,       /* too old */
  VERDICT_MODIFIED,    /* the token or a hash does not verify */
  VERDICT_MALFORMED,   /* bytes that do not follow the protocol */
  VERDICT_EARLY,       /* a message before it is missing */
  VERDICT_CONFLICT,    /* another message under an id that is stored */
  VERDICT_UNCONFIRMED, /* no confirmation came in time */
  VERDICT_CUT,         /* the connection ended without an end of the session */
};
#define VERDICT_COUNT (VERDICT_CUT + 1)

/** verdict_name(verdict): Return its name in one lower-case word, for logs and JSON. */
const char *verdict_name(enum verdict verdict);

/**
 * verdict_attack(verdict):
 * Return the sentence that names the attack, e.g. "Possible replay attack.", or "" where nothing is
 * suspected.
 */
const char *verdict_attack(enum verdict verdict);

#endif
