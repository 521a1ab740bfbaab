// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_IO_ADMISSION_H
#define AVOW_IO_ADMISSION_H

#include "core/opening.h"
#include "io/server.h"

/* Whom alice lets in, and what she says of those whom she does not. */

/**
 * admission_allows(options, loopback, key, name):
 * Whether ${key} may open a session now.  The allowed_signers file is read anew each time, so a
 * change counts at once.  ${name} of AVOW_NAME_SIZE gets the client's name, "" if anyone is let in.
 * Says on the screen why not.
 */
bool admission_allows(const struct server_options *options, bool loopback,
                      const uint8_t key[ED25519_PUBLIC_SIZE], char *name);

/** admission_failed(peer, opening): Say why no session was opened, unless there is a flood of it.
 */
void admission_failed(const char *peer, const struct opening *opening);

#endif
