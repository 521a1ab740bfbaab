// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "core/opening.h"
#include "disk.h"
#include "io/guest_log.h"
#include "net.h"

/* The owner of receivers, as io/guest.c and io/server.c are; her logs are begun and resumed by
 * io/guest_log.c.  Between any two steps she may die. */

#define LEAVE_US 2000000u
#define BACKLOG_MAX (AVOW_OUTPUT_MAX / 4)

struct guest {
  struct guest *next;
  unsigned conn;
  struct opening *opening;
  struct receiver *receiver;
  struct journal journal;
  uint8_t session_id[SESSION_ID_SIZE];
  unsigned model;
  bool leaving, gone;
  uint64_t shown; /* the next message to be shown */
  struct alarm alarm;
};

struct alice {
  struct guest *guests;
  struct server_options options;
};

void alice_begin(struct world *world) {
  world->alice = calloc(1, sizeof *world->alice);
  if (world->alice == NULL)
    abort();
  world->alice->options = (struct server_options){
      .log_folder = "logs",
      .serve = true,
      .handshake = world->setting.plain ? HANDSHAKE_PLAIN : HANDSHAKE_TLS,
      .identity = &world->hosts[ALICE].identity,
      .detail = world->setting.receiver.detail,
      .freshness_us = world->setting.receiver.freshness_us,
  };
}

static struct host *host_of(struct world *world) {
  return &world->hosts[ALICE];
}

static struct now now_of(struct world *world) {
  return host_now(&world->hosts[ALICE]);
}

static void free_guest(struct guest *guest) {
  opening_free(guest->opening);
  receiver_free(guest->receiver);
  journal_end(&guest->journal);
  free(guest);
}

void alice_die(struct world *world) {
  struct alice *alice = world->alice;
  while (alice->guests != NULL) {
    struct guest *next = alice->guests->next;
    free_guest(alice->guests);
    alice->guests = next;
  }
  for (unsigned i = 0; i < world->net->count; i++)
    net_close(world, i, ALICE, host_of(world)->power);
}

void alice_end(struct world *world) {
  alice_die(world);
  free(world->alice);
}

void alice_start(struct world *world) {
  (void)world; /* she waits */
}

static struct guest *find(struct world *world, unsigned conn) {
  struct guest *guest = world->alice->guests;
  while (guest != NULL && guest->conn != conn)
    guest = guest->next;
  return guest;
}

/* Free those who are gone; nobody points at them any more. */
static void sweep(struct world *world) {
  struct guest **at = &world->alice->guests;
  while (*at != NULL) {
    struct guest *guest = *at;
    if (guest->gone) {
      *at = guest->next;
      free_guest(guest);
    } else {
      at = &guest->next;
    }
  }
}

static void close_guest(struct world *world, struct guest *guest) {
  guest->gone = true;
  net_close(world, guest->conn, ALICE, false);
}

static void log_failed(struct world *world, struct guest *guest) {
  close_guest(world, guest);
  if (chance_of(&world->chance, 500000))
    host_of(world)->dead = true; /* she serves only one: the program ends */
}

static void core_failed(struct world *world, enum avow_error error) {
  if (!host_of(world)->dead)
    broken(world, "alice's core fails: %s", avow_error_text(error));
}

static size_t flush_some(struct world *world, struct guest *guest) {
  if (guest->receiver == NULL || guest->opening != NULL || !host_step(host_of(world)))
    return 0;
  struct view out = receiver_output(guest->receiver);
  size_t taken = net_send(world, guest->conn, ALICE, out);
  receiver_output_consume(guest->receiver, taken);
  return out.size - taken;
}

static void flush(struct world *world, struct guest *guest) {
  size_t left = flush_some(world, guest);
  if (host_of(world)->dead)
    return;
  if (guest->leaving && left == 0)
    close_guest(world, guest);
  else if (guest->opening != NULL)
    alarm_set(world, &guest->alarm, opening_deadline(guest->opening), guest->conn);
  else if (guest->receiver != NULL && !guest->leaving)
    alarm_set(world, &guest->alarm, receiver_deadline(guest->receiver), guest->conn);
}

static void flush_early(struct world *world, struct guest *guest) {
  if (chance_of(&world->chance, world->setting.eager) && guest->opening == NULL)
    flush_some(world, guest);
}

static void leave(struct world *world, struct guest *guest) {
  guest->leaving = true;
  guest->alarm.at_us = WHEN_NEVER;
  alarm_set(world, &guest->alarm, now_of(world).mono_us + LEAVE_US, guest->conn);
}

static void show(struct world *world, struct guest *guest, const struct event *event) {
  const struct model *model = &world->models[guest->model];
  switch (event->type) {
  case EVENT_MESSAGE:
    if (event->id != guest->shown++)
      broken(world, "alice shows message %" PRIu64 " out of order", event->id);
    else if (event->id >= model->count || !model->entries[event->id].logged)
      broken(world, "alice shows message %" PRIu64 " before it is durable", event->id);
    else if (memcmp(model->entries[event->id].hash, event->hash, 64) != 0)
      broken(world, "alice shows another message %" PRIu64, event->id);
    break;
  case EVENT_INCIDENT:
    trace(world, "alice", "%s (%s, %" PRIu64 ")", event->what, verdict_name(event->verdict),
          event->count);
    if (world->setting.faultless)
      broken(world, "alice sees an incident where there is none: %s", event->what);
    break;
  case EVENT_ENDED:
    trace(world, "alice", "the session has ended");
    leave(world, guest);
    break;
  case EVENT_SENT:
  case EVENT_SLOW:
  case EVENT_CONFIRMED: break;
  }
}

static void drive(struct world *world, struct guest *guest, enum avow_error error) {
  struct host *host = host_of(world);
  bool more = true;
  while (error == AVOW_OK && more && !guest->gone && host_step(host)) {
    struct event event;
    struct view record;
    flush_early(world, guest);
    error = receiver_record(guest->receiver, &record);
    more = error == AVOW_OK && record.size > 0;
    if (more && journal_store(&guest->journal, record) != AVOW_OK) {
      log_failed(world, guest);
      return;
    }
    flush_early(world, guest);
    if (more) {
      receiver_record_consume(guest->receiver, record.size);
      error = receiver_durable(guest->receiver, now_of(world));
    }
    flush_early(world, guest);
    while (error == AVOW_OK && !host->dead && receiver_next_event(guest->receiver, &event))
      show(world, guest, &event);
    if (more && error == AVOW_OK && !host->dead)
      error = receiver_input(guest->receiver, view_of("", 0), now_of(world));
  }
  if (error != AVOW_OK)
    core_failed(world, error);
  else if (!guest->gone && !host->dead)
    flush(world, guest);
}

static void cut(struct world *world, struct guest *guest) {
  drive(world, guest, receiver_cut(guest->receiver, now_of(world)));
  if (!guest->gone)
    close_guest(world, guest);
}

/* As io/server.c: whoever has the session is cut, and lets go of its log. */
static void replace(struct world *world, const struct open *open) {
  for (struct guest *guest = world->alice->guests; guest != NULL; guest = guest->next) {
    if (guest->receiver == NULL || guest->gone ||
        memcmp(guest->session_id, open->session_id, sizeof guest->session_id) != 0)
      continue;
    trace(world, "alice", "bob comes again: connection %u makes room", guest->conn);
    if (guest->leaving)
      close_guest(world, guest); /* his session has ended already, and he did not hear it */
    else
      cut(world, guest);
    journal_end(&guest->journal);
  }
}

static bool find_receiver(struct world *world, struct guest *guest, struct grant *grant) {
  struct host *host = host_of(world);
  const struct open *open = opening_asked(guest->opening);
  const struct server_options *options = &world->alice->options;
  uint8_t key[ED25519_PUBLIC_SIZE];
  const uint8_t *bob_key = opening_peer_key(guest->opening, key) ? key : NULL;
  if (open->resume) {
    memcpy(grant->session_id, open->session_id, sizeof grant->session_id);
    grant->opened_us = open->opened_us;
    if (guest_log_resume(options, host->store, open, bob_key, &guest->journal, &guest->receiver) ==
        AVOW_OK)
      return true;
    if (!host->dead && !host->disk_failed)
      broken(world, "alice cannot resume a session of hers");
    guest->receiver = NULL;
    opening_refuse(guest->opening, AVOW_NO_SESSION);
    leave(world, guest);
    return false;
  }
  chance_bytes(&world->chance, grant->session_id, sizeof grant->session_id);
  if (guest_log_begin(options, host->store, grant, &guest->journal, &guest->receiver) == AVOW_OK)
    return true;
  guest->receiver = NULL;
  log_failed(world, guest);
  return false;
}

/* The log's record of the connection must be durable before bob learns that he has a session. */
static void begin_record(struct world *world, struct guest *guest) {
  const struct session *session = opening_session(guest->opening);
  struct opened opened = session_opened(session, false);
  opened.peer = "('127.0.0.1', 38464)";
  uint8_t seed[DRBG_SEED_SIZE];
  struct view record;
  chance_bytes(&world->chance, seed, sizeof seed);
  net_key(world, guest->conn, session);
  enum avow_error error = receiver_attach(guest->receiver, session, &opened, seed);
  if (error == AVOW_OK)
    error = receiver_record(guest->receiver, &record);
  if (error != AVOW_OK)
    core_failed(world, error);
  else if (journal_store(&guest->journal, record) != AVOW_OK)
    log_failed(world, guest);
  else
    receiver_record_consume(guest->receiver, record.size);
}

static void open_session(struct world *world, struct guest *guest) {
  struct now now = now_of(world);
  struct grant grant = {.clock_us = now.wall_us, .opened_us = now.wall_us, .offset_min = 60};
  replace(world, opening_asked(guest->opening));
  if (host_of(world)->dead || !find_receiver(world, guest, &grant))
    return;
  guest->model = bob_model(world);
  guest->shown = grant.next_id = receiver_next_id(guest->receiver);
  memcpy(grant.alice_head, receiver_head(guest->receiver), sizeof grant.alice_head);
  chance_bytes(&world->chance, grant.key, sizeof grant.key);
  memcpy(guest->session_id, grant.session_id, sizeof guest->session_id);
  trace(world, "alice", "grants a session on connection %u, next is %" PRIu64, guest->conn,
        grant.next_id);
  opening_grant(guest->opening, &grant, now);
  if (opening_error(guest->opening) != AVOW_OK)
    core_failed(world, opening_error(guest->opening));
  else
    begin_record(world, guest);
}

static void flush_opening(struct world *world, struct guest *guest) {
  if (!host_step(host_of(world)))
    return;
  size_t taken = net_send(world, guest->conn, ALICE, opening_output(guest->opening));
  opening_output_consume(guest->opening, taken);
}

static void hand_over(struct world *world, struct guest *guest) {
  struct opening *opening = guest->opening;
  flush_opening(world, guest);
  if (host_of(world)->dead)
    return;
  if (opening_output(opening).size > 0) {
    close_guest(world, guest);
    return;
  }
  guest->opening = NULL;
  const struct session *session = opening_session(opening);
  enum avow_error error = receiver_durable(guest->receiver, now_of(world));
  if (error == AVOW_OK && session->handshake == HANDSHAKE_TLS)
    error = receiver_agreed(guest->receiver, session->bob_signature);
  if (error == AVOW_OK)
    error = receiver_input(guest->receiver, opening_rest(opening), now_of(world));
  opening_free(opening);
  drive(world, guest, error);
}

static void drive_opening(struct world *world, struct guest *guest) {
  if (opening_state(guest->opening) == OPENING_ASKED)
    open_session(world, guest);
  if (guest->gone || host_of(world)->dead)
    return;
  if (opening_state(guest->opening) == OPENING_DONE) {
    hand_over(world, guest);
    return;
  }
  flush_opening(world, guest);
  if (host_of(world)->dead)
    return;
  if (opening_state(guest->opening) == OPENING_FAILED && guest->receiver != NULL)
    cut(world, guest);
  else if (opening_state(guest->opening) == OPENING_FAILED)
    close_guest(world, guest);
  else
    alarm_set(world, &guest->alarm, opening_deadline(guest->opening), guest->conn);
}

static struct guest *welcome(struct world *world, unsigned conn) {
  const struct tls_identity *own = world->setting.plain ? NULL : host_of(world)->tls;
  struct guest *guest = calloc(1, sizeof *guest);
  if (guest == NULL || opening_alice(&guest->opening, own, now_of(world)) != AVOW_OK)
    abort();
  guest->conn = conn;
  guest->alarm.at_us = WHEN_NEVER;
  guest->next = world->alice->guests;
  world->alice->guests = guest;
  return guest;
}

bool alice_reads(struct world *world, unsigned conn) {
  struct guest *guest = find(world, conn);
  return guest == NULL || guest->leaving || guest->receiver == NULL ||
         receiver_output(guest->receiver).size < BACKLOG_MAX;
}

void alice_bytes(struct world *world, unsigned conn, struct view bytes) {
  struct guest *guest = find(world, conn);
  if (guest == NULL)
    guest = welcome(world, conn);
  if (guest->leaving) {
    flush(world, guest);
  } else if (guest->opening == NULL) {
    drive(world, guest, receiver_input(guest->receiver, bytes, now_of(world)));
  } else {
    size_t taken = opening_input(guest->opening, bytes, now_of(world));
    drive_opening(world, guest);
    if (taken < bytes.size && !guest->gone && !host_of(world)->dead)
      alice_bytes(world, conn, view_of(bytes.data + taken, bytes.size - taken));
  }
  sweep(world);
}

void alice_alarm(struct world *world, unsigned conn, unsigned number) {
  struct guest *guest = find(world, conn);
  if (guest == NULL || number != guest->alarm.number)
    return;
  guest->alarm.at_us = WHEN_NEVER;
  if (guest->leaving) {
    close_guest(world, guest);
  } else if (guest->opening == NULL) {
    drive(world, guest, receiver_tick(guest->receiver, now_of(world)));
  } else {
    opening_tick(guest->opening, now_of(world));
    drive_opening(world, guest);
  }
  sweep(world);
}

void alice_room(struct world *world, unsigned conn) {
  struct guest *guest = find(world, conn);
  if (guest != NULL && guest->opening == NULL)
    flush(world, guest);
  sweep(world);
}

void alice_gone(struct world *world, unsigned conn) {
  struct guest *guest = find(world, conn);
  if (guest == NULL)
    return;
  trace(world, "alice", "connection %u is gone", conn);
  if (guest->receiver != NULL && !guest->leaving)
    cut(world, guest);
  else
    close_guest(world, guest);
  sweep(world);
}

void alice_dismiss(struct world *world) {
  struct guest *guest = world->alice->guests;
  if (guest == NULL || guest->receiver == NULL || guest->leaving)
    return;
  trace(world, "alice", "ends the session on connection %u", guest->conn);
  if (guest->opening != NULL)
    cut(world, guest); /* bob has not signed the opening yet */
  else
    drive(world, guest, receiver_finish(guest->receiver, now_of(world)));
  sweep(world);
}
