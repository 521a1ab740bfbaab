// SPDX-License-Identifier: Apache-2.0
/* Plaintexts, plain ones and those with a proof: what is decoded keeps its limits, its messages lie
 * within it, and encoding it gives the same bytes but for the size of the padding. */
#include <stdlib.h>
#include <string.h>

#include "base/when.h"
#include "harness.h"
#include "wire/sealed.h"

static void walk(const struct sealed *sealed) {
  struct reader body = reader_of(sealed->body);
  for (unsigned i = 0; i < sealed->count; i++) {
    struct message message;
    message_take(&body, &message);
    REQUIRE(!body.failed && message.text.size <= AVOW_TEXT_MAX);
    REQUIRE(message.timestamp_us <= WHEN_MAX_US);
    free(fuzz_exact(message.text));
    free(fuzz_exact(view_of(message.hash, MESSAGE_HASH_SIZE)));
  }
  REQUIRE(reader_done(&body));
}

static void again(const struct sealed *sealed, bool proven, struct view input) {
  struct buf out;
  struct sealed twice;
  buf_init(&out, 2 * AVOW_PLAINTEXT_MAX);
  REQUIRE_OK(sealed_encode(sealed, proven, 0, &out));
  struct view whole = buf_view(&out);
  REQUIRE(padme_size(whole.size) == whole.size);
  for (size_t i = 0; i < whole.size || i < input.size; i++)
    REQUIRE((i < whole.size ? whole.data[i] : 0) == (i < input.size ? input.data[i] : 0));
  REQUIRE_OK(sealed_decode(whole, sealed->direction, proven, &twice));
  REQUIRE(twice.kind == sealed->kind && twice.time_us == sealed->time_us);
  REQUIRE(twice.echo_us == sealed->echo_us && twice.first_id == sealed->first_id);
  REQUIRE(twice.count == sealed->count && twice.when_us == sealed->when_us);
  REQUIRE(twice.when_min == sealed->when_min);
  REQUIRE(memcmp(&twice.proof, &sealed->proof, sizeof twice.proof) == 0);
  REQUIRE(view_equal(twice.body, sealed->body));
  buf_free(&out);
}

static void decode(struct view input, enum direction direction, bool proven) {
  struct sealed sealed;
  if (sealed_decode(input, direction, proven, &sealed) != AVOW_OK)
    return;
  REQUIRE(sealed.direction == direction && sealed.first_id + sealed.count <= MESSAGE_ID_MAX);
  REQUIRE(sealed.time_us <= WHEN_MAX_US && sealed.when_us <= WHEN_MAX_US);
  REQUIRE(abs(sealed.when_min) < 24 * 60);
  REQUIRE(sealed.count <= AVOW_ENVELOPE_MESSAGES_MAX);
  REQUIRE((sealed.kind == SEALED_ENVELOPE || sealed.kind == SEALED_CONFIRMATION) ==
          (sealed.count > 0));
  if (sealed.kind == SEALED_ENVELOPE)
    walk(&sealed);
  else
    free(fuzz_exact(sealed.body));
  again(&sealed, proven, input);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  for (int proven = 0; proven < 2; proven++) {
    decode(view_of(data, size), TO_ALICE, proven);
    decode(view_of(data, size), TO_BOB, proven);
  }
  return 0;
}
