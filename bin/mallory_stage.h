// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_BIN_MALLORY_STAGE_H
#define AVOW_BIN_MALLORY_STAGE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/bytes.h"

/* Where the matrix plays: a private folder, and real programs as processes in it.  Whatever is
 * started here dies with the one who started it. */

#define STAGE_PATH_MAX 512
#define STAGE_ARGS_MAX 24

struct actor {
  pid_t pid;  /* 0: not there */
  int status; /* exit status once it has ended; -1 if it was killed */
  int input;  /* its standard input, or -1 */
  char out[STAGE_PATH_MAX], err[STAGE_PATH_MAX]; /* what it writes there; each start appends */
};

/** stage_programs(ret_folder, size): Find the folder of our own program, where alice and bob stand
 * as well; false, said. */
bool stage_programs(char *ret_folder, size_t size);

/**
 * stage_start(actor, program, folder, as, args, with_input):
 * Run ${program} in ${folder}, which is its home too and is made if it is not there; its output
 * goes to files there named after ${as}.  False if that cannot be.
 */
bool stage_start(struct actor *actor, const char *program, const char *folder, const char *as,
                 const char *const *args, bool with_input);

/** stage_wait(actor, seconds): Wait for its end; false if it is still there. */
bool stage_wait(struct actor *actor, double seconds);

/** stage_stop(actor, number, seconds): Send the signal, and wait; kill what does not end. */
void stage_stop(struct actor *actor, int number, double seconds);

/** stage_say(actor, text): Write a line to its input. */
void stage_say(struct actor *actor, const char *text);

/** stage_hush(actor): Its input has ended. */
void stage_hush(struct actor *actor);

/** stage_read(path, ret): Append the file to ${ret}; nothing if it cannot be read. */
void stage_read(const char *path, struct buf *ret);

/** stage_sees(path, text, seconds): Wait until the file has the text; whether it came. */
bool stage_sees(const char *path, const char *text, double seconds);

/** stage_there(path, seconds): Wait until there is such a file; whether it came. */
bool stage_there(const char *path, double seconds);

/** stage_logs(folder, ret): Append all logs of the folder, in the order of their names. */
void stage_logs(const char *folder, struct buf *ret);

/** stage_remove(folder): Remove it with all that is in it. */
void stage_remove(const char *folder);

/** stage_pause(seconds): Do nothing for so long. */
void stage_pause(double seconds);

#endif
