// SPDX-License-Identifier: Apache-2.0
#include "wire/greeting.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/when.h"
#include "wire/frame.h"

static const uint8_t MAGIC[4] = {'a', 'v', 'o', 'w'};

enum avow_error hello_append(struct buf *out, enum handshake handshake) {
  uint8_t payload[6];
  memcpy(payload, MAGIC, 4);
  payload[4] = PROTOCOL_VERSION;
  payload[5] = (uint8_t)handshake;
  return frame_append(out, FRAME_HELLO, view_of(payload, sizeof payload));
}

enum avow_error hello_decode(struct view payload, enum handshake handshake) {
  if (payload.size < 5 || memcmp(payload.data, MAGIC, 4) != 0)
    return AVOW_NOT_AVOW;
  if (payload.data[4] != PROTOCOL_VERSION)
    return AVOW_BAD_VERSION;
  if (payload.size != 6 || payload.data[5] > HANDSHAKE_TLS)
    return AVOW_NOT_AVOW;
  return payload.data[5] == (uint8_t)handshake ? AVOW_OK : AVOW_BAD_MODE;
}

static bool good_offset(int16_t offset_min) {
  return abs(offset_min) < 24 * 60;
}

static uint8_t *put_u64(uint8_t *to, uint64_t value) {
  store_u64(to, value);
  return to + 8;
}

static uint8_t *put_i16(uint8_t *to, int16_t value) {
  to[0] = (uint8_t)((uint16_t)value >> 8);
  to[1] = (uint8_t)value;
  return to + 2;
}

static uint8_t *put_bytes(uint8_t *to, const uint8_t *bytes, size_t size) {
  memcpy(to, bytes, size);
  return to + size;
}

enum avow_error open_append(struct buf *out, const struct open *open) {
  uint8_t payload[8 + 2 + 1 + SESSION_ID_SIZE + 8 + 2 + HEAD_SIZE + 4], *to = payload;
  to = put_u64(to, open->clock_us);
  to = put_i16(to, open->offset_min);
  *to++ = open->resume ? 1 : 0;
  to = put_bytes(to, open->session_id, SESSION_ID_SIZE);
  to = put_u64(to, open->opened_us);
  to = put_i16(to, open->opened_offset_min);
  to = put_bytes(to, open->bob_head, HEAD_SIZE);
  store_u32(to, open->cover);
  return frame_append(out, FRAME_OPEN, view_of(payload, sizeof payload));
}

enum avow_error open_decode(struct view payload, struct open *ret) {
  struct reader reader = reader_of(payload);
  struct open open = {.clock_us = reader_u64(&reader)};
  open.offset_min = (int16_t)reader_u16(&reader);
  uint8_t resume = reader_u8(&reader);
  open.resume = resume == 1;
  reader_copy(&reader, open.session_id, SESSION_ID_SIZE);
  open.opened_us = reader_u64(&reader);
  open.opened_offset_min = (int16_t)reader_u16(&reader);
  reader_copy(&reader, open.bob_head, HEAD_SIZE);
  open.cover = reader_u32(&reader);
  if (!reader_done(&reader) || open.clock_us > WHEN_MAX_US || open.opened_us > WHEN_MAX_US ||
      (open.cover != 0 && (open.cover < AVOW_COVER_MIN || open.cover > AVOW_COVER_MAX)) ||
      resume > 1 || !good_offset(open.offset_min) || !good_offset(open.opened_offset_min))
    return AVOW_MALFORMED;
  *ret = open;
  return AVOW_OK;
}

#define GRANT_SIZE (SESSION_ID_SIZE + SESSION_KEY_SIZE + 8 + 2 + 8 + 8 + HEAD_SIZE)

enum avow_error grant_append(struct buf *out, enum handshake handshake, const struct grant *grant) {
  uint8_t *to;
  size_t size = GRANT_SIZE + (handshake == HANDSHAKE_TLS ? SIGNATURE_SIZE : 0);
  enum avow_error error = frame_reserve(out, FRAME_SESSION, size, &to);
  if (error != AVOW_OK)
    return error;
  to = put_bytes(to, grant->session_id, SESSION_ID_SIZE);
  to = put_bytes(to, grant->key, SESSION_KEY_SIZE);
  to = put_u64(to, grant->clock_us);
  to = put_i16(to, grant->offset_min);
  to = put_u64(to, grant->opened_us);
  to = put_u64(to, grant->next_id);
  to = put_bytes(to, grant->alice_head, HEAD_SIZE);
  if (handshake == HANDSHAKE_TLS)
    put_bytes(to, grant->signature, SIGNATURE_SIZE);
  return AVOW_OK;
}

enum avow_error grant_decode(struct view payload, enum handshake handshake, struct grant *ret) {
  struct reader reader = reader_of(payload);
  struct grant grant = {0};
  reader_copy(&reader, grant.session_id, SESSION_ID_SIZE);
  reader_copy(&reader, grant.key, SESSION_KEY_SIZE);
  grant.clock_us = reader_u64(&reader);
  grant.offset_min = (int16_t)reader_u16(&reader);
  grant.opened_us = reader_u64(&reader);
  grant.next_id = reader_u64(&reader);
  reader_copy(&reader, grant.alice_head, HEAD_SIZE);
  if (handshake == HANDSHAKE_TLS)
    reader_copy(&reader, grant.signature, SIGNATURE_SIZE);
  if (!reader_done(&reader) || grant.clock_us > WHEN_MAX_US || grant.opened_us > WHEN_MAX_US ||
      !good_offset(grant.offset_min))
    return AVOW_MALFORMED;
  *ret = grant;
  return AVOW_OK;
}

enum avow_error agree_append(struct buf *out, const uint8_t signature[SIGNATURE_SIZE]) {
  return frame_append(out, FRAME_AGREE, view_of(signature, SIGNATURE_SIZE));
}

enum avow_error agree_decode(struct view payload, uint8_t signature[SIGNATURE_SIZE]) {
  if (payload.size != SIGNATURE_SIZE)
    return AVOW_MALFORMED;
  memcpy(signature, payload.data, SIGNATURE_SIZE);
  return AVOW_OK;
}

static const struct {
  enum refusal refusal;
  enum avow_error error;
} REFUSALS[] = {
    {REFUSAL_VERSION, AVOW_BAD_VERSION}, {REFUSAL_MODE, AVOW_BAD_MODE},
    {REFUSAL_BUSY, AVOW_BUSY},           {REFUSAL_KEY, AVOW_KEY_REFUSED},
    {REFUSAL_SESSION, AVOW_NO_SESSION},
};
#define REFUSALS_COUNT (sizeof REFUSALS / sizeof REFUSALS[0])

enum avow_error refusal_append(struct buf *out, enum avow_error error) {
  for (size_t i = 0; i < REFUSALS_COUNT; i++) {
    if (REFUSALS[i].error == error) {
      uint8_t payload = (uint8_t)REFUSALS[i].refusal;
      return frame_append(out, FRAME_REFUSAL, view_of(&payload, 1));
    }
  }
  assert(0 && "an error that has no refusal");
  return AVOW_MALFORMED;
}

enum avow_error refusal_decode(struct view payload) {
  for (size_t i = 0; payload.size == 1 && i < REFUSALS_COUNT; i++)
    if (REFUSALS[i].refusal == payload.data[0])
      return REFUSALS[i].error;
  return AVOW_MALFORMED;
}
