// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_BASE_MUTANT_H
#define AVOW_BASE_MUTANT_H

/* Seeded faults: tools/mutants builds the code with one of them at a time, and the simulator or a
 * unit test must catch it.  In every other build all of them are constant and false. */
#ifndef AVOW_MUTANT
#define AVOW_MUTANT 0
#endif
#define MUTANT(n) (AVOW_MUTANT == (n))

#endif
