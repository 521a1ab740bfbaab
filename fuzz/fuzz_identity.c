// SPDX-License-Identifier: Apache-2.0
/* Private key files, with their armour, or as the bytes under it (the first byte chooses): what is
 * decoded encodes to a file that decodes to the same. */
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "crypto/secret.h"
#include "harness.h"
#include "keys/identity.h"

static void decode(struct view file) {
  struct identity identity, again;
  struct buf out;
  enum avow_error error = identity_decode(file, &identity);
  REQUIRE(error == AVOW_OK || error == AVOW_MALFORMED || error == AVOW_KEY_TYPE ||
          error == AVOW_KEY_ENCRYPTED);
  if (error != AVOW_OK)
    return;
  REQUIRE(memchr(identity.comment, '\0', sizeof identity.comment) != NULL);
  buf_init(&out, AVOW_KEY_FILE_MAX);
  REQUIRE_OK(identity_encode(&identity, 7, &out));
  REQUIRE_OK(identity_decode(buf_view(&out), &again));
  REQUIRE(secret_equal(identity.seed, again.seed, sizeof again.seed));
  REQUIRE(secret_equal(identity.public, again.public, sizeof again.public));
  REQUIRE(strcmp(identity.comment, again.comment) == 0);
  buf_wipe_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct reader script = reader_of(view_of(data, size));
  struct buf file;
  char text[4096];
  uint8_t armoured = reader_u8(&script) & 1;
  if (armoured) {
    decode(script.rest);
    return 0;
  }
  struct view bytes = fuzz_take(&script, sizeof text / 4 * 3);
  base64_encode(BASE64_STANDARD, bytes, text);
  buf_init(&file, AVOW_KEY_FILE_MAX);
  REQUIRE_OK(buf_text(&file, "-----BEGIN OPENSSH PRIVATE KEY-----\n"));
  REQUIRE_OK(buf_append(&file, view_of(text, base64_encoded_size(bytes.size))));
  REQUIRE_OK(buf_text(&file, "\n-----END OPENSSH PRIVATE KEY-----\n"));
  uint8_t *exact = fuzz_exact(buf_view(&file));
  decode(view_of(exact, buf_view(&file).size));
  buf_free(&file);
  free(exact);
  return 0;
}
