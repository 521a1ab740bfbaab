// SPDX-License-Identifier: Apache-2.0
#include "io/harden.h"

#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* So large a buffer is the system's again as soon as it is freed.  By itself, malloc would put the
 * next ones among small blocks, where their room stays ours. */
#define OWN_PAGES (1024 * 1024)

void harden(void) {
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
#ifndef AVOW_SANITIZED /* the leak checker attaches to its own process */
  prctl(PR_SET_DUMPABLE, 0);
#endif
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN); /* a file size limit is an error like a full disk */
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max; /* a session takes two, and there may be many */
    setrlimit(RLIMIT_NOFILE, &files);
  }
  mallopt(M_MMAP_THRESHOLD, OWN_PAGES);
  umask(077);
}

unsigned long files_allowed(void) {
  struct rlimit files;
  return getrlimit(RLIMIT_NOFILE, &files) == 0 ? files.rlim_cur : 0;
}

void signal_watch(uv_loop_t *loop, uv_signal_t *handle, int number, uv_signal_cb on_signal,
                  void *owner) {
  struct sigaction before;
  uv_signal_init(loop, handle);
  handle->data = owner;
  bool ignored = sigaction(number, NULL, &before) == 0 && before.sa_handler == SIG_IGN;
  if (number != SIGHUP || !ignored)
    uv_signal_start(handle, on_signal, number);
}
