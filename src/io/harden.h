// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_IO_HARDEN_H
#define AVOW_IO_HARDEN_H

/** harden(): Before anything else: no core dumps, no SIGPIPE, new files for their owner only. */
void harden(void);

#endif
