// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdlib.h>

#include "base/limits.h"
#include "world.h"

#define S UINT64_C(1000000)

static void draw_work(struct setting *s, struct chance *chance) {
  s->messages = (unsigned)chance_between(chance, 1, 40);
  s->text_most = chance_of(chance, 300000) ? 4096 : 200;
  if (chance_of(chance, 30000)) {
    s->text_most = chance_of(chance, 100000) ? AVOW_TEXT_MAX : 300u * 1024u;
    s->messages = (unsigned)chance_between(chance, 1, 12);
  }
  s->more = chance_of(chance, 200000) ? (unsigned)chance_between(chance, 1, 5) : 0;
  s->submit_most = chance_of(chance, 300000) ? 1 : (unsigned)chance_wide(chance, 1, 40);
  /* Mostly the work goes on for about as long as the faults. */
  s->calm_us = chance_wide(chance, S / 2, 40 * S);
  s->submit_every_us = chance_wide(chance, 1000, 3 * S);
  if (chance_of(chance, 700000))
    s->submit_every_us = s->calm_us * (s->submit_most + 1) / (2 * s->messages);
  s->sender = (struct sender_config){.resend_after_us = 10 * S,
                                     .freshness_us = AVOW_FRESHNESS_US,
                                     .envelope_messages_max = AVOW_ENVELOPE_MESSAGES_MAX,
                                     .window_max = AVOW_WINDOW_MAX,
                                     .detail = LOG_TEXT,
                                     .offset_min = (int)chance_between(chance, 0, 1560) - 720};
  if (chance_of(chance, 500000))
    s->sender.envelope_messages_max = (unsigned)chance_wide(chance, 1, 8);
  if (chance_of(chance, 200000))
    s->sender.resend_after_us = chance_between(chance, 2 * S, 20 * S);
  if (chance_of(chance, 200000))
    s->sender.freshness_us = chance_between(chance, 1 * S, 10 * S);
  if (chance_of(chance, 300000))
    s->sender.window_max = chance_wide(chance, 4096, AVOW_WINDOW_MAX);
  s->receiver =
      (struct receiver_config){.freshness_us = s->sender.freshness_us,
                               .detail = chance_of(chance, 200000) ? LOG_PROOF : LOG_TEXT};
}

static void draw_line(struct setting *s, struct chance *chance) {
  s->delay_us = chance_wide(chance, 30, 200000);
  s->jitter_us = chance_of(chance, 500000) ? 0 : chance_wide(chance, 10, 300000);
  /* One message must pass well within the freshness limit, or it never can. */
  uint64_t least = 20000 + 9 * (uint64_t)s->text_most * S / s->sender.freshness_us;
  uint64_t held = least * (s->delay_us + s->jitter_us) / S;
  s->capacity = chance_wide(chance, 16384 + held, 4 * 1024 * 1024 + held);
  if (chance_of(chance, 300000))
    s->bytes_per_s = chance_wide(chance, least, 64 * least);
  else if (s->text_most < 1024 && chance_of(chance, 150000)) {
    s->sender.cover = chance_between(chance, 2048, 4096);
    s->sender.cover_period_us = chance_between(chance, 10000, 50000);
  }
}

static void draw_faults(struct world *world) {
  struct setting *s = &world->setting;
  struct chance *chance = &world->chance;
  static const struct {
    enum kind kind;
    unsigned most, often; /* per million of worlds */
  } faults[] = {{HAPPENS_CUT, 6, 600000},    {HAPPENS_STALL, 3, 300000},
                {HAPPENS_DEATH, 5, 600000},  {HAPPENS_JUMP, 4, 400000},
                {HAPPENS_DISMISS, 1, 50000}, {HAPPENS_FORGERY, 6, 200000}};
  if (chance_of(chance, 400000))
    s->tamper = (unsigned)chance_wide(chance, 10000, 400000);
  if (chance_of(chance, 100000))
    s->append_fails = (unsigned)chance_wide(chance, 1000, 100000);
  if (chance_of(chance, 100000))
    s->sync_fails = (unsigned)chance_wide(chance, 1000, 100000);
  if (s->lies)
    later(world, chance_between(chance, 0, s->calm_us), HAPPENS_OLD_COPY,
          chance_of(chance, 500000) ? ALICE : BOB, 0);
  for (unsigned i = 0; i < sizeof faults / sizeof faults[0]; i++) {
    if (!chance_of(chance, faults[i].often))
      continue;
    uint64_t count = chance_between(chance, 1, faults[i].most);
    for (uint64_t k = 0; k < count; k++)
      later(world, chance_between(chance, 0, s->calm_us), faults[i].kind,
            chance_of(chance, 500000) ? ALICE : BOB, 0);
  }
}

void setting_draw(struct world *world) {
  struct setting *s = &world->setting;
  struct chance *chance = &world->chance;
  draw_work(s, chance);
  draw_line(s, chance);
  s->eager = chance_of(chance, 500000) ? 0 : 200000;
  s->ahead = chance_of(chance, 700000) ? 0 : 300000;
  s->plain = chance_of(chance, 250000);
  s->lies = !s->plain && chance_of(chance, 50000);
  s->faultless = chance_of(chance, 50000);
  if (!s->faultless)
    draw_faults(world);
  s->end_us =
      s->calm_us + 120 * S + 10 * s->sender.resend_after_us + s->messages * s->submit_every_us;
  later(world, s->calm_us, HAPPENS_CALM, 0, 0);
  later(world, chance_of(chance, 300000) ? chance_between(chance, 0, 2 * S) : 0, HAPPENS_START, BOB,
        0);
  later(world, chance_of(chance, 300000) ? chance_between(chance, 0, 5 * S) : 0, HAPPENS_START,
        ALICE, 0);
  trace(world, "world",
        "seed %" PRIu64 ": %u messages of up to %zu bytes, delay %" PRIu64 " + %" PRIu64
        " us, %" PRIu64 " B/s, tampering %u, calm at %" PRIu64 " s",
        world->seed, s->messages, s->text_most, s->delay_us, s->jitter_us, s->bytes_per_s,
        s->tamper, s->calm_us / S);
}

struct view text_draw(struct world *world, struct buf *text) {
  struct chance *chance = &world->chance;
  size_t most = world->setting.text_most;
  size_t size = (size_t)chance_wide(chance, 1, chance_of(chance, 700000) && most > 64 ? 64 : most);
  uint8_t *room;
  size -= chance_of(chance, 50000) ? size : 0;
  buf_clear(text);
  if (buf_reserve(text, size, &room) != AVOW_OK)
    abort();
  bool wild = chance_of(chance, 200000);
  chance_bytes(chance, room, size);
  for (size_t i = 0; i < size && !wild; i++)
    room[i] = (uint8_t)(' ' + room[i] % 95);
  return view_of(room, size);
}
