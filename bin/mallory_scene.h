// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_BIN_MALLORY_SCENE_H
#define AVOW_BIN_MALLORY_SCENE_H

#include <stdbool.h>
#include <stddef.h>

#include "wire/greeting.h"

/* The rows of the matrix, and what must come of each. */

enum delivered {
  DELIVERED_ONCE,     /* all messages, once, in their order */
  DELIVERED_WAITS,    /* none; all wait in bob's outbox */
  DELIVERED_BELIEVED, /* none, and bob believes that all are */
  DELIVERED_FORGED,   /* mallory's text in the place of each */
  DELIVERED_SPOILT,   /* mallory's text in the place of the second */
  DELIVERED_MORE,     /* all, once, and one of mallory's as bob's */
};

enum place { ALICE_LOG, BOB_LOG, ALICE_SCREEN, BOB_SCREEN, MALLORY_HERSELF };

/* Who notices, and what stands there then. */
struct sight {
  enum place place;
  const char *text; /* of an incident, the sentence; NULL: nobody notices */
};

struct outcome {
  enum delivered delivered;
  int code; /* bob's exit status */
  struct sight sights[2];
};

enum {
  SCENE_SLOW_BOB = 1,   /* he resends after 5 s, not after one */
  SCENE_RESTART = 2,    /* alice is killed after the first message, and started again */
  SCENE_TWO_BOBS = 4,   /* one after the other in the same minute, on one alice */
  SCENE_POSE = 8,       /* bob starts when mallory has called alice */
  SCENE_ANY_SIGHT = 16, /* whatever is noticed */
  SCENE_GIVE_UP = 32    /* bob is interrupted, if he has not ended after some seconds */
};

struct scene {
  const char *title;
  const char *attacks[2];
  unsigned how;
  struct outcome outcome[2]; /* by enum handshake */
};

/* What bob says, in this order. */
#define SCENE_TEXTS 3u
extern const char *const SCENE_TEXT[SCENE_TEXTS];
/* What mallory says, where she can. */
#define SCENE_FORGED "Mallory was here."

/** scenes(ret_count): Return all rows. */
const struct scene *scenes(size_t *ret_count);

/* What came of a scene, to be printed. */
struct result {
  bool good;
  char learned[64], delivered[80], noticed[120], proof[320];
  char problem[400]; /* if it is not good */
};

/**
 * scene_play(scene, mode, programs, folder, ret):
 * Play it for real in ${folder}, with the programs of the folder ${programs}.  Takes seconds.
 */
void scene_play(const struct scene *scene, enum handshake mode, const char *programs,
                const char *folder, struct result *ret);

#endif
