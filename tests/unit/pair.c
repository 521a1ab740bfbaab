// SPDX-License-Identifier: Apache-2.0
#include "pair.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "crypto/hash.h"

#define MIB (1024u * 1024u)

struct now pair_bob_now(const struct pair *pair) {
  uint64_t passed_us = pair->now.mono_us - pair->bob.clock.mono_us;
  return (struct now){pair->bob.clock.wall_us + passed_us, pair->now.mono_us};
}

static void build_sessions(struct pair *pair, const struct pair_setting *setting) {
  struct grant grant = {.opened_us = pair->now.wall_us, .offset_min = 60};
  memset(grant.key, 0x40 + setting->seed, sizeof grant.key);
  memset(grant.session_id, 0x5f, sizeof grant.session_id);
  uint64_t bob_us = pair->now.wall_us + (uint64_t)setting->bob_ahead_us;
  uint64_t mono_us = pair->now.mono_us;
  pair->bob = (struct session){.grant = grant, .clock = {bob_us, mono_us, bob_us}};
  pair->alice = (struct session){.grant = grant,
                                 .clock = {grant.opened_us, mono_us, grant.opened_us},
                                 .peer_us = bob_us + setting->bob_slow_us,
                                 .peer_mono_us = mono_us};
}

struct pair *pair_new(const struct pair_setting *given) {
  struct pair_setting setting = given != NULL ? *given : (struct pair_setting){0};
  struct pair *pair = calloc(1, sizeof *pair);
  pair->now = (struct now){PAIR_WALL_US, 77000000};
  build_sessions(pair, &setting);
  buf_init(&pair->to_alice, 8 * MIB);
  buf_init(&pair->to_bob, 8 * MIB);
  buf_init(&pair->bob_disk, 64 * MIB);
  buf_init(&pair->alice_disk, 64 * MIB);
  buf_init(&pair->texts, 16 * MIB);
  struct sender_config bob = {
      .resend_after_us = setting.resend_after_us ? setting.resend_after_us : AVOW_RESEND_AFTER_US,
      .envelope_messages_max = setting.envelope_max ? setting.envelope_max : 1,
      .detail = setting.detail};
  struct receiver_config alice = {.freshness_us = setting.freshness_us ? setting.freshness_us
                                                                       : AVOW_FRESHNESS_US,
                                  .detail = setting.detail};
  memset(bob.seed, 0xb0 ^ setting.seed, sizeof bob.seed);
  memset(alice.seed, 0xa1 ^ setting.seed, sizeof alice.seed);
  assert_int_equal(sender_new(&pair->sender, &bob, &pair->bob), AVOW_OK);
  assert_int_equal(receiver_new(&pair->receiver, &alice, &pair->alice), AVOW_OK);
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

static void take_bob_event(struct pair *pair, const struct event *event) {
  switch (event->type) {
  case EVENT_SENT:
    pair->sent_events++;
    pair->sent_again += event->verdict != VERDICT_ACCEPTED;
    break;
  case EVENT_CONFIRMED:
    assert_int_equal(event->id, pair->confirmed_count); /* in order, once */
    for (uint64_t i = 0; i < event->count; i++)
      pair->confirmed_us[pair->confirmed_count++] = event->confirmed_us;
    assert_true(pair->confirmed_count <= pair->shown_count);
    break;
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
    struct view record = sender_record(pair->sender);
    again = record.size > 0;
    if (again) {
      assert_int_equal(buf_append(&pair->bob_disk, record), AVOW_OK);
      sender_record_consume(pair->sender, record.size);
      assert_int_equal(sender_durable(pair->sender, pair_bob_now(pair)), AVOW_OK);
    }
    while (sender_next_event(pair->sender, &event))
      take_bob_event(pair, &event);
  }
  struct view out = sender_output(pair->sender);
  assert_int_equal(buf_append(&pair->to_alice, out), AVOW_OK);
  sender_output_consume(pair->sender, out.size);
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
    struct view record = receiver_record(pair->receiver);
    again = record.size > 0;
    if (again) {
      assert_int_equal(buf_append(&pair->alice_disk, record), AVOW_OK);
      receiver_record_consume(pair->receiver, record.size);
      assert_int_equal(receiver_durable(pair->receiver, pair->now), AVOW_OK);
    }
    while (receiver_next_event(pair->receiver, &event))
      take_alice_event(pair, &event);
    if (again)
      assert_int_equal(receiver_input(pair->receiver, view_of("", 0), pair->now), AVOW_OK);
  }
  struct view out = receiver_output(pair->receiver);
  assert_int_equal(buf_append(&pair->to_bob, out), AVOW_OK);
  receiver_output_consume(pair->receiver, out.size);
}

void pair_alice_hears(struct pair *pair, struct view bytes) {
  assert_int_equal(receiver_input(pair->receiver, bytes, pair->now), AVOW_OK);
  pair_alice_works(pair);
}

void pair_bob_hears(struct pair *pair, struct view bytes) {
  assert_int_equal(sender_input(pair->sender, bytes, pair_bob_now(pair)), AVOW_OK);
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

void pair_forger(struct pair *pair, struct channel *channel) {
  uint8_t seed[DRBG_SEED_SIZE] = "the other bob";
  assert_int_equal(channel_open(channel, &pair->bob, TO_BOB, seed), AVOW_OK);
}

void pair_forge(struct pair *pair, struct channel *channel, struct sealed *sealed,
                uint64_t age_us) {
  channel->clock.last_us = 0; /* an attacker needs no strictly growing times */
  assert_int_equal(channel_seal(channel, sealed, pair->now.mono_us - age_us), AVOW_OK);
  assert_int_equal(buf_append(&pair->to_alice, buf_view(&channel->out)), AVOW_OK);
  buf_clear(&channel->out);
}

void pair_body(struct pair *pair, struct buf *body, const char *text, const char *hash_of) {
  uint8_t digest[SHA512_SIZE];
  struct hash *hash;
  assert_int_equal(hash_new(&hash), AVOW_OK);
  assert_int_equal(hash_sha512(hash, view_text(hash_of), digest), AVOW_OK);
  hash_free(hash);
  struct message message = {pair_bob_now(pair).wall_us, digest, view_text(text)};
  assert_int_equal(message_append(body, &message), AVOW_OK);
}
