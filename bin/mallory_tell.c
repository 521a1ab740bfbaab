// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/screen.h"
#include "mallory.h"

static bool deaf;

/* A write that failed is said once; the line goes on. */
static void write_line(const char *line) {
  if (!deaf && (screen_data(view_text(line)) != AVOW_OK || screen_flush() != AVOW_OK)) {
    deaf = true;
    screen_error("cannot write to standard output: %s. I stay on the line, but tell nothing more.",
                 strerror(errno));
  }
}

void mallory_say(json_t *object, const char *format, ...) {
  char text[512] = "Mallory: ";
  size_t start = strlen(text);
  va_list args;
  if (screen_json_on()) {
    char *line = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;
    if (line != NULL) {
      write_line(line);
      write_line("\n");
    }
    free(line);
  } else {
    va_start(args, format);
    vsnprintf(text + start, sizeof text - start - 1, format, args);
    va_end(args);
    text[strlen(text) + 1] = '\0';
    text[strlen(text)] = '\n';
    write_line(text);
  }
  json_decref(object);
}

bool mallory_deaf(void) {
  return deaf;
}

void mallory_tell(const struct relay_event *event) {
  char text[256];
  event_text(event, text, sizeof text);
  mallory_say(json_pack("{s:s, s:s, s:s, s:i, s:s, s:s, s:I, s:I, s:s}", "event",
                        event->attack != NULL ? "attack" : "line", "attack",
                        event->attack != NULL ? event->attack->kind->name : "", "act",
                        act_name(event->act), "connection", (int)event->connection, "to",
                        event->way == TO_ALICE ? "alice" : "bob", "frame",
                        frame_type_name(event->type), "nth", (json_int_t)event->nth, "size",
                        (json_int_t)event->size, "text", text),
              "%s", text);
}
