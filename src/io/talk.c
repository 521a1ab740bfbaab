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
#include "io/clock.h"
#include "io/input.h"
#include "io/journal.h"
#include "io/screen.h"
#include "keys/public_key.h"

/* A confirmation that takes longer than this is waited for on the screen. */
#define PATIENCE_MS 500u
#define DOTS_MS 500u
/* All is confirmed; so long we wait for the server to say goodbye, too. */
#define GOODBYE_MS 3000u

struct talk {
  struct talk_setting setting;
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
  uint64_t sent;
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

static void summarise(const struct talk *talk) {
  uint64_t open = sender_unconfirmed(talk->sender);
  unsigned long long sent = talk->sent, confirmed = talk->sent - open;
  if (open > 0)
    screen_error("%llu of %llu messages are confirmed; %llu may have arrived or not. They are in "
                 "%s/%s.log.",
                 confirmed, sent, (unsigned long long)open, talk->setting.options->outbox,
                 talk->journal.name);
  else if (!talk->complete && !talk->failed && !talk->input.person)
    screen_error("%llu messages sent, all confirmed, but the input had not ended.", sent);
  else if (!talk->input.person)
    screen_status("%llu message%s sent, all confirmed.", sent, sent == 1 ? "" : "s");
}

static void finish(struct talk *talk, enum exit_code code) {
  if (talk->done)
    return;
  talk->done = true;
  input_on(&talk->input, false);
  screen_json(json_pack("{s:s, s:I, s:I}", "event", "done", "confirmed",
                        (json_int_t)(talk->sent - sender_unconfirmed(talk->sender)), "unconfirmed",
                        (json_int_t)sender_unconfirmed(talk->sender)));
  summarise(talk);
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

static void show_confirmed(struct talk *talk, const struct event *event) {
  uv_timer_stop(&talk->dots_timer);
  for (uint64_t i = 0; i < event->count; i++) {
    if (talk->input.person)
      screen_status("Your message was successfully received by the server.");
    else
      screen_detail("Message %llu was successfully received by the server.",
                    (unsigned long long)(event->id + i));
    if (screen_json_on())
      screen_json(json_pack("{s:s, s:I, s:o}", "event", "confirmed", "id",
                            (json_int_t)(event->id + i), "confirmed_at",
                            screen_time_json(event->confirmed_us)));
  }
}

static void show(struct talk *talk, const struct event *event) {
  switch (event->type) {
  case EVENT_SENT: show_sent(talk, event); break;
  case EVENT_CONFIRMED: show_confirmed(talk, event); break;
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

static bool store_record(struct talk *talk) {
  struct view record = sender_record(talk->sender);
  if (journal_store(&talk->journal, record) != AVOW_OK) {
    screen_error("cannot write %s/%s.log: %s. What was not written there was not sent. Make room "
                 "or mend the disk, then send the rest again.",
                 talk->setting.options->outbox, talk->journal.name, strerror(errno));
    talk->failed = true;
    finish(talk, CODE_FAILURE);
    return false;
  }
  sender_record_consume(talk->sender, record.size);
  return true;
}

static void core_failed(struct talk *talk, enum avow_error error) {
  screen_error("the session cannot go on: %s.", avow_error_text(error));
  talk->failed = true;
  finish(talk, CODE_FAILURE);
}

/* More input is wanted: at a terminal once all is confirmed, from a pipe while there is room. */
static bool wants_input(const struct talk *talk) {
  if (talk->finishing || talk->done)
    return false;
  return talk->input.person ? sender_unconfirmed(talk->sender) == 0 : sender_room(talk->sender);
}

/* Store what the sender recorded, send what may leave then, show what it tells. */
static void drive(struct talk *talk, enum avow_error error) {
  while (error == AVOW_OK && !talk->done) {
    struct event event;
    bool more = sender_record(talk->sender).size > 0;
    if (more && !store_record(talk))
      return;
    if (more)
      error = sender_durable(talk->sender, clock_now());
    while (error == AVOW_OK && sender_next_event(talk->sender, &event))
      show(talk, &event);
    sender_output_consume(talk->sender, link_send(talk->setting.link, sender_output(talk->sender)));
    if (!more)
      break;
    if (error == AVOW_OK && !talk->done)
      error = sender_input(talk->sender, view_of("", 0), clock_now());
  }
  if (error != AVOW_OK)
    core_failed(talk, error);
  if (talk->done)
    return;
  if (talk->finishing && sender_unconfirmed(talk->sender) == 0 &&
      !uv_is_active((uv_handle_t *)&talk->goodbye_timer))
    uv_timer_start(&talk->goodbye_timer, on_goodbye, GOODBYE_MS, 0);
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
  enum avow_error error = sender_submit(talk->sender, line, clock_now(), &id);
  if (error == AVOW_OK) {
    talk->sent++;
  } else if (error == AVOW_TOO_LONG) { /* only a person's: input cuts a pipe's lines off before */
    screen_error("this message has %zu bytes, and %u is the limit. It was not sent.", line.size,
                 AVOW_TEXT_MAX);
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
    screen_error("line %llu has more than %u bytes, the limit of a message. It was not sent, nor "
                 "what follows; the lines before it were. Split it and send from line %llu on.",
                 (unsigned long long)number, AVOW_TEXT_MAX, (unsigned long long)number);
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
  if (talk->done)
    return;
  if (talk->finishing && sender_unconfirmed(talk->sender) == 0) {
    finish(talk, outcome(talk)); /* the goodbye was lost, no message */
    return;
  }
  drive(talk, sender_cut(talk->sender, clock_now()));
  finish(talk, outcome(talk));
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
  if (open > 0)
    screen_status("Ending: %llu messages wait for their confirmation. Ctrl-C again leaves now.",
                  (unsigned long long)open);
  no_more(talk);
}

static enum avow_error begin_log(struct talk *talk, const struct session *session) {
  const struct client_options *options = talk->setting.options;
  const struct trust *trust = talk->setting.trust;
  uint64_t opened_us = session->grant.opened_us;
  enum avow_error error =
      journal_begin(&talk->journal, talk->setting.store, &opened_us, session->grant.offset_min);
  if (error != AVOW_OK)
    return error;
  struct party alice = {0}, bob = {0};
  if (session->handshake == HANDSHAKE_TLS) {
    memcpy(alice.key, session->peer_key, sizeof alice.key);
    snprintf(alice.name, sizeof alice.name, "%s", trust->name);
    memcpy(bob.key, options->identity->public, sizeof bob.key);
    snprintf(bob.name, sizeof bob.name, "%s", options->identity->comment);
  }
  return journal_open_record(&talk->journal, options->detail, session, talk->setting.peer, &alice,
                             &bob);
}

static void announce(const struct talk *talk, const struct session *session) {
  char text[FINGERPRINT_SIZE] = "";
  screen_status("Connected to server.");
  if (session->handshake == HANDSHAKE_PLAIN) {
    screen_alarm("Plain mode: anyone on the line can read the key.");
  } else if (fingerprint(session->peer_key, text) == AVOW_OK) {
    screen_detail("Server's key: %s %s (%s)", text, talk->setting.trust->name,
                  talk->setting.trust->source);
    screen_detail("Key exchange: %s", session->group);
  }
  screen_detail("Logging messages in: %s/%s.log", talk->setting.options->outbox,
                talk->journal.name);
  if (talk->input.person)
    screen_status("You can now send messages to the server:");
  screen_json(json_pack("{s:s, s:s, s:s, s:s, s:s}", "event", "connected", "peer",
                        talk->setting.peer, "log", talk->journal.name, "handshake",
                        session->handshake == HANDSHAKE_TLS ? "tls" : "plain", "server_key", text));
}

static enum avow_error begin_core(struct talk *talk, const struct session *session) {
  bool person = input_is_person();
  struct sender_config config = {.resend_after_us = talk->setting.options->resend_after_us,
                                 .envelope_messages_max = person ? 1 : AVOW_ENVELOPE_MESSAGES_MAX,
                                 .detail = talk->setting.options->detail};
  enum avow_error error = random_bytes(config.seed, sizeof config.seed);
  if (error == AVOW_OK)
    error = sender_new(&talk->sender, &config, session);
  secret_wipe(&config, sizeof config);
  return error;
}

static void abandon(struct talk *talk) {
  sender_free(talk->sender);
  journal_end(&talk->journal);
  free(talk);
}

static void begin_handles(struct talk *talk) {
  uv_timer_t *timers[] = {&talk->timer, &talk->dots_timer, &talk->goodbye_timer};
  for (size_t i = 0; i < 3; i++) {
    uv_timer_init(talk->setting.loop, timers[i]);
    timers[i]->data = talk;
  }
  talk->handles = 4; /* and the input */
}

enum exit_code talk_begin(struct talk **ret, const struct talk_setting *setting,
                          const struct session *session, struct view rest) {
  static const struct input_calls calls = {on_line, on_end, on_pause};
  struct talk *talk = calloc(1, sizeof *talk);
  if (talk == NULL) {
    screen_error("%s.", avow_error_text(AVOW_NO_MEMORY));
    return CODE_FAILURE;
  }
  talk->setting = *setting;
  enum avow_error error = begin_log(talk, session);
  if (error != AVOW_OK) {
    screen_error("cannot write a log in %s: %s. Nothing was sent.", setting->options->outbox,
                 error == AVOW_SYSTEM ? strerror(errno) : avow_error_text(error));
    abandon(talk);
    return CODE_FAILURE;
  }
  error = begin_core(talk, session);
  if (error == AVOW_OK && input_begin(&talk->input, setting->loop, &calls, talk) != 0)
    error = AVOW_SYSTEM;
  if (error != AVOW_OK) {
    screen_error("cannot begin: %s. Nothing was sent.", avow_error_text(error));
    abandon(talk);
    return CODE_FAILURE;
  }
  begin_handles(talk);
  announce(talk, session);
  *ret = talk;
  talk_bytes(talk, rest);
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
