// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_BASE_BYTES_H
#define AVOW_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Borrowed bytes: somebody else owns them, and says how long they stay. */
struct view {
  const uint8_t *data;
  size_t size;
};

/* Owned bytes: a growable array that never exceeds ${max}.  Bytes before ${start} have been
 * consumed. */
struct buf {
  uint8_t *data;
  size_t start;
  size_t size; /* end of the valid bytes, counted from data */
  size_t capacity;
  size_t max; /* of what is unconsumed */
};

/* A cursor that reads big-endian fields.  A read past the end sets ${failed} and yields zeroes; the
 * caller checks once, at the end. */
struct reader {
  struct view rest;
  bool failed;
};

/** view_of(data, size): Return the view of ${size} bytes at ${data}. */
struct view view_of(const void *data, size_t size);

/** view_text(text): Return the view of the string ${text} without its NUL. */
struct view view_text(const char *text);

/** view_equal(a, b): Compare; NOT in constant time, never for secrets. */
bool view_equal(struct view a, struct view b);

/** view_begins(view, text): Whether its first bytes are the string ${text}; as view_equal. */
bool view_begins(struct view view, const char *text);

/** buf_init(buf, max): Make ${buf} empty; it will hold at most ${max} unconsumed bytes. */
void buf_init(struct buf *buf, size_t max);

/** buf_free(buf): Give the memory back and leave ${buf} empty with its ${max}. */
void buf_free(struct buf *buf);

/** buf_wipe_free(buf): As buf_free, after overwriting the bytes. */
void buf_wipe_free(struct buf *buf);

/**
 * buf_reserve(buf, size, ret_data):
 * Make room for ${size} more bytes and point ${ret_data} at it; buf_commit says how many were
 * used.  Returns AVOW_TOO_LONG over ${buf->max}, AVOW_NO_MEMORY.
 */
enum avow_error buf_reserve(struct buf *buf, size_t size, uint8_t **ret_data);

/** buf_commit(buf, size): The first ${size} bytes reserved are valid now. */
void buf_commit(struct buf *buf, size_t size);

/** buf_append(buf, bytes): Append a copy.  Errors as buf_reserve. */
enum avow_error buf_append(struct buf *buf, struct view bytes);

/** buf_text(buf, text): Append the string ${text} without its NUL.  Errors as buf_reserve. */
enum avow_error buf_text(struct buf *buf, const char *text);

/** buf_format(buf, format, ...): Append as printf.  Errors as buf_reserve. */
enum avow_error buf_format(struct buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** buf_u8/u32/u64(buf, value): Append ${value}, big-endian.  Errors as buf_reserve. */
enum avow_error buf_u8(struct buf *buf, uint8_t value);
enum avow_error buf_u32(struct buf *buf, uint32_t value);
enum avow_error buf_u64(struct buf *buf, uint64_t value);

/** buf_view(buf): Return the unconsumed bytes; valid until the next change of ${buf}. */
struct view buf_view(const struct buf *buf);

/** buf_consume(buf, size): Drop the first ${size} unconsumed bytes. */
void buf_consume(struct buf *buf, size_t size);

/** buf_clear(buf): Drop all bytes, keep the memory. */
void buf_clear(struct buf *buf);

/** buf_trim(buf): Give back most of the memory if it is large, and little of it is used. */
void buf_trim(struct buf *buf);

/** reader_of(bytes): Return a cursor at the start of ${bytes}. */
struct reader reader_of(struct view bytes);

/** reader_u8/u16/u32/u64(reader): Take a big-endian field. */
uint8_t reader_u8(struct reader *reader);
uint16_t reader_u16(struct reader *reader);
uint32_t reader_u32(struct reader *reader);
uint64_t reader_u64(struct reader *reader);

/** reader_bytes(reader, size): Take ${size} bytes; an empty view if there are fewer. */
struct view reader_bytes(struct reader *reader, size_t size);

/** reader_copy(reader, to, size): Take ${size} bytes into ${to}; zeroes if there are fewer. */
void reader_copy(struct reader *reader, uint8_t *to, size_t size);

/** reader_done(reader): Whether every read succeeded and nothing is left. */
bool reader_done(const struct reader *reader);

/** hex_encode(bytes, text): Write 2 * size lower-case digits and a NUL to ${text}. */
void hex_encode(struct view bytes, char *text);

/** load_u32/u64, store_u32/u64: big-endian, unaligned. */
uint32_t load_u32(const uint8_t *from);
uint64_t load_u64(const uint8_t *from);
void store_u32(uint8_t *to, uint32_t value);
void store_u64(uint8_t *to, uint64_t value);

#endif
