// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_IO_IDENTITY_FILE_H
#define AVOW_IO_IDENTITY_FILE_H

#include <stddef.h>

#include "base/error.h"
#include "keys/identity.h"

/**
 * config_path(name, path, size):
 * Write the path of ${name} in our configuration folder ($XDG_CONFIG_HOME/avow, else
 * ~/.config/avow) to ${path}.  Returns AVOW_NOT_FOUND if neither variable is set, AVOW_TOO_LONG.
 */
enum avow_error config_path(const char *name, char *path, size_t size);

/**
 * identity_load(path, ret):
 * Read a private key file.  Errors of file_read (FILE_SECRET) and identity_decode.
 */
enum avow_error identity_load(const char *path, struct identity *ret);

/**
 * identity_make(path, who, ret):
 * Make a new identity with the comment "who@host" and write it to ${path} (0600) and ${path}.pub,
 * making the folder if need be.  Returns AVOW_CRYPTO, AVOW_SYSTEM; with errno EEXIST if there is
 * such a file.
 */
enum avow_error identity_make(const char *path, const char *who, struct identity *ret);

/** identity_advice(error): Return what to do about an error of identity_load, as a sentence. */
const char *identity_advice(enum avow_error error);

#endif
