// SPDX-License-Identifier: Apache-2.0
/* Frames: a stream in pieces, with time between them.  No payload is over the limit, memory is
 * bounded, a deadline is never left behind, and after enough silence a whole frame gets through. */
#include <stdlib.h>

#include "base/when.h"
#include "harness.h"
#include "wire/frame.h"

struct stream {
  struct frames frames;
  uint64_t now_us;
};

static void drain(struct stream *stream) {
  enum frame_type type;
  struct view payload;
  enum frames_status status;
  while ((status = frames_next(&stream->frames, &type, &payload)) != FRAMES_MORE) {
    if (status != FRAMES_FRAME)
      continue;
    REQUIRE(type >= FRAME_HELLO && type <= FRAME_TYPE_LAST);
    REQUIRE(payload.size <= stream->frames.payload_max);
    free(fuzz_exact(payload)); /* all of it can be read */
  }
  uint64_t deadline = frames_deadline(&stream->frames);
  REQUIRE(deadline == WHEN_NEVER || deadline >= stream->frames.last_us);
}

static void wait(struct stream *stream, uint64_t us) {
  stream->now_us += us;
  frames_tick(&stream->frames, stream->now_us);
  drain(stream);
  REQUIRE(frames_deadline(&stream->frames) > stream->now_us);
}

static void give(struct stream *stream, struct view bytes) {
  uint8_t *copy = fuzz_exact(bytes);
  REQUIRE_OK(frames_input(&stream->frames, view_of(copy, bytes.size), stream->now_us));
  free(copy);
}

/* The stream heals: this is what the honest side counts on. */
static void heal(struct stream *stream) {
  static const uint8_t last[] = {0, 0, 0, 2, FRAME_TOKEN, 'o', 'k'};
  enum frame_type type;
  struct view payload;
  wait(stream, FRAMES_SILENCE_US);
  give(stream, view_of(last, sizeof last));
  REQUIRE(frames_next(&stream->frames, &type, &payload) == FRAMES_FRAME);
  REQUIRE(type == FRAME_TOKEN && view_equal(payload, view_text("ok")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct reader script = reader_of(view_of(data, size));
  struct stream stream = {.now_us = 1};
  frames_init(&stream.frames, 2u + reader_u16(&script));
  while (fuzz_more(&script)) {
    uint8_t act = reader_u8(&script);
    switch (act & 3) {
    case 0:
    case 1: give(&stream, fuzz_take(&script, act >> 2)); break;
    default: wait(&stream, (uint64_t)(act >> 2) * 100000); break;
    }
    drain(&stream);
  }
  heal(&stream);
  frames_free(&stream.frames);
  return 0;
}
