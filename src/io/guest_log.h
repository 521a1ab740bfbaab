// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_IO_GUEST_LOG_H
#define AVOW_IO_GUEST_LOG_H

#include "core/receiver.h"
#include "io/journal.h"
#include "io/server.h"

/* A receiver and its log, for a session that bob asks for. */

/**
 * guest_log_begin(options, store, grant, journal, ret):
 * A new session: create its log; ${grant->opened_us} may move to a free name.  Errors of
 * journal_begin and receiver_new.
 */
enum avow_error guest_log_begin(const struct server_options *options, struct store *store,
                                struct grant *grant, struct journal *journal,
                                struct receiver **ret);

/**
 * guest_log_resume(options, store, open, bob_key, journal, ret):
 * A session that ${open} names: open its log and restore the receiver from it.  ${bob_key} is NULL
 * in plain mode.  Returns AVOW_NO_SESSION, said on the screen, if there is none that can be
 * resumed: the log is missing, damaged, in use, or another client's.
 */
enum avow_error guest_log_resume(const struct server_options *options, struct store *store,
                                 const struct open *open, const uint8_t *bob_key,
                                 struct journal *journal, struct receiver **ret);

#endif
