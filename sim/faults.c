// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdlib.h>

#include "net.h"

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

unsigned net_youngest(const struct world *world) {
  for (unsigned i = world->net->count; i-- > 0;)
    if (!world->net->conns[i]->closed[BOB] || !world->net->conns[i]->closed[ALICE])
      return i;
  return NO_CONN;
}

void net_cut(struct world *world) {
  unsigned number = net_youngest(world);
  if (number != NO_CONN && !world->calm && !world->net->conns[number]->pipes[BOB].cut)
    cut(world, number);
}

void net_stall(struct world *world) {
  unsigned number = net_youngest(world);
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
