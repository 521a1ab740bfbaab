// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_WIRE_GREETING_H
#define AVOW_WIRE_GREETING_H

#include "base/bytes.h"
#include "base/proof.h"

/* The payloads that open a session.  docs/PROTOCOL.md, "Opening". */

#define PROTOCOL_VERSION 1u
#define SESSION_ID_SIZE 16u
#define SESSION_KEY_SIZE 32u

enum handshake { HANDSHAKE_PLAIN = 0, HANDSHAKE_TLS = 1 };

/* Why alice refuses.  It is not authenticated: bob reports it and believes nothing else of it. */
enum refusal {
  REFUSAL_VERSION = 1,
  REFUSAL_MODE = 2,
  REFUSAL_BUSY = 3,
  REFUSAL_KEY = 4,
  REFUSAL_SESSION = 5,
};

/* Bob's `open`. */
struct open {
  uint64_t clock_us;  /* bob's wall clock; his tokens count on from here */
  int16_t offset_min; /* his zone, east of UTC, in which both logs write his times */
  bool resume; /* of the session below; otherwise that is zeroes, and a new one is asked for */
  uint8_t session_id[SESSION_ID_SIZE];
  uint64_t opened_us;          /* when it was opened first, by alice's clock */
  int16_t opened_offset_min;   /* and in her zone then: both name her log */
  uint8_t bob_head[HEAD_SIZE]; /* of his log as it is on his disk */
  uint32_t cover; /* every token of the session holds so many bytes; 0: as many as it needs */
};

/* Alice's `session`. */
struct grant {
  uint8_t session_id[SESSION_ID_SIZE];
  uint8_t key[SESSION_KEY_SIZE]; /* of Fernet; made by alice for this connection */
  uint64_t clock_us;             /* alice's wall clock; her tokens count on from here */
  int16_t offset_min;            /* her zone, east of UTC, in which both logs write her times */
  uint64_t opened_us;            /* when the session was opened first: now, if it is a new one */
  uint64_t next_id;              /* all messages below it are stored */
  uint8_t alice_head[HEAD_SIZE]; /* of her log, before this connection */
  uint8_t signature[SIGNATURE_SIZE]; /* tls only: hers, of the opening */
};

/** hello_append(out, handshake): Append a whole hello frame.  Errors of buf_append. */
enum avow_error hello_append(struct buf *out, enum handshake handshake);

/**
 * hello_decode(payload, handshake):
 * Returns AVOW_NOT_AVOW if it is none, AVOW_BAD_VERSION, or AVOW_BAD_MODE if the other side's
 * handshake is not ${handshake}.
 */
enum avow_error hello_decode(struct view payload, enum handshake handshake);

/** open_append(out, open), open_decode(payload, ret): A whole open frame; AVOW_MALFORMED. */
enum avow_error open_append(struct buf *out, const struct open *open);
enum avow_error open_decode(struct view payload, struct open *ret);

/** grant_append(out, handshake, grant), grant_decode(payload, handshake, ret): A whole session
 * frame; AVOW_MALFORMED. */
enum avow_error grant_append(struct buf *out, enum handshake handshake, const struct grant *grant);
enum avow_error grant_decode(struct view payload, enum handshake handshake, struct grant *ret);

/** agree_append(out, signature), agree_decode(payload, signature): A whole agree frame, bob's
 * signature of the opening; AVOW_MALFORMED. */
enum avow_error agree_append(struct buf *out, const uint8_t signature[SIGNATURE_SIZE]);
enum avow_error agree_decode(struct view payload, uint8_t signature[SIGNATURE_SIZE]);

/**
 * refusal_append(out, error), refusal_decode(payload):
 * A whole refusal frame for AVOW_BAD_VERSION, AVOW_BAD_MODE, AVOW_BUSY, AVOW_KEY_REFUSED or
 * AVOW_NO_SESSION, and the same error back (AVOW_MALFORMED for an unknown one).
 */
enum avow_error refusal_append(struct buf *out, enum avow_error error);
enum avow_error refusal_decode(struct view payload);

#endif
