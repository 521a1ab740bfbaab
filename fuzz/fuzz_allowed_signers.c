// SPDX-License-Identifier: Apache-2.0
/* Lists of allowed clients, at a time from the first bytes: a list that can be read lets in who is
 * added to it, and nobody is let in by one that cannot. */
#include <string.h>

#include "base/limits.h"
#include "harness.h"
#include "keys/allowed_signers.h"
#include "keys/public_key.h"

static const uint8_t own[ED25519_PUBLIC_SIZE] = "the key of bob. thirty-two octet";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct reader script = reader_of(view_of(data, size));
  uint64_t wall_us = (uint64_t)reader_u32(&script) * 1000000;
  struct view list = script.rest;
  char name[AVOW_NAME_SIZE] = "", text[PUBLIC_KEY_TEXT_SIZE];
  unsigned line = 0;
  struct buf file;
  enum avow_error error = allowed_signers_find(list, own, wall_us, name, &line);
  REQUIRE(error == AVOW_OK || error == AVOW_NOT_FOUND || error == AVOW_EXPIRED ||
          error == AVOW_MALFORMED);
  REQUIRE((error == AVOW_OK || error == AVOW_MALFORMED) == (line > 0));
  REQUIRE(memchr(name, '\0', sizeof name) != NULL && (error == AVOW_OK || name[0] == '\0'));

  public_key_encode(own, text);
  buf_init(&file, AVOW_KEY_LIST_MAX);
  REQUIRE_OK(buf_append(&file, list));
  REQUIRE_OK(buf_format(&file, "\nbob@example namespaces=\"avow\" %s\n", text));
  enum avow_error again = allowed_signers_find(buf_view(&file), own, wall_us, name, &line);
  REQUIRE(again == (error == AVOW_MALFORMED ? AVOW_MALFORMED : AVOW_OK));
  REQUIRE(error == AVOW_OK || error == AVOW_MALFORMED || strcmp(name, "bob@example") == 0);
  buf_free(&file);
  return 0;
}
