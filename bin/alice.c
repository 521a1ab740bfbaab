// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "common.h"
#include "io/harden.h"
#include "io/identity_file.h"
#include "io/screen.h"
#include "io/server.h"

static const char HELP[] =
    "Usage: alice [OPTION]...\n"
    "       alice keygen [--identity FILE]\n"
    "Receive messages from bob: each stored on disk before it is confirmed.\n"
    "\n"
    "      --listen ADDRESS         listen there (127.0.0.1)\n"
    "      --port N                 and at this port (the first free one from 1024)\n"
    "      --port-file FILE         write the port there, for bob (port)\n"
    "      --logs DIR               keep the logs there (logs)\n"
    "      --log-detail LEVEL       proof, text or full (text)\n"
    "      --serve                  serve many clients, and go on after each\n"
    "      --max-clients N          so many at once, with --serve (1024)\n"
    "      --max-memory MIB         cut off who holds the most past that (1024)\n"
    "      --identity FILE          my private key (~/.config/avow/alice_ed25519)\n"
    "      --allowed-signers FILE   let these in (~/.config/avow/allowed_signers)\n"
    "      --accept-anyone          let in any key, also from other machines\n"
    "      --handshake MODE         tls, or plain: the key in the clear (tls)\n"
    "      --freshness SECONDS      refuse what is older (3)\n"
    "      --json                   one JSON object per event on stdout\n"
    "  -v, --verbose                tell more\n"
    "  -q, --quiet                  tell only errors and incidents\n"
    "      --help                   show this\n"
    "      --version                show the version\n"
    "\n"
    "stdout gets the messages, stderr what happens. A terminal gets both, readable.\n"
    "Exit status: 0 ended in order, 1 failure, 2 usage. See alice(1).\n";

enum { LISTEN = 256, PORT, LOGS, SERVE, ALLOWED, ANYONE, FRESHNESS, CLIENTS, MEMORY };

static const struct option OPTIONS[] = {COMMON_OPTIONS,
                                        {"listen", required_argument, NULL, LISTEN},
                                        {"port", required_argument, NULL, PORT},
                                        {"logs", required_argument, NULL, LOGS},
                                        {"serve", no_argument, NULL, SERVE},
                                        {"allowed-signers", required_argument, NULL, ALLOWED},
                                        {"accept-anyone", no_argument, NULL, ANYONE},
                                        {"freshness", required_argument, NULL, FRESHNESS},
                                        {"max-clients", required_argument, NULL, CLIENTS},
                                        {"max-memory", required_argument, NULL, MEMORY},
                                        {0}};

static enum exit_code take_option(struct common *common, struct server_options *server,
                                  int option) {
  unsigned long number;
  switch (option) {
  case LISTEN: server->listen = optarg; break;
  case PORT:
    if (!parse_number(optarg, 1, 65535, &number))
      return usage_error("alice", "--port is a number from 1 to 65535, not '%s'.", optarg);
    server->port = (unsigned)number;
    break;
  case LOGS: server->log_folder = optarg; break;
  case SERVE: server->serve = true; break;
  case ALLOWED: server->allowed_file = optarg; break;
  case ANYONE: server->accept_anyone = true; break;
  case FRESHNESS:
    if (!parse_seconds(optarg, A_MICROSECOND, &server->freshness_us))
      return usage_error("alice", "--freshness is a number of seconds, not '%s'.", optarg);
    break;
  case CLIENTS:
    if (!parse_number(optarg, 1, AVOW_SESSIONS_MOST, &number))
      return usage_error("alice", "--max-clients is a number from 1 to %u, not '%s'.",
                         AVOW_SESSIONS_MOST, optarg);
    server->clients_max = (unsigned)number;
    break;
  case MEMORY:
    if (!parse_number(optarg, AVOW_MEMORY_LEAST_MIB, AVOW_MEMORY_MOST_MIB, &number))
      return usage_error("alice", "--max-memory is a number of MiB from %u to %u, not '%s'.",
                         AVOW_MEMORY_LEAST_MIB, AVOW_MEMORY_MOST_MIB, optarg);
    server->memory_max = (size_t)number << 20;
    break;
  default: return common_option(common, option, optarg);
  }
  return CODE_OK;
}

/* The list in the configuration folder counts, unless there is none: one that cannot be reached
 * lets nobody in. */
static const char *default_allowed(char path[PATH_MAX]) {
  if (config_path("allowed_signers", path, PATH_MAX) != AVOW_OK)
    return NULL;
  return access(path, F_OK) == 0 || errno != ENOENT ? path : NULL;
}

static enum exit_code run(const struct common *common, struct server_options *server) {
  struct identity identity = {0};
  char allowed[PATH_MAX];
  screen_init(&(struct screen_options){.program = "alice",
                                       .json = common->json,
                                       .quiet = common->quiet,
                                       .verbose = common->verbose});
  if (common->handshake == HANDSHAKE_TLS) {
    enum exit_code code = common_identity(common, &identity);
    if (code != CODE_OK)
      return code;
    server->identity = &identity;
    if (server->allowed_file == NULL)
      server->allowed_file = default_allowed(allowed);
  } else if (server->allowed_file != NULL) {
    return usage_error("alice", "--handshake plain knows no keys, so no --allowed-signers.");
  }
  server->handshake = common->handshake;
  server->detail = common->detail;
  server->port_file = common->port_file;
  enum exit_code code = server_run(server);
  identity_wipe(&identity);
  return code;
}

static enum exit_code start(int argc, char **argv) {
  struct common common = {
      .program = "alice", .handshake = HANDSHAKE_TLS, .detail = LOG_TEXT, .port_file = "port"};
  struct server_options server = {.listen = "127.0.0.1",
                                  .log_folder = "logs",
                                  .freshness_us = AVOW_FRESHNESS_US,
                                  .clients_max = AVOW_SESSIONS_MAX,
                                  .memory_max = (size_t)AVOW_MEMORY_MIB << 20};
  int option;
  harden();
  screen_init(&(struct screen_options){.program = "alice"});
  if (argc > 1 && strcmp(argv[1], "keygen") == 0)
    return keygen("alice", argc, argv);
  while ((option = getopt_long(argc, argv, "vq", OPTIONS, NULL)) != -1) {
    if (option == '?')
      return usage_error("alice", "see above.");
    enum exit_code code = take_option(&common, &server, option);
    if (code != CODE_OK)
      return code;
  }
  if (common.help || common.version) {
    if (common.help)
      fputs(HELP, stdout);
    else
      print_version("alice");
    return CODE_OK;
  }
  if (optind < argc)
    return usage_error("alice", "I do not know what to do with '%s'.", argv[optind]);
  return run(&common, &server);
}

int main(int argc, char **argv) {
  return (int)start(argc, argv);
}
