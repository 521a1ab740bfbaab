// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_SIM_RULES_INSIDE_H
#define AVOW_SIM_RULES_INSIDE_H

/* The inside of rules, for rules.c and rules_both.c only: what a log has told so far. */

#include "crypto/hash.h"
#include "rules.h"

struct head_at {
  uint8_t head[HEAD_SIZE];
  uint64_t messages; /* before it */
};

struct connection {
  uint8_t statement[SHA256_SIZE];
  struct proof proof;
  bool agreed;
};

struct told {
  uint64_t confirmed_us;
  int confirmed_min;
  size_t at, size; /* of its three lines */
};

struct envelope {
  uint64_t first_id, count;
  uint64_t confirmed_us; /* 0 where the envelope does not tell */
  struct proof proof;
};

struct end {
  uint64_t messages, when_us;
  bool by_bob;
  struct proof proof;
};

struct rules {
  enum side side;
  bool tls;
  struct ed25519 *keys[2]; /* whose key is whose, the reader knows */
  struct hash *hash;
  struct buf text, opening; /* statements: the last one, that of the last connection */
  struct names names;
  struct buf told; /* the lines of the messages */
  struct head_at *lines, *given;
  size_t lines_count, given_count;
  size_t seen; /* the last of those given that bob signed */
  uint8_t bob_head[HEAD_SIZE];
  struct connection *connections;
  struct told *messages;
  struct envelope *envelopes;
  struct end *ends;
  size_t connections_count, messages_count, envelopes_count, ends_count;
  uint64_t enveloped; /* the next message that has no envelope */
  bool end_due;       /* an end was the last that the log told */
};

#endif
