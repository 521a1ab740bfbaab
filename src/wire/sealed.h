// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_WIRE_SEALED_H
#define AVOW_WIRE_SEALED_H

#include "base/bytes.h"
#include "base/limits.h"
#include "base/proof.h"

/* What a token holds: a head, a body by kind, zeroes up to a Padme bucket.  docs/PROTOCOL.md,
 * "Tokens".  Both directions share one key, so the head names the direction: a token sent back to
 * its maker is malformed. */
enum sealed_kind {
  SEALED_ENVELOPE = 1,     /* bob: messages */
  SEALED_CONFIRMATION = 2, /* alice: they are stored */
  SEALED_NOTICE = 3,       /* alice: something was refused; this is what I expect */
  SEALED_END = 4,          /* either: no more messages */
  SEALED_ASK = 5,          /* bob: give me the confirmations from this id on, again */
  SEALED_DUMMY = 6,        /* either: nothing */
};
enum direction { TO_ALICE = 1, TO_BOB = 2 };

#define MESSAGE_HASH_SIZE 64u
/* Of a plaintext, the most bytes before its body. */
#define SEALED_HEAD_MAX (38u + sizeof(struct proof))
/* An id stays exact in a double, for readers of JSON. */
#define MESSAGE_ID_MAX ((UINT64_C(1) << 53) - 1)

struct sealed {
  enum sealed_kind kind;
  enum direction direction;
  uint64_t time_us;  /* of this transmission, by its maker's clock */
  uint64_t echo_us;  /* time_us of the last token (or grant) that its maker had taken */
  uint64_t first_id; /* envelope, confirmation; notice, end: the next id; ask */
  uint16_t count;    /* envelope, confirmation: how many ids, at least 1 */
  uint64_t when_us;  /* confirmation: when these messages were recorded; alice's end: when it was */
  int16_t when_min;  /* and in which zone she wrote that down */
  struct proof proof; /* tls only.  Bob's envelope and end: bob's part; confirmation and alice's
                         end: all of it */
  struct view body;   /* envelope: the messages; confirmation: their hashes */
};

struct message {
  uint64_t timestamp_us; /* when bob's user gave it to him */
  const uint8_t *hash;   /* SHA-512 of the text, as it came */
  struct view text;
};

/** padme_size(size): Return ${size} rounded up to its Padme bucket (PURBs, PoPETs 2019, 4.1.2). */
size_t padme_size(size_t size);

/** message_size(text_size): Return the bytes of a message in an envelope's body. */
size_t message_size(size_t text_size);

/** message_append(body, message): Append a message to a body.  Errors of buf_append. */
enum avow_error message_append(struct buf *body, const struct message *message);

/** message_set_hash(body, at, hash): Set the hash of the message that begins at byte ${at} of it.
 */
void message_set_hash(struct buf *body, size_t at, const uint8_t hash[MESSAGE_HASH_SIZE]);

/**
 * message_take(body, ret):
 * Take the next message off a body that sealed_decode has checked; its views point into the body.
 */
void message_take(struct reader *body, struct message *ret);

/**
 * sealed_encode(sealed, proven, whole, out):
 * Append the plaintext to ${out}, padded to ${whole} bytes, or to its Padme bucket if that is 0.
 * ${sealed->body} follows the fields of its kind; ${proven}: with the proof among them (tls).
 * Errors of buf_append; AVOW_TOO_LONG over ${whole}.
 */
enum avow_error sealed_encode(const struct sealed *sealed, bool proven, size_t whole,
                              struct buf *out);

/** sealed_stamp(plaintext, time_us, echo_us): Set the times of an encoded one. */
void sealed_stamp(struct buf *plaintext, uint64_t time_us, uint64_t echo_us);

/**
 * sealed_decode(plaintext, direction, proven, ret):
 * Read a plaintext that should have come in ${direction}.  Every length, count and time is checked,
 * and the padding is all zeroes; ${ret->body} points into ${plaintext}.
 * Returns AVOW_MALFORMED.
 */
enum avow_error sealed_decode(struct view plaintext, enum direction direction, bool proven,
                              struct sealed *ret);

#endif
