// SPDX-License-Identifier: Apache-2.0
#include "io/guest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "core/opening.h"
#include "core/receiver.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "evidence/escape.h"
#include "io/admission.h"
#include "io/announce.h"
#include "io/clock.h"
#include "io/guest_log.h"
#include "io/link.h"
#include "io/screen.h"
#include "keys/public_key.h"
#include "wire/sealed.h"

/* A guest who does not take our last words is not waited for longer. */
#define LEAVE_US 2000000u
/* With so much unsent we stop reading: whoever wants answers must take them. */
#define BACKLOG_MAX (AVOW_OUTPUT_MAX / 4)

struct guest {
  struct host *host;
  uint64_t number; /* of the host's guests, in the order in which they came */
  struct link *link;
  uv_timer_t timer;
  char peer[80];
  struct opening *opening;   /* until there is a session */
  struct receiver *receiver; /* from then on, or while bob has still to sign the opening */
  char name[AVOW_NAME_SIZE]; /* of the client, as the list of allowed signers has it */
  struct journal journal;
  uint8_t session_id[SESSION_ID_SIZE];
  uint8_t bob_key[ED25519_PUBLIC_SIZE]; /* tls only */
  int offset_min;
  bool leaving;      /* what comes is not looked at; gone once all is sent */
  bool finished;     /* all is sent; we wait for him to close */
  uint64_t leave_us; /* monotonic: or then */
  bool closing;
  int handles; /* link and timer: freed when both are closed */
};

static void let_go(struct guest *guest) {
  if (--guest->handles > 0)
    return;
  guest->host->on_left(guest->host->server, guest);
  opening_free(guest->opening);
  receiver_free(guest->receiver);
  journal_end(&guest->journal);
  free(guest);
}

static void timer_closed(uv_handle_t *handle) {
  let_go(handle->data);
}

static void link_closed(void *owner) {
  let_go(owner);
}

static void close_guest(struct guest *guest) {
  if (guest->closing)
    return;
  guest->closing = true;
  if (guest->receiver == NULL)
    guest->host->pending--;
  else
    guest->host->sessions--;
  link_close(guest->link);
  uv_close((uv_handle_t *)&guest->timer, timer_closed);
}

static bool in_session(const struct guest *guest) {
  return guest->opening == NULL;
}

static void leave(struct guest *guest) {
  if (guest->leaving)
    return;
  guest->leaving = true;
  guest->leave_us = clock_now().mono_us + LEAVE_US;
  if (!in_session(guest))
    link_read(guest->link, false);
}

/* The log cannot be written: nothing more may be confirmed. */
static void log_failed(struct guest *guest) {
  const char *reason = strerror(errno);
  screen_error("cannot write %s/%s.log: %s. What was confirmed is safe there; nothing else was "
               "confirmed. Make room or mend the disk, then start again.",
               guest->host->options->log_folder, guest->journal.name, reason);
  close_guest(guest); /* first, so that nobody takes it for one that can still end in order */
  guest->host->on_ended(guest->host->server, CODE_FAILURE);
}

static void core_failed(struct guest *guest, enum avow_error error) {
  screen_error("the session with %s cannot go on: %s. What was confirmed is safe in %s/%s.log.",
               guest->peer, avow_error_text(error), guest->host->options->log_folder,
               guest->journal.name);
  close_guest(guest); /* first, so that nobody takes it for one that can still end in order */
  guest->host->on_ended(guest->host->server, CODE_FAILURE);
}

static enum avow_error show_text(struct guest *guest, const struct event *event) {
  if (!screen_stdout_is_terminal()) {
    enum avow_error error = screen_data(event->text);
    return error == AVOW_OK ? screen_data(view_text("\n")) : error;
  }
  char time[WHEN_TEXT_SIZE];
  struct buf line;
  buf_init(&line, 4 * AVOW_TEXT_MAX + 1);
  when_text(event->timestamp_us, guest->offset_min, time);
  screen_status("%.26s", time); /* without the zone: it is the reader's */
  enum avow_error error = escape_append(&line, event->text);
  if (error == AVOW_OK)
    error = buf_text(&line, "\n");
  if (error == AVOW_OK)
    error = screen_data(buf_view(&line));
  buf_wipe_free(&line);
  return error;
}

/* Nobody takes the messages any more. */
static void output_failed(struct guest *guest) {
  struct host *host = guest->host;
  if (host->mute)
    return;
  host->mute = true;
  screen_error("cannot write to standard output: %s. The messages are safe in %s/%s.log.",
               strerror(errno), host->options->log_folder, guest->journal.name);
  host->on_ended(host->server, CODE_FAILURE);
}

static void show_json(const struct event *event) {
  char hash[2 * MESSAGE_HASH_SIZE + 1];
  hex_encode(view_of(event->hash, MESSAGE_HASH_SIZE), hash);
  json_t *object =
      json_pack("{s:s, s:I, s:s, s:o, s:o}", "event", "message", "id", (json_int_t)event->id,
                "hash", hash, "timestamp", screen_time_json(event->timestamp_us), "confirmed_at",
                screen_time_json(event->confirmed_us));
  screen_json_text(object, event->text);
  screen_json(object);
}

static void show(struct guest *guest, const struct event *event) {
  struct host *host = guest->host;
  switch (event->type) {
  case EVENT_MESSAGE:
    if (screen_json_on())
      show_json(event);
    else if (!host->mute && show_text(guest, event) != AVOW_OK)
      output_failed(guest);
    break;
  case EVENT_INCIDENT: screen_incident(event); break;
  case EVENT_ENDED:
    screen_json(json_pack("{s:s, s:b}", "event", "ended", "by_peer", event->by_peer));
    leave(guest);
    host->on_ended(host->server, CODE_OK);
    break;
  case EVENT_SENT:
  case EVENT_CONFIRMED: break; /* the sender's */
  }
}

static bool store_record(struct guest *guest, struct view record) {
  enum avow_error error = journal_store(&guest->journal, record);
  if (error != AVOW_OK)
    log_failed(guest);
  return error == AVOW_OK;
}

static void on_timer(uv_timer_t *timer);

static void set_timer(struct guest *guest) {
  uint64_t deadline = guest->leaving      ? guest->leave_us
                      : in_session(guest) ? receiver_deadline(guest->receiver)
                                          : opening_deadline(guest->opening);
  if (deadline == WHEN_NEVER) {
    uv_timer_stop(&guest->timer);
    return;
  }
  uint64_t now_us = clock_now().mono_us;
  uint64_t wait_us = deadline > now_us ? deadline - now_us : 0;
  uv_timer_start(&guest->timer, on_timer, wait_us / 1000 + 1, 0);
}

/* Send what there is to send; then leave, if that was all, and set the next alarm. */
static void flush(struct guest *guest) {
  struct view out;
  if (in_session(guest)) {
    out = receiver_output(guest->receiver);
    size_t sent = link_send(guest->link, out);
    receiver_output_consume(guest->receiver, sent);
    out.size -= sent;
  } else {
    out = opening_output(guest->opening);
    size_t sent = link_send(guest->link, out);
    opening_output_consume(guest->opening, sent);
    out.size -= sent;
  }
  bool sent = out.size == 0 && link_idle(guest->link);
  if (guest->leaving && !in_session(guest) && sent) {
    close_guest(guest);
    return;
  }
  /* Bytes of his that we leave unread when we close would cost him our last words. */
  if (guest->leaving && sent && !guest->finished) {
    guest->finished = true;
    link_finish(guest->link);
  }
  bool listening = in_session(guest) || !guest->leaving;
  link_read(guest->link, listening && out.size < BACKLOG_MAX);
  set_timer(guest);
}

/* Store what the receiver recorded, let it confirm, show what it tells; until nothing is left. */
static void drive(struct guest *guest, enum avow_error error) {
  while (error == AVOW_OK && !guest->closing) {
    struct event event;
    struct view record;
    error = receiver_record(guest->receiver, &record);
    bool more = error == AVOW_OK && record.size > 0;
    if (more) {
      if (!store_record(guest, record))
        return;
      receiver_record_consume(guest->receiver, record.size);
      error = receiver_durable(guest->receiver, clock_now());
    }
    while (error == AVOW_OK && receiver_next_event(guest->receiver, &event))
      show(guest, &event);
    if (screen_flush() != AVOW_OK)
      output_failed(guest);
    if (!more)
      break;
    if (error == AVOW_OK)
      error = receiver_input(guest->receiver, view_of("", 0), clock_now());
  }
  if (guest->closing)
    return;
  if (error != AVOW_OK)
    core_failed(guest, error);
  else
    flush(guest);
}

/* The log's record of the connection must be durable before bob learns that he has a session. */
static void begin_record(struct guest *guest) {
  const struct session *session = opening_session(guest->opening);
  struct opened opened = session_opened(session, false);
  uint8_t seed[DRBG_SEED_SIZE];
  opened.peer = guest->peer;
  if (opened.tls) {
    const char *own = guest->host->options->identity->comment;
    snprintf(opened.alice.name, sizeof opened.alice.name, "%s", own);
    snprintf(opened.bob.name, sizeof opened.bob.name, "%s", guest->name);
  }
  struct view record;
  enum avow_error error = random_bytes(seed, sizeof seed);
  if (error == AVOW_OK)
    error = receiver_attach(guest->receiver, session, &opened, seed);
  secret_wipe(seed, sizeof seed);
  if (error == AVOW_OK)
    error = receiver_record(guest->receiver, &record);
  if (error != AVOW_OK) {
    core_failed(guest, error);
    return;
  }
  if (store_record(guest, record))
    receiver_record_consume(guest->receiver, record.size);
}

/* The receiver and its log for what bob asks; on failure bob has been told, or the guest is gone.
 */
static bool find_receiver(struct guest *guest, struct grant *grant, const uint8_t *bob_key) {
  struct host *host = guest->host;
  const struct open *open = opening_asked(guest->opening);
  if (open->resume) {
    memcpy(grant->session_id, open->session_id, sizeof grant->session_id);
    grant->opened_us = open->opened_us;
    if (guest_log_resume(host->options, host->store, open, bob_key, &guest->journal,
                         &guest->receiver) == AVOW_OK)
      return true;
    opening_refuse(guest->opening, AVOW_NO_SESSION);
    return false;
  }
  enum avow_error error = random_bytes(grant->session_id, sizeof grant->session_id);
  if (error == AVOW_OK)
    error = guest_log_begin(host->options, host->store, grant, &guest->journal, &guest->receiver);
  if (error == AVOW_SYSTEM)
    log_failed(guest);
  else if (error != AVOW_OK)
    core_failed(guest, error);
  return error == AVOW_OK;
}

/* Bob has asked, and may come in: open his session, or go on with it. */
static void open_session(struct guest *guest, const uint8_t *bob_key) {
  struct now now = clock_now();
  struct grant grant = {.clock_us = now.wall_us,
                        .opened_us = now.wall_us,
                        .offset_min = (int16_t)clock_offset_min(now.wall_us)};
  if (!find_receiver(guest, &grant, bob_key))
    return;
  guest->host->pending--;
  guest->host->sessions++;
  guest->offset_min = grant.offset_min;
  grant.next_id = receiver_next_id(guest->receiver);
  memcpy(grant.alice_head, receiver_head(guest->receiver), sizeof grant.alice_head);
  enum avow_error error = random_bytes(grant.key, sizeof grant.key);
  if (error == AVOW_OK) {
    opening_grant(guest->opening, &grant, now);
    error = opening_error(guest->opening);
  }
  memcpy(guest->session_id, grant.session_id, sizeof guest->session_id);
  if (bob_key != NULL)
    memcpy(guest->bob_key, bob_key, sizeof guest->bob_key);
  secret_wipe(&grant, sizeof grant);
  if (error != AVOW_OK)
    core_failed(guest, error);
  else
    begin_record(guest);
}

static void decide(struct guest *guest) {
  struct host *host = guest->host;
  uint8_t key[ED25519_PUBLIC_SIZE];
  bool tls = opening_peer_key(guest->opening, key);
  const struct open *open = opening_asked(guest->opening);
  if (tls && !admission_allows(host->options, host->loopback, key, guest->name)) {
    opening_refuse(guest->opening, AVOW_KEY_REFUSED);
    return;
  }
  if (open->resume) /* his old connection may not have noticed yet that it is dead */
    host->on_resume(host->server, open->session_id, tls ? key : NULL);
  if (guest->closing)
    return; /* the server is ending: that connection's log could not be written */
  if (host->sessions >= host->sessions_max)
    opening_refuse(guest->opening, AVOW_BUSY);
  else
    open_session(guest, tls ? key : NULL);
}

/* All of the opening's output must leave before the session's: it is short, and the link takes it
 * whole. */
static void hand_over(struct guest *guest) {
  const struct session *session = opening_session(guest->opening);
  struct view rest = opening_rest(guest->opening);
  size_t sent = link_send(guest->link, opening_output(guest->opening));
  opening_output_consume(guest->opening, sent);
  if (opening_output(guest->opening).size > 0) {
    close_guest(guest); /* he did not even read the handshake */
    return;
  }
  announce_client(session, guest->peer, guest->journal.name, guest->name);
  enum avow_error error = receiver_durable(guest->receiver, clock_now());
  if (error == AVOW_OK && session->handshake == HANDSHAKE_TLS)
    error = receiver_agreed(guest->receiver, session->bob_signature);
  if (error == AVOW_OK)
    error = receiver_input(guest->receiver, rest, clock_now());
  opening_free(guest->opening);
  guest->opening = NULL;
  drive(guest, error);
}

/* The connection is gone: record that, and go. */
static void cut(struct guest *guest) {
  drive(guest, receiver_cut(guest->receiver, clock_now()));
  close_guest(guest);
}

static void drive_opening(struct guest *guest) {
  if (opening_state(guest->opening) == OPENING_ASKED)
    decide(guest);
  if (guest->closing)
    return;
  if (opening_state(guest->opening) == OPENING_DONE) {
    hand_over(guest);
    return;
  }
  if (opening_state(guest->opening) == OPENING_FAILED && !guest->leaving) {
    admission_failed(guest->peer, guest->opening);
    if (guest->receiver != NULL) { /* recorded, and bob did not sign it */
      cut(guest);
      return;
    }
    leave(guest);
  }
  flush(guest);
}

static void on_bytes(void *owner, struct view bytes) {
  struct guest *guest = owner;
  if (guest->closing)
    return;
  if (guest->leaving) {
    flush(guest);
  } else if (in_session(guest)) {
    drive(guest, receiver_input(guest->receiver, bytes, clock_now()));
  } else {
    size_t taken = opening_input(guest->opening, bytes, clock_now());
    drive_opening(guest);
    if (taken < bytes.size)
      on_bytes(owner, view_of(bytes.data + taken, bytes.size - taken));
  }
}

bool guest_replace(struct guest *guest, const uint8_t *session_id, const uint8_t *bob_key) {
  if (guest->receiver == NULL || guest->closing || guest->leaving)
    return false;
  if (memcmp(guest->session_id, session_id, sizeof guest->session_id) != 0 ||
      (bob_key != NULL && !secret_equal(guest->bob_key, bob_key, sizeof guest->bob_key)))
    return false;
  screen_detail("%s has come again on another connection.", guest->peer);
  cut(guest);
  journal_end(&guest->journal);
  return true;
}

static void on_gone(void *owner, int reason) {
  struct guest *guest = owner;
  if (guest->closing)
    return;
  if (guest->receiver != NULL && !guest->leaving) {
    screen_detail("%s: %s", guest->peer, reason == 0 ? "closed" : uv_strerror(reason));
    cut(guest);
    guest->host->on_cut(guest->host->server);
    return;
  } else if (guest->receiver == NULL) {
    screen_detail("%s went away before a session was open.", guest->peer);
  }
  close_guest(guest);
}

static void on_timer(uv_timer_t *timer) {
  struct guest *guest = timer->data;
  if (guest->leaving) {
    close_guest(guest);
  } else if (in_session(guest)) {
    drive(guest, receiver_tick(guest->receiver, clock_now()));
  } else {
    opening_tick(guest->opening, clock_now());
    drive_opening(guest);
  }
}

int guest_welcome(struct guest **ret, struct host *host, uv_stream_t *listener) {
  static const struct link_owner calls = {on_bytes, on_gone, link_closed};
  struct guest *guest = calloc(1, sizeof *guest);
  if (guest == NULL)
    return UV_ENOMEM;
  guest->host = host;
  if (opening_alice(&guest->opening, host->tls, clock_now()) != AVOW_OK) {
    free(guest);
    return UV_ENOMEM;
  }
  int error = link_accept(&guest->link, listener, &calls, guest);
  if (error != 0) {
    opening_free(guest->opening);
    free(guest);
    return error;
  }
  guest->handles = 2;
  uv_timer_init(listener->loop, &guest->timer);
  guest->timer.data = guest;
  struct sockaddr_storage address;
  if (link_peer(guest->link, &address) == 0)
    address_text(&address, guest->peer, sizeof guest->peer);
  host->pending++;
  guest->number = host->welcomed++;
  *ret = guest;
  flush(guest);
  return 0;
}

uint64_t guest_waits_as(const struct guest *guest) {
  bool waits = guest->receiver == NULL && !guest->leaving && !guest->closing;
  return waits ? guest->number : UINT64_MAX;
}

void guest_dismiss(struct guest *guest) {
  if (guest->closing || guest->leaving)
    return;
  if (in_session(guest))
    drive(guest, receiver_finish(guest->receiver, clock_now()));
  else if (guest->receiver != NULL)
    cut(guest); /* bob has not signed the opening yet */
  else
    close_guest(guest);
}
