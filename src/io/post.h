// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_IO_POST_H
#define AVOW_IO_POST_H

#include "base/bytes.h"

/* Why a post failed, as a phrase, and a NUL. */
#define POST_REASON_SIZE 256u

/**
 * post(url, type, body, wait_us, answer, reason):
 * Send ${body} of the media ${type} to an http:// or https:// ${url}, and append what comes back to
 * ${answer}.  It takes at most ${wait_us} in all, however slowly the other side speaks, and
 * follows no redirection.  Returns AVOW_TOO_LONG for an answer over ${answer->max}, AVOW_TIMEOUT,
 * AVOW_NO_MEMORY, and AVOW_CLOSED if there is no server, or it does not answer with status 200;
 * ${reason} then says why.
 */
enum avow_error post(const char *url, const char *type, struct view body, uint64_t wait_us,
                     struct buf *answer, char reason[POST_REASON_SIZE]);

#endif
