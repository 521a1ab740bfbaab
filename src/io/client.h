// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_IO_CLIENT_H
#define AVOW_IO_CLIENT_H

#include "evidence/record.h"
#include "io/exit_codes.h"
#include "keys/identity.h"
#include "wire/greeting.h"

struct client_options {
  const char *host; /* NULL: find alice by the port file */
  unsigned port;
  const char *port_file;
  const char *outbox; /* folder of bob's logs */
  enum handshake handshake;
  const struct identity *identity; /* tls only */
  const uint8_t *server_key;       /* 32 bytes that the user gave, or NULL */
  const char *known_file;          /* known_servers */
  bool status;                     /* only tell what waits in the outbox */
  enum log_detail detail;
  uint64_t resend_after_us;
  uint32_t cover; /* every token holds so many bytes; 0: as many as it needs */
  uint64_t cover_period_us;
  uint64_t wait_for_us; /* each time: give up on a server that is not there; WHEN_NEVER: never */
};

/** client_run(options): Be bob: send stdin's lines until its end, or a person's until "quit". */
enum exit_code client_run(const struct client_options *options);

#endif
