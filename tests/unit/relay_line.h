// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_TESTS_UNIT_RELAY_LINE_H
#define AVOW_TESTS_UNIT_RELAY_LINE_H

/* A relay with one attack in mind, and a row of tokens through it, each of one letter. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attack/relay.h"

#define START_US UINT64_C(1000000)
#define HELLO "\0\0\0\6\1avow\1\1"
#define TOKEN_SIZE 120u

/* One connection, and what has come out of it so far. */
struct line {
  struct plan plan;
  struct relay *relay;
  struct buf to[2];
  uint64_t now_us;
  struct relay_event last;
  char said[4096];
  unsigned count;
  unsigned acts; /* a bit for each kind of act that was told */
};

static inline void open_connection(struct line *line, enum relay_kind kind) {
  relay_free(line->relay);
  assert_int_equal(relay_new(&line->relay, &line->plan, ++line->count, kind), AVOW_OK);
}

static inline void step(struct line *line) {
  struct relay_event event;
  char text[256];
  while (relay_next(line->relay, line->now_us, &event)) {
    line->last = event;
    line->acts |= 1u << event.act;
    event_text(&event, text, sizeof text);
    size_t there = strlen(line->said);
    if (event.act != ACT_PASSED || event.attack != NULL)
      snprintf(line->said + there, sizeof line->said - there, "%s\n", text);
  }
  for (int way = TO_ALICE; way <= TO_BOB; way++) {
    struct view out = relay_output(line->relay, (enum direction)way);
    assert_int_equal(buf_append(&line->to[way - 1], out), AVOW_OK);
    relay_consume(line->relay, (enum direction)way, out.size);
  }
}

static inline void give(struct line *line, enum direction way, const void *bytes, size_t size) {
  assert_int_equal(relay_input(line->relay, way, view_of(bytes, size)), AVOW_OK);
  step(line);
}

/* A token that is all one letter. */
static inline size_t token(char letter, uint8_t *bytes) {
  store_u32(bytes, TOKEN_SIZE);
  bytes[4] = FRAME_TOKEN;
  memset(bytes + AVOW_FRAME_HEADER, letter, TOKEN_SIZE);
  return AVOW_FRAME_HEADER + TOKEN_SIZE;
}

static inline void give_token(struct line *line, enum direction way, char letter) {
  uint8_t bytes[AVOW_FRAME_HEADER + TOKEN_SIZE];
  give(line, way, bytes, token(letter, bytes));
}

static inline void begin(struct line *line, const char *attack) {
  char text[128], problem[200];
  struct attack parsed;
  *line = (struct line){.now_us = START_US};
  plan_init(&line->plan, 5);
  for (size_t i = 0; i < 2; i++)
    buf_init(&line->to[i], 64u << 20);
  if (attack != NULL) {
    snprintf(text, sizeof text, "%s", attack);
    assert_int_equal(attack_parse(text, &parsed, problem, sizeof problem), AVOW_OK);
    assert_int_equal(plan_add(&line->plan, &parsed), AVOW_OK);
  }
  open_connection(line, RELAY_LINE);
  give(line, TO_ALICE, HELLO, sizeof HELLO - 1);
  give(line, TO_BOB, HELLO, sizeof HELLO - 1);
  for (size_t i = 0; i < 2; i++) {
    assert_true(view_equal(buf_view(&line->to[i]), view_of(HELLO, sizeof HELLO - 1)));
    buf_clear(&line->to[i]);
  }
}

static inline void end(struct line *line) {
  relay_free(line->relay);
  plan_free(&line->plan);
  for (size_t i = 0; i < 2; i++)
    buf_free(&line->to[i]);
}

static inline void wait(struct line *line, uint64_t us) {
  line->now_us += us;
  step(line);
}

/* What has gone that way: whole tokens of one letter each, written as these letters. */
static inline void assert_went(struct line *line, enum direction way, const char *letters) {
  struct buf expected;
  uint8_t bytes[AVOW_FRAME_HEADER + TOKEN_SIZE];
  buf_init(&expected, 1u << 20);
  for (const char *letter = letters; *letter != '\0'; letter++)
    assert_int_equal(buf_append(&expected, view_of(bytes, token(*letter, bytes))), AVOW_OK);
  struct view is = buf_view(&line->to[way - 1]), should = buf_view(&expected);
  if (!view_equal(is, should))
    fail_msg("%zu bytes went, not the %zu of '%s'", is.size, should.size, letters);
  buf_free(&expected);
}

static inline void assert_said(const struct line *line, const char *text) {
  assert_string_equal(line->said, text);
}

#endif
