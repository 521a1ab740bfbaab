// SPDX-License-Identifier: Apache-2.0
#include "judge_stamp.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/when.h"
#include "common.h"
#include "evidence/escape.h"
#include "io/files.h"
#include "io/post.h"
#include "io/screen.h"
#include "judge_walk.h"

#define WAIT_US (30u * 1000000u)

struct stamping {
  const char *log, *tsa, *query_path, *answer_path;
  uint64_t wait_us;
  char path[PATH_MAX]; /* where the answer is filed */
  struct stamped last;
  struct buf query, answer; /* DER; no query is known where its buffer is empty */
};

bool stamp_path(const char *log, char *path, size_t size) {
  int need = snprintf(path, size, "%s.tsr", log);
  if (need >= 0 && (size_t)need < size)
    return true;
  screen_error("the name of the log is too long.");
  return false;
}

void stamp_authority(const struct timestamp *stamp, char *text, size_t size) {
  struct buf escaped;
  buf_init(&escaped, size - 1);
  if (stamp->authority[0] == '\0' ||
      escape_append(&escaped, view_text(stamp->authority)) != AVOW_OK) {
    buf_clear(&escaped);
    (void)buf_text(&escaped, "an authority without a name");
  }
  struct view bytes = buf_view(&escaped);
  snprintf(text, size, "%.*s", (int)bytes.size, (const char *)bytes.data);
  buf_free(&escaped);
}

static enum avow_error on_record(void *context, const struct record *record, bool *ret_enough) {
  struct stamping *stamping = context;
  (void)ret_enough;
  if (record->type == RECORD_HEAD) {
    stamping->last.line = record->line;
    memcpy(stamping->last.head, record->proof.head, HEAD_SIZE);
  }
  return AVOW_OK;
}

static enum judge_code find_head(struct stamping *stamping) {
  enum judge_code code = walk_log(stamping->log, on_record, stamping, NULL);
  if (code == JUDGE_PROVEN && stamping->last.line == 0) {
    screen_error("%s has no head line yet: there is nothing to stamp.", stamping->log);
    code = JUDGE_UNDECIDED;
  }
  return code;
}

static enum judge_code make_query(struct stamping *stamping) {
  enum avow_error error = timestamp_query(stamping->last.head, &stamping->query);
  if (error == AVOW_OK)
    return JUDGE_PROVEN;
  screen_error("cannot make the query: %s.", avow_error_text(error));
  return JUDGE_USAGE;
}

static enum judge_code write_query(struct stamping *stamping) {
  enum judge_code code = make_query(stamping);
  if (code != JUDGE_PROVEN)
    return code;
  if (file_create(stamping->query_path, 0644, buf_view(&stamping->query)) != AVOW_OK) {
    screen_error("cannot write %s: %s.", stamping->query_path, strerror(errno));
    return JUDGE_USAGE;
  }
  screen_status("%s asks for a time stamp of the head at line %" PRIu64 " of %s. Send it to an "
                "authority, as application/timestamp-query, and file what it answers with 'judge "
                "stamp %s --answer FILE --query %s'.",
                stamping->query_path, stamping->last.line, stamping->log, stamping->log,
                stamping->query_path);
  return JUDGE_PROVEN;
}

static enum judge_code ask(struct stamping *stamping) {
  char reason[POST_REASON_SIZE];
  enum judge_code code = make_query(stamping);
  if (code != JUDGE_PROVEN)
    return code;
  enum avow_error error =
      post(stamping->tsa, "application/timestamp-query", buf_view(&stamping->query),
           stamping->wait_us, &stamping->answer, reason);
  if (error == AVOW_OK)
    return JUDGE_PROVEN;
  screen_harmless(reason);
  if (error == AVOW_TOO_LONG)
    screen_error("%s answers with more than %u bytes. That is no time stamp.", stamping->tsa,
                 TIMESTAMP_MAX);
  else if (error == AVOW_TIMEOUT)
    screen_error("%s did not answer in time (--wait-for).", stamping->tsa);
  else
    screen_error("no answer from %s: %s.", stamping->tsa, reason);
  screen_error("nothing was filed, and the log is as it was. Try again, or another authority.");
  return JUDGE_USAGE;
}

/* Is it an answer, to what was asked? */
static enum judge_code check(struct stamping *stamping, struct timestamp *stamp) {
  struct view answer = buf_view(&stamping->answer), query = buf_view(&stamping->query);
  enum avow_error error = timestamp_read(answer, stamp);
  if (error == AVOW_NOT_FOUND) {
    screen_harmless(stamp->authority);
    screen_error("the authority refuses: %s", stamp->authority);
  } else if (error != AVOW_OK) {
    screen_error("the answer is no time stamp of a SHA-256 hash.");
  } else if (memcmp(stamp->imprint, stamping->last.head, HEAD_SIZE) != 0) {
    screen_error("the answer stamps something else, not the head at line %" PRIu64 " of %s.",
                 stamping->last.line, stamping->log);
    error = AVOW_NOT_AUTHENTIC;
  } else if (query.size > 0 && timestamp_answers(answer, query) != AVOW_OK) {
    screen_error("the answer is not to this query: it does not have its nonce.");
    error = AVOW_NOT_AUTHENTIC;
  }
  if (error == AVOW_OK)
    return JUDGE_PROVEN;
  screen_error("nothing was filed, and the log is as it was.");
  return JUDGE_REFUTED;
}

static enum judge_code file_answer(struct stamping *stamping) {
  char time[WHEN_TEXT_SIZE], authority[512];
  struct timestamp stamp;
  enum judge_code code = check(stamping, &stamp);
  if (code != JUDGE_PROVEN)
    return code;
  if (file_create(stamping->path, 0644, buf_view(&stamping->answer)) != AVOW_OK) {
    screen_error("cannot write %s: %s.", stamping->path, strerror(errno));
    return JUDGE_USAGE;
  }
  when_text(stamp.when_us, 0, time);
  stamp_authority(&stamp, authority, sizeof authority);
  screen_status("%s: the head at line %" PRIu64 " of %s existed at %s, says %s.", stamping->path,
                stamping->last.line, stamping->log, time, authority);
  screen_status("Its signature was not checked yet: judge verify %s --keys FILE --tsa-ca FILE",
                stamping->log);
  return JUDGE_PROVEN;
}

static enum judge_code run(struct stamping *stamping) {
  enum judge_code code = JUDGE_PROVEN;
  if (!stamp_path(stamping->log, stamping->path, sizeof stamping->path))
    return JUDGE_USAGE;
  bool files = stamping->tsa != NULL || stamping->answer_path != NULL;
  if (files && access(stamping->path, F_OK) == 0) {
    screen_error("%s is there already. It was not touched: an old stamp proves an earlier time. "
                 "Move it elsewhere to make another one.",
                 stamping->path);
    return JUDGE_USAGE;
  }
  code = find_head(stamping);
  if (code == JUDGE_PROVEN && !files)
    return write_query(stamping);
  if (code == JUDGE_PROVEN && stamping->answer_path != NULL && stamping->query_path != NULL)
    code = judge_file_read(stamping->query_path, &stamping->query);
  if (code == JUDGE_PROVEN)
    code = stamping->tsa != NULL ? ask(stamping)
                                 : judge_file_read(stamping->answer_path, &stamping->answer);
  return code == JUDGE_PROVEN ? file_answer(stamping) : code;
}

static enum judge_code take_option(struct stamping *stamping, int option) {
  switch (option) {
  case 't': stamping->tsa = optarg; break;
  case 'q': stamping->query_path = optarg; break;
  case 'a': stamping->answer_path = optarg; break;
  case 'w':
    if (parse_seconds(optarg, A_MICROSECOND, &stamping->wait_us))
      break;
    return judge_usage("--wait-for is a number of seconds, not '%s'.", optarg);
  default: return judge_usage("stamp takes --tsa URL, --query FILE and --answer FILE.");
  }
  return JUDGE_PROVEN;
}

enum judge_code judge_stamp(int argc, char **argv) {
  static const struct option options[] = {{"tsa", required_argument, NULL, 't'},
                                          {"query", required_argument, NULL, 'q'},
                                          {"answer", required_argument, NULL, 'a'},
                                          {"wait-for", required_argument, NULL, 'w'},
                                          {0}};
  struct stamping stamping = {.wait_us = WAIT_US};
  int option;
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
    enum judge_code code = take_option(&stamping, option);
    if (code != JUDGE_PROVEN)
      return code;
  }
  bool asked = stamping.tsa != NULL || stamping.query_path != NULL || stamping.answer_path != NULL;
  bool both = stamping.tsa != NULL && (stamping.query_path != NULL || stamping.answer_path != NULL);
  if (argc - optind != 1 || !asked || both)
    return judge_usage("stamp wants LOG, and either --tsa URL (http:// or https://), or --query "
                       "FILE to write a query, or --answer FILE to file what came back.");
  stamping.log = argv[optind];
  buf_init(&stamping.query, TIMESTAMP_MAX);
  buf_init(&stamping.answer, TIMESTAMP_MAX);
  enum judge_code code = run(&stamping);
  buf_free(&stamping.query);
  buf_free(&stamping.answer);
  return code;
}
