// SPDX-License-Identifier: Apache-2.0
/* The payloads that open a session: what is decoded encodes to the same bytes. */
#include "base/when.h"
#include "harness.h"
#include "wire/frame.h"
#include "wire/greeting.h"

static void same(struct buf *out, enum frame_type type, struct view input) {
  struct view frame = buf_view(out);
  REQUIRE(frame.size == AVOW_FRAME_HEADER + input.size && frame.data[4] == type);
  REQUIRE(view_equal(view_of(frame.data + AVOW_FRAME_HEADER, input.size), input));
  buf_clear(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct view input = view_of(data, size);
  struct open open;
  struct grant grant;
  uint8_t signature[SIGNATURE_SIZE];
  struct buf out;
  buf_init(&out, 1024);
  for (int handshake = HANDSHAKE_PLAIN; handshake <= HANDSHAKE_TLS; handshake++) {
    enum avow_error error = hello_decode(input, (enum handshake)handshake);
    REQUIRE(error == AVOW_OK || error == AVOW_NOT_AVOW || error == AVOW_BAD_VERSION ||
            error == AVOW_BAD_MODE);
    if (error != AVOW_OK)
      continue;
    REQUIRE_OK(hello_append(&out, (enum handshake)handshake));
    same(&out, FRAME_HELLO, input);
  }
  if (open_decode(input, &open) == AVOW_OK) {
    REQUIRE(open.clock_us <= WHEN_MAX_US && open.opened_us <= WHEN_MAX_US);
    REQUIRE_OK(open_append(&out, &open));
    same(&out, FRAME_OPEN, input);
  }
  for (int handshake = HANDSHAKE_PLAIN; handshake <= HANDSHAKE_TLS; handshake++) {
    if (grant_decode(input, (enum handshake)handshake, &grant) != AVOW_OK)
      continue;
    REQUIRE(grant.clock_us <= WHEN_MAX_US && grant.opened_us <= WHEN_MAX_US);
    REQUIRE_OK(grant_append(&out, (enum handshake)handshake, &grant));
    same(&out, FRAME_SESSION, input);
  }
  if (agree_decode(input, signature) == AVOW_OK) {
    REQUIRE_OK(agree_append(&out, signature));
    same(&out, FRAME_AGREE, input);
  }
  enum avow_error refusal = refusal_decode(input);
  REQUIRE(refusal != AVOW_OK);
  if (refusal != AVOW_MALFORMED) {
    REQUIRE_OK(refusal_append(&out, refusal));
    same(&out, FRAME_REFUSAL, input);
  }
  buf_free(&out);
  return 0;
}
