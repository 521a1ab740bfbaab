// SPDX-License-Identifier: Apache-2.0
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fuzz_breach(const char *claim, const char *file, int line) {
  fprintf(stderr, "%s:%d: this does not hold: %s\n", file, line, claim);
  abort();
}

uint8_t *fuzz_exact(struct view bytes) {
  uint8_t *copy = malloc(bytes.size > 0 ? bytes.size : 1);
  REQUIRE(copy != NULL);
  if (bytes.size > 0)
    memcpy(copy, bytes.data, bytes.size);
  return copy;
}

struct view fuzz_take(struct reader *script, size_t size) {
  return reader_bytes(script, size < script->rest.size ? size : script->rest.size);
}

bool fuzz_more(const struct reader *script) {
  return !script->failed && script->rest.size > 0;
}
