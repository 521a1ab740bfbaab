// SPDX-License-Identifier: Apache-2.0
/* Mallory's relay: attacks that the input asks for, and streams that it makes, with time between
 * them.  Every step ends, what is told can be read, no deadline is left behind, what comes out is
 * bounded; and without an attack, what comes out is what came in. */
#include <stdlib.h>
#include <string.h>

#include "attack/relay.h"
#include "harness.h"

#define STEPS_MAX 100000u
#define TEXT_MAX 120u

struct line {
  struct plan plan;
  struct relay *relay;
  unsigned connections;
  bool honest; /* nothing is done to what passes */
  uint64_t now_us;
  size_t in[2], out[2];
};

static void step(struct line *line) {
  struct relay_event event;
  char text[256];
  unsigned steps = 0;
  while (relay_next(line->relay, line->now_us, &event)) {
    REQUIRE(steps++ < STEPS_MAX);
    event_text(&event, text, sizeof text);
    REQUIRE(strlen(text) > 10);
    REQUIRE(act_name(event.act) != NULL && frame_type_name(event.type) != NULL);
    free(fuzz_exact(event.payload)); /* all of it can be read */
    if (event.act == ACT_ASKED && event.nth % 3 != 0)
      REQUIRE_OK(relay_answer(line->relay, event.nth % 3 == 1 ? event.payload : view_of("", 0),
                              view_text("back")));
  }
  for (int way = TO_ALICE; way <= TO_BOB; way++) {
    struct view out = relay_output(line->relay, (enum direction)way);
    free(fuzz_exact(out));
    line->out[way - 1] += out.size;
    relay_consume(line->relay, (enum direction)way, out.size);
  }
  REQUIRE(relay_deadline(line->relay) > line->now_us);
}

static void connect(struct line *line, enum relay_kind kind) {
  static const char hello[] = "\0\0\0\6\1avow\1\1";
  relay_free(line->relay);
  REQUIRE_OK(relay_new(&line->relay, &line->plan, ++line->connections, kind));
  for (int way = TO_ALICE; way <= TO_BOB; way++)
    REQUIRE_OK(relay_input(line->relay, (enum direction)way, view_of(hello, sizeof hello - 1)));
  line->in[0] = line->in[1] = sizeof hello - 1;
  line->out[0] = line->out[1] = 0;
  line->honest = kind == RELAY_LINE && line->plan.count == 0;
  step(line);
}

static void ask_for(struct line *line, struct reader *script) {
  struct attack attack;
  char text[TEXT_MAX + 1], problem[200] = "";
  struct view given = fuzz_take(script, reader_u8(script) % TEXT_MAX);
  memcpy(text, given.data, given.size);
  text[given.size] = '\0';
  if (attack_parse(text, &attack, problem, sizeof problem) != AVOW_OK) {
    REQUIRE(strlen(problem) > 5);
    return;
  }
  if (attack.value[OPTION_COUNT] > 50)
    attack.value[OPTION_COUNT] = 50; /* a flood is slow, and nothing new */
  attack.text = "";
  (void)plan_add(&line->plan, &attack);
}

static void give(struct line *line, enum direction way, struct view bytes) {
  if (!relay_wants(line->relay, way))
    return;
  uint8_t *copy = fuzz_exact(bytes);
  REQUIRE_OK(relay_input(line->relay, way, view_of(copy, bytes.size)));
  line->in[way - 1] += bytes.size;
  free(copy);
  step(line);
}

/* A whole frame, so that the fuzzer need not find out how. */
static void give_frame(struct line *line, struct reader *script, enum direction way) {
  struct buf frame;
  buf_init(&frame, 4096);
  enum frame_type type = (enum frame_type)(1 + reader_u8(script) % FRAME_TYPE_LAST);
  REQUIRE_OK(frame_append(&frame, type, fuzz_take(script, reader_u8(script))));
  give(line, way, buf_view(&frame));
  buf_free(&frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct reader script = reader_of(view_of(data, size));
  struct line line = {.now_us = 1};
  plan_init(&line.plan, reader_u8(&script));
  for (uint8_t attacks = reader_u8(&script) % 4; attacks > 0; attacks--)
    ask_for(&line, &script);
  connect(&line, RELAY_LINE);
  while (fuzz_more(&script)) {
    uint8_t act = reader_u8(&script);
    enum direction way = act & 8 ? TO_ALICE : TO_BOB;
    switch (act & 7) {
    case 0:
    case 1: give(&line, way, fuzz_take(&script, act >> 3)); break;
    case 2:
      line.now_us += (uint64_t)(act >> 4) * 300000;
      step(&line);
      break;
    case 3: relay_ended(line.relay, way); break;
    case 4: connect(&line, act & 64 ? RELAY_ALONE : RELAY_LINE); break;
    default: give_frame(&line, &script, way);
    }
    if (line.honest)
      REQUIRE(line.out[0] <= line.in[0] && line.out[1] <= line.in[1]);
  }
  relay_free(line.relay);
  plan_free(&line.plan);
  return 0;
}
