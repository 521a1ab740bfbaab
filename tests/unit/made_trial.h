// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_TESTS_UNIT_MADE_TRIAL_H
#define AVOW_TESTS_UNIT_MADE_TRIAL_H

#include "made_evidence.h"

#include "evidence/ruling.h"

/* Logs in memory before the judge. */

struct trial {
  struct bench bench;
  struct keyring keyring;
  char list[1024];
  struct audit_options options;
};

/* A log that is read piece by piece, its claims checked at once. */
struct heard {
  struct view rest;
  size_t piece;
  struct audit *audit;
  struct testimony *testimony;
  struct fact fact;
  struct ed25519 *keys[3];
  bool over;
};

static inline void trial_begin(struct trial *trial, const struct made *made,
                               const char *alice_options, const char *bob_options) {
  unsigned line;
  memset(trial, 0, sizeof *trial);
  made_list(made, alice_options, bob_options, trial->list, sizeof trial->list);
  MUST(keyring_init(&trial->keyring, view_text(trial->list), &line));
  trial->options.keyring = &trial->keyring;
  trial->bench.question.id = FAULT_NO_ID;
}

static inline bool trial_good(struct heard *heard, const struct claim *claim) {
  for (unsigned i = 0; i < 3; i++)
    if (heard->keys[i] != NULL &&
        memcmp(ed25519_key(heard->keys[i]), claim->key, ED25519_PUBLIC_SIZE) == 0)
      return audit_check(claim, heard->keys[i]) == AVOW_OK;
  fail_msg("a claim of a key that nobody has");
  return false;
}

/* The next fact; NULL at the end, or at the fault. */
static inline const struct fact *heard_next(struct trial *trial, struct heard *heard) {
  while (!heard->over) {
    enum avow_error error = audit_next(heard->audit, &heard->fact);
    for (unsigned i = 0; error == AVOW_OK && i < heard->fact.claims_count; i++)
      if (!trial_good(heard, &heard->fact.claims[i])) {
        audit_refuse(heard->audit, &heard->fact.claims[i]);
        error = AVOW_MALFORMED;
      }
    if (error == AVOW_OK) {
      testimony_take(heard->testimony, &trial->bench.question, &heard->fact);
      return &heard->fact;
    }
    if (error == AVOW_NOT_FOUND) {
      size_t size = heard->rest.size < heard->piece ? heard->rest.size : heard->piece;
      heard->over = size == 0;
      error = heard->over ? audit_end(heard->audit)
                          : audit_input(heard->audit, view_of(heard->rest.data, size));
      heard->rest = view_of(heard->rest.data + size, heard->rest.size - size);
    }
    assert_true(error == AVOW_OK || error == AVOW_MALFORMED);
    heard->over |= error == AVOW_MALFORMED;
  }
  return NULL;
}

static inline void heard_begin(struct trial *trial, struct heard *heard, const struct made *made,
                               struct view log, struct testimony *testimony, size_t piece) {
  *heard = (struct heard){.rest = log, .piece = piece, .testimony = testimony};
  heard->keys[0] = made->alice_key;
  heard->keys[1] = made->bob_key;
  heard->keys[2] = made->eve_key;
  testimony->there = true;
  MUST(audit_new(&heard->audit, &trial->options));
}

static inline void heard_end(struct trial *trial, struct heard *heard, size_t size, enum who who) {
  while (heard_next(trial, heard) != NULL)
    ;
  heard->testimony->keeper = who;
  heard->testimony->fault = *audit_fault(heard->audit);
  heard->testimony->uncovered =
      audit_finished(heard->audit) < size && heard->testimony->fault.kind == FAULT_NONE;
  audit_free(heard->audit);
}

/* Rule on either log, or both; an empty view of NULL: it is not there. */
static inline enum ruling trial_rule(struct trial *trial, const struct made *made,
                                     struct view alice, struct view bob, size_t piece, char *text) {
  struct heard *a = calloc(1, sizeof *a), *b = calloc(1, sizeof *b);
  struct compare *compare = NULL;
  struct question question = trial->bench.question;
  trial->bench = (struct bench){.question = question};
  if (alice.data != NULL)
    heard_begin(trial, a, made, alice, &trial->bench.alice, piece);
  if (bob.data != NULL)
    heard_begin(trial, b, made, bob, &trial->bench.bob, piece);
  if (alice.data != NULL && bob.data != NULL) {
    enum avow_error error = AVOW_OK;
    enum who who;
    MUST(compare_new(&compare, b->audit));
    while (error == AVOW_OK && (who = compare_wants(compare)) != WHO_UNKNOWN) {
      struct heard *heard = who == WHO_ALICE ? a : b;
      const struct fact *fact = heard_next(trial, heard);
      if (fact == NULL && audit_fault(heard->audit)->kind != FAULT_NONE)
        break;
      error = compare_take(compare, fact);
    }
    trial->bench.compared = *compare_fault(compare);
    trial->bench.story = *compare_story(compare);
    compare_free(compare);
  }
  if (alice.data != NULL)
    heard_end(trial, a, alice.size, WHO_ALICE);
  if (bob.data != NULL)
    heard_end(trial, b, bob.size, WHO_BOB);
  free(a);
  free(b);
  return ruling_give(&trial->bench, text);
}

static inline void trial_end(struct trial *trial) {
  keyring_free(&trial->keyring);
}

static inline struct view no_log(void) {
  return (struct view){0};
}

static inline struct view alice_log(const struct made *made) {
  return buf_view(&made->alice.log);
}

static inline struct view bob_log(const struct made *made) {
  return buf_view(&made->bob.log);
}

static inline void begin(struct made *made) {
  made_queued(made);
  made_seal(&made->bob);
  made_connection(made, false);
}

/* Put one question, and hold the answer against what it should be. */
static inline void ask(struct made *made, enum question_kind kind, uint64_t id, struct view alice,
                       struct view bob, enum ruling ruling, const char *text) {
  struct trial trial;
  char said[RULING_TEXT_SIZE];
  trial_begin(&trial, made, "", "");
  trial.bench.question = (struct question){kind, id};
  enum ruling is = trial_rule(&trial, made, alice, bob, 1 << 20, said);
  if (is != ruling || strstr(said, text) == NULL)
    fail_msg("asked %d of %llu: %s: %s", (int)kind, (unsigned long long)id, ruling_name(is), said);
  trial_end(&trial);
}

#endif
