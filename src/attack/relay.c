// SPDX-License-Identifier: Apache-2.0
#include "attack/relay.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "attack/held.h"
#include "wire/greeting.h"

/* Of the bytes for one side: what waits there, a frame, and all that is put around it. */
#define OUT_MAX (RELAY_OUT_MAX + 2u * HELD_MAX)
/* What one frame can bring: one event of each attack, and its own. */
#define EVENTS_MAX (PLAN_ATTACKS_MAX + 1u)
/* What a dripped frame is cut into, at most. */
#define DRIP_PIECES_MAX 2000u

/* What goes one way. */
struct way_state {
  struct frames frames;
  struct buf out;
  uint64_t counts[FRAME_TYPE_LAST + 1];
  uint64_t stalled_us; /* nothing of it passes before this time */
  bool ended;
};

struct relay {
  struct plan *plan;
  enum relay_kind kind;
  unsigned connection;
  struct way_state ways[2];
  struct held_list held;
  struct buf frame, bytes, before, after, back; /* of the frame that is passing */
  struct passing passing;
  bool deciding; /* its events are being told, and then it goes on */
  struct relay_event events[EVENTS_MAX];
  size_t events_count, events_told;
  enum relay_fate fate;
  uint64_t half_us; /* when RELAY_HALF ends */
};

static struct way_state *state_of(struct relay *relay, enum direction way) {
  return &relay->ways[way - 1];
}

enum avow_error relay_new(struct relay **ret, struct plan *plan, unsigned connection,
                          enum relay_kind kind) {
  struct relay *relay = calloc(1, sizeof *relay);
  if (relay == NULL)
    return AVOW_NO_MEMORY;
  relay->plan = plan;
  relay->kind = kind;
  relay->connection = connection;
  relay->half_us = WHEN_NEVER;
  for (size_t i = 0; i < 2; i++) {
    frames_init(&relay->ways[i].frames, AVOW_TOKEN_MAX);
    buf_init(&relay->ways[i].out, OUT_MAX);
  }
  struct buf *scratch[] = {&relay->frame, &relay->bytes, &relay->before, &relay->after,
                           &relay->back};
  for (size_t i = 0; i < sizeof scratch / sizeof scratch[0]; i++)
    buf_init(scratch[i], HELD_MAX);
  *ret = relay;
  return AVOW_OK;
}

void relay_free(struct relay *relay) {
  if (relay == NULL)
    return;
  for (size_t i = 0; i < 2; i++) {
    frames_free(&relay->ways[i].frames);
    buf_wipe_free(&relay->ways[i].out);
  }
  struct buf *scratch[] = {&relay->frame, &relay->bytes, &relay->before, &relay->after,
                           &relay->back};
  for (size_t i = 0; i < sizeof scratch / sizeof scratch[0]; i++)
    buf_wipe_free(scratch[i]);
  held_free(&relay->held);
  free(relay);
}

enum avow_error relay_input(struct relay *relay, enum direction way, struct view bytes) {
  /* Her frames know no time: how long a peer takes for a frame is not for her to judge. */
  return frames_input(&state_of(relay, way)->frames, bytes, 0);
}

bool relay_wants(const struct relay *relay, enum direction way) {
  const struct way_state *state = &relay->ways[way - 1];
  return !state->ended && relay->fate == RELAY_ON && buf_view(&state->out).size < RELAY_OUT_MAX &&
         frames_rest(&state->frames).size < AVOW_FRAME_HEADER + AVOW_TOKEN_MAX &&
         relay->held.bytes < HELD_MAX / 2;
}

void relay_ended(struct relay *relay, enum direction way) {
  state_of(relay, way)->ended = true;
}

static struct relay_event *new_event(struct relay *relay, const struct attack *attack) {
  assert(relay->events_count < EVENTS_MAX);
  struct passing *passing = &relay->passing;
  struct relay_event *event = &relay->events[relay->events_count];
  *event = (struct relay_event){.attack = attack,
                                .connection = relay->connection,
                                .way = passing->way,
                                .type = passing->type,
                                .nth = passing->nth,
                                .payload = passing->payload,
                                .size = passing->payload.size,
                                .mono_us = passing->mono_us};
  passing->event = event;
  return event;
}

/* No frame of this protocol: there is nothing that she could do with what follows. */
static void meet_stranger(struct relay *relay, enum direction way, uint64_t mono_us,
                          const char *what) {
  relay->passing = (struct passing){
      .way = way, .type = FRAME_HELLO, .mono_us = mono_us, .connection = relay->connection};
  new_event(relay, NULL);
  passing_say(&relay->passing, ACT_STRANGER, what, ". She cuts the line.");
  relay->events_count++;
  relay->fate = RELAY_CUT;
}

/* The first frame of each side says who it is (Alice may refuse instead). */
static bool greets(enum frame_type type, struct view payload) {
  return type == FRAME_REFUSAL ||
         (type == FRAME_HELLO && hello_decode(payload, HANDSHAKE_TLS) != AVOW_NOT_AVOW);
}

static void load(struct relay *relay, enum direction way, enum frame_type type, struct view payload,
                 uint64_t mono_us) {
  struct passing *passing = &relay->passing;
  struct buf *scratch[] = {&relay->frame, &relay->bytes, &relay->before, &relay->after,
                           &relay->back};
  for (size_t i = 0; i < sizeof scratch / sizeof scratch[0]; i++)
    buf_clear(scratch[i]);
  *passing = (struct passing){.way = way,
                              .type = type,
                              .connection = relay->connection,
                              .nth = ++state_of(relay, way)->counts[type],
                              .mono_us = mono_us,
                              .bytes = &relay->bytes,
                              .before = &relay->before,
                              .after = &relay->after,
                              .back = &relay->back};
  passing_try(passing, frame_append(&relay->frame, type, payload));
  passing->frame = buf_view(&relay->frame);
  passing->payload = view_of(passing->frame.data + AVOW_FRAME_HEADER, payload.size);
  passing_try(passing, buf_append(&relay->bytes, passing->frame));
}

static void run_attacks(struct relay *relay) {
  struct passing *passing = &relay->passing;
  struct plan *plan = relay->plan;
  for (size_t i = 0; i < plan->count; i++) {
    struct attack *attack = &plan->attacks[i];
    if (!attack_wants(attack, plan, passing))
      continue;
    struct relay_event *event = new_event(relay, attack);
    attack->kind->deed(attack, plan, passing);
    if (event->did[0] == '\0')
      continue; /* it did nothing to this one */
    if (attack->done++ == 0)
      attack->since_us = passing->mono_us;
    relay->events_count++;
  }
}

/* Take the next frame that goes this way, and decide what becomes of it. */
static bool decide(struct relay *relay, enum direction way, uint64_t mono_us) {
  struct way_state *state = state_of(relay, way);
  enum frame_type type;
  struct view payload;
  if (relay->fate != RELAY_ON || buf_view(&state->out).size >= RELAY_OUT_MAX)
    return false;
  enum frames_status status = frames_next(&state->frames, &type, &payload);
  if (status == FRAMES_MORE)
    return false;
  if (status != FRAMES_FRAME) {
    meet_stranger(relay, way, mono_us, "is no frame of avow's");
    return true;
  }
  bool first = true;
  for (size_t i = 0; i <= FRAME_TYPE_LAST; i++)
    first &= state->counts[i] == 0;
  if (first && !greets(type, payload)) {
    meet_stranger(relay, way, mono_us, "does not begin with avow's hello");
    return true;
  }
  load(relay, way, type, payload, mono_us);
  if (relay->kind == RELAY_LINE) {
    run_attacks(relay);
    if (type == FRAME_TOKEN)
      passing_try(&relay->passing, plan_remember(relay->plan, way, relay->connection,
                                                 relay->passing.nth, relay->passing.frame));
  }
  if (relay->events_count == 0) {
    bool alone = relay->kind == RELAY_ALONE;
    new_event(relay, NULL);
    passing_say(&relay->passing, alone ? ACT_ASKED : ACT_PASSED, alone ? "got" : "let",
                alone ? "" : " pass");
    relay->events_count++;
    relay->passing.asked = relay->passing.dropped = alone;
  }
  relay->deciding = true;
  return true;
}

/* Hold the bytes back; when they go, it is told, if ${did} is not empty. */
static struct held *hold(struct relay *relay, struct view bytes, uint64_t due_us, const char *did,
                         const char *then) {
  struct passing *passing = &relay->passing;
  struct held *held = NULL;
  struct relay_event event = *passing->event;
  event.act = ACT_RELEASED;
  snprintf(event.did, sizeof event.did, "%s", did);
  snprintf(event.then, sizeof event.then, "%s", then);
  enum avow_error error = held_add(&relay->held, &event, bytes, due_us, &held);
  if (error == AVOW_OK)
    held->tell = did[0] != '\0';
  else if (error == AVOW_FULL) /* she can hold no more: it goes now */
    passing_try(passing, buf_append(&state_of(relay, passing->way)->out, bytes));
  else
    passing_try(passing, error);
  return held;
}

/* One piece after the other; what comes behind waits for the last. */
static uint64_t drip(struct relay *relay, struct view bytes, uint64_t from_us) {
  size_t piece = bytes.size / DRIP_PIECES_MAX + 1;
  uint64_t due_us = from_us;
  for (size_t at = 0; at < bytes.size; at += piece) {
    bool last = at + piece >= bytes.size;
    due_us += relay->passing.gap_us;
    hold(relay, view_of(bytes.data + at, last ? bytes.size - at : piece), due_us,
         last ? "has let" : "", " through to its last byte");
  }
  return due_us;
}

static void hold_back(struct relay *relay, struct view bytes, uint64_t due_us) {
  struct passing *passing = &relay->passing;
  char wait[24], then[72];
  seconds_text(passing->hold_us, wait, sizeof wait);
  snprintf(then, sizeof then, " for %s, then let it go", wait);
  bool tell = passing->hold_us > 0;
  struct held *held = passing->until_next
                          ? hold(relay, bytes, due_us, "let", " go, since none came behind it")
                          : hold(relay, bytes, due_us, tell ? "held" : "", then);
  if (held != NULL)
    held->until_next = passing->until_next;
}

/* What goes on: all that was put before the frame, the frame or what replaces it, and all that was
 * put behind it. */
static void send_on(struct relay *relay) {
  struct passing *passing = &relay->passing;
  struct way_state *state = state_of(relay, passing->way);
  struct buf *all = &relay->before;
  uint64_t due_us = passing->mono_us + passing->hold_us;
  if (!passing->dropped)
    passing_try(passing, buf_append(all, buf_view(&relay->bytes)));
  passing_try(passing, buf_append(all, buf_view(&relay->after)));
  if (due_us < state->stalled_us)
    due_us = state->stalled_us;
  if (buf_view(all).size == 0)
    return;
  if (passing->gap_us > 0)
    due_us = drip(relay, buf_view(all), due_us);
  else if (due_us > passing->mono_us)
    hold_back(relay, buf_view(all), due_us);
  else
    passing_try(passing, buf_append(&state->out, buf_view(all)));
  if (passing->stall)
    state->stalled_us = due_us;
}

/* Bytes could not be put where they belong: she cannot go on with this connection. */
static void give_up(struct relay *relay) {
  new_event(relay, NULL);
  passing_say(&relay->passing, ACT_CUT, "has no more room, and cuts the line at", "");
  relay->events_count++;
  relay->fate = RELAY_CUT;
}

/* All that was decided on the frame comes to pass. */
static void dispose(struct relay *relay) {
  struct passing *passing = &relay->passing;
  enum direction back = passing->way == TO_ALICE ? TO_BOB : TO_ALICE;
  char wait[24], then[72];
  relay->deciding = false;
  passing->event = &relay->events[relay->events_count - 1];
  send_on(relay);
  passing_try(passing, buf_append(&state_of(relay, back)->out, buf_view(&relay->back)));
  if (!passing->dropped && passing->hold_us == 0)
    held_passed(&relay->held, passing->event, passing->mono_us);
  if (passing->again_us > 0) {
    seconds_text(passing->again_us, wait, sizeof wait);
    snprintf(then, sizeof then, " once more, after %s", wait);
    hold(relay, passing->frame, passing->mono_us + passing->again_us, "sent", then);
  }
  if (passing->fate != RELAY_ON)
    relay->fate = passing->fate;
  if (passing->fate == RELAY_HALF)
    relay->half_us = passing->mono_us + passing->half_us;
  relay->events_count = relay->events_told = 0;
  if (passing->error != AVOW_OK)
    give_up(relay);
}

/* Let go what is due; true if there is something to tell. */
static bool release(struct relay *relay, uint64_t mono_us) {
  struct held *held;
  if (relay->fate == RELAY_HALF && mono_us >= relay->half_us)
    relay->fate = RELAY_CUT;
  while (relay->events_count == 0 && (held = held_take(&relay->held, mono_us)) != NULL) {
    struct relay_event event = held->event;
    enum avow_error error =
        buf_append(&state_of(relay, event.way)->out, view_of(held->bytes, held->size));
    if (held->tell) {
      event.mono_us = mono_us;
      relay->events[relay->events_count++] = event;
    }
    free(held);
    if (error != AVOW_OK)
      give_up(relay);
  }
  return relay->events_count > 0;
}

bool relay_next(struct relay *relay, uint64_t mono_us, struct relay_event *ret) {
  if (relay->events_told == relay->events_count) {
    if (relay->deciding)
      dispose(relay);
    else
      relay->events_count = relay->events_told = 0;
    bool more = relay->events_count > 0 || release(relay, mono_us);
    for (int way = TO_ALICE; !more && way <= TO_BOB; way++)
      more = decide(relay, (enum direction)way, mono_us);
    if (!more)
      return false;
  }
  *ret = relay->events[relay->events_told++];
  return true;
}

enum avow_error relay_answer(struct relay *relay, struct view on, struct view back) {
  assert(relay->deciding && relay->passing.asked);
  relay->passing.dropped = on.size == 0;
  buf_clear(&relay->bytes);
  enum avow_error error = buf_append(&relay->bytes, on);
  return error != AVOW_OK ? error : buf_append(&relay->back, back);
}

enum avow_error relay_say(struct relay *relay, enum direction way, struct view bytes) {
  return buf_append(&state_of(relay, way)->out, bytes);
}

void relay_cut(struct relay *relay) {
  relay->fate = RELAY_CUT;
}

struct view relay_output(const struct relay *relay, enum direction way) {
  return buf_view(&relay->ways[way - 1].out);
}

void relay_consume(struct relay *relay, enum direction way, size_t size) {
  buf_consume(&state_of(relay, way)->out, size);
}

bool relay_finished(const struct relay *relay, enum direction way) {
  const struct way_state *state = &relay->ways[way - 1];
  return state->ended && buf_view(&state->out).size == 0 && !held_has(&relay->held, way);
}

enum relay_fate relay_fate(const struct relay *relay) {
  return relay->fate;
}

uint64_t relay_deadline(const struct relay *relay) {
  uint64_t due_us = held_due(&relay->held);
  return relay->fate == RELAY_HALF && relay->half_us < due_us ? relay->half_us : due_us;
}
