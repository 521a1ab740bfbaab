// SPDX-License-Identifier: Apache-2.0
#include "judge.h"

#include <stdio.h>
#include <stdlib.h>

#include "evidence/audit.h"
#include "evidence/compare.h"
#include "keys/public_key.h"

/* What src/evidence finds in the logs, beside rules.c: the two must agree. */

struct bench {
  const struct world *world;
  struct buf signers; /* whose key is whose */
  struct keyring keyring;
  struct audit *audits[2];
  struct compare *compare;
  char fault[600];
};

static void must(enum avow_error error) {
  if (error != AVOW_OK)
    abort();
}

static void find(struct bench *bench, const struct fault *fault) {
  if (bench->fault[0] == '\0')
    snprintf(bench->fault, sizeof bench->fault, "line %llu of %s's log: %s",
             (unsigned long long)fault->line, who_name(fault->log), fault->text);
}

static void begin(struct bench *bench, const struct file *files[2]) {
  struct audit_options options = {.keyring = &bench->keyring, .alice = "alice", .bob = "bob"};
  unsigned line;
  buf_init(&bench->signers, 1024);
  for (unsigned side = 0; side < 2; side++) {
    char key[PUBLIC_KEY_TEXT_SIZE];
    public_key_encode(bench->world->hosts[side].identity.public, key);
    must(buf_format(&bench->signers, "%s %s\n", HOST_NAMES[side], key));
  }
  must(keyring_init(&bench->keyring, buf_view(&bench->signers), &line));
  for (unsigned side = 0; side < 2; side++) {
    must(audit_new(&bench->audits[side], &options));
    must(audit_input(bench->audits[side], buf_view(&files[side]->bytes)));
  }
  must(compare_new(&bench->compare, bench->audits[BOB]));
}

static void end(struct bench *bench) {
  compare_free(bench->compare);
  audit_free(bench->audits[BOB]);
  audit_free(bench->audits[ALICE]);
  keyring_free(&bench->keyring);
  buf_free(&bench->signers);
}

/* The next fact of a log, and its signatures; false at the end, or at a fault. */
static bool next_fact(struct bench *bench, enum side side, struct fact *fact) {
  struct audit *audit = bench->audits[side];
  enum avow_error error = audit_next(audit, fact);
  for (unsigned i = 0; error == AVOW_OK && i < fact->claims_count; i++) {
    const struct claim *claim = &fact->claims[i];
    enum side signer = claim->signer == WHO_BOB ? BOB : ALICE;
    if (audit_check(claim, tls_identity_key(bench->world->hosts[signer].tls)) != AVOW_OK)
      audit_refuse(audit, claim);
  }
  if (audit_fault(audit)->kind != FAULT_NONE)
    find(bench, audit_fault(audit));
  return error == AVOW_OK && bench->fault[0] == '\0';
}

const char *judge_session(const struct world *world, const struct file *bob,
                          const struct file *alice) {
  static struct bench bench;
  static struct fact fact;
  const struct file *files[2] = {[BOB] = bob, [ALICE] = alice};
  bench = (struct bench){.world = world};
  begin(&bench, files);
  enum who wanted;
  while (bench.fault[0] == '\0' && (wanted = compare_wants(bench.compare)) != WHO_UNKNOWN) {
    bool more = next_fact(&bench, wanted == WHO_BOB ? BOB : ALICE, &fact);
    if (bench.fault[0] == '\0' && compare_take(bench.compare, more ? &fact : NULL) != AVOW_OK)
      find(&bench, compare_fault(bench.compare));
  }
  for (unsigned side = 0; side < 2 && bench.fault[0] == '\0'; side++)
    while (next_fact(&bench, side, &fact))
      ;
  end(&bench);
  return bench.fault[0] == '\0' ? NULL : bench.fault;
}
