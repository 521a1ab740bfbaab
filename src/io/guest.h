// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_IO_GUEST_H
#define AVOW_IO_GUEST_H

#include <uv.h>

#include "crypto/tls.h"
#include "io/server.h"
#include "store/store.h"

/* One connection of alice's: an opening, then a session with its log. */
struct guest;

/* What guests share with the server. */
struct host {
  const struct server_options *options;
  struct tls_identity *tls; /* NULL: plain */
  struct store *store;
  bool loopback;              /* it listens on this machine only */
  bool mute;                  /* standard output failed: said, and not tried again */
  unsigned pending, sessions; /* guests of either kind */
  uint64_t welcomed;          /* guests so far */
  unsigned sessions_max;
  size_t memory; /* that all sessions hold */
  void *server;
  void (*on_ended)(void *server, enum exit_code code); /* a session has ended in order, or failed */
  /* The session is going to be resumed: cut the guest who has it. */
  void (*on_resume)(void *server, const uint8_t *session_id, const uint8_t *bob_key);
  void (*on_cut)(void *server);                       /* a session was cut */
  void (*on_full)(void *server);                      /* they hold more than the options allow */
  void (*on_left)(void *server, struct guest *guest); /* the guest is about to be freed */
};

/** guest_welcome(ret, host, listener): Take the next connection.  Returns 0 or a libuv error. */
int guest_welcome(struct guest **ret, struct host *host, uv_stream_t *listener);

/** guest_waits_as(guest): Return the guest's number if it has no session yet and may be dismissed
 * for another, else UINT64_MAX. */
uint64_t guest_waits_as(const struct guest *guest);

/** guest_replace(guest, session_id, bob_key): If this is its session, cut it and let go of its log;
 * return whether it was.  ${bob_key} is NULL in plain mode. */
bool guest_replace(struct guest *guest, const uint8_t *session_id, const uint8_t *bob_key);

/** guest_memory(guest): Return the bytes that its session holds; 0 if it is leaving anyway. */
size_t guest_memory(const struct guest *guest);

/** guest_trim(guest): Give back what its session does not need now. */
void guest_trim(struct guest *guest);

/** guest_evict(guest): Cut its session, and give back what it holds. */
void guest_evict(struct guest *guest);

/** guest_dismiss(guest): End in order: what was stored is confirmed, bob is told; on_left follows.
 */
void guest_dismiss(struct guest *guest);

#endif
