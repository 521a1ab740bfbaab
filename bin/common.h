// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_BIN_COMMON_H
#define AVOW_BIN_COMMON_H

#include <stdbool.h>

#include "evidence/record.h"
#include "io/exit_codes.h"
#include "keys/identity.h"
#include "wire/greeting.h"

/* What alice and bob read off their command lines alike. */
struct common {
  const char *program; /* "alice" */
  enum handshake handshake;
  enum log_detail detail;
  const char *identity_path; /* NULL: in the configuration folder */
  const char *port_file;
  bool json, quiet, verbose;
  bool help, version;
};

/** usage_error(program, format, ...): Say what is wrong with the command line; return CODE_USAGE.
 */
enum exit_code usage_error(const char *program, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** parse_number(text, min, max, ret): A whole number; false if it is none, or out of range. */
bool parse_number(const char *text, unsigned long min, unsigned long max, unsigned long *ret);

/* The least that parse_seconds takes, where it cannot be nothing. */
#define A_MICROSECOND 1e-6

/** parse_seconds(text, min, ret_us): Seconds, whole or with a point, ${min} to a year. */
bool parse_seconds(const char *text, double min, uint64_t *ret_us);

/** split_address(text, ret_host, ret_port): Take "host:port" or "[host]:port" apart, in place. */
bool split_address(char *text, const char **ret_host, unsigned *ret_port);

/* The options that both have, for getopt_long; their values are letters, a program's own begin at
 * 256. */
#define COMMON_OPTIONS                                                                             \
  {"handshake", required_argument, NULL, 'h'}, {"log-detail", required_argument, NULL, 'd'},       \
      {"identity", required_argument, NULL, 'i'}, {"port-file", required_argument, NULL, 'p'},     \
      {"json", no_argument, NULL, 'j'}, {"quiet", no_argument, NULL, 'q'},                         \
      {"verbose", no_argument, NULL, 'v'}, {"help", no_argument, NULL, 'H'}, {                     \
    "version", no_argument, NULL, 'V'                                                              \
  }

/** common_option(common, option, value): Take one of COMMON_OPTIONS.  Returns CODE_OK or
 * CODE_USAGE, said. */
enum exit_code common_option(struct common *common, int option, const char *value);

/**
 * common_identity(common, ret):
 * Load the identity, or make one where there is none yet and say where it is.  Returns CODE_OK, or
 * CODE_FAILURE, said.
 */
enum exit_code common_identity(const struct common *common, struct identity *ret);

/** keygen(program, argc, argv): "PROGRAM keygen [--identity FILE]": make an identity. */
enum exit_code keygen(const char *program, int argc, char **argv);

/** print_version(program): To stdout. */
void print_version(const char *program);

#endif
