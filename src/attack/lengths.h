// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_ATTACK_LENGTHS_H
#define AVOW_ATTACK_LENGTHS_H

#include <stdbool.h>
#include <stddef.h>

/**
 * lengths_of(token_size, proven, padded, ret_least, ret_most):
 * What the length of a token to Alice tells of the text in it, if it holds one message: from
 * ${ret_least} to ${ret_most} bytes.  ${proven}: in tls mode, where it bears a proof.  ${padded}:
 * with Padme's padding, as it is; otherwise as it would be without.  False if no such message makes
 * a token of this length.
 */
bool lengths_of(size_t token_size, bool proven, bool padded, size_t *ret_least, size_t *ret_most);

#endif
