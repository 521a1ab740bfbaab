// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_FUZZ_PEER_H
#define AVOW_FUZZ_PEER_H

#include "core/notary.h"
#include "fernet/fernet.h"
#include "wire/frame.h"
#include "wire/sealed.h"

/* The other end of a core's line.  It has the session's key, so it can say anything; and it checks
 * what the core says. */
struct peer {
  struct fernet *fernet;
  enum direction hears; /* the direction of what the core says */
  uint64_t said_us;     /* time of our last token */
  uint64_t heard_us;    /* time of the core's last token: the next one is newer */
  struct buf heard;     /* what the core sent and peer_hear has not taken */
  struct buf wire;      /* what is to be given to the core */
  struct buf plaintext; /* scratch */
  struct notary notary; /* in a signed session: ours */
  int bob_min;          /* bob's zone, for digests */
};

/** peer_key(alice): Return her key, or bob's, ready to sign; they are the same in all runs. */
struct ed25519 *peer_key(bool alice);

/**
 * peer_make_signed(session, bob):
 * Make a signed one of a plain session, with the key of the core whose it is.
 */
void peer_make_signed(struct session *session, bool bob);

/** peer_open(peer, session, hears): Begin on a connection, of which this is the core's session. */
void peer_open(struct peer *peer, const struct session *session, enum direction hears);

/** peer_close(peer): Give the memory back; also of a zeroed one. */
void peer_close(struct peer *peer);

/** peer_say(peer, sealed): Seal a token, as it is but for its direction, into ${peer->wire}. */
void peer_say(struct peer *peer, struct sealed *sealed);

/**
 * peer_sign(peer, sealed, messages):
 * In a signed session sign an envelope, a confirmation or an end, into its proof, where the heads
 * stand already.  ${messages}: the envelope's body.
 */
void peer_sign(struct peer *peer, struct sealed *sealed, struct view messages);

/** peer_say_plaintext(peer, plaintext): Seal any bytes. */
void peer_say_plaintext(struct peer *peer, struct view plaintext);

/**
 * peer_hear(peer, ret):
 * Take the core's next token, which must be a good one, off ${peer->heard}; false if none is whole.
 * ${ret->body} is valid until the next call.
 */
bool peer_hear(struct peer *peer, struct sealed *ret);

#endif
