// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_TESTS_UNIT_PAIR_H
#define AVOW_TESTS_UNIT_PAIR_H

#include "unit.h"

#include "core/channel.h"
#include "core/receiver.h"
#include "core/sender.h"

/* Bob's and alice's cores on a session, a clock that only the test moves, and between them a line
 * that the test carries by hand.  The pair plays both owners: it stores records, pulls and counts
 * events, and opens a new connection where the test asks for one.  It checks at every step what
 * must hold always:
 *
 *   - alice shows each message once, in order, with the text and the time that bob gave it;
 *   - nobody confirms, shows or sends what is not durable;
 *   - bob counts a message as confirmed only if alice has it on her disk;
 *   - after a tick, the next deadline lies ahead. */
#define PAIR_SAID_MAX 1200u

/* Whether the next pairs have sessions as `tls` opens them, with keys that sign; or plain ones. */
extern bool pair_signs;

/* Run the tests in both modes; the value is how many failed. */
#define PAIR_RUN(tests, ret_failed)                                                                \
  for (int mode = 0; mode < 2; mode++) {                                                           \
    pair_signs = mode == 1;                                                                        \
    (ret_failed) += cmocka_run_group_tests_name(mode ? "signed" : "plain", tests, NULL, NULL);     \
  }

struct pair {
  struct now now;
  struct sender *sender;
  struct receiver *receiver;
  struct sender_config bob_config;
  struct receiver_config alice_config;
  struct session bob, alice; /* of the last connection */
  struct ed25519 *bob_key, *alice_key;
  bool is_signed;
  int16_t alice_min; /* her zone */
  int64_t bob_ahead_us;
  uint64_t bob_slow_us;
  uint8_t seed;
  unsigned connections;
  struct buf to_alice, to_bob;     /* what has left and has not been carried over */
  struct buf bob_disk, alice_disk; /* the logs */
  struct buf texts;                /* of what was said, one after the other */
  struct {
    size_t size;
    uint64_t timestamp_us;
  } said[PAIR_SAID_MAX];
  uint64_t said_count, shown_count, confirmed_count;
  uint64_t confirmed_us[PAIR_SAID_MAX]; /* by id, as bob heard it */
  unsigned envelopes[PAIR_SAID_MAX];    /* how many messages each confirmation was for */
  unsigned envelopes_count;
  uint64_t shown_bytes; /* of the texts that were shown */
  uint64_t sent_events, sent_again;
  uint64_t at_bob[VERDICT_COUNT], at_alice[VERDICT_COUNT]; /* incidents */
  unsigned bob_ended, alice_ended;                         /* events */
  bool by_peer;                                            /* of the last such event */
};

struct pair_setting {
  int64_t bob_ahead_us;     /* of alice's wall clock */
  uint64_t bob_slow_us;     /* so much has his clock lost since alice learnt it */
  uint64_t freshness_us;    /* 0: the default */
  uint64_t resend_after_us; /* 0: the default */
  unsigned envelope_max;    /* 0: 1, as at a terminal */
  size_t window_max;        /* 0: the default */
  uint64_t cover_period_us; /* 0: no cover */
  enum log_detail detail;
  uint8_t seed;
};

#define PAIR_COVER 2048u
#define PAIR_WALL_US UINT64_C(1795368456951090)

/** pair_new(setting): A fresh pair; NULL: as at a terminal.  pair_free frees it. */
struct pair *pair_new(const struct pair_setting *setting);

/** pair_new_quiet(setting): One that has been silent for so long that no echo proves anything. */
struct pair *pair_new_quiet(const struct pair_setting *setting);

void pair_free(struct pair *pair);

/** pair_pass(pair, us): Let the time pass, without telling anybody. */
void pair_pass(struct pair *pair, uint64_t us);

/** pair_bob_now(pair): Return the time by bob's clock. */
struct now pair_bob_now(const struct pair *pair);

/** pair_bob_record(pair), pair_alice_record(pair): Return the log bytes that he would store now. */
struct view pair_bob_record(struct pair *pair);
struct view pair_alice_record(struct pair *pair);

/**
 * pair_cut(pair):
 * The connection is gone, with all that was on the line; both sides record it.  Alice's receiver is
 * gone with it, as in the program: the next connection begins with one restored from her log.
 */
void pair_cut(struct pair *pair);

/** pair_connect(pair): Open a new connection, under another key; both do their work. */
void pair_connect(struct pair *pair);

/** pair_connect_error(pair, next_id): The same with a grant of this next id; return what
 * sender_attach says.  Nothing else is done. */
enum avow_error pair_connect_error(struct pair *pair, uint64_t next_id);

/**
 * pair_crash_bob(pair, tail), pair_crash_alice(pair, tail):
 * He is gone without a word, and the connection is no more; the first ${tail} bytes of the record
 * that he was about to store are on his disk, but never all.  A new one is restored from the disk.
 * What bob was told and had not stored counts as never said.
 */
void pair_crash_bob(struct pair *pair, size_t tail);
void pair_crash_alice(struct pair *pair, size_t tail);

/** pair_submit(pair, text): Bob's user says ${text}; nothing is stored yet. */
void pair_submit(struct pair *pair, struct view text);

/** pair_say(pair, text): The same, and bob does his work. */
void pair_say(struct pair *pair, const char *text);

/** pair_bob_works(pair), pair_alice_works(pair): The owner stores, shows and sends what there is.
 */
void pair_bob_works(struct pair *pair);
void pair_alice_works(struct pair *pair);

/** pair_alice_hears(pair, bytes), pair_bob_hears(pair, bytes): These bytes arrive; then he works.
 */
void pair_alice_hears(struct pair *pair, struct view bytes);
void pair_bob_hears(struct pair *pair, struct view bytes);

/** pair_carry_to_alice(pair), pair_carry_to_bob(pair): All that has left arrives. */
void pair_carry_to_alice(struct pair *pair);
void pair_carry_to_bob(struct pair *pair);

/** pair_tick(pair): Wake whoever asked to be woken by now, as the event loop does. */
void pair_tick(struct pair *pair);

/** pair_deadline(pair): Return when that is due next, monotonic. */
uint64_t pair_deadline(const struct pair *pair);

/**
 * pair_settle(pair, us_max):
 * An honest line, and the event loop: carry both ways and wake who asks for it, until everything
 * said is confirmed and the line is empty.  Fails the test after ${us_max}.
 */
void pair_settle(struct pair *pair, uint64_t us_max);

/** pair_finish(pair): Bob ends the session, and both sides see it end in order. */
void pair_finish(struct pair *pair);

/** pair_incidents(counts): Return how many there are of all verdicts together. */
uint64_t pair_incidents(const uint64_t counts[VERDICT_COUNT]);

/**
 * pair_forge(pair, channel, sealed, age_us):
 * Append to ${pair->to_alice} the token of ${sealed}, made ${age_us} ago: what another bob would
 * send who has all keys; in a signed session it is signed, unless it bears a signature already.
 * Open and close ${channel} with pair_forger and channel_close.
 */
void pair_forger(struct pair *pair, struct channel *channel);
void pair_forge(struct pair *pair, struct channel *channel, struct sealed *sealed, uint64_t age_us);

/**
 * pair_sign(pair, by_alice, sealed, messages):
 * Sign what ${sealed} says, into its proof, as the one who sends it would: an origin, a receipt, or
 * an end.  The heads stand there already.  ${messages}: the body of the envelope.
 */
void pair_sign(struct pair *pair, bool by_alice, struct sealed *sealed, struct view messages);

/**
 * pair_read(pair, bytes, to_alice, sealed, plaintext):
 * Decode the last token of a direction's ${bytes} as the one who gets it would; ${plaintext} is
 * what
 * ${sealed->body} points into, and the caller's to free.
 */
void pair_read(struct pair *pair, struct view bytes, bool to_alice, struct sealed *sealed,
               struct buf *plaintext);

/** pair_body(body, text, hash_of): Append a message with the hash of another text. */
void pair_body(struct pair *pair, struct buf *body, const char *text, const char *hash_of);

#endif
