// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_ATTACK_DEEDS_H
#define AVOW_ATTACK_DEEDS_H

#include "attack/passing.h"
#include "attack/plan.h"

/* What each kind of attack does to a frame that it wants.  The contract is that of
 * struct attack_kind. */
typedef void deed(const struct attack *attack, struct plan *plan, struct passing *passing);

deed deed_modify, deed_truncate, deed_inject, deed_replay, deed_reorder, deed_duplicate, deed_drop,
    deed_delay, deed_fake, deed_reflect, deed_cut, deed_half_open, deed_flood, deed_drip, deed_huge,
    deed_downgrade, deed_splice, deed_forge, deed_chaos;

/** chaos_axes(ret_count): Return the names of the attacks that chaos mixes. */
const char *const *chaos_axes(size_t *ret_count);

#endif
