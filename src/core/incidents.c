// SPDX-License-Identifier: Apache-2.0
#include "core/incidents.h"

#include "evidence/record.h"

void incidents_see(struct incidents *incidents, enum verdict verdict, const char *what) {
  incidents->kinds[verdict].what = what;
  incidents->kinds[verdict].waiting++;
}

enum avow_error incidents_report(struct incidents *incidents, struct now now, int offset_min,
                                 struct buf *record, struct events *events) {
  enum avow_error error = AVOW_OK;
  for (unsigned i = 0; i < VERDICT_COUNT && error == AVOW_OK; i++) {
    uint64_t waiting = incidents->kinds[i].waiting;
    if (waiting == 0 || now.mono_us < incidents->kinds[i].quiet_till)
      continue;
    incidents->kinds[i].waiting = 0;
    incidents->kinds[i].quiet_till = now.mono_us + INCIDENTS_PAUSE_US;
    enum verdict verdict = (enum verdict)i;
    struct incident incident = {.what = incidents->kinds[i].what,
                                .attack = verdict_attack(verdict),
                                .verdict = verdict_name(verdict),
                                .seen_us = now.wall_us,
                                .count = waiting};
    error = record_incident(record, offset_min, &incident);
    events_put(events, &(struct event){.type = EVENT_INCIDENT,
                                       .verdict = verdict,
                                       .what = incident.what,
                                       .count = waiting});
  }
  return error;
}

void incidents_hurry(struct incidents *incidents) {
  for (unsigned i = 0; i < VERDICT_COUNT; i++)
    incidents->kinds[i].quiet_till = 0;
}

uint64_t incidents_deadline(const struct incidents *incidents) {
  uint64_t deadline = WHEN_NEVER;
  for (unsigned i = 0; i < VERDICT_COUNT; i++)
    if (incidents->kinds[i].waiting > 0 && incidents->kinds[i].quiet_till < deadline)
      deadline = incidents->kinds[i].quiet_till;
  return deadline;
}
