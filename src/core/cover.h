// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_CORE_COVER_H
#define AVOW_CORE_COVER_H

#include "wire/sealed.h"

/* Cover traffic (`bob --cover`): on the line there is nothing to see but tokens of one size, bob's
 * at a constant rate, and one of alice's for each of them.  What there is to say waits for its turn
 * here; where there is nothing, a dummy goes.  docs/PROTOCOL.md, "Cover". */

/* Plaintexts wait here in whole, but for the times that are of their transmission. */
struct cover {
  size_t size; /* of each plaintext; 0: no cover, what is said leaves at once */
  struct buf waiting;
};

/* So many may wait. */
#define COVER_WAITING_MAX 64u

/** cover_init(cover, size): Nothing waits. */
void cover_init(struct cover *cover, size_t size);

/** cover_free(cover): Wipe and free. */
void cover_free(struct cover *cover);

/** cover_body_max(cover): Return the longest body of an envelope that fits; SIZE_MAX without
 * cover. */
size_t cover_body_max(const struct cover *cover);

/** cover_room(cover, count): Whether so many more may wait. */
bool cover_room(const struct cover *cover, unsigned count);

/** cover_waits(cover): Whether any does. */
bool cover_waits(const struct cover *cover);

/** cover_put(cover, sealed, proven): Let it wait for its turn.  Errors of sealed_encode. */
enum avow_error cover_put(struct cover *cover, const struct sealed *sealed, bool proven);

/** cover_take(cover, dummy, proven, plaintext): Append the one whose turn it is, or ${dummy}, to
 * ${plaintext}, with the times of ${dummy}.  Errors of sealed_encode. */
enum avow_error cover_take(struct cover *cover, const struct sealed *dummy, bool proven,
                           struct buf *plaintext);

#endif
