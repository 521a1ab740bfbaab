// SPDX-License-Identifier: Apache-2.0
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <errno.h>

#include "attack/attack.h"
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

/* Mallory holds the file: she writes a changed copy of a log, for judge to look at.  She can
 * compute every head anew, as anybody can, and holds no private key. */

#define LOG_MAX (1024u * 1024u * 1024u)

struct forgery {
  struct pages pages;
  uint64_t id;
  const char *text;
  size_t message, envelope; /* their blocks */
  char told[320];           /* what she did */
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

static enum avow_error edit(struct forgery *forgery) {
  TELL(forgery, "changed the text of message %" PRIu64 ", and left its hash as it was",
       forgery->id);
  return set_text(forgery);
}

static enum avow_error rewrite(struct forgery *forgery) {
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
  TELL(forgery, "changed message %" PRIu64 ": its text, and its hash to fit", forgery->id);
  return error;
}

/* One digit of the confirmation's time, wherever it stands. */
static enum avow_error antedate(struct forgery *forgery) {
  size_t blocks[] = {forgery->message, forgery->envelope};
  struct view time;
  char text[64];
  bool any = false;
  for (size_t i = 0; i < 2; i++) {
    if (blocks[i] == forgery->pages.count ||
        !pages_line(&forgery->pages, blocks[i], "Message confirmed at: ", &time) ||
        time.size >= sizeof text)
      continue;
    memcpy(text, time.data, time.size);
    text[18] = text[18] == '0' ? '1' : '0'; /* the seconds */
    enum avow_error error =
        pages_set(&forgery->pages, blocks[i], "Message confirmed at: ", view_of(text, time.size));
    if (error != AVOW_OK)
      return error;
    any = true;
  }
  TELL(forgery, "changed the time at which message %" PRIu64 " was confirmed", forgery->id);
  return any ? AVOW_OK : AVOW_NOT_FOUND;
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

/* A message that nobody sent, behind this one; the envelope is said to have held it. */
static enum avow_error invent(struct forgery *forgery) {
  char ids[48];
  if (forgery->envelope == forgery->pages.count)
    return AVOW_NOT_FOUND;
  struct view last;
  uint64_t first_id, last_id;
  if (!pages_line(&forgery->pages, forgery->envelope, "Messages: ", &last) ||
      sscanf((const char *)last.data, "%" SCNu64 "-%" SCNu64, &first_id, &last_id) != 2)
    return AVOW_NOT_FOUND;
  forgery->message = pages_message(&forgery->pages, last_id);
  enum avow_error error = forgery->message == forgery->pages.count
                              ? AVOW_NOT_FOUND
                              : pages_repeat(&forgery->pages, forgery->message);
  if (error != AVOW_OK)
    return error;
  forgery->envelope += forgery->envelope > forgery->message;
  forgery->message++;
  snprintf(ids, sizeof ids, "%" PRIu64, last_id + 1);
  error = pages_set(&forgery->pages, forgery->message, "Message ID: ", view_text(ids));
  if (error == AVOW_OK)
    error = rewrite(forgery);
  snprintf(ids, sizeof ids, "%" PRIu64 "-%" PRIu64, first_id, last_id + 1);
  if (error == AVOW_OK)
    error = pages_set(&forgery->pages, forgery->envelope, "Messages: ", view_text(ids));
  TELL(forgery, "invented message %" PRIu64 ", and said that it came with those before it",
       last_id + 1);
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
  struct view receipt, block;
  struct hmac *hmac;
  if (!find_key(&forgery->pages, key) || forgery->envelope == forgery->pages.count ||
      !pages_line(&forgery->pages, forgery->envelope, "Receipt: ", &receipt) ||
      sshsig_decode(receipt, public, tag) != AVOW_OK)
    return AVOW_NOT_FOUND;
  block = buf_view(&forgery->pages.blocks[forgery->envelope]);
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
    {"antedate", "change the time of a confirmation", "this message, confirmed", antedate},
    {"remove", "take a message out", "this message", remove_message},
    {"repeat", "write a message twice", "this message", repeat_message},
    {"swap", "let two messages change places", "this message and the next", swap_messages},
    {"rollback", "put back an old copy, from before a message", "an earlier chunk", roll_back},
    {"invent", "add a message that nobody sent", "this message, confirmed, with its text", invent},
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

static enum exit_code commit(struct forgery *forgery, size_t deed_number, const char *path,
                             const char *to, bool heads) {
  struct buf log;
  buf_init(&log, LOG_MAX);
  enum avow_error error = file_read(path, FILE_ANY, &log);
  if (error == AVOW_OK)
    error = pages_read(&forgery->pages, buf_view(&log));
  buf_clear(&log);
  if (error != AVOW_OK) {
    screen_error("cannot read %s: %s.", path,
                 error == AVOW_SYSTEM      ? strerror(errno)
                 : error == AVOW_MALFORMED ? "it is no log"
                                           : avow_error_text(error));
    buf_free(&log);
    return CODE_FAILURE;
  }
  forgery->message = pages_message(&forgery->pages, forgery->id);
  forgery->envelope = pages_envelope(&forgery->pages, forgery->id);
  if (forgery->message == forgery->pages.count)
    error = AVOW_NOT_FOUND;
  if (error == AVOW_OK)
    error = DEEDS[deed_number].deed(forgery);
  if (error == AVOW_NOT_FOUND)
    screen_error("%s does not have what '%s' wants: %s.", path, DEEDS[deed_number].name,
                 DEEDS[deed_number].wants);
  if (error == AVOW_OK)
    error = pages_write(&forgery->pages, heads, &log);
  if (error == AVOW_OK)
    error = file_create(to, 0600, buf_view(&log));
  if (error != AVOW_OK && error != AVOW_NOT_FOUND)
    screen_error("cannot write %s: %s.", to,
                 error == AVOW_SYSTEM ? strerror(errno) : avow_error_text(error));
  buf_free(&log);
  return error == AVOW_OK ? CODE_OK : CODE_FAILURE;
}

enum exit_code mallory_log(int argc, char **argv) {
  static const struct option options[] = {
      {"message", required_argument, NULL, 'm'}, {"text", required_argument, NULL, 't'},
      {"to", required_argument, NULL, 'o'},      {"raw", no_argument, NULL, 'r'},
      {"json", no_argument, NULL, 'j'},          {0}};
  struct forgery forgery = {.text = "I owe you nothing."};
  const char *to = NULL;
  bool heads = true, json = false, numbered = false;
  unsigned long id = 0;
  int option;
  if (argc == 2)
    return list_deeds();
  while ((option = getopt_long(argc - 1, argv + 1, "", options, NULL)) != -1) {
    switch (option) {
    case 'm': numbered = parse_number(optarg, 0, UINT32_MAX, &id); break;
    case 't': forgery.text = optarg; break;
    case 'o': to = optarg; break;
    case 'r': heads = false; break;
    case 'j': json = true; break;
    default: return usage_error("mallory", "see above.");
    }
  }
  screen_init(&(struct screen_options){.program = "mallory", .json = json});
  if (argc - 1 - optind != 2 || to == NULL || !numbered)
    return usage_error("mallory", "log wants a deed, a log, --message N and --to COPY.");
  size_t deed_number = 0;
  while (deed_number < DEEDS_COUNT && strcmp(DEEDS[deed_number].name, argv[1 + optind]) != 0)
    deed_number++;
  if (deed_number == DEEDS_COUNT)
    return unknown_deed(argv[1 + optind]);
  forgery.id = id;
  enum exit_code code = commit(&forgery, deed_number, argv[2 + optind], to, heads);
  if (code == CODE_OK)
    mallory_say(json_pack("{s:s, s:s, s:s, s:b}", "event", "log", "deed", DEEDS[deed_number].name,
                          "copy", to, "heads", heads),
                "%s. %s The copy is %s.", forgery.told,
                heads ? "All heads fit again: anybody can compute them."
                      : "The heads are as they were.",
                to);
  pages_free(&forgery.pages);
  return code == CODE_OK && mallory_deaf() ? CODE_FAILURE : code;
}
