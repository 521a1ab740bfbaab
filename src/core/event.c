// SPDX-License-Identifier: Apache-2.0
#include "core/event.h"

#include <assert.h>

void events_put(struct events *events, const struct event *event) {
  assert(events->count < EVENTS_MAX);
  events->ring[(events->first + events->count++) % EVENTS_MAX] = *event;
}

unsigned events_room(const struct events *events) {
  return EVENTS_MAX - events->count;
}

bool events_take(struct events *events, struct event *ret) {
  if (events->count == 0)
    return false;
  *ret = events->ring[events->first];
  events->first = (events->first + 1) % EVENTS_MAX;
  events->count--;
  return true;
}
