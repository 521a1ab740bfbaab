// SPDX-License-Identifier: Apache-2.0
#include "io/guest_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "core/opening.h"
#include "core/receiver.h"
#include "crypto/secret.h"
#include "io/announce.h"
#include "io/clock.h"
#include "io/link.h"
#include "io/screen.h"

/* A guest who does not take our last words is not waited for longer. */
#define LEAVE_US 2000000u
/* With so much unsent we stop reading: whoever wants answers must take them. */
#define BACKLOG_MAX (AVOW_OUTPUT_MAX / 4)

bool guest_in_session(const struct guest *guest) {
  return guest->opening == NULL;
}

/* Count what the session holds. */
static void count_memory(struct guest *guest) {
  size_t memory = guest->receiver == NULL
                      ? 0
                      : sizeof *guest + receiver_memory(guest->receiver) + link_memory(guest->link);
  guest->host->memory += memory - guest->memory;
  guest->memory = memory;
}

static void let_go(struct guest *guest) {
  if (--guest->handles > 0)
    return;
  guest->host->memory -= guest->memory;
  guest->host->on_left(guest->host->server, guest);
  opening_free(guest->opening);
  receiver_free(guest->receiver);
  free(guest);
}

static void timer_closed(uv_handle_t *handle) {
  let_go(handle->data);
}

static void link_closed(void *owner) {
  let_go(owner);
}

void guest_close(struct guest *guest) {
  if (guest->closing)
    return;
  guest->closing = true;
  journal_end(&guest->journal); /* whoever comes again for the session finds its log free */
  if (guest->receiver == NULL)
    guest->host->pending--;
  else
    guest->host->sessions--;
  link_close(guest->link);
  uv_close((uv_handle_t *)&guest->timer, timer_closed);
}

void guest_leave(struct guest *guest) {
  if (guest->leaving)
    return;
  guest->leaving = true;
  guest->leave_us = clock_now().mono_us + LEAVE_US;
  if (!guest_in_session(guest))
    link_read(guest->link, false);
}

void guest_log_failed(struct guest *guest) {
  const char *reason = strerror(errno);
  screen_error("cannot write %s/%s.log: %s. What was confirmed is safe there; nothing else was "
               "confirmed. Make room or mend the disk, then start again.",
               guest->host->options->log_folder, guest->journal.name, reason);
  guest_close(guest); /* first, so that nobody takes it for one that can still end in order */
  guest->host->on_ended(guest->host->server, CODE_FAILURE);
}

void guest_core_failed(struct guest *guest, enum avow_error error) {
  screen_error("the session with %s cannot go on: %s. What was confirmed is safe in %s/%s.log.",
               guest->peer, avow_error_text(error), guest->host->options->log_folder,
               guest->journal.name);
  guest_close(guest); /* first, so that nobody takes it for one that can still end in order */
  guest->host->on_ended(guest->host->server, CODE_FAILURE);
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

static void show(struct guest *guest, const struct event *event) {
  struct host *host = guest->host;
  switch (event->type) {
  case EVENT_MESSAGE:
    if (screen_json_on())
      announce_json(event);
    else if (!host->mute && announce_text(event, guest->offset_min) != AVOW_OK)
      output_failed(guest);
    break;
  case EVENT_INCIDENT: screen_incident(event); break;
  case EVENT_ENDED:
    screen_json(json_pack("{s:s, s:b}", "event", "ended", "by_peer", event->by_peer));
    guest_leave(guest);
    host->on_ended(host->server, CODE_OK);
    break;
  case EVENT_SENT:
  case EVENT_SLOW:
  case EVENT_CONFIRMED: break; /* the sender's */
  }
}

bool guest_store(struct guest *guest, struct view record) {
  enum avow_error error = journal_store(&guest->journal, record);
  if (error != AVOW_OK)
    guest_log_failed(guest);
  return error == AVOW_OK;
}

static void on_timer(uv_timer_t *timer);

static void set_timer(struct guest *guest) {
  uint64_t deadline = guest->leaving            ? guest->leave_us
                      : guest_in_session(guest) ? receiver_deadline(guest->receiver)
                                                : opening_deadline(guest->opening);
  if (deadline == WHEN_NEVER) {
    uv_timer_stop(&guest->timer);
    return;
  }
  uv_timer_start(&guest->timer, on_timer, clock_wait_ms(deadline), 0);
}

/* What can leave leaves; return how much cannot. */
static size_t send_output(struct guest *guest) {
  bool session = guest_in_session(guest);
  struct view out = session ? receiver_output(guest->receiver) : opening_output(guest->opening);
  size_t sent = out.size > 0 ? link_send(guest->link, out) : 0;
  if (session)
    receiver_output_consume(guest->receiver, sent);
  else
    opening_output_consume(guest->opening, sent);
  return out.size - sent;
}

void guest_flush(struct guest *guest) {
  size_t left = send_output(guest);
  bool sent = left == 0 && link_idle(guest->link);
  if (guest->leaving && !guest_in_session(guest) && sent) {
    guest_close(guest);
    return;
  }
  /* Bytes of his that we leave unread when we close would cost him our last words. */
  if (guest->leaving && sent && !guest->finished) {
    guest->finished = true;
    link_finish(guest->link);
  }
  bool listening = guest_in_session(guest) || !guest->leaving;
  link_read(guest->link, listening && left < BACKLOG_MAX);
  set_timer(guest);
}

void guest_drive(struct guest *guest, enum avow_error error) {
  while (error == AVOW_OK && !guest->closing) {
    struct event event;
    struct view record;
    error = receiver_record(guest->receiver, &record);
    bool more = error == AVOW_OK && record.size > 0;
    if (more) {
      if (!guest_store(guest, record))
        return;
      receiver_record_consume(guest->receiver, record.size);
      error = receiver_durable(guest->receiver, clock_now());
      send_output(guest); /* he waits for it; whoever reads can wait a little */
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
    guest_core_failed(guest, error);
  else
    guest_flush(guest);
}

/* The last thing in each call from outside: the guest who goes may be this one. */
static void settle(struct guest *guest) {
  struct host *host = guest->host;
  count_memory(guest);
  if (host->memory > host->options->memory_max)
    host->on_full(host->server);
}

static void take_bytes(struct guest *guest, struct view bytes) {
  if (guest->closing)
    return;
  if (guest->leaving) {
    guest_flush(guest);
  } else if (guest_in_session(guest)) {
    guest_drive(guest, receiver_input(guest->receiver, bytes, clock_now()));
  } else {
    size_t taken = opening_input(guest->opening, bytes, clock_now());
    guest_drive_opening(guest);
    if (taken < bytes.size) /* the session's already */
      take_bytes(guest, view_of(bytes.data + taken, bytes.size - taken));
  }
}

static void on_bytes(void *owner, struct view bytes) {
  struct guest *guest = owner;
  if (guest->closing)
    return;
  take_bytes(guest, bytes);
  settle(guest);
}

void guest_cut(struct guest *guest) {
  guest_drive(guest, receiver_cut(guest->receiver, clock_now()));
  guest_close(guest);
}

size_t guest_memory(const struct guest *guest) {
  return guest->closing ? 0 : guest->memory;
}

void guest_trim(struct guest *guest) {
  if (guest->receiver != NULL)
    receiver_trim(guest->receiver);
  count_memory(guest);
}

void guest_evict(struct guest *guest) {
  screen_error("all sessions together hold more than --max-memory allows, and the most is held by "
               "that with %s: %zu KiB. It is cut off. What was confirmed is safe in %s/%s.log, and "
               "he may come again.",
               guest->peer, guest->memory / 1024, guest->host->options->log_folder,
               guest->journal.name);
  guest_cut(guest);
  receiver_free(guest->receiver);
  guest->receiver = NULL;
  guest->host->memory -= guest->memory;
  guest->memory = 0;
}

bool guest_replace(struct guest *guest, const uint8_t *session_id, const uint8_t *bob_key) {
  if (guest->receiver == NULL || guest->closing)
    return false;
  if (memcmp(guest->session_id, session_id, sizeof guest->session_id) != 0 ||
      (bob_key != NULL && !secret_equal(guest->bob_key, bob_key, sizeof guest->bob_key)))
    return false;
  screen_detail("%s has come again on another connection.", guest->peer);
  if (guest->leaving)
    guest_close(guest); /* his session has ended already, and he did not hear it */
  else
    guest_cut(guest);
  return true;
}

static void on_gone(void *owner, int reason) {
  struct guest *guest = owner;
  if (guest->closing)
    return;
  if (guest->receiver != NULL && !guest->leaving) {
    screen_detail("%s: %s", guest->peer, reason == 0 ? "closed" : uv_strerror(reason));
    guest_cut(guest);
    guest->host->on_cut(guest->host->server);
    return;
  } else if (guest->receiver == NULL) {
    screen_detail("%s went away before a session was open.", guest->peer);
  }
  guest_close(guest);
}

static void on_timer(uv_timer_t *timer) {
  struct guest *guest = timer->data;
  if (guest->leaving) {
    guest_close(guest);
  } else if (guest_in_session(guest)) {
    guest_drive(guest, receiver_tick(guest->receiver, clock_now()));
  } else {
    opening_tick(guest->opening, clock_now());
    guest_drive_opening(guest);
  }
  settle(guest);
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
    address_text((const struct sockaddr *)&address, guest->peer, sizeof guest->peer);
  host->pending++;
  guest->number = host->welcomed++;
  *ret = guest;
  guest_flush(guest);
  return 0;
}

uint64_t guest_waits_as(const struct guest *guest) {
  bool waits = guest->receiver == NULL && !guest->leaving && !guest->closing;
  return waits ? guest->number : UINT64_MAX;
}

void guest_dismiss(struct guest *guest) {
  if (guest->closing || guest->leaving)
    return;
  if (guest_in_session(guest))
    guest_drive(guest, receiver_finish(guest->receiver, clock_now()));
  else if (guest->receiver != NULL)
    guest_cut(guest); /* bob has not signed the opening yet */
  else
    guest_close(guest);
}
