// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_SIM_JUDGED_H
#define AVOW_SIM_JUDGED_H

#include "evidence/ruling.h"
#include "world.h"

/** judged(keys, bob, alice, ret_why): What judge says of both logs of a session, asked whether they
 * tell one story; and why, in words that stay until the next call. */
enum ruling judged(struct ed25519 *const keys[2], struct view bob, struct view alice,
                   const char **ret_why);

#endif
