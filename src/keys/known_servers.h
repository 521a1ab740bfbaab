// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_KEYS_KNOWN_SERVERS_H
#define AVOW_KEYS_KNOWN_SERVERS_H

#include "base/bytes.h"
#include "crypto/ed25519.h"

/* Whom bob trusts: lines "[host]:port ssh-ed25519 AAAA… comment", as OpenSSH's known_hosts writes a
 * host with a port (sshd(8)).  Empty lines and lines that begin with '#' are skipped. */

/**
 * known_servers_find(file, host, port, key, ret_line):
 * Find the first line of ${host} (compared without regard to ASCII case) and ${port} in ${file};
 * copy its key to ${key} and its number, from 1, to ${ret_line}. Returns AVOW_NOT_FOUND if there is
 * none.  A line that cannot be read is AVOW_MALFORMED (or AVOW_KEY_TYPE), with its number in
 * ${ret_line}, if its host matches, or if it cannot be told; lines behind the one found
 * are not looked at.
 */
enum avow_error known_servers_find(struct view file, const char *host, unsigned port,
                                   uint8_t key[ED25519_PUBLIC_SIZE], unsigned *ret_line);

/**
 * known_servers_line(host, port, key, line):
 * Append the line of this server, with its newline, to ${line}.  ${host} has no white space, no
 * control character: AVOW_MALFORMED otherwise.  Errors of buf_append.
 */
enum avow_error known_servers_line(const char *host, unsigned port,
                                   const uint8_t key[ED25519_PUBLIC_SIZE], struct buf *line);

#endif
