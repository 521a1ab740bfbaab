// SPDX-License-Identifier: Apache-2.0
/* The receiver, as a state machine.  Built twice: as `receiver` the script's bytes come as they
 * are, and as tokens of another sender with one byte altered, so that nothing may ever be taken; as
 * `receiver_sealed`, with HMAC_OFF, the script is a sender that has the key.
 *
 * Whatever it does: no call fails, nothing is confirmed before it is durable, each id is shown once
 * and in order, the same confirmation is given each time, the log can be read back at any moment,
 * and every tick moves the deadline on.  In a signed session the log proves all that it tells. */
#include <stdlib.h>
#include <string.h>

#include "base/when.h"
#include "core/receiver.h"
#include "crypto/hash.h"
#include "disk.h"
#include "evidence.h"
#include "harness.h"
#include "peer.h"

#define CONNECTIONS_MAX 6u
#define MESSAGES_MAX 300u
#define START_US 1700000000000000u
#define TOTAL_MAX (3u * 1024u * 1024u) /* bytes given to the receiver in one run */

struct run {
  struct reader script;
  struct receiver *receiver;
  struct receiver_config config;
  struct peer peer;
  struct disk disk;
  struct hash *hash;
  struct now now;
  uint64_t bob_us; /* bob's clock is so far ahead of our monotonic one */
  uint8_t connections;
  bool is_signed;
  uint8_t alice_head[HEAD_SIZE]; /* the last one that we have seen, or nearly so */
  unsigned messages;             /* said in this run */
  uint64_t shown;                /* the next id to be shown */
  struct buf confirmed;          /* by id, what its first confirmation told, or zeroes */
  bool started, ended, gone;     /* gone: cut */
  size_t given;
  bool long_said;
};

/* What a confirmation tells of a message, beside its hash. */
struct told {
  uint64_t when_us, when_min;
  struct proof proof;
};

static void connect(struct run *run) {
  struct session session = {.handshake = HANDSHAKE_PLAIN};
  uint8_t seed[DRBG_SEED_SIZE] = {run->connections++};
  int offset_min = (int)(reader_u16(&run->script) % 2879) - 1439;
  session.grant.key[0] = run->connections;
  session.grant.clock_us = run->now.wall_us;
  session.grant.next_id = receiver_next_id(run->receiver);
  session.open.clock_us = run->now.mono_us + run->bob_us;
  session.open.offset_min = (int16_t)offset_min;
  session.clock = (struct line_clock){run->now.wall_us, run->now.mono_us, run->now.wall_us};
  session.peer_us = session.open.clock_us;
  session.peer_mono_us = run->now.mono_us;
  session.open.resume = run->started;
  memcpy(session.grant.alice_head, receiver_head(run->receiver), HEAD_SIZE);
  memcpy(run->alice_head, session.grant.alice_head, HEAD_SIZE);
  if (run->is_signed)
    peer_make_signed(&session, false);
  struct opened opened = session_opened(&session, false);
  opened.peer = "('127.0.0.1', 1)";
  run->started = true;
  peer_open(&run->peer, &session, TO_BOB);
  run->peer.said_us = session.open.clock_us;
  REQUIRE_OK(receiver_attach(run->receiver, &session, &opened, seed));
  if (run->is_signed)
    REQUIRE_OK(receiver_agreed(run->receiver, session.bob_signature));
}

static void check_confirmation(struct run *run, const struct sealed *sealed) {
  /* The order of durability. */
  REQUIRE(sealed->first_id + sealed->count <= run->disk.durable);
  static const struct told nothing;
  struct told told = {sealed->when_us, (uint64_t)sealed->when_min, sealed->proof};
  memcpy(run->alice_head, sealed->proof.head, HEAD_SIZE);
  for (unsigned i = 0; i < sealed->count; i++) {
    uint64_t id = sealed->first_id + i;
    REQUIRE(memcmp(sealed->body.data + i * MESSAGE_HASH_SIZE, disk_hash(&run->disk, id),
                   MESSAGE_HASH_SIZE) == 0);
    while (buf_view(&run->confirmed).size < (id + 1) * sizeof told)
      REQUIRE_OK(buf_append(&run->confirmed, view_of(&nothing, sizeof nothing)));
    uint8_t *at = run->confirmed.data + run->confirmed.start + id * sizeof told;
    REQUIRE(memcmp(at, &nothing, sizeof told) == 0 || memcmp(at, &told, sizeof told) == 0);
    memcpy(at, &told, sizeof told);
  }
}

static void hear(struct run *run, size_t size) {
  struct view out = receiver_output(run->receiver);
  struct sealed sealed;
  size = size < out.size ? size : out.size;
  REQUIRE_OK(buf_append(&run->peer.heard, view_of(out.data, size)));
  receiver_output_consume(run->receiver, size);
  while (peer_hear(&run->peer, &sealed)) {
    if (sealed.kind == SEALED_CONFIRMATION)
      check_confirmation(run, &sealed);
    else if (sealed.kind == SEALED_NOTICE)
      REQUIRE(sealed.first_id <= receiver_next_id(run->receiver));
    else
      REQUIRE(sealed.kind == SEALED_END && sealed.first_id == run->disk.durable);
  }
}

static bool write(struct run *run) {
  struct view record;
  REQUIRE_OK(receiver_record(run->receiver, &record));
  disk_write(&run->disk, record);
  receiver_record_consume(run->receiver, record.size);
  REQUIRE(run->disk.messages == receiver_next_id(run->receiver));
  return record.size > 0;
}

static void sync(struct run *run) {
  write(run);
  disk_sync(&run->disk);
  REQUIRE_OK(receiver_durable(run->receiver, run->now));
}

static void show(struct run *run) {
  struct event event;
  while (receiver_next_event(run->receiver, &event)) {
    REQUIRE(event.type != EVENT_SENT && event.type != EVENT_CONFIRMED);
    if (event.type == EVENT_MESSAGE) {
      uint8_t hash[SHA512_SIZE];
      REQUIRE(event.id == run->shown++ && event.id < run->disk.durable);
      REQUIRE_OK(hash_sha512(run->hash, event.text, hash));
      REQUIRE(memcmp(hash, disk_hash(&run->disk, event.id), sizeof hash) == 0);
    } else if (event.type == EVENT_ENDED) {
      REQUIRE(!run->ended);
      run->ended = true;
    }
  }
}

/* As an owner does it: until nothing is left. */
static void drive(struct run *run) {
  while (write(run)) {
    sync(run);
    show(run);
    hear(run, SIZE_MAX);
    REQUIRE_OK(receiver_input(run->receiver, view_of("", 0), run->now));
  }
  show(run);
  hear(run, SIZE_MAX);
}

static void give(struct run *run, struct view bytes) {
  uint8_t *exact = fuzz_exact(bytes);
  run->given += bytes.size;
  enum avow_error error = receiver_input(run->receiver, view_of(exact, bytes.size), run->now);
  if (error == AVOW_FULL) { /* nothing was taken, since we have not drained: we do now */
    drive(run);
    error = receiver_input(run->receiver, view_of(exact, bytes.size), run->now);
  }
  REQUIRE_OK(error);
  show(run);
  free(exact);
}

/* Give what the peer has said, as reads of a socket. */
static void give_wire(struct run *run, size_t piece) {
  while (buf_view(&run->peer.wire).size > 0) {
    struct view wire = buf_view(&run->peer.wire);
    wire.size = wire.size < piece ? wire.size : piece;
    give(run, wire);
    buf_consume(&run->peer.wire, wire.size);
  }
}

static void tick(struct run *run) {
  drive(run);
  REQUIRE_OK(receiver_tick(run->receiver, run->now));
  drive(run);
  REQUIRE(receiver_deadline(run->receiver) > run->now.mono_us);
}

/* Times near the edges of the freshness limit, and far off. */
static uint64_t token_time(struct run *run, uint8_t choice) {
  uint64_t bob_us = run->now.mono_us + run->bob_us;
  switch (choice & 7) {
  case 0: return run->peer.said_us; /* a replay */
  case 1: return bob_us - (uint64_t)reader_u16(&run->script) * 100;
  case 2: return bob_us + (uint64_t)reader_u16(&run->script) * 1000000;
  case 3: return reader_u64(&run->script) % (WHEN_MAX_US + 1);
  default: return bob_us > run->peer.said_us ? bob_us : run->peer.said_us + 1;
  }
}

/* Mostly as bob would. */
static void sign(struct run *run, struct sealed *sealed) {
  if (!run->is_signed)
    return;
  uint8_t how = reader_u8(&run->script);
  memcpy(sealed->proof.alice_head, run->alice_head, HEAD_SIZE);
  sealed->proof.bob_head[0] = how;
  sealed->proof.alice_head[how & 31] ^= (how & 192) == 64;
  if (how != 255)
    peer_sign(&run->peer, sealed, sealed->body);
  sealed->proof.bob_signature[how & 63] ^= (how & 192) == 128 ? how : 0;
}

static void say_envelope(struct run *run, struct sealed *sealed) {
  struct buf body;
  uint8_t how = reader_u8(&run->script);
  sealed->count =
      (uint16_t)(how & 1 && run->messages < MESSAGES_MAX ? 1u + reader_u8(&run->script) * 4u
                                                         : 1u + (how >> 5));
  run->messages += sealed->count;
  buf_init(&body, AVOW_PLAINTEXT_MAX - 1024);
  for (unsigned i = 0; i < sealed->count; i++) {
    uint8_t hash[SHA512_SIZE];
    struct message message = {.timestamp_us = START_US, .hash = hash};
    message.text = fuzz_take(&run->script, how & 2 ? reader_u8(&run->script) : 0);
    if (how & 8)
      message.timestamp_us = reader_u64(&run->script) % (WHEN_MAX_US + 1);
    REQUIRE_OK(hash_sha512(run->hash, message.text, hash));
    if ((how & 20) == 20 && i == sealed->count / 2)
      hash[0] ^= 1;
    if (message_append(&body, &message) != AVOW_OK) {
      sealed->count = (uint16_t)i;
      break;
    }
  }
  sealed->body = buf_view(&body);
  sign(run, sealed);
  peer_say(&run->peer, sealed);
  buf_free(&body);
}

/* The longest text there is, now and then. */
static void say_long(struct run *run, struct sealed *sealed) {
  uint8_t hash[SHA512_SIZE];
  struct buf body;
  uint8_t *text = malloc(AVOW_TEXT_MAX);
  run->long_said = true;
  memset(text, reader_u8(&run->script), AVOW_TEXT_MAX);
  struct message message = {START_US, hash, view_of(text, AVOW_TEXT_MAX)};
  REQUIRE_OK(hash_sha512(run->hash, message.text, hash));
  buf_init(&body, AVOW_PLAINTEXT_MAX);
  REQUIRE_OK(message_append(&body, &message));
  sealed->body = buf_view(&body);
  sealed->count = 1;
  sign(run, sealed);
  peer_say(&run->peer, sealed);
  buf_free(&body);
  free(text);
}

/* A token from someone with the key: mostly one that could be right. */
static void say_token(struct run *run) {
  static const enum sealed_kind kinds[] = {SEALED_ENVELOPE, SEALED_ENVELOPE, SEALED_ASK,
                                           SEALED_END,      SEALED_NOTICE,   SEALED_CONFIRMATION};
  uint8_t choice = reader_u8(&run->script), id = reader_u8(&run->script);
  uint64_t next_id = receiver_next_id(run->receiver);
  struct sealed sealed = {.kind = kinds[choice % 6], .time_us = token_time(run, choice / 6)};
  sealed.echo_us = id & 1 ? run->peer.heard_us : reader_u8(&run->script) & 1 ? WHEN_MAX_US : 0;
  sealed.first_id = id & 2 ? reader_u64(&run->script) % MESSAGE_ID_MAX : next_id;
  if (id & 4)
    sealed.first_id = (id >> 3) < next_id ? next_id - (id >> 3) : 0;
  if (sealed.kind == SEALED_ENVELOPE && (choice / 6) % 32 == 31 && !run->long_said)
    say_long(run, &sealed);
  else if (sealed.kind == SEALED_ENVELOPE)
    say_envelope(run, &sealed);
  else if (sealed.kind == SEALED_END)
    sign(run, &sealed), peer_say(&run->peer, &sealed);
  else
    peer_say(&run->peer, &sealed);
}

/* One that says the same many times over, and reads no answer. */
static void flood(struct run *run) {
  struct sealed sealed = {.kind = SEALED_ASK};
  unsigned times = reader_u8(&run->script);
  for (unsigned i = 0; i < times && run->given < TOTAL_MAX; i++) {
    sealed.time_us = token_time(run, 7);
    peer_say(&run->peer, &sealed);
  }
}

#ifdef HMAC_OFF
static void act_sealed(struct run *run, uint8_t act) {
  if (act < 5)
    say_token(run);
  else if (act == 5)
    flood(run);
  else
    peer_say_plaintext(&run->peer, fuzz_take(&run->script, reader_u16(&run->script)));
  if (act & 1)
    give_wire(run, AVOW_READ_MAX);
}
#else
/* A good token with one byte of it altered, or one that was made for another session. */
static void act_sealed(struct run *run, uint8_t act) {
  uint64_t next_id = receiver_next_id(run->receiver);
  (void)flood;
  buf_clear(&run->peer.wire);
  say_token(run);
  struct view wire = buf_view(&run->peer.wire);
  size_t at = AVOW_FRAME_HEADER + reader_u16(&run->script) % (wire.size - AVOW_FRAME_HEADER);
  run->peer.wire.data[run->peer.wire.start + at] ^= (uint8_t)(1 + act);
  give_wire(run, AVOW_READ_MAX);
  REQUIRE(receiver_next_id(run->receiver) == next_id && next_id == 0);
}
#endif

static void pass_time(struct run *run) {
  uint8_t how = reader_u8(&run->script);
  static const uint64_t units[] = {1, 1000, 100000, 1000000};
  run->now.mono_us += (how >> 3) * units[how & 3];
  run->now.wall_us += (how >> 3) * units[how & 3];
  if (how & 4) /* the wall clock is set */
    run->now.wall_us = START_US + (uint64_t)reader_u16(&run->script) * 1000000;
}

struct restoring {
  struct receiver *receiver;
  struct evidence evidence;
};

static void take_record(void *core, const struct record *record) {
  struct restoring *restoring = core;
  evidence_take(&restoring->evidence, record);
  REQUIRE_OK(receiver_restore(restoring->receiver, record));
}

/* Either the connection ends, or the program, or the machine; and the client comes again. */
static void restart(struct run *run) {
  uint8_t how = reader_u8(&run->script);
  if (how & 1) {
    REQUIRE_OK(receiver_cut(run->receiver, run->now));
    drive(run);
  }
  peer_close(&run->peer);
  receiver_free(run->receiver);
  REQUIRE_OK(receiver_new(&run->receiver, &run->config));
  struct restoring restoring = {.receiver = run->receiver};
  evidence_init(&restoring.evidence);
  struct head head =
      disk_crash(&run->disk, how & 2 ? reader_u16(&run->script) : 0, take_record, &restoring);
  evidence_free(&restoring.evidence);
  REQUIRE_OK(receiver_restored(run->receiver, head));
  REQUIRE(receiver_next_id(run->receiver) == run->disk.durable);
  run->started = receiver_past(run->receiver)->any;
  run->shown = run->disk.durable;
  run->ended = run->gone = false;
  connect(run);
}

static void act(struct run *run) {
  uint8_t act = reader_u8(&run->script) & 31;
  if (act < 10)
    act_sealed(run, act < 7 ? act : act - 7);
  else if (act < 12)
    give(run, fuzz_take(&run->script, reader_u16(&run->script)));
  else if (act < 15)
    pass_time(run);
  else if (act < 17)
    tick(run);
  else if (act < 19)
    give_wire(run, 1u + reader_u16(&run->script));
  else if (act == 19)
    write(run);
  else if (act < 22)
    sync(run);
  else if (act < 24)
    hear(run, reader_u16(&run->script));
  else if (act < 28)
    drive(run);
  else if (act == 28)
    REQUIRE_OK(receiver_finish(run->receiver, run->now));
  else if (act == 29)
    REQUIRE_OK(receiver_cut(run->receiver, run->now));
  else
    restart(run);
  show(run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct run run = {.script = reader_of(view_of(data, size)),
                    .now = {START_US, 1000000},
                    .bob_us = START_US,
                    .config = {.freshness_us = AVOW_FRESHNESS_US}};
  uint8_t how = reader_u8(&run.script);
  run.config.detail = (enum log_detail)(how % 3);
  run.is_signed = how & 128;
  disk_init(&run.disk);
  buf_init(&run.confirmed, SIZE_MAX / 4);
  REQUIRE_OK(hash_new(&run.hash));
  REQUIRE_OK(receiver_new(&run.receiver, &run.config));
  connect(&run);
  while (fuzz_more(&run.script) && run.given < TOTAL_MAX && run.connections < CONNECTIONS_MAX)
    act(&run);
  give_wire(&run, 65536);
  tick(&run);
  restart(&run);
  drive(&run);
  receiver_free(run.receiver);
  hash_free(run.hash);
  peer_close(&run.peer);
  disk_free(&run.disk);
  buf_free(&run.confirmed);
  return 0;
}
