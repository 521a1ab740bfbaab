// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_ATTACK_ATTACK_H
#define AVOW_ATTACK_ATTACK_H

#include "base/bytes.h"
#include "wire/frame.h"
#include "wire/sealed.h"

/* The attacks, and how they are asked for: "replay,when=later,seconds=2". */

/* What an attack can be told.  Most are numbers; some have words for them. */
enum attack_option {
  OPTION_NONE,       /* of a list: its end */
  OPTION_TO,         /* which way: enum direction, or TO_EITHER */
  OPTION_TYPE,       /* enum frame_type, or TYPE_ANY */
  OPTION_NTH,        /* of its type, its way and its connection, from 1; 0: each */
  OPTION_TIMES,      /* at most so often in all; 0: without end */
  OPTION_CONNECTION, /* on this one only, from 1; 0: on each */
  OPTION_RATE,       /* percent of those that fit */
  OPTION_BYTE,       /* counted from the frame's first; negative: from its end; or BYTE_ANY */
  OPTION_BIT,        /* 0 to 7, or BIT_ANY */
  OPTION_SIZE,       /* bytes */
  OPTION_COUNT,      /* how many */
  OPTION_SECONDS,    /* microseconds inside, seconds on the command line */
  OPTION_GAP,        /* the same */
  OPTION_DURING,     /* the same: from the first one on; 0: without end */
  OPTION_WHAT,       /* enum attack_what */
  OPTION_WHEN,       /* enum attack_when */
  OPTION_OVERTAKE,   /* whether what comes behind a held frame may overtake it */
  OPTION_SEED,       /* of the dice */
  OPTION_TEXT,       /* a text: struct attack, text */
  OPTION_LAST,
};

#define TO_EITHER 0
#define TYPE_ANY 0
#define BYTE_ANY INT64_MIN
#define BIT_ANY (-1)

enum attack_what { WHAT_NOISE, WHAT_HTTP, WHAT_OPEN, WHAT_TOKEN, WHAT_EMPTY };
enum attack_when { AT_ONCE, LATER, ANOTHER_CONNECTION };

/* Who mallory is in it.  On the line she holds no key.  The others are played by her program,
 * which the relay asks. */
enum attack_role {
  ROLE_LINE,  /* she does something to frames */
  ROLE_FORGE, /* she needs the session's key: she has it if it went over the line in the clear */
  ROLE_ALICE, /* she answers bob herself */
  ROLE_BOB,   /* she calls alice herself */
};

struct attack;
struct plan;
struct passing;

struct attack_default {
  enum attack_option option;
  int64_t value;
};

struct attack_kind {
  const char *name;
  const char *line; /* what she does, in one line */
  enum attack_role role;
  /* Takes a frame that is wanted, and says through passing_say what it did; or does nothing, and
   * the frame counts as not wanted.  NULL: this attack does nothing to frames. */
  void (*deed)(const struct attack *attack, struct plan *plan, struct passing *passing);
  struct attack_default defaults[12]; /* the options that it knows, up to OPTION_NONE */
};

/* One attack that was asked for. */
struct attack {
  const struct attack_kind *kind;
  int64_t value[OPTION_LAST];
  const char *text;  /* borrowed from whoever asked */
  uint64_t done;     /* how often so far */
  uint64_t since_us; /* monotonic: when it was first done */
};

#define ATTACK_TEXT_MAX 256u

/** attack_kinds(ret_count): Return all kinds of attack. */
const struct attack_kind *attack_kinds(size_t *ret_count);

/** attack_kind_named(name): Return the kind, or NULL. */
const struct attack_kind *attack_kind_named(struct view name);

/** attack_default(kind, ret): Set up an attack of this kind as nobody asked otherwise. */
void attack_default(const struct attack_kind *kind, struct attack *ret);

/**
 * attack_parse(text, ret, problem, size):
 * Read "NAME[,option=value...]".  ${text} outlives the attack, and is changed where an option ends.
 * Returns AVOW_MALFORMED, having written a sentence on what is wrong to ${problem}, which has
 * ${size} bytes.
 */
enum avow_error attack_parse(char *text, struct attack *ret, char *problem, size_t size);

/** attack_option_text(option, value, text, size): Write a value as it is given, "seconds=4". */
void attack_option_text(enum attack_option option, int64_t value, char *text, size_t size);

/** attack_option_line(option): Return what the option means, in a few words. */
const char *attack_option_line(enum attack_option option);

/** nearest_name(name, names, count): Return the one of ${names} that is spelt most like ${name}; or
 * NULL if none is near. */
const char *nearest_name(struct view name, const char *const *names, size_t count);

#endif
