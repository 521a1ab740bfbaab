// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_IO_OUTBOX_LOG_H
#define AVOW_IO_OUTBOX_LOG_H

#include "core/sender.h"
#include "io/client.h"
#include "io/journal.h"

/* One of bob's logs, looked at: whose it is, and what waits in it. */
enum outbox_state {
  OUTBOX_FINISHED, /* its session has ended, or it does not hold anything yet */
  OUTBOX_OPEN,     /* its session can go on */
  OUTBOX_DAMAGED,
  OUTBOX_UNREADABLE,
};

struct outbox_log {
  const char *folder;
  enum outbox_state state;
  struct journal journal; /* its log is open to be read, unless that failed */
  struct sender *sender;  /* open ones only: restored from it */
  struct damage damage;   /* what is wrong with a damaged or unreadable one */
  bool headed;            /* what follows is known: its first record was in order */
  char to[AVOW_NAME_SIZE];
  bool tls;
  uint8_t bob_key[ED25519_PUBLIC_SIZE];
};

/**
 * outbox_log_read(ret, store, folder, name, config):
 * Look at the log ${name} of ${folder}; outbox_log_drop is due.  Nothing is changed, nor said, and
 * it is not opened to be written.
 */
void outbox_log_read(struct outbox_log *ret, struct store *store, const char *folder,
                     const char *name, const struct sender_config *config);

/**
 * outbox_log_claim(log, store, config):
 * Go on with an open one: keep others from it, and read it again now that it stands.  Errors of
 * journal_resume and journal_replay, said.
 */
enum avow_error outbox_log_claim(struct outbox_log *log, struct store *store,
                                 const struct sender_config *config);

/** outbox_log_say(log): Say on the screen what is wrong with a damaged or unreadable one. */
void outbox_log_say(const struct outbox_log *log);

/** outbox_log_drop(log): Free all, but the sender and the journal if they are zeroed. */
void outbox_log_drop(struct outbox_log *log);

/** outbox_names(folder, store, names): Append the names of all logs, for outbox_next_name.  Errors
 * of store_names, said. */
enum avow_error outbox_names(const char *folder, struct store *store, struct buf *names);

/** outbox_next_name(names, name): Take the next one; false if there is none. */
bool outbox_next_name(struct view *names, char name[WHEN_NAME_SIZE + 1]);

#endif
