// SPDX-License-Identifier: Apache-2.0
#include "evidence/compare.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bob's facts lead: for each of his connections, envelopes and ends, Alice's log is read on until
 * the same one comes.  What is passed on the way is remembered: envelopes, whose receipts he may
 * have got over a later connection.  In Alice's log no more than 32 of them can be so far ahead, as
 * no more can be in flight. */
#define PASSED_MAX 64u

/* An envelope or an end, as both logs have it. */
struct passage {
  struct record record;
  uint8_t digest[SHA256_SIZE];
};

struct compare {
  const struct audit *bob_audit;
  enum who wants;
  bool bob_over;
  struct passage looked_for; /* Bob's fact that Alice's log must have */
  struct passage passed[PASSED_MAX];
  unsigned first, count;
  bool alice_matched; /* Alice's last connection is Bob's last one, too */
  bool bob_agreed;    /* and he has signed it, so */
  uint8_t bob_signature[SIGNATURE_SIZE];
  bool alice_ended; /* the last word of her log is an end that Bob has signed */
  struct story story;
  struct fault fault;
};

enum avow_error compare_new(struct compare **ret, const struct audit *bob) {
  struct compare *compare = calloc(1, sizeof *compare);
  if (compare == NULL)
    return AVOW_NO_MEMORY;
  compare->bob_audit = bob;
  compare->wants = WHO_BOB;
  *ret = compare;
  return AVOW_OK;
}

void compare_free(struct compare *compare) {
  free(compare);
}

enum who compare_wants(const struct compare *compare) {
  return compare->fault.kind != FAULT_NONE ? WHO_UNKNOWN : compare->wants;
}

const struct fault *compare_fault(const struct compare *compare) {
  return &compare->fault;
}

const struct story *compare_story(const struct compare *compare) {
  return &compare->story;
}

static enum avow_error differ(struct compare *compare, enum who log, const struct record *record,
                              enum who against, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

static enum avow_error differ(struct compare *compare, enum who log, const struct record *record,
                              enum who against, const char *format, ...) {
  va_list args;
  compare->fault = (struct fault){.kind = FAULT_BROKEN,
                                  .log = log,
                                  .line = record->line,
                                  .id = FAULT_NO_ID,
                                  .against = against};
  if (record->type == RECORD_ENVELOPE)
    compare->fault.id = record->id;
  va_start(args, format);
  vsnprintf(compare->fault.text, sizeof compare->fault.text, format, args);
  va_end(args);
  return AVOW_MALFORMED;
}

static bool same_bytes(const uint8_t *a, const uint8_t *b, size_t size) {
  return memcmp(a, b, size) == 0;
}

/* What both sign of a connection, and Alice's signature. */
static bool same_opening(const struct record *a, const struct record *b) {
  return same_bytes(a->session_id, b->session_id, sizeof a->session_id) &&
         a->resumed == b->resumed && a->tls == b->tls && a->when_us == b->when_us &&
         a->offset_min == b->offset_min && strcmp(a->group, b->group) == 0 &&
         same_bytes(a->alice_key, b->alice_key, sizeof a->alice_key) &&
         same_bytes(a->bob_key, b->bob_key, sizeof a->bob_key) && a->id == b->id &&
         same_bytes(a->proof.bob_head, b->proof.bob_head, HEAD_SIZE) &&
         same_bytes(a->proof.alice_head, b->proof.alice_head, HEAD_SIZE) &&
         same_bytes(a->proof.alice_signature, b->proof.alice_signature, SIGNATURE_SIZE);
}

static bool same_proof(const struct record *a, const struct record *b) {
  return a->is_signed == b->is_signed && memcmp(&a->proof, &b->proof, sizeof a->proof) == 0;
}

static bool same_end(const struct record *a, const struct record *b) {
  return a->id == b->id && a->when_us == b->when_us && a->offset_min == b->offset_min &&
         a->by_bob == b->by_bob && same_proof(a, b);
}

/* The same ids stand in both logs: is it the same envelope? */
static enum avow_error match_envelope(struct compare *compare, const struct passage *alice) {
  const struct passage *bob = &compare->looked_for;
  const struct record *a = &alice->record, *b = &bob->record;
  if (a->id != b->id || a->count != b->count)
    return differ(compare, WHO_ALICE, a, WHO_ALICE,
                  "messages %llu-%llu in one envelope, where Bob has Alice's receipt of messages "
                  "%llu-%llu in one",
                  (unsigned long long)a->id, (unsigned long long)(a->id + a->count - 1),
                  (unsigned long long)b->id, (unsigned long long)(b->id + b->count - 1));
  if (!same_bytes(alice->digest, bob->digest, sizeof alice->digest))
    return differ(compare, WHO_ALICE, a, WHO_UNKNOWN,
                  "other messages than in Bob's log under the same ids, and both have signed both");
  if (!same_bytes(a->proof.bob_signature, b->proof.bob_signature, SIGNATURE_SIZE))
    return differ(compare, WHO_ALICE, a, WHO_BOB,
                  "another origin signature of Bob's than in his own log");
  if (a->confirmed_us != b->confirmed_us || a->confirmed_min != b->confirmed_min ||
      !same_proof(a, b))
    return differ(compare, WHO_ALICE, a, WHO_ALICE,
                  "another receipt of Alice's than the one that she gave to Bob");
  compare->story.messages += a->count;
  memcpy(compare->story.bob_head, a->proof.bob_head, HEAD_SIZE);
  memcpy(compare->story.alice_head, a->proof.head, HEAD_SIZE);
  return AVOW_OK;
}

static enum avow_error keep(struct compare *compare, const struct passage *passage) {
  if (compare->count == PASSED_MAX)
    return differ(compare, WHO_ALICE, &passage->record, WHO_BOB,
                  "an envelope whose receipt Bob must have had before his log goes on");
  compare->passed[(compare->first + compare->count++) % PASSED_MAX] = *passage;
  return AVOW_OK;
}

/* A connection that Bob does not have: her answer never reached him.  He asked with a head of his
 * own. */
static enum avow_error skip_opening(struct compare *compare, const struct record *record) {
  compare->alice_matched = false;
  if (audit_had_head(compare->bob_audit, record->proof.bob_head))
    return AVOW_OK;
  return differ(compare, WHO_ALICE, record, WHO_BOB,
                "a connection with a head of Bob's that his log does not have");
}

static enum avow_error alice_opening(struct compare *compare, const struct fact *fact) {
  const struct record *alice = &fact->record, *bob = &compare->looked_for.record;
  compare->alice_ended = false;
  if (compare->bob_over || bob->type != RECORD_OPENED)
    return skip_opening(compare, alice);
  if (!same_bytes(alice->session_id, bob->session_id, sizeof alice->session_id))
    return differ(compare, WHO_ALICE, alice, WHO_UNKNOWN, "another session than in Bob's log");
  if (!same_bytes(alice->alice_key, bob->alice_key, sizeof alice->alice_key) ||
      !same_bytes(alice->bob_key, bob->bob_key, sizeof alice->bob_key))
    return differ(compare, WHO_ALICE, alice, WHO_UNKNOWN, "other keys than in Bob's log");
  if (!same_opening(alice, bob))
    return skip_opening(compare, alice);
  compare->alice_matched = true;
  compare->bob_agreed = false; /* he signs it next */
  compare->story.connections++;
  memcpy(compare->story.bob_head, bob->proof.bob_head, HEAD_SIZE);
  memcpy(compare->story.alice_head, bob->proof.alice_head, HEAD_SIZE);
  compare->wants = WHO_BOB;
  return AVOW_OK;
}

/* Bob's signature leaves him only when it is in his log. */
static enum avow_error alice_agreed(struct compare *compare, const struct record *record) {
  if (compare->alice_matched && compare->bob_agreed &&
      same_bytes(record->proof.bob_signature, compare->bob_signature, SIGNATURE_SIZE))
    return AVOW_OK;
  return differ(compare, WHO_ALICE, record, WHO_BOB,
                "a connection that Bob has signed, and that his log does not have");
}

/* Bob's log is over, and has no receipt for this envelope: it never reached him.  But he has sent
 * the messages. */
static enum avow_error without_receipt(struct compare *compare, const struct passage *alice) {
  const struct record *record = &alice->record;
  uint8_t digest[SHA256_SIZE];
  enum avow_error error = audit_waiting(compare->bob_audit, record->id, record->count, digest);
  if (error == AVOW_NOT_FOUND)
    return differ(compare, WHO_ALICE, record, WHO_BOB,
                  "messages that Bob has signed, and that his log does not have");
  if (error != AVOW_OK)
    return error;
  if (!same_bytes(digest, alice->digest, sizeof digest))
    return differ(compare, WHO_ALICE, record, WHO_BOB,
                  "messages that Bob has signed, where his log has others under their ids");
  if (!audit_had_head(compare->bob_audit, record->proof.bob_head))
    return differ(compare, WHO_ALICE, record, WHO_BOB,
                  "a head of Bob's that his log does not have");
  compare->story.unreceived += record->count;
  return AVOW_OK;
}

static enum avow_error alice_envelope(struct compare *compare, const struct fact *fact) {
  struct passage passage = {.record = fact->record};
  memcpy(passage.digest, fact->digest, sizeof passage.digest);
  if (compare->bob_over)
    return without_receipt(compare, &passage);
  if (compare->looked_for.record.type != RECORD_ENVELOPE)
    return keep(compare, &passage);
  compare->wants = WHO_BOB;
  return match_envelope(compare, &passage);
}

static enum avow_error alice_end(struct compare *compare, const struct record *record) {
  const struct record *bob = &compare->looked_for.record;
  compare->alice_ended = record->by_bob;
  if (compare->bob_over || bob->type != RECORD_ENDED) { /* it never reached him */
    if (audit_had_head(compare->bob_audit, record->proof.bob_head))
      return AVOW_OK;
    return differ(compare, WHO_ALICE, record, WHO_BOB,
                  "a head of Bob's that his log does not have");
  }
  if (!same_end(record, bob))
    return differ(compare, WHO_ALICE, record, WHO_ALICE,
                  "another end than the one that Alice gave to Bob");
  compare->story.ended = true;
  memcpy(compare->story.bob_head, bob->proof.bob_head, HEAD_SIZE);
  memcpy(compare->story.alice_head, bob->proof.head, HEAD_SIZE);
  compare->wants = WHO_BOB;
  return AVOW_OK;
}

/* Alice's log is over, and what Bob has was not in it. */
static enum avow_error alice_over(struct compare *compare) {
  const struct record *bob = &compare->looked_for.record;
  compare->wants = WHO_UNKNOWN;
  if (compare->bob_over) {
    compare->story.bob_lacks_end = compare->alice_ended && !compare->story.ended;
    return AVOW_OK;
  }
  if (bob->type == RECORD_ENVELOPE)
    return differ(compare, WHO_BOB, bob, WHO_ALICE,
                  "Alice's receipt of messages %llu-%llu, which her log does not have",
                  (unsigned long long)bob->id, (unsigned long long)(bob->id + bob->count - 1));
  return differ(compare, WHO_BOB, bob, WHO_ALICE,
                "%s that Alice has signed, and that her log does not have",
                bob->type == RECORD_OPENED ? "a connection" : "an end");
}

static enum avow_error take_alice(struct compare *compare, const struct fact *fact) {
  if (fact == NULL)
    return alice_over(compare);
  switch (fact->record.type) {
  case RECORD_OPENED: return alice_opening(compare, fact);
  case RECORD_AGREED: return alice_agreed(compare, &fact->record);
  case RECORD_ENVELOPE: return alice_envelope(compare, fact);
  case RECORD_ENDED: return alice_end(compare, &fact->record);
  case RECORD_QUEUED:
  case RECORD_MESSAGE:
  case RECORD_INCIDENT:
  case RECORD_HEAD: break;
  }
  return AVOW_OK;
}

static void look_for(struct compare *compare, const struct fact *fact) {
  compare->looked_for.record = fact->record;
  memcpy(compare->looked_for.digest, fact->digest, sizeof fact->digest);
  compare->wants = WHO_ALICE;
}

/* The oldest of those that were passed. */
static const struct passage *unkeep(struct compare *compare) {
  const struct passage *passage = &compare->passed[compare->first];
  compare->first = (compare->first + 1) % PASSED_MAX;
  compare->count--;
  return passage;
}

static enum avow_error bob_over(struct compare *compare) {
  enum avow_error error = AVOW_OK;
  compare->bob_over = true;
  compare->wants = WHO_ALICE;
  while (error == AVOW_OK && compare->count > 0)
    error = without_receipt(compare, unkeep(compare));
  return error;
}

static enum avow_error take_bob(struct compare *compare, const struct fact *fact) {
  if (fact == NULL)
    return bob_over(compare);
  switch (fact->record.type) {
  case RECORD_OPENED:
    compare->story.ended = false;
    look_for(compare, fact);
    break;
  case RECORD_AGREED:
    compare->bob_agreed = true;
    memcpy(compare->bob_signature, fact->record.proof.bob_signature, SIGNATURE_SIZE);
    break;
  case RECORD_ENVELOPE:
    look_for(compare, fact);
    if (compare->count > 0) {
      compare->wants = WHO_BOB;
      return match_envelope(compare, unkeep(compare));
    }
    break;
  case RECORD_ENDED:
    if (fact->record.is_signed) /* otherwise he gave up, and she knows nothing of it */
      look_for(compare, fact);
    break;
  case RECORD_QUEUED:
  case RECORD_MESSAGE:
  case RECORD_INCIDENT:
  case RECORD_HEAD: break;
  }
  return AVOW_OK;
}

enum avow_error compare_take(struct compare *compare, const struct fact *fact) {
  if (compare->fault.kind != FAULT_NONE)
    return AVOW_MALFORMED;
  return compare->wants == WHO_ALICE ? take_alice(compare, fact) : take_bob(compare, fact);
}

static bool same_envelope(const struct fact *one, const struct fact *other) {
  const struct record *a = &one->record, *b = &other->record;
  return a->id == b->id && a->count == b->count && a->confirmed_us == b->confirmed_us &&
         a->confirmed_min == b->confirmed_min && same_proof(a, b) &&
         same_bytes(one->digest, other->digest, sizeof one->digest);
}

static bool same_fact(const struct fact *one, const struct fact *other) {
  const struct record *a = &one->record, *b = &other->record;
  if (a->type != b->type)
    return false;
  switch (a->type) {
  case RECORD_OPENED: return same_opening(a, b);
  case RECORD_AGREED:
    return same_bytes(a->proof.bob_signature, b->proof.bob_signature, SIGNATURE_SIZE);
  case RECORD_ENVELOPE: return same_envelope(one, other);
  case RECORD_ENDED: return same_end(a, b);
  case RECORD_QUEUED:
  case RECORD_MESSAGE:
  case RECORD_INCIDENT:
  case RECORD_HEAD: break;
  }
  return true;
}

bool compare_copies(enum who keeper, const struct fact *one, const struct fact *other,
                    struct fault *ret) {
  const struct record *a = &one->record, *b = &other->record;
  if (same_fact(one, other))
    return true;
  bool strangers = a->type == RECORD_OPENED && b->type == RECORD_OPENED &&
                   !same_bytes(a->session_id, b->session_id, sizeof a->session_id);
  *ret = (struct fault){.kind = FAULT_BROKEN,
                        .log = keeper,
                        .line = b->line,
                        .id = FAULT_NO_ID,
                        .against = strangers ? WHO_UNKNOWN : keeper};
  snprintf(ret->text, sizeof ret->text, "%s than in line %llu of the other log",
           strangers ? "another session" : "signed, and otherwise", (unsigned long long)a->line);
  return false;
}
