// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_IO_HARDEN_H
#define AVOW_IO_HARDEN_H

#include <uv.h>

/** harden(): Before anything else: no core dumps, no SIGPIPE or SIGXFSZ, as many open
 * files as are allowed, new files for their owner only, memory that is given back. */
void harden(void);

/** files_allowed(): Return how many files may be open at once. */
unsigned long files_allowed(void);

/**
 * signal_watch(loop, handle, number, on_signal, owner):
 * Call ${on_signal} for the signal; ${owner} is the handle's data.  A hangup that we were started
 * to ignore (nohup) stays ignored.
 */
void signal_watch(uv_loop_t *loop, uv_signal_t *handle, int number, uv_signal_cb on_signal,
                  void *owner);

#endif
