// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_IO_CLIENT_STATE_H
#define AVOW_IO_CLIENT_STATE_H

/* The inside of a client, for client.c and client_met.c only. */

#include <netdb.h>

#include "core/opening.h"
#include "crypto/tls.h"
#include "io/client.h"
#include "io/link.h"
#include "io/talk.h"
#include "io/trust.h"

/* How long to wait before the next try: at first. */
#define RETRY_FIRST_MS 100u

struct client {
  const struct client_options *options;
  uv_loop_t loop;
  uv_timer_t timer; /* of the next try, or of the opening */
  uv_signal_t interrupt, terminate, hang_up;
  struct store *store;
  struct tls_identity *tls;
  unsigned port;
  struct addrinfo *addresses, *next; /* to try in this round */
  char peer[80];
  struct trust trust;
  struct link *link;
  struct opening *opening;
  struct talk *talk;
  bool talking;        /* the link is the talk's now */
  bool talk_over;      /* the talk is done */
  uint64_t started_us; /* monotonic */
  uint64_t retry_ms;
  unsigned spoilt;
  uint64_t mismatch_us; /* monotonic: since when another key is at the port; 0: it is not */
  bool stranger_said;
  bool again; /* the next try belongs to the last one */
  bool over;
  enum exit_code code;
};

/** client_finish(client, code): Close everything; the loop ends when all is closed. */
void client_finish(struct client *client, enum exit_code code);

/** client_drop_link(client): This connection led to nothing; another try follows when it is closed.
 */
void client_drop_link(struct client *client);

/** client_met_silence(client, why): The server closed the opening, or says nothing. */
void client_met_silence(struct client *client, const char *why);

/** client_met_failure(client): The opening has failed: say why, and try again or be done. */
void client_met_failure(struct client *client);

#endif
