// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_EVIDENCE_ESCAPE_H
#define AVOW_EVIDENCE_ESCAPE_H

#include "base/bytes.h"

/* A text on one line that is harmless on a terminal and loses nothing: "\\", "\n", "\r", "\t", and
 * "\xNN" for each byte of any other control character (C0, DEL, C1), of what is not UTF-8 (RFC
 * 3629), of bidirectional controls and of the line and paragraph separators.  Logs and screens
 * alike. */

/** escape_append(out, text): Append ${text}, escaped.  Errors of buf_append. */
enum avow_error escape_append(struct buf *out, struct view text);

/**
 * escape_decode(line, text):
 * Append what escape_append made ${line} of to ${text}.  Returns AVOW_MALFORMED if escape_append
 * would not have written it so; errors of buf_append.  ${text} may then have grown.
 */
enum avow_error escape_decode(struct view line, struct buf *text);

/**
 * utf8_length(text):
 * Return the bytes of the well-formed UTF-8 character (RFC 3629) at the start of ${text}, or 0.
 */
size_t utf8_length(struct view text);

#endif
