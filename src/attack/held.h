// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_ATTACK_HELD_H
#define AVOW_ATTACK_HELD_H

#include "attack/passing.h"

/* Bytes that mallory holds back until their time comes.  A held piece goes on at its time; of two
 * with the same time, the one that came first. */
struct held;

/* All that is held at once, at most. */
#define HELD_MAX (32u * 1024u * 1024u)

struct held_list {
  struct held *first;
  size_t bytes;
};

struct held {
  struct held *next;
  uint64_t due_us;
  bool until_next; /* or when the next frame of its type has passed */
  bool tell;       /* with ${event}, when it goes */
  struct relay_event event;
  size_t size;
  uint8_t bytes[];
};

/**
 * held_add(list, event, bytes, due_us, ret):
 * Hold a copy of ${bytes}, which go the way of ${event}.  Returns AVOW_FULL over HELD_MAX,
 * AVOW_NO_MEMORY.
 */
enum avow_error held_add(struct held_list *list, const struct relay_event *event, struct view bytes,
                         uint64_t due_us, struct held **ret);

/** held_take(list, now_us): Take out what is due, or return NULL; the caller frees it. */
struct held *held_take(struct held_list *list, uint64_t now_us);

/** held_due(list): When the next one is due, or WHEN_NEVER. */
uint64_t held_due(const struct held_list *list);

/** held_has(list, way): Whether anything is held that goes this way. */
bool held_has(const struct held_list *list, enum direction way);

/** held_passed(list, event, now_us): A frame has passed: what was held until then is due. */
void held_passed(struct held_list *list, const struct relay_event *event, uint64_t now_us);

/** held_free(list): Drop all. */
void held_free(struct held_list *list);

#endif
