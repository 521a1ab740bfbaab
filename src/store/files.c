// SPDX-License-Identifier: Apache-2.0
#include "base/mutant.h"
#include "store/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* More digits than a log's name has. */
#define NAME_MAX_DIGITS 32u

struct store {
  int folder;
};

struct log {
  int file;
  off_t size;
  off_t synced; /* so much of it is durable, or was there before */
  int failed;   /* errno of a failed sync; 0: none */
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

static int open_folder(const char *path) {
  return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Take over ${folder}, if it is ${good}, else close it. */
static enum avow_error store_new(struct store **ret, int folder, bool good) {
  struct store *store = good ? malloc(sizeof *store) : NULL;
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

enum avow_error store_open(struct store **ret, const char *path) {
  bool made = mkdir(path, 0700) == 0;
  if (!made && errno != EEXIST)
    return AVOW_SYSTEM;
  int folder = open_folder(path);
  if (folder < 0)
    return AVOW_SYSTEM;
  /* One that is there may have been made a moment ago, by a program that was killed before it could
   * sync.  Whoever may not look into the parent did not make it. */
  return store_new(ret, folder, safe_folder(folder) && (sync_parent(folder) == 0 || !made));
}

enum avow_error store_look(struct store **ret, const char *path) {
  int folder = open_folder(path);
  if (folder < 0)
    return errno == ENOENT ? AVOW_NOT_FOUND : AVOW_SYSTEM;
  return store_new(ret, folder, safe_folder(folder));
}

void store_close(struct store *store) {
  if (store != NULL)
    close(store->folder);
  free(store);
}

static int compare_names(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "20261122182736951090.log": only digits before the ending. */
static bool is_log_name(const char *name) {
  size_t digits = strspn(name, "0123456789");
  return digits > 0 && digits < NAME_MAX_DIGITS && strcmp(name + digits, ".log") == 0;
}

static enum avow_error append_sorted(char **names, size_t count, struct buf *out) {
  enum avow_error error = AVOW_OK;
  qsort(names, count, sizeof *names, compare_names);
  for (size_t i = 0; i < count && error == AVOW_OK; i++)
    error = buf_format(out, "%.*s\n", (int)(strlen(names[i]) - 4), names[i]);
  return error;
}

enum avow_error store_names(struct store *store, struct buf *out) {
  int fd = openat(store->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *folder = fd < 0 ? NULL : fdopendir(fd);
  if (folder == NULL)
    return AVOW_SYSTEM;
  char **names = NULL;
  size_t count = 0, capacity = 0;
  enum avow_error error = AVOW_OK;
  for (struct dirent *entry; error == AVOW_OK && (entry = readdir(folder)) != NULL;) {
    if (!is_log_name(entry->d_name))
      continue;
    if (count == capacity) {
      capacity = capacity * 2 + 64;
      char **more = realloc(names, capacity * sizeof *names);
      if (more == NULL) {
        error = AVOW_NO_MEMORY;
        break;
      }
      names = more;
    }
    names[count] = strdup(entry->d_name);
    if (names[count] == NULL)
      error = AVOW_NO_MEMORY;
    else
      count++;
  }
  closedir(folder);
  if (error == AVOW_OK && count > 0)
    error = append_sorted(names, count, out);
  for (size_t i = 0; i < count; i++)
    free(names[i]);
  free(names);
  return error;
}

/* What others may have written is no evidence, and what they may read was not meant for them.  A
 * second name may stand in a folder of theirs. */
static bool safe_file(int file) {
  struct stat status;
  if (fstat(file, &status) != 0)
    return false;
  bool ours = status.st_uid == geteuid() && (status.st_mode & (S_IRWXG | S_IRWXO)) == 0;
  errno = !S_ISREG(status.st_mode) ? EISDIR : !ours ? EPERM : EMLINK;
  return S_ISREG(status.st_mode) && ours && status.st_nlink == 1;
}

static enum avow_error open_file(struct log **ret, struct store *store, const char *name,
                                 int flags) {
  char file_name[64];
  snprintf(file_name, sizeof file_name, "%s.log", name);
  struct log *log = calloc(1, sizeof *log);
  if (log == NULL)
    return AVOW_NO_MEMORY;
  /* O_NONBLOCK is for what is no file: a pipe would keep us waiting. */
  flags |= O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  log->file = openat(store->folder, file_name, flags, 0600);
  if (log->file < 0 || !safe_file(log->file)) {
    bool none = log->file < 0 && errno == ENOENT;
    int reason = errno;
    log_close(log);
    errno = reason;
    return none ? AVOW_NOT_FOUND : AVOW_SYSTEM;
  }
  log->size = log->synced = lseek(log->file, 0, SEEK_END);
  *ret = log;
  return AVOW_OK;
}

enum avow_error log_create(struct log **ret, struct store *store, const char *name) {
  struct log *log;
  enum avow_error error = open_file(&log, store, name, O_RDWR | O_CREAT | O_EXCL);
  if (error != AVOW_OK)
    return error;
  error = log_lock(log);
  if (error == AVOW_OK && !MUTANT(25) && fsync(store->folder) != 0)
    error = AVOW_SYSTEM;
  if (error == AVOW_OK) {
    *ret = log;
    return AVOW_OK;
  }
  int reason = errno;
  log_close(log);
  errno = reason;
  return error;
}

enum avow_error log_open(struct log **ret, struct store *store, const char *name) {
  return open_file(ret, store, name, O_RDWR);
}

enum avow_error log_look(struct log **ret, struct store *store, const char *name) {
  return open_file(ret, store, name, O_RDONLY);
}

enum avow_error log_lock(struct log *log) {
  if (flock(log->file, LOCK_EX | LOCK_NB) != 0)
    return errno == EWOULDBLOCK ? AVOW_BUSY : AVOW_SYSTEM;
  log->size = log->synced = lseek(log->file, 0, SEEK_END);
  return AVOW_OK;
}

uint64_t log_size(const struct log *log) {
  return (uint64_t)log->size;
}

enum avow_error log_read(struct log *log, uint64_t offset, uint8_t *bytes, size_t size,
                         size_t *ret_size) {
  ssize_t got;
  do
    got = pread(log->file, bytes, size, (off_t)offset);
  while (got < 0 && errno == EINTR);
  if (got < 0)
    return AVOW_SYSTEM;
  *ret_size = (size_t)got;
  return AVOW_OK;
}

enum avow_error log_truncate(struct log *log, uint64_t size) {
  if (ftruncate(log->file, (off_t)size) != 0)
    return AVOW_SYSTEM;
  log->size = log->synced = (off_t)size;
  return log_sync(log);
}

/* A part of what was not synced would be a torn record, and the system may have dropped more of it
 * than it tells.  Whoever opens the log again should read what is on the disk, and not in memory.
 */
static enum avow_error fail(struct log *log) {
  log->failed = errno;
  (void)!ftruncate(log->file, log->synced);
  (void)posix_fadvise(log->file, 0, 0, POSIX_FADV_DONTNEED);
  errno = log->failed;
  return AVOW_SYSTEM;
}

static enum avow_error failed_before(const struct log *log) {
  errno = log->failed;
  return AVOW_SYSTEM;
}

enum avow_error log_append(struct log *log, struct view bytes) {
  if (log->failed != 0)
    return failed_before(log);
  size_t done = 0;
  while (done < bytes.size) {
    ssize_t written = write(log->file, bytes.data + done, bytes.size - done);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return fail(log);
    done += (size_t)written;
  }
  log->size += (off_t)bytes.size;
  return AVOW_OK;
}

enum avow_error log_hasten(struct log *log) {
  if (log->failed != 0)
    return failed_before(log);
  if (sync_file_range(log->file, log->synced, log->size - log->synced, SYNC_FILE_RANGE_WRITE) == 0)
    return AVOW_OK;
  bool unknown =
      errno == ENOSYS || errno == EINVAL || errno == ESPIPE; /* then log_sync does it all */
  return unknown ? AVOW_OK : fail(log);
}

enum avow_error log_sync(struct log *log) {
  if (log->failed != 0)
    return failed_before(log);
  if (fdatasync(log->file) != 0) {
    enum avow_error error = fail(log);
    log->failed = MUTANT(26) ? 0 : log->failed;
    return error;
  }
  log->synced = log->size;
  return AVOW_OK;
}

void log_close(struct log *log) {
  if (log == NULL)
    return;
  if (log->file >= 0)
    close(log->file);
  free(log);
}
