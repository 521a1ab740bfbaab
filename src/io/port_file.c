// SPDX-License-Identifier: Apache-2.0
#include "io/port_file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/files.h"
#include "io/screen.h"
#include "keys/public_key.h"

#define KEY_NAME "alice.pub"

/* What stands there already must be a file of the kind that we would write. */
static enum avow_error check_place(const char *path) {
  struct stat status;
  if (lstat(path, &status) != 0)
    return errno == ENOENT ? AVOW_OK : AVOW_SYSTEM;
  if (S_ISREG(status.st_mode))
    return AVOW_OK;
  errno = S_ISLNK(status.st_mode) ? ELOOP : EISDIR;
  return AVOW_SYSTEM;
}

static bool key_path(const char *path, char *out) {
  errno = ENAMETOOLONG;
  return file_beside(path, KEY_NAME, out, PATH_MAX);
}

enum avow_error port_file_write(const char *path, unsigned port, const uint8_t *key,
                                const char *name) {
  char beside[PATH_MAX], text[PUBLIC_KEY_TEXT_SIZE],
      line[PUBLIC_KEY_TEXT_SIZE + AVOW_NAME_SIZE + 2];
  if (!key_path(path, beside))
    return AVOW_SYSTEM;
  enum avow_error error = check_place(path);
  if (error == AVOW_OK)
    error = check_place(beside);
  if (error != AVOW_OK)
    return error;
  if (key != NULL) {
    public_key_encode(key, text);
    snprintf(line, sizeof line, "%s %s\n", text, name);
    error = file_replace(beside, 0644, view_text(line));
  } else if (unlink(beside) != 0 && errno != ENOENT) {
    error = AVOW_SYSTEM;
  }
  if (error != AVOW_OK)
    return error;
  snprintf(line, sizeof line, "%u\n", port);
  return file_replace(path, 0644, view_text(line));
}

void port_file_remove(const char *path, unsigned port) {
  char beside[PATH_MAX];
  unsigned there;
  if (port_file_read(path, &there) != AVOW_OK || there != port)
    return; /* another alice has taken the place */
  unlink(path);
  if (key_path(path, beside))
    unlink(beside);
}

enum avow_error port_file_read(const char *path, unsigned *ret_port) {
  struct buf file;
  buf_init(&file, AVOW_PORT_FILE_MAX);
  enum avow_error error = file_read(path, FILE_NO_LINK, &file);
  struct view text = buf_view(&file);
  while (text.size > 0 && (text.data[text.size - 1] == '\n' || text.data[text.size - 1] == ' '))
    text.size--;
  unsigned port = 0;
  bool number = text.size >= 1 && text.size <= 5;
  for (size_t i = 0; number && i < text.size; i++) {
    number = text.data[i] >= '0' && text.data[i] <= '9';
    port = port * 10 + (unsigned)(text.data[i] - '0');
  }
  if (error == AVOW_OK && (!number || port == 0 || port > 65535))
    error = AVOW_MALFORMED;
  if (error == AVOW_OK)
    *ret_port = port;
  int reason = errno;
  buf_free(&file);
  errno = reason;
  return error;
}

enum avow_error port_file_key(const char *path, uint8_t key[ED25519_PUBLIC_SIZE], char *name) {
  char beside[PATH_MAX];
  if (!key_path(path, beside))
    return AVOW_SYSTEM;
  struct buf file;
  buf_init(&file, AVOW_KEY_FILE_MAX);
  enum avow_error error = file_read(beside, FILE_OURS, &file);
  if (error == AVOW_OK)
    error = public_key_decode(buf_view(&file), key, name);
  if (error == AVOW_OK)
    screen_harmless(name);
  int reason = errno;
  buf_free(&file);
  errno = reason;
  return error;
}
