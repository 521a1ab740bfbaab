// SPDX-License-Identifier: Apache-2.0
#include "io/screen.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/when.h"
#include "evidence/escape.h"

static struct {
  struct screen_options options;
  bool out_terminal, err_terminal, colour;
  bool progress; /* the line on stderr is not ended */
  bool deaf;     /* whoever reads the JSON is gone, and that was said */
  void (*before)(void);
  void (*after)(void);
} screen;

void screen_init(const struct screen_options *options) {
  const char *no_color = getenv("NO_COLOR");
  const char *term = getenv("TERM");
  static char out[64 * 1024]; /* flushed when all that was confirmed together has been shown */
  screen.options = *options;
  screen.out_terminal = isatty(STDOUT_FILENO) == 1;
  screen.err_terminal = isatty(STDERR_FILENO) == 1;
  if (!screen.out_terminal)
    setvbuf(stdout, out, _IOFBF, sizeof out);
  screen.colour = screen.err_terminal && (no_color == NULL || no_color[0] == '\0') &&
                  term != NULL && strcmp(term, "dumb") != 0;
}

bool screen_stdout_is_terminal(void) {
  return screen.out_terminal;
}

bool screen_json_on(void) {
  return screen.options.json;
}

void screen_on_print(void (*before)(void), void (*after)(void)) {
  screen.before = before;
  screen.after = after;
}

static void begin(void) {
  if (screen.before != NULL)
    screen.before();
  if (screen.progress && screen.err_terminal)
    fputc('\n', stderr);
  screen.progress = false;
}

static void end(void) {
  fflush(stderr);
  if (screen.after != NULL)
    screen.after();
}

static void line(const char *prefix, const char *suffix, const char *format, va_list args) {
  begin();
  fputs(prefix, stderr);
  vfprintf(stderr, format, args);
  fprintf(stderr, "%s\n", suffix);
  end();
}

#define LINE(prefix, suffix)                                                                       \
  do {                                                                                             \
    va_list args;                                                                                  \
    va_start(args, format);                                                                        \
    line(prefix, suffix, format, args);                                                            \
    va_end(args);                                                                                  \
  } while (0)

void screen_status(const char *format, ...) {
  if (!screen.options.quiet)
    LINE("", "");
}

void screen_detail(const char *format, ...) {
  if (screen.options.verbose)
    LINE("", "");
}

void screen_alarm(const char *format, ...) {
  LINE(screen.colour ? "\033[1;31m" : "", screen.colour ? "\033[0m" : "");
}

void screen_error(const char *format, ...) {
  char prefix[32];
  snprintf(prefix, sizeof prefix, "%s: ", screen.options.program);
  LINE(prefix, "");
}

void screen_progress(const char *text) {
  if (screen.options.quiet)
    return;
  if (screen.err_terminal)
    fprintf(stderr, "\r\033[K%s", text);
  else if (!screen.progress)
    fprintf(stderr, "%s\n", text);
  screen.progress = true;
  fflush(stderr);
}

void screen_incident(const struct event *event) {
  const char *attack = verdict_attack(event->verdict);
  /* "No confirmation received from the server. Resending message." stands there already. */
  bool said = event->verdict == VERDICT_UNCONFIRMED && !screen.options.quiet;
  if (event->verdict == VERDICT_DUPLICATE)
    screen_status("%s", event->what); /* a retransmission is no attack */
  else if (!said && event->count > 1)
    screen_alarm("%s (%llu times)", event->what, (unsigned long long)event->count);
  else if (!said)
    screen_alarm("%s", event->what);
  if (!said && attack[0] != '\0')
    screen_alarm("%s", attack);
  screen_json(json_pack("{s:s, s:s, s:s, s:s, s:I}", "event", "incident", "verdict",
                        verdict_name(event->verdict), "what", event->what, "attack", attack,
                        "count", (json_int_t)event->count));
}

json_t *screen_time_json(uint64_t wall_us) {
  char text[WHEN_TEXT_SIZE];
  when_text(wall_us, 0, text); /* "2026-11-22 18:27:36.951090 +0000" */
  text[10] = 'T';
  text[26] = 'Z';
  return json_stringn(text, 27);
}

void screen_json_text(json_t *object, struct view text) {
  json_t *value = json_stringn((const char *)text.data, text.size); /* NULL if it is not UTF-8 */
  if (value != NULL) {
    json_object_set_new(object, "text", value);
    return;
  }
  char *base64 = malloc(base64_encoded_size(text.size));
  if (base64 == NULL)
    return;
  base64_encode(BASE64_STANDARD, text, base64);
  json_object_set_new(object, "text_base64", json_stringn(base64, base64_encoded_size(text.size)));
  free(base64);
}

void screen_json(json_t *object) {
  if (object == NULL)
    return;
  char *text = screen.options.json ? json_dumps(object, JSON_COMPACT) : NULL;
  json_decref(object);
  if (text == NULL)
    return;
  bool good = screen_data(view_text(text)) == AVOW_OK && screen_data(view_text("\n")) == AVOW_OK &&
              screen_flush() == AVOW_OK;
  if (!good && !screen.deaf)
    screen_error("cannot write to standard output: %s.", strerror(errno));
  screen.deaf |= !good;
  free(text);
}

enum avow_error screen_data(struct view bytes) {
  if (!screen.out_terminal)
    return fwrite(bytes.data, 1, bytes.size, stdout) == bytes.size ? AVOW_OK : AVOW_SYSTEM;
  begin();
  fwrite(bytes.data, 1, bytes.size, stdout);
  enum avow_error error = screen_flush();
  int reason = errno;
  end();
  errno = reason;
  return error;
}

enum avow_error screen_flush(void) {
  return fflush(stdout) == 0 ? AVOW_OK : AVOW_SYSTEM;
}

void screen_harmless(char *text) {
  char *to = text;
  for (size_t size; *text != '\0'; text += size) {
    struct buf escaped;
    struct view left = view_text(text);
    size = utf8_length(left);
    bool whole = size > 0;
    size = whole ? size : 1;
    buf_init(&escaped, 16);
    bool same =
        whole && (*text == '\\' || (escape_append(&escaped, view_of(text, size)) == AVOW_OK &&
                                    buf_view(&escaped).size == size));
    buf_free(&escaped);
    memmove(to, same ? text : "?", same ? size : 1);
    to += same ? size : 1;
  }
  *to = '\0';
}
