// SPDX-License-Identifier: Apache-2.0
/* Logs.  The first byte chooses: the rest is a log as it comes; or its heads and the hashes of its
 * texts are set right first, as a forger would do it; and how large its pieces are.  Pieces give
 * the same records as the whole; what is handed out keeps its limits; and a core that was restored
 * from it, whatever it says, holds against a peer. */
#include <stdlib.h>
#include <string.h>

#include "base/when.h"
#include "core/receiver.h"
#include "core/sender.h"
#include "forger.h"
#include "harness.h"
#include "peer.h"

#define LOG_MAX (1024u * 1024u)

struct reading {
  struct receiver *receiver; /* NULL once the log does not fit it */
  struct sender *sender;
  uint64_t records, sum;
};

static void check(const struct record *record) {
  REQUIRE(record->line > 0 && record->when_us <= WHEN_MAX_US);
  REQUIRE(memchr(record->to, '\0', sizeof record->to) != NULL);
  REQUIRE(record->confirmed_us == WHEN_NEVER || record->confirmed_us <= WHEN_MAX_US);
  if (record->type == RECORD_ENVELOPE)
    REQUIRE(record->count >= 1 && record->count <= AVOW_ENVELOPE_MESSAGES_MAX);
  if (record->has_text)
    free(fuzz_exact(record->text));
}

static void take(struct reading *reading, const struct record *record) {
  check(record);
  reading->records++;
  reading->sum =
      reading->sum * 31 + record->type * 7u + record->line + record->id + record->hash[0];
  enum avow_error error = AVOW_OK;
  if (reading->receiver != NULL && (error = receiver_restore(reading->receiver, record)) != 0) {
    REQUIRE(error == AVOW_MALFORMED);
    receiver_free(reading->receiver);
    reading->receiver = NULL;
  }
  if (reading->sender != NULL && (error = sender_restore(reading->sender, record)) != 0) {
    REQUIRE(error == AVOW_MALFORMED);
    sender_free(reading->sender);
    reading->sender = NULL;
  }
}

/* Read a log; whether it is good, with its head. */
static bool read_log(struct view log, size_t piece_max, struct reading *reading,
                     struct head *head) {
  struct replay *replay;
  struct record record;
  enum avow_error error = AVOW_NOT_FOUND;
  REQUIRE_OK(replay_new(&replay));
  for (size_t at = 0; at < log.size && error == AVOW_NOT_FOUND;) {
    size_t piece = log.size - at < piece_max ? log.size - at : piece_max;
    uint8_t *exact = fuzz_exact(view_of(log.data + at, piece));
    REQUIRE_OK(replay_input(replay, view_of(exact, piece)));
    free(exact);
    at += piece;
    while ((error = replay_next(replay, &record)) == AVOW_OK)
      take(reading, &record);
  }
  REQUIRE(error == AVOW_NOT_FOUND || error == AVOW_MALFORMED);
  REQUIRE(replay_finished(replay) <= log.size);
  if (error == AVOW_NOT_FOUND)
    error = replay_end(replay);
  REQUIRE((error != AVOW_OK) == (replay_reason(replay)[0] != '\0'));
  REQUIRE(error == AVOW_OK || replay_line(replay) > 0);
  if (error == AVOW_OK)
    *head = replay_take_head(replay);
  replay_free(replay);
  return error == AVOW_OK;
}

static struct session session_of(uint64_t next_id, bool is_signed, bool bob) {
  struct session session = {.handshake = HANDSHAKE_PLAIN};
  session.grant.next_id = next_id;
  if (is_signed)
    peer_make_signed(&session, bob);
  return session;
}

/* Go on after the log: the peer asks for all that was confirmed, and says the last thing again. */
static void resume_receiver(struct receiver *receiver, struct head head) {
  bool is_signed = receiver_past(receiver)->tls;
  struct session session = session_of(receiver_next_id(receiver), is_signed, false);
  session.open.resume = receiver_past(receiver)->any;
  struct opened opened = session_opened(&session, false);
  uint8_t seed[DRBG_SEED_SIZE] = {0}, hash[MESSAGE_HASH_SIZE] = {0};
  struct now now = {1, 1};
  struct peer peer;
  struct buf body;
  struct view record;
  opened.peer = "";
  enum avow_error error = receiver_restored(receiver, head);
  REQUIRE(error == AVOW_OK || error == AVOW_MALFORMED);
  if (error == AVOW_OK)
    error = receiver_attach(receiver, &session, &opened, seed);
  if (error == AVOW_OK && is_signed)
    error = receiver_agreed(receiver, session.bob_signature);
  REQUIRE(error == AVOW_OK || error == AVOW_MALFORMED);
  if (error != AVOW_OK)
    return;
  peer_open(&peer, &session, TO_BOB);
  struct sealed sealed = {.kind = SEALED_ASK, .time_us = 1};
  peer_say(&peer, &sealed);
  buf_init(&body, AVOW_PLAINTEXT_MAX);
  struct message message = {.hash = hash, .text = view_of("", 0)};
  for (uint16_t count = 1; count <= 8; count++) {
    REQUIRE_OK(message_append(&body, &message));
    uint64_t next_id = receiver_next_id(receiver);
    struct sealed again = {.kind = SEALED_ENVELOPE, .time_us = 1u + count, .count = count};
    again.first_id = next_id > count ? next_id - count : 0;
    again.body = buf_view(&body);
    peer_say(&peer, &again);
  }
  REQUIRE_OK(receiver_input(receiver, buf_view(&peer.wire), now));
  REQUIRE_OK(receiver_record(receiver, &record));
  receiver_record_consume(receiver, record.size);
  REQUIRE_OK(receiver_durable(receiver, now));
  REQUIRE_OK(buf_append(&peer.heard, receiver_output(receiver)));
  while (peer_hear(&peer, &sealed))
    REQUIRE(sealed.kind == SEALED_NOTICE ||
            sealed.first_id + sealed.count <= session.grant.next_id);
  peer_close(&peer);
  buf_free(&body);
}

/* The receiver knows none of it, or refuses that: all that waits leaves again. */
static void resume_sender(struct sender *sender, struct head head) {
  struct session session = session_of(0, sender_past(sender)->tls, true);
  session.open.resume = sender_past(sender)->any;
  struct opened opened = session_opened(&session, true);
  uint8_t seed[DRBG_SEED_SIZE] = {0};
  struct now now = {1, 1};
  struct view record;
  opened.peer = "";
  sender_restored(sender, head);
  enum avow_error error = sender_attach(sender, &session, &opened, seed, now);
  REQUIRE(error == AVOW_OK || error == AVOW_OUT_OF_STEP || error == AVOW_KEY_CHANGED);
  REQUIRE_OK(sender_record(sender, &record));
  sender_record_consume(sender, record.size);
  REQUIRE_OK(sender_durable(sender, now));
  REQUIRE(error != AVOW_OK || (sender_output(sender).size > 0) == (sender_unconfirmed(sender) > 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const struct sender_config config = {.resend_after_us = AVOW_RESEND_AFTER_US,
                                              .freshness_us = AVOW_FRESHNESS_US,
                                              .envelope_messages_max = AVOW_ENVELOPE_MESSAGES_MAX,
                                              .window_max = AVOW_WINDOW_MAX};
  static const struct receiver_config alice = {.freshness_us = AVOW_FRESHNESS_US};
  struct reader script = reader_of(view_of(data, size));
  uint8_t how = reader_u8(&script);
  struct reading whole = {0}, pieces = {0};
  struct head head, head_again = {0};
  struct buf log;
  buf_init(&log, 2 * LOG_MAX);
  if (how & 1)
    forger_put_right(fuzz_take(&script, LOG_MAX / 4), &log);
  else
    REQUIRE_OK(buf_append(&log, fuzz_take(&script, LOG_MAX)));
  REQUIRE_OK(receiver_new(&whole.receiver, &alice));
  REQUIRE_OK(sender_new(&whole.sender, &config));
  bool good = buf_view(&log).size > 0 && read_log(buf_view(&log), SIZE_MAX, &whole, &head);
  if (buf_view(&log).size > 0) {
    REQUIRE(read_log(buf_view(&log), 1u + how / 2u, &pieces, &head_again) == good);
    REQUIRE(whole.records == pieces.records && whole.sum == pieces.sum);
  }
  if (good && whole.receiver != NULL)
    resume_receiver(whole.receiver, head);
  else if (good)
    head_free(&head);
  if (good && whole.sender != NULL)
    resume_sender(whole.sender, head_again);
  else
    head_free(&head_again);
  receiver_free(whole.receiver);
  sender_free(whole.sender);
  buf_free(&log);
  return 0;
}
