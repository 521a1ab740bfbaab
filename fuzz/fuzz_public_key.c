// SPDX-License-Identifier: Apache-2.0
/* Public key lines: what is decoded encodes to a line that decodes to the same key. */
#include <string.h>

#include "crypto/secret.h"
#include "harness.h"
#include "keys/public_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  uint8_t key[ED25519_PUBLIC_SIZE], again[ED25519_PUBLIC_SIZE];
  char comment[AVOW_NAME_SIZE], text[PUBLIC_KEY_TEXT_SIZE], print[FINGERPRINT_SIZE];
  struct view line = view_of(data, size);
  enum avow_error error = public_key_decode(line, key, comment);
  REQUIRE(public_key_decode(line, again, NULL) == error);
  REQUIRE(error == AVOW_OK || error == AVOW_MALFORMED || error == AVOW_KEY_TYPE);
  if (error != AVOW_OK)
    return 0;
  REQUIRE(memchr(comment, '\0', sizeof comment) != NULL);
  public_key_encode(key, text);
  REQUIRE(strlen(text) == PUBLIC_KEY_TEXT_SIZE - 1);
  REQUIRE_OK(public_key_decode(view_text(text), again, NULL));
  REQUIRE(secret_equal(key, again, sizeof key));
  REQUIRE_OK(fingerprint(key, print));
  REQUIRE(strlen(print) == FINGERPRINT_SIZE - 1);
  return 0;
}
