// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "io/clock.h"
#include "io/outbox.h"
#include "io/outbox_log.h"
#include "io/screen.h"

static void tell_open(const struct outbox_log *log) {
  unsigned long long waiting = sender_unconfirmed(log->sender);
  uint64_t since_us = sender_waiting_since(log->sender);
  const char *to = log->to, *name = log->journal.name;
  char since[WHEN_TEXT_SIZE] = "";
  if (waiting > 0)
    when_text(since_us, clock_offset_min(since_us), since);
  if (screen_json_on()) {
    json_t *object = json_pack("{s:s, s:s, s:s, s:I}", "event", "waiting", "to", to, "log", name,
                               "messages", (json_int_t)waiting);
    if (waiting > 0)
      json_object_set_new(object, "since", screen_time_json(since_us));
    screen_json(object);
  } else if (waiting > 0) {
    printf("%llu message%s wait%s for %s since %s (%s/%s.log)\n", waiting, PLURAL(waiting),
           waiting == 1 ? "s" : "", to, since, log->folder, name);
  } else {
    printf("Nothing waits for %s; its session is open (%s/%s.log)\n", to, log->folder, name);
  }
}

static void tell_damaged(const struct outbox_log *log) {
  bool line = log->state == OUTBOX_DAMAGED;
  const char *reason = line                               ? log->damage.what
                       : log->damage.error == AVOW_SYSTEM ? strerror(log->damage.reason)
                                                          : avow_error_text(log->damage.error);
  outbox_log_say(log);
  if (!screen_json_on())
    return;
  json_t *object = json_pack("{s:s, s:s, s:s}", "event", line ? "damaged" : "unreadable", "log",
                             log->journal.name, "reason", reason);
  if (line)
    json_object_set_new(object, "line", json_integer((json_int_t)log->damage.line));
  if (log->headed)
    json_object_set_new(object, "to", json_string(log->to));
  screen_json(object);
}

/* Tell of each log; false if one is not in order. */
static bool tell_all(const struct client_options *options, struct store *store, struct view names) {
  static const struct sender_config config = {.envelope_messages_max = 1};
  char name[WHEN_NAME_SIZE + 1];
  bool good = true, any = false;
  while (outbox_next_name(&names, name)) {
    struct outbox_log log;
    outbox_log_read(&log, store, options->outbox, name, &config);
    switch (log.state) {
    case OUTBOX_FINISHED: break;
    case OUTBOX_OPEN: tell_open(&log); break;
    case OUTBOX_DAMAGED:
    case OUTBOX_UNREADABLE: tell_damaged(&log); good = false;
    }
    any |= log.state != OUTBOX_FINISHED;
    outbox_log_drop(&log);
  }
  if (!any && !screen_json_on())
    puts("Nothing waits.");
  return good;
}

enum exit_code outbox_status(const struct client_options *options) {
  struct store *store = NULL;
  struct buf names;
  enum avow_error error = store_look_said(&store, options->outbox, "--outbox");
  if (error == AVOW_NOT_FOUND)
    return tell_all(options, NULL, view_of("", 0)) ? CODE_OK : CODE_FAILURE; /* nothing yet */
  if (error != AVOW_OK)
    return CODE_FAILURE;
  bool good = outbox_names(options->outbox, store, &names) == AVOW_OK &&
              tell_all(options, store, buf_view(&names));
  buf_free(&names);
  store_close(store);
  return good ? CODE_OK : CODE_FAILURE;
}
