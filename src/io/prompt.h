// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_IO_PROMPT_H
#define AVOW_IO_PROMPT_H

#include <stdbool.h>

#include "base/bytes.h"

/* A person's line at the terminal, with editing and history (libedit).  There is one prompt; it
 * reads stdin and writes stderr.  History is in memory only: messages are nobody else's business.
 */

/** prompt_begin(on_line): From now on ${on_line} may be called, from prompt_read.  At the end of
 * input (Ctrl-D) it gets NULL. */
void prompt_begin(void (*on_line)(const char *line));

/** prompt_open(open): Let the person type, or not: then the terminal shows nothing typed. */
void prompt_open(bool open);

/** prompt_lend(lent): Lend the terminal, as it was before, to somebody who reads a line by himself
 * while the prompt is closed; or take it back. */
void prompt_lend(bool lent);

/** prompt_read(): A key was pressed: stdin is readable. */
void prompt_read(void);

/** prompt_resized(): The window has another size. */
void prompt_resized(void);

/** prompt_end(): Give the terminal back as it was. */
void prompt_end(void);

#endif
