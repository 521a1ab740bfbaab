// SPDX-License-Identifier: Apache-2.0
#include "pair.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "core/notary.h"

#define MIB (1024u * 1024u)
#define PIECE (256u * 1024u)

struct now pair_bob_now(const struct pair *pair) {
  return (struct now){pair->now.wall_us + (uint64_t)pair->bob_ahead_us, pair->now.mono_us};
}

bool pair_signs;

/* Both sign the opening, as they do when the session is opened in tls mode. */
static void sign_opening(struct pair *pair) {
  for (unsigned bob = 0; bob < 2; bob++) {
    struct notary notary;
    struct session *session = bob ? &pair->bob : &pair->alice;
    memcpy(session->grant.signature, pair->alice.grant.signature, SIGNATURE_SIZE);
    struct opened opened = session_opened(session, bob);
    assert_int_equal(notary_open(&notary, session, bob), AVOW_OK);
    assert_int_equal(statement_opening(notary_text(&notary), &opened), AVOW_OK);
    assert_int_equal(notary_sign(&notary, bob ? session->bob_signature : session->grant.signature),
                     AVOW_OK);
    notary_close(&notary);
  }
  memcpy(pair->alice.bob_signature, pair->bob.bob_signature, SIGNATURE_SIZE);
}

/* Alice's grant of one more connection, and the two sessions that it makes. */
static void build_sessions(struct pair *pair, uint64_t next_id) {
  struct grant grant = {.opened_us = PAIR_WALL_US,
                        .clock_us = pair->now.wall_us,
                        .offset_min = pair->alice_min,
                        .next_id = next_id};
  memcpy(grant.alice_head, receiver_head(pair->receiver), HEAD_SIZE);
  memset(grant.key, 0x40 + pair->seed + (int)pair->connections, sizeof grant.key);
  memset(grant.session_id, 0x5f, sizeof grant.session_id);
  uint64_t bob_us = pair->now.wall_us + (uint64_t)pair->bob_ahead_us;
  uint64_t mono_us = pair->now.mono_us;
  struct open open = {.clock_us = bob_us,
                      .offset_min = -210,
                      .resume = pair->connections > 0,
                      .opened_us = PAIR_WALL_US,
                      .opened_offset_min = 60,
                      .cover = (uint32_t)pair->bob_config.cover};
  memcpy(open.bob_head, sender_head(pair->sender), HEAD_SIZE);
  pair->bob = (struct session){.open = open, .grant = grant, .clock = {bob_us, mono_us, bob_us}};
  pair->alice = (struct session){.open = open,
                                 .grant = grant,
                                 .clock = {grant.clock_us, mono_us, grant.clock_us},
                                 .peer_us = bob_us + pair->bob_slow_us,
                                 .peer_mono_us = mono_us};
  if (!pair->is_signed)
    return;
  struct session *sessions[] = {&pair->bob, &pair->alice};
  for (unsigned i = 0; i < 2; i++) {
    sessions[i]->handshake = HANDSHAKE_TLS;
    memcpy(sessions[i]->group, "X25519", 7);
    sessions[i]->key = i == 0 ? pair->bob_key : pair->alice_key;
    memcpy(sessions[i]->peer_key, ed25519_key(i == 0 ? pair->alice_key : pair->bob_key),
           ED25519_PUBLIC_SIZE);
  }
  sign_opening(pair);
}

static struct opened opened_of(const struct session *session, bool bob) {
  struct opened opened = session_opened(session, bob);
  opened.peer = "('127.0.0.1', 38464)";
  return opened;
}

enum avow_error pair_connect_error(struct pair *pair, uint64_t next_id) {
  uint8_t seed[DRBG_SEED_SIZE];
  build_sessions(pair, next_id);
  memset(seed, 0xb0 ^ pair->seed ^ (int)pair->connections, sizeof seed);
  struct opened opened = opened_of(&pair->bob, true);
  return sender_attach(pair->sender, &pair->bob, &opened, seed, pair_bob_now(pair));
}

void pair_connect(struct pair *pair) {
  uint8_t seed[DRBG_SEED_SIZE];
  assert_int_equal(pair_connect_error(pair, receiver_next_id(pair->receiver)), AVOW_OK);
  memset(seed, 0xa1 ^ pair->seed ^ (int)pair->connections, sizeof seed);
  struct opened opened = opened_of(&pair->alice, false);
  assert_int_equal(receiver_attach(pair->receiver, &pair->alice, &opened, seed), AVOW_OK);
  pair->connections++;
  pair_alice_works(pair);
  if (pair->is_signed)
    assert_int_equal(receiver_agreed(pair->receiver, pair->alice.bob_signature), AVOW_OK);
  pair_alice_works(pair);
  pair_bob_works(pair);
}

struct pair *pair_new(const struct pair_setting *given) {
  struct pair_setting setting = given != NULL ? *given : (struct pair_setting){0};
  struct pair *pair = calloc(1, sizeof *pair);
  pair->now = (struct now){PAIR_WALL_US, 77000000};
  pair->bob_ahead_us = setting.bob_ahead_us;
  pair->bob_slow_us = setting.bob_slow_us;
  pair->seed = setting.seed;
  pair->is_signed = pair_signs;
  pair->alice_min = 60;
  uint8_t alice_seed[ED25519_SEED_SIZE] = "alice", bob_seed[ED25519_SEED_SIZE] = "bob";
  assert_int_equal(ed25519_private(&pair->alice_key, alice_seed), AVOW_OK);
  assert_int_equal(ed25519_private(&pair->bob_key, bob_seed), AVOW_OK);
  buf_init(&pair->to_alice, 8 * MIB);
  buf_init(&pair->to_bob, 8 * MIB);
  buf_init(&pair->bob_disk, 64 * MIB);
  buf_init(&pair->alice_disk, 64 * MIB);
  buf_init(&pair->texts, 16 * MIB);
  uint64_t freshness_us = setting.freshness_us ? setting.freshness_us : AVOW_FRESHNESS_US;
  pair->bob_config = (struct sender_config){
      .resend_after_us = setting.resend_after_us ? setting.resend_after_us : AVOW_RESEND_AFTER_US,
      .freshness_us = freshness_us,
      .envelope_messages_max = setting.envelope_max ? setting.envelope_max : 1,
      .window_max = setting.window_max ? setting.window_max : AVOW_WINDOW_MAX,
      .cover = setting.cover_period_us > 0 ? PAIR_COVER : 0,
      .cover_period_us = setting.cover_period_us,
      .detail = setting.detail,
      .offset_min = -210};
  pair->alice_config =
      (struct receiver_config){.freshness_us = freshness_us, .detail = setting.detail};
  assert_int_equal(sender_new(&pair->sender, &pair->bob_config), AVOW_OK);
  assert_int_equal(receiver_new(&pair->receiver, &pair->alice_config), AVOW_OK);
  struct queued queued = {
      .to = "alice:4711", .since_us = PAIR_WALL_US, .offset_min = -210, .tls = pair->is_signed};
  memcpy(queued.bob.key, ed25519_key(pair->bob_key), ED25519_PUBLIC_SIZE);
  assert_int_equal(sender_begin(pair->sender, &queued), AVOW_OK);
  pair_connect(pair);
  return pair;
}

struct pair *pair_new_quiet(const struct pair_setting *setting) {
  struct pair *pair = pair_new(setting);
  pair_pass(pair, 100000000);
  return pair;
}

void pair_free(struct pair *pair) {
  sender_free(pair->sender);
  receiver_free(pair->receiver);
  ed25519_free(pair->alice_key);
  ed25519_free(pair->bob_key);
  buf_free(&pair->to_alice);
  buf_free(&pair->to_bob);
  buf_free(&pair->bob_disk);
  buf_free(&pair->alice_disk);
  buf_free(&pair->texts);
  free(pair);
}

void pair_pass(struct pair *pair, uint64_t us) {
  pair->now.wall_us += us;
  pair->now.mono_us += us;
}

void pair_submit(struct pair *pair, struct view text) {
  uint64_t id = UINT64_MAX;
  struct now now = pair_bob_now(pair);
  assert_true(pair->said_count < COUNT_OF(pair->said));
  assert_int_equal(sender_submit(pair->sender, text, now, &id), AVOW_OK);
  assert_int_equal(id, pair->said_count);
  pair->said[id].size = text.size;
  pair->said[id].timestamp_us = now.wall_us;
  pair->said_count++;
  assert_int_equal(buf_append(&pair->texts, text), AVOW_OK);
}

void pair_say(struct pair *pair, const char *text) {
  pair_submit(pair, view_text(text));
  pair_bob_works(pair);
}

struct view pair_bob_record(struct pair *pair) {
  struct view record = view_of("", 0);
  assert_int_equal(sender_record(pair->sender, &record), AVOW_OK);
  return record;
}

struct view pair_alice_record(struct pair *pair) {
  struct view record = view_of("", 0);
  assert_int_equal(receiver_record(pair->receiver, &record), AVOW_OK);
  return record;
}

static void take_bob_event(struct pair *pair, const struct event *event) {
  switch (event->type) {
  case EVENT_SENT:
    pair->sent_events++;
    pair->sent_again += event->verdict != VERDICT_ACCEPTED;
    break;
  case EVENT_CONFIRMED:
    assert_int_equal(event->id, pair->confirmed_count); /* in order, once */
    pair->envelopes[pair->envelopes_count++] = (unsigned)event->count;
    for (uint64_t i = 0; i < event->count; i++)
      pair->confirmed_us[pair->confirmed_count++] = event->confirmed_us;
    assert_true(pair->confirmed_count <= pair->shown_count);
    break;
  case EVENT_SLOW: break;
  case EVENT_INCIDENT: pair->at_bob[event->verdict] += event->count; break;
  case EVENT_ENDED:
    pair->bob_ended++;
    pair->by_peer = event->by_peer;
    break;
  case EVENT_MESSAGE: fail_msg("bob shows a message");
  }
}

void pair_bob_works(struct pair *pair) {
  struct event event;
  for (bool again = true; again;) {
    struct view record = pair_bob_record(pair);
    again = record.size > 0;
    if (again) {
      assert_int_equal(buf_append(&pair->bob_disk, record), AVOW_OK);
      sender_record_consume(pair->sender, record.size);
      assert_int_equal(sender_durable(pair->sender, pair_bob_now(pair)), AVOW_OK);
    }
    while (sender_next_event(pair->sender, &event))
      take_bob_event(pair, &event);
    struct view out = sender_output(pair->sender);
    assert_int_equal(buf_append(&pair->to_alice, out), AVOW_OK);
    sender_output_consume(pair->sender, out.size);
    if (again)
      assert_int_equal(sender_input(pair->sender, view_of("", 0), pair_bob_now(pair)), AVOW_OK);
  }
}

static void take_alice_event(struct pair *pair, const struct event *event) {
  switch (event->type) {
  case EVENT_MESSAGE: {
    uint64_t id = pair->shown_count++;
    assert_int_equal(event->id, id);
    assert_true(id < pair->said_count);
    struct view text =
        view_of(buf_view(&pair->texts).data + pair->shown_bytes, pair->said[id].size);
    pair->shown_bytes += text.size;
    assert_true(view_equal(event->text, text));
    assert_int_equal(event->timestamp_us, pair->said[id].timestamp_us);
    break;
  }
  case EVENT_INCIDENT: pair->at_alice[event->verdict] += event->count; break;
  case EVENT_ENDED:
    pair->alice_ended++;
    pair->by_peer = event->by_peer;
    break;
  default: fail_msg("alice has an event of bob's");
  }
}

void pair_alice_works(struct pair *pair) {
  struct event event;
  for (bool again = true; again;) {
    struct view record = pair_alice_record(pair);
    again = record.size > 0;
    if (again) {
      assert_int_equal(buf_append(&pair->alice_disk, record), AVOW_OK);
      receiver_record_consume(pair->receiver, record.size);
      assert_int_equal(receiver_durable(pair->receiver, pair->now), AVOW_OK);
    }
    while (receiver_next_event(pair->receiver, &event))
      take_alice_event(pair, &event);
    struct view out = receiver_output(pair->receiver);
    assert_int_equal(buf_append(&pair->to_bob, out), AVOW_OK);
    receiver_output_consume(pair->receiver, out.size);
    if (again || out.size > 0)
      assert_int_equal(receiver_input(pair->receiver, view_of("", 0), pair->now), AVOW_OK);
  }
}

/* Take a piece off ${bytes}, as much as a program reads at once. */
static struct view take_piece(struct view *bytes) {
  struct view piece = view_of(bytes->data, bytes->size < PIECE ? bytes->size : PIECE);
  *bytes = view_of(bytes->data + piece.size, bytes->size - piece.size);
  return piece;
}

void pair_alice_hears(struct pair *pair, struct view bytes) {
  do {
    assert_int_equal(receiver_input(pair->receiver, take_piece(&bytes), pair->now), AVOW_OK);
    pair_alice_works(pair);
  } while (bytes.size > 0);
}

void pair_bob_hears(struct pair *pair, struct view bytes) {
  do {
    assert_int_equal(sender_input(pair->sender, take_piece(&bytes), pair_bob_now(pair)), AVOW_OK);
    pair_bob_works(pair);
  } while (bytes.size > 0);
}

static void clear_lines(struct pair *pair) {
  buf_clear(&pair->to_alice);
  buf_clear(&pair->to_bob);
}

typedef enum avow_error (*take_record)(void *core, const struct record *record);

static enum avow_error bob_takes(void *core, const struct record *record) {
  return sender_restore(core, record);
}

static enum avow_error alice_takes(void *core, const struct record *record) {
  return receiver_restore(core, record);
}

/* Read a log back, in odd pieces, and drop what was never finished; return its head. */
static struct head read_back(struct buf *disk, take_record take, void *core) {
  struct replay *replay;
  struct record record;
  assert_int_equal(replay_new(&replay), AVOW_OK);
  struct view rest = buf_view(disk);
  while (rest.size > 0) {
    size_t piece = rest.size < 777 ? rest.size : 777;
    assert_int_equal(replay_input(replay, view_of(rest.data, piece)), AVOW_OK);
    rest = view_of(rest.data + piece, rest.size - piece);
    enum avow_error error;
    while ((error = replay_next(replay, &record)) == AVOW_OK)
      assert_int_equal(take(core, &record), AVOW_OK);
    assert_int_equal(error, AVOW_NOT_FOUND);
  }
  assert_int_equal(replay_end(replay), AVOW_OK);
  assert_true(replay_finished(replay) <= buf_view(disk).size);
  disk->size = disk->start + replay_finished(replay);
  struct head head = replay_take_head(replay);
  replay_free(replay);
  return head;
}

static void restore_alice(struct pair *pair) {
  receiver_free(pair->receiver);
  assert_int_equal(receiver_new(&pair->receiver, &pair->alice_config), AVOW_OK);
  struct head head = read_back(&pair->alice_disk, alice_takes, pair->receiver);
  assert_int_equal(receiver_restored(pair->receiver, head), AVOW_OK);
}

void pair_cut(struct pair *pair) {
  assert_int_equal(sender_detach(pair->sender, pair_bob_now(pair)), AVOW_OK);
  assert_int_equal(receiver_cut(pair->receiver, pair->now), AVOW_OK);
  pair_bob_works(pair);
  pair_alice_works(pair);
  clear_lines(pair);
  restore_alice(pair);
}

/* The first bytes of what was about to be stored, but for its last one. */
static void store_tail(struct buf *disk, struct view record, size_t tail) {
  if (tail >= record.size)
    tail = record.size > 0 ? record.size - 1 : 0;
  assert_int_equal(buf_append(disk, view_of(record.data, tail)), AVOW_OK);
}

static uint64_t count_messages(struct view log) {
  static const char line[] = "\nMessage ID: ";
  const size_t size = sizeof line - 1;
  uint64_t count = 0;
  for (const uint8_t *at; (at = memmem(log.data, log.size, line, size)) != NULL; count++)
    log = view_of(at + size, log.size - (size_t)(at + size - log.data));
  return count;
}

/* What bob had not stored was never said; and confirmations that he had not stored will be told
 * again. */
static void forget_unstored(struct pair *pair) {
  uint64_t stored = count_messages(buf_view(&pair->bob_disk));
  while (pair->confirmed_count + sender_unconfirmed(pair->sender) > stored)
    pair->confirmed_count -= pair->envelopes[--pair->envelopes_count];
  assert_int_equal(pair->confirmed_count + sender_unconfirmed(pair->sender), stored);
  assert_true(stored <= pair->said_count && stored >= pair->shown_count);
  while (pair->said_count > stored)
    pair->texts.size -= pair->said[--pair->said_count].size;
}

void pair_crash_bob(struct pair *pair, size_t tail) {
  bool attached = sender_attached(pair->sender);
  clear_lines(pair);
  store_tail(&pair->bob_disk, pair_bob_record(pair), tail);
  sender_free(pair->sender);
  assert_int_equal(sender_new(&pair->sender, &pair->bob_config), AVOW_OK);
  sender_restored(pair->sender, read_back(&pair->bob_disk, bob_takes, pair->sender));
  forget_unstored(pair);
  if (!attached)
    return;
  assert_int_equal(receiver_cut(pair->receiver, pair->now), AVOW_OK);
  pair_alice_works(pair);
  clear_lines(pair);
  restore_alice(pair);
}

void pair_crash_alice(struct pair *pair, size_t tail) {
  clear_lines(pair);
  store_tail(&pair->alice_disk, pair_alice_record(pair), tail);
  restore_alice(pair);
  assert_int_equal(sender_detach(pair->sender, pair_bob_now(pair)), AVOW_OK);
  pair_bob_works(pair);
}

void pair_carry_to_alice(struct pair *pair) {
  pair_alice_hears(pair, buf_view(&pair->to_alice));
  buf_clear(&pair->to_alice);
}

void pair_carry_to_bob(struct pair *pair) {
  pair_bob_hears(pair, buf_view(&pair->to_bob));
  buf_clear(&pair->to_bob);
}

uint64_t pair_deadline(const struct pair *pair) {
  uint64_t bob = sender_deadline(pair->sender), alice = receiver_deadline(pair->receiver);
  return bob < alice ? bob : alice;
}

void pair_tick(struct pair *pair) {
  if (sender_deadline(pair->sender) <= pair->now.mono_us) {
    assert_int_equal(sender_tick(pair->sender, pair_bob_now(pair)), AVOW_OK);
    assert_true(sender_deadline(pair->sender) > pair->now.mono_us);
  }
  pair_bob_works(pair);
  assert_true(sender_deadline(pair->sender) > pair->now.mono_us);
  if (receiver_deadline(pair->receiver) <= pair->now.mono_us) {
    assert_int_equal(receiver_tick(pair->receiver, pair->now), AVOW_OK);
    assert_true(receiver_deadline(pair->receiver) > pair->now.mono_us);
  }
  pair_alice_works(pair);
  assert_true(receiver_deadline(pair->receiver) > pair->now.mono_us);
}

void pair_settle(struct pair *pair, uint64_t us_max) {
  uint64_t end_us = pair->now.mono_us + us_max;
  for (;;) {
    while (buf_view(&pair->to_alice).size > 0 || buf_view(&pair->to_bob).size > 0) {
      pair_carry_to_alice(pair);
      pair_carry_to_bob(pair);
    }
    if (sender_unconfirmed(pair->sender) == 0)
      break;
    uint64_t next_us = pair_deadline(pair);
    if (next_us > end_us)
      fail_msg("after %u us there is something unconfirmed", (unsigned)us_max);
    if (next_us > pair->now.mono_us)
      pair_pass(pair, next_us - pair->now.mono_us);
    pair_tick(pair);
  }
  assert_int_equal(pair->confirmed_count, pair->said_count);
  assert_int_equal(pair->shown_count, pair->said_count);
}

void pair_finish(struct pair *pair) {
  assert_int_equal(sender_finish(pair->sender, pair_bob_now(pair)), AVOW_OK);
  pair_bob_works(pair);
  for (unsigned i = 0; i < 50 && pair->bob_ended == 0; i++) {
    pair_carry_to_alice(pair);
    pair_carry_to_bob(pair);
    uint64_t next_us = pair_deadline(pair);
    if (next_us == WHEN_NEVER)
      break;
    pair_pass(pair, next_us - pair->now.mono_us);
    pair_tick(pair);
  }
  assert_int_equal(pair->bob_ended, 1);
  assert_int_equal(pair->alice_ended, 1);
}

uint64_t pair_incidents(const uint64_t counts[VERDICT_COUNT]) {
  uint64_t all = 0;
  for (unsigned i = 0; i < VERDICT_COUNT; i++)
    all += counts[i];
  return all;
}
