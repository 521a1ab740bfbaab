// SPDX-License-Identifier: Apache-2.0
#include "net.h"

#include <stdlib.h>
#include <string.h>

#include "fernet/fernet.h"
#include "wire/frame.h"

/* What one read of a socket gives at most. */
#define READ_MAX (64u * 1024u)

void net_begin(struct world *world) {
  world->net = calloc(1, sizeof *world->net);
  if (world->net == NULL)
    abort();
  for (unsigned i = 0; i < RECORDED_MAX; i++)
    buf_init(&world->net->recorded[i], 2 * AVOW_TOKEN_MAX);
  buf_init(&world->net->plaintext, AVOW_TOKEN_MAX);
}

static void clear(struct pipe *pipe) {
  while (pipe->first != NULL) {
    struct segment *next = pipe->first->next;
    free(pipe->first);
    pipe->first = next;
  }
  pipe->last = NULL;
  buf_free(&pipe->partial);
  buf_free(&pipe->kept);
}

void net_end(struct world *world) {
  struct net *net = world->net;
  for (unsigned i = 0; i < net->count; i++) {
    clear(&net->conns[i]->pipes[BOB]);
    clear(&net->conns[i]->pipes[ALICE]);
    fernet_free(net->conns[i]->fernet);
    free(net->conns[i]);
  }
  for (unsigned i = 0; i < RECORDED_MAX; i++)
    buf_free(&net->recorded[i]);
  buf_free(&net->plaintext);
  free(net->conns);
  free(net);
}

unsigned net_connect(struct world *world) {
  struct net *net = world->net;
  struct conn *conn = calloc(1, sizeof *conn);
  if (net->count == net->capacity) {
    net->capacity = net->capacity * 2 + 16;
    net->conns = realloc(net->conns, net->capacity * sizeof(struct conn *));
  }
  if (conn == NULL || net->conns == NULL)
    abort();
  for (unsigned side = 0; side < 2; side++) {
    buf_init(&conn->pipes[side].partial, 8 * AVOW_OUTPUT_MAX);
    buf_init(&conn->pipes[side].kept, 2 * AVOW_TOKEN_MAX);
  }
  net->conns[net->count] = conn;
  return net->count++;
}

void net_key(struct world *world, unsigned number, const struct session *session) {
  struct conn *conn = world->net->conns[number];
  if (fernet_new(&conn->fernet, session->grant.key) != AVOW_OK)
    abort();
  conn->model = bob_model(world);
  memcpy(conn->session_id, session->grant.session_id, sizeof conn->session_id);
  conn->clock_us[BOB] = session->open.clock_us;
  conn->clock_us[ALICE] = session->grant.clock_us;
  conn->made_us = world->now_us;
}

/* Bytes come to the end of the line when it has carried them, and never before those ahead. */
static void put_segment(struct world *world, unsigned number, enum side side, struct view bytes) {
  struct pipe *pipe = &world->net->conns[number]->pipes[side];
  const struct setting *setting = &world->setting;
  uint64_t delay_us = setting->delay_us;
  if (setting->jitter_us > 0)
    delay_us += chance_between(&world->chance, 0, setting->jitter_us);
  if (pipe->busy_us < world->now_us)
    pipe->busy_us = world->now_us;
  if (setting->bytes_per_s > 0)
    pipe->busy_us += bytes.size * 1000000 / setting->bytes_per_s;
  if (pipe->last_us < pipe->busy_us + delay_us)
    pipe->last_us = pipe->busy_us + delay_us;
  struct segment *segment = malloc(sizeof *segment + bytes.size);
  if (segment == NULL)
    abort();
  *segment = (struct segment){.at_us = pipe->last_us, .size = bytes.size};
  memcpy(segment->bytes, bytes.data, bytes.size);
  if (pipe->last != NULL)
    pipe->last->next = segment;
  else
    pipe->first = segment;
  pipe->last = segment;
  pipe->waiting += bytes.size;
  later(world, pipe->last_us - world->now_us, HAPPENS_DELIVERY, number, side);
}

void net_emit(struct world *world, unsigned number, enum side side, struct view bytes) {
  bool split = chance_of(&world->chance, 100000);
  while (bytes.size > 0) {
    size_t part = bytes.size < READ_MAX ? bytes.size : READ_MAX;
    if (split)
      part = (size_t)chance_between(&world->chance, 1, part);
    split = split && chance_of(&world->chance, 500000);
    put_segment(world, number, side, view_of(bytes.data, part));
    bytes = view_of(bytes.data + part, bytes.size - part);
  }
}

static void record(struct world *world, struct view frame) {
  struct net *net = world->net;
  struct buf *buf = &net->recorded[net->recorded_count++ % RECORDED_MAX];
  buf_clear(buf);
  (void)buf_append(buf, frame); /* a frame fits */
}

/* Somebody on the line changes a frame, or what is around it. */
static void tamper(struct world *world, unsigned number, enum side side, struct view frame) {
  struct net *net = world->net;
  struct chance *chance = &world->chance;
  struct pipe *pipe = &net->conns[number]->pipes[side];
  uint8_t junk[64];
  struct buf *old = &net->recorded[chance_next(chance) % RECORDED_MAX];
  unsigned kind = (unsigned)chance_between(chance, 0, 7);
  world->tamperings++;
  static const char *const names[] = {"dropped",          "repeated",    "spoilt",
                                      "cut short",        "held back",   "preceded by an old one",
                                      "preceded by junk", "all but lost"};
  trace(world, "line", "connection %u: a frame of %zu bytes to %s is %s", number, frame.size,
        HOST_NAMES[side], names[kind]);
  switch (kind) {
  case 0: return;
  case 1: net_emit(world, number, side, frame); break;
  case 2: {
    struct buf copy;
    buf_init(&copy, frame.size);
    if (buf_append(&copy, frame) != AVOW_OK)
      abort();
    size_t at = (size_t)chance_between(chance, 0, chance_of(chance, 200000) ? 4 : frame.size - 1);
    copy.data[at] ^= (uint8_t)chance_between(chance, 1, 255);
    net_emit(world, number, side, buf_view(&copy));
    buf_free(&copy);
    return;
  }
  case 3: frame.size = (size_t)chance_between(chance, 1, frame.size - 1); break;
  case 4:
    if (buf_view(&pipe->kept).size == 0 && buf_append(&pipe->kept, frame) == AVOW_OK)
      return;
    break;
  case 5:
    if (buf_view(old).size > 0)
      net_emit(world, number, side, buf_view(old));
    break;
  case 6:
    chance_bytes(chance, junk, sizeof junk);
    net_emit(world, number, side, view_of(junk, (size_t)chance_between(chance, 1, sizeof junk)));
    break;
  default: frame.size = 5; break;
  }
  net_emit(world, number, side, frame);
}

/* A whole frame leaves OTHER(side). */
static void pass(struct world *world, unsigned number, enum side side, struct view frame) {
  struct conn *conn = world->net->conns[number];
  struct pipe *pipe = &conn->pipes[side];
  net_read_along(world, conn, side, frame);
  if (pipe->cut)
    return;
  /* Nobody protects a plain opening, so only what TLS would let pass is done to it: nothing. */
  if (frame.data[4] != FRAME_TOKEN) {
    net_emit(world, number, side, frame);
    return;
  }
  bool bad = !world->calm && chance_of(&world->chance, world->setting.tamper);
  if (world->setting.tamper > 0)
    record(world, frame);
  if (bad)
    tamper(world, number, side, frame);
  else
    net_emit(world, number, side, frame);
  if (buf_view(&pipe->kept).size > 0 && (!bad || world->calm)) {
    net_emit(world, number, side, buf_view(&pipe->kept));
    buf_clear(&pipe->kept);
  }
}

size_t net_send(struct world *world, unsigned number, enum side side, struct view bytes) {
  struct conn *conn = world->net->conns[number];
  struct pipe *pipe = &conn->pipes[OTHER(side)];
  if (conn->closed[side] || world->hosts[side].dead || bytes.size == 0)
    return 0;
  size_t room =
      pipe->waiting < world->setting.capacity ? world->setting.capacity - pipe->waiting : 0;
  conn->waits[side] = bytes.size > room;
  if (bytes.size > room)
    bytes.size = room;
  if (pipe->cut)
    pipe->waiting += bytes.size; /* and there it stays */
  if (bytes.size == 0 || buf_append(&pipe->partial, bytes) != AVOW_OK)
    return 0;
  for (;;) {
    struct view rest = buf_view(&pipe->partial);
    if (rest.size < AVOW_FRAME_HEADER)
      break;
    size_t size = AVOW_FRAME_HEADER + load_u32(rest.data);
    if (rest.size < size) {
      if (conn->waits[side] && pipe->waiting == 0)
        later(world, world->setting.delay_us, HAPPENS_ROOM, number, side);
      break;
    }
    pass(world, number, OTHER(side), view_of(rest.data, size));
    buf_consume(&pipe->partial, size);
  }
  return bytes.size;
}

void net_deliver(struct world *world, unsigned number, enum side side) {
  struct conn *conn = world->net->conns[number];
  struct pipe *pipe = &conn->pipes[side];
  if (pipe->first == NULL || pipe->first->at_us > world->now_us || conn->closed[side])
    return;
  if (side == ALICE && !alice_reads(world, number)) {
    later(world, 5000, HAPPENS_DELIVERY, number, side);
    return;
  }
  /* What came shortly after is read together with it: the program was busy. */
  uint64_t until_us = world->now_us;
  if (chance_of(&world->chance, 300000))
    until_us += chance_between(&world->chance, 0, 5000);
  struct buf bytes;
  buf_init(&bytes, READ_MAX);
  while (pipe->first != NULL && pipe->first->at_us <= until_us) {
    struct segment *segment = pipe->first;
    if (buf_append(&bytes, view_of(segment->bytes, segment->size)) != AVOW_OK) {
      later(world, 0, HAPPENS_DELIVERY, number, side);
      break;
    }
    pipe->waiting -= segment->size;
    pipe->first = segment->next;
    if (pipe->first == NULL)
      pipe->last = NULL;
    free(segment);
  }
  if (conn->waits[OTHER(side)])
    later(world, 0, HAPPENS_ROOM, number, OTHER(side));
  if (side == BOB)
    bob_bytes(world, number, buf_view(&bytes));
  else
    alice_bytes(world, number, buf_view(&bytes));
  buf_free(&bytes);
}

void net_close(struct world *world, unsigned number, enum side side, bool silent) {
  struct conn *conn = world->net->conns[number];
  if (conn->closed[side])
    return;
  conn->closed[side] = true;
  struct pipe *pipe = &conn->pipes[OTHER(side)];
  uint64_t wait_us = world->setting.delay_us;
  if (pipe->last_us > world->now_us)
    wait_us += pipe->last_us - world->now_us; /* after all that is on its way */
  if (silent)
    wait_us = chance_wide(&world->chance, 1000, 30000000);
  later(world, wait_us, HAPPENS_GONE, number, OTHER(side));
}

bool net_gone(struct world *world, unsigned number, enum side side) {
  struct conn *conn = world->net->conns[number];
  bool knew = conn->closed[side];
  conn->closed[side] = true;
  return !knew;
}
