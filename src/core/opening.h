// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_CORE_OPENING_H
#define AVOW_CORE_OPENING_H

#include "core/session.h"
#include "crypto/tls.h"

/* How a session is opened, on either side: hello, the TLS handshake inside handshake frames, then
 * `open`, `session` and, in tls mode, `agree`: inside the TLS channel, or in the clear in plain
 * mode. docs/PROTOCOL.md, "Opening".  Without I/O; only TLS draws its own randomness. */
struct opening;

enum opening_state {
  OPENING_RUNNING,
  OPENING_ASKED,   /* alice: bob has asked for a session; opening_grant or opening_refuse is next */
  OPENING_GRANTED, /* tls: bob has to sign the opening, too.  Bob: opening_agree is next */
  OPENING_DONE,    /* there is a session */
  OPENING_FAILED,  /* opening_error says why; there may still be output to send */
};

/**
 * opening_bob(ret, identity, server_key, open, now), opening_alice(ret, identity, now):
 * Start.  ${open}: what bob will ask for; its clock is filled in when he does.  ${identity} is NULL
 * for plain mode, and outlives the opening.  ${server_key}: the one that bob trusts, or NULL to
 * find out which it is: then the opening ends with AVOW_KEY_UNKNOWN. Return AVOW_NO_MEMORY,
 * AVOW_CRYPTO.
 */
enum avow_error opening_bob(struct opening **ret, const struct tls_identity *identity,
                            const uint8_t *server_key, const struct open *open, struct now now);
enum avow_error opening_alice(struct opening **ret, const struct tls_identity *identity,
                              struct now now);

/** opening_free(opening): Wipe and free; NULL is fine. */
void opening_free(struct opening *opening);

/**
 * opening_input(opening, bytes, now):
 * Take bytes from the peer; opening_state tells what came of it.  Returns how many were taken: all,
 * or those up to OPENING_DONE, where opening_rest comes before those that are left.
 */
size_t opening_input(struct opening *opening, struct view bytes, struct now now);

/** opening_state(opening): Return where it stands. */
enum opening_state opening_state(const struct opening *opening);

/**
 * opening_error(opening):
 * Return why it failed: AVOW_NOT_AVOW, AVOW_BAD_VERSION, AVOW_BAD_MODE, AVOW_HANDSHAKE,
 * AVOW_KEY_UNKNOWN, AVOW_KEY_CHANGED, AVOW_KEY_TYPE, AVOW_KEY_REFUSED, AVOW_BUSY, AVOW_NO_SESSION,
 * AVOW_MALFORMED, AVOW_NOT_AUTHENTIC (a signature of the opening), AVOW_TOO_LONG, AVOW_TIMEOUT,
 * AVOW_CLOSED, AVOW_NO_MEMORY, AVOW_CRYPTO; AVOW_OK if it has not.
 */
enum avow_error opening_error(const struct opening *opening);

/** opening_detail(opening): Return a word more on the error: the TLS library's, or what kind of
 * peer it looks like; "" if there is none. */
const char *opening_detail(const struct opening *opening);

/** opening_peer_key(opening, key): Copy the peer's key; false if there is none (yet). */
bool opening_peer_key(const struct opening *opening, uint8_t key[ED25519_PUBLIC_SIZE]);

/**
 * opening_grant(opening, grant, now):
 * Alice, when OPENING_ASKED: open the session that ${grant} says, but for her signature, which is
 * made here.  OPENING_DONE follows, in tls mode after OPENING_GRANTED.
 */
void opening_grant(struct opening *opening, const struct grant *grant, struct now now);

/**
 * opening_agree(opening):
 * Bob, when OPENING_GRANTED, after he has found that the session is the one that he wants: sign its
 * opening; OPENING_DONE follows.  The signature is in the output, and may leave only when it is in
 * his log, durably: otherwise a crash would leave alice with what his own log does not know of.
 */
void opening_agree(struct opening *opening);

/** opening_asked(opening): Alice, when OPENING_ASKED: what bob asks for. */
const struct open *opening_asked(const struct opening *opening);

/** opening_refuse(opening, error): Alice: say no, for AVOW_KEY_REFUSED, AVOW_BUSY or
 * AVOW_NO_SESSION. */
void opening_refuse(struct opening *opening, enum avow_error error);

/** opening_session(opening): Return the session when OPENING_DONE, or when OPENING_GRANTED without
 * bob's signature; wiped with the opening. */
const struct session *opening_session(const struct opening *opening);

/** opening_rest(opening): When OPENING_DONE, bytes that belong to the session already. */
struct view opening_rest(const struct opening *opening);

/** opening_output(opening): Return bytes for the peer; valid until the next call. */
struct view opening_output(const struct opening *opening);

/** opening_output_consume(opening, size): The first ${size} of them have been sent. */
void opening_output_consume(struct opening *opening, size_t size);

/** opening_deadline(opening): When opening_tick has something to do, monotonic, or WHEN_NEVER. */
uint64_t opening_deadline(const struct opening *opening);

/** opening_tick(opening, now): Time has passed. */
void opening_tick(struct opening *opening, struct now now);

#endif
