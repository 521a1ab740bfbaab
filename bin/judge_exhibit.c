// SPDX-License-Identifier: Apache-2.0
#include "judge_exhibit.h"

#include <inttypes.h>
#include <string.h>

#include "evidence/escape.h"
#include "io/screen.h"
#include "judge_walk.h"
#include "keys/allowed_signers.h"
#include "keys/public_key.h"

static const char *const PART_NAMES[EXHIBIT_PARTS] = {
    [EXHIBIT_OPENING_ALICE] = "Alice's signature of the opening",
    [EXHIBIT_OPENING_BOB] = "Bob's signature of the opening",
    [EXHIBIT_ORIGIN] = "Bob's origin signature",
    [EXHIBIT_RECEIPT] = "Alice's receipt",
};

static enum avow_error on_find(void *context, const struct record *record, bool *ret_enough) {
  struct exhibit *exhibit = context;
  exhibit_find(exhibit, record);
  *ret_enough = exhibit->has_envelope;
  return AVOW_OK;
}

static enum avow_error on_gather(void *context, const struct record *record, bool *ret_enough) {
  struct exhibit *exhibit = context;
  *ret_enough = record->line >= exhibit->envelope.line;
  return exhibit_gather(exhibit, record);
}

/* Why there is nothing to show. */
static enum judge_code undecided(const struct shown *shown) {
  const struct exhibit *exhibit = &shown->exhibit;
  if (exhibit->in_plain)
    screen_error("%s has no evidence: its keys were sent in the clear (--handshake plain).",
                 shown->log);
  else if (exhibit->has_message && !exhibit->has_envelope)
    screen_error("message %" PRIu64 " is in %s, but nobody has signed it: it was not confirmed.",
                 exhibit->id, shown->log);
  else if (exhibit->has_envelope && !exhibit->has_connection)
    screen_error("message %" PRIu64 " is in %s, but no connection before it that both have signed.",
                 exhibit->id, shown->log);
  else
    screen_error("there is no message %" PRIu64 " in %s.", exhibit->id, shown->log);
  return JUDGE_UNDECIDED;
}

static enum judge_code gather(struct shown *shown) {
  struct hash *hash = NULL;
  struct exhibit *exhibit = &shown->exhibit;
  enum judge_code code = walk_log(shown->log, on_find, exhibit, NULL);
  if (code == JUDGE_PROVEN && !exhibit->has_envelope)
    return undecided(shown);
  if (code == JUDGE_PROVEN)
    code = walk_log(shown->log, on_gather, exhibit, NULL);
  if (code != JUDGE_PROVEN)
    return code;
  enum avow_error error = hash_new(&hash);
  if (error == AVOW_OK)
    error = exhibit_complete(exhibit, hash);
  hash_free(hash);
  if (error == AVOW_NOT_FOUND)
    return undecided(shown);
  if (error == AVOW_MALFORMED) {
    screen_error("%s, line %" PRIu64 ": the messages of this envelope are not all there.",
                 shown->log, exhibit->envelope.line);
    return JUDGE_REFUTED;
  }
  if (error != AVOW_OK) {
    screen_error("cannot check %s: %s.", shown->log, avow_error_text(error));
    return JUDGE_USAGE;
  }
  return JUDGE_PROVEN;
}

static enum judge_code verify(const struct shown *shown) {
  for (enum exhibit_part part = 0; part < EXHIBIT_PARTS; part++) {
    enum avow_error error = exhibit_verify(&shown->exhibit, part);
    if (error == AVOW_OK)
      continue;
    screen_error("%s, line %" PRIu64 ": %s does not verify%s%s.", shown->log,
                 part < EXHIBIT_ORIGIN ? shown->exhibit.connection.line
                                       : shown->exhibit.envelope.line,
                 PART_NAMES[part], error == AVOW_NOT_AUTHENTIC ? "" : ": ",
                 error == AVOW_NOT_AUTHENTIC ? "" : avow_error_text(error));
    return error == AVOW_NOT_AUTHENTIC ? JUDGE_REFUTED : JUDGE_USAGE;
  }
  return JUDGE_PROVEN;
}

/* Names stand in commands and on pages: one that would need care there is not taken. */
static bool usable(const char *name) {
  struct buf escaped;
  buf_init(&escaped, 8 * AVOW_NAME_SIZE);
  bool good = strlen(name) < AVOW_NAME_SIZE - 1 && name[0] != '-' &&
              escape_append(&escaped, view_text(name)) == AVOW_OK &&
              view_equal(buf_view(&escaped), view_text(name));
  buf_free(&escaped);
  return good;
}

static enum judge_code vouch(struct shown *shown, enum exhibit_part part) {
  struct voucher *voucher = &shown->vouchers[part];
  const char *key = exhibit_by_alice(part) ? shown->alice : shown->bob;
  char time[WHEN_TEXT_SIZE];
  when_text(exhibit_time(&shown->exhibit, part), 0, time);
  switch (allowed_signers_find(buf_view(&shown->keys), exhibit_key(&shown->exhibit, part),
                               exhibit_time(&shown->exhibit, part), voucher->name,
                               &voucher->line)) {
  case AVOW_OK: break;
  case AVOW_EXPIRED:
    screen_error("%s is by the key %s, which was not valid at %s, as %s says.", PART_NAMES[part],
                 key, time, shown->keys_path);
    return JUDGE_UNDECIDED;
  case AVOW_NOT_FOUND:
    screen_error("%s is by the key %s, which is not in %s. If you know whose it is, add a line "
                 "'NAME ssh-ed25519 AAAA...' there.",
                 PART_NAMES[part], key, shown->keys_path);
    return JUDGE_UNDECIDED;
  default:
    screen_error("%s, line %u: this line cannot be read.", shown->keys_path, voucher->line);
    return JUDGE_USAGE;
  }
  if (usable(voucher->name))
    return JUDGE_PROVEN;
  screen_error("%s, line %u: this name cannot stand in a command. Use one without control "
               "characters, of at most %u bytes.",
               shown->keys_path, voucher->line, AVOW_NAME_SIZE - 2);
  return JUDGE_USAGE;
}

enum judge_code shown_load(struct shown *shown, const char *log, uint64_t id, const char *keys) {
  *shown = (struct shown){.log = log, .keys_path = keys};
  exhibit_init(&shown->exhibit, id);
  buf_init(&shown->keys, AVOW_KEY_LIST_MAX);
  enum judge_code code = keys != NULL ? judge_file_read(keys, &shown->keys) : JUDGE_PROVEN;
  if (code == JUDGE_PROVEN)
    code = gather(shown);
  if (code == JUDGE_PROVEN)
    code = verify(shown);
  if (code != JUDGE_PROVEN)
    return code;
  if (fingerprint(shown->exhibit.names.alice_key, shown->alice) != AVOW_OK ||
      fingerprint(shown->exhibit.names.bob_key, shown->bob) != AVOW_OK) {
    screen_error("cannot hash a key.");
    return JUDGE_USAGE;
  }
  for (enum exhibit_part part = 0; keys != NULL && part < EXHIBIT_PARTS; part++) {
    code = vouch(shown, part);
    if (code != JUDGE_PROVEN)
      return code;
  }
  return JUDGE_PROVEN;
}

void shown_free(struct shown *shown) {
  exhibit_free(&shown->exhibit);
  buf_free(&shown->keys);
}

const char *shown_name(const struct shown *shown, enum exhibit_part part) {
  if (shown->keys_path != NULL)
    return shown->vouchers[part].name;
  return exhibit_by_alice(part) ? "alice" : "bob";
}
