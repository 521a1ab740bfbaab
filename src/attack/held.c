// SPDX-License-Identifier: Apache-2.0
#include "attack/held.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum avow_error held_add(struct held_list *list, const struct relay_event *event, struct view bytes,
                         uint64_t due_us, struct held **ret) {
  if (bytes.size > HELD_MAX - list->bytes)
    return AVOW_FULL;
  struct held *held = calloc(1, sizeof *held + bytes.size);
  if (held == NULL)
    return AVOW_NO_MEMORY;
  held->due_us = due_us;
  held->event = *event;
  held->event.payload = view_of("", 0); /* it is the relay's, and will be gone */
  held->size = bytes.size;
  memcpy(held->bytes, bytes.data, bytes.size);
  /* In the order of their times, behind those of the same time. */
  struct held **at = &list->first;
  while (*at != NULL && (*at)->due_us <= due_us)
    at = &(*at)->next;
  held->next = *at;
  *at = held;
  list->bytes += bytes.size;
  *ret = held;
  return AVOW_OK;
}

struct held *held_take(struct held_list *list, uint64_t now_us) {
  struct held *held = list->first;
  if (held == NULL || held->due_us > now_us)
    return NULL;
  list->first = held->next;
  list->bytes -= held->size;
  return held;
}

uint64_t held_due(const struct held_list *list) {
  return list->first == NULL ? WHEN_NEVER : list->first->due_us;
}

bool held_has(const struct held_list *list, enum direction way) {
  for (const struct held *held = list->first; held != NULL; held = held->next)
    if (held->event.way == way)
      return true;
  return false;
}

void held_passed(struct held_list *list, const struct relay_event *event, uint64_t now_us) {
  struct held *due = NULL, **last = &due, **at = &list->first;
  while (*at != NULL) {
    struct held *held = *at;
    bool waited = held->until_next && held->event.way == event->way &&
                  held->event.type == event->type && held->event.nth < event->nth;
    if (!waited) {
      at = &held->next;
      continue;
    }
    *at = held->next;
    held->next = NULL;
    held->due_us = now_us < held->due_us ? now_us : held->due_us;
    snprintf(held->event.then, sizeof held->event.then, " go, behind the next one");
    *last = held;
    last = &held->next;
  }
  *last = list->first;
  list->first = due;
}

void held_free(struct held_list *list) {
  while (list->first != NULL) {
    struct held *held = list->first;
    list->first = held->next;
    free(held);
  }
  list->bytes = 0;
}
