// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_EVIDENCE_COMPARE_H
#define AVOW_EVIDENCE_COMPARE_H

#include "evidence/audit.h"

/* Both logs of a session, side by side: docs/EVIDENCE.md, "Both logs together".  Each is audited
 * alone, too; the facts come from there, once their claims have been checked.  It says whose next
 * fact it wants, so that neither log is kept in memory. */
struct compare;

/** compare_new(ret, bob): ${bob} is the audit of his log, which may be ahead of the facts.  Returns
 * AVOW_NO_MEMORY. */
enum avow_error compare_new(struct compare **ret, const struct audit *bob);

/** compare_free(compare): NULL is fine. */
void compare_free(struct compare *compare);

/** compare_wants(compare): Whose next fact is wanted; WHO_UNKNOWN when all is said. */
enum who compare_wants(const struct compare *compare);

/**
 * compare_take(compare, fact):
 * Take the next fact of the one who is wanted; NULL: there is no other.  Returns AVOW_MALFORMED
 * with a fault (final), AVOW_NO_MEMORY, AVOW_CRYPTO.
 */
enum avow_error compare_take(struct compare *compare, const struct fact *fact);

/** compare_fault(compare): Return the first fault; its kind is FAULT_NONE if there is none. */
const struct fault *compare_fault(const struct compare *compare);

/* How far the two logs tell one story. */
struct story {
  uint64_t connections; /* in both */
  uint64_t messages;    /* in envelopes that stand in both */
  uint64_t unreceived;  /* messages in envelopes of Alice's log that Bob has no receipt for */
  bool ended;           /* the same end stands at the end of both */
  bool bob_lacks_end;   /* Alice's log ends with an end that Bob has signed, and his lacks it */
  uint8_t bob_head[HEAD_SIZE], alice_head[HEAD_SIZE]; /* the last that stand in both */
};

/** compare_story(compare): Return that. */
const struct story *compare_story(const struct compare *compare);

/**
 * compare_copies(keeper, one, other, ret):
 * Two logs of one side's: the facts that stand at the same place among those with claims.  Whether
 * they are the same; if not, its keeper has signed two stories, and ${ret} says so.  What one log
 * has beyond the other is no difference.
 */
bool compare_copies(enum who keeper, const struct fact *one, const struct fact *other,
                    struct fault *ret);

#endif
