// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_BIN_MALLORY_SPY_H
#define AVOW_BIN_MALLORY_SPY_H

#include "fernet/fernet.h"
#include "wire/greeting.h"
#include "wire/sealed.h"

/* Reads tokens, and makes them, with a key that went over the line in the clear. */
struct spy {
  struct fernet *fernet; /* NULL: she has no key */
  bool proven;           /* its tokens carry proofs: a session of her own, in tls mode */
  char key[FERNET_KEY_TEXT_SIZE];
  struct buf plaintext;  /* of the last token */
  uint64_t newest_us[2]; /* the time of the newest token, by way */
};

/** spy_init(spy), spy_wipe(spy): No key yet; and none any more. */
void spy_init(struct spy *spy);
void spy_wipe(struct spy *spy);

/** spy_take(spy, handshake, grant): Take the session's key; false if that failed. */
bool spy_take(struct spy *spy, enum handshake handshake, const struct grant *grant);

/** spy_learn(spy, session): The same, out of the payload of a `session` frame; false if there
 * is none in it. */
bool spy_learn(struct spy *spy, struct view session);

/** spy_open(spy, token, way, ret): Decrypt and decode; false if it is not of this key.  The
 * body of ${ret} is valid until the next call. */
bool spy_open(struct spy *spy, struct view token, enum direction way, struct sealed *ret);

/** spy_seal(spy, sealed, out): Append the frame of a token with what ${sealed} says to
 * ${out}.  Errors of buf_append, AVOW_CRYPTO. */
enum avow_error spy_seal(struct spy *spy, const struct sealed *sealed, struct buf *out);

#endif
