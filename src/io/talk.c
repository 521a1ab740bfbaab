// SPDX-License-Identifier: Apache-2.0
#include "io/talk_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "io/announce.h"
#include "io/clock.h"
#include "io/outbox.h"
#include "io/screen.h"

/* A confirmation that takes longer than this is waited for on the screen. */
#define PATIENCE_MS 500u
#define DOTS_MS 500u
/* All is confirmed; so long we wait for the server to say goodbye, too. */
#define GOODBYE_MS 3000u
/* After a signal to end, so long we wait for confirmations. */
#define LEAVE_MS 10000u
/* So much of a record is given to the disk before the rest is there. */
#define AHEAD_SIZE (512u * 1024u)

static enum exit_code outcome(const struct talk *talk) {
  if (talk->failed)
    return CODE_FAILURE;
  if (talk->complete && sender_unconfirmed(talk->sender) == 0)
    return CODE_OK;
  return talk->attacked ? CODE_ATTACK : CODE_CUT;
}

/* Messages that wait for their confirmation in the log.  What did not even get there is not among
 * them, and was never sent. */
static uint64_t waiting_in_log(const struct talk *talk) {
  return sender_unconfirmed(talk->sender) - (talk->sent - talk->kept);
}

static void summarise(const struct talk *talk, enum exit_code code) {
  unsigned long long all = talk->kept, waiting = waiting_in_log(talk);
  bool sent = talk->met || talk->resumed; /* or it may have been */
  bool one = waiting == 1;
  if (waiting > 0)
    screen_error("%s%llu of %llu message%s %s not confirmed. %s in %s/%s.log; start bob again, and "
                 "%s first.",
                 sent ? "" : "nothing was sent. ", waiting, all, PLURAL(all), one ? "is" : "are",
                 one ? "It waits" : "They wait", talk->setting.options->outbox, talk->journal.name,
                 one ? "it goes" : "they go");
  else if (!sent && code != CODE_OK)
    screen_error("nothing was sent.");
  else if (!talk->complete && !talk->failed && !talk->input.person)
    screen_error("%llu message%s sent, all confirmed, but the input had not ended.", all,
                 PLURAL(all));
  else if (!talk->input.person)
    screen_status("%llu message%s sent, all confirmed.", all, PLURAL(all));
}

static void finish(struct talk *talk, enum exit_code code) {
  if (talk->done)
    return;
  talk->done = true;
  input_on(&talk->input, false);
  screen_json(json_pack("{s:s, s:I, s:I}", "event", "done", "confirmed",
                        (json_int_t)(talk->kept - waiting_in_log(talk)), "unconfirmed",
                        (json_int_t)waiting_in_log(talk)));
  summarise(talk, code);
  talk->setting.on_done(talk->setting.client, code);
}

static void on_dots(uv_timer_t *timer) {
  static const char *const lines[] = {"Waiting for receival confirmation from server..",
                                      "Waiting for receival confirmation from server...",
                                      "Waiting for receival confirmation from server...."};
  struct talk *talk = timer->data;
  screen_progress(lines[talk->dots++ % 3]);
}

static void on_goodbye(uv_timer_t *timer) {
  struct talk *talk = timer->data;
  screen_detail("The server did not answer the end of the session.");
  finish(talk, outcome(talk));
}

static void on_leave(uv_timer_t *timer) {
  struct talk *talk = timer->data;
  screen_error("not all was confirmed within %u seconds of the signal.", LEAVE_MS / 1000);
  finish(talk, outcome(talk));
}

static void show_sent(struct talk *talk, const struct event *event) {
  if (event->verdict == VERDICT_UNCONFIRMED)
    screen_status("No confirmation received from the server. Resending message.");
  else if (event->verdict != VERDICT_ACCEPTED)
    screen_status("The server refused what arrived. Resending message.");
  talk->dots = 0;
  uv_timer_start(&talk->dots_timer, on_dots, PATIENCE_MS, DOTS_MS);
}

static void show(struct talk *talk, const struct event *event) {
  switch (event->type) {
  case EVENT_SENT: show_sent(talk, event); break;
  case EVENT_CONFIRMED:
    uv_timer_stop(&talk->dots_timer);
    announce_confirmed(event, talk->input.person);
    break;
  case EVENT_INCIDENT:
    talk->attacked |= event->verdict != VERDICT_UNCONFIRMED && event->verdict != VERDICT_CUT;
    screen_incident(event);
    break;
  case EVENT_ENDED:
    if (event->by_peer)
      screen_status("The server ended the session.");
    talk->complete |= talk->input.person; /* nothing of his is left that was not sent */
    finish(talk, outcome(talk));
    break;
  case EVENT_SLOW: announce_slow(event); break;
  case EVENT_MESSAGE: break; /* the receiver's */
  }
}

static void on_timer(uv_timer_t *timer);

static void set_timer(struct talk *talk) {
  uint64_t deadline = sender_deadline(talk->sender);
  if (deadline == WHEN_NEVER || talk->done) {
    uv_timer_stop(&talk->timer);
    return;
  }
  uv_timer_start(&talk->timer, on_timer, clock_wait_ms(deadline), 0);
}

void talk_fail(struct talk *talk) {
  talk->failed = true;
  finish(talk, CODE_FAILURE);
}

static bool store_failed(struct talk *talk, enum avow_error error) {
  const char *reason = error == AVOW_SYSTEM ? strerror(errno) : avow_error_text(error);
  unsigned long long lost = talk->sent - talk->kept;
  if (talk->journal.log == NULL)
    screen_error("cannot write a log in %s: %s.", talk->setting.options->outbox, reason);
  else
    screen_error("cannot write %s/%s.log: %s. What was not written there was not sent: the last "
                 "%llu message%s that %s taken. Make room or mend the disk, then send %s again.",
                 talk->setting.options->outbox, talk->journal.name, reason, lost, PLURAL(lost),
                 lost == 1 ? "was" : "were", lost == 1 ? "it" : "these");
  talk_fail(talk);
  return false;
}

bool talk_begin_journal(struct talk *talk) {
  struct now now = clock_now();
  enum avow_error error = journal_begin(&talk->journal, talk->setting.store, &now.wall_us,
                                        clock_offset_min(now.wall_us));
  return error == AVOW_OK ? true : store_failed(talk, error);
}

static bool store_record(struct talk *talk, struct view record, bool ahead) {
  if (talk->journal.log == NULL && !talk_begin_journal(talk))
    return false;
  enum avow_error error =
      ahead ? journal_ahead(&talk->journal, record) : journal_store(&talk->journal, record);
  if (error != AVOW_OK)
    return store_failed(talk, error);
  sender_record_consume(talk->sender, record.size);
  if (!ahead)
    talk->kept = talk->sent;
  return true;
}

static void core_failed(struct talk *talk, enum avow_error error) {
  screen_error("the session cannot go on: %s.", avow_error_text(error));
  talk_fail(talk);
}

/* More input is wanted: a person's once all is confirmed, a pipe's while there is room. */
static bool wants_input(const struct talk *talk) {
  if (talk->finishing || talk->done)
    return false;
  if (talk->input.person)
    return sender_attached(talk->sender) && sender_unconfirmed(talk->sender) == 0;
  return sender_room(talk->sender);
}

static void send_output(struct talk *talk) {
  if (talk->link != NULL)
    sender_output_consume(talk->sender, link_send(talk->link, sender_output(talk->sender)));
}

/* The end waits for its turn under cover, and so does the answer. */
static uint64_t goodbye_ms(const struct talk *talk) {
  return GOODBYE_MS + 4 * talk->setting.options->cover_period_us / 1000;
}

void talk_drive(struct talk *talk, enum avow_error error) {
  while (error == AVOW_OK && !talk->done) {
    struct event event;
    struct view record;
    error = sender_record(talk->sender, &record);
    bool more = error == AVOW_OK && record.size > 0;
    if (more && !store_record(talk, record, false))
      return;
    if (more)
      error = sender_durable(talk->sender, clock_now());
    while (error == AVOW_OK && sender_next_event(talk->sender, &event))
      show(talk, &event);
    send_output(talk);
    if (!more)
      break;
    if (error == AVOW_OK && !talk->done) /* more may be waiting inside */
      error = sender_input(talk->sender, view_of("", 0), clock_now());
  }
  if (error != AVOW_OK)
    core_failed(talk, error);
  if (talk->done)
    return;
  if (talk->link != NULL && talk->finishing && sender_unconfirmed(talk->sender) == 0 &&
      !uv_is_active((uv_handle_t *)&talk->goodbye_timer))
    uv_timer_start(&talk->goodbye_timer, on_goodbye, goodbye_ms(talk), 0);
  set_timer(talk);
  input_on(&talk->input, wants_input(talk));
}

static void on_timer(uv_timer_t *timer) {
  struct talk *talk = timer->data;
  talk_drive(talk, sender_tick(talk->sender, clock_now()));
}

/* No more messages: end the session when all are confirmed. */
static void no_more(struct talk *talk) {
  talk->finishing = true;
  input_on(&talk->input, false);
  talk_drive(talk, sender_finish(talk->sender, clock_now()));
}

enum avow_error talk_begin_log(struct talk *talk) {
  if (talk->begun)
    return AVOW_OK;
  talk->begun = true;
  return outbox_begin(talk->setting.options, talk->sender);
}

/* While lines are taken from a pipe, the disk need not wait for the last of them. */
static void write_ahead(struct talk *talk) {
  struct view record;
  enum avow_error error = sender_ahead(talk->sender, AHEAD_SIZE, &record);
  if (error != AVOW_OK)
    core_failed(talk, error);
  else if (record.size > 0)
    store_record(talk, record, true);
}

static bool on_line(void *owner, struct view line) {
  struct talk *talk = owner;
  uint64_t id;
  if (talk->input.person && view_equal(line, view_text("quit"))) {
    talk->complete = true;
    talk->finishing = true;
    return false;
  }
  if (talk->input.person && line.size == 0) {
    screen_status("Nothing to send: type a message, or quit.");
    return true;
  }
  enum avow_error error = talk_begin_log(talk);
  if (error == AVOW_OK)
    error = sender_submit(talk->sender, line, clock_now(), &id);
  if (error == AVOW_OK) {
    talk->sent++;
    write_ahead(talk);
  } else if (error == AVOW_TOO_LONG) { /* only a person's: input cuts a pipe's lines off before */
    screen_error("this message has %zu bytes, and %zu is the limit. It was not sent.", line.size,
                 sender_text_max(talk->sender));
  } else {
    core_failed(talk, error);
    return false;
  }
  bool more = wants_input(talk);
  if (!more)
    input_on(&talk->input, false);
  return more;
}

static void on_pause(void *owner) {
  struct talk *talk = owner;
  if (talk->done)
    return;
  if (talk->finishing)
    no_more(talk);
  else
    talk_drive(talk, AVOW_OK);
}

static void on_end(void *owner, int error, uint64_t number) {
  struct talk *talk = owner;
  if (error == EFBIG)
    screen_error("line %llu has more than %zu bytes, the limit of a message. It was not sent, nor "
                 "what follows; the lines before it were. Split it and send from line %llu on.",
                 (unsigned long long)number, sender_text_max(talk->sender),
                 (unsigned long long)number);
  else if (error != 0)
    screen_error("cannot read the input: %s. What was read before was sent.", strerror(error));
  talk->failed |= error != 0;
  talk->complete = error == 0;
  no_more(talk);
}

void talk_bytes(struct talk *talk, struct view bytes) {
  if (!talk->done)
    talk_drive(talk, sender_input(talk->sender, bytes, clock_now()));
}

void talk_gone(struct talk *talk) {
  talk->link = NULL;
  if (talk->done)
    return;
  if (talk->finishing && sender_unconfirmed(talk->sender) == 0) {
    finish(talk, outcome(talk)); /* the goodbye was lost, no message */
    return;
  }
  uv_timer_stop(&talk->dots_timer);
  talk_drive(talk, sender_detach(talk->sender, clock_now()));
}

void talk_give_up(struct talk *talk, enum exit_code code) {
  enum exit_code own = outcome(talk);
  bool over = own == CODE_OK || code == CODE_UNREACHABLE; /* it was there, and is there no more */
  finish(talk, own == CODE_FAILURE || (talk->met && over) ? own : code);
}

void talk_interrupt(struct talk *talk) {
  if (talk->done)
    return;
  if (talk->interrupted) {
    finish(talk, outcome(talk));
    return;
  }
  talk->interrupted = true;
  talk->complete |= talk->input.person; /* a person's input ends when he says so */
  uint64_t open = sender_unconfirmed(talk->sender);
  if (open > 0 && talk->link == NULL) {
    finish(talk, outcome(talk)); /* nobody is there to confirm them */
    return;
  }
  if (open > 0)
    screen_status(
        "Ending: %llu message%s wait%s for confirmation, %u seconds at most. Ctrl-C again "
        "leaves now.",
        (unsigned long long)open, PLURAL(open), open == 1 ? "s" : "", LEAVE_MS / 1000);
  uv_timer_start(&talk->leave_timer, on_leave, LEAVE_MS, 0);
  no_more(talk);
}

/* What of the memory is for messages that wait. */
static size_t queue_size(size_t memory) {
  size_t size = (memory - ((size_t)AVOW_BOB_MEMORY_BESIDE_MIB << 20)) / AVOW_BOB_MEMORY_TIMES;
  return size < AVOW_QUEUE_MAX ? size : AVOW_QUEUE_MAX;
}

struct sender_config talk_config(const struct talk *talk) {
  const struct client_options *options = talk->setting.options;
  size_t queue_max = queue_size(options->memory_max);
  return (struct sender_config){.resend_after_us = options->resend_after_us,
                                .freshness_us = AVOW_FRESHNESS_US,
                                .envelope_messages_max =
                                    input_is_person() ? 1 : AVOW_ENVELOPE_MESSAGES_MAX,
                                .window_max = queue_max / 2,
                                .queue_max = queue_max,
                                .detail = options->detail,
                                .cover = options->cover,
                                .cover_period_us = options->cover_period_us,
                                .offset_min = clock_offset_min(clock_now().wall_us)};
}

static void abandon(struct talk *talk) {
  sender_free(talk->sender);
  journal_end(&talk->journal);
  free(talk);
}

static void begin_timer(struct talk *talk, uv_timer_t *timer) {
  uv_timer_init(talk->setting.loop, timer);
  timer->data = talk;
}

enum exit_code talk_begin(struct talk **ret, const struct talk_setting *setting) {
  static const struct input_calls calls = {on_line, on_end, on_pause};
  struct talk *talk = calloc(1, sizeof *talk);
  if (talk == NULL) {
    screen_error("%s.", avow_error_text(AVOW_NO_MEMORY));
    return CODE_FAILURE;
  }
  talk->setting = *setting;
  struct sender_config config = talk_config(talk);
  enum exit_code code =
      outbox_open(setting->options, setting->store, &config, &talk->journal, &talk->sender);
  if (code == CODE_OK &&
      input_begin(&talk->input, setting->loop, sender_text_max(talk->sender), &calls, talk) != 0)
    code = CODE_FAILURE;
  if (code != CODE_OK) {
    abandon(talk);
    return code;
  }
  begin_timer(talk, &talk->timer);
  begin_timer(talk, &talk->dots_timer);
  begin_timer(talk, &talk->goodbye_timer);
  begin_timer(talk, &talk->leave_timer);
  talk->handles = 5; /* and the input */
  talk->begun = talk->journal.log != NULL;
  talk->sent = talk->kept = sender_unconfirmed(talk->sender);
  talk->resumed = sender_past(talk->sender)->any;
  if (talk->sent > 0)
    screen_status("%llu message%s from before wait%s in %s/%s.log.", (unsigned long long)talk->sent,
                  PLURAL(talk->sent), talk->sent == 1 ? "s" : "", setting->options->outbox,
                  talk->journal.name);
  *ret = talk;
  talk_drive(talk, AVOW_OK);
  return CODE_OK;
}

static void let_go(struct talk *talk) {
  if (--talk->handles > 0)
    return;
  void (*on_ended)(void *owner) = talk->on_ended;
  void *owner = talk->owner;
  abandon(talk);
  on_ended(owner);
}

static void timer_closed(uv_handle_t *handle) {
  let_go(handle->data);
}

static void input_closed(void *owner) {
  let_go(owner);
}

void talk_end(struct talk *talk, void (*on_ended)(void *owner), void *owner) {
  talk->on_ended = on_ended;
  talk->owner = owner;
  input_end(&talk->input, input_closed);
  uv_close((uv_handle_t *)&talk->timer, timer_closed);
  uv_close((uv_handle_t *)&talk->dots_timer, timer_closed);
  uv_close((uv_handle_t *)&talk->goodbye_timer, timer_closed);
  uv_close((uv_handle_t *)&talk->leave_timer, timer_closed);
}
