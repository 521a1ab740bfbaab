// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

const char *avow_error_text(enum avow_error error) {
  switch (error) {
  case AVOW_OK: return "no error";
  case AVOW_NO_MEMORY: return "out of memory";
  case AVOW_TOO_LONG: return "longer than the limit";
  case AVOW_FULL: return "no room now";
  case AVOW_MALFORMED: return "malformed";
  case AVOW_NOT_AUTHENTIC: return "does not verify";
  case AVOW_EXPIRED: return "expired, or from the future";
  case AVOW_CRYPTO: return "the crypto library failed";
  case AVOW_NOT_FOUND: return "not found";
  case AVOW_NOT_AVOW: return "the other side does not speak avow";
  case AVOW_BAD_VERSION: return "the other side speaks another version of the protocol";
  case AVOW_BAD_MODE: return "the other side was started with another --handshake";
  case AVOW_HANDSHAKE: return "the TLS handshake failed";
  case AVOW_KEY_UNKNOWN: return "the key has not been seen before";
  case AVOW_KEY_CHANGED: return "the key has changed";
  case AVOW_KEY_REFUSED: return "the key is not allowed in";
  case AVOW_KEY_TYPE: return "not an ssh-ed25519 key";
  case AVOW_KEY_ENCRYPTED: return "the key is protected by a passphrase";
  case AVOW_BUSY: return "the server has as many clients as it takes";
  case AVOW_OUT_OF_STEP: return "the logs of the two sides do not fit each other";
  case AVOW_NO_SESSION: return "the session cannot be resumed";
  case AVOW_TIMEOUT: return "timed out";
  case AVOW_CLOSED: return "the other side closed the connection";
  case AVOW_SYSTEM: return "the system refused";
  }
  return "unknown error";
}
