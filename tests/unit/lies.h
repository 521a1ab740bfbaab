// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_TESTS_UNIT_LIES_H
#define AVOW_TESTS_UNIT_LIES_H

#include "made_trial.h"

/* Logs of liars.  Their heads are computed anew, and all is signed by those who own the keys. */

/* How a lie is told: from an honest beginning on. */
struct lie {
  const char *rule, *text; /* what the fault says, in part */
  enum who log;
  void (*tell)(struct made *made);
};

/* Goal: each lie is seen, named, and on the line where it stands; nothing is proven. */
static inline void tell_lies(const struct lie *lies, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const struct lie *lie = &lies[i];
    struct made *made = made_begin();
    struct trial trial;
    char text[RULING_TEXT_SIZE];
    lie->tell(made);
    made_seal(&made->alice);
    made_seal(&made->bob);
    trial_begin(&trial, made, "", "");
    bool alice = lie->log == WHO_ALICE;
    struct view log = buf_view(alice ? &made->alice.log : &made->bob.log);
    enum ruling ruling =
        trial_rule(&trial, made, alice ? log : no_log(), alice ? no_log() : log, 1 << 20, text);
    const struct fault *fault = alice ? &trial.bench.alice.fault : &trial.bench.bob.fault;
    if (ruling != RULING_REFUTED || fault->kind != FAULT_BROKEN ||
        strstr(fault->text, lie->text) == NULL || fault->line == 0)
      fail_msg("rule %s: \"%s\" is not seen: %s, %s", lie->rule, lie->text, ruling_name(ruling),
               text);
    trial_end(&trial);
    made_end(made);
  }
}

#endif
