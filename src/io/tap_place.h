// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_IO_TAP_PLACE_H
#define AVOW_IO_TAP_PLACE_H

#include <netdb.h>

#include "io/tap.h"

/* Where alice is, where mallory listens, and what she lays for bob.  Each says what goes wrong. */

/**
 * tap_find_alice(options, port, ret):
 * Look alice up; freeaddrinfo is due.  With a ${port}, lay our port file anew beside her key of
 * today: she may have been started again.  Returns CODE_UNREACHABLE, CODE_FAILURE.
 */
enum exit_code tap_find_alice(const struct tap_options *options, unsigned port,
                              struct addrinfo **ret);

/** tap_listen_address(options, ret): Where to listen; freeaddrinfo is due.  Returns CODE_FAILURE.
 */
enum exit_code tap_listen_address(const struct tap_options *options, struct addrinfo **ret);

/** tap_lay(options, port): Lay the port file for bob, and a copy of alice's public key beside it.
 * Returns CODE_FAILURE, CODE_USAGE. */
enum exit_code tap_lay(const struct tap_options *options, unsigned port);

#endif
