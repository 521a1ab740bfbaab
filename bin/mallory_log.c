// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "attack/attack.h"
#include "common.h"
#include "io/files.h"
#include "io/screen.h"
#include "mallory.h"
#include "mallory_deeds.h"

/* Someone who has the file of a log, and no private key: a changed copy of it, for judge to look
 * at. The head lines can be made anew, as anybody can. */

#define LOG_MAX (1024u * 1024u * 1024u)

static enum exit_code list_deeds(void) {
  puts("mallory log DEED LOG --message N --to COPY [--text TEXT] [--raw]");
  for (const struct deed *deed = DEEDS; deed->name != NULL; deed++)
    printf("%-15s %s\n", deed->name, deed->line);
  return fflush(stdout) == 0 ? CODE_OK : CODE_FAILURE;
}

static enum exit_code unknown_deed(const char *name) {
  const char *names[16];
  size_t count = 0;
  for (; DEEDS[count].name != NULL && count < sizeof names / sizeof names[0]; count++)
    names[count] = DEEDS[count].name;
  const char *near = nearest_name(view_text(name), names, count);
  return usage_error("mallory", "there is no deed '%.40s'.%s%s%s 'mallory log' tells all.", name,
                     near != NULL ? " Did you mean " : "", near != NULL ? near : "",
                     near != NULL ? "?" : "");
}

/* What the command line says. */
struct wish {
  const struct deed *deed;
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
  uint64_t id = forgery->id; /* the deed may go on to another */
  forgery->message = pages_message(pages, id);
  forgery->envelope = pages_envelope(pages, id, &forgery->first_id, &forgery->last_id);
  error = forgery->message == pages->count ? AVOW_NOT_FOUND : wish->deed->commit(forgery);
  if (error == AVOW_NOT_FOUND) {
    screen_error("%s has no message %" PRIu64 " for that: '%s' wants %s.", wish->log, id,
                 wish->deed->name, wish->deed->wants);
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
  wish->deed = DEEDS;
  while (argc > 0 && wish->deed->name != NULL && strcmp(wish->deed->name, argv[0]) != 0)
    wish->deed++;
  if (wish->deed->name == NULL)
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
    mallory_say(json_pack("{s:s, s:s, s:I, s:b}", "event", "log", "deed", wish.deed->name, "id",
                          (json_int_t)forgery.id, "heads", !wish.raw),
                "%s. %s The copy is %s.", forgery.told,
                wish.raw ? "The head lines are as they were."
                         : "The head lines fit again: anybody can compute them.",
                wish.copy);
  pages_free(&forgery.pages);
  return code == CODE_OK && mallory_deaf() ? CODE_FAILURE : code;
}
