// SPDX-License-Identifier: Apache-2.0
#include "wire/frame.h"

#include <assert.h>
#include <string.h>

#include "base/when.h"

enum avow_error frame_reserve(struct buf *out, enum frame_type type, size_t size,
                              uint8_t **ret_payload) {
  assert(size <= AVOW_TOKEN_MAX);
  uint8_t *to;
  enum avow_error error = buf_reserve(out, AVOW_FRAME_HEADER + size, &to);
  if (error != AVOW_OK)
    return error;
  store_u32(to, (uint32_t)size);
  to[4] = (uint8_t)type;
  buf_commit(out, AVOW_FRAME_HEADER + size);
  *ret_payload = to + AVOW_FRAME_HEADER;
  return AVOW_OK;
}

enum avow_error frame_append(struct buf *out, enum frame_type type, struct view payload) {
  uint8_t *to;
  enum avow_error error = frame_reserve(out, type, payload.size, &to);
  if (error == AVOW_OK && payload.size > 0)
    memcpy(to, payload.data, payload.size);
  return error;
}

void frames_init(struct frames *frames, size_t payload_max) {
  *frames = (struct frames){.payload_max = payload_max};
  buf_init(&frames->in, AVOW_FRAME_HEADER + payload_max + AVOW_READ_MAX);
}

void frames_free(struct frames *frames) {
  buf_wipe_free(&frames->in); /* the session's key may have been in it */
}

/* Both kinds of trouble end in the same way: what is there is dropped. */
static void drop(struct frames *frames, bool skip) {
  buf_clear(&frames->in);
  frames->skipping = skip;
}

/* Whether more bytes must come before frames_next has something to say. */
static bool unfinished(const struct frames *frames) {
  struct view in = buf_view(&frames->in);
  if (in.size < AVOW_FRAME_HEADER)
    return in.size > 0;
  size_t size = load_u32(in.data);
  return size <= frames->payload_max && in.size < AVOW_FRAME_HEADER + size;
}

void frames_tick(struct frames *frames, uint64_t mono_us) {
  if (!frames->skipping && !unfinished(frames))
    return;
  bool silent = mono_us - frames->last_us >= FRAMES_SILENCE_US;
  if (frames->skipping) {
    frames->skipping = !silent;
  } else if (silent || mono_us - frames->first_us >= FRAMES_FRAME_TIME_US) {
    frames->truncated = true;
    drop(frames, !silent);
  }
}

enum avow_error frames_input(struct frames *frames, struct view bytes, uint64_t mono_us) {
  if (bytes.size == 0)
    return AVOW_OK;
  frames_tick(frames, mono_us);
  if (frames->skipping) {
    frames->last_us = mono_us;
    return AVOW_OK;
  }
  if (buf_view(&frames->in).size == 0)
    frames->first_us = mono_us;
  enum avow_error error = buf_append(&frames->in, bytes);
  if (error == AVOW_OK)
    frames->last_us = mono_us;
  return error == AVOW_TOO_LONG ? AVOW_FULL : error;
}

enum frames_status frames_next(struct frames *frames, enum frame_type *ret_type,
                               struct view *ret_payload) {
  if (frames->truncated) {
    frames->truncated = false;
    return FRAMES_TRUNCATED;
  }
  struct view in = buf_view(&frames->in);
  if (in.size < AVOW_FRAME_HEADER)
    return FRAMES_MORE;
  size_t size = load_u32(in.data);
  uint8_t type = in.data[4];
  if (size > frames->payload_max || type == 0 || type > FRAME_TYPE_LAST) {
    drop(frames, true);
    return FRAMES_MALFORMED;
  }
  if (in.size < AVOW_FRAME_HEADER + size)
    return FRAMES_MORE;
  *ret_type = (enum frame_type)type;
  *ret_payload = view_of(in.data + AVOW_FRAME_HEADER, size);
  buf_consume(&frames->in, AVOW_FRAME_HEADER + size);
  frames->first_us = frames->last_us; /* what follows is another frame */
  return FRAMES_FRAME;
}

uint64_t frames_deadline(const struct frames *frames) {
  if (frames->skipping)
    return frames->last_us + FRAMES_SILENCE_US;
  if (!unfinished(frames))
    return WHEN_NEVER;
  uint64_t silence = frames->last_us + FRAMES_SILENCE_US;
  uint64_t longest = frames->first_us + FRAMES_FRAME_TIME_US;
  return silence < longest ? silence : longest;
}

struct view frames_rest(const struct frames *frames) {
  return buf_view(&frames->in);
}
