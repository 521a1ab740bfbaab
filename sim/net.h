// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_SIM_NET_H
#define AVOW_SIM_NET_H

#include "world.h"

/* The line: connections that deliver bytes in order, late, in pieces; somebody on it who drops,
 * repeats, reorders, changes, truncates and injects frames; and one who reads along with the key,
 * and checks what either side says. */

void net_begin(struct world *world);
void net_end(struct world *world);

/** net_connect(world): Bob reaches alice; return the connection's number. */
unsigned net_connect(struct world *world);

/** net_send(world, conn, side, bytes): ${side} sends; return how many of ${bytes} are taken. */
size_t net_send(struct world *world, unsigned conn, enum side side, struct view bytes);

/** net_deliver(world, conn, side): What is due arrives at ${side}. */
void net_deliver(struct world *world, unsigned conn, enum side side);

/** net_close(world, conn, side, silent): ${side} closes it, or vanishes without a word. */
void net_close(struct world *world, unsigned conn, enum side side, bool silent);

/** net_gone(world, conn, side): ${side} learns that it is over; false if it knows. */
bool net_gone(struct world *world, unsigned conn, enum side side);

/** net_key(world, conn, session): The connection's session: who reads along knows its key. */
void net_key(struct world *world, unsigned conn, const struct session *session);

/** net_cut(world), net_stall(world), net_forge(world), net_calm(world): What goes wrong, and its
 * end. */
void net_cut(struct world *world);
void net_stall(struct world *world);
void net_forge(struct world *world);
void net_calm(struct world *world);

/* Inside of net only. */

struct segment {
  struct segment *next;
  uint64_t at_us;
  size_t size;
  uint8_t bytes[];
};

/* One direction of a connection. */
struct pipe {
  struct segment *first, *last;
  uint64_t last_us, busy_us; /* when the last segment arrives; until when the line is busy */
  size_t waiting;            /* bytes that the line holds */
  struct buf partial;        /* bytes that are no whole frame yet */
  struct buf kept;           /* a frame that is held back until the next one has passed */
  bool cut;
  /* What was read along. */
  uint64_t last_time_us, notice_id, notice_us, asks, first_us;
};

struct conn {
  struct pipe pipes[2]; /* by the side that gets the bytes */
  bool closed[2];       /* that side knows that it is over */
  bool waits[2];        /* that side had more to send than was taken */
  struct fernet *fernet;
  unsigned model;
  uint8_t session_id[SESSION_ID_SIZE];
  uint64_t clock_us[2], made_us; /* the session's clocks, when it was made */
};

#define RECORDED_MAX 32u

struct net {
  struct conn **conns;
  unsigned count, capacity;
  struct buf recorded[RECORDED_MAX]; /* frames of the past */
  unsigned recorded_count;
  struct buf plaintext;
};

/** net_emit(world, conn, side, bytes): These bytes travel to ${side}. */
void net_emit(struct world *world, unsigned conn, enum side side, struct view bytes);

/** net_youngest(world): Return the youngest connection that somebody believes in, or NO_CONN. */
unsigned net_youngest(const struct world *world);

/** net_read_along(world, conn, side, frame): A frame is on its way to ${side}: check it. */
void net_read_along(struct world *world, struct conn *conn, enum side side, struct view frame);

#endif
