// SPDX-License-Identifier: Apache-2.0
#include "common.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/tls.h"
#include "io/identity_file.h"
#include "io/screen.h"
#include "keys/public_key.h"

#define SECONDS_MAX (366.0 * 24 * 3600)

enum exit_code usage_error(const char *program, const char *format, ...) {
  va_list args;
  fprintf(stderr, "%s: ", program);
  va_start(args, format);
  vfprintf(stderr, format, args);
  va_end(args);
  fprintf(stderr, "\nTry '%s --help'.\n", program);
  return CODE_USAGE;
}

bool parse_number(const char *text, unsigned long min, unsigned long max, unsigned long *ret) {
  char *end;
  errno = 0;
  unsigned long value = strtoul(text, &end, 10);
  if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value < min || value > max)
    return false;
  *ret = value;
  return true;
}

bool parse_seconds(const char *text, double min, uint64_t *ret_us) {
  char *end;
  errno = 0;
  double seconds = strtod(text, &end);
  bool number = (text[0] >= '0' && text[0] <= '9') || text[0] == '.';
  if (!number || *end != '\0' || errno != 0 || !(seconds >= min) || seconds > SECONDS_MAX)
    return false;
  *ret_us = (uint64_t)(seconds * 1e6);
  return true;
}

bool split_address(char *text, const char **ret_host, unsigned *ret_port) {
  unsigned long port;
  char *colon = strrchr(text, ':');
  if (colon == NULL || !parse_number(colon + 1, 1, 65535, &port))
    return false;
  *colon = '\0';
  if (text[0] == '[' && colon > text + 1 && colon[-1] == ']') {
    colon[-1] = '\0';
    text++;
  } else if (strchr(text, ':') != NULL) {
    return false; /* an IPv6 address wants its brackets */
  }
  *ret_host = text;
  *ret_port = (unsigned)port;
  return text[0] != '\0';
}

static bool parse_handshake(const char *text, enum handshake *ret) {
  if (strcmp(text, "tls") != 0 && strcmp(text, "plain") != 0)
    return false;
  *ret = text[0] == 't' ? HANDSHAKE_TLS : HANDSHAKE_PLAIN;
  return true;
}

static bool parse_detail(const char *text, enum log_detail *ret) {
  static const char *const names[] = {
      [LOG_PROOF] = "proof", [LOG_TEXT] = "text", [LOG_FULL] = "full"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (strcmp(text, names[i]) == 0) {
      *ret = (enum log_detail)i;
      return true;
    }
  }
  return false;
}

enum exit_code common_option(struct common *common, int option, const char *value) {
  switch (option) {
  case 'h':
    if (!parse_handshake(value, &common->handshake))
      return usage_error(common->program, "--handshake is tls or plain, not '%s'.", value);
    break;
  case 'd':
    if (!parse_detail(value, &common->detail))
      return usage_error(common->program, "--log-detail is proof, text or full, not '%s'.", value);
    break;
  case 'i': common->identity_path = value; break;
  case 'p': common->port_file = value; break;
  case 'j': common->json = true; break;
  case 'q': common->quiet = true; break;
  case 'v': common->verbose = true; break;
  case 'H': common->help = true; break;
  case 'V': common->version = true; break;
  default: return usage_error(common->program, "that is not an option of mine.");
  }
  return CODE_OK;
}

/* Where the identity is, or would be: as given, else in the configuration folder. */
static bool find_identity(const char *program, const char *given, char path[PATH_MAX]) {
  char name[32];
  if (given != NULL)
    return snprintf(path, PATH_MAX, "%s", given) < PATH_MAX;
  snprintf(name, sizeof name, "%s_ed25519", program);
  if (config_path(name, path, PATH_MAX) == AVOW_OK)
    return true;
  screen_error("HOME is not set, so there is no place for an identity. Set it, or give one with "
               "--identity.");
  return false;
}

static enum exit_code make_identity(const char *program, const char *path, struct identity *ret) {
  char text[FINGERPRINT_SIZE] = "";
  enum avow_error error = identity_make(path, program, ret);
  if (error == AVOW_SYSTEM && errno == EEXIST) {
    screen_error("there is an identity in %s already. It was not touched. Name another file with "
                 "--identity.",
                 path);
    return CODE_FAILURE;
  }
  if (error != AVOW_OK) {
    screen_error("cannot make an identity in %s: %s.", path,
                 error == AVOW_SYSTEM ? strerror(errno) : avow_error_text(error));
    return CODE_FAILURE;
  }
  (void)fingerprint(ret->public, text);
  screen_status("New identity: %s (%s)", path, text);
  return CODE_OK;
}

enum exit_code common_identity(const struct common *common, struct identity *ret) {
  char path[PATH_MAX];
  if (!find_identity(common->program, common->identity_path, path))
    return CODE_FAILURE;
  enum avow_error error = identity_load(path, ret);
  if (error == AVOW_NOT_FOUND)
    return make_identity(common->program, path, ret);
  if (error == AVOW_OK)
    return CODE_OK;
  const char *advice = identity_advice(error);
  const char *reason = error != AVOW_SYSTEM ? avow_error_text(error)
                       : errno == EPERM     ? "its mode is too open"
                       : errno == EISDIR    ? "it is not a file"
                                            : strerror(errno);
  screen_error("cannot use the identity %s: %s. %s", path, reason, advice);
  return CODE_FAILURE;
}

enum exit_code keygen(const char *program, int argc, char **argv) {
  static const struct option options[] = {{"identity", required_argument, NULL, 'i'}, {0}};
  const char *given = NULL;
  char path[PATH_MAX];
  struct identity identity;
  int option;
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
    if (option != 'i')
      return usage_error(program, "keygen takes --identity FILE only.");
    given = optarg;
  }
  if (optind + 1 != argc)
    return usage_error(program, "keygen takes --identity FILE only.");
  if (!find_identity(program, given, path))
    return CODE_FAILURE;
  enum exit_code code = make_identity(program, path, &identity);
  if (code == CODE_OK) {
    char line[PUBLIC_KEY_TEXT_SIZE];
    public_key_encode(identity.public, line);
    printf("%s %s\n", line, identity.comment);
    identity_wipe(&identity);
  }
  return code;
}

void print_version(const char *program) {
  printf("%s (avow) %s, %s\n", program, AVOW_VERSION, tls_library_version());
}
