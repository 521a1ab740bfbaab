// SPDX-License-Identifier: Apache-2.0
#include "attack/deeds.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "wire/greeting.h"

/* Where the hello says which handshake. */
#define HELLO_HANDSHAKE (AVOW_FRAME_HEADER + 5u)

/* Put ${bytes} in the frame's place. */
static void put(struct passing *passing, struct view bytes) {
  buf_clear(passing->bytes);
  passing_try(passing, buf_append(passing->bytes, bytes));
}

void deed_modify(const struct attack *attack, struct plan *plan, struct passing *passing) {
  int64_t at = attack->value[OPTION_BYTE], bit = attack->value[OPTION_BIT];
  int64_t size = (int64_t)passing->frame.size;
  uint8_t *bytes;
  char did[72];
  if (at == BYTE_ANY)
    at = (int64_t)dice_below(&plan->dice, (uint64_t)size);
  if (bit == BIT_ANY)
    bit = (int64_t)dice_below(&plan->dice, 8);
  if (at < 0)
    at += size;
  if (at < 0 || at >= size)
    return; /* the frame has no such byte */
  buf_clear(passing->bytes);
  if (buf_reserve(passing->bytes, (size_t)size, &bytes) != AVOW_OK) {
    passing_try(passing, AVOW_NO_MEMORY);
    return;
  }
  memcpy(bytes, passing->frame.data, (size_t)size);
  bytes[at] ^= (uint8_t)(1u << bit);
  buf_commit(passing->bytes, (size_t)size);
  snprintf(did, sizeof did, "flipped bit %" PRId64 " of byte %" PRId64 " of", bit, at);
  passing_say(passing, ACT_CHANGED, did, "");
}

void deed_truncate(const struct attack *attack, struct plan *plan, struct passing *passing) {
  (void)plan;
  size_t size = (size_t)attack->value[OPTION_SIZE];
  char then[72];
  if (size >= passing->frame.size)
    return;
  put(passing, view_of(passing->frame.data, size));
  snprintf(then, sizeof then, " off after %zu of its %zu bytes", size, passing->frame.size);
  passing_say(passing, ACT_CHANGED, "cut", then);
}

void deed_inject(const struct attack *attack, struct plan *plan, struct passing *passing) {
  static const char http[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
  size_t before = buf_view(passing->before).size;
  uint8_t noise[32];
  const char *what = "";
  char did[72];
  switch ((enum attack_what)attack->value[OPTION_WHAT]) {
  case WHAT_NOISE:
    for (size_t i = 0; i < sizeof noise; i++)
      noise[i] = (uint8_t)(0x80u | dice_roll(&plan->dice)); /* as a length, it is over any limit */
    passing_try(passing, buf_append(passing->before, view_of(noise, sizeof noise)));
    what = "noise";
    break;
  case WHAT_HTTP:
    passing_try(passing, buf_text(passing->before, http));
    what = "HTTP";
    break;
  case WHAT_OPEN:
    memset(noise, 0, sizeof noise);
    passing_try(passing, frame_append(passing->before, FRAME_OPEN, view_of(noise, 8)));
    what = "an `open` of her own";
    break;
  case WHAT_TOKEN:
    passing_try(passing, dice_token(&plan->dice, passing->before, 120));
    what = "a made-up token";
    break;
  case WHAT_EMPTY:
    passing_try(passing, frame_append(passing->before, FRAME_TOKEN, view_of("", 0)));
    what = "an empty token";
    break;
  }
  snprintf(did, sizeof did, "put %s (%zu bytes) before", what,
           buf_view(passing->before).size - before);
  passing_say(passing, ACT_ADDED, did, "");
}

void deed_replay(const struct attack *attack, struct plan *plan, struct passing *passing) {
  uint64_t count = (uint64_t)attack->value[OPTION_COUNT];
  const struct remembered *old;
  char text[72];
  switch ((enum attack_when)attack->value[OPTION_WHEN]) {
  case AT_ONCE:
    for (uint64_t i = 0; i < count; i++)
      passing_try(passing, buf_append(passing->after, passing->frame));
    snprintf(text, sizeof text, " again, %" PRIu64 " times, right behind it", count);
    passing_say(passing, ACT_ADDED, "sent", count == 1 ? " again, right behind it" : text);
    break;
  case LATER:
    passing->again_us = (uint64_t)attack->value[OPTION_SECONDS];
    seconds_text(passing->again_us, text, sizeof text);
    passing_say(passing, ACT_PASSED, "noted", "; she will send it again");
    break;
  case ANOTHER_CONNECTION:
    old = plan_recall(plan, passing->way, passing->connection, false);
    if (old == NULL)
      return;
    passing_try(passing, buf_append(passing->before, buf_view(&old->frame)));
    snprintf(text, sizeof text, "put token %" PRIu64 " of connection %u before", old->nth,
             old->connection);
    passing_say(passing, ACT_ADDED, text, "");
  }
}

void deed_reorder(const struct attack *attack, struct plan *plan, struct passing *passing) {
  (void)plan;
  passing->hold_us = (uint64_t)attack->value[OPTION_SECONDS];
  passing->until_next = true;
  passing_say(passing, ACT_HELD, "holds back", " until the next one has passed");
}

void deed_duplicate(const struct attack *attack, struct plan *plan, struct passing *passing) {
  (void)attack, (void)plan;
  passing_try(passing, buf_append(passing->after, passing->frame));
  passing_say(passing, ACT_ADDED, "sent", " twice in one go");
}

void deed_drop(const struct attack *attack, struct plan *plan, struct passing *passing) {
  (void)attack, (void)plan;
  passing->dropped = true;
  passing_say(passing, ACT_DROPPED, "swallowed", "");
}

void deed_delay(const struct attack *attack, struct plan *plan, struct passing *passing) {
  (void)plan;
  char wait[24], then[72];
  passing->hold_us = (uint64_t)attack->value[OPTION_SECONDS];
  passing->stall = attack->value[OPTION_OVERTAKE] == 0;
  seconds_text(passing->hold_us, wait, sizeof wait);
  snprintf(then, sizeof then, " for %s%s", wait, passing->stall ? ", and all behind it" : "");
  passing_say(passing, ACT_HELD, "holds back", then);
}

void deed_fake(const struct attack *attack, struct plan *plan, struct passing *passing) {
  (void)attack;
  buf_clear(passing->bytes);
  passing_try(passing, dice_token(&plan->dice, passing->bytes, passing->payload.size));
  passing_say(passing, ACT_CHANGED, "put a made-up token of the same length in the place of", "");
}

void deed_reflect(const struct attack *attack, struct plan *plan, struct passing *passing) {
  (void)attack, (void)plan;
  passing_try(passing, buf_append(passing->back, passing->frame));
  passing_say(passing, ACT_ADDED, "sent", " back to its maker, too");
}

void deed_cut(const struct attack *attack, struct plan *plan, struct passing *passing) {
  (void)attack, (void)plan;
  passing->fate = RELAY_CUT;
  passing->dropped = true;
  passing_say(passing, ACT_CUT, "cut the line before", " could pass");
}

void deed_half_open(const struct attack *attack, struct plan *plan, struct passing *passing) {
  (void)plan;
  char then[72], wait[24];
  passing->fate = RELAY_HALF;
  passing->half_us = (uint64_t)attack->value[OPTION_SECONDS];
  passing->dropped = true;
  seconds_text(passing->half_us, wait, sizeof wait);
  snprintf(then, sizeof then, " could pass; for %s Bob's side stays open", wait);
  passing_say(passing, ACT_CUT, "cut Alice off before", then);
}

void deed_flood(const struct attack *attack, struct plan *plan, struct passing *passing) {
  char did[72];
  uint64_t count = (uint64_t)attack->value[OPTION_COUNT];
  for (uint64_t i = 0; i < count && passing->error == AVOW_OK; i++)
    passing_try(passing, dice_token(&plan->dice, passing->before, 100));
  snprintf(did, sizeof did, "put %" PRIu64 " made-up tokens before", count);
  passing_say(passing, ACT_ADDED, did, "");
}

void deed_drip(const struct attack *attack, struct plan *plan, struct passing *passing) {
  (void)plan;
  char then[72], wait[24];
  passing->gap_us = (uint64_t)attack->value[OPTION_GAP];
  passing->stall = true;
  seconds_text(passing->gap_us, wait, sizeof wait);
  snprintf(then, sizeof then, " drip through, a piece each %s", wait);
  passing_say(passing, ACT_HELD, "lets", then);
}

void deed_huge(const struct attack *attack, struct plan *plan, struct passing *passing) {
  (void)attack, (void)plan;
  static const uint8_t header[AVOW_FRAME_HEADER] = {0xff, 0xff, 0xff, 0xff, FRAME_TOKEN};
  passing_try(passing, buf_append(passing->before, view_of(header, sizeof header)));
  passing_say(passing, ACT_ADDED, "put a header that promises 4 GiB before", "");
}

void deed_downgrade(const struct attack *attack, struct plan *plan, struct passing *passing) {
  (void)attack, (void)plan;
  uint8_t hello[HELLO_HANDSHAKE + 1];
  if (passing->frame.size != sizeof hello ||
      passing->frame.data[HELLO_HANDSHAKE] == HANDSHAKE_PLAIN)
    return; /* there is nothing lower */
  memcpy(hello, passing->frame.data, sizeof hello);
  hello[HELLO_HANDSHAKE] = HANDSHAKE_PLAIN;
  put(passing, view_of(hello, sizeof hello));
  passing_say(passing, ACT_CHANGED, "wrote 'plain' for 'tls' into", "");
}

void deed_splice(const struct attack *attack, struct plan *plan, struct passing *passing) {
  (void)attack;
  char did[72];
  const struct remembered *other = plan_recall(plan, passing->way, passing->connection, true);
  if (other == NULL)
    return;
  put(passing, buf_view(&other->frame));
  snprintf(did, sizeof did, "put token %" PRIu64 " of connection %u in the place of", other->nth,
           other->connection);
  passing_say(passing, ACT_CHANGED, did, "");
}

void deed_forge(const struct attack *attack, struct plan *plan, struct passing *passing) {
  (void)attack, (void)plan;
  passing->asked = true;
  passing_say(passing, ACT_ASKED, "wants to forge", "");
}
