// SPDX-License-Identifier: Apache-2.0
#include "core/verdict.h"

#include <assert.h>

static const struct {
  const char *name, *attack;
} VERDICTS[] = {
    [VERDICT_ACCEPTED] = {"accepted", ""},
    [VERDICT_DUPLICATE] = {"duplicate", ""},
    [VERDICT_REPLAYED] = {"replayed", "Possible replay attack."},
    [VERDICT_STALE] = {"stale", "Possible replay attack."},
    [VERDICT_MODIFIED] = {"modified", "Possible modification attack."},
    [VERDICT_MALFORMED] = {"malformed", "Possible modification attack."},
    [VERDICT_EARLY] = {"early", "Possible interruption attack."},
    [VERDICT_CONFLICT] = {"conflict", "Possible modification attack."},
    [VERDICT_UNCONFIRMED] = {"unconfirmed", "Possible interruption attack."},
    [VERDICT_CUT] = {"cut", "Possible interruption attack."},
};
static_assert(sizeof VERDICTS / sizeof VERDICTS[0] == VERDICT_COUNT, "one row per verdict");

const char *verdict_name(enum verdict verdict) {
  return VERDICTS[verdict].name;
}

const char *verdict_attack(enum verdict verdict) {
  return VERDICTS[verdict].attack;
}
