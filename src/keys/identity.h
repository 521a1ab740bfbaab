// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_KEYS_IDENTITY_H
#define AVOW_KEYS_IDENTITY_H

#include "base/bytes.h"
#include "base/limits.h"
#include "crypto/ed25519.h"

/* An Ed25519 identity in OpenSSH's formats, so that ssh-keygen makes and reads the same files. */
struct identity {
  uint8_t seed[ED25519_SEED_SIZE];
  uint8_t public[ED25519_PUBLIC_SIZE];
  char comment[AVOW_NAME_SIZE]; /* as in the file, cut to fit; not escaped */
};

/** identity_new(seed, comment, ret): Make one from 32 random bytes.  Returns AVOW_CRYPTO. */
enum avow_error identity_new(const uint8_t seed[ED25519_SEED_SIZE], const char *comment,
                             struct identity *ret);

/** identity_wipe(identity): Overwrite the private key. */
void identity_wipe(struct identity *identity);

/**
 * identity_decode(file, ret):
 * Read an OpenSSH private key file (openssh-portable, PROTOCOL.key: "openssh-key-v1").
 * Returns AVOW_KEY_ENCRYPTED if it has a passphrase, AVOW_KEY_TYPE if it is not one ssh-ed25519 key
 * (also for PEM files of other kinds), AVOW_MALFORMED for anything else, such as a private half
 * that does not fit its public one, or a file over AVOW_KEY_FILE_MAX.  AVOW_CRYPTO.
 */
enum avow_error identity_decode(struct view file, struct identity *ret);

/**
 * identity_encode(identity, check, file):
 * Append the private key file to ${file}.  ${check} is 4 random bytes, as the format wants.
 * Errors of buf_append.
 */
enum avow_error identity_encode(const struct identity *identity, uint32_t check, struct buf *file);

#endif
