// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_IO_CREW_H
#define AVOW_IO_CREW_H

#include "evidence/audit.h"

/* Threads that check signatures, one for each core, for any number of logs. */
struct crew;

/** crew_new(ret): Returns AVOW_NO_MEMORY, AVOW_SYSTEM. */
enum avow_error crew_new(struct crew **ret);

/** crew_free(crew): When no work is left; NULL is fine. */
void crew_free(struct crew *crew);

/* A fact whose claims are to be checked.  Its owner lets it be between crew_give and the end of
 * crew_wait. */
struct work {
  struct fact fact;
  enum avow_error errors[FACT_CLAIMS_MAX]; /* what audit_check said */
  unsigned left;                           /* claims that are not checked yet */
  unsigned given;                          /* claims that a thread has taken */
  struct work *next;
};

/** crew_give(crew, work): Have its claims checked, after those that were given before. */
void crew_give(struct crew *crew, struct work *work);

/** crew_wait(crew, work): Wait until they are. */
void crew_wait(struct crew *crew, struct work *work);

#endif
