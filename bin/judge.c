// SPDX-License-Identifier: Apache-2.0
#include "judge.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common.h"
#include "io/files.h"
#include "io/harden.h"
#include "io/screen.h"
#include "wire/sealed.h"

static const char HELP[] =
    "Usage: judge COMMAND LOG... [OPTION]...\n"
    "Rule on the evidence that bob and alice leave in their logs, trusting neither.\n"
    "\n"
    "  verify LOG [PEER-LOG]      are the logs as they were signed?\n"
    "  sent N LOG [PEER-LOG]      did Bob send message N?\n"
    "  stored N LOG [PEER-LOG]    did Alice store message N?\n"
    "  complete LOG [PEER-LOG]    is the whole session there, to its signed end?\n"
    "  same LOG PEER-LOG          do both logs tell one story?\n"
    "      --keys FILE         whose key is whose: an allowed_signers file of your own\n"
    "      --alice PRINCIPAL   Alice must be this one of them; --bob PRINCIPAL: and Bob that\n"
    "      --tsa-ca FILE       check LOG.tsr, too, with these authorities' certificates\n"
    "      --json              one JSON object on stdout\n"
    "  -q, --quiet             only the answer and errors\n"
    "\n"
    "  export LOG --message N DIR [--keys FILE]    all that anybody needs to check it\n"
    "  receipt LOG --message N --keys FILE [--html]    on a page, to print\n"
    "  redact LOG --message N... [-o COPY]         a copy without these texts\n"
    "  stamp LOG --tsa URL | --query F | --answer F    a time stamp, as LOG.tsr\n"
    "\n"
    "The first word of an answer is PROVEN, REFUTED or UNDECIDED. Logs are only read.\n"
    "Exit status: 0 PROVEN or done, 1 REFUTED, 2 usage or a file, 3 UNDECIDED.\n"
    "Also --help and --version. See judge(1).\n";

static const struct subcommand {
  const char *name;
  enum judge_code (*run)(int argc, char **argv);
} SUBCOMMANDS[] = {
    {"verify", judge_rule},     {"sent", judge_rule},     {"stored", judge_rule},
    {"complete", judge_rule},   {"same", judge_rule},     {"export", judge_export},
    {"receipt", judge_receipt}, {"redact", judge_redact}, {"stamp", judge_stamp},
};

enum judge_code judge_code_of(enum ruling ruling) {
  switch (ruling) {
  case RULING_PROVEN: return JUDGE_PROVEN;
  case RULING_REFUTED: return JUDGE_REFUTED;
  case RULING_UNDECIDED: break;
  }
  return JUDGE_UNDECIDED;
}

enum judge_code judge_usage(const char *format, ...) {
  va_list args;
  fputs("judge: ", stderr);
  va_start(args, format);
  vfprintf(stderr, format, args);
  va_end(args);
  fputs("\nTry 'judge --help'.\n", stderr);
  return JUDGE_USAGE;
}

bool judge_take_id(const char *text, uint64_t *ret) {
  unsigned long id;
  if (!parse_number(text, 0, MESSAGE_ID_MAX, &id))
    return false;
  *ret = id;
  return true;
}

enum judge_code judge_file_read(const char *path, struct buf *file) {
  enum avow_error error = file_read(path, FILE_ANY, file);
  if (error == AVOW_OK)
    return JUDGE_PROVEN;
  screen_error("cannot read %s: %s.", path,
               error == AVOW_SYSTEM ? strerror(errno) : avow_error_text(error));
  return JUDGE_USAGE;
}

enum judge_code judge_keys_open(struct judge_keys *keys, const char *path) {
  unsigned line;
  if (path == NULL) {
    screen_error("whose key is whose? Say it with --keys FILE: a file of your own, never one that "
                 "came with the logs. It has one line for each person, such as");
    fputs("  alice@host ssh-ed25519 AAAA...\n", stderr);
    return JUDGE_USAGE;
  }
  buf_init(&keys->file, AVOW_KEY_LIST_MAX);
  enum avow_error error = file_read(path, FILE_ANY, &keys->file);
  if (error != AVOW_OK) {
    screen_error("cannot read the keys in %s: %s.", path,
                 error == AVOW_SYSTEM ? strerror(errno) : avow_error_text(error));
    buf_free(&keys->file);
    return JUDGE_USAGE;
  }
  error = keyring_init(&keys->keyring, buf_view(&keys->file), &line);
  if (error == AVOW_OK)
    return JUDGE_PROVEN;
  if (error == AVOW_MALFORMED)
    screen_error("cannot read line %u of %s. Mend it: a line is a name and a key, such as "
                 "'alice@host ssh-ed25519 AAAA...'. Nothing is ruled on a list that is in part "
                 "unreadable.",
                 line, path);
  else
    screen_error("cannot use the keys in %s: %s.", path, avow_error_text(error));
  judge_keys_close(keys);
  return JUDGE_USAGE;
}

void judge_keys_close(struct judge_keys *keys) {
  keyring_free(&keys->keyring);
  buf_free(&keys->file);
}

static enum judge_code start(int argc, char **argv) {
  harden();
  screen_init(&(struct screen_options){.program = "judge"});
  opterr = 0; /* what is wrong with an option, judge_usage says */
  if (argc < 2)
    return judge_usage("say what to rule on.");
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "--version") == 0) {
    if (argv[1][2] == 'h')
      fputs(HELP, stdout);
    else
      print_version("judge");
    return JUDGE_PROVEN;
  }
  for (size_t i = 0; i < sizeof SUBCOMMANDS / sizeof SUBCOMMANDS[0]; i++)
    if (strcmp(argv[1], SUBCOMMANDS[i].name) == 0)
      return SUBCOMMANDS[i].run(argc - 1, argv + 1);
  return judge_usage("I do not know what '%s' is.", argv[1]);
}

int main(int argc, char **argv) {
  return (int)start(argc, argv);
}
