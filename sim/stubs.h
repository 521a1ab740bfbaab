// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_SIM_STUBS_H
#define AVOW_SIM_STUBS_H

#include "world.h"

/** stubs_use(world): What src/io asks for is answered from this world. */
void stubs_use(struct world *world);

#endif
