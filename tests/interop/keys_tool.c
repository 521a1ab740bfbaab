// SPDX-License-Identifier: Apache-2.0
/* The keys room on a command line, for test_keys_openssh.py:
 *   keys_tool new SEEDHEX COMMENT                   a private key file
 *   keys_tool show < key                            its public line, then its fingerprint
 *   keys_tool sign SEEDHEX < text                   ssh-keygen's file of its signature
 *   keys_tool verify KEYLINE SIGNATURE < text       nothing; SIGNATURE is its base64, on one line
 *   keys_tool allowed KEYLINE TIME_S < allowed_signers    the line's number and name
 * An error is its name (behind the number of a line that cannot be read) and status 1; a wrong call
 * is status 2. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "keys/allowed_signers.h"
#include "keys/identity.h"
#include "keys/public_key.h"
#include "keys/sshsig.h"

static const char *error_name(enum avow_error error) {
  switch (error) {
  case AVOW_NOT_FOUND: return "not-found";
  case AVOW_EXPIRED: return "expired";
  case AVOW_MALFORMED: return "malformed";
  case AVOW_NOT_AUTHENTIC: return "not-authentic";
  case AVOW_KEY_CHANGED: return "other-key";
  case AVOW_KEY_TYPE: return "key-type";
  case AVOW_KEY_ENCRYPTED: return "key-encrypted";
  default: return avow_error_text(error);
  }
}

static int fail(enum avow_error error) {
  puts(error_name(error));
  return 1;
}

static enum avow_error read_input(struct buf *input) {
  for (;;) {
    uint8_t *to;
    enum avow_error error = buf_reserve(input, 4096, &to);
    if (error != AVOW_OK)
      return error;
    size_t size = fread(to, 1, 4096, stdin);
    if (size == 0)
      return ferror(stdin) ? AVOW_SYSTEM : AVOW_OK;
    buf_commit(input, size);
  }
}

static bool read_seed(const char *text, uint8_t seed[ED25519_SEED_SIZE]) {
  if (strlen(text) != 2 * ED25519_SEED_SIZE)
    return false;
  for (size_t i = 0; i < ED25519_SEED_SIZE; i++) {
    unsigned byte;
    if (sscanf(text + 2 * i, "%2x", &byte) != 1)
      return false;
    seed[i] = (uint8_t)byte;
  }
  return true;
}

static int run_new(const char *seed_text, const char *comment) {
  uint8_t seed[ED25519_SEED_SIZE];
  struct identity identity;
  struct buf file;
  if (!read_seed(seed_text, seed))
    return 2;
  buf_init(&file, AVOW_KEY_FILE_MAX);
  enum avow_error error = identity_new(seed, comment, &identity);
  if (error == AVOW_OK)
    error = identity_encode(&identity, 0x01020304, &file);
  if (error == AVOW_OK)
    fwrite(buf_view(&file).data, 1, buf_view(&file).size, stdout);
  buf_wipe_free(&file);
  return error == AVOW_OK ? 0 : fail(error);
}

static int run_show(struct view file) {
  struct identity identity;
  char line[PUBLIC_KEY_TEXT_SIZE], print[FINGERPRINT_SIZE];
  enum avow_error error = identity_decode(file, &identity);
  if (error == AVOW_OK)
    error = fingerprint(identity.public, print);
  if (error != AVOW_OK)
    return fail(error);
  public_key_encode(identity.public, line);
  printf("%s%s%s\n%s\n", line, identity.comment[0] != '\0' ? " " : "", identity.comment, print);
  return 0;
}

static int run_allowed(struct view file, const char *key_line, const char *time_s) {
  uint8_t key[ED25519_PUBLIC_SIZE];
  char name[AVOW_NAME_SIZE];
  unsigned line;
  if (public_key_decode(view_text(key_line), key, NULL) != AVOW_OK)
    return 2;
  uint64_t wall_us = strtoull(time_s, NULL, 10) * 1000000;
  enum avow_error error = allowed_signers_find(file, key, wall_us, name, &line);
  if (error == AVOW_OK || error == AVOW_MALFORMED)
    printf("%u ", line);
  if (error != AVOW_OK)
    return fail(error);
  puts(name);
  return 0;
}

static int run_sign(struct view text, const char *seed_text) {
  uint8_t seed[ED25519_SEED_SIZE], signature[ED25519_SIGNATURE_SIZE];
  char line[SSHSIG_TEXT_SIZE];
  struct ed25519 *key = NULL;
  struct buf file;
  if (!read_seed(seed_text, seed))
    return 2;
  buf_init(&file, AVOW_KEY_FILE_MAX);
  enum avow_error error = ed25519_private(&key, seed);
  if (error == AVOW_OK)
    error = sshsig_sign(key, text, signature);
  if (error == AVOW_OK) {
    sshsig_encode(ed25519_key(key), signature, line);
    error = sshsig_armor(line, &file);
  }
  if (error == AVOW_OK)
    fwrite(buf_view(&file).data, 1, buf_view(&file).size, stdout);
  buf_free(&file);
  ed25519_free(key);
  return error == AVOW_OK ? 0 : fail(error);
}

static int run_verify(struct view text, const char *key_line, const char *line) {
  uint8_t expected[ED25519_PUBLIC_SIZE], public[ED25519_PUBLIC_SIZE];
  uint8_t signature[ED25519_SIGNATURE_SIZE];
  struct ed25519 *key = NULL;
  if (public_key_decode(view_text(key_line), expected, NULL) != AVOW_OK)
    return 2;
  enum avow_error error = sshsig_decode(view_text(line), public, signature);
  if (error == AVOW_OK && memcmp(public, expected, sizeof public) != 0)
    error = AVOW_KEY_CHANGED;
  if (error == AVOW_OK)
    error = ed25519_peer(&key, public);
  if (error == AVOW_OK)
    error = sshsig_verify(key, text, signature);
  ed25519_free(key);
  return error == AVOW_OK ? 0 : fail(error);
}

int main(int argc, char **argv) {
  if (argc == 4 && strcmp(argv[1], "new") == 0)
    return run_new(argv[2], argv[3]);
  struct buf input;
  buf_init(&input, AVOW_KEY_LIST_MAX);
  int status = 2;
  enum avow_error error = read_input(&input);
  if (error != AVOW_OK)
    status = fail(error);
  else if (argc == 2 && strcmp(argv[1], "show") == 0)
    status = run_show(buf_view(&input));
  else if (argc == 3 && strcmp(argv[1], "sign") == 0)
    status = run_sign(buf_view(&input), argv[2]);
  else if (argc == 4 && strcmp(argv[1], "verify") == 0)
    status = run_verify(buf_view(&input), argv[2], argv[3]);
  else if (argc == 4 && strcmp(argv[1], "allowed") == 0)
    status = run_allowed(buf_view(&input), argv[2], argv[3]);
  buf_wipe_free(&input);
  return status;
}
