// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_ATTACK_PLAN_H
#define AVOW_ATTACK_PLAN_H

#include "attack/attack.h"
#include "attack/dice.h"

/* What mallory has in mind, and what she remembers from one connection to the next. */

#define PLAN_ATTACKS_MAX 16u
#define PLAN_MEMORY 16u              /* frames that she remembers, of each way */
#define PLAN_FRAME_MAX (64u * 1024u) /* longer ones she does not */

struct remembered {
  unsigned connection;
  uint64_t nth;
  struct buf frame; /* with its header */
};

struct plan {
  struct attack attacks[PLAN_ATTACKS_MAX];
  size_t count;
  struct dice dice;
  /* The tokens that passed, by way: the first half stays, the second half is a ring. */
  struct remembered memory[2][PLAN_MEMORY];
  uint64_t remembered[2];
};

/** plan_init(plan, seed): No attacks yet. */
void plan_init(struct plan *plan, uint64_t seed);

/** plan_free(plan): Give the memory back. */
void plan_free(struct plan *plan);

/** plan_add(plan, attack): Have this in mind, too.  Returns AVOW_FULL. */
enum avow_error plan_add(struct plan *plan, const struct attack *attack);

/** plan_find(plan, role): Return the first attack with this role that is not used up, or NULL. */
struct attack *plan_find(struct plan *plan, enum attack_role role);

/** plan_remember(plan, way, connection, nth, frame): A token came.  Errors of buf_append. */
enum avow_error plan_remember(struct plan *plan, enum direction way, unsigned connection,
                              uint64_t nth, struct view frame);

/** plan_recall(plan, way, connection, last): Return the first (or ${last}) frame of ${way} from
 * another connection than ${connection}, or NULL. */
const struct remembered *plan_recall(const struct plan *plan, enum direction way,
                                     unsigned connection, bool last);

/** attack_wants(attack, plan, passing): Whether the attack is meant for this frame. */
bool attack_wants(const struct attack *attack, struct plan *plan, const struct passing *passing);

#endif
