// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_KEYS_ALLOWED_SIGNERS_H
#define AVOW_KEYS_ALLOWED_SIGNERS_H

#include "base/bytes.h"
#include "base/limits.h"
#include "crypto/ed25519.h"

/* Whom alice lets in: OpenSSH's allowed_signers format (ssh-keygen(1), ALLOWED SIGNERS):
 * principals [options] keytype base64 [comment].  Several principals are parted by commas; the
 * first is the name we show.  Options: namespaces="…" (a pattern list; ours is "avow"),
 * valid-after="…" and valid-before="…" (YYYYMMDD[HHMM[SS]][Z]; without Z the time is read as UTC
 * too, and the manual says so; the second named is in time at either end, as ssh-keygen -Y verify
 * has it).  cert-authority lines never match, nor keys of other types, nor lines whose principals
 * are all negated ("!eve").  Any other option makes the line
 * unreadable: an option that we do not know may be a restriction. */

/**
 * allowed_signers_find(file, key, wall_us, name, ret_line):
 * Find the first line of ${file} that lets ${key} in at ${wall_us}; copy its name to ${name} of
 * AVOW_NAME_SIZE (cut to fit, not escaped) and its number, from 1, to ${ret_line}.
 * Returns AVOW_NOT_FOUND if no line has the key, AVOW_EXPIRED if only lines outside of their time
 * do, AVOW_MALFORMED with ${ret_line} at the first line that cannot be read (the file is read
 * whole before a match counts, so that a broken file lets nobody in).
 */
enum avow_error allowed_signers_find(struct view file, const uint8_t key[ED25519_PUBLIC_SIZE],
                                     uint64_t wall_us, char *name, unsigned *ret_line);

/* A line that has a key. */
struct allowed_line {
  unsigned number;            /* from 1 */
  uint64_t after_s, before_s; /* seconds since 1970; both belong to its time */
  struct view principals;     /* the caller's text */
};

/**
 * allowed_signers_lines(file, key, lines, ret_line):
 * Append a struct allowed_line to ${lines} for each line of ${file} that has ${key}, at whatever
 * time.  Returns AVOW_MALFORMED with ${ret_line} at the first line that cannot be read, wherever it
 * is; errors of buf_append.
 */
enum avow_error allowed_signers_lines(struct view file, const uint8_t key[ED25519_PUBLIC_SIZE],
                                      struct buf *lines, unsigned *ret_line);

/** allowed_line_in_time(line, wall_us): Whether it holds at that time. */
bool allowed_line_in_time(const struct allowed_line *line, uint64_t wall_us);

/** allowed_line_name(line, name): Copy its first principal, cut to fit, not escaped. */
void allowed_line_name(const struct allowed_line *line, char name[AVOW_NAME_SIZE]);

/** allowed_line_is(line, principal): Whether it speaks of ${principal}, as `ssh-keygen -Y verify
 * -I` decides that: its principals are patterns. */
bool allowed_line_is(const struct allowed_line *line, const char *principal);

#endif
