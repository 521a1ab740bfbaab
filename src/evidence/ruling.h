// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_EVIDENCE_RULING_H
#define AVOW_EVIDENCE_RULING_H

#include "evidence/compare.h"

/* From facts to an answer. */

enum ruling {
  RULING_PROVEN,
  RULING_REFUTED,
  RULING_UNDECIDED,
};

/** ruling_name(ruling): "PROVEN", "REFUTED" or "UNDECIDED". */
const char *ruling_name(enum ruling ruling);

/* What is asked. */
enum question_kind {
  QUESTION_VERIFY,   /* are the logs as they were signed? */
  QUESTION_SENT,     /* did Bob send message N? */
  QUESTION_STORED,   /* did Alice store it? */
  QUESTION_COMPLETE, /* does the log hold the whole session? */
  QUESTION_SAME,     /* do both logs tell one story? */
};

struct question {
  enum question_kind kind;
  uint64_t id;
};

/* What one log has shown, as far as its claims are right. */
struct testimony {
  bool there; /* the log was given */
  enum who keeper;
  bool known, tls;        /* there is a connection, and of which kind */
  bool uncovered;         /* it ends with a chunk without a head line */
  bool covers;            /* an envelope covers the message that is asked for */
  struct record envelope; /* that one, without its views */
  bool has_message;       /* the message stands in it, in a finished chunk */
  struct record message;  /* without its views */
  bool any_end;           /* it has an end */
  bool at_end;            /* and that is the last that it has, but for incidents */
  struct record end;
  bool given_up; /* Bob has closed his log without her: nobody has signed that */
  uint64_t connections, agreed, messages, envelopes, confirmed, incidents, texts, signatures;
  struct fault fault;
};

/** testimony_take(testimony, question, fact): The next fact of this log. */
void testimony_take(struct testimony *testimony, const struct question *question,
                    const struct fact *fact);

/* What is put before the judge. */
struct bench {
  struct question question;
  struct testimony alice, bob;
  bool copies; /* both are of one side's; what they are asked is whether they tell one story */
  struct fault compared; /* between the two */
  struct story story;    /* if both are there */
};

#define RULING_TEXT_SIZE 1024u

/**
 * ruling_give(bench, text):
 * Answer, with one sentence in ${text} of RULING_TEXT_SIZE that says why.
 */
enum ruling ruling_give(const struct bench *bench, char text[RULING_TEXT_SIZE]);

#endif
