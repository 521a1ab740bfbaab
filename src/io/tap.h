// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_IO_TAP_H
#define AVOW_IO_TAP_H

#include "attack/relay.h"
#include "io/exit_codes.h"

/* Mallory's place on the line: she listens for bob, connects to alice for each connection of his,
 * and has a relay between the two. */
struct tap_options {
  const char *port_file;     /* alice's, read anew for each connection */
  const char *upstream_host; /* or where she is; NULL: by the port file */
  unsigned upstream_port;
  const char *lay; /* our own port file, for bob; NULL: none */
  const char *listen_host;
  unsigned listen_port; /* 0: any free one */
  struct plan *plan;
  void *owner;
  /* A connection begins; what it returns is handed to the others.  ${role} says whom mallory plays
   * on it.  May call relay_say. */
  void *(*on_begin)(void *owner, struct relay *relay, unsigned connection, enum attack_role role);
  /* Something happened.  May call relay_answer after ACT_ASKED, and relay_cut. */
  void (*on_event)(void *mind, struct relay *relay, const struct relay_event *event);
  /* The connection is over. */
  void (*on_end)(void *mind);
};

/** tap_run(options): Be on the line until a signal comes.  Says what goes wrong. */
enum exit_code tap_run(const struct tap_options *options);

#endif
