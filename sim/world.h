// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_SIM_WORLD_H
#define AVOW_SIM_WORLD_H

#include "base/when.h"
#include "chance.h"
#include "core/receiver.h"
#include "core/sender.h"
#include "crypto/tls.h"
#include "keys/identity.h"
#include "wire/sealed.h"

/* A world: one bob, one alice, a line between them, clocks and disks, in virtual time.  Everything
 * that happens in it follows from its seed. */
struct world;

enum side { BOB, ALICE };
#define OTHER(side) ((side) == BOB ? ALICE : BOB)

/* What is going to happen, and when. */
enum kind {
  HAPPENS_DELIVERY, /* bytes arrive: connection, side that gets them */
  HAPPENS_ROOM,     /* the line takes more: connection, side that sends */
  HAPPENS_GONE,     /* a side learns that the connection is over: connection, side */
  HAPPENS_TRY,      /* bob connects: his life */
  HAPPENS_ALARM,    /* a core's deadline: connection or NO_CONN for bob, number of the alarm */
  HAPPENS_SUBMIT,   /* bob's user has messages: his life */
  HAPPENS_START,    /* a program starts: side */
  HAPPENS_DEATH,    /* a program dies soon: side, 1 with its machine */
  HAPPENS_CUT,      /* the line is cut */
  HAPPENS_STALL,    /* the line stands still for a while */
  HAPPENS_JUMP,     /* a wall clock jumps: side */
  HAPPENS_DISMISS,  /* alice ends the session */
  HAPPENS_FORGERY,  /* somebody with the key sends what must be refused */
  HAPPENS_OLD_COPY, /* a machine loses its power, and its disk goes back to an old copy: side */
  HAPPENS_CALM,     /* from now on nothing goes wrong any more */
};
#define NO_CONN UINT32_MAX

/* How this world is: drawn from the seed before anything happens. */
struct setting {
  unsigned messages, more; /* bob's user has so many, and so many more once bob was killed */
  size_t text_most;
  uint64_t submit_every_us;
  unsigned submit_most; /* messages at a time */
  struct sender_config sender;
  struct receiver_config receiver;
  uint64_t delay_us, jitter_us;
  uint64_t bytes_per_s; /* 0: no limit */
  size_t capacity;      /* what the line holds before it takes no more */
  unsigned tamper, append_fails, sync_fails, eager, ahead; /* per million */
  bool plain;                                              /* no keys, nothing is signed */
  bool faultless;
  bool lies; /* a disk goes back to an old copy */
  uint64_t calm_us, end_us;
};

/* A machine with one program on it. */
struct host {
  struct world *world;
  enum side side;
  bool up;   /* the program runs */
  bool dead; /* it has died in the middle of what it does; nothing of that has an effect any more */
  bool power;               /* it dies with its machine */
  bool lies;                /* and its disk goes back to an old copy */
  uint64_t steps_left;      /* until it dies; 0: it does not */
  unsigned life;            /* how often it was started */
  bool disk_failed;         /* in this life */
  int64_t wall_us, mono_us; /* clocks, less the time that has passed on this machine */
  int drift_ppm;
  struct store *store;
  struct identity identity;
  struct tls_identity *tls;
};

/* What wakes a program at the deadline of its core. */
struct alarm {
  uint64_t at_us, late_us;
  unsigned number, late;
};

/* A message as bob's user gave it, and what has become of it. */
struct entry {
  uint8_t hash[64];
  uint64_t timestamp_us;
  bool left;             /* it was on the line */
  bool logged;           /* it is durable in alice's log... */
  const void *file;      /* ...this one... */
  uint64_t confirmed_us; /* ...with this time */
  bool confirmed;        /* bob was told so */
  unsigned sent;         /* an envelope of so many messages left bob, from this one on... */
  struct proof origin;   /* ...and he signed this */
  uint64_t envelope;  /* alice durably gave a receipt for so many messages, from this one on... */
  struct proof proof; /* ...and it is this, for ever */
};

/* What a session should hold: the reference for both its logs. */
struct model {
  struct entry *entries;
  uint64_t count;   /* submitted */
  uint64_t durable; /* on bob's disk */
  bool ended;       /* bob's log says that it is over */
};
#define MODELS_MAX 64u

/* What became of an old copy of a log that was put back. */
enum lie {
  NO_LIE,
  LIE_TOLD,     /* the other side's log held no head of what was lost, when it was */
  LIE_KNOWN,    /* it did: this must be found */
  LIE_SEEN,     /* bob was out of step, and said so */
  LIE_IN_LOGS,  /* the two logs show it */
  LIE_HARMLESS, /* nobody had heard of what was lost, and all is well */
  LIES_COUNT
};

struct world {
  uint64_t seed, now_us, digest, steps;
  uint64_t connections, deaths, tamperings; /* for the record */
  struct chance chance;
  struct setting setting;
  struct occasion *heap;
  size_t heap_count, heap_capacity;
  uint64_t order;
  struct host hosts[2];
  struct host *current; /* whose clock is asked */
  struct model models[MODELS_MAX];
  unsigned models_count;
  struct bob *bob;
  struct alice *alice;
  struct net *net;
  bool calm;
  enum side liar;
  enum lie lie; /* once it is told the model counts no more, until both logs are judged */
  bool over;    /* bob is done */
  bool tracing;
  char broken[512]; /* the property that does not hold */
};

/** world_run(world, seed, tracing): Live through it; ${world->broken} tells if something is wrong.
 */
void world_run(struct world *world, uint64_t seed, bool tracing);

/** setting_draw(world): How this world is, and what is going to happen in it. */
void setting_draw(struct world *world);

/** text_draw(world, text): A text of a length that is mostly small, of characters that are mostly
 * printable; it is in the room of ${text}. */
struct view text_draw(struct world *world, struct buf *text);

/** later(world, wait_us, kind, a, b): It happens after so long. */
void later(struct world *world, uint64_t wait_us, enum kind kind, unsigned a, unsigned b);

/** alarm_set(world, alarm, deadline_us, conn): Wake the current program when its clock says so.  A
 * deadline that has passed, and is there again each time that time has gone on, breaks the world.
 */
void alarm_set(struct world *world, struct alarm *alarm, uint64_t deadline_us, unsigned conn);

/** host_now(host): What its clocks show. */
struct now host_now(const struct host *host);

/** host_step(host): The program goes on to its next step: false if it dies there. */
bool host_step(struct host *host);

/** broken(world, format, ...): A property does not hold; the first one counts. */
void broken(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** trace(world, who, format, ...): A line of the story, if somebody reads it. */
void trace(struct world *world, const char *who, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
extern const char *const HOST_NAMES[2];

/** lie_missed(world, what): It must have been seen, and was not. */
void lie_missed(struct world *world, const char *what);

/** lie_seen(world): Somebody has seen that an old copy was put back: the world is over. */
void lie_seen(struct world *world);

/* The programs.  Each is told what happens to it; see bob.c and alice.c. */
void bob_begin(struct world *world);
void bob_end(struct world *world);
void bob_start(struct world *world);
void bob_die(struct world *world);
void bob_try(struct world *world);
void bob_submit(struct world *world);
void bob_alarm(struct world *world, unsigned number);
void bob_bytes(struct world *world, unsigned conn, struct view bytes);
void bob_room(struct world *world, unsigned conn);
void bob_gone(struct world *world, unsigned conn);
/** bob_model(world): Return the number of the session that bob is in. */
unsigned bob_model(const struct world *world);
/** bob_connections(world): Return how many connections his log should tell of. */
uint64_t bob_connections(const struct world *world);

void alice_begin(struct world *world);
void alice_end(struct world *world);
void alice_start(struct world *world);
void alice_die(struct world *world);
void alice_alarm(struct world *world, unsigned conn, unsigned number);
void alice_bytes(struct world *world, unsigned conn, struct view bytes);
void alice_room(struct world *world, unsigned conn);
void alice_gone(struct world *world, unsigned conn);
void alice_dismiss(struct world *world);
/** alice_reads(world, conn): Whether she takes bytes now. */
bool alice_reads(struct world *world, unsigned conn);

#endif
