// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <string.h>

#include "disk.h"
#include "fernet/fernet.h"
#include "net.h"
#include "wire/frame.h"

/* Somebody reads along with the key and holds what is said against what is known. */

/* The heads that bob signs: his own stands durably in his log, behind so many messages; alice's in
 * hers, and she gave it to him. */
static void check_signed(struct world *world, const struct conn *conn, const struct sealed *sealed,
                         uint64_t behind) {
  const struct rules *bob = disk_log(world->hosts[BOB].store, conn->session_id);
  const struct rules *alice = disk_log(world->hosts[ALICE].store, conn->session_id);
  if (world->setting.plain)
    return;
  if (bob == NULL || !rules_line(bob, sealed->proof.bob_head, behind))
    broken(world, "bob signs a head of his that does not durably stand behind %" PRIu64 " messages",
           behind);
  if (alice == NULL || !rules_gave(alice, sealed->proof.alice_head))
    broken(world, "bob signs a head of alice's log that she never gave him");
}

static void read_envelope(struct world *world, struct conn *conn, const struct sealed *sealed) {
  struct model *model = &world->models[conn->model];
  struct reader body = reader_of(sealed->body);
  for (uint64_t id = sealed->first_id; id < sealed->first_id + sealed->count; id++) {
    struct message message;
    message_take(&body, &message);
    if (id >= model->durable) {
      broken(world, "message %" PRIu64 " leaves bob and is not durable there", id);
      return;
    }
    struct entry *entry = &model->entries[id];
    if (memcmp(message.hash, entry->hash, sizeof entry->hash) != 0 ||
        message.timestamp_us != entry->timestamp_us)
      broken(world, "another message leaves bob under the id %" PRIu64, id);
    entry->left = true;
  }
  model->entries[sealed->first_id].sent = sealed->count;
  model->entries[sealed->first_id].origin = sealed->proof;
  check_signed(world, conn, sealed, sealed->first_id + sealed->count);
}

static void read_confirmation(struct world *world, struct conn *conn, const struct sealed *sealed) {
  struct model *model = &world->models[conn->model];
  for (unsigned i = 0; i < sealed->count; i++) {
    uint64_t id = sealed->first_id + i;
    const struct entry *entry = id < model->count ? &model->entries[id] : NULL;
    if (entry == NULL || !entry->logged) {
      broken(world, "alice confirms message %" PRIu64 ", which is not durable with her", id);
      return;
    }
    if (memcmp(sealed->body.data + (size_t)i * MESSAGE_HASH_SIZE, entry->hash, 64) != 0)
      broken(world, "alice confirms message %" PRIu64 " with another hash", id);
    if (sealed->when_us != entry->confirmed_us)
      broken(world, "alice confirms message %" PRIu64 " with another time than in her log", id);
  }
  const struct entry *first = &model->entries[sealed->first_id];
  if (first->envelope != sealed->count ||
      memcmp(&first->proof, &sealed->proof, sizeof first->proof) != 0)
    broken(world, "alice confirms message %" PRIu64 " with another receipt than in her log",
           sealed->first_id);
}

/* How often something may be said: once a second, and once more for each step forward. */
static void bound(struct world *world, const struct pipe *pipe, uint64_t count, const char *what) {
  uint64_t seconds = (world->now_us - pipe->first_us) / 999000;
  if (count > 3 + seconds + 2 * world->setting.messages)
    broken(world, "%" PRIu64 " %s on one connection in %" PRIu64 " s: a storm", count, what,
           seconds);
}

/* How many connections the logs of a session durably tell of, and whether they tell of its end. */
static uint64_t logs_say(const struct world *world, enum side side, unsigned model,
                         bool *ret_ended) {
  const struct store *store = world->hosts[side].store;
  uint64_t connections = 0;
  *ret_ended = false;
  for (unsigned i = 0; i < store->count; i++) {
    if (store->files[i]->model != model)
      continue;
    *ret_ended |= store->files[i]->ended;
    if (connections < store->files[i]->connections)
      connections = store->files[i]->connections;
  }
  return connections;
}

static void read_end(struct world *world, struct conn *conn, enum side side,
                     const struct sealed *sealed) {
  const struct model *model = &world->models[conn->model];
  bool ended;
  logs_say(world, OTHER(side), conn->model, &ended);
  if (side == ALICE && sealed->first_id != model->count)
    broken(world, "bob ends after %" PRIu64 " of %" PRIu64 " messages", sealed->first_id,
           model->count);
  if (side == ALICE)
    check_signed(world, conn, sealed, 0);
  for (uint64_t id = 0; id < model->count && side == ALICE; id++)
    if (!model->entries[id].logged)
      broken(world, "bob ends, and message %" PRIu64 " is not with alice", id);
  if (side == BOB && !ended)
    broken(world, "alice says goodbye before that is in her log");
}

/* The same notice leaves once a second at most, whatever comes.  Under cover it may have waited,
 * and costs nothing: it takes the place of a dummy. */
static void read_notice(struct world *world, struct pipe *pipe, const struct sealed *sealed) {
  if (world->setting.sender.cover == 0 && pipe->notice_us != 0 &&
      pipe->notice_id == sealed->first_id && world->now_us - pipe->notice_us < 990000)
    broken(world, "alice says twice within a second that she expects %" PRIu64 ": a storm",
           sealed->first_id);
  pipe->notice_id = sealed->first_id;
  pipe->notice_us = world->now_us;
}

static void check(struct world *world, struct conn *conn, enum side side,
                  const struct sealed *sealed) {
  static const char *const names[] = {"",    "envelope", "confirmation", "notice",
                                      "end", "ask",      "dummy"};
  struct pipe *pipe = &conn->pipes[side];
  bool ended;
  trace(world, HOST_NAMES[OTHER(side)], "sends %s %" PRIu64 " + %u", names[sealed->kind],
        sealed->first_id, sealed->count);
  if (sealed->time_us <= pipe->last_time_us)
    broken(world, "%s sends a token that is not later than the one before",
           HOST_NAMES[OTHER(side)]);
  pipe->last_time_us = sealed->time_us;
  if (pipe->first_us == 0)
    pipe->first_us = world->now_us;
  if (side == ALICE && logs_say(world, BOB, conn->model, &ended) < bob_connections(world))
    broken(world, "bob sends before his log durably tells of the connection");
  switch (sealed->kind) {
  case SEALED_ENVELOPE: read_envelope(world, conn, sealed); break;
  case SEALED_CONFIRMATION: read_confirmation(world, conn, sealed); break;
  case SEALED_NOTICE: read_notice(world, pipe, sealed); break;
  case SEALED_ASK: bound(world, pipe, ++pipe->asks, "asks"); break;
  case SEALED_END: read_end(world, conn, side, sealed); break;
  case SEALED_DUMMY: break;
  }
}

void net_read_along(struct world *world, struct conn *conn, enum side side, struct view frame) {
  struct buf *plaintext = &world->net->plaintext;
  struct view token = view_of(frame.data + AVOW_FRAME_HEADER, frame.size - AVOW_FRAME_HEADER);
  struct sealed sealed;
  uint8_t *room;
  size_t size;
  if (frame.data[4] != FRAME_TOKEN || world->lie != NO_LIE)
    return;
  buf_clear(plaintext);
  if (conn->fernet == NULL)
    broken(world, "a token before there is a key");
  else if (buf_reserve(plaintext, fernet_message_max(token.size), &room) != AVOW_OK ||
           fernet_decrypt(conn->fernet, token, (struct fernet_time){0}, room, &size) != AVOW_OK ||
           sealed_decode(view_of(room, size), side == ALICE ? TO_ALICE : TO_BOB,
                         !world->setting.plain, &sealed) != AVOW_OK)
    broken(world, "%s sends a token that cannot be read", HOST_NAMES[OTHER(side)]);
  else
    check(world, conn, side, &sealed);
}
