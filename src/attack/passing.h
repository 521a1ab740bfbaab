// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_ATTACK_PASSING_H
#define AVOW_ATTACK_PASSING_H

#include "attack/attack.h"
#include "base/when.h"

/* What mallory did to a frame. */
enum act {
  ACT_BEGAN,    /* a connection: the first hello of either side */
  ACT_PASSED,   /* let it pass as it is */
  ACT_CHANGED,  /* something else goes on in its place */
  ACT_DROPPED,  /* nothing does */
  ACT_HELD,     /* it goes on later */
  ACT_RELEASED, /* that is now */
  ACT_ADDED,    /* more goes on with it */
  ACT_CUT,      /* the line is cut, on one side or on both */
  ACT_ASKED,    /* her program is asked what to send: relay_answer */
  ACT_STRANGER, /* what came is no frame of this protocol: the line is cut */
};

/* One thing that happened, to be told.  "DID the 3rd token to Alice THEN." */
struct relay_event {
  enum act act;
  const struct attack *attack; /* whose; NULL: of none */
  unsigned connection;         /* from 1 */
  enum direction way;
  enum frame_type type;
  uint64_t nth;        /* of its type, way and connection, from 1 */
  struct view payload; /* of the frame as it came; valid until the next call on the relay */
  size_t size;         /* of the payload; also where ${payload} is not there any more */
  uint64_t mono_us;    /* when */
  char did[72], then[72];
};

enum relay_fate {
  RELAY_ON,
  RELAY_HALF, /* alice's side is to be closed, bob's not yet */
  RELAY_CUT,  /* both are */
};

/* A frame on its way, and what is to become of it.  The relay fills in the first part, deeds the
 * second. */
struct passing {
  enum direction way;
  enum frame_type type;
  unsigned connection;
  uint64_t nth;
  uint64_t mono_us;
  struct view frame; /* as it came, with its header */
  struct view payload;

  struct buf *bytes;          /* what goes on: at first, the frame */
  struct buf *before, *after; /* and around it */
  struct buf *back;           /* what goes back to its maker */
  bool dropped;
  bool asked;        /* her program decides */
  uint64_t hold_us;  /* it goes on so much later */
  bool stall;        /* and what comes behind it waits, too */
  bool until_next;   /* or when the next one has passed */
  uint64_t gap_us;   /* it goes on byte by byte, so far apart */
  uint64_t again_us; /* it goes on now, and once more so much later */
  enum relay_fate fate;
  uint64_t half_us; /* RELAY_HALF becomes RELAY_CUT so much later */
  enum avow_error error;
  struct relay_event *event; /* of the deed that is being done */
};

/** passing_say(passing, act, did, then): Tell what was done; see struct relay_event. */
void passing_say(struct passing *passing, enum act act, const char *did, const char *then);

/** passing_try(passing, error): Remember that something failed. */
void passing_try(struct passing *passing, enum avow_error error);

/** event_text(event, text, size): Write the sentence, without "Mallory: " and with its full stop,
 * to ${text}; 256 bytes are enough. */
void event_text(const struct relay_event *event, char *text, size_t size);

/** act_name(act), frame_type_name(type): One word: "held", "token". */
const char *act_name(enum act act);
const char *frame_type_name(enum frame_type type);

/** seconds_text(us, text, size): Write "4 s" or "0.25 s". */
void seconds_text(uint64_t us, char *text, size_t size);

#endif
