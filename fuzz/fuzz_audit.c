// SPDX-License-Identifier: Apache-2.0
/* Evidence: Alice's log, a zero byte, Bob's log.  The first byte chooses: whether heads and hashes
 * are set right first, as the owner of a log would do it; whether all signatures count as right, so
 * that a liar who has both keys is there, too; what is asked; and how large the pieces are.  Pieces
 * give the same answer as the whole; and what is proven is proven by something. */
#include <stdlib.h>
#include <string.h>

#include "evidence/ruling.h"
#include "forger.h"
#include "harness.h"
#include "keys/public_key.h"

#define LOG_MAX (1024u * 1024u)

/* The people whose keys the corpus is signed with, as tests/unit/made_evidence.h has them. */
static struct ed25519 *people[2];
static char list[512];

static void know_people(void) {
  static const uint8_t bytes[2] = {0xa1, 0xb0};
  char lines[2][PUBLIC_KEY_TEXT_SIZE];
  struct buf text;
  if (people[0] != NULL)
    return;
  for (unsigned i = 0; i < 2; i++) {
    uint8_t seed[ED25519_SEED_SIZE];
    memset(seed, bytes[i], sizeof seed);
    REQUIRE_OK(ed25519_private(&people[i], seed));
    public_key_encode(ed25519_key(people[i]), lines[i]);
  }
  buf_init(&text, sizeof list - 1);
  REQUIRE_OK(buf_format(&text, "alice@host %s\nbob@host valid-before=\"20301231\" %s\n", lines[0],
                        lines[1]));
  memcpy(list, buf_view(&text).data, buf_view(&text).size);
  buf_free(&text);
}

struct heard {
  struct view rest;
  size_t piece;
  bool trusting, over;
  struct audit *audit;
  struct testimony *testimony;
  const struct question *question;
  struct fact fact;
};

static bool good(const struct heard *heard, const struct claim *claim) {
  REQUIRE(claim->size <= STATEMENT_MAX && memcmp(claim->text, "avow ", 5) == 0);
  for (unsigned i = 0; i < 2 && !heard->trusting; i++)
    if (memcmp(ed25519_key(people[i]), claim->key, ED25519_PUBLIC_SIZE) == 0)
      return audit_check(claim, people[i]) == AVOW_OK;
  return heard->trusting;
}

/* The next fact; NULL at the end, or at the fault. */
static const struct fact *next(struct heard *heard) {
  while (!heard->over) {
    enum avow_error error = audit_next(heard->audit, &heard->fact);
    for (unsigned i = 0; error == AVOW_OK && i < heard->fact.claims_count; i++)
      if (!good(heard, &heard->fact.claims[i])) {
        audit_refuse(heard->audit, &heard->fact.claims[i]);
        error = AVOW_MALFORMED;
      }
    if (error == AVOW_OK) {
      testimony_take(heard->testimony, heard->question, &heard->fact);
      return &heard->fact;
    }
    if (error == AVOW_NOT_FOUND) {
      size_t size = heard->rest.size < heard->piece ? heard->rest.size : heard->piece;
      uint8_t *exact = fuzz_exact(view_of(heard->rest.data, size));
      heard->over = size == 0;
      error =
          heard->over ? audit_end(heard->audit) : audit_input(heard->audit, view_of(exact, size));
      free(exact);
      heard->rest = view_of(heard->rest.data + size, heard->rest.size - size);
    }
    REQUIRE(error == AVOW_OK || error == AVOW_MALFORMED);
    heard->over |= error == AVOW_MALFORMED;
  }
  return NULL;
}

static void finish(struct heard *heard, size_t size, enum who keeper) {
  struct testimony *testimony = heard->testimony;
  while (next(heard) != NULL)
    ;
  testimony->keeper = keeper;
  testimony->fault = *audit_fault(heard->audit);
  REQUIRE(testimony->fault.kind == FAULT_NONE || testimony->fault.line > 0);
  REQUIRE(memchr(testimony->fault.text, '\0', FAULT_TEXT_SIZE) != NULL);
  REQUIRE(audit_finished(heard->audit) <= size);
  testimony->uncovered = testimony->fault.kind == FAULT_NONE && audit_finished(heard->audit) < size;
}

static void compare(struct bench *bench, struct heard *alice, struct heard *bob) {
  struct compare *compare;
  enum avow_error error = AVOW_OK;
  enum who who;
  REQUIRE_OK(compare_new(&compare, bob->audit));
  while (error == AVOW_OK && (who = compare_wants(compare)) != WHO_UNKNOWN) {
    struct heard *heard = who == WHO_ALICE ? alice : bob;
    const struct fact *fact = next(heard);
    if (fact == NULL && audit_fault(heard->audit)->kind != FAULT_NONE)
      break;
    error = compare_take(compare, fact);
  }
  REQUIRE(error == AVOW_OK || error == AVOW_MALFORMED);
  bench->compared = *compare_fault(compare);
  bench->story = *compare_story(compare);
  compare_free(compare);
}

static bool signed_by_both(const struct testimony *testimony) {
  return !testimony->there || (testimony->tls && testimony->agreed > 0 &&
                               testimony->signatures >= 2 && testimony->fault.kind == FAULT_NONE);
}

/* What must hold of any answer. */
static void check(const struct bench *bench, enum ruling ruling) {
  const struct testimony *alice = &bench->alice, *bob = &bench->bob;
  if (ruling == RULING_UNDECIDED)
    return;
  REQUIRE(alice->there || bob->there);
  if (bench->question.kind == QUESTION_SENT || bench->question.kind == QUESTION_STORED) {
    REQUIRE(ruling == RULING_REFUTED || alice->covers || bob->covers);
    REQUIRE(ruling == RULING_PROVEN || alice->any_end || bob->any_end);
    REQUIRE(alice->signatures >= 3 || bob->signatures >= 3);
  } else if (ruling == RULING_PROVEN) {
    REQUIRE(signed_by_both(alice) && signed_by_both(bob));
    REQUIRE(!alice->uncovered && !bob->uncovered && bench->compared.kind == FAULT_NONE);
    REQUIRE(!alice->there || alice->messages == alice->confirmed);
    REQUIRE(!bob->there || bob->messages >= bob->confirmed);
  }
}

static enum ruling rule(struct view alice, struct view bob, uint8_t how, size_t piece, char *text) {
  struct bench *bench = calloc(1, sizeof *bench);
  struct heard *heard = calloc(2, sizeof *heard);
  struct keyring keyring;
  struct audit_options options = {.keyring = &keyring};
  struct view logs[2] = {alice, bob};
  struct testimony *testimonies[2] = {&bench->alice, &bench->bob};
  unsigned line;
  REQUIRE_OK(keyring_init(&keyring, view_text(list), &line));
  bench->question = (struct question){.kind = (enum question_kind)((how >> 2 & 7) % 5), .id = 1};
  for (unsigned i = 0; i < 2; i++) {
    heard[i] = (struct heard){.rest = logs[i],
                              .piece = piece,
                              .trusting = how & 2,
                              .over = logs[i].size == 0,
                              .testimony = testimonies[i],
                              .question = &bench->question};
    testimonies[i]->there = logs[i].size > 0;
    REQUIRE_OK(audit_new(&heard[i].audit, &options));
  }
  if (alice.size > 0 && bob.size > 0)
    compare(bench, &heard[0], &heard[1]);
  for (unsigned i = 0; i < 2; i++)
    finish(&heard[i], logs[i].size, i == 0 ? WHO_ALICE : WHO_BOB);
  enum ruling ruling = ruling_give(bench, text);
  check(bench, ruling);
  for (unsigned i = 0; i < 2; i++)
    audit_free(heard[i].audit);
  keyring_free(&keyring);
  free(heard);
  free(bench);
  return ruling;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct reader script = reader_of(view_of(data, size));
  uint8_t how = reader_u8(&script);
  struct view logs = fuzz_take(&script, LOG_MAX / 4);
  const uint8_t *zero = logs.size > 0 ? memchr(logs.data, 0, logs.size) : NULL;
  size_t first = zero != NULL ? (size_t)(zero - logs.data) : logs.size;
  struct view sides[2] = {view_of(logs.data, first), view_of("", 0)};
  struct buf right[2];
  char whole[RULING_TEXT_SIZE], pieces[RULING_TEXT_SIZE];
  know_people();
  if (zero != NULL)
    sides[1] = view_of(zero + 1, logs.size - first - 1);
  for (unsigned i = 0; i < 2; i++) {
    buf_init(&right[i], 2 * LOG_MAX);
    if (how & 1) {
      forger_put_right(sides[i], &right[i]);
      sides[i] = buf_view(&right[i]);
    }
  }
  enum ruling ruling = rule(sides[0], sides[1], how, SIZE_MAX, whole);
  REQUIRE(rule(sides[0], sides[1], how, 1u + how / 2u, pieces) == ruling);
  REQUIRE(strcmp(whole, pieces) == 0);
  buf_free(&right[0]);
  buf_free(&right[1]);
  return 0;
}
