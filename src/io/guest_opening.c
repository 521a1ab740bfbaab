// SPDX-License-Identifier: Apache-2.0
#include "io/guest_state.h"

#include <stdio.h>
#include <string.h>

#include "crypto/random.h"
#include "crypto/secret.h"
#include "io/admission.h"
#include "io/announce.h"
#include "io/clock.h"
#include "io/guest_log.h"

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
    guest_core_failed(guest, error);
    return;
  }
  if (guest_store(guest, record))
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
    guest_log_failed(guest);
  else if (error != AVOW_OK)
    guest_core_failed(guest, error);
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
    guest_core_failed(guest, error);
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
    guest_close(guest); /* he did not even read the handshake */
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
  guest_drive(guest, error);
}

void guest_drive_opening(struct guest *guest) {
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
      guest_cut(guest);
      return;
    }
    guest_leave(guest);
  }
  guest_flush(guest);
}
