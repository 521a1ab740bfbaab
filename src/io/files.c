// SPDX-License-Identifier: Apache-2.0
#include "io/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum avow_error check_file(int fd, enum file_trust trust) {
  struct stat status;
  if (fstat(fd, &status) != 0)
    return AVOW_SYSTEM;
  if (!S_ISREG(status.st_mode)) {
    errno = EISDIR;
    return AVOW_SYSTEM;
  }
  bool others_read = (status.st_mode & 077) != 0;
  bool others_wrote = (status.st_uid != geteuid() && status.st_uid != 0) ||
                      (status.st_mode & (S_IWGRP | S_IWOTH)) != 0;
  if ((trust == FILE_SECRET && others_read) || (trust == FILE_OURS && others_wrote)) {
    errno = EPERM;
    return AVOW_SYSTEM;
  }
  return AVOW_OK;
}

static enum avow_error read_all(int fd, struct buf *file) {
  for (;;) {
    uint8_t *to;
    /* One byte more than may be there tells that it is too long. */
    size_t room = file->max - buf_view(file).size;
    size_t want = room < 4096 ? room : 4096;
    uint8_t spare;
    if (want > 0) {
      enum avow_error error = buf_reserve(file, want, &to);
      if (error != AVOW_OK)
        return error;
    } else {
      to = &spare;
    }
    ssize_t got = read(fd, to, want > 0 ? want : 1);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return AVOW_SYSTEM;
    if (got == 0)
      return AVOW_OK;
    if (want == 0)
      return AVOW_TOO_LONG;
    buf_commit(file, (size_t)got);
  }
}

enum avow_error file_read(const char *path, enum file_trust trust, struct buf *file) {
  /* Not blocking, so that a FIFO under that name cannot hold us. */
  int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK |
              (trust == FILE_NO_LINK || trust == FILE_OURS ? O_NOFOLLOW : 0);
  int fd = open(path, flags);
  if (fd < 0)
    return errno == ENOENT ? AVOW_NOT_FOUND : AVOW_SYSTEM;
  enum avow_error error = check_file(fd, trust);
  if (error == AVOW_OK)
    error = read_all(fd, file);
  int reason = errno;
  close(fd);
  errno = reason;
  return error;
}

bool file_beside(const char *path, const char *name, char *out, size_t size) {
  const char *slash = strrchr(path, '/');
  int folder = slash == NULL ? 0 : (int)(slash + 1 - path);
  int need = snprintf(out, size, "%.*s%s", folder, path, name);
  return need >= 0 && (size_t)need < size;
}

static enum avow_error write_all(int fd, struct view bytes) {
  while (bytes.size > 0) {
    ssize_t written = write(fd, bytes.data, bytes.size);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return AVOW_SYSTEM;
    bytes.data += written;
    bytes.size -= (size_t)written;
  }
  return fsync(fd) == 0 ? AVOW_OK : AVOW_SYSTEM;
}

static enum avow_error sync_folder_of(const char *path) {
  char folder[PATH_MAX];
  if (!file_beside(path, ".", folder, sizeof folder)) {
    errno = ENAMETOOLONG;
    return AVOW_SYSTEM;
  }
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return AVOW_SYSTEM;
  int result = fsync(fd);
  close(fd);
  return result == 0 ? AVOW_OK : AVOW_SYSTEM;
}

static enum avow_error put(const char *path, unsigned mode, struct view bytes, bool replace) {
  char temporary[PATH_MAX];
  int need = snprintf(temporary, sizeof temporary, "%s.%ld.new", path, (long)getpid());
  if (need < 0 || (size_t)need >= sizeof temporary) {
    errno = ENAMETOOLONG;
    return AVOW_SYSTEM;
  }
  unlink(temporary); /* of a process of our number that died; O_EXCL decides anyway */
  int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, (mode_t)mode);
  if (fd < 0)
    return AVOW_SYSTEM;
  /* The umask is for what we do not think of; here the mode is meant. */
  enum avow_error error = fchmod(fd, (mode_t)mode) == 0 ? write_all(fd, bytes) : AVOW_SYSTEM;
  close(fd);
  /* link() fails where there is a file, rename() replaces it. */
  if (error == AVOW_OK && (replace ? rename(temporary, path) : link(temporary, path)) != 0)
    error = AVOW_SYSTEM;
  int reason = errno;
  if (error != AVOW_OK || !replace)
    unlink(temporary);
  errno = reason;
  return error == AVOW_OK ? sync_folder_of(path) : error;
}

enum avow_error file_replace(const char *path, unsigned mode, struct view bytes) {
  return put(path, mode, bytes, true);
}

enum avow_error file_create(const char *path, unsigned mode, struct view bytes) {
  return put(path, mode, bytes, false);
}

enum avow_error folder_make(const char *path) {
  char part[PATH_MAX];
  if (snprintf(part, sizeof part, "%s", path) >= (int)sizeof part) {
    errno = ENAMETOOLONG;
    return AVOW_SYSTEM;
  }
  for (char *slash = part; slash != NULL;) {
    slash = strchr(slash + 1, '/');
    if (slash != NULL)
      *slash = '\0';
    if (mkdir(part, 0700) != 0 && errno != EEXIST)
      return AVOW_SYSTEM;
    if (slash != NULL)
      *slash = '/';
  }
  return AVOW_OK;
}
