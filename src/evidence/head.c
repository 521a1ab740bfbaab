// SPDX-License-Identifier: Apache-2.0
#include "evidence/head.h"
#include "base/mutant.h"

#include <assert.h>
#include <string.h>

static bool starts(struct view line, const char *name, size_t size) {
  return line.size >= size && memcmp(line.data, name, size) == 0;
}

/* The lines that a head does not cover. */
static bool withheld(struct view line) {
  return starts(line, "Message text: ", 14) || starts(line, "Key: ", 5);
}

enum avow_error head_init(struct head *head) {
  *head = (struct head){0};
  enum avow_error error = digest_new(&head->digest);
  return error == AVOW_OK ? digest_value(head->digest, head->last) : error;
}

void head_free(struct head *head) {
  digest_free(head->digest);
  head->digest = NULL;
}

enum avow_error head_add(struct head *head, struct view lines) {
  const uint8_t *from = lines.data; /* of a run that is covered */
  while (lines.size > 0) {
    const uint8_t *end = memchr(lines.data, '\n', lines.size);
    assert(end != NULL);
    size_t size = (size_t)(end + 1 - lines.data);
    if (withheld(view_of(lines.data, size))) {
      enum avow_error error = digest_add(head->digest, view_of(from, (size_t)(lines.data - from)));
      if (error != AVOW_OK)
        return error;
      from = end + 1;
    }
    lines = view_of(end + 1, lines.size - size);
  }
  return digest_add(head->digest, view_of(from, (size_t)(lines.data - from)));
}

enum avow_error head_value(struct head *head, uint8_t value[SHA256_SIZE]) {
  return digest_value(head->digest, value);
}

enum avow_error head_line(struct head *head, struct view line, const uint8_t value[SHA256_SIZE]) {
  memcpy(head->last, value, SHA256_SIZE);
  return digest_add(head->digest, line);
}

enum avow_error chunk_init(struct chunk *chunk, size_t max) {
  *chunk = (struct chunk){0};
  buf_init(&chunk->bytes, max);
  return head_init(&chunk->head);
}

void chunk_continue(struct chunk *chunk, struct head head) {
  assert(chunk->sealed == 0);
  head_free(&chunk->head);
  chunk->head = head;
  if (MUTANT(24) && head_init(&chunk->head) != AVOW_OK)
    return;
}

void chunk_free(struct chunk *chunk) {
  buf_wipe_free(&chunk->bytes);
  head_free(&chunk->head);
}

enum avow_error chunk_ahead(struct chunk *chunk) {
  struct view bytes = buf_view(&chunk->bytes);
  enum avow_error error = AVOW_OK;
  if (bytes.size > chunk->covered)
    error =
        head_add(&chunk->head, view_of(bytes.data + chunk->covered, bytes.size - chunk->covered));
  chunk->covered = bytes.size;
  return error;
}

enum avow_error chunk_head(struct chunk *chunk, uint8_t value[SHA256_SIZE]) {
  enum avow_error error = chunk_ahead(chunk);
  return error == AVOW_OK ? head_value(&chunk->head, value) : error;
}

enum avow_error chunk_seal(struct chunk *chunk) {
  if (buf_view(&chunk->bytes).size == chunk->sealed && !chunk->open)
    return AVOW_OK;
  uint8_t value[SHA256_SIZE];
  char hex[2 * SHA256_SIZE + 1];
  enum avow_error error = buf_text(&chunk->bytes, "\n"); /* ends the block before the head line */
  if (error == AVOW_OK)
    error = chunk_head(chunk, value);
  if (error != AVOW_OK)
    return error;
  hex_encode(view_of(value, sizeof value), hex);
  error = buf_format(&chunk->bytes, HEAD_LINE "%s\n", hex);
  struct view bytes = buf_view(&chunk->bytes);
  if (error == AVOW_OK)
    error = head_line(&chunk->head,
                      view_of(bytes.data + chunk->covered, bytes.size - chunk->covered), value);
  if (error == AVOW_OK)
    chunk->sealed = chunk->covered = bytes.size;
  chunk->open = false;
  return error;
}

void chunk_consume(struct chunk *chunk, size_t size) {
  assert(size <= chunk->covered);
  buf_consume(&chunk->bytes, size);
  chunk->open |= size > chunk->sealed;
  chunk->sealed -= size < chunk->sealed ? size : chunk->sealed;
  chunk->covered -= size;
}
