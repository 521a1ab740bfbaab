// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_CORE_INCIDENTS_H
#define AVOW_CORE_INCIDENTS_H

#include "base/when.h"
#include "core/event.h"

/* A flood of incidents is counted, not reported one by one: of each verdict the first is reported
 * at once, the next ones of the same second together. */
#define INCIDENTS_PAUSE_US 1000000u

struct incidents {
  struct {
    const char *what;
    uint64_t waiting;    /* seen and not reported */
    uint64_t quiet_till; /* monotonic */
  } kinds[VERDICT_COUNT];
};

/** incidents_see(incidents, verdict, what): One more.  ${what} is a static sentence. */
void incidents_see(struct incidents *incidents, enum verdict verdict, const char *what);

/**
 * incidents_report(incidents, now, offset_min, record, events):
 * Put what is due into the log's ${record} and, as EVENT_INCIDENT, into ${events}.
 * Errors of buf_append.
 */
enum avow_error incidents_report(struct incidents *incidents, struct now now, int offset_min,
                                 struct buf *record, struct events *events);

/** incidents_hurry(incidents): The session is over: the next report is the last, and tells all. */
void incidents_hurry(struct incidents *incidents);

/** incidents_deadline(incidents): When the next one is due, monotonic, or WHEN_NEVER. */
uint64_t incidents_deadline(const struct incidents *incidents);

#endif
