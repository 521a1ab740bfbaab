// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_EVIDENCE_REPLAY_H
#define AVOW_EVIDENCE_REPLAY_H

#include "evidence/head.h"
#include "evidence/record.h"

/* Log bytes back to records.  Strict: a record that record_* would not have written is malformed,
 * every hash is checked against its text and every head against the lines before it.  A chunk
 * without its head line was never finished: its records are not handed out. */

enum record_type {
  RECORD_QUEUED,
  RECORD_OPENED,
  RECORD_MESSAGE,
  RECORD_ENVELOPE,
  RECORD_INCIDENT,
  RECORD_ENDED,
  RECORD_AGREED, /* bob has signed the opening before it */
  RECORD_HEAD,   /* the end of a chunk */
};

struct record {
  enum record_type type;
  uint64_t line; /* of the record's first line, from 1 */
  /* QUEUED: to, when, bob.  OPENED: session_id, resumed, when, tls, group, alice, bob; if tls also
   * next id (in id), bob's and alice's head and alice's signature (in proof). */
  char to[AVOW_NAME_SIZE], group[32];
  uint8_t session_id[16];
  bool resumed, tls;
  uint64_t when_us; /* also ENDED, INCIDENT */
  int offset_min;   /* of when_us; MESSAGE: of its timestamp */
  uint8_t alice_key[32], bob_key[32];
  /* MESSAGE: id, hash, timestamp, text (if has_text), confirmed, lines (those of record_lines).
   * ENVELOPE: first id, count, confirmed; proof, if signed.  ENDED: id (messages in all), when; if
   * signed: by_bob, proof.  AGREED: proof.bob_signature.  HEAD: proof.head. */
  uint64_t id, count;
  uint8_t hash[64];
  uint64_t timestamp_us;
  bool has_text;
  struct view text, lines; /* valid until the next call */
  uint64_t confirmed_us;   /* WHEN_NEVER if not told */
  int confirmed_min;
  bool is_signed, by_bob;
  struct proof proof;
  /* ENVELOPE, ENDED, if signed: the head of this log before the line of head at receipt or at the
   * end. In alice's log that is what the line must bear. */
  uint8_t head_there[HEAD_SIZE];
  /* The keys that the block's signatures bear. */
  uint8_t alice_signer[32], bob_signer[32];
};

struct replay;

/** replay_new(ret): Returns AVOW_NO_MEMORY, AVOW_CRYPTO. */
enum avow_error replay_new(struct replay **ret);

/** replay_free(replay): NULL is fine. */
void replay_free(struct replay *replay);

/**
 * replay_input(replay, bytes):
 * The log goes on.  Call replay_next until AVOW_NOT_FOUND after each call.  Errors of buf_append.
 */
enum avow_error replay_input(struct replay *replay, struct view bytes);

/**
 * replay_next(replay, ret):
 * Take the next record of a finished chunk.  Returns AVOW_NOT_FOUND if there is none now,
 * AVOW_MALFORMED (final; replay_line and replay_reason say where and why), AVOW_NO_MEMORY,
 * AVOW_CRYPTO.
 */
enum avow_error replay_next(struct replay *replay, struct record *ret);

/**
 * replay_end(replay):
 * That was all.  Returns AVOW_OK if the log ends with a head line, or with a chunk that a crash has
 * cut off, or left sectors of unwritten; AVOW_MALFORMED if what is left cannot be that.
 */
enum avow_error replay_end(struct replay *replay);

/** replay_line(replay): Return the number of the line that was read last. */
uint64_t replay_line(const struct replay *replay);

/** replay_reason(replay): Return what is wrong with it, as a phrase; "" if nothing is. */
const char *replay_reason(const struct replay *replay);

/** replay_finished(replay): Return how many bytes of the log stand in finished chunks. */
uint64_t replay_finished(const struct replay *replay);

/** replay_take_head(replay): Hand over the head of the finished chunks; once, at the end. */
struct head replay_take_head(struct replay *replay);

#endif
