// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_IO_ANNOUNCE_H
#define AVOW_IO_ANNOUNCE_H

#include "core/event.h"
#include "core/session.h"
#include "io/trust.h"

/* What the screens say of a session. */

/** announce_client(session, peer, log, name): Alice's: who has come, and where it is logged. */
void announce_client(const struct session *session, const char *peer, const char *log,
                     const char *name);

/** announce_server(session, peer, trust, log, waiting, person): Bob's: whom he has reached;
 * ${waiting} messages go first. */
void announce_server(const struct session *session, const char *peer, const struct trust *trust,
                     const char *log, uint64_t waiting, bool person);

/** announce_confirmed(event, person): Bob's: each message that EVENT_CONFIRMED tells of. */
void announce_confirmed(const struct event *event, bool person);

/** announce_slow(event): Bob's: what EVENT_SLOW means, and what to do. */
void announce_slow(const struct event *event);

/** announce_text(event, offset_min): An EVENT_MESSAGE: the text to standard output; at a terminal
 * its time above it, in the zone of ${offset_min}.  Errors of screen_data. */
enum avow_error announce_text(const struct event *event, int offset_min);

/** announce_json(event): An EVENT_MESSAGE as JSON. */
void announce_json(const struct event *event);

#endif
