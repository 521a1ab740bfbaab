// SPDX-License-Identifier: Apache-2.0
#include "io/talk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "core/sender.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "io/announce.h"
#include "io/clock.h"
#include "io/input.h"
#include "io/journal.h"
#include "io/outbox.h"
#include "io/screen.h"

/* A confirmation that takes longer than this is waited for on the screen. */
#define PATIENCE_MS 500u
#define DOTS_MS 500u
/* All is confirmed; so long we wait for the server to say goodbye, too. */
#define GOODBYE_MS 3000u

struct talk {
  struct talk_setting setting;
  struct link *link; /* the client's; NULL between connections */
  struct sender *sender;
  struct journal journal;
  struct input input;
  uv_timer_t timer, dots_timer, goodbye_timer;
  unsigned dots;
  bool finishing;   /* no more input is taken */
  bool complete;    /* all input was taken: its end was reached, or the person said so */
  bool interrupted; /* Ctrl-C, once */
  bool failed;      /* the input could not all be read */
  bool attacked;
  bool done;
  bool resumed;  /* there was one in an earlier run */
  bool met;      /* there was a connection */
  bool begun;    /* the log has its first record */
  uint64_t sent; /* and what was waiting before */
  uint64_t kept; /* of these, how many have reached the log */
  int handles;
  void (*on_ended)(void *owner);
  void *owner;
};

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
  if (waiting > 0)
    screen_error("%s%llu of %llu messages are not confirmed. They wait in %s/%s.log; start bob "
                 "again, and they go first.",
                 sent ? "" : "nothing was sent. ", waiting, all, talk->setting.options->outbox,
                 talk->journal.name);
  else if (!sent && code != CODE_OK)
    screen_error("nothing was sent.");
  else if (!talk->complete && !talk->failed && !talk->input.person)
    screen_error("%llu messages sent, all confirmed, but the input had not ended.", all);
  else if (!talk->input.person)
    screen_status("%llu message%s sent, all confirmed.", all, all == 1 ? "" : "s");
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
  uint64_t now_us = clock_now().mono_us;
  uint64_t wait_us = deadline > now_us ? deadline - now_us : 0;
  uv_timer_start(&talk->timer, on_timer, wait_us / 1000 + 1, 0);
}

static bool store_failed(struct talk *talk, enum avow_error error) {
  const char *reason = error == AVOW_SYSTEM ? strerror(errno) : avow_error_text(error);
  unsigned long long lost = talk->sent - talk->kept;
  if (talk->journal.log == NULL)
    screen_error("cannot write a log in %s: %s.", talk->setting.options->outbox, reason);
  else
    screen_error(
        "cannot write %s/%s.log: %s. What was not written there was not sent: the last "
        "%llu messages that were taken. Make room or mend the disk, then send these again.",
        talk->setting.options->outbox, talk->journal.name, reason, lost);
  talk->failed = true;
  finish(talk, CODE_FAILURE);
  return false;
}

static bool begin_journal(struct talk *talk) {
  struct now now = clock_now();
  enum avow_error error = journal_begin(&talk->journal, talk->setting.store, &now.wall_us,
                                        clock_offset_min(now.wall_us));
  return error == AVOW_OK ? true : store_failed(talk, error);
}

static bool store_record(struct talk *talk, struct view record) {
  if (talk->journal.log == NULL && !begin_journal(talk))
    return false;
  enum avow_error error = journal_store(&talk->journal, record);
  if (error != AVOW_OK)
    return store_failed(talk, error);
  sender_record_consume(talk->sender, record.size);
  talk->kept = talk->sent;
  return true;
}

static void core_failed(struct talk *talk, enum avow_error error) {
  screen_error("the session cannot go on: %s.", avow_error_text(error));
  talk->failed = true;
  finish(talk, CODE_FAILURE);
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

/* Store what the sender recorded, send what may leave then, show what it tells. */
static void drive(struct talk *talk, enum avow_error error) {
  while (error == AVOW_OK && !talk->done) {
    struct event event;
    struct view record;
    error = sender_record(talk->sender, &record);
    bool more = error == AVOW_OK && record.size > 0;
    if (more && !store_record(talk, record))
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
  drive(talk, sender_tick(talk->sender, clock_now()));
}

/* No more messages: end the session when all are confirmed. */
static void no_more(struct talk *talk) {
  talk->finishing = true;
  input_on(&talk->input, false);
  drive(talk, sender_finish(talk->sender, clock_now()));
}

/* The log begins with the first thing that it has to keep. */
static enum avow_error begin_log(struct talk *talk) {
  if (talk->begun)
    return AVOW_OK;
  talk->begun = true;
  return outbox_begin(talk->setting.options, talk->sender);
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
  enum avow_error error = begin_log(talk);
  if (error == AVOW_OK)
    error = sender_submit(talk->sender, line, clock_now(), &id);
  if (error == AVOW_OK) {
    talk->sent++;
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
    drive(talk, AVOW_OK);
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
    drive(talk, sender_input(talk->sender, bytes, clock_now()));
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
  drive(talk, sender_detach(talk->sender, clock_now()));
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
    screen_status("Ending: %llu messages wait for their confirmation. Ctrl-C again leaves now.",
                  (unsigned long long)open);
  no_more(talk);
}

void talk_ask(const struct talk *talk, struct open *ret) {
  const struct sender_past *past = sender_past(talk->sender);
  *ret = (struct open){.offset_min = (int16_t)past->offset_min,
                       .resume = past->any,
                       .cover = talk->setting.options->cover};
  memcpy(ret->bob_head, sender_head(talk->sender), sizeof ret->bob_head);
  if (past->any) {
    memcpy(ret->session_id, past->session_id, sizeof ret->session_id);
    ret->opened_us = past->opened_us;
    ret->opened_offset_min = (int16_t)past->opened_offset_min;
  }
}

/* The server is another one than the session's, or its log or ours has been changed. */
static void attach_failed(struct talk *talk, enum avow_error error) {
  if (error == AVOW_OUT_OF_STEP)
    screen_error(
        "%s/%s.log and the server's log of this session do not fit each other: one of them "
        "was cut, or put back from a copy. Keep both; to begin a new "
        "session, use another --outbox.",
        talk->setting.options->outbox, talk->journal.name);
  else if (error == AVOW_KEY_CHANGED)
    screen_error("the session in %s/%s.log is with a server of another key. Its "
                 "messages are safe there; to begin a new session, use another --outbox.",
                 talk->setting.options->outbox, talk->journal.name);
  else if (error == AVOW_TOO_LONG)
    screen_error(
        "a message waits in %s/%s.log that is longer than %zu bytes, the limit of this --cover. "
        "It is safe there: give a larger size, or send it without --cover.",
        talk->setting.options->outbox, talk->journal.name, sender_text_max(talk->sender));
  else
    screen_error("cannot go on: %s.", avow_error_text(error));
  talk->failed = true;
  finish(talk, CODE_FAILURE);
}

static enum avow_error attach(struct talk *talk, const struct session *session, const char *peer,
                              const struct trust *trust) {
  const struct client_options *options = talk->setting.options;
  const struct sender_past *past = sender_past(talk->sender);
  struct opened opened = session_opened(session, true);
  uint8_t seed[DRBG_SEED_SIZE];
  if (session->handshake == HANDSHAKE_TLS) {
    if (past->any && !secret_equal(past->alice_key, session->peer_key, sizeof past->alice_key))
      return AVOW_KEY_CHANGED;
    snprintf(opened.alice.name, sizeof opened.alice.name, "%s", trust->name);
    snprintf(opened.bob.name, sizeof opened.bob.name, "%s", options->identity->comment);
  }
  opened.peer = peer;
  enum avow_error error = begin_log(talk);
  if (error == AVOW_OK)
    error = random_bytes(seed, sizeof seed);
  if (error == AVOW_OK)
    error = sender_attach(talk->sender, session, &opened, seed, clock_now());
  secret_wipe(seed, sizeof seed);
  return error;
}

void talk_attach(struct talk *talk, struct link *link, const struct session *session,
                 struct view rest, const char *peer, const struct trust *trust) {
  enum avow_error error = attach(talk, session, peer, trust);
  if (error != AVOW_OK) {
    attach_failed(talk, error);
    return;
  }
  if (talk->journal.log == NULL && !begin_journal(talk))
    return;
  talk->link = link;
  talk->met = true;
  announce_server(session, peer, trust, talk->journal.name, sender_unconfirmed(talk->sender),
                  talk->input.person);
  screen_detail("Logging messages in: %s/%s.log", talk->setting.options->outbox,
                talk->journal.name);
  talk_bytes(talk, rest);
}

static enum exit_code begin_core(struct talk *talk) {
  const struct client_options *options = talk->setting.options;
  uint64_t wall_us = clock_now().wall_us;
  struct sender_config config = {.resend_after_us = options->resend_after_us,
                                 .freshness_us = AVOW_FRESHNESS_US,
                                 .envelope_messages_max =
                                     input_is_person() ? 1 : AVOW_ENVELOPE_MESSAGES_MAX,
                                 .window_max = AVOW_WINDOW_MAX,
                                 .detail = options->detail,
                                 .cover = options->cover,
                                 .cover_period_us = options->cover_period_us,
                                 .offset_min = clock_offset_min(wall_us)};
  return outbox_open(options, talk->setting.store, &config, &talk->journal, &talk->sender);
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
  enum exit_code code = begin_core(talk);
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
  talk->handles = 4; /* and the input */
  talk->begun = talk->journal.log != NULL;
  talk->sent = talk->kept = sender_unconfirmed(talk->sender);
  talk->resumed = sender_past(talk->sender)->any;
  if (talk->sent > 0)
    screen_status("%llu messages from before wait in %s/%s.log.", (unsigned long long)talk->sent,
                  setting->options->outbox, talk->journal.name);
  *ret = talk;
  drive(talk, AVOW_OK);
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
}
