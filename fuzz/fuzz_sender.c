// SPDX-License-Identifier: Apache-2.0
/* The sender, as a state machine.  Built twice: as `sender` the script's bytes come as they are,
 * and as tokens of the receiver with one byte altered, so that nothing may ever be taken; as
 * `sender_sealed`, with HMAC_OFF, the script is a receiver that has the key.
 *
 * Whatever it does: no call fails, nothing leaves before it is durable, ids leave and are confirmed
 * in order, and only with all their hashes, the log can be read back at any moment, and every tick
 * moves the deadline on.  In a signed session the log proves all that it tells. */
#include <stdlib.h>
#include <string.h>

#include "base/when.h"
#include "core/sender.h"
#include "disk.h"
#include "evidence.h"
#include "harness.h"
#include "peer.h"

#define CONNECTIONS_MAX 6u
#define START_US 1700000000000000u
#define TOTAL_MAX (3u * 1024u * 1024u) /* bytes given to the sender in one run */
#define LONG_MAX 4u                    /* texts of AVOW_TEXT_MAX in one run */

/* What bob has signed: an envelope or his end, so that alice can confirm it. */
struct signed_by_bob {
  uint64_t first_id;
  unsigned count; /* 0: the end */
  struct proof proof;
};

struct run {
  struct reader script;
  struct sender *sender;
  struct sender_config config;
  struct peer peer;
  struct disk disk;
  struct now now;
  uint8_t connections;
  uint64_t sent;      /* ids below it have left on this connection, or are stored over there */
  uint64_t stored;    /* ids below it have left at some time, in order */
  uint64_t told;      /* ids below it were confirmed by the script, with all hashes */
  uint64_t confirmed; /* and the sender said so */
  bool begun, finished, ended, is_signed;
  struct buf heard;  /* struct signed_by_bob, in order, the messages' bodies not among them */
  struct buf bodies; /* of all messages that left first, in order of their ids */
  struct buf ends;   /* where the body of each id ends there, 8 bytes */
  unsigned long_count;
  size_t given;
};

/* The record, or the first part of it, of so many bytes at least. */
static bool write(struct run *run, size_t ahead) {
  struct view record;
  REQUIRE_OK(ahead == 0 ? sender_record(run->sender, &record)
                        : sender_ahead(run->sender, ahead, &record));
  disk_write(&run->disk, record);
  sender_record_consume(run->sender, record.size);
  return record.size > 0;
}

static void note(struct run *run, const struct sealed *sealed) {
  struct signed_by_bob noted = {sealed->first_id, sealed->count, sealed->proof};
  struct reader body = reader_of(sealed->body);
  if (!run->is_signed)
    return;
  REQUIRE_OK(buf_append(&run->heard, view_of(&noted, sizeof noted)));
  for (unsigned i = 0; i < sealed->count; i++) {
    struct message message;
    message_take(&body, &message);
    if (sealed->first_id + i != buf_view(&run->ends).size / 8)
      continue;
    message.text = view_of("", 0); /* no digest is of it */
    REQUIRE_OK(message_append(&run->bodies, &message));
    REQUIRE_OK(buf_u64(&run->ends, buf_view(&run->bodies).size));
  }
}

/* The last of these ids that bob has signed; NULL if he has not. */
static const struct signed_by_bob *noted(const struct run *run, uint64_t first_id, unsigned count) {
  struct view heard = buf_view(&run->heard);
  for (size_t at = heard.size; at > 0; at -= sizeof(struct signed_by_bob)) {
    const struct signed_by_bob *one =
        (const void *)(heard.data + at - sizeof(struct signed_by_bob));
    if (one->first_id == first_id && one->count == count)
      return one;
  }
  return NULL;
}

/* Mostly as alice would: a receipt, or her end. */
static void sign(struct run *run, struct sealed *sealed) {
  if (!run->is_signed)
    return;
  uint8_t how = reader_u8(&run->script);
  const struct signed_by_bob *one = noted(run, sealed->first_id, sealed->count);
  if (one != NULL && !(sealed->kind == SEALED_END && (how & 192) == 64))
    sealed->proof = one->proof;
  else if (buf_view(&run->heard).size > 0) /* an end of her own: the last head that he signed */
    memcpy(sealed->proof.bob_head,
           ((const struct signed_by_bob *)(const void *)(buf_view(&run->heard).data +
                                                         buf_view(&run->heard).size))[-1]
               .proof.bob_head,
           HEAD_SIZE);
  sealed->proof.head[0] = how;
  struct view ends = buf_view(&run->ends), bodies = buf_view(&run->bodies);
  bool known = sealed->first_id + sealed->count <= ends.size / 8;
  size_t from =
      known && sealed->first_id > 0 ? load_u64(ends.data + 8 * (sealed->first_id - 1)) : 0;
  if (sealed->kind == SEALED_END)
    peer_sign(&run->peer, sealed, view_of("", 0));
  else if (known)
    peer_sign(&run->peer, sealed, view_of(bodies.data + from, bodies.size - from));
  if ((how & 192) == 128)
    ((uint8_t *)&sealed->proof)[reader_u8(&run->script) % sizeof sealed->proof] ^= how;
}

static void check_envelope(struct run *run, const struct sealed *sealed) {
  struct reader body = reader_of(sealed->body);
  REQUIRE(sealed->first_id + sealed->count <= run->disk.durable); /* the order of durability */
  REQUIRE(sealed->first_id <= run->sent);
  REQUIRE(sealed->count <= run->config.envelope_messages_max);
  for (unsigned i = 0; i < sealed->count; i++) {
    struct message message;
    message_take(&body, &message);
    REQUIRE(memcmp(message.hash, disk_hash(&run->disk, sealed->first_id + i), MESSAGE_HASH_SIZE) ==
            0);
  }
  if (run->sent < sealed->first_id + sealed->count)
    run->sent = sealed->first_id + sealed->count;
  if (run->stored < run->sent)
    run->stored = run->sent;
}

static void hear(struct run *run, size_t size) {
  struct view out = sender_output(run->sender);
  struct sealed sealed;
  size = size < out.size ? size : out.size;
  REQUIRE(size == 0 || sender_attached(run->sender));
  if (size == 0)
    return;
  REQUIRE_OK(buf_append(&run->peer.heard, view_of(out.data, size)));
  sender_output_consume(run->sender, size);
  while (peer_hear(&run->peer, &sealed)) {
    note(run, &sealed);
    if (sealed.kind == SEALED_ENVELOPE)
      check_envelope(run, &sealed);
    else if (sealed.kind == SEALED_END)
      REQUIRE(run->finished && sealed.first_id == run->disk.durable &&
              run->told >= run->disk.durable);
    else
      REQUIRE(sealed.kind == SEALED_ASK && sealed.first_id <= run->told);
  }
}

static void show(struct run *run) {
  struct event event;
  while (sender_next_event(run->sender, &event)) {
    REQUIRE(event.type != EVENT_MESSAGE);
    if (event.type == EVENT_SENT) {
      REQUIRE(event.count > 0 && event.id + event.count <= run->disk.durable);
    } else if (event.type == EVENT_CONFIRMED) {
      REQUIRE(event.id == run->confirmed && event.count > 0);
      run->confirmed += event.count;
      REQUIRE(run->confirmed <= run->told && run->confirmed <= run->disk.durable);
    } else if (event.type == EVENT_ENDED) {
      REQUIRE(!run->ended);
      run->ended = true;
    }
  }
}

static void sync(struct run *run) {
  write(run, 0);
  disk_sync(&run->disk);
  REQUIRE_OK(sender_durable(run->sender, run->now));
}

/* As an owner does it: until nothing is left. */
static void drive(struct run *run) {
  while (write(run, 0)) {
    sync(run);
    show(run);
    hear(run, SIZE_MAX);
    REQUIRE_OK(sender_input(run->sender, view_of("", 0), run->now));
  }
  show(run);
  hear(run, SIZE_MAX);
  REQUIRE(sender_unconfirmed(run->sender) == run->disk.messages - run->confirmed);
}

static void give(struct run *run, struct view bytes) {
  uint8_t *exact = fuzz_exact(bytes);
  run->given += bytes.size;
  enum avow_error error = sender_input(run->sender, view_of(exact, bytes.size), run->now);
  if (error == AVOW_FULL) { /* nothing was taken, since we have not drained: we do now */
    drive(run);
    error = sender_input(run->sender, view_of(exact, bytes.size), run->now);
  }
  REQUIRE_OK(error);
  show(run);
  free(exact);
}

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
  REQUIRE_OK(sender_tick(run->sender, run->now));
  drive(run);
  REQUIRE(sender_deadline(run->sender) > run->now.mono_us);
}

/* The client's connection: with a receiver who has what left at some time, or says so. */
static void attach(struct run *run) {
  struct session session = {.handshake = HANDSHAKE_PLAIN};
  uint8_t seed[DRBG_SEED_SIZE] = {run->connections++}, how = reader_u8(&run->script);
  uint64_t honest = run->stored > run->confirmed ? run->stored - run->confirmed : 0;
  if (sender_attached(run->sender))
    return;
  session.grant.key[0] = run->connections;
  session.grant.clock_us = run->now.wall_us;
  session.grant.next_id = run->confirmed + (honest > 0 ? how % (honest + 1) : 0);
  session.grant.offset_min = (int16_t)((int)(reader_u16(&run->script) % 2879) - 1439);
  if (how >= 240)
    session.grant.next_id = reader_u64(&run->script) >> (how & 7) * 8;
  session.clock = (struct line_clock){run->now.wall_us, run->now.mono_us, run->now.wall_us};
  session.open.resume = sender_past(run->sender)->any;
  session.open.offset_min = (int16_t)run->config.offset_min;
  memcpy(session.open.bob_head, sender_head(run->sender), HEAD_SIZE);
  session.grant.alice_head[0] = run->connections;
  if (run->is_signed)
    peer_make_signed(&session, true);
  struct opened opened = session_opened(&session, true);
  opened.peer = "('127.0.0.1', 1)";
  enum avow_error error = sender_attach(run->sender, &session, &opened, seed, run->now);
  uint64_t next_id = session.grant.next_id;
  /* What left and was not heard yet may be stored over there, or not. */
  if (error == AVOW_OUT_OF_STEP) {
    REQUIRE(next_id < run->confirmed || next_id > run->stored);
    return;
  }
  REQUIRE(next_id >= run->confirmed && next_id <= run->disk.durable);
  REQUIRE_OK(error);
  peer_close(&run->peer);
  peer_open(&run->peer, &session, TO_ALICE);
  run->peer.said_us = session.grant.clock_us;
  run->sent = next_id;
}

static void begin(struct run *run) {
  struct queued queued = {
      .to = "127.0.0.1", .since_us = START_US, .offset_min = run->config.offset_min};
  if (run->begun)
    return;
  run->begun = true;
  REQUIRE_OK(sender_begin(run->sender, &queued));
}

static void detach(struct run *run) {
  REQUIRE_OK(sender_detach(run->sender, run->now));
  peer_close(&run->peer);
}

static void submit(struct run *run, uint8_t how) {
  struct view text = fuzz_take(&run->script, reader_u8(&run->script));
  uint8_t *large = NULL;
  uint64_t id = UINT64_MAX;
  bool room = sender_room(run->sender);
  if (how == 0 && run->long_count < LONG_MAX && text.size > 250) {
    size_t size = AVOW_TEXT_MAX + (reader_u8(&run->script) == 1 ? 1u : 0u);
    large = malloc(size);
    memset(large, 'x', size);
    text = view_of(large, size);
    run->long_count++;
  }
  enum avow_error error = sender_submit(run->sender, text, run->now, &id);
  REQUIRE(error == (text.size > AVOW_TEXT_MAX ? AVOW_TOO_LONG : room ? AVOW_OK : AVOW_FULL));
  REQUIRE((error == AVOW_OK) == (id != UINT64_MAX));
  free(large);
}

static uint64_t token_time(struct run *run, uint8_t choice) {
  switch (choice & 7) {
  case 0: return run->peer.said_us; /* a replay */
  case 1: return reader_u64(&run->script) % (WHEN_MAX_US + 1);
  default: return run->peer.said_us < WHEN_MAX_US ? run->peer.said_us + 1 : WHEN_MAX_US;
  }
}

/* Mostly a right confirmation: of the next ids, or those that an id from the script says. */
static void say_confirmation(struct run *run, struct sealed *sealed) {
  uint8_t how = reader_u8(&run->script);
  uint64_t left = run->disk.messages - run->told;
  uint16_t most = left < AVOW_ENVELOPE_MESSAGES_MAX ? (uint16_t)left : AVOW_ENVELOPE_MESSAGES_MAX;
  struct buf body;
  buf_init(&body, AVOW_ENVELOPE_MESSAGES_MAX * MESSAGE_HASH_SIZE);
  sealed->when_us = how & 64 ? token_time(run, 1) : run->now.wall_us;
  sealed->count = (uint16_t)(1u + (how & 32 ? reader_u16(&run->script) % 1024u : how & 7));
  if (!(how & 16) && sealed->count > most)
    sealed->count = most > 0 ? most : 1;
  bool good = true;
  for (unsigned i = 0; i < sealed->count; i++) {
    static const uint8_t no_hash[MESSAGE_HASH_SIZE];
    uint64_t id = sealed->first_id + i;
    good &= id < run->disk.messages; /* it may be durable, and leave, before this arrives */
    REQUIRE_OK(
        buf_append(&body, view_of(id < run->disk.messages ? disk_hash(&run->disk, id) : no_hash,
                                  MESSAGE_HASH_SIZE)));
  }
  if (how & 8) { /* one bit is wrong somewhere */
    body.data[reader_u16(&run->script) % body.size] ^= (uint8_t)(1 << (how & 7));
    good = false;
  }
  if (good && sealed->first_id <= run->told && sealed->first_id + sealed->count > run->told)
    run->told = sealed->first_id + sealed->count;
  sealed->body = buf_view(&body);
  sign(run, sealed);
  peer_say(&run->peer, sealed);
  buf_free(&body);
}

static void say_token(struct run *run) {
  static const enum sealed_kind kinds[] = {SEALED_CONFIRMATION, SEALED_CONFIRMATION,
                                           SEALED_NOTICE,       SEALED_END,
                                           SEALED_ASK,          SEALED_ENVELOPE};
  uint8_t choice = reader_u8(&run->script), id = reader_u8(&run->script);
  struct sealed sealed = {.kind = kinds[choice % 6], .time_us = token_time(run, choice / 6)};
  sealed.echo_us = id & 1 ? run->peer.heard_us : id & 128 ? WHEN_MAX_US : 0;
  sealed.first_id = run->told;
  if (id & 2)
    sealed.first_id = reader_u64(&run->script) % (MESSAGE_ID_MAX - 1024);
  if (id & 4)
    sealed.first_id = run->confirmed + (id >> 3);
  if (sealed.kind == SEALED_CONFIRMATION)
    say_confirmation(run, &sealed);
  else if (sealed.kind == SEALED_END)
    sign(run, &sealed), peer_say(&run->peer, &sealed);
  else
    peer_say(&run->peer, &sealed); /* an ask or an envelope in the wrong direction, too */
}

#ifdef HMAC_OFF
static void flood(struct run *run) {
  unsigned times = reader_u8(&run->script);
  struct sealed sealed = {.kind = SEALED_NOTICE, .echo_us = WHEN_MAX_US};
  sealed.first_id = run->confirmed;
  for (unsigned i = 0; i < times; i++) {
    sealed.time_us = token_time(run, 7);
    peer_say(&run->peer, &sealed);
  }
}

static void act_sealed(struct run *run, uint8_t act) {
  if (act < 7)
    say_token(run);
  else if (act == 7)
    flood(run);
  else
    peer_say_plaintext(&run->peer, fuzz_take(&run->script, reader_u16(&run->script)));
  if (act & 1)
    give_wire(run, AVOW_READ_MAX);
}
#else
static void act_sealed(struct run *run, uint8_t act) {
  uint64_t told = run->told;
  buf_clear(&run->peer.wire);
  say_token(run);
  run->told = told;
  struct view wire = buf_view(&run->peer.wire);
  size_t at = AVOW_FRAME_HEADER + reader_u16(&run->script) % (wire.size - AVOW_FRAME_HEADER);
  run->peer.wire.data[run->peer.wire.start + at] ^= (uint8_t)(1 + act);
  give_wire(run, AVOW_READ_MAX);
  REQUIRE(run->confirmed == 0 && !run->ended);
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
  struct sender *sender;
  uint64_t confirmed;
  bool begun;
  struct evidence evidence;
};

static void take_record(void *core, const struct record *record) {
  struct restoring *restoring = core;
  evidence_take(&restoring->evidence, record);
  restoring->begun |= record->type == RECORD_QUEUED;
  if (record->type == RECORD_ENVELOPE)
    restoring->confirmed = record->id + record->count;
  REQUIRE_OK(sender_restore(restoring->sender, record));
}

/* The program, or the machine, crashes. */
static void restart(struct run *run) {
  uint8_t how = reader_u8(&run->script);
  struct restoring restoring = {0};
  peer_close(&run->peer);
  sender_free(run->sender);
  REQUIRE_OK(sender_new(&run->sender, &run->config));
  restoring.sender = run->sender;
  evidence_init(&restoring.evidence);
  struct head head =
      disk_crash(&run->disk, how & 2 ? reader_u16(&run->script) : 0, take_record, &restoring);
  evidence_free(&restoring.evidence);
  sender_restored(run->sender, head);
  REQUIRE(restoring.confirmed <= run->told);
  REQUIRE(run->stored <= run->disk.durable); /* what left was durable */
  REQUIRE(sender_unconfirmed(run->sender) == run->disk.durable - restoring.confirmed);
  run->confirmed = restoring.confirmed;
  if (run->told > run->disk.durable)
    run->told = run->disk.durable; /* said of what is lost now */
  run->begun = restoring.begun;
  run->finished = run->ended = false;
}

static void act(struct run *run) {
  uint8_t byte = reader_u8(&run->script), act = byte & 31, how = byte >> 5;
  bool attached = sender_attached(run->sender);
  begin(run);
  if (act < 10 && attached)
    act_sealed(run, act);
  else if (act < 14)
    submit(run, act - 10);
  else if (act == 14)
    give(run, fuzz_take(&run->script, reader_u16(&run->script)));
  else if (act < 17)
    pass_time(run);
  else if (act < 19)
    tick(run);
  else if (act == 19 && attached)
    give_wire(run, 1u + reader_u16(&run->script));
  else if (act == 20)
    write(run, how);
  else if (act < 23)
    sync(run);
  else if (act == 23)
    hear(run, reader_u16(&run->script));
  else if (act < 26)
    drive(run);
  else if (act == 26 && (run->finished = true))
    REQUIRE_OK(sender_finish(run->sender, run->now));
  else if (act == 27)
    detach(run);
  else if (act < 31)
    attach(run);
  else
    restart(run);
  show(run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const unsigned counts[] = {1, 2, 7, AVOW_ENVELOPE_MESSAGES_MAX};
  struct run run = {.script = reader_of(view_of(data, size)), .now = {START_US, 1000000}};
  uint8_t how = reader_u8(&run.script);
  run.config = (struct sender_config){.resend_after_us = AVOW_RESEND_AFTER_US,
                                      .freshness_us = AVOW_FRESHNESS_US,
                                      .envelope_messages_max = counts[how & 3],
                                      .window_max = AVOW_WINDOW_MAX >> (how >> 2 & 7),
                                      .detail = (enum log_detail)(how % 3),
                                      .offset_min = (int)(how * 11u % 2879u) - 1439};
  run.is_signed = how & 128;
  buf_init(&run.heard, SIZE_MAX / 4);
  buf_init(&run.bodies, SIZE_MAX / 4);
  buf_init(&run.ends, SIZE_MAX / 4);
  disk_init(&run.disk);
  REQUIRE_OK(sender_new(&run.sender, &run.config));
  begin(&run);
  attach(&run);
  while (fuzz_more(&run.script) && run.given < TOTAL_MAX && run.connections < CONNECTIONS_MAX)
    act(&run);
  if (sender_attached(run.sender))
    give_wire(&run, 65536);
  tick(&run);
  restart(&run);
  attach(&run);
  drive(&run);
  sender_free(run.sender);
  peer_close(&run.peer);
  disk_free(&run.disk);
  buf_free(&run.heard);
  buf_free(&run.bodies);
  buf_free(&run.ends);
  return 0;
}
