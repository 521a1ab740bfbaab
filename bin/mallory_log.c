// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "attack/attack.h"
#include "base/when.h"
#include "common.h"
#include "crypto/hash.h"
#include "crypto/hmac.h"
#include "evidence/escape.h"
#include "fernet/fernet.h"
#include "io/files.h"
#include "io/screen.h"
#include "keys/sshsig.h"
#include "mallory.h"
#include "mallory_pages.h"

/* Someone who has the file of a log, and no private key: a changed copy of it, for judge to look
 * at. The head lines can be made anew, as anybody can. */

#define LOG_MAX (1024u * 1024u * 1024u)
#define HOUR_US UINT64_C(3600000000)

static const char MESSAGE_ID[] = "Message ID: ", MESSAGES[] = "Messages: ",
                  CONFIRMED[] = "Message confirmed at: ", IN_ALL[] = "Messages in all: ";

struct forgery {
  struct pages pages;
  uint64_t id, first_id, last_id; /* of the message, and of those in its envelope */
  const char *text;               /* the new one */
  size_t message, envelope;       /* the blocks; of ${envelope}, the count of all: none */
  char told[320];                 /* what was done */
};

typedef enum avow_error deed(struct forgery *forgery);

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

static const struct {
  const char *name, *line, *wants;
  deed *deed;
} DEEDS[] = {
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
};
#define DEEDS_COUNT (sizeof DEEDS / sizeof DEEDS[0])

static enum exit_code list_deeds(void) {
  puts("mallory log DEED LOG --message N --to COPY [--text TEXT] [--raw]");
  for (size_t i = 0; i < DEEDS_COUNT; i++)
    printf("%-15s %s\n", DEEDS[i].name, DEEDS[i].line);
  return fflush(stdout) == 0 ? CODE_OK : CODE_FAILURE;
}

static enum exit_code unknown_deed(const char *name) {
  const char *names[DEEDS_COUNT];
  for (size_t i = 0; i < DEEDS_COUNT; i++)
    names[i] = DEEDS[i].name;
  const char *near = nearest_name(view_text(name), names, DEEDS_COUNT);
  return usage_error("mallory", "there is no deed '%.40s'.%s%s%s 'mallory log' tells all.", name,
                     near != NULL ? " Did you mean " : "", near != NULL ? near : "",
                     near != NULL ? "?" : "");
}

/* What the command line says. */
struct wish {
  size_t deed;
  const char *log, *copy;
  bool numbered, raw, json;
};

static enum exit_code say_error(const char *doing, const char *path, enum avow_error error) {
  screen_error("cannot %s %s: %s.", doing, path,
               error == AVOW_SYSTEM      ? strerror(errno)
               : error == AVOW_MALFORMED ? "it is no log, or its end is missing"
                                         : avow_error_text(error));
  return CODE_FAILURE;
}

static enum exit_code commit(struct forgery *forgery, const struct wish *wish) {
  struct buf log;
  buf_init(&log, LOG_MAX);
  enum avow_error error = file_read(wish->log, FILE_ANY, &log);
  if (error == AVOW_OK)
    error = pages_read(&forgery->pages, buf_view(&log));
  buf_free(&log);
  if (error != AVOW_OK)
    return say_error("read", wish->log, error);
  struct pages *pages = &forgery->pages;
  forgery->message = pages_message(pages, forgery->id);
  forgery->envelope = pages_envelope(pages, forgery->id, &forgery->first_id, &forgery->last_id);
  error = forgery->message == pages->count ? AVOW_NOT_FOUND : DEEDS[wish->deed].deed(forgery);
  if (error == AVOW_NOT_FOUND) {
    screen_error("%s has no message %" PRIu64 " for that: '%s' wants %s.", wish->log, forgery->id,
                 DEEDS[wish->deed].name, DEEDS[wish->deed].wants);
    return CODE_FAILURE;
  }
  buf_init(&log, LOG_MAX);
  if (error == AVOW_OK)
    error = pages_write(pages, !wish->raw, &log);
  if (error == AVOW_OK)
    error = file_create(wish->copy, 0600, buf_view(&log));
  buf_free(&log);
  return error == AVOW_OK ? CODE_OK : say_error("write", wish->copy, error);
}

static enum exit_code parse(int argc, char **argv, struct wish *wish, struct forgery *forgery) {
  static const struct option options[] = {
      {"message", required_argument, NULL, 'm'}, {"text", required_argument, NULL, 't'},
      {"to", required_argument, NULL, 'o'},      {"raw", no_argument, NULL, 'r'},
      {"json", no_argument, NULL, 'j'},          {0}};
  unsigned long id = 0;
  int option;
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
    switch (option) {
    case 'm':
      if (!parse_number(optarg, 0, UINT32_MAX, &id))
        return usage_error("mallory", "--message is the number of a message, not '%.40s'.", optarg);
      wish->numbered = true;
      break;
    case 't': forgery->text = optarg; break;
    case 'o': wish->copy = optarg; break;
    case 'r': wish->raw = true; break;
    case 'j': wish->json = true; break;
    default: return usage_error("mallory", "see above.");
    }
  }
  forgery->id = id;
  argv += optind + 1; /* "log" is the first */
  argc -= optind + 1;
  while (argc > 0 && wish->deed < DEEDS_COUNT && strcmp(DEEDS[wish->deed].name, argv[0]) != 0)
    wish->deed++;
  if (wish->deed == DEEDS_COUNT)
    return unknown_deed(argv[0]);
  if (argc != 2 || wish->copy == NULL || !wish->numbered)
    return usage_error("mallory", "log wants a deed, a log, --message N and --to COPY.");
  wish->log = argv[1];
  return CODE_OK;
}

enum exit_code mallory_log(int argc, char **argv) {
  struct forgery forgery = {.text = "I owe you nothing."};
  struct wish wish = {0};
  if (argc == 2)
    return list_deeds();
  enum exit_code code = parse(argc, argv, &wish, &forgery);
  if (code != CODE_OK)
    return code;
  screen_init(&(struct screen_options){.program = "mallory", .json = wish.json});
  code = commit(&forgery, &wish);
  if (code == CODE_OK)
    mallory_say(json_pack("{s:s, s:s, s:I, s:s, s:b}", "event", "log", "deed",
                          DEEDS[wish.deed].name, "id", (json_int_t)forgery.id, "copy", wish.copy,
                          "heads", !wish.raw),
                "%s. %s The copy is %s.", forgery.told,
                wish.raw ? "The head lines are as they were."
                         : "The head lines fit again: anybody can compute them.",
                wish.copy);
  pages_free(&forgery.pages);
  return code == CODE_OK && mallory_deaf() ? CODE_FAILURE : code;
}
