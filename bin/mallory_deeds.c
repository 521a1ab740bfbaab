// SPDX-License-Identifier: Apache-2.0
#include "mallory_deeds.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/when.h"
#include "crypto/hash.h"
#include "crypto/hmac.h"
#include "evidence/escape.h"
#include "fernet/fernet.h"
#include "keys/sshsig.h"

#define HOUR_US UINT64_C(3600000000)

static const char MESSAGE_ID[] = "Message ID: ", MESSAGES[] = "Messages: ",
                  CONFIRMED[] = "Message confirmed at: ", IN_ALL[] = "Messages in all: ";

#define TELL(forgery, ...) snprintf((forgery)->told, sizeof(forgery)->told, __VA_ARGS__)

static enum avow_error set_text(struct forgery *forgery) {
  struct buf escaped;
  buf_init(&escaped, 4 * AVOW_TEXT_MAX);
  enum avow_error error = escape_append(&escaped, view_text(forgery->text));
  if (error == AVOW_OK)
    error = pages_set(&forgery->pages, forgery->message, "Message text: ", buf_view(&escaped));
  buf_free(&escaped);
  return error;
}

static enum avow_error set_number(struct forgery *forgery, size_t at, const char *name,
                                  uint64_t number) {
  char text[24];
  snprintf(text, sizeof text, "%" PRIu64, number);
  return pages_set(&forgery->pages, at, name, view_text(text));
}

static enum avow_error edit(struct forgery *forgery) {
  TELL(forgery, "changed the text of message %" PRIu64 ", and left its hash as it was",
       forgery->id);
  return set_text(forgery);
}

static enum avow_error rewrite(struct forgery *forgery) {
  TELL(forgery, "changed message %" PRIu64 ": its text, and its hash to fit", forgery->id);
  struct hash *hash;
  uint8_t value[SHA512_SIZE];
  char hex[2 * SHA512_SIZE + 1];
  enum avow_error error = hash_new(&hash);
  if (error != AVOW_OK)
    return error;
  error = hash_sha512(hash, view_text(forgery->text), value);
  hash_free(hash);
  hex_encode(view_of(value, sizeof value), hex);
  if (error == AVOW_OK)
    error = set_text(forgery);
  if (error == AVOW_OK)
    error = pages_set(&forgery->pages, forgery->message, "Hash value: ", view_text(hex));
  return error;
}

/* In the envelope, and in Alice's log in each of its messages, which stand before it. */
static enum avow_error antedate(struct forgery *forgery) {
  struct pages *pages = &forgery->pages;
  struct view time, id;
  uint64_t wall_us;
  int offset_min;
  char text[WHEN_TEXT_SIZE];
  size_t at = forgery->envelope;
  if (at == pages->count || !pages_line(pages, at, CONFIRMED, &time) ||
      when_parse(time, &wall_us, &offset_min) != AVOW_OK || wall_us < 25 * HOUR_US)
    return AVOW_NOT_FOUND;
  when_text(wall_us - HOUR_US, offset_min, text);
  enum avow_error error = pages_set(pages, at, CONFIRMED, view_text(text));
  while (error == AVOW_OK && at-- > 0 && pages_line(pages, at, MESSAGE_ID, &id))
    if (pages_line(pages, at, CONFIRMED, &time))
      error = pages_set(pages, at, CONFIRMED, view_text(text));
  TELL(forgery, "said that message %" PRIu64 " was confirmed an hour earlier", forgery->id);
  return error;
}

static enum avow_error remove_message(struct forgery *forgery) {
  pages_remove(&forgery->pages, forgery->message, 1);
  TELL(forgery, "took message %" PRIu64 " out", forgery->id);
  return AVOW_OK;
}

static enum avow_error repeat_message(struct forgery *forgery) {
  TELL(forgery, "wrote message %" PRIu64 " twice", forgery->id);
  return pages_repeat(&forgery->pages, forgery->message);
}

static enum avow_error swap_messages(struct forgery *forgery) {
  size_t other = pages_message(&forgery->pages, forgery->id + 1);
  if (other == forgery->pages.count)
    return AVOW_NOT_FOUND;
  pages_swap(&forgery->pages, forgery->message, other);
  TELL(forgery, "let messages %" PRIu64 " and %" PRIu64 " change places", forgery->id,
       forgery->id + 1);
  return AVOW_OK;
}

/* The chunk with the message, and all behind it. */
static enum avow_error roll_back(struct forgery *forgery) {
  size_t at = forgery->message;
  struct view head;
  while (at > 0 && !pages_line(&forgery->pages, at - 1, "Head: ", &head))
    at--;
  if (at == 0)
    return AVOW_NOT_FOUND;
  pages_remove(&forgery->pages, at, forgery->pages.count - at);
  TELL(forgery, "put an old copy back, from before message %" PRIu64, forgery->id);
  return AVOW_OK;
}

/* A message that nobody sent, behind the last one.  The envelope is said to have held it, and the
 * end to have counted it. */
static enum avow_error invent(struct forgery *forgery) {
  struct pages *pages = &forgery->pages;
  struct view value;
  char ids[48];
  if (forgery->envelope == pages->count || forgery->last_id != forgery->id ||
      pages_message(pages, forgery->id + 1) != pages->count)
    return AVOW_NOT_FOUND;
  enum avow_error error = pages_repeat(pages, forgery->message);
  forgery->message++, forgery->envelope++, forgery->id++;
  snprintf(ids, sizeof ids, "%" PRIu64 "-%" PRIu64, forgery->first_id, forgery->id);
  if (error == AVOW_OK)
    error = set_number(forgery, forgery->message, MESSAGE_ID, forgery->id);
  if (error == AVOW_OK)
    error = rewrite(forgery);
  if (error == AVOW_OK)
    error = pages_set(pages, forgery->envelope, MESSAGES, view_text(ids));
  for (size_t at = forgery->envelope; at < pages->count && error == AVOW_OK; at++)
    if (pages_line(pages, at, IN_ALL, &value))
      error = set_number(forgery, at, IN_ALL, forgery->id + 1);
  TELL(forgery, "invented message %" PRIu64 ", and said that it came with the one before it",
       forgery->id);
  return error;
}

/* The session's key, if the log has kept it: whoever reads the log has it then. */
static bool find_key(const struct pages *pages, uint8_t key[FERNET_KEY_SIZE]) {
  struct view text;
  for (size_t i = 0; i < pages->count; i++)
    if (pages_line(pages, i, "Key: ", &text) && fernet_key_decode(text, key) == AVOW_OK)
      return true;
  return false;
}

/* A tag that the shared key makes and checks, in the place of Alice's signature. */
static enum avow_error forge_receipt(struct forgery *forgery) {
  uint8_t key[FERNET_KEY_SIZE], public[ED25519_PUBLIC_SIZE], tag[ED25519_SIGNATURE_SIZE];
  char line[SSHSIG_TEXT_SIZE];
  struct view receipt;
  struct hmac *hmac;
  if (!find_key(&forgery->pages, key) || forgery->envelope == forgery->pages.count ||
      !pages_line(&forgery->pages, forgery->envelope, "Receipt: ", &receipt) ||
      sshsig_decode(receipt, public, tag) != AVOW_OK)
    return AVOW_NOT_FOUND;
  struct view block = buf_view(&forgery->pages.blocks[forgery->envelope]);
  enum avow_error error = hmac_new(&hmac, view_of(key, 16));
  if (error != AVOW_OK)
    return error;
  error = hmac_tag(hmac, view_text("1"), block, tag);
  if (error == AVOW_OK)
    error = hmac_tag(hmac, view_text("2"), block, tag + HMAC_SIZE);
  hmac_free(hmac);
  explicit_bzero(key, sizeof key);
  sshsig_encode(public, tag, line);
  TELL(forgery,
       "forged the receipt of message %" PRIu64 " with the session's key, which the log has "
       "kept: whoever can check such a receipt could have made it, Bob and Alice alike",
       forgery->id);
  return error == AVOW_OK
             ? pages_set(&forgery->pages, forgery->envelope, "Receipt: ", view_text(line))
             : error;
}

const struct deed DEEDS[] = {
    {"edit", "change a text", "this message, with its text", edit},
    {"rewrite", "change a text, and its hash to fit", "this message, with its text", rewrite},
    {"antedate", "say that a message was confirmed an hour earlier", "this message, confirmed",
     antedate},
    {"remove", "take a message out", "this message", remove_message},
    {"repeat", "write a message twice", "this message", repeat_message},
    {"swap", "let two messages change places", "this message and the next", swap_messages},
    {"rollback", "put back an old copy, from before a message", "an earlier chunk", roll_back},
    {"invent", "add a message that nobody sent, behind the last one",
     "this message, as the last one, confirmed, with its text", invent},
    {"forge-receipt", "with the session's key, where the log has kept it",
     "the receipt of this message, and a line 'Key:' (alice --log-detail full)", forge_receipt},
    {0},
};
