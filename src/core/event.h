// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_CORE_EVENT_H
#define AVOW_CORE_EVENT_H

#include "base/bytes.h"
#include "core/verdict.h"

/* What a core tells its owner.  Pulled with sender_next_event or receiver_next_event. */
enum event_type {
  EVENT_MESSAGE,   /* receiver: a message is durable.  id, timestamp_us, confirmed_us, hash, text */
  EVENT_SENT,      /* sender: messages left.  id, count; verdict says why if they left again */
  EVENT_CONFIRMED, /* sender: messages are stored over there.  id, count, confirmed_us */
  EVENT_INCIDENT,  /* both: verdict, what, count (how many since the last such event) */
  EVENT_SLOW,      /* sender: messages are refused each time, long after they left: the line is too
                      slow for them.  id, count, way_us */
  EVENT_ENDED,     /* both: the session has ended in order.  by_peer */
};

struct event {
  enum event_type type;
  enum verdict verdict;
  const char *what; /* a static sentence */
  uint64_t id;
  uint64_t count;
  uint64_t timestamp_us;
  uint64_t confirmed_us;
  uint64_t way_us;     /* how long the last refusal took */
  const uint8_t *hash; /* SHA-512; as long as the text */
  struct view text;    /* valid until the next call on the core */
  bool by_peer;
};

/* A bounded queue of them.  A core makes only a few per call, and its owner pulls them after each.
 */
#define EVENTS_MAX 64u
struct events {
  struct event ring[EVENTS_MAX];
  unsigned first, count;
};

/** events_put(events, event): Append; there is room, see EVENTS_MAX. */
void events_put(struct events *events, const struct event *event);

/** events_room(events): Return how many more there is room for. */
unsigned events_room(const struct events *events);

/** events_take(events, ret): Take the first one; false if there is none. */
bool events_take(struct events *events, struct event *ret);

#endif
