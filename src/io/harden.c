// SPDX-License-Identifier: Apache-2.0
#include "io/harden.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

void harden(void) {
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
#ifndef AVOW_SANITIZED /* the leak checker attaches to its own process */
  prctl(PR_SET_DUMPABLE, 0);
#endif
  signal(SIGPIPE, SIG_IGN);
  umask(077);
}
