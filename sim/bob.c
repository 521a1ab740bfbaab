// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "core/opening.h"
#include "crypto/hash.h"
#include "disk.h"
#include "io/outbox.h"
#include "net.h"

/* The owner of a sender, as io/client.c and io/talk.c are; his outbox is opened by io/outbox.c and
 * kept by io/journal.c.  Between any two steps he may die. */

#define RETRY_FIRST_US 100000u
#define RETRY_MOST_US 3000000u

struct bob {
  struct sender *sender;
  struct journal journal;
  struct opening *opening;
  unsigned conn; /* NO_CONN between connections */
  bool talking, begun, finishing;
  unsigned model;
  uint64_t connections; /* that his log should tell of */
  uint64_t retry_us;
  struct alarm alarm;
  struct hash *hash;
  struct buf text;
  struct client_options options;
};

void bob_begin(struct world *world) {
  world->bob = calloc(1, sizeof *world->bob);
  if (world->bob == NULL || hash_new(&world->bob->hash) != AVOW_OK)
    abort();
  world->bob->options =
      (struct client_options){.host = "alice",
                              .port = 1024,
                              .outbox = "outbox",
                              .handshake = world->setting.plain ? HANDSHAKE_PLAIN : HANDSHAKE_TLS,
                              .identity = &world->hosts[BOB].identity};
  world->bob->conn = NO_CONN;
  world->bob->alarm.at_us = WHEN_NEVER;
  buf_init(&world->bob->text, AVOW_TEXT_MAX);
}

unsigned bob_model(const struct world *world) {
  return world->bob->model;
}

uint64_t bob_connections(const struct world *world) {
  return world->bob->connections;
}

static struct now now_of(struct world *world) {
  return host_now(&world->hosts[BOB]);
}

static struct model *model_of(struct world *world) {
  return &world->models[world->bob->model];
}

/* How many messages bob's user still has to give. */
static uint64_t to_submit(struct world *world) {
  uint64_t given = model_of(world)->count;
  for (unsigned i = 0; i < world->models_count; i++)
    if (i != world->bob->model)
      given += world->models[i].durable;
  return given < world->setting.messages ? world->setting.messages - given : 0;
}

/* Whether all sessions are over.  A machine that loses its power may open one again, when its end
 * was not synced yet: the next bob goes on with that. */
static bool all_ended(const struct world *world) {
  for (unsigned i = 0; i < world->models_count; i++)
    if (world->models[i].durable > 0 && !world->models[i].ended)
      return false;
  return true;
}

/* The program is over: by its own will, or because it died. */
static void leave(struct world *world) {
  world->hosts[BOB].dead = true;
}

void bob_die(struct world *world) {
  struct bob *bob = world->bob;
  opening_free(bob->opening);
  sender_free(bob->sender);
  journal_end(&bob->journal);
  bob->opening = NULL;
  bob->sender = NULL;
  if (bob->conn != NO_CONN)
    net_close(world, bob->conn, BOB, world->hosts[BOB].power);
  bob->conn = NO_CONN;
  bob->alarm.at_us = WHEN_NEVER;
  bob->talking = bob->finishing = false;
}

void bob_end(struct world *world) {
  struct bob *bob = world->bob;
  bob_die(world);
  hash_free(bob->hash);
  buf_free(&bob->text);
  free(bob);
}

static bool store_record(struct world *world, struct view record, bool ahead) {
  struct bob *bob = world->bob;
  struct host *host = &world->hosts[BOB];
  enum avow_error error = AVOW_OK;
  if (bob->journal.log == NULL) {
    uint64_t wall_us = now_of(world).wall_us;
    error = journal_begin(&bob->journal, host->store, &wall_us, world->setting.sender.offset_min);
  }
  if (error == AVOW_OK)
    error = ahead ? journal_ahead(&bob->journal, record) : journal_store(&bob->journal, record);
  if (error == AVOW_OK)
    sender_record_consume(bob->sender, record.size);
  else
    leave(world);
  return error == AVOW_OK;
}

static void flush(struct world *world) {
  struct bob *bob = world->bob;
  if (bob->conn == NO_CONN || !bob->talking || !host_step(&world->hosts[BOB]))
    return;
  size_t taken = net_send(world, bob->conn, BOB, sender_output(bob->sender));
  sender_output_consume(bob->sender, taken);
}

/* Output may be taken whenever there is some. */
static void flush_early(struct world *world) {
  if (chance_of(&world->chance, world->setting.eager))
    flush(world);
}

static void show_confirmed(struct world *world, const struct event *event) {
  struct model *model = model_of(world);
  for (uint64_t id = event->id; id < event->id + event->count; id++) {
    struct entry *entry = id < model->count ? &model->entries[id] : NULL;
    if (entry == NULL || !entry->logged)
      broken(world, "message %" PRIu64 " is confirmed to bob, and not durable with alice", id);
    else if (entry->confirmed_us != event->confirmed_us)
      broken(world, "message %" PRIu64 " is confirmed to bob with another time", id);
    else
      entry->confirmed = true;
  }
}

static bool alice_ended(const struct world *world) {
  const uint8_t *session_id = sender_past(world->bob->sender)->session_id;
  const struct rules *rules = disk_log(world->hosts[ALICE].store, session_id);
  return rules != NULL && rules_ends(rules) > 0;
}

static void show(struct world *world, const struct event *event) {
  switch (event->type) {
  case EVENT_CONFIRMED:
    trace(world, "bob", "is told that %" PRIu64 " + %" PRIu64 " are confirmed", event->id,
          event->count);
    show_confirmed(world, event);
    break;
  case EVENT_INCIDENT:
    trace(world, "bob", "%s (%s, %" PRIu64 ")", event->what, verdict_name(event->verdict),
          event->count);
    if (world->setting.faultless)
      broken(world, "bob sees an incident where there is none: %s", event->what);
    break;
  case EVENT_ENDED:
    trace(world, "bob", "the session has ended%s", event->by_peer ? " (alice's wish)" : "");
    if (!alice_ended(world))
      broken(world, "bob is told of an end that is not in alice's log");
    if (sender_unconfirmed(world->bob->sender) == 0 && !model_of(world)->ended)
      broken(world, "bob is told of the end before it is durable");
    world->over = to_submit(world) == 0 && all_ended(world);
    if (world->lie != NO_LIE) /* the model knows nothing any more */
      world->over = to_submit(world) == 0 && sender_unconfirmed(world->bob->sender) == 0;
    leave(world);
    break;
  case EVENT_SENT:
  case EVENT_SLOW:
  case EVENT_MESSAGE: break;
  }
}

static void drive(struct world *world, enum avow_error error) {
  struct bob *bob = world->bob;
  struct host *host = &world->hosts[BOB];
  bool more = true;
  while (error == AVOW_OK && more && host_step(host)) {
    struct event event;
    struct view record;
    flush_early(world);
    error = sender_record(bob->sender, &record);
    more = error == AVOW_OK && record.size > 0;
    if (more && !store_record(world, record, false))
      return;
    flush_early(world);
    if (more)
      error = sender_durable(bob->sender, now_of(world));
    while (error == AVOW_OK && !host->dead && sender_next_event(bob->sender, &event))
      show(world, &event);
    flush_early(world);
    if (more && error == AVOW_OK && !host->dead)
      error = sender_input(bob->sender, view_of("", 0), now_of(world));
  }
  if (error != AVOW_OK && !host->dead)
    broken(world, "bob's core fails: %s", avow_error_text(error));
  if (host->dead || error != AVOW_OK)
    return;
  flush(world);
  alarm_set(world, &bob->alarm, sender_deadline(bob->sender), NO_CONN);
}

static enum avow_error begin_log(struct world *world) {
  if (world->bob->begun)
    return AVOW_OK;
  world->bob->begun = true;
  return outbox_begin(&world->bob->options, world->bob->sender);
}

void bob_start(struct world *world) {
  struct bob *bob = world->bob;
  struct host *host = &world->hosts[BOB];
  bob->model = world->models_count;
  if (bob->model > 0 && world->models[bob->model - 1].durable == 0)
    bob->model--; /* nothing came of that one */
  if (bob->model >= MODELS_MAX)
    abort();
  bob->journal = (struct journal){0};
  if (host->life > 1) {
    world->setting.messages += world->setting.more;
    world->setting.more = 0;
  }
  enum exit_code code = outbox_open(&bob->options, disk_unread(host->store), &world->setting.sender,
                                    &bob->journal, &bob->sender);
  if (code != CODE_OK) {
    bob->sender = NULL;
    bob->journal.log = NULL;
    if (!host->dead && !host->disk_failed)
      broken(world, "bob cannot open his outbox");
    leave(world);
    return;
  }
  if (disk_wasted(host->store))
    broken(world, "bob reads all of a log that is finished");
  bob->begun = bob->journal.log != NULL;
  bob->connections = 0;
  if (bob->begun) {
    struct file *file = bob->journal.log->file;
    bob->model = file->model;
    witness_count(file, &model_of(world)->count, &bob->connections);
  } else {
    world->models_count = bob->model + 1;
    model_of(world)->count = 0;
    world->over = to_submit(world) == 0;
  }
  later(world, 0, HAPPENS_TRY, host->life, 0);
  later(world, 0, HAPPENS_SUBMIT, host->life, 0);
  bob->retry_us = RETRY_FIRST_US;
  bob->alarm.late = 0;
  drive(world, AVOW_OK);
}

static void submit_one(struct world *world) {
  struct bob *bob = world->bob;
  struct model *model = model_of(world);
  struct view text = text_draw(world, &bob->text);
  struct now now = now_of(world);
  uint64_t id;
  if (model->entries == NULL)
    model->entries =
        calloc(world->setting.messages + world->setting.more + 1u, sizeof *model->entries);
  enum avow_error error = begin_log(world);
  if (error == AVOW_OK)
    error = sender_submit(bob->sender, text, now, &id);
  if (error != AVOW_OK || model->entries == NULL) {
    broken(world, "bob cannot submit: %s", avow_error_text(error));
    return;
  }
  trace(world, "bob", "submits message %" PRIu64 ", %zu bytes", id, text.size);
  if (id != model->count) {
    broken(world, "a message gets the id %" PRIu64 " and not %" PRIu64, id, model->count);
    return;
  }
  struct entry *entry = &model->entries[model->count++];
  *entry = (struct entry){.timestamp_us = now.wall_us};
  if (hash_sha512(bob->hash, text, entry->hash) != AVOW_OK)
    abort();
}

/* What io/talk.c does with a long record. */
static void write_ahead(struct world *world) {
  struct view record;
  if (sender_ahead(world->bob->sender, 1, &record) == AVOW_OK && record.size > 0)
    store_record(world, record, true);
}

void bob_submit(struct world *world) {
  struct bob *bob = world->bob;
  struct setting *setting = &world->setting;
  uint64_t count = chance_between(&world->chance, 1, setting->submit_most);
  for (; count > 0 && to_submit(world) > 0 && sender_room(bob->sender); count--) {
    submit_one(world);
    if (chance_of(&world->chance, world->setting.ahead))
      write_ahead(world);
  }
  if (to_submit(world) == 0 && !bob->finishing) {
    bob->finishing = true;
    drive(world, sender_finish(bob->sender, now_of(world)));
    return;
  }
  later(world, chance_between(&world->chance, 0, 2 * setting->submit_every_us), HAPPENS_SUBMIT,
        world->hosts[BOB].life, 0);
  drive(world, AVOW_OK);
}

static void try_later(struct world *world) {
  struct bob *bob = world->bob;
  later(world, bob->retry_us / 2 + chance_between(&world->chance, 0, bob->retry_us / 2),
        HAPPENS_TRY, world->hosts[BOB].life, 0);
  bob->retry_us = bob->retry_us * 2 < RETRY_MOST_US ? bob->retry_us * 2 : RETRY_MOST_US;
}

/* What io/talk.c asks for. */
static struct open wish(struct world *world) {
  const struct sender_past *past = sender_past(world->bob->sender);
  struct open open = {.offset_min = (int16_t)past->offset_min, .resume = past->any};
  memcpy(open.bob_head, sender_head(world->bob->sender), sizeof open.bob_head);
  open.cover = (uint32_t)world->setting.sender.cover;
  if (past->any) {
    memcpy(open.session_id, past->session_id, sizeof open.session_id);
    open.opened_us = past->opened_us;
    open.opened_offset_min = (int16_t)past->opened_offset_min;
  }
  return open;
}

static void send_opening(struct world *world, struct opening *opening) {
  struct bob *bob = world->bob;
  if (!host_step(&world->hosts[BOB]))
    return;
  size_t taken = net_send(world, bob->conn, BOB, opening_output(opening));
  opening_output_consume(opening, taken);
}

void bob_try(struct world *world) {
  struct bob *bob = world->bob;
  if (bob->conn != NO_CONN)
    return;
  if (!world->hosts[ALICE].up) {
    try_later(world);
    return;
  }
  struct open open = wish(world);
  bob->conn = net_connect(world);
  trace(world, "bob", "connects: connection %u, %s", bob->conn, open.resume ? "resumes" : "new");
  const struct tls_identity *own = world->setting.plain ? NULL : world->hosts[BOB].tls;
  const uint8_t *server_key = world->hosts[ALICE].identity.public;
  if (opening_bob(&bob->opening, own, server_key, &open, now_of(world)) != AVOW_OK)
    abort();
  send_opening(world, bob->opening);
  alarm_set(world, &bob->alarm, opening_deadline(bob->opening), NO_CONN);
}

static void drop_connection(struct world *world) {
  struct bob *bob = world->bob;
  opening_free(bob->opening);
  bob->opening = NULL;
  bob->talking = false;
  net_close(world, bob->conn, BOB, false);
  bob->conn = NO_CONN;
  try_later(world);
}

static void attach(struct world *world) {
  struct bob *bob = world->bob;
  uint8_t seed[DRBG_SEED_SIZE];
  struct opening *opening = bob->opening;
  const struct session *session = opening_session(opening);
  struct opened opened = session_opened(session, true);
  opened.peer = "('127.0.0.1', 1024)";
  chance_bytes(&world->chance, seed, sizeof seed);
  bob->opening = NULL;
  bob->talking = true;
  bob->connections++;
  bob->retry_us = RETRY_FIRST_US;
  enum avow_error error = begin_log(world);
  if (error == AVOW_OK)
    error = sender_attach(bob->sender, session, &opened, seed, now_of(world));
  trace(world, "bob", "attaches: alice has stored %" PRIu64 ", and %" PRIu64 " wait",
        session->grant.next_id, sender_unconfirmed(bob->sender));
  const struct rules *log = disk_log(world->hosts[BOB].store, session->grant.session_id);
  if (error == AVOW_OK && world->lie != NO_LIE && world->liar == ALICE && log != NULL &&
      rules_enveloped(log) > session->grant.next_id)
    lie_missed(world, "alice lost what she confirmed, and bob goes on");
  else if (error == AVOW_OUT_OF_STEP && world->lie != NO_LIE)
    lie_seen(world);
  else if (error != AVOW_OK)
    broken(world, "bob cannot go on: %s", avow_error_text(error));
  bob->talking = false; /* nothing leaves before the connection is in the log */
  drive(world, error);
  if (error == AVOW_OK && !world->hosts[BOB].dead) {
    bob->talking = true;
    send_opening(world, opening);
  }
  if (error == AVOW_OK && !world->hosts[BOB].dead) {
    drive(world, sender_input(bob->sender, opening_rest(opening), now_of(world)));
  }
  opening_free(opening);
}

static void drive_opening(struct world *world) {
  struct bob *bob = world->bob;
  enum avow_error error = AVOW_OK;
  if (opening_state(bob->opening) == OPENING_GRANTED) {
    error = sender_may_attach(bob->sender, opening_session(bob->opening));
    if (error == AVOW_OK)
      opening_agree(bob->opening);
  }
  if (opening_state(bob->opening) != OPENING_DONE)
    send_opening(world, bob->opening);
  if (world->hosts[BOB].dead)
    return;
  if (error == AVOW_OUT_OF_STEP && world->lie != NO_LIE) {
    lie_seen(world);
    leave(world);
    return;
  }
  if (error == AVOW_OK)
    error = opening_error(bob->opening);
  if (opening_state(bob->opening) == OPENING_DONE) {
    attach(world);
  } else if (opening_state(bob->opening) == OPENING_RUNNING) {
    alarm_set(world, &bob->alarm, opening_deadline(bob->opening), NO_CONN);
  } else if (error == AVOW_TIMEOUT) {
    drop_connection(world);
  } else {
    if (error == AVOW_NO_SESSION && world->lie != NO_LIE)
      lie_seen(world);
    else if (error != AVOW_NO_SESSION || !world->hosts[ALICE].disk_failed)
      broken(world, "bob's opening fails: %s", avow_error_text(error));
    leave(world);
  }
}

void bob_alarm(struct world *world, unsigned number) {
  struct bob *bob = world->bob;
  if (number != bob->alarm.number)
    return;
  bob->alarm.at_us = WHEN_NEVER;
  if (bob->opening != NULL) {
    opening_tick(bob->opening, now_of(world));
    drive_opening(world);
  } else {
    drive(world, sender_tick(bob->sender, now_of(world)));
  }
}

void bob_bytes(struct world *world, unsigned conn, struct view bytes) {
  struct bob *bob = world->bob;
  if (conn != bob->conn)
    return;
  if (bob->talking) {
    drive(world, sender_input(bob->sender, bytes, now_of(world)));
  } else if (bob->opening != NULL) {
    size_t taken = opening_input(bob->opening, bytes, now_of(world));
    drive_opening(world);
    if (taken < bytes.size && !world->hosts[BOB].dead)
      bob_bytes(world, conn, view_of(bytes.data + taken, bytes.size - taken));
  }
}

void bob_room(struct world *world, unsigned conn) {
  if (conn == world->bob->conn)
    flush(world);
}

void bob_gone(struct world *world, unsigned conn) {
  struct bob *bob = world->bob;
  if (conn != bob->conn)
    return;
  trace(world, "bob", "connection %u is gone", conn);
  bool talked = bob->talking;
  drop_connection(world);
  if (talked)
    drive(world, sender_detach(bob->sender, now_of(world)));
}
