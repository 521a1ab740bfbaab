// SPDX-License-Identifier: Apache-2.0
#include "attack/plan.h"

#include "attack/passing.h"

#define KEPT (PLAN_MEMORY / 2)

void plan_init(struct plan *plan, uint64_t seed) {
  *plan = (struct plan){.dice = {seed}};
  for (size_t way = 0; way < 2; way++)
    for (size_t i = 0; i < PLAN_MEMORY; i++)
      buf_init(&plan->memory[way][i].frame, PLAN_FRAME_MAX);
}

void plan_free(struct plan *plan) {
  for (size_t way = 0; way < 2; way++)
    for (size_t i = 0; i < PLAN_MEMORY; i++)
      buf_free(&plan->memory[way][i].frame);
}

enum avow_error plan_add(struct plan *plan, const struct attack *attack) {
  if (plan->count == PLAN_ATTACKS_MAX)
    return AVOW_FULL;
  plan->attacks[plan->count++] = *attack;
  return AVOW_OK;
}

static bool used_up(const struct attack *attack) {
  uint64_t times = (uint64_t)attack->value[OPTION_TIMES];
  return times > 0 && attack->done >= times;
}

struct attack *plan_find(struct plan *plan, enum attack_role role) {
  for (size_t i = 0; i < plan->count; i++)
    if (plan->attacks[i].kind->role == role && !used_up(&plan->attacks[i]))
      return &plan->attacks[i];
  return NULL;
}

enum avow_error plan_remember(struct plan *plan, enum direction way, unsigned connection,
                              uint64_t nth, struct view frame) {
  if (frame.size > PLAN_FRAME_MAX)
    return AVOW_OK;
  uint64_t number = plan->remembered[way - 1]++;
  size_t at = number < KEPT ? (size_t)number : KEPT + (size_t)(number % (PLAN_MEMORY - KEPT));
  struct remembered *to = &plan->memory[way - 1][at];
  to->connection = connection;
  to->nth = nth;
  buf_clear(&to->frame);
  return buf_append(&to->frame, frame);
}

const struct remembered *plan_recall(const struct plan *plan, enum direction way,
                                     unsigned connection, bool last) {
  const struct remembered *found = NULL;
  for (size_t i = 0; i < PLAN_MEMORY; i++) {
    const struct remembered *one = &plan->memory[way - 1][i];
    if (buf_view(&one->frame).size == 0 || one->connection == connection)
      continue;
    bool later = found != NULL && (one->connection > found->connection ||
                                   (one->connection == found->connection && one->nth > found->nth));
    if (found == NULL || later == last)
      found = one;
  }
  return found;
}

bool attack_wants(const struct attack *attack, struct plan *plan, const struct passing *passing) {
  const int64_t *value = attack->value;
  uint64_t during_us = (uint64_t)value[OPTION_DURING];
  bool in_time =
      during_us == 0 || attack->done == 0 || passing->mono_us - attack->since_us < during_us;
  return attack->kind->deed != NULL && !used_up(attack) && in_time &&
         (value[OPTION_TO] == TO_EITHER || value[OPTION_TO] == (int64_t)passing->way) &&
         (value[OPTION_TYPE] == TYPE_ANY || value[OPTION_TYPE] == (int64_t)passing->type) &&
         (value[OPTION_NTH] == 0 || (uint64_t)value[OPTION_NTH] == passing->nth) &&
         (value[OPTION_CONNECTION] == 0 ||
          value[OPTION_CONNECTION] == (int64_t)passing->connection) &&
         dice_percent(&plan->dice, (uint64_t)value[OPTION_RATE]);
}
