// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_WIRE_FRAME_H
#define AVOW_WIRE_FRAME_H

#include "base/bytes.h"
#include "base/limits.h"

/* The line carries frames: a 4-byte big-endian length of the payload, a 1-byte type, the payload.
 * docs/PROTOCOL.md, "Frames". */
enum frame_type {
  FRAME_HELLO = 1,     /* who I am: protocol, version, handshake */
  FRAME_HANDSHAKE = 2, /* TLS records */
  FRAME_OPEN = 3,      /* bob asks for a session */
  FRAME_SESSION = 4,   /* alice grants it */
  FRAME_REFUSAL = 5,   /* alice does not, and why */
  FRAME_TOKEN = 6,     /* a Fernet token, either way */
  FRAME_AGREE = 7,     /* bob signs the opening */
};
#define FRAME_TYPE_LAST FRAME_AGREE

/** frame_append(out, type, payload): Append one frame to ${out}.  Errors of buf_append. */
enum avow_error frame_append(struct buf *out, enum frame_type type, struct view payload);

/**
 * frame_reserve(out, type, size, ret_payload):
 * Append a frame whose ${size} bytes of payload the caller writes at ${ret_payload} at once.
 * Errors of buf_append.
 */
enum avow_error frame_reserve(struct buf *out, enum frame_type type, size_t size,
                              uint8_t **ret_payload);

/* Silence after which a frame that has begun counts as truncated, and a spoilt stream as quiet. */
#define FRAMES_SILENCE_US (3u * 1000000u)
/* The longest that one frame may take, however steadily its bytes drip. */
#define FRAMES_FRAME_TIME_US (60u * 1000000u)

/* Bytes back to frames.  The stream may be spoilt on the way, so the decoder can find its feet
 * again: after a header that cannot be, it skips all until the line has been silent, and a frame
 * that is never finished is dropped.  The honest side transmits again what was not confirmed, and
 * that comes after a silence. */
struct frames {
  struct buf in;
  size_t payload_max;
  uint64_t last_us;  /* monotonic: when the last byte came */
  uint64_t first_us; /* monotonic: when the first byte of the unfinished frame came */
  bool skipping;
  bool truncated;
};

enum frames_status {
  FRAMES_MORE,      /* no whole frame yet */
  FRAMES_FRAME,     /* one frame */
  FRAMES_TRUNCATED, /* a frame began and never ended; it is dropped */
  FRAMES_MALFORMED, /* a header that cannot be; skipping until the line is silent */
};

/** frames_init(frames, payload_max): ${payload_max} bounds every frame's payload. */
void frames_init(struct frames *frames, size_t payload_max);

/** frames_free(frames): Give the memory back. */
void frames_free(struct frames *frames);

/**
 * frames_input(frames, bytes, mono_us):
 * Take bytes that came at ${mono_us}.  Returns AVOW_FULL, having taken nothing, if the caller has
 * not drained frames_next and too much is waiting; AVOW_NO_MEMORY.
 */
enum avow_error frames_input(struct frames *frames, struct view bytes, uint64_t mono_us);

/**
 * frames_next(frames, ret_type, ret_payload):
 * Return what comes next; call until FRAMES_MORE.  On FRAMES_FRAME the outputs are set; the payload
 * stays valid until the next call on ${frames}.
 */
enum frames_status frames_next(struct frames *frames, enum frame_type *ret_type,
                               struct view *ret_payload);

/** frames_deadline(frames): When frames_tick has something to do, monotonic, or WHEN_NEVER. */
uint64_t frames_deadline(const struct frames *frames);

/** frames_tick(frames, mono_us): Time has passed; frames_next tells if that ended something. */
void frames_tick(struct frames *frames, uint64_t mono_us);

/** frames_rest(frames): Return the bytes not yet taken as frames; valid until the next call. */
struct view frames_rest(const struct frames *frames);

#endif
