// SPDX-License-Identifier: Apache-2.0
/* Answers of a time stamping authority, that come over the network: whatever they are, they are
 * read or refused, and none verifies against no certificate. */
#include <stdlib.h>
#include <string.h>

#include "crypto/timestamp.h"
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct timestamp stamp = {.when_us = 7};
  struct view bytes = view_of(data, size);
  uint8_t *exact = fuzz_exact(bytes);
  enum avow_error error = timestamp_read(view_of(exact, size), &stamp);
  REQUIRE(error == AVOW_OK || error == AVOW_MALFORMED || error == AVOW_NOT_FOUND);
  REQUIRE(error != AVOW_MALFORMED || stamp.when_us == 7);
  REQUIRE(memchr(stamp.authority, '\0', sizeof stamp.authority) != NULL);
  enum avow_error verified = timestamp_verify(view_of(exact, size), view_of("", 0));
  REQUIRE(verified == (error == AVOW_OK ? AVOW_NOT_FOUND : AVOW_MALFORMED));
  /* An answer is also no query, and the other way round. */
  REQUIRE(timestamp_answers(view_of(exact, size), view_of(exact, size)) != AVOW_OK);
  free(exact);
  return 0;
}
