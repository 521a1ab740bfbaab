// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "fernet/fernet.h"
#include "net.h"
#include "wire/frame.h"

/* What goes wrong on the line as a whole. */

/* A first part of what is on its way arrives yet, perhaps none, perhaps all. */
static void lose_rest(struct world *world, struct pipe *pipe) {
  struct segment **at = &pipe->first;
  pipe->cut = true;
  pipe->last = NULL;
  while (*at != NULL && chance_of(&world->chance, 600000)) {
    pipe->last = *at;
    at = &(*at)->next;
  }
  while (*at != NULL) {
    struct segment *lost = *at;
    *at = lost->next;
    free(lost);
  }
}

static void cut(struct world *world, unsigned number) {
  struct conn *conn = world->net->conns[number];
  unsigned late = (unsigned)chance_between(&world->chance, 0, 3); /* 2, 3: nobody is late */
  trace(world, "line", "connection %u is cut%s%s", number,
        late < 2 ? ", unnoticed for now by " : "", late < 2 ? HOST_NAMES[late] : "");
  for (unsigned side = 0; side < 2; side++) {
    lose_rest(world, &conn->pipes[side]);
    uint64_t most_us = side == late ? 30000000 : 200000;
    later(world, chance_wide(&world->chance, 1000, most_us), HAPPENS_GONE, number, side);
  }
}

/* The youngest connection that somebody believes in; NO_CONN if there is none. */
static unsigned youngest(const struct world *world) {
  for (unsigned i = world->net->count; i-- > 0;)
    if (!world->net->conns[i]->closed[BOB] || !world->net->conns[i]->closed[ALICE])
      return i;
  return NO_CONN;
}

void net_cut(struct world *world) {
  unsigned number = youngest(world);
  if (number != NO_CONN && !world->calm && !world->net->conns[number]->pipes[BOB].cut)
    cut(world, number);
}

void net_stall(struct world *world) {
  unsigned number = youngest(world);
  if (number == NO_CONN || world->calm)
    return;
  uint64_t for_us = chance_wide(&world->chance, 10000, 15000000);
  enum side side = chance_of(&world->chance, 500000) ? BOB : ALICE;
  struct pipe *pipe = &world->net->conns[number]->pipes[side];
  trace(world, "line", "connection %u to %s stands still for %" PRIu64 " us", number,
        HOST_NAMES[side], for_us);
  if (pipe->last_us < world->now_us)
    pipe->last_us = world->now_us;
  pipe->last_us += for_us;
  for (struct segment *segment = pipe->first; segment != NULL; segment = segment->next) {
    segment->at_us += for_us;
    later(world, segment->at_us - world->now_us, HAPPENS_DELIVERY, number, side);
  }
}

void net_calm(struct world *world) {
  for (unsigned i = 0; i < world->net->count; i++)
    for (unsigned side = 0; side < 2; side++) {
      struct pipe *pipe = &world->net->conns[i]->pipes[side];
      if (buf_view(&pipe->kept).size > 0 && !pipe->cut)
        net_emit(world, i, side, buf_view(&pipe->kept));
      buf_clear(&pipe->kept);
    }
}

/* One message that was never given, perhaps with a hash that it does not have. */
static void fake_message(struct world *world, struct buf *body, bool good_hash) {
  uint8_t text[40], hash[SHA512_SIZE];
  struct hash *hasher;
  chance_bytes(&world->chance, text, sizeof text);
  chance_bytes(&world->chance, hash, sizeof hash);
  struct view view = view_of(text, sizeof text);
  if (hash_new(&hasher) != AVOW_OK || (good_hash && hash_sha512(hasher, view, hash) != AVOW_OK))
    abort();
  hash_free(hasher);
  struct message message = {.timestamp_us = 1, .hash = hash, .text = view};
  if (message_append(body, &message) != AVOW_OK)
    abort();
}

static struct sealed fake_to_alice(struct world *world, const struct model *model,
                                   struct buf *body) {
  struct chance *chance = &world->chance;
  uint64_t logged = 0;
  while (logged < model->count && model->entries[logged].logged)
    logged++;
  struct sealed sealed = {.kind = SEALED_ENVELOPE, .count = 1};
  unsigned kind = (unsigned)chance_between(chance, 0, 3);
  fake_message(world, body, kind != 0);
  if (kind == 0) /* the hash is wrong */
    sealed.first_id = logged;
  else if (kind == 1) /* a message is missing */
    sealed.first_id = model->count + chance_between(chance, 1, 3);
  else if (kind == 2 && logged > 0) /* another one under a stored id */
    sealed.first_id = chance_between(chance, 0, logged - 1);
  else /* an end, too late */
    sealed = (struct sealed){.kind = SEALED_END, .first_id = model->count + 1};
  sealed.direction = TO_ALICE;
  return sealed;
}

static struct sealed fake_to_bob(struct world *world, const struct model *model, struct buf *body) {
  struct chance *chance = &world->chance;
  uint64_t first = 0;
  while (first < model->count && model->entries[first].confirmed)
    first++;
  struct sealed sealed = {.kind = SEALED_CONFIRMATION, .count = 1, .first_id = first};
  bool early =
      chance_of(chance, 500000) && first + 1 < model->count && model->entries[first + 1].logged;
  if (early) /* a right one, before its turn */
    sealed.first_id++;
  const uint8_t *hash = early ? model->entries[first + 1].hash : NULL;
  uint8_t junk[SHA512_SIZE];
  chance_bytes(chance, junk, sizeof junk);
  if (buf_append(body, view_of(early ? hash : junk, SHA512_SIZE)) != AVOW_OK)
    abort();
  sealed.when_us = early ? model->entries[first + 1].confirmed_us : 1;
  sealed.direction = TO_BOB;
  return sealed;
}

void net_forge(struct world *world) {
  unsigned number = youngest(world);
  struct conn *conn = number != NO_CONN ? world->net->conns[number] : NULL;
  if (conn == NULL || conn->pipes[ALICE].last_time_us == 0 || world->calm || conn->pipes[BOB].cut)
    return;
  enum side side = chance_of(&world->chance, 600000) ? ALICE : BOB;
  const struct model *model = &world->models[conn->model];
  struct buf body, plaintext, frame;
  uint8_t iv[FERNET_IV_SIZE], *token;
  buf_init(&body, 4096);
  buf_init(&plaintext, 4096);
  buf_init(&frame, 16384);
  struct sealed sealed =
      side == ALICE ? fake_to_alice(world, model, &body) : fake_to_bob(world, model, &body);
  if (sealed.kind == SEALED_ENVELOPE || sealed.kind == SEALED_CONFIRMATION)
    sealed.body = buf_view(&body);
  sealed.time_us = conn->clock_us[OTHER(side)] + (world->now_us - conn->made_us);
  chance_bytes(&world->chance, iv, sizeof iv);
  if (sealed_encode(&sealed, !world->setting.plain, &plaintext) != AVOW_OK ||
      frame_reserve(&frame, FRAME_TOKEN, fernet_token_size(plaintext.size), &token) != AVOW_OK ||
      fernet_encrypt(conn->fernet, 1, iv, buf_view(&plaintext), token) != AVOW_OK)
    abort();
  trace(world, "line", "connection %u: a forgery to %s, kind %u, id %" PRIu64, number,
        HOST_NAMES[side], sealed.kind, sealed.first_id);
  net_emit(world, number, side, buf_view(&frame));
  buf_free(&body);
  buf_free(&plaintext);
  buf_free(&frame);
}
