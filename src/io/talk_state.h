// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_IO_TALK_STATE_H
#define AVOW_IO_TALK_STATE_H

/* The inside of a talk, for talk.c and talk_session.c only. */

#include "core/sender.h"
#include "io/input.h"
#include "io/journal.h"
#include "io/talk.h"

struct talk {
  struct talk_setting setting;
  struct link *link; /* the client's; NULL between connections */
  struct sender *sender;
  struct journal journal;
  struct input input;
  uv_timer_t timer, dots_timer, goodbye_timer, leave_timer;
  unsigned dots;
  bool finishing;   /* no more input is taken */
  bool complete;    /* all input was taken: its end was reached, or the person said so */
  bool interrupted; /* Ctrl-C, once */
  bool failed;      /* the input could not all be read */
  bool attacked;
  bool done;
  bool resumed;  /* there was one in an earlier run */
  bool met;      /* there was a connection */
  bool begun;    /* the log has its first record */
  uint64_t sent; /* and what was waiting before */
  uint64_t kept; /* of these, how many have reached the log */
  int handles;
  void (*on_ended)(void *owner);
  void *owner;
};

/** talk_config(talk): What its senders are made with. */
struct sender_config talk_config(const struct talk *talk);

/** talk_drive(talk, error): Store what the sender recorded, send what may leave then, show what it
 * tells; or be done, if ${error} is one. */
void talk_drive(struct talk *talk, enum avow_error error);

/** talk_begin_log(talk): Record the beginning of the log, once: it begins with the first thing that
 * it has to keep.  Errors of outbox_begin. */
enum avow_error talk_begin_log(struct talk *talk);

/** talk_begin_journal(talk): Create the log; false if the talk is done, since that failed. */
bool talk_begin_journal(struct talk *talk);

/** talk_fail(talk): Be done, after a failure that has been said. */
void talk_fail(struct talk *talk);

#endif
