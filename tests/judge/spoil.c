// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evidence/ruling.h"

/* spoil KEYS ALICE-LOG BOB-LOG PART PARTS: damage each log in every way that is as small as can be,
 * in memory, and have the library rule on it as judge does. For its part of all offsets it prints
 *
 *   LOG flip OFFSET PAIR ALONE   eight digits each, one for each bit turned over, the lowest first
 *   LOG cut OFFSET PAIR ALONE    one digit each: nothing from that offset on is left
 *
 * where a digit is what `judge verify` would exit with, for the pair, and for that log alone. The
 * undamaged pair must be PROVEN, or nothing is printed. A signature that was checked once is known.
 * With AVOW_FULL=1 in the environment both logs are always read. */

#define LOG_MAX (1u << 20)
#define CLAIMS_MAX 512u

struct memo {
  struct claim claim;
  enum avow_error error;
  bool known;
};

struct log {
  uint8_t bytes[LOG_MAX];
  size_t size;
  struct memo memos[CLAIMS_MAX];
};

/* One log, heard once. */
struct hearing {
  struct log *log;
  size_t size;
  struct audit *audit;
  struct fact fact;
  unsigned claims;
  bool fed, over;
  struct testimony *testimony;
};

static struct keyring keyring;
static struct log logs[2]; /* Alice's, Bob's */
static bool thorough;

static bool same(const void *one, const void *other, size_t size) {
  return view_equal(view_of(one, size), view_of(other, size));
}

static bool right(struct hearing *hearing, const struct claim *claim) {
  assert(hearing->claims < CLAIMS_MAX);
  struct memo *memo = &hearing->log->memos[hearing->claims++];
  if (memo->known && memo->claim.size == claim->size &&
      same(memo->claim.key, claim->key, sizeof claim->key) &&
      same(memo->claim.signature, claim->signature, sizeof claim->signature) &&
      same(memo->claim.text, claim->text, claim->size))
    return memo->error == AVOW_OK;
  struct ed25519 *key;
  enum avow_error error = ed25519_peer(&key, claim->key);
  if (error == AVOW_OK) {
    error = audit_check(claim, key);
    ed25519_free(key);
  }
  assert(error == AVOW_OK || error == AVOW_NOT_AUTHENTIC);
  if (!memo->known)
    *memo = (struct memo){.claim = *claim, .error = error, .known = true};
  return error == AVOW_OK;
}

static const struct fact *next(struct hearing *hearing) {
  while (!hearing->over) {
    enum avow_error error = audit_next(hearing->audit, &hearing->fact);
    if (error == AVOW_OK) {
      for (unsigned i = 0; i < hearing->fact.claims_count; i++) {
        if (right(hearing, &hearing->fact.claims[i]))
          continue;
        audit_refuse(hearing->audit, &hearing->fact.claims[i]);
        hearing->over = true;
        return NULL;
      }
      return &hearing->fact;
    }
    if (error == AVOW_NOT_FOUND && !hearing->fed) {
      error = audit_input(hearing->audit, view_of(hearing->log->bytes, hearing->size));
      hearing->fed = true;
    } else if (error == AVOW_NOT_FOUND) {
      error = audit_end(hearing->audit);
      hearing->over = true;
    }
    assert(error == AVOW_OK || error == AVOW_MALFORMED);
    hearing->over |= error == AVOW_MALFORMED;
  }
  return NULL;
}

static const struct fact *hear(struct hearing *hearing, const struct question *question) {
  const struct fact *fact = next(hearing);
  if (fact != NULL)
    testimony_take(hearing->testimony, question, fact);
  return fact;
}

static void begin(struct hearing *hearing, struct log *log, size_t size,
                  struct testimony *testimony) {
  struct audit_options options = {.keyring = &keyring};
  *hearing = (struct hearing){.log = log, .size = size, .testimony = testimony};
  if (audit_new(&hearing->audit, &options) != AVOW_OK)
    abort();
}

static void finish(struct hearing *hearing, const struct question *question, enum who keeper) {
  struct testimony *testimony = hearing->testimony;
  while (hear(hearing, question) != NULL)
    ;
  testimony->there = true;
  testimony->keeper = keeper;
  testimony->fault = *audit_fault(hearing->audit);
  testimony->fault.log = keeper;
  testimony->uncovered =
      testimony->fault.kind == FAULT_NONE && hearing->size > audit_finished(hearing->audit);
}

/* As `judge verify` does it: its exit status. */
static char rule(const struct bench *bench) {
  char text[RULING_TEXT_SIZE];
  return "013"[ruling_give(bench, text)];
}

/* Both logs in lockstep, then the rest of each. */
static void hear_both(struct bench *bench, struct hearing hearings[2]) {
  struct compare *compare;
  enum avow_error error = compare_new(&compare, hearings[1].audit);
  enum who who;
  while (error == AVOW_OK && (who = compare_wants(compare)) != WHO_UNKNOWN) {
    struct hearing *hearing = &hearings[who == WHO_ALICE ? 0 : 1];
    const struct fact *fact = hear(hearing, &bench->question);
    if (fact == NULL && audit_fault(hearing->audit)->kind != FAULT_NONE)
      break;
    error = compare_take(compare, fact);
  }
  assert(error == AVOW_OK || error == AVOW_MALFORMED);
  bench->compared = *compare_fault(compare);
  bench->story = *compare_story(compare);
  compare_free(compare);
  for (unsigned i = 0; i < 2; i++)
    finish(&hearings[i], &bench->question, i == 0 ? WHO_ALICE : WHO_BOB);
}

/* Rule on the damaged log alone, and on both. Where the first is REFUTED, a rule is broken in it,
 * and the other log cannot change that: it is heard only if ${thorough}. */
static void verify(const size_t sizes[2], unsigned damaged, char *ret_pair, char *ret_alone) {
  static struct bench bench;
  static struct hearing hearings[2];
  for (unsigned both = 0; both < 2; both++) {
    memset(&bench, 0, sizeof bench);
    bench.question.id = FAULT_NO_ID;
    for (unsigned i = 0; i < 2; i++)
      begin(&hearings[i], &logs[i], sizes[i], i == 0 ? &bench.alice : &bench.bob);
    if (both == 0)
      finish(&hearings[damaged], &bench.question, damaged == 0 ? WHO_ALICE : WHO_BOB);
    else
      hear_both(&bench, hearings);
    for (unsigned i = 0; i < 2; i++)
      audit_free(hearings[i].audit);
    *(both == 0 ? ret_alone : ret_pair) = rule(&bench);
    if (both == 0 && *ret_alone == '1' && !thorough) {
      *ret_pair = '1';
      return;
    }
  }
}

static void spoil(unsigned damaged, size_t part, size_t parts) {
  static const char *const names[2] = {"alice", "bob"};
  struct log *log = &logs[damaged];
  size_t sizes[2] = {logs[0].size, logs[1].size};
  for (size_t at = part; at < log->size; at += parts) {
    char pair[9] = "", alone[9] = "";
    for (unsigned bit = 0; bit < 8; bit++) {
      log->bytes[at] ^= (uint8_t)(1u << bit);
      verify(sizes, damaged, &pair[bit], &alone[bit]);
      log->bytes[at] ^= (uint8_t)(1u << bit);
    }
    printf("%s flip %zu %s %s\n", names[damaged], at, pair, alone);
    sizes[damaged] = at;
    verify(sizes, damaged, &pair[0], &alone[0]);
    sizes[damaged] = log->size;
    printf("%s cut %zu %c %c\n", names[damaged], at, pair[0], alone[0]);
  }
}

static size_t load(const char *path, uint8_t *bytes) {
  FILE *file = fopen(path, "rb");
  size_t size = file == NULL ? LOG_MAX : fread(bytes, 1, LOG_MAX, file);
  if (size == LOG_MAX) {
    fprintf(stderr, "spoil: cannot read %s, or it is too long.\n", path);
    exit(2);
  }
  fclose(file);
  return size;
}

int main(int argc, char **argv) {
  static uint8_t keys[LOG_MAX];
  const char *full = getenv("AVOW_FULL");
  unsigned line;
  char pair, alone;
  if (argc != 6)
    return 2;
  thorough = full != NULL && full[0] == '1';
  if (keyring_init(&keyring, view_of(keys, load(argv[1], keys)), &line) != AVOW_OK)
    return 2;
  for (unsigned i = 0; i < 2; i++)
    logs[i].size = load(argv[2 + i], logs[i].bytes);
  size_t sizes[2] = {logs[0].size, logs[1].size};
  size_t part = strtoul(argv[4], NULL, 10), parts = strtoul(argv[5], NULL, 10);
  verify(sizes, 0, &pair, &alone);
  if (pair != '0' || parts == 0) {
    fprintf(stderr, "spoil: the undamaged logs are not proven.\n");
    return 1;
  }
  for (unsigned i = 0; i < 2; i++)
    spoil(i, part, parts);
  keyring_free(&keyring);
  return 0;
}
