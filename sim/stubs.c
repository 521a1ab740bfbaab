// SPDX-License-Identifier: Apache-2.0
#include "stubs.h"

#include <stdarg.h>
#include <stdio.h>

#include "io/clock.h"
#include "io/screen.h"

/* What journal.c, guest_log.c and outbox.c of src/io want from the system: the clock of the machine
 * that they run on, and a screen. */

static struct world *here;

void stubs_use(struct world *world) {
  here = world;
}

struct now clock_now(void) {
  return host_now(here->current);
}

int clock_offset_min(uint64_t wall_us) {
  (void)wall_us;
  return here->setting.sender.offset_min;
}

void screen_error(const char *format, ...) {
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  trace(here, HOST_NAMES[here->current->side], "%s", line);
}

void screen_status(const char *format, ...) {
  (void)format;
}

bool screen_json_on(void) {
  return false;
}

void screen_json(json_t *object) {
  (void)object;
}

json_t *screen_time_json(uint64_t wall_us) {
  (void)wall_us;
  return NULL;
}
