// SPDX-License-Identifier: Apache-2.0
#include "io/log_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Facts that are being checked at once. */
#define ROW_MAX 512u
/* Read at once. */
#define READ_SIZE (256u * 1024u)

/* Facts go through a row: they are put in as they are read, and taken out in the same order when
 * their claims have been checked.  Messages have none: they pass by it. */
struct log_reader {
  int fd;
  struct audit *audit;
  struct crew *crew;
  struct work *row;
  unsigned first, count;
  uint64_t size;
  bool read_all; /* the file, or all that can be ruled on of it */
  bool over;     /* a claim was wrong: nothing behind it counts */
  uint8_t *buffer;
};

enum avow_error log_reader_open(struct log_reader **ret, const char *path,
                                const struct audit_options *options, struct crew *crew) {
  struct log_reader *reader = calloc(1, sizeof *reader);
  struct stat stat;
  if (reader == NULL)
    return AVOW_NO_MEMORY;
  reader->crew = crew;
  reader->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  enum avow_error error = reader->fd >= 0 && fstat(reader->fd, &stat) == 0 ? AVOW_OK : AVOW_SYSTEM;
  if (error == AVOW_OK && !S_ISREG(stat.st_mode)) {
    errno = S_ISDIR(stat.st_mode) ? EISDIR : EINVAL;
    error = AVOW_SYSTEM;
  }
  if (error == AVOW_OK) {
    reader->row = calloc(ROW_MAX, sizeof *reader->row);
    reader->buffer = malloc(READ_SIZE);
    error = reader->row == NULL || reader->buffer == NULL ? AVOW_NO_MEMORY
                                                          : audit_new(&reader->audit, options);
  }
  if (error == AVOW_OK) {
    posix_fadvise(reader->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    *ret = reader;
    return AVOW_OK;
  }
  int reason = errno;
  log_reader_close(reader);
  errno = reason;
  return error;
}

void log_reader_close(struct log_reader *reader) {
  if (reader == NULL)
    return;
  for (unsigned i = 0; i < reader->count; i++)
    crew_wait(reader->crew, &reader->row[(reader->first + i) % ROW_MAX]);
  if (reader->fd >= 0)
    close(reader->fd);
  audit_free(reader->audit);
  free(reader->row);
  free(reader->buffer);
  free(reader);
}

/* Give the audit more of the file; at its end, say so. */
static enum avow_error read_more(struct log_reader *reader) {
  ssize_t size;
  do
    size = read(reader->fd, reader->buffer, READ_SIZE);
  while (size < 0 && errno == EINTR);
  if (size < 0)
    return AVOW_SYSTEM;
  reader->size += (uint64_t)size;
  if (size > 0)
    return audit_input(reader->audit, view_of(reader->buffer, (size_t)size));
  reader->read_all = true;
  return audit_end(reader->audit);
}

/* The next fact from the audit, read on as far as it needs; AVOW_NOT_FOUND behind the last one. */
static enum avow_error pull(struct log_reader *reader, struct fact *ret) {
  enum avow_error error = AVOW_NOT_FOUND;
  while (!reader->read_all) {
    error = audit_next(reader->audit, ret);
    if (error == AVOW_NOT_FOUND)
      error = read_more(reader);
    else if (error == AVOW_OK)
      return AVOW_OK;
    if (error == AVOW_MALFORMED)
      reader->read_all = true;
    else if (error != AVOW_OK)
      return error;
  }
  return AVOW_NOT_FOUND;
}

/* Take the first fact out of the row. */
static enum avow_error take(struct log_reader *reader, const struct fact **ret) {
  struct work *work = &reader->row[reader->first];
  crew_wait(reader->crew, work);
  reader->first = (reader->first + 1) % ROW_MAX;
  reader->count--;
  for (unsigned i = 0; i < work->fact.claims_count; i++) {
    if (work->errors[i] == AVOW_OK)
      continue;
    if (work->errors[i] != AVOW_NOT_AUTHENTIC)
      return work->errors[i];
    audit_refuse(reader->audit, &work->fact.claims[i]);
    reader->over = true;
    return AVOW_NOT_FOUND;
  }
  *ret = &work->fact;
  return AVOW_OK;
}

enum avow_error log_reader_next(struct log_reader *reader, const struct fact **ret) {
  while (!reader->over && !reader->read_all && reader->count < ROW_MAX) {
    struct work *work = &reader->row[(reader->first + reader->count) % ROW_MAX];
    enum avow_error error = pull(reader, &work->fact);
    if (error == AVOW_NOT_FOUND)
      break;
    if (error != AVOW_OK)
      return error;
    if (work->fact.record.type == RECORD_MESSAGE) {
      *ret = &work->fact;
      return AVOW_OK;
    }
    reader->count++;
    crew_give(reader->crew, work);
  }
  return reader->over || reader->count == 0 ? AVOW_NOT_FOUND : take(reader, ret);
}

const struct fault *log_reader_fault(const struct log_reader *reader) {
  return audit_fault(reader->audit);
}

const struct audit *log_reader_audit(const struct log_reader *reader) {
  return reader->audit;
}

uint64_t log_reader_size(const struct log_reader *reader) {
  return reader->size;
}

bool log_reader_uncovered(const struct log_reader *reader) {
  return log_reader_fault(reader)->kind == FAULT_NONE &&
         reader->size > audit_finished(reader->audit);
}
