// SPDX-License-Identifier: Apache-2.0
#include "wire/sealed.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/when.h"

#define MESSAGE_FIXED (8u + MESSAGE_HASH_SIZE + 4u)

size_t padme_size(size_t size) {
  if (size < 2)
    return size;
  unsigned exponent = 0; /* floor(log2(size)) */
  while (size >> (exponent + 1) != 0)
    exponent++;
  unsigned digits = 1; /* of the exponent */
  while (exponent >> digits != 0)
    digits++;
  if (exponent < digits)
    return size;
  size_t mask = ((size_t)1 << (exponent - digits)) - 1;
  return (size + mask) & ~mask;
}

size_t message_size(size_t text_size) {
  return MESSAGE_FIXED + text_size;
}

enum avow_error message_append(struct buf *body, const struct message *message) {
  uint8_t *to;
  enum avow_error error = buf_reserve(body, message_size(message->text.size), &to);
  if (error != AVOW_OK)
    return error;
  store_u64(to, message->timestamp_us);
  memcpy(to + 8, message->hash, MESSAGE_HASH_SIZE);
  store_u32(to + 8 + MESSAGE_HASH_SIZE, (uint32_t)message->text.size);
  if (message->text.size > 0)
    memcpy(to + MESSAGE_FIXED, message->text.data, message->text.size);
  buf_commit(body, message_size(message->text.size));
  return AVOW_OK;
}

void message_set_hash(struct buf *body, size_t at, const uint8_t hash[MESSAGE_HASH_SIZE]) {
  memcpy(body->data + body->start + at + 8, hash, MESSAGE_HASH_SIZE);
}

void message_take(struct reader *body, struct message *ret) {
  struct view fixed = reader_bytes(body, MESSAGE_FIXED);
  bool whole = fixed.size > 0;
  ret->timestamp_us = whole ? load_u64(fixed.data) : 0;
  ret->hash = whole ? fixed.data + 8 : fixed.data;
  ret->text = reader_bytes(body, whole ? load_u32(fixed.data + 8 + MESSAGE_HASH_SIZE) : 0);
}

static bool has_count(enum sealed_kind kind) {
  return kind == SEALED_ENVELOPE || kind == SEALED_CONFIRMATION;
}

static bool has_when(const struct sealed *sealed) {
  return sealed->kind == SEALED_CONFIRMATION ||
         (sealed->kind == SEALED_END && sealed->direction == TO_BOB);
}

/* How much of the proof is there. */
static size_t proof_size(const struct sealed *sealed, bool proven) {
  if (!proven || sealed->kind == SEALED_NOTICE || sealed->kind == SEALED_ASK ||
      sealed->kind == SEALED_DUMMY)
    return 0;
  return sealed->direction == TO_BOB ? sizeof sealed->proof : offsetof(struct proof, head);
}

_Static_assert(sizeof(struct proof) == 3 * HEAD_SIZE + 2 * SIGNATURE_SIZE,
               "a proof is its fields one after the other, as they travel");

enum avow_error sealed_encode(const struct sealed *sealed, bool proven, size_t whole,
                              struct buf *out) {
  uint8_t head[SEALED_HEAD_MAX];
  size_t size = 26, proof = proof_size(sealed, proven);
  head[0] = (uint8_t)sealed->kind;
  head[1] = (uint8_t)sealed->direction;
  store_u64(head + 2, sealed->time_us);
  store_u64(head + 10, sealed->echo_us);
  store_u64(head + 18, sealed->first_id);
  if (has_count(sealed->kind)) {
    head[size++] = (uint8_t)(sealed->count >> 8);
    head[size++] = (uint8_t)sealed->count;
  }
  if (has_when(sealed)) {
    store_u64(head + size, sealed->when_us);
    head[size + 8] = (uint8_t)((uint16_t)sealed->when_min >> 8);
    head[size + 9] = (uint8_t)sealed->when_min;
    size += 10;
  }
  memcpy(head + size, &sealed->proof, proof);
  size += proof;
  if (whole == 0)
    whole = padme_size(size + sealed->body.size);
  if (size + sealed->body.size > whole)
    return AVOW_TOO_LONG;
  uint8_t *to;
  enum avow_error error = buf_reserve(out, whole, &to);
  if (error != AVOW_OK)
    return error;
  memcpy(to, head, size);
  if (sealed->body.size > 0)
    memcpy(to + size, sealed->body.data, sealed->body.size);
  memset(to + size + sealed->body.size, 0, whole - size - sealed->body.size);
  buf_commit(out, whole);
  return AVOW_OK;
}

void sealed_stamp(struct buf *plaintext, uint64_t time_us, uint64_t echo_us) {
  uint8_t *bytes = plaintext->data + plaintext->start;
  store_u64(bytes + 2, time_us);
  store_u64(bytes + 10, echo_us);
}

/* Walk the messages; return the bytes that they take, or 0 if they do not fit what is there. */
static size_t messages_size(struct reader reader, uint16_t count) {
  size_t before = reader.rest.size;
  for (uint16_t i = 0; i < count; i++) {
    struct message message;
    message_take(&reader, &message);
    if (message.text.size > AVOW_TEXT_MAX || message.timestamp_us > WHEN_MAX_US)
      return 0;
  }
  return reader.failed ? 0 : before - reader.rest.size;
}

static bool all_zero(struct view bytes) {
  uint8_t any = 0;
  for (size_t i = 0; i < bytes.size; i++)
    any |= bytes.data[i];
  return any == 0;
}

/* The fields of the kind, behind those that all have; false if one cannot be. */
static bool read_fields(struct reader *reader, bool proven, struct sealed *sealed) {
  if (has_count(sealed->kind)) {
    sealed->count = reader_u16(reader);
    if (sealed->count == 0 || sealed->count > AVOW_ENVELOPE_MESSAGES_MAX)
      return false;
  }
  if (has_when(sealed)) {
    sealed->when_us = reader_u64(reader);
    sealed->when_min = (int16_t)reader_u16(reader);
  }
  reader_copy(reader, (uint8_t *)&sealed->proof, proof_size(sealed, proven));
  return sealed->time_us <= WHEN_MAX_US && sealed->echo_us <= WHEN_MAX_US &&
         sealed->when_us <= WHEN_MAX_US && abs(sealed->when_min) < 24 * 60 &&
         sealed->first_id <= MESSAGE_ID_MAX - sealed->count;
}

enum avow_error sealed_decode(struct view plaintext, enum direction direction, bool proven,
                              struct sealed *ret) {
  struct reader reader = reader_of(plaintext);
  uint8_t kind = reader_u8(&reader);
  struct sealed sealed = {.kind = (enum sealed_kind)kind, .direction = direction};
  if (kind < SEALED_ENVELOPE || kind > SEALED_DUMMY || reader_u8(&reader) != (uint8_t)direction)
    return AVOW_MALFORMED;
  bool bobs = kind == SEALED_ENVELOPE || kind == SEALED_ASK;
  if (kind != SEALED_END && kind != SEALED_DUMMY && bobs != (direction == TO_ALICE))
    return AVOW_MALFORMED; /* the wrong side's kind */
  sealed.time_us = reader_u64(&reader);
  sealed.echo_us = reader_u64(&reader);
  sealed.first_id = reader_u64(&reader);
  if (!read_fields(&reader, proven, &sealed))
    return AVOW_MALFORMED;

  size_t body_size = 0;
  if (sealed.kind == SEALED_ENVELOPE) {
    body_size = messages_size(reader, sealed.count);
    if (body_size == 0)
      return AVOW_MALFORMED;
  } else if (sealed.kind == SEALED_CONFIRMATION) {
    body_size = (size_t)sealed.count * MESSAGE_HASH_SIZE;
  }
  sealed.body = reader_bytes(&reader, body_size);
  if (reader.failed || !all_zero(reader.rest))
    return AVOW_MALFORMED;
  *ret = sealed;
  return AVOW_OK;
}
