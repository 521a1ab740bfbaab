// SPDX-License-Identifier: Apache-2.0
/* Base64, both alphabets: what is decoded encodes to the same text, what is encoded decodes to the
 * same bytes, and the vector code says the same as the scalar code. */
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/base64_impl.h"
#include "harness.h"

static void decode(enum base64_alphabet alphabet, struct view text) {
  size_t size = SIZE_MAX, scalar_size = SIZE_MAX;
  size_t room = base64_decoded_max(text.size);
  uint8_t *bytes = malloc(room > 0 ? room : 1), *scalar = malloc(room > 0 ? room : 1);
  enum avow_error error = base64_decode(alphabet, text, bytes, &size);
  REQUIRE(base64_decode_scalar(alphabet, text, scalar, &scalar_size) == error);
  REQUIRE(size == scalar_size);
  if (error == AVOW_OK) {
    REQUIRE(size <= room && (size == 0 || memcmp(bytes, scalar, size) == 0));
    REQUIRE(base64_encoded_size(size) == text.size);
    char *again = malloc(text.size > 0 ? text.size : 1);
    base64_encode(alphabet, view_of(bytes, size), again);
    REQUIRE(view_equal(view_of(again, text.size), text));
    free(again);
  } else {
    REQUIRE(error == AVOW_MALFORMED && size == SIZE_MAX);
  }
  free(bytes);
  free(scalar);
}

static void encode(enum base64_alphabet alphabet, struct view bytes) {
  size_t size = base64_encoded_size(bytes.size);
  char *text = malloc(size > 0 ? size : 1), *scalar = malloc(size > 0 ? size : 1);
  base64_encode_scalar(alphabet, bytes, scalar);
  /* As Fernet does it: the bytes are the last of the room of the text. */
  if (bytes.size > 0)
    memcpy(text + size - bytes.size, bytes.data, bytes.size);
  base64_encode(alphabet, view_of(text + size - bytes.size, bytes.size), text);
  REQUIRE(view_equal(view_of(text, size), view_of(scalar, size)));
  decode(alphabet, view_of(text, size));
  free(text);
  free(scalar);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct view input = view_of(data, size);
  decode(BASE64_STANDARD, input);
  decode(BASE64_URL, input);
  encode(BASE64_STANDARD, input);
  encode(BASE64_URL, input);
  return 0;
}
