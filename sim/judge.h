// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_SIM_JUDGE_H
#define AVOW_SIM_JUDGE_H

#include "disk.h"

/** judge_session(world, bob, alice): Let the judge's code rule on both logs of a session.  Return
 * NULL, or the fault that it finds, valid until the next call. */
const char *judge_session(const struct world *world, const struct file *bob,
                          const struct file *alice);

#endif
