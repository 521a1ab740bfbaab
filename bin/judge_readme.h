// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_BIN_JUDGE_README_H
#define AVOW_BIN_JUDGE_README_H

#include "judge_exhibit.h"

/** readme_append(shown, out): Append the page that tells how to check the folder that
 * `judge export` makes, command by command.  Errors of buf_append. */
enum avow_error readme_append(const struct shown *shown, struct buf *out);

#endif
