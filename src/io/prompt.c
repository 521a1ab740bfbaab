// SPDX-License-Identifier: Apache-2.0
#include "io/prompt.h"

#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <editline/readline.h>

#include "io/screen.h"

static struct {
  bool begun, open;
  bool reading; /* inside libedit: it draws by itself */
  struct termios before;
  void (*on_line)(const char *line);
} prompt;

static void take_line(char *line) {
  /* libedit has ended the line; the prompt is closed while the line is looked at, so that what is
   * said about it stands below. */
  prompt.reading = false;
  prompt_open(false);
  if (line != NULL && line[0] != '\0')
    add_history(line);
  prompt.on_line(line);
  free(line);
}

static void step_aside(void) {
  if (prompt.open && !prompt.reading)
    fputs("\r\033[K", stderr);
}

static void come_back(void) {
  if (prompt.open && !prompt.reading)
    rl_forced_update_display();
}

void prompt_begin(void (*on_line)(const char *line)) {
  tcgetattr(STDIN_FILENO, &prompt.before);
  prompt.begun = true;
  prompt.on_line = on_line;
  rl_readline_name = "bob";
  rl_instream = stdin;
  rl_outstream = stderr;
  screen_on_print(step_aside, come_back);
  prompt_open(false);
}

/* What is typed while the prompt is closed waits in the terminal, unseen. */
static void hide_typing(void) {
  struct termios quiet = prompt.before;
  quiet.c_lflag &= (tcflag_t)~ECHO;
  tcsetattr(STDIN_FILENO, TCSADRAIN, &quiet);
}

void prompt_open(bool open) {
  if (!prompt.begun)
    return;
  if (open && !prompt.open) {
    tcsetattr(STDIN_FILENO, TCSADRAIN, &prompt.before);
    rl_callback_handler_install("", take_line);
  } else if (!open && prompt.open) {
    rl_callback_handler_remove();
  }
  if (!open)
    hide_typing();
  prompt.open = open;
}

void prompt_lend(bool lent) {
  if (!prompt.begun)
    return;
  if (lent)
    tcsetattr(STDIN_FILENO, TCSADRAIN, &prompt.before);
  else
    hide_typing();
}

void prompt_read(void) {
  prompt.reading = true;
  rl_callback_read_char();
  prompt.reading = false;
}

void prompt_resized(void) {
  if (prompt.open)
    rl_resize_terminal();
}

void prompt_end(void) {
  if (!prompt.begun)
    return;
  prompt_open(false);
  prompt.begun = false;
  screen_on_print(NULL, NULL);
  tcsetattr(STDIN_FILENO, TCSADRAIN, &prompt.before);
}
