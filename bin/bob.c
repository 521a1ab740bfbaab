// SPDX-License-Identifier: Apache-2.0
#include <getopt.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/when.h"
#include "common.h"
#include "io/client.h"
#include "io/harden.h"
#include "io/identity_file.h"
#include "io/outbox.h"
#include "io/screen.h"
#include "keys/public_key.h"

static const char HELP[] =
    "Usage: bob [OPTION]... [HOST:PORT]\n"
    "       bob keygen [--identity FILE]\n"
    "Send messages to alice: what is typed, or each line of a pipe. Without HOST:PORT\n"
    "she is found by the file 'port' in this folder.\n"
    "\n"
    "      --port-file FILE         find the port there (port)\n"
    "      --outbox DIR             keep my logs there (outbox)\n"
    "      --outbox-status          tell what waits there, and for whom\n"
    "      --log-detail LEVEL       text, or full: the key as well (text)\n"
    "      --resend-after SECONDS   send again what is not confirmed by then (10)\n"
    "      --cover RATE[,SIZE]      RATE tokens a second of one size, whatever I send\n"
    "      --wait-for SECONDS       give up on a server that is not there (never)\n"
    "      --max-memory MIB         take no more input than goes into that (48)\n"
    "      --identity FILE          my private key (~/.config/avow/bob_ed25519)\n"
    "      --server-key KEY         trust this 'ssh-ed25519 AAAA...', and no other\n"
    "      --known-servers FILE     remember servers (~/.config/avow/known_servers)\n"
    "      --handshake MODE         tls, or plain: the key in the clear (tls)\n"
    "      --json                   one JSON object per event on stdout\n"
    "  -v, --verbose                tell more\n"
    "  -q, --quiet                  tell only errors and incidents\n"
    "      --help                   show this\n"
    "      --version                show the version\n"
    "\n"
    "At a terminal, 'quit' ends the session. Exit status: 0 all messages are\n"
    "confirmed, 1 failure, 2 usage, 3 no server, 4 a key is not trusted, 5 not all\n"
    "confirmed and an attack suspected, 6 cut off with messages unconfirmed.\n"
    "See bob(1).\n";

/* What a token holds under cover, unless said otherwise. */
#define COVER_SIZE 4096u

enum { OUTBOX = 256, COVER, RESEND, WAIT, SERVER_KEY, KNOWN, STATUS, MEMORY };

static const struct option OPTIONS[] = {COMMON_OPTIONS,
                                        {"outbox", required_argument, NULL, OUTBOX},
                                        {"cover", required_argument, NULL, COVER},
                                        {"resend-after", required_argument, NULL, RESEND},
                                        {"wait-for", required_argument, NULL, WAIT},
                                        {"server-key", required_argument, NULL, SERVER_KEY},
                                        {"known-servers", required_argument, NULL, KNOWN},
                                        {"max-memory", required_argument, NULL, MEMORY},
                                        {"outbox-status", no_argument, NULL, STATUS},
                                        {0}};

/* "RATE" or "RATE,SIZE". */
static bool take_cover(struct client_options *client, const char *text) {
  unsigned long rate, size = COVER_SIZE;
  char number[16];
  size_t digits = strcspn(text, ",");
  if (digits >= sizeof number)
    return false;
  memcpy(number, text, digits);
  number[digits] = '\0';
  if (!parse_number(number, 1, 100, &rate) ||
      (text[digits] == ',' &&
       !parse_number(text + digits + 1, AVOW_COVER_MIN, AVOW_COVER_MAX, &size)))
    return false;
  client->cover = (uint32_t)size;
  client->cover_period_us = 1000000 / rate;
  return true;
}

static enum exit_code take_option(struct common *common, struct client_options *client,
                                  uint8_t server_key[ED25519_PUBLIC_SIZE], int option) {
  unsigned long number;
  switch (option) {
  case OUTBOX: client->outbox = optarg; break;
  case COVER:
    if (!take_cover(client, optarg))
      return usage_error(
          "bob",
          "--cover is a rate, 1 to 100 tokens a second, and perhaps their size, %u to "
          "%u bytes: 10 or 10,4096, not '%s'.",
          AVOW_COVER_MIN, AVOW_COVER_MAX, optarg);
    break;
  case RESEND:
    if (!parse_seconds(optarg, A_MICROSECOND, &client->resend_after_us))
      return usage_error("bob", "--resend-after is a number of seconds, not '%s'.", optarg);
    break;
  case WAIT:
    if (!parse_seconds(optarg, 0, &client->wait_for_us))
      return usage_error("bob", "--wait-for is a number of seconds, not '%s'.", optarg);
    break;
  case SERVER_KEY:
    if (public_key_decode(view_text(optarg), server_key, NULL) != AVOW_OK)
      return usage_error("bob", "--server-key is a line 'ssh-ed25519 AAAA...' like alice.pub.");
    client->server_key = server_key;
    break;
  case KNOWN: client->known_file = optarg; break;
  case STATUS: client->status = true; break;
  case MEMORY:
    if (!parse_number(optarg, AVOW_BOB_MEMORY_LEAST_MIB, AVOW_MEMORY_MOST_MIB, &number))
      return usage_error("bob", "--max-memory is a number of MiB from %u to %u, not '%s'.",
                         AVOW_BOB_MEMORY_LEAST_MIB, AVOW_MEMORY_MOST_MIB, optarg);
    client->memory_max = (size_t)number << 20;
    break;
  default: return common_option(common, option, optarg);
  }
  return CODE_OK;
}

static enum exit_code run(const struct common *common, struct client_options *client) {
  struct identity identity = {0};
  char known[PATH_MAX];
  screen_init(&(struct screen_options){
      .program = "bob", .json = common->json, .quiet = common->quiet, .verbose = common->verbose});
  if (common->detail == LOG_PROOF)
    return usage_error("bob", "my log is my outbox: I could not send a message again without its "
                              "text. --log-detail is text or full.");
  if (client->status)
    return outbox_status(client);
  if (common->handshake == HANDSHAKE_TLS) {
    enum exit_code code = common_identity(common, &identity);
    if (code != CODE_OK)
      return code;
    client->identity = &identity;
    if (client->known_file == NULL && config_path("known_servers", known, sizeof known) == AVOW_OK)
      client->known_file = known;
    if (client->known_file == NULL)
      return usage_error("bob", "HOME is not set: give --known-servers FILE.");
  }
  if (common->handshake == HANDSHAKE_PLAIN && client->server_key != NULL)
    return usage_error("bob", "--handshake plain knows no keys, so no --server-key.");
  client->handshake = common->handshake;
  client->detail = common->detail;
  client->port_file = common->port_file;
  enum exit_code code = client_run(client);
  identity_wipe(&identity);
  return code;
}

static enum exit_code start(int argc, char **argv) {
  struct common common = {
      .program = "bob", .handshake = HANDSHAKE_TLS, .detail = LOG_TEXT, .port_file = "port"};
  struct client_options client = {.outbox = "outbox",
                                  .resend_after_us = AVOW_RESEND_AFTER_US,
                                  .wait_for_us = WHEN_NEVER,
                                  .memory_max = (size_t)AVOW_BOB_MEMORY_MIB << 20};
  uint8_t server_key[ED25519_PUBLIC_SIZE];
  int option;
  harden();
  /* The prompt takes letters apart as the locale says; plain C would lose all but ASCII. */
  if (setlocale(LC_CTYPE, "") == NULL || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
    setlocale(LC_CTYPE, "C.UTF-8");
  screen_init(&(struct screen_options){.program = "bob"});
  if (argc > 1 && strcmp(argv[1], "keygen") == 0)
    return keygen("bob", argc, argv);
  while ((option = getopt_long(argc, argv, "vq", OPTIONS, NULL)) != -1) {
    if (option == '?')
      return usage_error("bob", "see above.");
    enum exit_code code = take_option(&common, &client, server_key, option);
    if (code != CODE_OK)
      return code;
  }
  if (common.help || common.version) {
    if (common.help)
      fputs(HELP, stdout);
    else
      print_version("bob");
    return CODE_OK;
  }
  if (argc - optind > 1 ||
      (argc - optind == 1 && !split_address(argv[optind], &client.host, &client.port)))
    return usage_error("bob", "the server is HOST:PORT, or [ADDRESS]:PORT for IPv6.");
  return run(&common, &client);
}

int main(int argc, char **argv) {
  return (int)start(argc, argv);
}
