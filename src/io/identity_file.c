// SPDX-License-Identifier: Apache-2.0
#include "io/identity_file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "io/files.h"
#include "io/screen.h"
#include "keys/public_key.h"

enum avow_error config_path(const char *name, char *path, size_t size) {
  const char *config = getenv("XDG_CONFIG_HOME");
  const char *home = getenv("HOME");
  int need;
  if (config != NULL && config[0] == '/')
    need = snprintf(path, size, "%s/avow/%s", config, name);
  else if (home != NULL && home[0] == '/')
    need = snprintf(path, size, "%s/.config/avow/%s", home, name);
  else
    return AVOW_NOT_FOUND;
  return need >= 0 && (size_t)need < size ? AVOW_OK : AVOW_TOO_LONG;
}

enum avow_error identity_load(const char *path, struct identity *ret) {
  struct buf file;
  buf_init(&file, AVOW_KEY_FILE_MAX);
  enum avow_error error = file_read(path, FILE_SECRET, &file);
  int reason = errno;
  if (error == AVOW_OK)
    error = identity_decode(buf_view(&file), ret);
  if (error == AVOW_OK)
    screen_harmless(ret->comment); /* it goes on into lines of other files and onto screens */
  buf_wipe_free(&file);
  errno = reason;
  return error;
}

static enum avow_error write_pair(const char *path, const struct identity *identity) {
  char public_path[PATH_MAX], key[PUBLIC_KEY_TEXT_SIZE], line[256];
  int need = snprintf(public_path, sizeof public_path, "%s.pub", path);
  if (need < 0 || (size_t)need >= sizeof public_path) {
    errno = ENAMETOOLONG;
    return AVOW_SYSTEM;
  }
  public_key_encode(identity->public, key);
  snprintf(line, sizeof line, "%s %s\n", key, identity->comment);
  uint8_t check[4];
  struct buf file;
  buf_init(&file, AVOW_KEY_FILE_MAX);
  enum avow_error error = random_bytes(check, sizeof check);
  if (error == AVOW_OK)
    error = identity_encode(identity, load_u32(check), &file);
  if (error == AVOW_OK)
    error = file_create(path, 0600, buf_view(&file));
  if (error == AVOW_OK)
    error = file_replace(public_path, 0644, view_text(line));
  int reason = errno;
  buf_wipe_free(&file);
  errno = reason;
  return error;
}

static enum avow_error make_folder_of(const char *path) {
  char folder[PATH_MAX];
  if (!file_beside(path, "", folder, sizeof folder))
    return AVOW_TOO_LONG;
  size_t length = strlen(folder);
  if (length < 2)
    return AVOW_OK; /* here, or the root */
  folder[length - 1] = '\0';
  return folder_make(folder);
}

enum avow_error identity_make(const char *path, const char *who, struct identity *ret) {
  char host[64] = "", comment[AVOW_NAME_SIZE];
  gethostname(host, sizeof host - 1);
  snprintf(comment, sizeof comment, "%s@%s", who, host);
  uint8_t seed[ED25519_SEED_SIZE];
  struct identity identity;
  enum avow_error error = random_bytes(seed, sizeof seed);
  if (error == AVOW_OK)
    error = identity_new(seed, comment, &identity);
  secret_wipe(seed, sizeof seed);
  if (error == AVOW_OK)
    error = make_folder_of(path);
  if (error == AVOW_OK)
    error = write_pair(path, &identity);
  if (error == AVOW_OK)
    *ret = identity;
  int reason = errno;
  identity_wipe(&identity);
  errno = reason;
  return error;
}

const char *identity_advice(enum avow_error error) {
  switch (error) {
  case AVOW_KEY_ENCRYPTED:
    return "Take off its passphrase (ssh-keygen -p), or make another one with keygen.";
  case AVOW_KEY_TYPE: return "Make an Ed25519 one with keygen, or with ssh-keygen -t ed25519.";
  case AVOW_MALFORMED:
  case AVOW_TOO_LONG:
    return "It is not an OpenSSH private key. Make one with keygen; nothing was changed.";
  case AVOW_SYSTEM:
    return errno == EPERM ? "Others can read it: chmod 600 it, and ask yourself who has."
                          : "Nothing was changed.";
  default: return "Nothing was changed.";
  }
}
