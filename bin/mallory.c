// SPDX-License-Identifier: Apache-2.0
#include "mallory.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "common.h"
#include "io/harden.h"
#include "io/screen.h"
#include "io/tap.h"

static const char HELP[] =
    "Usage: mallory [OPTION]... [--attack NAME[,OPTION=VALUE]...]...\n"
    "       mallory list [NAME]\n"
    "       mallory matrix [--markdown] [--only WORDS]\n"
    "       mallory log [DEED LOG --message N --to COPY]\n"
    "Sit on the line between bob and alice, attack it, and tell what happens. She\n"
    "holds no key. Bob comes to her by her port file: bob --port-file mallory/port\n"
    "\n"
    "      --attack NAME[,...]      mount this attack; may be given more than once\n"
    "      --chaos SEED[,...]       as --attack chaos,seed=SEED[,...]\n"
    "      --seed SEED              of all that is at random (1)\n"
    "      --port-file FILE         find alice's port there (port)\n"
    "      --lay FILE               lay my port file there, for bob (mallory/port)\n"
    "      --listen ADDRESS:PORT    listen there, and lay no port file\n"
    "      --upstream HOST:PORT     alice is there; no port file is read\n"
    "      --json                   one JSON object per event on stdout\n"
    "  -v, --verbose                tell of what passes unchanged, too\n"
    "  -q, --quiet                  no status, only what happens on the line\n"
    "      --help                   show this\n"
    "      --version                show the version\n"
    "\n"
    "list       tell all attacks in a line each, or one with its options\n"
    "matrix     run every attack for real, in both modes, and print what came of it\n"
    "log        tell all that can be done to a log, or do it to a copy of one\n"
    "\n"
    "stdout gets what she does and learns, stderr what goes wrong. Ctrl-C ends her.\n"
    "Exit status: 0 ended in order, 1 failure, 2 usage, 3 no alice. See mallory(1).\n";

enum {
  ATTACK = 256,
  CHAOS,
  SEED,
  PORT_FILE,
  LAY,
  LISTEN,
  UPSTREAM,
  JSON,
  HELP_WANTED,
  VERSION_WANTED
};

static const struct option OPTIONS[] = {{"attack", required_argument, NULL, ATTACK},
                                        {"chaos", required_argument, NULL, CHAOS},
                                        {"seed", required_argument, NULL, SEED},
                                        {"port-file", required_argument, NULL, PORT_FILE},
                                        {"lay", required_argument, NULL, LAY},
                                        {"listen", required_argument, NULL, LISTEN},
                                        {"upstream", required_argument, NULL, UPSTREAM},
                                        {"json", no_argument, NULL, JSON},
                                        {"verbose", no_argument, NULL, 'v'},
                                        {"quiet", no_argument, NULL, 'q'},
                                        {"help", no_argument, NULL, HELP_WANTED},
                                        {"version", no_argument, NULL, VERSION_WANTED},
                                        {0}};

struct settings {
  struct tap_options tap;
  struct mallory mallory;
  bool json, verbose, quiet, help, version;
};

static enum exit_code add_attack(struct settings *settings, char *text) {
  struct attack attack;
  char problem[200];
  struct plan *plan = &settings->mallory.plan;
  if (attack_parse(text, &attack, problem, sizeof problem) != AVOW_OK)
    return usage_error("mallory", "%s 'mallory list' tells all attacks.", problem);
  if (plan_add(plan, &attack) != AVOW_OK)
    return usage_error("mallory", "%u attacks at once are the most.", PLAN_ATTACKS_MAX);
  if (attack.value[OPTION_SEED] != 0)
    plan->dice.state = (uint64_t)attack.value[OPTION_SEED];
  settings->mallory.all |= strcmp(attack.kind->name, "eavesdrop") == 0;
  return CODE_OK;
}

/* "7,rate=5" is "chaos,seed=7,rate=5". */
static enum exit_code add_chaos(struct settings *settings, const char *given) {
  static char text[256];
  if (snprintf(text, sizeof text, "chaos,seed=%s", given) >= (int)sizeof text)
    return usage_error("mallory", "--chaos '%.40s...' is too long.", given);
  return add_attack(settings, text);
}

static enum exit_code take_option(struct settings *settings, int option) {
  struct tap_options *tap = &settings->tap;
  unsigned long seed;
  switch (option) {
  case ATTACK: return add_attack(settings, optarg);
  case CHAOS: return add_chaos(settings, optarg);
  case SEED:
    if (!parse_number(optarg, 0, UINT32_MAX, &seed))
      return usage_error("mallory", "--seed is a number from 0 to 4294967295, not '%s'.", optarg);
    settings->mallory.plan.dice.state = seed;
    break;
  case PORT_FILE: tap->port_file = optarg; break;
  case LAY: tap->lay = optarg; break;
  case LISTEN:
    if (!split_address(optarg, &tap->listen_host, &tap->listen_port))
      return usage_error("mallory", "--listen is ADDRESS:PORT, or [ADDRESS]:PORT for IPv6.");
    tap->lay = NULL;
    break;
  case UPSTREAM:
    if (!split_address(optarg, &tap->upstream_host, &tap->upstream_port))
      return usage_error("mallory", "--upstream is HOST:PORT, or [ADDRESS]:PORT for IPv6.");
    break;
  case JSON: settings->json = true; break;
  case 'v': settings->verbose = true; break;
  case 'q': settings->quiet = true; break;
  case HELP_WANTED: settings->help = true; break;
  case VERSION_WANTED: settings->version = true; break;
  default: return usage_error("mallory", "see above.");
  }
  return CODE_OK;
}

static enum exit_code run(struct settings *settings) {
  struct tap_options *tap = &settings->tap;
  screen_init(&(struct screen_options){.program = "mallory",
                                       .json = settings->json,
                                       .quiet = settings->quiet,
                                       .verbose = settings->verbose});
  settings->mallory.all |= settings->verbose;
  settings->mallory.port_file = tap->port_file;
  tap->plan = &settings->mallory.plan;
  tap->owner = &settings->mallory;
  tap->on_begin = mind_begin;
  tap->on_event = mind_event;
  tap->on_end = mind_end;
  enum exit_code code = tap_run(tap);
  return code == CODE_OK && mallory_deaf() ? CODE_FAILURE : code;
}

static enum exit_code start(int argc, char **argv, struct settings *settings) {
  int option;
  if (argc > 1 && strcmp(argv[1], "list") == 0)
    return mallory_list(argc, argv);
  if (argc > 1 && strcmp(argv[1], "matrix") == 0)
    return mallory_matrix(argc, argv);
  if (argc > 1 && strcmp(argv[1], "log") == 0)
    return mallory_log(argc, argv);
  while ((option = getopt_long(argc, argv, "vq", OPTIONS, NULL)) != -1) {
    enum exit_code code = take_option(settings, option);
    if (code != CODE_OK)
      return code;
  }
  if (settings->help || settings->version) {
    if (settings->help)
      fputs(HELP, stdout);
    else
      print_version("mallory");
    return CODE_OK;
  }
  if (optind < argc)
    return usage_error("mallory",
                       "I do not know what to do with '%s'. An attack is named by --attack.",
                       argv[optind]);
  return run(settings);
}

int main(int argc, char **argv) {
  struct settings settings = {
      .tap = {.port_file = "port", .lay = "mallory/port", .listen_host = "127.0.0.1"}};
  harden();
  screen_init(&(struct screen_options){.program = "mallory"});
  plan_init(&settings.mallory.plan, 1);
  enum exit_code code = start(argc, argv, &settings);
  plan_free(&settings.mallory.plan);
  return (int)code;
}
