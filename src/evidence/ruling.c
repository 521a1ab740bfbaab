// SPDX-License-Identifier: Apache-2.0
#include "evidence/ruling.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *ruling_name(enum ruling ruling) {
  static const char *const names[] = {
      [RULING_PROVEN] = "PROVEN", [RULING_REFUTED] = "REFUTED", [RULING_UNDECIDED] = "UNDECIDED"};
  return names[ruling];
}

static void take_envelope(struct testimony *testimony, const struct question *question,
                          const struct record *record) {
  testimony->envelopes++;
  testimony->confirmed += record->count;
  testimony->at_end = false;
  if (question->id < record->id || question->id - record->id >= record->count)
    return;
  testimony->covers = record->is_signed;
  testimony->envelope = *record;
  testimony->envelope.text = testimony->envelope.lines = (struct view){0};
}

static void take_message(struct testimony *testimony, const struct question *question,
                         const struct record *record) {
  testimony->messages++;
  testimony->texts += record->has_text;
  testimony->at_end = false;
  if (record->id != question->id)
    return;
  testimony->has_message = true;
  testimony->message = *record;
  testimony->message.text = testimony->message.lines = (struct view){0};
}

void testimony_take(struct testimony *testimony, const struct question *question,
                    const struct fact *fact) {
  const struct record *record = &fact->record;
  testimony->signatures += fact->claims_count;
  switch (record->type) {
  case RECORD_OPENED:
    testimony->known = true;
    testimony->tls = record->tls;
    testimony->connections++;
    testimony->at_end = false;
    break;
  case RECORD_AGREED: testimony->agreed++; break;
  case RECORD_MESSAGE: take_message(testimony, question, record); break;
  case RECORD_ENVELOPE: take_envelope(testimony, question, record); break;
  case RECORD_INCIDENT: testimony->incidents++; break;
  case RECORD_ENDED:
    testimony->given_up = testimony->tls && !record->is_signed;
    if (testimony->given_up)
      break;
    testimony->any_end = testimony->at_end = true;
    testimony->end = *record;
    break;
  case RECORD_QUEUED:
  case RECORD_HEAD: break;
  }
}

/* An answer and its sentence. */
static enum ruling say(char *text, enum ruling ruling, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static enum ruling say(char *text, enum ruling ruling, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(text, RULING_TEXT_SIZE, format, args);
  va_end(args);
  return ruling;
}

static const char *log_of(enum who who) {
  return who == WHO_ALICE ? "Alice's log" : who == WHO_BOB ? "Bob's log" : "the log";
}

static enum ruling say_fault(char *text, enum ruling ruling, const struct fault *fault,
                             const char *prefix) {
  char about[48] = "", against[64] = "";
  if (fault->id != FAULT_NO_ID)
    snprintf(about, sizeof about, "message %" PRIu64 ": ", fault->id);
  if (fault->against != WHO_UNKNOWN)
    snprintf(against, sizeof against, " This speaks against %s.", who_name(fault->against));
  return say(text, ruling, "%s%s, line %" PRIu64 ": %s%s.%s", prefix, log_of(fault->log),
             fault->line, about, fault->text, against);
}

/* The first fault that breaks a rule; if there is none, the first of another kind; or NULL.  Where
 * nothing is signed, there is nothing to compare. */
static const struct fault *worst(const struct bench *bench) {
  const struct fault *faults[] = {&bench->alice.fault, &bench->bob.fault, &bench->compared};
  const struct fault *found = NULL;
  size_t count = bench->alice.tls && bench->bob.tls ? 3 : 2;
  for (size_t i = 0; i < count; i++)
    if (faults[i]->kind != FAULT_NONE &&
        (found == NULL || (found->kind != FAULT_BROKEN && faults[i]->kind == FAULT_BROKEN)))
      found = faults[i];
  return found;
}

/* Why a log cannot be ruled on at all; RULING_PROVEN if it can. */
static enum ruling rule_nothing(const struct testimony *testimony, char *text) {
  const char *log = log_of(testimony->keeper);
  if (!testimony->there || testimony->fault.kind != FAULT_NONE)
    return RULING_PROVEN;
  if (!testimony->known)
    return say(text, RULING_UNDECIDED, "%s holds no connection, and so no evidence.", log);
  if (!testimony->tls)
    return say(text, RULING_UNDECIDED,
               "this session has no evidence: keys were sent in the clear (%s).", log);
  return RULING_PROVEN;
}

static enum ruling rule_uncovered(const struct testimony *testimony, char *text) {
  if (!testimony->there || !testimony->uncovered)
    return RULING_PROVEN;
  return say(text, RULING_UNDECIDED,
             "%s ends with a chunk that no head line covers. What stands before it holds; of the "
             "chunk nothing can be said. A crash may leave that, or a cut.",
             log_of(testimony->keeper));
}

/* What must hold of the logs before anything is proven about the whole of them. */
static enum ruling rule_logs(const struct bench *bench, char *text) {
  const struct fault *fault = worst(bench);
  if (fault != NULL && fault->kind == FAULT_BROKEN)
    return say_fault(text, RULING_REFUTED, fault, "");
  if (fault != NULL)
    return say_fault(text, RULING_UNDECIDED, fault, "");
  const struct testimony *logs[] = {&bench->alice, &bench->bob};
  for (size_t i = 0; i < 2; i++) {
    if (rule_nothing(logs[i], text) != RULING_PROVEN ||
        rule_uncovered(logs[i], text) != RULING_PROVEN)
      return RULING_UNDECIDED;
    if (logs[i]->there && logs[i]->agreed == 0)
      return say(text, RULING_UNDECIDED, "%s holds no connection that both have signed.",
                 log_of(logs[i]->keeper));
  }
  return RULING_PROVEN;
}

static enum ruling rule_lacking_end(char *text, enum ruling ruling) {
  return say(
      text, ruling,
      "Alice's log ends with an end that Bob has signed, and his log lacks it: its last chunk "
      "is missing, whether it was cut off or never reached his disk.");
}

static enum ruling rule_verify(const struct bench *bench, char *text) {
  bool both = bench->alice.there && bench->bob.there;
  const struct testimony *one = bench->alice.there ? &bench->alice : &bench->bob;
  enum ruling ruling = rule_logs(bench, text);
  if (ruling != RULING_PROVEN)
    return ruling;
  if (bench->copies)
    return say(text, RULING_PROVEN,
               "both are %s, as they were signed, and one goes on where the other ends.",
               one->keeper == WHO_ALICE ? "logs of Alice's" : "logs of Bob's");
  if (both && bench->story.bob_lacks_end)
    return rule_lacking_end(text, RULING_UNDECIDED);
  if (both)
    return say(text, RULING_PROVEN,
               "both logs are as they were signed, and tell one story of %" PRIu64 " message%s.",
               bench->alice.confirmed, bench->alice.confirmed == 1 ? "" : "s");
  return say(text, RULING_PROVEN,
             "%s is as it was signed. Messages that both signatures cover: %" PRIu64
             ". Whether something behind them was cut off, only the other log can show.",
             log_of(one->keeper), one->confirmed);
}

static const char *signers_of(const struct record *end) {
  return end->by_bob ? "both have signed" : "Alice has signed";
}

static enum ruling rule_complete(const struct bench *bench, char *text) {
  const struct testimony *logs[] = {&bench->alice, &bench->bob};
  enum ruling ruling = rule_logs(bench, text);
  if (ruling != RULING_PROVEN)
    return ruling;
  if (bench->story.bob_lacks_end)
    return rule_lacking_end(text, RULING_REFUTED);
  for (size_t i = 0; i < 2; i++) {
    const struct testimony *log = logs[i];
    if (!log->there)
      continue;
    if (log->given_up)
      return say(text, RULING_UNDECIDED,
                 "Bob gave the session up, since Alice could not go on with it. Nobody has signed "
                 "that these were all.");
    if (!log->at_end)
      return say(text, RULING_UNDECIDED,
                 "%s does not end with an end: the session may go on, or the rest is missing.",
                 log_of(log->keeper));
    if (log->keeper == WHO_ALICE && !log->end.by_bob)
      return say(text, RULING_UNDECIDED,
                 "Alice ended the session, and Bob has not signed that these were all.");
  }
  const struct testimony *one = bench->alice.there ? &bench->alice : &bench->bob;
  return say(text, RULING_PROVEN,
             "the whole session is there: %" PRIu64 " messages, to its end, which %s.", one->end.id,
             signers_of(&one->end));
}

/* The log in which an envelope covers the message, Alice's first; NULL if there is none. */
static const struct testimony *covering(const struct bench *bench) {
  return bench->alice.covers ? &bench->alice : bench->bob.covers ? &bench->bob : NULL;
}

/* The end with which both logs end, and which leaves no room for the message; NULL if there is
 * none. One log is not enough: a session may go on behind an end, and whoever keeps the log could
 * have cut that off. */
static const struct testimony *excluding(const struct bench *bench) {
  const struct testimony *alice = &bench->alice, *bob = &bench->bob;
  bool same = alice->there && bob->there && worst(bench) == NULL && bench->story.ended &&
              alice->at_end && bob->at_end && !alice->uncovered && !bob->uncovered;
  return same && alice->end.id <= bench->question.id ? alice : NULL;
}

/* A log with an end that would leave no room for it; NULL if there is none. */
static const struct testimony *denying(const struct bench *bench) {
  const struct testimony *logs[] = {&bench->alice, &bench->bob};
  for (size_t i = 0; i < 2; i++)
    if (logs[i]->at_end && logs[i]->end.id <= bench->question.id)
      return logs[i];
  return NULL;
}

/* Nothing shows it: what is missing? */
static enum ruling rule_missing(const struct bench *bench, char *text, const char *what) {
  const struct testimony *logs[] = {&bench->alice, &bench->bob};
  const struct fault *fault = worst(bench);
  for (size_t i = 0; i < 2; i++)
    if (rule_nothing(logs[i], text) != RULING_PROVEN)
      return RULING_UNDECIDED;
  if (fault != NULL)
    return say_fault(text, RULING_UNDECIDED, fault,
                     "what holds of the logs does not show it, and the rest cannot be ruled on: ");
  if (bench->bob.there && bench->bob.has_message)
    return say(text, RULING_UNDECIDED,
               "message %" PRIu64 " waits in Bob's log, line %" PRIu64
               ", and no envelope with signatures covers it: %s is missing.",
               bench->question.id, bench->bob.message.line, what);
  const struct testimony *log = denying(bench);
  if (log != NULL)
    return say(text, RULING_UNDECIDED,
               "%s ends with an end of %" PRIu64 " messages in all, line %" PRIu64
               "; but a session may go on behind an end, and whether this one did, only both logs "
               "together show.",
               log_of(log->keeper), log->end.id, log->end.line);
  return say(text, RULING_UNDECIDED,
             "no envelope covers message %" PRIu64
             ", and no end with which both logs end rules it out: %s is missing.",
             bench->question.id, what);
}

static enum ruling rule_sent(const struct bench *bench, char *text) {
  const struct testimony *log = covering(bench);
  uint64_t id = bench->question.id;
  if (log != NULL)
    return say(text, RULING_PROVEN,
               "Bob sent message %" PRIu64 ": his origin signature of messages %" PRIu64 "-%" PRIu64
               " stands in %s, line %" PRIu64 ".",
               id, log->envelope.id, log->envelope.id + log->envelope.count - 1,
               log_of(log->keeper), log->envelope.line);
  log = excluding(bench);
  if (log != NULL)
    return say(text, RULING_REFUTED,
               "Bob did not send message %" PRIu64 ": both logs end with an end of %" PRIu64
               " messages in all, which %s (Alice's log, line %" PRIu64 ").",
               id, log->end.id, signers_of(&log->end), log->end.line);
  return rule_missing(bench, text, "an origin signature of Bob's");
}

static enum ruling rule_stored(const struct bench *bench, char *text) {
  const struct testimony *log = covering(bench);
  uint64_t id = bench->question.id;
  if (log != NULL) {
    bool denied = log->keeper == WHO_BOB && bench->alice.there;
    return say(text, RULING_PROVEN,
               "Alice stored message %" PRIu64 ": her receipt of messages %" PRIu64 "-%" PRIu64
               " stands in %s, line %" PRIu64 ".%s",
               id, log->envelope.id, log->envelope.id + log->envelope.count - 1,
               log_of(log->keeper), log->envelope.line,
               denied ? " Her own log does not show it, or not in a part that holds: this speaks "
                        "against Alice."
                      : "");
  }
  log = excluding(bench);
  if (log != NULL)
    return say(text, RULING_REFUTED,
               "Alice did not store message %" PRIu64 ": both logs end with an end of %" PRIu64
               " messages in all, which %s (Alice's log, line %" PRIu64 ").",
               id, log->end.id, signers_of(&log->end), log->end.line);
  return rule_missing(bench, text, "a receipt of Alice's");
}

enum ruling ruling_give(const struct bench *bench, char text[RULING_TEXT_SIZE]) {
  if (!bench->alice.there && !bench->bob.there)
    return say(text, RULING_UNDECIDED, "no log was given.");
  switch (bench->question.kind) {
  case QUESTION_SENT: return rule_sent(bench, text);
  case QUESTION_STORED: return rule_stored(bench, text);
  case QUESTION_COMPLETE: return rule_complete(bench, text);
  case QUESTION_VERIFY:
  case QUESTION_SAME: break;
  }
  return rule_verify(bench, text);
}
