// SPDX-License-Identifier: Apache-2.0
#include "io/input.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "io/prompt.h"

/* libedit calls back without a cookie, and there is one standard input. */
static struct input *the_input;

static void typed(const char *line) {
  struct input *input = the_input;
  if (line == NULL) {
    input_on(input, false);
    input->calls->on_end(input->owner, 0, 0);
  } else {
    input->calls->on_line(input->owner, view_text(line));
    input->calls->on_pause(input->owner);
    prompt_open(input->on); /* the prompt closed itself for the line */
  }
}

/* Give out whole lines as long as they are wanted; return whether there are no more. */
static bool give_lines(struct input *input) {
  struct view line;
  bool drained = false;
  while (input->on) {
    switch (lines_next(&input->lines, &line)) {
    case LINES_LINE:
      if (!input->calls->on_line(input->owner, line))
        break;
      continue;
    case LINES_TOO_LONG:
      input_on(input, false);
      input->calls->on_end(input->owner, EFBIG, input->lines.number);
      break;
    case LINES_END:
      input_on(input, false);
      input->calls->on_end(input->owner, 0, 0);
      break;
    case LINES_MORE: drained = true; break;
    }
    break;
  }
  input->calls->on_pause(input->owner); /* which may want more at once */
  return drained;
}

static void on_idle(uv_idle_t *idle);

/* Only when all lines have been given: there is room for one chunk more. */
static void read_some(struct input *input) {
  uint8_t *room;
  if (lines_room(&input->lines, &room) != AVOW_OK) {
    input_on(input, false);
    input->calls->on_end(input->owner, ENOMEM, 0);
    return;
  }
  ssize_t size = read(STDIN_FILENO, room, LINES_CHUNK);
  if (size > 0) {
    lines_fill(&input->lines, (size_t)size);
  } else if (size == 0) {
    lines_end(&input->lines);
  } else if (errno != EAGAIN && errno != EINTR) {
    int reason = errno;
    input_on(input, false);
    input->calls->on_end(input->owner, reason, 0);
    return;
  }
  if (!give_lines(input) && input->on)
    uv_idle_start(&input->idle, on_idle); /* some are left, and wanted again */
}

static void on_readable(uv_poll_t *poll, int error, int events) {
  (void)events;
  struct input *input = poll->data;
  if (!input->on || uv_is_active((uv_handle_t *)&input->idle))
    return;
  if (input->person && error == 0)
    prompt_read();
  else
    read_some(input); /* read() tells what the error is */
}

/* Lines that are here already are given out before more is read; the poll would not tell of them.
 */
static void on_idle(uv_idle_t *idle) {
  struct input *input = idle->data;
  bool drained = give_lines(input);
  if (drained && input->pollable)
    uv_idle_stop(idle); /* the poll goes on */
  else if (drained && input->on)
    read_some(input);
}

static void on_resize(uv_signal_t *handle, int number) {
  (void)handle;
  (void)number;
  prompt_resized();
}

bool input_is_person(void) {
  return isatty(STDIN_FILENO) == 1;
}

int input_begin(struct input *input, uv_loop_t *loop, size_t line_max,
                const struct input_calls *calls, void *owner) {
  *input = (struct input){.owner = owner, .calls = calls, .person = input_is_person()};
  input->poll.data = input->idle.data = input->resize.data = input;
  lines_init(&input->lines, line_max);
  the_input = input;
  int error = uv_idle_init(loop, &input->idle);
  if (error == 0)
    error = uv_signal_init(loop, &input->resize);
  if (error != 0)
    return error;
  input->flags = fcntl(STDIN_FILENO, F_GETFL);
  input->pollable = uv_poll_init(loop, &input->poll, STDIN_FILENO) == 0;
  input->handles = input->pollable ? 3 : 2;
  if (input->person) {
    prompt_begin(typed);
    uv_signal_start(&input->resize, on_resize, SIGWINCH);
  }
  return 0;
}

void input_on(struct input *input, bool on) {
  if (on == input->on)
    return;
  input->on = on;
  if (input->person)
    prompt_open(on);
  if (on && !input->person)
    uv_idle_start(&input->idle, on_idle);
  else
    uv_idle_stop(&input->idle);
  if (on && input->pollable)
    uv_poll_start(&input->poll, UV_READABLE, on_readable);
  else if (input->pollable)
    uv_poll_stop(&input->poll);
}

static void closed(uv_handle_t *handle) {
  struct input *input = handle->data;
  if (--input->handles > 0)
    return;
  /* Whoever shares the terminal or the pipe with us would find it non-blocking. */
  if (input->flags >= 0)
    fcntl(STDIN_FILENO, F_SETFL, input->flags);
  lines_free(&input->lines);
  input->on_closed(input->owner);
}

void input_end(struct input *input, void (*on_closed)(void *owner)) {
  input_on(input, false);
  prompt_end();
  input->on_closed = on_closed;
  uv_close((uv_handle_t *)&input->idle, closed);
  uv_close((uv_handle_t *)&input->resize, closed);
  if (input->pollable)
    uv_close((uv_handle_t *)&input->poll, closed);
}
