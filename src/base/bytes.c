// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct view view_of(const void *data, size_t size) {
  return (struct view){.data = data, .size = size};
}

struct view view_text(const char *text) {
  return view_of(text, strlen(text));
}

bool view_equal(struct view a, struct view b) {
  return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

bool view_begins(struct view view, const char *text) {
  size_t size = strlen(text);
  return view.size >= size && view_equal(view_of(view.data, size), view_of(text, size));
}

void buf_init(struct buf *buf, size_t max) {
  *buf = (struct buf){.max = max};
}

void buf_free(struct buf *buf) {
  free(buf->data);
  buf_init(buf, buf->max);
}

void buf_wipe_free(struct buf *buf) {
  if (buf->data != NULL)
    explicit_bzero(buf->data, buf->capacity);
  buf_free(buf);
}

/* Secrets pass through buffers, so growing never leaves a copy behind: realloc would. */
static enum avow_error grow(struct buf *buf, size_t need) {
  size_t capacity = buf->capacity < 256 ? 256 : buf->capacity;
  while (capacity < need)
    capacity *= 2;
  uint8_t *data = malloc(capacity);
  if (data == NULL)
    return AVOW_NO_MEMORY;
  size_t used = buf->size - buf->start;
  if (buf->data != NULL) {
    memcpy(data, buf->data + buf->start, used);
    explicit_bzero(buf->data, buf->capacity);
    free(buf->data);
  }
  buf->data = data;
  buf->start = 0;
  buf->size = used;
  buf->capacity = capacity;
  return AVOW_OK;
}

enum avow_error buf_reserve(struct buf *buf, size_t size, uint8_t **ret_data) {
  size_t used = buf->size - buf->start;
  assert(used <= buf->max);
  if (size > buf->max - used)
    return AVOW_TOO_LONG;
  if (buf->data == NULL || size > buf->capacity - buf->size) {
    if (buf->data != NULL && used + size <= buf->capacity) {
      memmove(buf->data, buf->data + buf->start, used);
      buf->start = 0;
      buf->size = used;
    } else {
      enum avow_error error = grow(buf, used + size);
      if (error != AVOW_OK)
        return error;
    }
  }
  *ret_data = buf->data + buf->size;
  return AVOW_OK;
}

void buf_commit(struct buf *buf, size_t size) {
  assert(size <= buf->capacity - buf->size);
  buf->size += size;
}

enum avow_error buf_append(struct buf *buf, struct view bytes) {
  uint8_t *to;
  enum avow_error error = buf_reserve(buf, bytes.size, &to);
  if (error != AVOW_OK)
    return error;
  if (bytes.size > 0)
    memcpy(to, bytes.data, bytes.size);
  buf_commit(buf, bytes.size);
  return AVOW_OK;
}

enum avow_error buf_text(struct buf *buf, const char *text) {
  return buf_append(buf, view_text(text));
}

enum avow_error buf_format(struct buf *buf, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int size = vsnprintf(NULL, 0, format, args);
  va_end(args);
  if (size < 0)
    return AVOW_MALFORMED;
  uint8_t *to;
  enum avow_error error = buf_reserve(buf, (size_t)size + 1, &to); /* vsnprintf adds a NUL */
  if (error != AVOW_OK)
    return error;
  va_start(args, format);
  vsnprintf((char *)to, (size_t)size + 1, format, args);
  va_end(args);
  buf_commit(buf, (size_t)size);
  return AVOW_OK;
}

static enum avow_error append_number(struct buf *buf, uint64_t value, size_t size) {
  uint8_t *to;
  enum avow_error error = buf_reserve(buf, size, &to);
  if (error != AVOW_OK)
    return error;
  for (size_t i = 0; i < size; i++)
    to[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
  buf_commit(buf, size);
  return AVOW_OK;
}

enum avow_error buf_u8(struct buf *buf, uint8_t value) {
  return append_number(buf, value, 1);
}

enum avow_error buf_u32(struct buf *buf, uint32_t value) {
  return append_number(buf, value, 4);
}

enum avow_error buf_u64(struct buf *buf, uint64_t value) {
  return append_number(buf, value, 8);
}

struct view buf_view(const struct buf *buf) {
  if (buf->data == NULL)
    return view_of("", 0);
  return view_of(buf->data + buf->start, buf->size - buf->start);
}

void buf_consume(struct buf *buf, size_t size) {
  assert(size <= buf->size - buf->start);
  buf->start += size;
  if (buf->start == buf->size)
    buf_clear(buf);
}

void buf_clear(struct buf *buf) {
  buf->start = 0;
  buf->size = 0;
}

/* Not worth giving back. */
#define TRIM_LEAST (16u * 1024u)

void buf_trim(struct buf *buf) {
  size_t used = buf->size - buf->start;
  if (buf->capacity <= TRIM_LEAST || used > buf->capacity / 4)
    return;
  uint8_t *data = used > 0 ? malloc(used) : NULL;
  if (used > 0 && data == NULL)
    return;
  if (used > 0)
    memcpy(data, buf->data + buf->start, used);
  buf_wipe_free(buf);
  buf->data = data;
  buf->size = buf->capacity = used;
}

struct reader reader_of(struct view bytes) {
  return (struct reader){.rest = bytes};
}

struct view reader_bytes(struct reader *reader, size_t size) {
  if (reader->failed || size > reader->rest.size) {
    reader->failed = true;
    return view_of("", 0);
  }
  struct view taken = view_of(reader->rest.data, size);
  reader->rest.data += size;
  reader->rest.size -= size;
  return taken;
}

static uint64_t take_number(struct reader *reader, size_t size) {
  struct view bytes = reader_bytes(reader, size);
  uint64_t value = 0;
  for (size_t i = 0; i < bytes.size; i++)
    value = value << 8 | bytes.data[i];
  return value;
}

uint8_t reader_u8(struct reader *reader) {
  return (uint8_t)take_number(reader, 1);
}

uint16_t reader_u16(struct reader *reader) {
  return (uint16_t)take_number(reader, 2);
}

uint32_t reader_u32(struct reader *reader) {
  return (uint32_t)take_number(reader, 4);
}

uint64_t reader_u64(struct reader *reader) {
  return take_number(reader, 8);
}

void reader_copy(struct reader *reader, uint8_t *to, size_t size) {
  struct view bytes = reader_bytes(reader, size);
  if (bytes.size == size)
    memcpy(to, bytes.data, size);
  else
    memset(to, 0, size);
}

bool reader_done(const struct reader *reader) {
  return !reader->failed && reader->rest.size == 0;
}

/* Without a table, so that the compiler makes many at once. */
static char hex_digit(unsigned value) {
  return (char)(value + '0' + (value > 9 ? 'a' - '9' - 1 : 0));
}

void hex_encode(struct view bytes, char *text) {
  for (size_t i = 0; i < bytes.size; i++) {
    text[2 * i] = hex_digit(bytes.data[i] >> 4);
    text[2 * i + 1] = hex_digit(bytes.data[i] & 15u);
  }
  text[2 * bytes.size] = '\0';
}

uint32_t load_u32(const uint8_t *from) {
  return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

uint64_t load_u64(const uint8_t *from) {
  return (uint64_t)load_u32(from) << 32 | load_u32(from + 4);
}

void store_u32(uint8_t *to, uint32_t value) {
  for (int i = 0; i < 4; i++)
    to[i] = (uint8_t)(value >> (24 - 8 * i));
}

void store_u64(uint8_t *to, uint64_t value) {
  store_u32(to, (uint32_t)(value >> 32));
  store_u32(to + 4, (uint32_t)value);
}
