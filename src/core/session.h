// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_CORE_SESSION_H
#define AVOW_CORE_SESSION_H

#include "base/when.h"
#include "core/freshness.h"
#include "crypto/ed25519.h"
#include "evidence/record.h"
#include "wire/greeting.h"

/* What an opening yields and a sender or receiver starts from.  Holds the Fernet key: wipe it. */
struct session {
  enum handshake handshake;
  struct open open;
  struct grant grant;
  char group[32];                        /* of the key exchange; "" in plain mode */
  struct ed25519 *key;                   /* tls only: ours, to sign with; the identity's */
  uint8_t peer_key[ED25519_PUBLIC_SIZE]; /* tls only */
  uint8_t bob_signature[SIGNATURE_SIZE]; /* tls only: his, of the opening; alice has it last */
  struct line_clock clock;               /* our own */
  uint64_t peer_us, peer_mono_us;        /* alice: bob's clock showed at most so much, then */
};

/**
 * session_opened(session, own, bob):
 * Return the record of its connection, and what both sign of it, as far as the session knows:
 * ${ret->peer}, names and key hash are the caller's.  ${bob}: we are bob.  It borrows the session.
 */
struct opened session_opened(const struct session *session, bool bob);

#endif
