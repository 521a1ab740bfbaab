// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_BASE_ERROR_H
#define AVOW_BASE_ERROR_H

/* Every way in which a call can fail, one name each.  A function that can fail returns one of
 * these; AVOW_OK is 0.  On failure the outputs of a function are untouched unless its contract
 * says otherwise. */
enum avow_error {
  AVOW_OK = 0,
  AVOW_NO_MEMORY,     /* the heap refused */
  AVOW_TOO_LONG,      /* longer than the limit of base/limits.h that the contract names */
  AVOW_FULL,          /* a bounded queue or buffer has no room now; try again later */
  AVOW_MALFORMED,     /* bytes that do not follow their format */
  AVOW_NOT_AUTHENTIC, /* a token or a signature that does not verify, for whatever reason */
  AVOW_EXPIRED,       /* a Fernet token older than its time-to-live, or from the future */
  AVOW_CRYPTO,        /* the crypto library failed; not caused by any input */
  AVOW_NOT_FOUND,     /* what was looked for is not there */
  AVOW_NOT_AVOW,      /* the peer does not speak this protocol */
  AVOW_BAD_VERSION,   /* the peer speaks another version of it */
  AVOW_BAD_MODE,      /* the peer was started with another --handshake */
  AVOW_HANDSHAKE,     /* the TLS handshake failed */
  AVOW_KEY_UNKNOWN,   /* the peer's key has not been seen before */
  AVOW_KEY_CHANGED,   /* the peer's key is another one than expected */
  AVOW_KEY_REFUSED,   /* the peer's key is not allowed in, or ours is not */
  AVOW_KEY_TYPE,      /* a key of another type than ssh-ed25519 */
  AVOW_KEY_ENCRYPTED, /* a private key protected by a passphrase */
  AVOW_BUSY,          /* the server is full, or another process has the log */
  AVOW_OUT_OF_STEP,   /* the two sides' logs of one session do not fit each other */
  AVOW_NO_SESSION,    /* the server cannot resume the session that was asked for */
  AVOW_TIMEOUT,       /* a deadline passed */
  AVOW_CLOSED,        /* the other side closed the stream */
  AVOW_SYSTEM,        /* a system call failed; errno says why */
};

/**
 * avow_error_text(error):
 * Return what ${error} means, as a short English phrase without a full stop; never NULL.
 */
const char *avow_error_text(enum avow_error error);

#endif
