// SPDX-License-Identifier: Apache-2.0
#include "world.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "disk.h"
#include "judge.h"
#include "net.h"

/* More than any honest world needs. */
#define STEPS_MAX 2000000u

const char *const HOST_NAMES[2] = {"bob", "alice"};

/* Not for the judge: then the judge is wrong. */
static const char JUDGE_BLIND[] = "both logs are in order for the judge, and not by the rules";

struct occasion {
  uint64_t at_us, order;
  enum kind kind;
  unsigned a, b;
};

static bool before(const struct occasion *x, const struct occasion *y) {
  return x->at_us != y->at_us ? x->at_us < y->at_us : x->order < y->order;
}

static void swap(struct occasion *x, struct occasion *y) {
  struct occasion z = *x;
  *x = *y;
  *y = z;
}

void later(struct world *world, uint64_t wait_us, enum kind kind, unsigned a, unsigned b) {
  if (world->heap_count == world->heap_capacity) {
    world->heap_capacity = world->heap_capacity * 2 + 256;
    world->heap = realloc(world->heap, world->heap_capacity * sizeof *world->heap);
    if (world->heap == NULL)
      abort();
  }
  size_t i = world->heap_count++;
  world->heap[i] = (struct occasion){world->now_us + wait_us, world->order++, kind, a, b};
  for (; i > 0 && before(&world->heap[i], &world->heap[(i - 1) / 2]); i = (i - 1) / 2)
    swap(&world->heap[i], &world->heap[(i - 1) / 2]);
}

static bool take_first(struct world *world, struct occasion *ret) {
  if (world->heap_count == 0)
    return false;
  *ret = world->heap[0];
  world->heap[0] = world->heap[--world->heap_count];
  for (size_t i = 0;;) {
    size_t least = i;
    for (size_t child = 2 * i + 1; child <= 2 * i + 2; child++)
      if (child < world->heap_count && before(&world->heap[child], &world->heap[least]))
        least = child;
    if (least == i)
      return true;
    swap(&world->heap[i], &world->heap[least]);
    i = least;
  }
}

void broken(struct world *world, const char *format, ...) {
  if (world->broken[0] != '\0' || world->lie != NO_LIE)
    return;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(world->broken, sizeof world->broken, format, arguments);
  va_end(arguments);
  trace(world, "-----", "BROKEN: %s", world->broken);
}

void trace(struct world *world, const char *who, const char *format, ...) {
  if (!world->tracing)
    return;
  va_list arguments;
  printf("%4" PRIu64 ".%06" PRIu64 " %-6s", world->now_us / 1000000, world->now_us % 1000000, who);
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  putchar('\n');
}

struct now host_now(const struct host *host) {
  int64_t here = (int64_t)host->world->now_us;
  here += here * host->drift_ppm / 1000000;
  return (struct now){.wall_us = (uint64_t)(here + host->wall_us),
                      .mono_us = (uint64_t)(here + host->mono_us)};
}

bool host_step(struct host *host) {
  if (host->dead)
    return false;
  if (host->steps_left == 0 || --host->steps_left > 0)
    return true;
  host->dead = true;
  trace(host->world, HOST_NAMES[host->side], "dies%s", host->power ? " with its machine" : "");
  return false;
}

void alarm_set(struct world *world, struct alarm *alarm, uint64_t deadline_us, unsigned conn) {
  const struct host *host = world->current;
  uint64_t mono_us = host_now(host).mono_us;
  if (deadline_us > mono_us)
    alarm->late = 0;
  else if (alarm->late_us != world->now_us || alarm->late == 0) /* each time that time goes on */
    alarm->late++;
  alarm->late_us = world->now_us;
  if (alarm->late > 8)
    broken(world, "%s's deadline has passed, and stays", HOST_NAMES[host->side]);
  if (deadline_us == WHEN_NEVER)
    return;
  uint64_t wait_us = deadline_us > mono_us ? deadline_us - mono_us : 0;
  wait_us += wait_us / 4000 + 1000; /* whatever the drift is, it is over then */
  if (alarm->at_us <= world->now_us + wait_us)
    return; /* there is an earlier one: it sets the next */
  alarm->at_us = world->now_us + wait_us;
  later(world, wait_us, HAPPENS_ALARM, conn, ++alarm->number);
}

static void die(struct host *host) {
  struct world *world = host->world;
  world->current = host;
  world->deaths++;
  if (host->side == BOB)
    bob_die(world);
  else
    alice_die(world);
  if (host->power) {
    disk_power(host);
    if (host->lies)
      disk_put_back(host);
    int64_t up_us = (int64_t)chance_between(&world->chance, 1000000, 1000000000);
    host->mono_us += up_us - (int64_t)host_now(host).mono_us; /* this clock starts anew */
  }
  uint64_t wait_us = chance_between(&world->chance, 10000, world->calm ? 100000 : 5000000);
  if (!world->over)
    later(world, wait_us, HAPPENS_START, host->side, 0);
  /* What a program wrote and did not sync outlives it, but not its machine. */
  if (!world->over && !host->power && chance_of(&world->chance, 300000))
    later(world, wait_us + chance_between(&world->chance, 0, 8 * world->setting.delay_us),
          HAPPENS_DEATH, host->side, 1);
  host->up = host->dead = host->power = host->lies = false;
  host->steps_left = 0;
}

static void start(struct host *host) {
  struct world *world = host->world;
  world->current = host;
  host->up = true;
  host->disk_failed = false;
  host->life++;
  trace(world, HOST_NAMES[host->side], "starts");
  if (host->side == BOB)
    bob_start(world);
  else
    alice_start(world);
}

static void jump(struct host *host) {
  uint64_t most_us = UINT64_C(86400000000);
  int64_t by_us = (int64_t)chance_wide(&host->world->chance, 1000, most_us);
  by_us = chance_of(&host->world->chance, 500000) ? by_us : -by_us;
  host->wall_us += by_us;
  trace(host->world, HOST_NAMES[host->side], "wall clock jumps by %" PRId64 " us", by_us);
}

static void calm_down(struct world *world) {
  trace(world, "world", "calm from now on");
  world->calm = true;
  world->hosts[BOB].steps_left = world->hosts[ALICE].steps_left = 0;
  net_calm(world);
}

/* A program is about to die, in the middle of one of its next steps. */
static void doom(struct host *host, bool power) {
  if (host->world->calm || !host->up)
    return;
  host->steps_left = chance_wide(&host->world->chance, 1, 60);
  host->power = power || chance_of(&host->world->chance, 500000);
}

/* A machine loses its power at once, and its disk shows an old copy of a log. */
static void go_back(struct host *host) {
  if (host->world->calm)
    return;
  if (!host->up) {
    disk_put_back(host);
    return;
  }
  trace(host->world, HOST_NAMES[host->side], "dies with its machine");
  host->dead = host->power = host->lies = true;
}

void lie_missed(struct world *world, const char *what) {
  world->lie = NO_LIE;
  broken(world, "an old copy of a log was put back, %s", what);
}

void lie_seen(struct world *world) {
  world->lie = LIE_SEEN;
  world->over = true;
}

static void happen_to(struct world *world, const struct occasion *o) {
  struct host *host = &world->hosts[o->kind == HAPPENS_TRY || o->kind == HAPPENS_SUBMIT ? BOB
                                    : o->kind == HAPPENS_ALARM ? (o->a == NO_CONN ? BOB : ALICE)
                                                               : o->b % 2];
  if (!host->up)
    return;
  world->current = host;
  bool bob = host->side == BOB;
  switch (o->kind) {
  case HAPPENS_TRY:
    if (o->a == host->life)
      bob_try(world);
    break;
  case HAPPENS_SUBMIT:
    if (o->a == host->life)
      bob_submit(world);
    break;
  case HAPPENS_ALARM: bob ? bob_alarm(world, o->b) : alice_alarm(world, o->a, o->b); break;
  case HAPPENS_DELIVERY: net_deliver(world, o->a, host->side); break;
  case HAPPENS_ROOM: bob ? bob_room(world, o->a) : alice_room(world, o->a); break;
  case HAPPENS_GONE:
    if (net_gone(world, o->a, host->side))
      bob ? bob_gone(world, o->a) : alice_gone(world, o->a);
    break;
  default: break;
  }
}

static void happen(struct world *world, const struct occasion *o) {
  switch (o->kind) {
  case HAPPENS_START: start(&world->hosts[o->a]); break;
  case HAPPENS_DEATH: doom(&world->hosts[o->a], o->b == 1); break;
  case HAPPENS_CUT: net_cut(world); break;
  case HAPPENS_STALL: net_stall(world); break;
  case HAPPENS_JUMP: jump(&world->hosts[o->a]); break;
  case HAPPENS_FORGERY: net_forge(world); break;
  case HAPPENS_OLD_COPY: go_back(&world->hosts[o->a]); break;
  case HAPPENS_CALM: calm_down(world); break;
  case HAPPENS_DISMISS:
    world->current = &world->hosts[ALICE];
    if (world->current->up)
      alice_dismiss(world);
    break;
  default: happen_to(world, o);
  }
  for (unsigned side = 0; side < 2; side++)
    if (world->hosts[side].dead)
      die(&world->hosts[side]);
}

static void mix(struct world *world, uint64_t value) {
  world->digest = (world->digest ^ value) * 0x9e3779b97f4a7c15;
  world->digest ^= world->digest >> 29;
}

/* Whether alice's log of bob's session fits his: by the rules, and for the judge. */
static const char *compare_session(const struct world *world, const struct file *bob) {
  const uint8_t *session = rules_session(bob->rules);
  if (session == NULL)
    return NULL;
  const struct file *alice = disk_file(world->hosts[ALICE].store, session);
  if (alice == NULL)
    return "alice has no log of a session";
  const char *breach = rules_both(bob->rules, alice->rules);
  if (world->setting.plain)
    return breach; /* nothing to judge: nobody signed */
  const char *fault = judge_session(world, bob, alice);
  if (fault != NULL && breach == NULL)
    return fault;
  return fault == NULL && breach != NULL ? JUDGE_BLIND : breach;
}

/* Both logs of each session fit each other; return what does not, or NULL.  Of a session that bob
 * never heard of, alice has a log in which he says nothing. */
static const char *compare_logs(const struct world *world) {
  const struct store *bobs = world->hosts[BOB].store, *alices = world->hosts[ALICE].store;
  for (unsigned i = 0; i < alices->count; i++) {
    const struct rules *alice = alices->files[i]->rules;
    if (alice != NULL && rules_said(alice) && disk_log(bobs, rules_session(alice)) == NULL)
      return "bob has no log of a session";
  }
  for (unsigned i = 0; i < bobs->count; i++) {
    const struct rules *bob = bobs->files[i]->rules;
    const char *breach = bob == NULL ? NULL : compare_session(world, bobs->files[i]);
    if (breach != NULL)
      return breach;
  }
  return NULL;
}

/* Everything is over: both logs say what the model says. */
static void look_back(struct world *world) {
  for (unsigned side = 0; side < 2; side++)
    for (unsigned i = 0; i < world->hosts[side].store->count; i++) {
      struct file *file = world->hosts[side].store->files[i];
      file->synced = file->bytes.size; /* as the system does, after a while */
      witness_again(&world->hosts[side], file);
    }
  uint64_t delivered = 0;
  for (unsigned m = 0; m < world->models_count; m++) {
    struct model *model = &world->models[m];
    uint64_t i = 0;
    for (; i < model->durable; i++)
      if (!model->entries[i].logged || !model->entries[i].confirmed)
        broken(world, "message %" PRIu64 " of session %u is durable at bob's, and %s", i, m,
               model->entries[i].logged ? "was not confirmed" : "is not in alice's log");
    delivered += i;
  }
  if (delivered < world->setting.messages)
    broken(world, "%" PRIu64 " of %u messages were delivered", delivered, world->setting.messages);
  const char *breach = compare_logs(world);
  if (breach != NULL)
    broken(world, "%s", breach);
}

/* What is wrong with the logs by themselves, or NULL. */
static const char *judge_logs(struct world *world) {
  const char *breach = NULL;
  for (unsigned side = 0; side < 2; side++) {
    struct store *store = world->hosts[side].store;
    for (unsigned i = 0; i < store->count && breach == NULL; i++)
      breach = witness_judge(&world->hosts[side], store->files[i]);
  }
  return breach == NULL ? compare_logs(world) : breach;
}

/* An old copy was put back: that came to light, or it did no harm. */
static void judge_lie(struct world *world) {
  if (world->lie == LIE_SEEN)
    return;
  const char *breach = judge_logs(world);
  bool known = world->lie == LIE_KNOWN;
  trace(world, "world", "%s", breach == NULL ? "both logs are in order" : breach);
  if (breach == JUDGE_BLIND)
    lie_missed(world, breach);
  else if (breach == NULL && known)
    lie_missed(world, "and nobody finds out");
  else if (breach == NULL && !world->over)
    lie_missed(world, "no log shows it, and it does not go on");
  world->lie = breach != NULL ? LIE_IN_LOGS : LIE_HARMLESS;
}

static void live(struct world *world) {
  struct occasion next;
  while (!world->over && world->broken[0] == '\0' && take_first(world, &next)) {
    if (next.at_us > world->setting.end_us) {
      broken(world, "not everything is delivered and ended %" PRIu64 " s after the last fault",
             (next.at_us - world->setting.calm_us) / 1000000);
      return;
    }
    world->now_us = next.at_us;
    mix(world, next.at_us);
    mix(world, (uint64_t)next.kind << 56 ^ (uint64_t)next.a << 24 ^ next.b);
    if (++world->steps > STEPS_MAX) {
      broken(world, "the world does not come to rest: more than %u steps", STEPS_MAX);
      return;
    }
    happen(world, &next);
  }
  if (!world->over)
    broken(world, "nothing is going to happen any more, and bob is not done");
}

static void begin_host(struct world *world, enum side side) {
  struct host *host = &world->hosts[side];
  struct chance *chance = &world->chance;
  *host = (struct host){.world = world, .side = side};
  host->wall_us =
      (int64_t)chance_between(chance, UINT64_C(1790000000000000), UINT64_C(1790003600000000));
  if (chance_of(chance, 200000))
    host->wall_us += (int64_t)chance_between(chance, 0, UINT64_C(40000000000000));
  host->mono_us = (int64_t)chance_between(chance, 0, UINT64_C(1000000000000));
  host->drift_ppm = (int)chance_between(chance, 0, 400) - 200;
  uint8_t seed[ED25519_SEED_SIZE];
  chance_bytes(chance, seed, sizeof seed);
  if (identity_new(seed, HOST_NAMES[side], &host->identity) != AVOW_OK ||
      tls_identity_new(&host->tls, seed) != AVOW_OK)
    abort();
  disk_begin(host);
}

void world_run(struct world *world, uint64_t seed, bool tracing) {
  struct occasion *heap = world->heap;
  size_t capacity = world->heap_capacity;
  *world =
      (struct world){.seed = seed, .tracing = tracing, .heap = heap, .heap_capacity = capacity};
  chance_init(&world->chance, seed);
  begin_host(world, BOB);
  begin_host(world, ALICE);
  setting_draw(world);
  net_begin(world);
  bob_begin(world);
  alice_begin(world);
  live(world);
  if (world->broken[0] == '\0' && world->lie != NO_LIE)
    judge_lie(world);
  else if (world->broken[0] == '\0')
    look_back(world);
  world->current = NULL;
  for (unsigned side = 0; side < 2; side++)
    world->hosts[side].dead = true; /* so that nothing of what follows has an effect */
  world->connections = world->net->count;
  bob_end(world);
  alice_end(world);
  net_end(world);
  disk_end(&world->hosts[BOB]);
  disk_end(&world->hosts[ALICE]);
  tls_identity_free(world->hosts[BOB].tls);
  tls_identity_free(world->hosts[ALICE].tls);
  for (unsigned i = 0; i < world->models_count; i++)
    free(world->models[i].entries);
}
