// SPDX-License-Identifier: Apache-2.0
#include "attack/deeds.h"

/* What chaos does at the same rate each, one at a time. */
static const char *const AXES[] = {
    "modify",     "truncate",          "inject",  "replay", "reorder",   "duplicate", "drop",
    "delay",      "fake-confirmation", "reflect", "cut",    "half-open", "flood",     "drip",
    "huge-length"};
#define AXES_COUNT (sizeof AXES / sizeof AXES[0])

const char *const *chaos_axes(size_t *ret_count) {
  *ret_count = AXES_COUNT;
  return AXES;
}

/* Each time anew: where, how long, how many. */
static void vary(struct attack *attack, struct dice *dice, size_t size) {
  int64_t *value = attack->value;
  value[OPTION_BYTE] = BYTE_ANY;
  value[OPTION_BIT] = BIT_ANY;
  value[OPTION_SIZE] = (int64_t)(1 + dice_below(dice, size));
  value[OPTION_COUNT] = (int64_t)(1 + dice_below(dice, 20));
  value[OPTION_SECONDS] = (int64_t)(1 + dice_below(dice, 2000000));
  value[OPTION_GAP] = (int64_t)(1 + dice_below(dice, 2000));
  value[OPTION_WHAT] = (int64_t)dice_below(dice, WHAT_EMPTY + 1);
  value[OPTION_WHEN] = (int64_t)dice_below(dice, ANOTHER_CONNECTION + 1);
  value[OPTION_OVERTAKE] = (int64_t)dice_below(dice, 2);
}

void deed_chaos(const struct attack *attack, struct plan *plan, struct passing *passing) {
  struct attack one;
  const struct attack_kind *kind =
      attack_kind_named(view_text(AXES[dice_below(&plan->dice, AXES_COUNT)]));
  attack_default(kind, &one);
  vary(&one, &plan->dice, passing->frame.size);
  (void)attack;
  kind->deed(&one, plan, passing);
}
