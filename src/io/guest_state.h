// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_IO_GUEST_STATE_H
#define AVOW_IO_GUEST_STATE_H

/* The inside of a guest, for guest.c and guest_opening.c only. */

#include "base/limits.h"
#include "core/opening.h"
#include "core/receiver.h"
#include "io/guest.h"
#include "io/journal.h"
#include "io/link.h"

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
  size_t memory;     /* of it, counted in the host's */
  bool leaving;      /* what comes is not looked at; gone once all is sent */
  bool finished;     /* all is sent; we wait for him to close */
  uint64_t leave_us; /* monotonic: or then */
  bool closing;
  int handles; /* link and timer: freed when both are closed */
};

/** guest_in_session(guest): Whether the opening is over. */
bool guest_in_session(const struct guest *guest);

/** guest_drive_opening(guest): Do what the opening asks for, and hand over to the receiver. */
void guest_drive_opening(struct guest *guest);

/** guest_drive(guest, error): Store what the receiver recorded, let it confirm, show what it tells;
 * until nothing is left. */
void guest_drive(struct guest *guest, enum avow_error error);

/** guest_flush(guest): Send what there is to send; then go, if that was all, and set the next
 * alarm.
 */
void guest_flush(struct guest *guest);

/** guest_store(guest, record): Append and make durable; false: that failed, and has been said. */
bool guest_store(struct guest *guest, struct view record);

/** guest_leave(guest): Go when all is sent. */
void guest_leave(struct guest *guest);

/** guest_close(guest): Go now. */
void guest_close(struct guest *guest);

/** guest_cut(guest): The connection is gone: record that, and go. */
void guest_cut(struct guest *guest);

/** guest_log_failed(guest): The log cannot be written: nothing more may be confirmed.  errno. */
void guest_log_failed(struct guest *guest);

/** guest_core_failed(guest, error): The session cannot go on. */
void guest_core_failed(struct guest *guest, enum avow_error error);

#endif
