// SPDX-License-Identifier: Apache-2.0
#include "judged.h"

#include <stdlib.h>
#include <string.h>

#include "evidence/ruling.h"
#include "keys/public_key.h"

/* A log that is heard, its claims checked at once. */
struct heard {
  struct view rest;
  bool over;
  struct audit *audit;
  struct testimony *testimony;
  struct ed25519 *keys[2];
  struct fact fact;
};

static void must(enum avow_error error) {
  if (error != AVOW_OK)
    abort();
}

static bool good(const struct heard *heard, const struct claim *claim) {
  for (unsigned i = 0; i < 2; i++)
    if (memcmp(ed25519_key(heard->keys[i]), claim->key, ED25519_PUBLIC_SIZE) == 0)
      return audit_check(claim, heard->keys[i]) == AVOW_OK;
  return false;
}

/* The next fact; NULL at the end, or at the fault. */
static const struct fact *next(struct heard *heard) {
  static const struct question question = {.id = FAULT_NO_ID};
  while (!heard->over) {
    enum avow_error error = audit_next(heard->audit, &heard->fact);
    for (unsigned i = 0; error == AVOW_OK && i < heard->fact.claims_count; i++)
      if (!good(heard, &heard->fact.claims[i])) {
        audit_refuse(heard->audit, &heard->fact.claims[i]);
        error = AVOW_MALFORMED;
      }
    if (error == AVOW_OK) {
      testimony_take(heard->testimony, &question, &heard->fact);
      return &heard->fact;
    }
    if (error == AVOW_NOT_FOUND) {
      heard->over = heard->rest.size == 0;
      error = heard->over ? audit_end(heard->audit) : audit_input(heard->audit, heard->rest);
      heard->rest.size = 0;
    }
    if (error != AVOW_OK && error != AVOW_MALFORMED)
      abort();
    heard->over |= error == AVOW_MALFORMED;
  }
  return NULL;
}

static void begin(struct heard *heard, const struct audit_options *options,
                  struct testimony *testimony, struct view log, struct ed25519 *const keys[2]) {
  *heard = (struct heard){.rest = log, .testimony = testimony, .keys = {keys[0], keys[1]}};
  testimony->there = true;
  must(audit_new(&heard->audit, options));
}

static void end(struct heard *heard, size_t size, enum who keeper) {
  while (next(heard) != NULL)
    ;
  heard->testimony->keeper = keeper;
  heard->testimony->fault = *audit_fault(heard->audit);
  heard->testimony->uncovered =
      heard->testimony->fault.kind == FAULT_NONE && audit_finished(heard->audit) < size;
  audit_free(heard->audit);
}

enum ruling judged(struct ed25519 *const keys[2], struct view bob, struct view alice,
                   const char **ret_why) {
  static struct bench bench;
  static char text[RULING_TEXT_SIZE], list[512];
  static struct heard hers, his;
  char alice_line[PUBLIC_KEY_TEXT_SIZE], bob_line[PUBLIC_KEY_TEXT_SIZE];
  struct keyring keyring;
  struct audit_options options = {.keyring = &keyring};
  struct compare *compare;
  struct buf made;
  enum avow_error error = AVOW_OK;
  enum who who;
  unsigned line;
  public_key_encode(ed25519_key(keys[ALICE]), alice_line);
  public_key_encode(ed25519_key(keys[BOB]), bob_line);
  buf_init(&made, sizeof list - 1);
  must(buf_format(&made, "alice %s\nbob %s\n", alice_line, bob_line));
  memset(list, 0, sizeof list);
  memcpy(list, buf_view(&made).data, buf_view(&made).size);
  buf_free(&made);
  must(keyring_init(&keyring, view_text(list), &line));
  bench = (struct bench){.question = {.kind = QUESTION_SAME, .id = FAULT_NO_ID}};
  begin(&hers, &options, &bench.alice, alice, keys);
  begin(&his, &options, &bench.bob, bob, keys);
  must(compare_new(&compare, his.audit));
  while (error == AVOW_OK && (who = compare_wants(compare)) != WHO_UNKNOWN) {
    struct heard *heard = who == WHO_ALICE ? &hers : &his;
    const struct fact *fact = next(heard);
    if (fact == NULL && audit_fault(heard->audit)->kind != FAULT_NONE)
      break;
    error = compare_take(compare, fact);
  }
  bench.compared = *compare_fault(compare);
  bench.story = *compare_story(compare);
  compare_free(compare);
  end(&hers, alice.size, WHO_ALICE);
  end(&his, bob.size, WHO_BOB);
  keyring_free(&keyring);
  *ret_why = text;
  return ruling_give(&bench, text);
}
