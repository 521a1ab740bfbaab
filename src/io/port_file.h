// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_IO_PORT_FILE_H
#define AVOW_IO_PORT_FILE_H

#include "base/bytes.h"
#include "base/limits.h"
#include "crypto/ed25519.h"

/* The file `port` holds the bare number of alice's port; `alice.pub` beside it her public key, in
 * tls mode.  Bob on the same machine finds and trusts her through them. */

/**
 * port_file_write(path, port, key, name):
 * Write both files (the key first), or only `port` where ${key} is NULL; an old alice.pub is
 * removed then.  Returns AVOW_SYSTEM; with errno ELOOP if ${path} is a symbolic link, EISDIR if it
 * is something else than a file.
 */
enum avow_error port_file_write(const char *path, unsigned port, const uint8_t *key,
                                const char *name);

/** port_file_remove(path, port): Remove both, if they are still ours: if `port` says ${port}. */
void port_file_remove(const char *path, unsigned port);

/**
 * port_file_read(path, ret_port):
 * Returns AVOW_NOT_FOUND, AVOW_MALFORMED if it is not one number from 1 to 65535, AVOW_TOO_LONG,
 * AVOW_SYSTEM as port_file_write.
 */
enum avow_error port_file_read(const char *path, unsigned *ret_port);

/**
 * port_file_key(path, key, name):
 * Read alice.pub beside ${path}; ${name} of AVOW_NAME_SIZE gets its comment.  Errors of file_read
 * (FILE_OURS) and public_key_decode.
 */
enum avow_error port_file_key(const char *path, uint8_t key[ED25519_PUBLIC_SIZE], char *name);

#endif
