// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_IO_SERVER_H
#define AVOW_IO_SERVER_H

#include "evidence/record.h"
#include "io/exit_codes.h"
#include "keys/identity.h"
#include "wire/greeting.h"

struct server_options {
  const char *listen; /* a name or an address */
  unsigned port;      /* 0: the first free one from 1024 upwards */
  const char *port_file;
  const char *log_folder;
  enum handshake handshake;
  const struct identity *identity; /* tls only */
  const char *allowed_file;        /* allowed_signers, or NULL */
  bool accept_anyone;
  bool serve;           /* go on after a session, and hold many at once */
  unsigned clients_max; /* with serve: sessions at once */
  size_t memory_max;    /* bytes that all sessions together may hold */
  enum log_detail detail;
  uint64_t freshness_us;
};

/** server_run(options): Be alice until the session has ended, or a signal ends it. */
enum exit_code server_run(const struct server_options *options);

#endif
