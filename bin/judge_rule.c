// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/log_reader.h"
#include "io/screen.h"
#include "judge.h"
#include "judge_report.h"

/* verify, sent, stored, complete, same: read the logs, and rule. */

#define LOGS_MAX 2u
#define PROGRESS_US 200000u

static const struct option OPTIONS[] = {{"keys", required_argument, NULL, 'k'},
                                        {"alice", required_argument, NULL, 'a'},
                                        {"bob", required_argument, NULL, 'b'},
                                        {"json", no_argument, NULL, 'j'},
                                        {"quiet", no_argument, NULL, 'q'},
                                        {"tsa-ca", required_argument, NULL, 't'},
                                        {0}};

/* One log on its way to the judge. */
struct stream {
  const char *path;
  struct log_reader *reader;
  struct testimony *testimony;
  const struct fact *peeked; /* taken, and not used yet */
  bool over;
  enum avow_error error; /* that no log can cause */
};

struct trial {
  struct judge_request request;
  struct bench bench;
  struct stream streams[LOGS_MAX];
  struct crew *crew;
  uint64_t shown_us;   /* when progress was shown last */
  bool progress, told; /* whether it is shown, and was */
};

static enum judge_code say_failure(const struct stream *stream, enum avow_error error) {
  screen_error("cannot read %s: %s.", stream->path,
               error == AVOW_SYSTEM ? strerror(errno) : avow_error_text(error));
  return JUDGE_USAGE;
}

static void show_progress(struct trial *trial) {
  uint64_t now_us = clock_now().mono_us, size = 0;
  if (now_us < trial->shown_us + PROGRESS_US)
    return;
  for (unsigned i = 0; i < trial->request.count; i++)
    size += log_reader_size(trial->streams[i].reader);
  char text[64];
  snprintf(text, sizeof text, "%.1f MB read", (double)size / 1e6);
  if (trial->shown_us > 0) {
    screen_progress(text);
    trial->told = true;
  }
  trial->shown_us = now_us;
}

/* The next fact of a log; NULL at its end, or at its fault. */
static const struct fact *next(struct trial *trial, struct stream *stream) {
  const struct fact *fact = stream->peeked;
  stream->peeked = NULL;
  if (fact != NULL || stream->over)
    return fact;
  if (trial->progress)
    show_progress(trial);
  enum avow_error error = log_reader_next(stream->reader, &fact);
  if (error == AVOW_OK)
    return fact;
  stream->over = true;
  if (error != AVOW_NOT_FOUND)
    stream->error = error;
  return NULL;
}

/* The same, and it counts. */
static const struct fact *hear(struct trial *trial, struct stream *stream) {
  const struct fact *fact = next(trial, stream);
  if (fact != NULL)
    testimony_take(stream->testimony, &trial->bench.question, fact);
  return fact;
}

static enum avow_error hear_both(struct trial *trial, struct stream *alice, struct stream *bob) {
  struct compare *compare;
  enum avow_error error = compare_new(&compare, log_reader_audit(bob->reader));
  enum who who;
  if (error != AVOW_OK)
    return error;
  while (error == AVOW_OK && (who = compare_wants(compare)) != WHO_UNKNOWN) {
    struct stream *stream = who == WHO_ALICE ? alice : bob;
    const struct fact *fact = hear(trial, stream);
    if (fact == NULL &&
        (stream->error != AVOW_OK || log_reader_fault(stream->reader)->kind != FAULT_NONE))
      break; /* what it would have said, nobody knows */
    error = compare_take(compare, fact);
  }
  trial->bench.compared = *compare_fault(compare);
  trial->bench.story = *compare_story(compare);
  compare_free(compare);
  return error == AVOW_MALFORMED ? AVOW_OK : error;
}

/* The next fact that somebody has signed. */
static const struct fact *hear_signed(struct trial *trial, struct stream *stream) {
  const struct fact *fact;
  do
    fact = hear(trial, stream);
  while (fact != NULL && fact->claims_count == 0);
  return fact;
}

/* Two logs of one side's, as far as the shorter one goes. */
static void hear_copies(struct trial *trial, enum who keeper) {
  const struct fact *one, *other;
  do {
    one = hear_signed(trial, &trial->streams[0]);
    other = one == NULL ? NULL : hear_signed(trial, &trial->streams[1]);
  } while (other != NULL && compare_copies(keeper, one, other, &trial->bench.compared));
}

static void finish(struct trial *trial, struct stream *stream, enum who keeper) {
  struct testimony *testimony = stream->testimony;
  while (hear(trial, stream) != NULL)
    ;
  testimony->fault = *log_reader_fault(stream->reader);
  testimony->uncovered = log_reader_uncovered(stream->reader);
  testimony->keeper = keeper;
  if (testimony->fault.kind != FAULT_NONE)
    testimony->fault.log = keeper;
}

/* Whose log is which; where both are of one side, that is another question. */
static enum judge_code tell_apart(struct trial *trial, enum who keepers[LOGS_MAX]) {
  for (unsigned i = 0; i < trial->request.count; i++) {
    struct stream *stream = &trial->streams[i];
    stream->peeked = next(trial, stream);
    keepers[i] = audit_keeper(log_reader_audit(stream->reader));
  }
  if (trial->request.count == 2) {
    for (unsigned i = 0; i < 2; i++)
      if (keepers[i] == WHO_UNKNOWN)
        keepers[i] = keepers[1 - i] == WHO_ALICE ? WHO_BOB : WHO_ALICE;
    enum question_kind kind = trial->bench.question.kind;
    trial->bench.copies = keepers[0] == keepers[1];
    if (trial->bench.copies && kind != QUESTION_VERIFY && kind != QUESTION_SAME)
      return judge_usage("both are logs of %s's. Give one of each side.", who_name(keepers[0]));
  }
  for (unsigned i = 0; i < trial->request.count; i++) {
    bool bob = trial->bench.copies ? i == 1 : keepers[i] == WHO_BOB;
    trial->streams[i].testimony = bob ? &trial->bench.bob : &trial->bench.alice;
    trial->streams[i].testimony->there = true;
  }
  return JUDGE_PROVEN;
}

static enum judge_code hear_all(struct trial *trial) {
  enum who keepers[LOGS_MAX] = {WHO_UNKNOWN, WHO_UNKNOWN};
  enum avow_error error = AVOW_OK;
  enum judge_code code = tell_apart(trial, keepers);
  if (code != JUDGE_PROVEN)
    return code;
  if (trial->bench.copies) {
    hear_copies(trial, keepers[0]);
  } else if (trial->request.count == 2) {
    struct stream *first = &trial->streams[0], *second = &trial->streams[1];
    bool swapped = keepers[0] == WHO_BOB;
    error = hear_both(trial, swapped ? second : first, swapped ? first : second);
  }
  for (unsigned i = 0; i < trial->request.count; i++) {
    struct stream *stream = &trial->streams[i];
    finish(trial, stream, keepers[i]);
    if (stream->error != AVOW_OK || error != AVOW_OK)
      return say_failure(stream, error != AVOW_OK ? error : stream->error);
  }
  return JUDGE_PROVEN;
}

/* The time stamps that are there, of which each must be right, and at least one must be there. */
static enum ruling rule_stamps(const struct judge_request *request, struct judge_log *logs,
                               enum ruling ruling, char text[RULING_TEXT_SIZE]) {
  const struct stamp_finding *worst = NULL;
  for (unsigned i = 0; i < request->count; i++) {
    struct stamp_finding *stamp = &logs[i].stamp;
    *stamp = stamp_rule(request->paths[i], request->tsa_ca);
    bool worse =
        worst == NULL || (stamp->there && !worst->there) ||
        (stamp->there && (worst->ruling == RULING_PROVEN || stamp->ruling == RULING_REFUTED));
    if (worse)
      worst = stamp;
  }
  if (ruling != RULING_PROVEN || worst == NULL || worst->ruling == RULING_PROVEN)
    return ruling;
  snprintf(text, RULING_TEXT_SIZE, "%s.", worst->text);
  return worst->ruling;
}

static enum judge_code try(struct trial *trial, struct keyring *keyring) {
  const struct judge_request *request = &trial->request;
  struct audit_options options = {.keyring = keyring, .alice = request->alice, .bob = request->bob};
  struct judge_log logs[LOGS_MAX];
  char text[RULING_TEXT_SIZE];
  enum avow_error error = crew_new(&trial->crew);
  if (error != AVOW_OK) {
    screen_error("cannot begin: %s.", avow_error_text(error));
    return JUDGE_USAGE;
  }
  for (unsigned i = 0; i < request->count; i++) {
    struct stream *stream = &trial->streams[i];
    stream->path = request->paths[i];
    error = log_reader_open(&stream->reader, stream->path, &options, trial->crew);
    if (error != AVOW_OK)
      return say_failure(stream, error);
  }
  enum judge_code code = hear_all(trial);
  if (trial->told)
    fputs("\r\033[K", stderr); /* a terminal; the answer comes now */
  if (code != JUDGE_PROVEN)
    return code;
  for (unsigned i = 0; i < request->count; i++)
    logs[i] = (struct judge_log){.path = trial->streams[i].path,
                                 .testimony = trial->streams[i].testimony,
                                 .audit = log_reader_audit(trial->streams[i].reader),
                                 .size = log_reader_size(trial->streams[i].reader)};
  enum ruling ruling = ruling_give(&trial->bench, text);
  if (request->tsa_ca != NULL)
    ruling = rule_stamps(request, logs, ruling, text);
  return judge_report(request, &trial->bench, logs, ruling, text);
}

static enum judge_code parse_options(int argc, char **argv, struct judge_request *request) {
  int option;
  while ((option = getopt_long(argc, argv, "q", OPTIONS, NULL)) != -1) {
    switch (option) {
    case 'k': request->keys = optarg; break;
    case 'a': request->alice = optarg; break;
    case 'b': request->bob = optarg; break;
    case 'j': request->json = true; break;
    case 'q': request->quiet = true; break;
    case 't': request->tsa_ca = optarg; break;
    default:
      return judge_usage("I do not know the option '%s', or it lacks its value.", argv[optind - 1]);
    }
  }
  return JUDGE_PROVEN;
}

/* What is asked, and of which logs. */
static enum judge_code parse(int argc, char **argv, struct judge_request *request,
                             struct question *question) {
  static const struct {
    const char *name;
    enum question_kind kind;
    bool has_id;
    unsigned logs_min;
  } kinds[] = {{"verify", QUESTION_VERIFY, false, 1},
               {"sent", QUESTION_SENT, true, 1},
               {"stored", QUESTION_STORED, true, 1},
               {"complete", QUESTION_COMPLETE, false, 1},
               {"same", QUESTION_SAME, false, 2}};
  size_t kind = 0;
  while (strcmp(kinds[kind].name, argv[0]) != 0)
    kind++;
  question->kind = kinds[kind].kind;
  question->id = FAULT_NO_ID;
  enum judge_code code = parse_options(argc, argv, request);
  if (code != JUDGE_PROVEN)
    return code;
  request->name = argv[0];
  if (kinds[kind].has_id) {
    if (optind == argc || !judge_take_id(argv[optind], &question->id))
      return judge_usage("%s wants the number of a message, then its logs.", argv[0]);
    optind++;
  }
  unsigned count = (unsigned)(argc - optind);
  if (count < kinds[kind].logs_min || count > LOGS_MAX)
    return judge_usage("%s wants %s.", argv[0],
                       kinds[kind].logs_min == 2 ? "two logs, one of each side"
                                                 : "one log, or two");
  request->count = count;
  for (unsigned i = 0; i < count; i++)
    request->paths[i] = argv[optind + (int)i];
  return JUDGE_PROVEN;
}

enum judge_code judge_rule(int argc, char **argv) {
  struct judge_keys keys;
  struct trial *trial = calloc(1, sizeof *trial);
  if (trial == NULL) {
    screen_error("cannot begin: %s.", avow_error_text(AVOW_NO_MEMORY));
    return JUDGE_USAGE;
  }
  enum judge_code code = parse(argc, argv, &trial->request, &trial->bench.question);
  if (code == JUDGE_PROVEN)
    code = judge_keys_open(&keys, trial->request.keys);
  if (code == JUDGE_PROVEN) {
    screen_init(&(struct screen_options){
        .program = "judge", .json = trial->request.json, .quiet = trial->request.quiet});
    trial->progress = isatty(STDERR_FILENO) == 1 && !trial->request.quiet;
    code = try(trial, &keys.keyring);
    for (unsigned i = 0; i < LOGS_MAX; i++)
      log_reader_close(trial->streams[i].reader);
    crew_free(trial->crew);
    judge_keys_close(&keys);
  }
  free(trial);
  return code;
}
