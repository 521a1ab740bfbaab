// SPDX-License-Identifier: Apache-2.0
#include "attack/passing.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

static const char *const ACTS[] = {
    [ACT_BEGAN] = "began",      [ACT_PASSED] = "passed", [ACT_CHANGED] = "changed",
    [ACT_DROPPED] = "dropped",  [ACT_HELD] = "held",     [ACT_RELEASED] = "released",
    [ACT_ADDED] = "added",      [ACT_CUT] = "cut",       [ACT_ASKED] = "asked",
    [ACT_STRANGER] = "stranger"};
static_assert(sizeof ACTS / sizeof ACTS[0] == ACT_STRANGER + 1, "one word per act");

static const char *const TYPES[] = {"frame",   "hello",   "handshake", "open",
                                    "session", "refusal", "token",     "agree"};
static_assert(sizeof TYPES / sizeof TYPES[0] == FRAME_TYPE_LAST + 1, "one word per type");

const char *act_name(enum act act) {
  return ACTS[act];
}

const char *frame_type_name(enum frame_type type) {
  return TYPES[type];
}

void seconds_text(uint64_t us, char *text, size_t size) {
  snprintf(text, size, "%g s", (double)us / 1e6);
}

void passing_say(struct passing *passing, enum act act, const char *did, const char *then) {
  struct relay_event *event = passing->event;
  event->act = act;
  snprintf(event->did, sizeof event->did, "%s", did);
  snprintf(event->then, sizeof event->then, "%s", then);
}

void passing_try(struct passing *passing, enum avow_error error) {
  if (passing->error == AVOW_OK)
    passing->error = error;
}

static const char *ordinal(uint64_t number) {
  if (number / 10 % 10 == 1)
    return "th";
  return number % 10 == 1 ? "st" : number % 10 == 2 ? "nd" : number % 10 == 3 ? "rd" : "th";
}

/* "the 3rd token to Alice (connection 2)"; of frames that come once, "Bob's hello". */
static void frame_text(const struct relay_event *event, char *text, size_t size) {
  const char *type = frame_type_name(event->type);
  char where[40] = "";
  if (event->connection > 1)
    snprintf(where, sizeof where, " (connection %u)", event->connection);
  if (event->type != FRAME_TOKEN && event->type != FRAME_HANDSHAKE)
    snprintf(text, size, "%s %s%s", event->way == TO_ALICE ? "Bob's" : "Alice's", type, where);
  else
    snprintf(text, size, "the %" PRIu64 "%s %s to %s%s", event->nth, ordinal(event->nth), type,
             event->way == TO_ALICE ? "Alice" : "Bob", where);
}

void event_text(const struct relay_event *event, char *text, size_t size) {
  char frame[96];
  switch (event->act) {
  case ACT_BEGAN: snprintf(text, size, "%s%s", event->did, event->then); break;
  case ACT_STRANGER:
    snprintf(text, size, "what comes from %s%s %s%s", event->way == TO_ALICE ? "Bob" : "Alice",
             "'s side", event->did, event->then);
    break;
  default:
    frame_text(event, frame, sizeof frame);
    snprintf(text, size, "%s %s%s.", event->did, frame, event->then);
  }
}
