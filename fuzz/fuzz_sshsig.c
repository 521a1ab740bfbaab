// SPDX-License-Identifier: Apache-2.0
/* Signatures: what is decoded encodes to the same line, and a line that is not a good signature of
 * this text by the key it names is not verified; only a line that we made is. */
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "keys/sshsig.h"

#define TEXT "text"

/* The key whose seed is all zeroes, and its line for the text; made once. */
static struct ed25519 *owner(const char **ret_line) {
  static struct ed25519 *key;
  static char line[SSHSIG_TEXT_SIZE];
  if (key == NULL) {
    static const uint8_t seed[ED25519_SEED_SIZE];
    uint8_t signature[ED25519_SIGNATURE_SIZE];
    REQUIRE_OK(ed25519_private(&key, seed));
    REQUIRE_OK(sshsig_sign(key, view_text(TEXT), signature));
    sshsig_encode(ed25519_key(key), signature, line);
  }
  *ret_line = line;
  return key;
}

static void decode(struct view line) {
  uint8_t public[ED25519_PUBLIC_SIZE], signature[ED25519_SIGNATURE_SIZE];
  char again[SSHSIG_TEXT_SIZE];
  const char *made;
  enum avow_error error = sshsig_decode(line, public, signature);
  REQUIRE(error == AVOW_OK || error == AVOW_MALFORMED);
  if (error != AVOW_OK)
    return;
  sshsig_encode(public, signature, again);
  REQUIRE(view_equal(view_text(again), line));

  struct ed25519 *key = owner(&made), *peer;
  error = sshsig_verify(key, view_text(TEXT), signature);
  REQUIRE(error == AVOW_OK || error == AVOW_NOT_AUTHENTIC);
  REQUIRE_OK(ed25519_peer(&peer, public));
  bool good = sshsig_verify(peer, view_text(TEXT), signature) == AVOW_OK;
  REQUIRE(good == view_equal(line, view_text(made)));
  ed25519_free(peer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  uint8_t *line = fuzz_exact(view_of(data, size));
  decode(view_of(line, size));
  free(line);
  /* The input as changes of a good line: places and what is added there. */
  const char *made;
  owner(&made);
  char changed[SSHSIG_TEXT_SIZE];
  memcpy(changed, made, sizeof changed);
  struct reader script = reader_of(view_of(data, size));
  while (fuzz_more(&script)) {
    size_t at = reader_u8(&script) % (SSHSIG_TEXT_SIZE - 1);
    changed[at] = (char)(changed[at] + reader_u8(&script));
  }
  decode(view_of(changed, sizeof changed - 1));
  return 0;
}
