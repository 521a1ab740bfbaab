// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_EVIDENCE_KEYRING_H
#define AVOW_EVIDENCE_KEYRING_H

#include "base/limits.h"
#include "keys/allowed_signers.h"

/* Whose key is whose: what the reader of the evidence says, in an allowed_signers file of his own.
 * Never what the evidence says. */

/* The keys that were asked for last are remembered with their lines, so that a question costs the
 * same however long the file is. */
#define KEYRING_PICKED 4u

struct keyring {
  struct view file; /* borrowed */
  struct picked {
    bool any;
    uint8_t key[ED25519_PUBLIC_SIZE];
    struct buf lines; /* of struct allowed_line */
  } picked[KEYRING_PICKED];
  unsigned next; /* the place that is given to another key next */
};

/**
 * keyring_init(keyring, file, ret_line):
 * Of an allowed_signers file, which stays the caller's, and stays.  Returns AVOW_MALFORMED with the
 * number of the first line that cannot be read; keyring_free is due either way.
 */
enum avow_error keyring_init(struct keyring *keyring, struct view file, unsigned *ret_line);

/** keyring_free(keyring): Also of a zeroed one. */
void keyring_free(struct keyring *keyring);

/**
 * keyring_find(keyring, key, wall_us, ret):
 * Find the first line that has ${key}, valid at that time; ${ret->principals} is the caller's text.
 * Returns AVOW_NOT_FOUND if no line has it, AVOW_EXPIRED if only lines outside of their time do,
 * AVOW_NO_MEMORY.
 */
enum avow_error keyring_find(struct keyring *keyring, const uint8_t key[ED25519_PUBLIC_SIZE],
                             uint64_t wall_us, struct allowed_line *ret);

#endif
