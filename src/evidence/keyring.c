// SPDX-License-Identifier: Apache-2.0
#include "evidence/keyring.h"

#include <string.h>

/* The lines that have a key: those of the whole file at most, where each is longer than that. */
#define LINES_MAX AVOW_KEY_LIST_MAX

enum avow_error keyring_init(struct keyring *keyring, struct view file, unsigned *ret_line) {
  static const uint8_t nobody[ED25519_PUBLIC_SIZE];
  struct buf lines;
  *keyring = (struct keyring){.file = file};
  for (unsigned i = 0; i < KEYRING_PICKED; i++)
    buf_init(&keyring->picked[i].lines, LINES_MAX);
  buf_init(&lines, LINES_MAX);
  enum avow_error error = allowed_signers_lines(file, nobody, &lines, ret_line);
  buf_free(&lines);
  return error;
}

void keyring_free(struct keyring *keyring) {
  for (unsigned i = 0; i < KEYRING_PICKED; i++)
    buf_free(&keyring->picked[i].lines);
}

/* The lines of a key, remembered or looked for. */
static enum avow_error pick(struct keyring *keyring, const uint8_t *key, struct picked **ret) {
  for (unsigned i = 0; i < KEYRING_PICKED; i++) {
    *ret = &keyring->picked[i];
    if ((*ret)->any && memcmp((*ret)->key, key, ED25519_PUBLIC_SIZE) == 0)
      return AVOW_OK;
  }
  unsigned line;
  struct picked *picked = *ret = &keyring->picked[keyring->next];
  keyring->next = (keyring->next + 1) % KEYRING_PICKED;
  picked->any = false;
  buf_clear(&picked->lines);
  enum avow_error error = allowed_signers_lines(keyring->file, key, &picked->lines, &line);
  if (error == AVOW_OK) {
    picked->any = true;
    memcpy(picked->key, key, sizeof picked->key);
  }
  return error;
}

enum avow_error keyring_find(struct keyring *keyring, const uint8_t key[ED25519_PUBLIC_SIZE],
                             uint64_t wall_us, struct allowed_line *ret) {
  struct picked *picked;
  enum avow_error error = pick(keyring, key, &picked);
  if (error != AVOW_OK)
    return error;
  struct view lines = buf_view(&picked->lines);
  for (size_t at = 0; at < lines.size; at += sizeof *ret) {
    struct allowed_line line;
    memcpy(&line, lines.data + at, sizeof line);
    if (allowed_line_in_time(&line, wall_us)) {
      *ret = line;
      return AVOW_OK;
    }
  }
  return lines.size > 0 ? AVOW_EXPIRED : AVOW_NOT_FOUND;
}
