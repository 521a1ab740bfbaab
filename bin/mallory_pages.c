// SPDX-License-Identifier: Apache-2.0
#include "mallory_pages.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evidence/head.h"

#define BLOCK_MAX (8u * 1024u * 1024u)

enum avow_error pages_read(struct pages *pages, struct view log) {
  *pages = (struct pages){0};
  if ((!view_begins(log, "To: ") && !view_begins(log, "Connected: ")) ||
      log.data[log.size - 1] != '\n' || memchr(log.data, '\0', log.size) != NULL)
    return AVOW_MALFORMED;
  log.size--;
  for (;;) {
    const uint8_t *end = memmem(log.data, log.size, "\n\n", 2);
    size_t size = end != NULL ? (size_t)(end - log.data) : log.size;
    struct buf *blocks = reallocarray(pages->blocks, pages->count + 1, sizeof *blocks);
    if (blocks == NULL)
      return AVOW_NO_MEMORY;
    pages->blocks = blocks;
    buf_init(&blocks[pages->count], BLOCK_MAX);
    enum avow_error error = buf_append(&blocks[pages->count++], view_of(log.data, size));
    if (error != AVOW_OK || end == NULL)
      return error;
    log = view_of(end + 2, log.size - size - 2);
  }
}

void pages_free(struct pages *pages) {
  for (size_t i = 0; i < pages->count; i++)
    buf_free(&pages->blocks[i]);
  free(pages->blocks);
  *pages = (struct pages){0};
}

bool pages_line(const struct pages *pages, size_t at, const char *name, struct view *ret_value) {
  struct view block = buf_view(&pages->blocks[at]);
  size_t name_size = strlen(name);
  while (block.size > 0) {
    const uint8_t *end = memchr(block.data, '\n', block.size);
    size_t size = end != NULL ? (size_t)(end - block.data) : block.size;
    if (view_begins(view_of(block.data, size), name)) {
      *ret_value = view_of(block.data + name_size, size - name_size);
      return true;
    }
    block = end != NULL ? view_of(end + 1, block.size - size - 1) : view_of("", 0);
  }
  return false;
}

size_t pages_message(const struct pages *pages, uint64_t id) {
  char text[24];
  snprintf(text, sizeof text, "%" PRIu64, id);
  for (size_t i = 0; i < pages->count; i++) {
    struct view value;
    if (pages_line(pages, i, "Message ID: ", &value) && view_equal(value, view_text(text)))
      return i;
  }
  return pages->count;
}

size_t pages_envelope(const struct pages *pages, uint64_t id, uint64_t *ret_first,
                      uint64_t *ret_last) {
  for (size_t i = 0; i < pages->count; i++) {
    struct view value;
    char text[48];
    uint64_t first, last;
    if (!pages_line(pages, i, "Messages: ", &value) || value.size >= sizeof text)
      continue;
    memcpy(text, value.data, value.size);
    text[value.size] = '\0';
    if (sscanf(text, "%" SCNu64 "-%" SCNu64, &first, &last) != 2 || id < first || id > last)
      continue;
    *ret_first = first;
    *ret_last = last;
    return i;
  }
  return pages->count;
}

enum avow_error pages_set(struct pages *pages, size_t at, const char *name, struct view value) {
  struct view old, block = buf_view(&pages->blocks[at]);
  struct buf changed;
  if (!pages_line(pages, at, name, &old))
    return AVOW_NOT_FOUND;
  size_t before = (size_t)(old.data - block.data), behind = before + old.size;
  buf_init(&changed, BLOCK_MAX);
  enum avow_error error = buf_append(&changed, view_of(block.data, before));
  if (error == AVOW_OK)
    error = buf_append(&changed, value);
  if (error == AVOW_OK)
    error = buf_append(&changed, view_of(block.data + behind, block.size - behind));
  if (error != AVOW_OK) {
    buf_free(&changed);
    return error;
  }
  buf_free(&pages->blocks[at]);
  pages->blocks[at] = changed;
  return AVOW_OK;
}

void pages_remove(struct pages *pages, size_t at, size_t count) {
  for (size_t i = at; i < at + count; i++)
    buf_free(&pages->blocks[i]);
  memmove(pages->blocks + at, pages->blocks + at + count,
          (pages->count - at - count) * sizeof *pages->blocks);
  pages->count -= count;
}

enum avow_error pages_repeat(struct pages *pages, size_t at) {
  struct buf copy;
  buf_init(&copy, BLOCK_MAX);
  enum avow_error error = buf_append(&copy, buf_view(&pages->blocks[at]));
  struct buf *blocks = reallocarray(pages->blocks, pages->count + 1, sizeof *blocks);
  if (blocks != NULL)
    pages->blocks = blocks;
  if (error == AVOW_OK && blocks == NULL)
    error = AVOW_NO_MEMORY;
  if (error != AVOW_OK) {
    buf_free(&copy);
    return error;
  }
  memmove(blocks + at + 2, blocks + at + 1, (pages->count - at - 1) * sizeof *blocks);
  blocks[at + 1] = copy;
  pages->count++;
  return AVOW_OK;
}

void pages_swap(struct pages *pages, size_t one, size_t other) {
  struct buf kept = pages->blocks[one];
  pages->blocks[one] = pages->blocks[other];
  pages->blocks[other] = kept;
}

/* Append what was appended last to the head, and then a line with its value. */
static enum avow_error write_head(struct head *head, size_t *covered, const char *name,
                                  struct buf *log) {
  uint8_t value[SHA256_SIZE];
  char hex[2 * SHA256_SIZE + 1];
  struct view bytes = buf_view(log);
  enum avow_error error = head_add(head, view_of(bytes.data + *covered, bytes.size - *covered));
  *covered = bytes.size;
  if (error == AVOW_OK)
    error = head_value(head, value);
  if (error != AVOW_OK)
    return error;
  hex_encode(view_of(value, sizeof value), hex);
  return buf_format(log, "%s%s\n", name, hex);
}

/* One block, with the heads of the log before them.  "Head at receipt" and "Head at the end" are
 * heads of Alice's log: in Bob's they stay. */
static enum avow_error write_block(struct view block, bool alices, struct head *head,
                                   size_t *covered, struct buf *log) {
  static const char *const names[] = {HEAD_LINE, "Head at receipt: ", "Head at the end: "};
  enum avow_error error = AVOW_OK;
  while (block.size > 0 && error == AVOW_OK) {
    const uint8_t *end = memchr(block.data, '\n', block.size);
    size_t size = end != NULL ? (size_t)(end - block.data) : block.size, name = 0;
    while (name < 3 && !view_begins(view_of(block.data, size), names[name]))
      name++;
    if (name == 0 || (name < 3 && alices)) {
      error = write_head(head, covered, names[name], log);
    } else {
      error = buf_append(log, view_of(block.data, size));
      if (error == AVOW_OK)
        error = buf_text(log, "\n");
    }
    block = end != NULL ? view_of(end + 1, block.size - size - 1) : view_of("", 0);
  }
  return error;
}

enum avow_error pages_write(const struct pages *pages, bool heads, struct buf *log) {
  struct head head = {0};
  struct view to;
  size_t covered = 0;
  bool alices = !pages_line(pages, 0, "To: ", &to);
  enum avow_error error = head_init(&head);
  for (size_t i = 0; i < pages->count && error == AVOW_OK; i++) {
    struct view block = buf_view(&pages->blocks[i]);
    if (i > 0)
      error = buf_text(log, "\n");
    if (error == AVOW_OK && heads) {
      error = write_block(block, alices, &head, &covered, log);
    } else if (error == AVOW_OK) {
      error = buf_append(log, block);
      if (error == AVOW_OK)
        error = buf_text(log, "\n");
    }
  }
  head_free(&head);
  return error;
}
