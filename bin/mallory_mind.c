// SPDX-License-Identifier: Apache-2.0
/* What mallory knows of a connection: all that the line tells her. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "attack/lengths.h"
#include "evidence/escape.h"
#include "io/screen.h"
#include "mallory.h"
#include "mallory_forge.h"
#include "mallory_pose.h"
#include "mallory_spy.h"

#define SIZES_MAX 64u
#define SHOWN_MAX 200u /* bytes of a text on the screen */
/* Fewer tokens of one length may be chance. */
#define COVER_LEAST 8u

/* What lengths and times say of the tokens that go one way. */
struct traffic {
  uint64_t tokens, first_us, last_us, shortest_gap_us, longest_gap_us;
  size_t sizes[SIZES_MAX]; /* different ones */
  size_t sizes_count;
};

struct mind {
  struct mallory *mallory;
  struct relay *relay;
  unsigned connection;
  enum attack_role role;
  struct spy spy;
  struct forger forger;
  struct pose *pose;
  struct traffic traffic[2];
  uint64_t seen[2][FRAME_TYPE_LAST + 1]; /* up to which frame */
  uint64_t next_id;                      /* of the messages that she has read */
  bool sealed_said;
};

void *mind_begin(void *owner, struct relay *relay, unsigned connection, enum attack_role role) {
  struct mallory *mallory = owner;
  struct mind *mind = calloc(1, sizeof *mind);
  if (mind == NULL)
    return NULL;
  *mind = (struct mind){.mallory = mallory, .relay = relay, .connection = connection, .role = role};
  spy_init(&mind->spy);
  forger_init(&mind->forger);
  if (role != ROLE_LINE) {
    const char *text = "";
    for (size_t i = 0; i < mallory->plan.count; i++)
      if (mallory->plan.attacks[i].kind->role == role)
        text = mallory->plan.attacks[i].text;
    if (pose_new(&mind->pose, role, text) != AVOW_OK) {
      mind_end(mind);
      return NULL;
    }
    if (role == ROLE_BOB)
      pose_call(mind->pose, relay, mallory->port_file);
  }
  return mind;
}

static void count(struct traffic *traffic, const struct relay_event *event) {
  uint64_t gap_us = event->mono_us - traffic->last_us;
  if (traffic->tokens == 0)
    traffic->first_us = event->mono_us;
  else if (traffic->tokens == 1)
    traffic->shortest_gap_us = traffic->longest_gap_us = gap_us;
  else if (gap_us < traffic->shortest_gap_us)
    traffic->shortest_gap_us = gap_us;
  else if (gap_us > traffic->longest_gap_us)
    traffic->longest_gap_us = gap_us;
  traffic->last_us = event->mono_us;
  traffic->tokens++;
  size_t i = 0;
  while (i < traffic->sizes_count && traffic->sizes[i] != event->size)
    i++;
  if (i == traffic->sizes_count && i < SIZES_MAX)
    traffic->sizes[traffic->sizes_count++] = event->size;
}

/* What she sees of a token, whether she can read it or not. */
static void tell_length(const struct relay_event *event, bool tls) {
  size_t least, most, bare_least, bare_most;
  char text[256];
  int size = snprintf(text, sizeof text,
                      "sees token %" PRIu64 " to %s of connection %u: %zu characters", event->nth,
                      event->way == TO_ALICE ? "Alice" : "Bob", event->connection, event->size);
  json_t *object = json_pack("{s:s, s:i, s:s, s:I, s:I}", "event", "seen", "connection",
                             (int)event->connection, "to", event->way == TO_ALICE ? "alice" : "bob",
                             "nth", (json_int_t)event->nth, "size", (json_int_t)event->size);
  if (event->way == TO_ALICE && lengths_of(event->size, tls, true, &least, &most)) {
    bool bare = lengths_of(event->size, tls, false, &bare_least, &bare_most);
    snprintf(text + size, sizeof text - (size_t)size,
             ". If it is one message, its text has %zu to %zu bytes", least, most);
    json_object_update_new(
        object, json_pack("{s:[I,I]}", "text_size", (json_int_t)least, (json_int_t)most));
    if (bare)
      json_object_update_new(object, json_pack("{s:[I,I]}", "text_size_without_padding",
                                               (json_int_t)bare_least, (json_int_t)bare_most));
  }
  mallory_say(object, "%s.", text);
}

static void tell_text(struct mind *mind, uint64_t id, struct view text) {
  struct buf shown;
  struct view part = view_of(text.data, text.size < SHOWN_MAX ? text.size : SHOWN_MAX);
  buf_init(&shown, SHOWN_MAX * 4 + 1);
  json_t *object = json_pack("{s:s, s:s, s:i, s:I}", "event", "learned", "what", "text",
                             "connection", (int)mind->connection, "id", (json_int_t)id);
  screen_json_text(object, text);
  (void)escape_append(&shown, part);
  mallory_say(object, "reads message %" PRIu64 ": %.*s%s", id, (int)buf_view(&shown).size,
              (const char *)buf_view(&shown).data, part.size < text.size ? "..." : "");
  buf_free(&shown);
}

static void read_token(struct mind *mind, const struct relay_event *event) {
  struct sealed sealed;
  struct message message;
  if (mind->spy.fernet == NULL) {
    if (!mind->sealed_said)
      mallory_say(json_pack("{s:s, s:s, s:i}", "event", "learned", "what", "nothing", "connection",
                            (int)mind->connection),
                  "cannot read the tokens of connection %u: the key went inside TLS.",
                  mind->connection);
    mind->sealed_said = true;
    return;
  }
  if (!spy_open(&mind->spy, event->payload, event->way, &sealed) || sealed.kind != SEALED_ENVELOPE)
    return;
  struct reader body = reader_of(sealed.body);
  for (uint64_t id = sealed.first_id; id < sealed.first_id + sealed.count; id++) {
    message_take(&body, &message);
    if (id < mind->next_id)
      continue; /* sent again */
    tell_text(mind, id, message.text);
    mind->next_id = id + 1;
  }
}

/* A frame as it came, before anything befell it. */
static void observe(struct mind *mind, const struct relay_event *event) {
  if (event->type == FRAME_SESSION && spy_learn(&mind->spy, event->payload)) {
    mallory_say(json_pack("{s:s, s:s, s:i, s:s}", "event", "learned", "what", "key", "connection",
                          (int)mind->connection, "key", mind->spy.key),
                "reads the session's key off the line: %s", mind->spy.key);
  } else if (event->type == FRAME_TOKEN) {
    count(&mind->traffic[event->way - 1], event);
    if (mind->mallory->all)
      tell_length(event, mind->spy.fernet == NULL);
    read_token(mind, event);
  }
}

void mind_event(void *owner, struct relay *relay, const struct relay_event *event) {
  struct mind *mind = owner;
  bool frame = event->act != ACT_RELEASED && event->act != ACT_STRANGER;
  uint64_t *seen = &mind->seen[event->way - 1][event->type];
  if (frame && mind->role == ROLE_LINE && event->nth > *seen) {
    *seen = event->nth;
    observe(mind, event);
  }
  if (event->act == ACT_ASKED && mind->pose != NULL)
    pose_event(mind->pose, &mind->spy, relay, event);
  if (event->act == ACT_ASKED && mind->pose != NULL && mind->role == ROLE_ALICE &&
      event->type == FRAME_TOKEN)
    read_token(mind, event);
  if (event->act == ACT_ASKED && mind->pose == NULL)
    forge(&mind->forger, &mind->spy, relay, event);
  bool plain = event->act == ACT_PASSED && event->attack == NULL;
  if (event->act != ACT_ASKED && (!plain || (mind->mallory->all && event->type != FRAME_TOKEN)))
    mallory_tell(event);
}

/* What lengths and times still say, padding or not. */
static void report(const struct mind *mind, enum direction way) {
  const struct traffic *traffic = &mind->traffic[way - 1];
  double over_s = (double)(traffic->last_us - traffic->first_us) / 1e6;
  if (traffic->tokens == 0)
    return;
  mallory_say(json_pack("{s:s, s:i, s:s, s:I, s:f, s:I, s:f, s:f, s:b}", "event", "report",
                        "connection", (int)mind->connection, "to",
                        way == TO_ALICE ? "alice" : "bob", "tokens", (json_int_t)traffic->tokens,
                        "seconds", over_s, "lengths", (json_int_t)traffic->sizes_count,
                        "shortest_gap", (double)traffic->shortest_gap_us / 1e6, "longest_gap",
                        (double)traffic->longest_gap_us / 1e6, "key", mind->spy.fernet != NULL),
              "without any key: %" PRIu64
              " tokens to %s on connection %u in %.1f s, of %s%zu lengths, %.3f to "
              "%.3f s apart.",
              traffic->tokens, way == TO_ALICE ? "Alice" : "Bob", mind->connection, over_s,
              traffic->sizes_count == SIZES_MAX ? "more than " : "", traffic->sizes_count,
              (double)traffic->shortest_gap_us / 1e6, (double)traffic->longest_gap_us / 1e6);
}

/* Whether there is cover traffic, as far as anyone can see. */
static bool covered(const struct mind *mind) {
  const struct traffic *bob = &mind->traffic[TO_ALICE - 1], *alice = &mind->traffic[TO_BOB - 1];
  uint64_t more =
      bob->tokens > alice->tokens ? bob->tokens - alice->tokens : alice->tokens - bob->tokens;
  return bob->tokens >= COVER_LEAST && more <= 2 && bob->sizes_count == 1 &&
         alice->sizes_count == 1 && bob->sizes[0] == alice->sizes[0];
}

/* One look at what the padding is worth, by the lengths that went to Alice. */
static void report_padding(const struct mind *mind) {
  const struct traffic *traffic = &mind->traffic[TO_ALICE - 1];
  size_t least, most, width = 0;
  if (covered(mind)) {
    mallory_say(json_pack("{s:s, s:i, s:b}", "event", "padding", "connection",
                          (int)mind->connection, "cover_traffic", 1),
                "all tokens have one length, and each of Bob's has one answer: cover traffic. "
                "Neither lengths nor times tell of a message.");
    return;
  }
  for (size_t i = 0; i < traffic->sizes_count; i++)
    if (lengths_of(traffic->sizes[i], mind->spy.fernet == NULL, true, &least, &most) &&
        most - least + 1 > width)
      width = most - least + 1;
  if (width > 0)
    mallory_say(
        json_pack("{s:s, s:i, s:I, s:i, s:b}", "event", "padding", "connection",
                  (int)mind->connection, "sizes_with_padding", (json_int_t)width,
                  "sizes_without_padding", 16, "cover_traffic", 0),
        "a length leaves up to %zu sizes of text open; without padding it would be 16. There "
        "is no cover traffic: a token means that somebody has something to say.",
        width);
}

void mind_end(void *owner) {
  struct mind *mind = owner;
  if (mind->pose != NULL)
    pose_ended(mind->pose);
  if (mind->mallory->all && mind->role == ROLE_LINE) {
    report(mind, TO_ALICE);
    report(mind, TO_BOB);
    report_padding(mind);
  }
  pose_free(mind->pose);
  forger_free(&mind->forger);
  spy_wipe(&mind->spy);
  free(mind);
}
