// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_SIM_RULES_H
#define AVOW_SIM_RULES_H

#include "evidence/replay.h"
#include "world.h"

/* What docs/EVIDENCE.md says that a third person checks, on one log record by record, and on both
 * logs of a session together.  A check of its own: no code of src/evidence rules here, only the
 * statements and the records come from there. */
struct rules;

/** rules_grow(items, count, size): Return ${items} with room for one more. */
void *rules_grow(void *items, size_t count, size_t size);

/** rules_new(world, side): For a log of ${side}'s. */
struct rules *rules_new(const struct world *world, enum side side);

/** rules_free(rules): NULL is fine. */
void rules_free(struct rules *rules);

/** rules_take(rules, record): The log's next record.  Return NULL, or which rule it breaks. */
const char *rules_take(struct rules *rules, const struct record *record);

/** rules_session(rules): Return the session's id; NULL if the log tells of no connection. */
const uint8_t *rules_session(const struct rules *rules);

/** rules_said(rules): Whether the log has a message, or an opening that bob signed. */
bool rules_said(const struct rules *rules);

/** rules_enveloped(rules): Return how many of them are in envelopes: in bob's log, confirmed. */
uint64_t rules_enveloped(const struct rules *rules);

/** rules_both(bob, alice): Both logs of a session.  Return NULL, or which rule they break. */
const char *rules_both(const struct rules *bob, const struct rules *alice);

/**
 * rules_holds(rules, hex, openings):
 * Whether the log holds this head of the other side's, of 64 hex digits, in what the other one has
 * signed: so that he cannot deny it.  ${openings}: that of a connection counts, too.
 */
bool rules_holds(const struct rules *rules, const uint8_t *hex, bool openings);

/** rules_line(rules, head, behind): Whether the log has a head line of this value, or it is that of
 * an empty log; with at least ${behind} messages before it. */
bool rules_line(const struct rules *rules, const uint8_t head[HEAD_SIZE], uint64_t behind);

/** rules_given(rules, i): Return alice's head of number ${i} that the log says she gave to bob,
 * oldest first; NULL if there are not so many. */
const uint8_t *rules_given(const struct rules *rules, size_t i);

/** rules_seen(rules): Of these, return the number of the last one that bob signed, or of the
 * connection's. */
size_t rules_seen(const struct rules *rules);

/** rules_bob_head(rules): Return bob's head that he signed last. */
const uint8_t *rules_bob_head(const struct rules *rules);

/** rules_ends(rules): Return how many ends the log tells of. */
size_t rules_ends(const struct rules *rules);

/** rules_names(rules): Return whose session it is. */
const struct names *rules_names(const struct rules *rules);

/** rules_gave(rules, head): Whether it is one of these. */
bool rules_gave(const struct rules *rules, const uint8_t head[HEAD_SIZE]);

#endif
