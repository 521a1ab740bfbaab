// SPDX-License-Identifier: Apache-2.0
#include "judge_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/screen.h"

#define PIECE (256u * 1024u)

enum judge_code walk_open(const char *path, int *ret_fd) {
  struct stat status;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
    *ret_fd = fd;
    return JUDGE_PROVEN;
  }
  screen_error("cannot read the log %s: %s.", path, fd < 0 ? strerror(errno) : "it is not a file");
  if (fd >= 0)
    close(fd);
  return JUDGE_USAGE;
}

enum judge_code walk_read(int fd, const char *path, uint8_t *room, size_t size, size_t *ret_got) {
  for (;;) {
    ssize_t got = read(fd, room, size);
    if (got >= 0) {
      *ret_got = (size_t)got;
      return JUDGE_PROVEN;
    }
    if (errno == EINTR)
      continue;
    screen_error("cannot read the log %s: %s.", path, strerror(errno));
    return JUDGE_USAGE;
  }
}

static enum judge_code say(const char *path, const struct replay *replay, enum avow_error error) {
  if (error != AVOW_MALFORMED && error != AVOW_TOO_LONG) {
    screen_error("cannot read the log %s: %s.", path, avow_error_text(error));
    return JUDGE_USAGE;
  }
  screen_error("%s is damaged at line %" PRIu64 ": %s.", path, replay_line(replay),
               replay_reason(replay));
  return JUDGE_REFUTED;
}

/* The records that are there now. */
static enum avow_error take_all(struct replay *replay, walk_taker *take, void *context,
                                bool *enough) {
  struct record record;
  enum avow_error error;
  while (!*enough && (error = replay_next(replay, &record)) != AVOW_NOT_FOUND) {
    if (error == AVOW_OK)
      error = take(context, &record, enough);
    if (error != AVOW_OK)
      return error;
  }
  return AVOW_OK;
}

static enum judge_code walk(int fd, const char *path, uint8_t *room, struct replay *replay,
                            walk_taker *take, void *context) {
  bool enough = false;
  size_t got = 1;
  while (!enough && got > 0) {
    enum judge_code code = walk_read(fd, path, room, PIECE, &got);
    if (code != JUDGE_PROVEN)
      return code;
    enum avow_error error = replay_input(replay, view_of(room, got));
    if (error == AVOW_OK)
      error = take_all(replay, take, context, &enough);
    if (error == AVOW_OK && got == 0 && !enough)
      error = replay_end(replay);
    if (error != AVOW_OK)
      return say(path, replay, error);
  }
  return JUDGE_PROVEN;
}

enum judge_code walk_log(const char *path, walk_taker *take, void *context,
                         uint64_t *ret_finished) {
  struct replay *replay = NULL;
  int fd = -1;
  enum judge_code code = walk_open(path, &fd);
  if (code != JUDGE_PROVEN)
    return code;
  uint8_t *room = malloc(PIECE);
  enum avow_error error = room != NULL ? replay_new(&replay) : AVOW_NO_MEMORY;
  if (error == AVOW_OK) {
    code = walk(fd, path, room, replay, take, context);
    if (ret_finished != NULL)
      *ret_finished = replay_finished(replay);
  } else {
    screen_error("cannot read the log %s: %s.", path, avow_error_text(error));
    code = JUDGE_USAGE;
  }
  replay_free(replay);
  free(room);
  close(fd);
  return code;
}
