// SPDX-License-Identifier: Apache-2.0
#include "evidence/escape.h"

#include <string.h>

size_t utf8_length(struct view text) {
  if (text.size == 0)
    return 0;
  uint8_t first = text.data[0];
  if (first < 0x80)
    return 1;
  size_t length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (length == 0 || length > text.size)
    return 0;
  for (size_t i = 1; i < length; i++)
    if ((text.data[i] & 0xc0) != 0x80)
      return 0;
  uint8_t second = text.data[1];
  bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  bool surrogate = first == 0xed && second >= 0xa0;
  bool too_high = first == 0xf4 && second >= 0x90;
  return overlong || surrogate || too_high ? 0 : length;
}

/* Whether a well-formed character of two or three bytes would act on the screen rather than show.
 */
static bool acts(const uint8_t *at, size_t length) {
  if (length == 2) /* C1 controls; U+061C Arabic letter mark */
    return (at[0] == 0xc2 && at[1] < 0xa0) || (at[0] == 0xd8 && at[1] == 0x9c);
  if (length != 3 || at[0] != 0xe2)
    return false;
  if (at[1] == 0x80) /* U+200E, U+200F marks; U+2028, U+2029 separators; U+202A to U+202E */
    return at[2] == 0x8e || at[2] == 0x8f || (at[2] >= 0xa8 && at[2] <= 0xae);
  return at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9; /* U+2066 to U+2069 isolates */
}

static bool plain_ascii(uint8_t byte) {
  return byte >= 0x20 && byte < 0x7f && byte != '\\';
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Whether eight bytes are all plain ASCII.  A byte that is not has its high bit set, below 0x20
 * takes one from above when 0x20 is subtracted, and is 0 after DEL or the backslash is mixed in. */
static bool plain_word(const uint8_t *at) {
  uint64_t word;
  memcpy(&word, at, sizeof word);
  uint64_t del = word ^ EACH(0x7f), backslash = word ^ EACH('\\');
  uint64_t bad = word | (word - EACH(0x20)) | (del - EACH(1)) | (backslash - EACH(1));
  return (bad & EACH(0x80)) == 0;
}

/* How many bytes at the start of ${text} stand for themselves. */
static size_t plain_run(struct view text) {
  size_t run = 0;
  while (text.size - run >= 8 && plain_word(text.data + run))
    run += 8;
  while (run < text.size && plain_ascii(text.data[run]))
    run++;
  return run;
}

static enum avow_error append_bytes(struct buf *out, struct view bytes) {
  static const char digits[] = "0123456789abcdef";
  enum avow_error error = AVOW_OK;
  for (size_t i = 0; i < bytes.size && error == AVOW_OK; i++) {
    uint8_t byte = bytes.data[i];
    char hex[5] = {'\\', 'x', digits[byte >> 4], digits[byte & 15], '\0'};
    const char *text = byte == '\\'   ? "\\\\"
                       : byte == '\n' ? "\\n"
                       : byte == '\r' ? "\\r"
                       : byte == '\t' ? "\\t"
                                      : hex;
    error = buf_text(out, text);
  }
  return error;
}

enum avow_error escape_append(struct buf *out, struct view text) {
  enum avow_error error = AVOW_OK;
  while (text.size > 0 && error == AVOW_OK) {
    size_t run = plain_run(text);
    struct view rest = view_of(text.data + run, text.size - run);
    size_t length = utf8_length(rest);
    bool shows = length > 1 && !acts(rest.data, length);
    size_t special = rest.size == 0 || shows ? 0 : length == 0 ? 1 : length;
    if (shows)
      run += length;
    error = buf_append(out, view_of(text.data, run));
    if (error == AVOW_OK)
      error = append_bytes(out, view_of(text.data + run, special));
    text.data += run + special;
    text.size -= run + special;
  }
  return error;
}

static int hex_digit(uint8_t digit) {
  if (digit >= '0' && digit <= '9')
    return digit - '0';
  return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* Read one escape at the start of ${line}; return its length, or 0. */
static size_t read_escape(struct view line, uint8_t *ret_byte) {
  static const char letters[] = "\\nrt", bytes[] = "\\\n\r\t";
  if (line.size < 2)
    return 0;
  const char *letter = strchr(letters, line.data[1]);
  if (letter != NULL && *letter != '\0') {
    *ret_byte = (uint8_t)bytes[letter - letters];
    return 2;
  }
  if (line.data[1] != 'x' || line.size < 4)
    return 0;
  int high = hex_digit(line.data[2]), low = hex_digit(line.data[3]);
  *ret_byte = (uint8_t)(high * 16 + low);
  return high < 0 || low < 0 ? 0 : 4;
}

/* Whether escape_append makes just this of ${text}. */
static enum avow_error check_canonical(struct view text, struct view line) {
  struct buf again;
  uint8_t *room;
  buf_init(&again, line.size);
  enum avow_error error = buf_reserve(&again, line.size, &room);
  if (error == AVOW_OK)
    error = escape_append(&again, text);
  if (error == AVOW_TOO_LONG || (error == AVOW_OK && !view_equal(buf_view(&again), line)))
    error = AVOW_MALFORMED;
  buf_wipe_free(&again);
  return error;
}

enum avow_error escape_decode(struct view line, struct buf *text) {
  enum avow_error error = AVOW_OK;
  size_t before = buf_view(text).size;
  struct view rest = line;
  while (rest.size > 0 && error == AVOW_OK) {
    const uint8_t *backslash = memchr(rest.data, '\\', rest.size);
    size_t run = backslash != NULL ? (size_t)(backslash - rest.data) : rest.size;
    uint8_t byte;
    error = buf_append(text, view_of(rest.data, run));
    rest = view_of(rest.data + run, rest.size - run);
    if (error != AVOW_OK || rest.size == 0)
      break;
    size_t length = read_escape(rest, &byte);
    if (length == 0)
      return AVOW_MALFORMED;
    error = buf_append(text, view_of(&byte, 1));
    rest = view_of(rest.data + length, rest.size - length);
  }
  if (error != AVOW_OK)
    return error;
  struct view all = buf_view(text);
  return check_canonical(view_of(all.data + before, all.size - before), line);
}
