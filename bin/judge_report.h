// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_BIN_JUDGE_REPORT_H
#define AVOW_BIN_JUDGE_REPORT_H

#include "judge.h"

/* What was asked on the command line. */
struct judge_request {
  const char *name; /* of the subcommand */
  const char *paths[2];
  unsigned count;
  const char *keys, *alice, *bob;
  const char *tsa_ca; /* certificates for time stamps; NULL: look at none */
  bool json, quiet;
};

/* A log that was heard. */
struct judge_log {
  const char *path;
  const struct testimony *testimony;
  const struct audit *audit;
  uint64_t size;
  struct stamp_finding stamp; /* with tsa_ca */
};

/** judge_report(request, bench, logs, ruling, text): Print the answer and what it rests on. Returns
 * what to exit with; JUDGE_USAGE, said, if nobody takes it. */
enum judge_code judge_report(const struct judge_request *request, const struct bench *bench,
                             const struct judge_log *logs, enum ruling ruling, const char *text);

#endif
