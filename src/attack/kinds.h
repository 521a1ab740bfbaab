// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_ATTACK_KINDS_H
#define AVOW_ATTACK_KINDS_H

#include "attack/attack.h"

/* The table of attacks, in the order in which `mallory list` shows them. */
#define ATTACK_KINDS_COUNT 25u
extern const struct attack_kind ATTACK_KINDS[ATTACK_KINDS_COUNT];

#endif
