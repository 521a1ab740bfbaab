// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_IO_INPUT_H
#define AVOW_IO_INPUT_H

#include <uv.h>

#include "io/lines.h"

/* Standard input on the loop: a person's lines from the prompt, or a pipe's or file's. */
struct input {
  uv_poll_t poll;
  uv_idle_t idle; /* for what cannot be polled: a file */
  uv_signal_t resize;
  struct lines lines;
  bool person;
  bool pollable;
  int flags; /* of the file, before the loop changed them */
  bool on;
  int handles;
  void *owner;
  const struct input_calls *calls;
  void (*on_closed)(void *owner);
};

struct input_calls {
  /* One line, without its end; false: no more now, input_on(false) has been called. */
  bool (*on_line)(void *owner, struct view line);
  /* The end of input; error 0, EFBIG for line ${number} being too long, or an errno. */
  void (*on_end)(void *owner, int error, uint64_t number);
  /* All lines that were there have been given. */
  void (*on_pause)(void *owner);
};

/** input_is_person(): Whether standard input is a terminal. */
bool input_is_person(void);

/** input_begin(input, loop, line_max, calls, owner): Get ready; nothing is read yet.  A pipe's line
 * has at most ${line_max} bytes.  Returns 0 or a libuv error. */
int input_begin(struct input *input, uv_loop_t *loop, size_t line_max,
                const struct input_calls *calls, void *owner);

/** input_on(input, on): Read or do not; at a terminal, open or close the prompt. */
void input_on(struct input *input, bool on);

/** input_end(input, on_closed): Close all; the terminal is as it was. */
void input_end(struct input *input, void (*on_closed)(void *owner));

#endif
