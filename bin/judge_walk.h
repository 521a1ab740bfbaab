// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_BIN_JUDGE_WALK_H
#define AVOW_BIN_JUDGE_WALK_H

#include "evidence/replay.h"
#include "judge.h"

/* Takes the next record; ${ret_enough} ends the walk. */
typedef enum avow_error walk_taker(void *context, const struct record *record, bool *ret_enough);

/**
 * walk_log(path, take, context, ret_finished):
 * Read the log ${path} from its start, and give each record of its finished chunks.  Every error is
 * said, with what is wrong where; then it returns JUDGE_USAGE, or JUDGE_REFUTED for a log
 * that is damaged.  ${ret_finished} gets the bytes in finished chunks; it may be NULL.
 */
enum judge_code walk_log(const char *path, walk_taker *take, void *context, uint64_t *ret_finished);

/** walk_open(path, ret_fd): Open a log to be read; errors as walk_log, said. */
enum judge_code walk_open(const char *path, int *ret_fd);

/** walk_read(fd, path, room, size, ret_got): Read up to ${size} bytes; none is the end.  Errors as
 * walk_log, said. */
enum judge_code walk_read(int fd, const char *path, uint8_t *room, size_t size, size_t *ret_got);

#endif
