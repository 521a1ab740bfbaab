// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_IO_SCREEN_H
#define AVOW_IO_SCREEN_H

#include <jansson.h>

#include "base/bytes.h"
#include "core/event.h"

/* What people and programs read: stdout is data, stderr is status.  There is one screen. */
struct screen_options {
  const char *program;
  bool json;    /* one object per event on stdout, instead of texts */
  bool quiet;   /* only errors and incidents */
  bool verbose; /* details, too */
};

/** screen_init(options): Before any other call. */
void screen_init(const struct screen_options *options);

/** screen_stdout_is_terminal(): Whether a person reads the data. */
bool screen_stdout_is_terminal(void);

/** screen_status(format, ...): A line of status; not when quiet. */
void screen_status(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** screen_detail(format, ...): A line for the curious; only when verbose. */
void screen_detail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** screen_alarm(format, ...): A line that must be seen: an incident, a changed key. */
void screen_alarm(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** screen_error(format, ...): A line that begins with the program's name. */
void screen_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/**
 * screen_progress(text):
 * Show ${text} on a line of its own that the next call overwrites, or that any other output ends.
 * Where stderr is no terminal, only the first of a series is printed.
 */
void screen_progress(const char *text);

/* The end of a word that is counted: "1 message", "2 messages". */
#define PLURAL(count) ((count) == 1 ? "" : "s")

/** screen_incident(event): An EVENT_INCIDENT, as text and as JSON. */
void screen_incident(const struct event *event);

/** screen_json(object): With json: print ${object} on a line.  Takes it over in any case. */
void screen_json(json_t *object);

/** screen_json_text(object, text): Add it as "text", or as "text_base64" if it is not UTF-8. */
void screen_json_text(json_t *object, struct view text);

/** screen_json_on(): Whether screen_json prints: build large objects only then. */
bool screen_json_on(void);

/**
 * screen_data(bytes):
 * Write to stdout; screen_flush is due before anything is waited for.  Returns AVOW_SYSTEM with
 * errno if nobody takes it.
 */
enum avow_error screen_data(struct view bytes);

/** screen_flush(): Let go of all that screen_data has.  Returns AVOW_SYSTEM with errno. */
enum avow_error screen_flush(void);

/** screen_time_json(wall_us): Return the time as RFC 3339 in UTC, as a JSON string. */
json_t *screen_time_json(uint64_t wall_us);

/** screen_harmless(text): Replace in ${text} what must not reach a terminal with question marks;
 * what stays is UTF-8. */
void screen_harmless(char *text);

/** screen_on_print(before, after): Call these around every output: the prompt steps aside. */
void screen_on_print(void (*before)(void), void (*after)(void));

#endif
