// SPDX-License-Identifier: Apache-2.0
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct store {
  int folder;
};

struct log {
  int file;
  off_t size;
  int failed; /* errno of a failed sync; 0: none */
};

/* Others who may write in the folder could put their own log under our name. */
static bool safe_folder(int folder) {
  struct stat status;
  if (fstat(folder, &status) != 0)
    return false;
  errno = EPERM;
  return status.st_uid == geteuid() && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* The folder's own entry must survive a power cut, too. */
static int sync_parent(int folder) {
  int parent = openat(folder, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (parent < 0)
    return -1;
  int result = fsync(parent);
  close(parent);
  return result;
}

enum avow_error store_open(struct store **ret, const char *path) {
  bool made = mkdir(path, 0700) == 0;
  if (!made && errno != EEXIST)
    return AVOW_SYSTEM;
  int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (folder < 0)
    return AVOW_SYSTEM;
  struct store *store = NULL;
  if (safe_folder(folder) && (!made || sync_parent(folder) == 0))
    store = malloc(sizeof *store);
  if (store == NULL) {
    int reason = errno;
    close(folder);
    errno = reason;
    return AVOW_SYSTEM;
  }
  store->folder = folder;
  *ret = store;
  return AVOW_OK;
}

void store_close(struct store *store) {
  if (store != NULL)
    close(store->folder);
  free(store);
}

enum avow_error log_create(struct log **ret, struct store *store, const char *name) {
  char file_name[64];
  snprintf(file_name, sizeof file_name, "%s.log", name);
  struct log *log = calloc(1, sizeof *log);
  if (log == NULL)
    return AVOW_NO_MEMORY;
  log->file = openat(store->folder, file_name,
                     O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (log->file < 0 || fsync(store->folder) != 0) {
    int reason = errno;
    log_close(log);
    errno = reason;
    return AVOW_SYSTEM;
  }
  *ret = log;
  return AVOW_OK;
}

enum avow_error log_append(struct log *log, struct view bytes) {
  if (log->failed != 0) {
    errno = log->failed;
    return AVOW_SYSTEM;
  }
  size_t done = 0;
  while (done < bytes.size) {
    ssize_t written = write(log->file, bytes.data + done, bytes.size - done);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0) {
      int reason = errno;
      /* A part would be a torn record.  If even that fails, nothing more may be appended. */
      if (done > 0 && ftruncate(log->file, log->size) != 0)
        log->failed = reason;
      errno = reason;
      return AVOW_SYSTEM;
    }
    done += (size_t)written;
  }
  log->size += (off_t)bytes.size;
  return AVOW_OK;
}

enum avow_error log_sync(struct log *log) {
  if (log->failed == 0 && fdatasync(log->file) != 0)
    log->failed = errno;
  errno = log->failed;
  return log->failed == 0 ? AVOW_OK : AVOW_SYSTEM;
}

void log_close(struct log *log) {
  if (log == NULL)
    return;
  if (log->file >= 0)
    close(log->file);
  free(log);
}
