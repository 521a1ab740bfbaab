// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_IO_OUTBOX_H
#define AVOW_IO_OUTBOX_H

#include "core/sender.h"
#include "io/client.h"
#include "io/journal.h"

/* Bob's logs: each is the outbox and the evidence of one session.  At most one of them is
 * unfinished for one server: the next bob goes on with it. */

/**
 * outbox_open(options, store, config, journal, ret):
 * Find the unfinished log for this server and restore the sender from it; without one,
 * ${journal->log} is NULL and the sender is new.  Returns an exit code; what went wrong has been
 * said: a damaged log that is or may be for this server, one that another bob has open, one of
 * another identity.
 */
enum exit_code outbox_open(const struct client_options *options, struct store *store,
                           const struct sender_config *config, struct journal *journal,
                           struct sender **ret);

/** outbox_begin(options, sender): Record the beginning of a new log.  Errors of sender_begin. */
enum avow_error outbox_begin(const struct client_options *options, struct sender *sender);

/** outbox_status(options): Tell what waits, for whom, since when: to stdout, as text or JSON; and
 * of each log that is not in order, which makes it CODE_FAILURE.  Changes nothing. */
enum exit_code outbox_status(const struct client_options *options);

#endif
