// SPDX-License-Identifier: Apache-2.0
#include "io/trust.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/limits.h"
#include "io/files.h"
#include "io/port_file.h"
#include "io/prompt.h"
#include "io/screen.h"
#include "keys/known_servers.h"
#include "keys/public_key.h"

/* A server found by the port file is on this machine. */
static const char *host_of(const struct client_options *options) {
  return options->host != NULL ? options->host : "localhost";
}

static void found(struct trust *trust, const char *source) {
  trust->known = true;
  snprintf(trust->source, sizeof trust->source, "%s", source);
}

static enum avow_error find_in_file(const struct client_options *options, unsigned port,
                                    struct trust *trust) {
  struct buf file;
  unsigned line = 0;
  buf_init(&file, AVOW_KEY_LIST_MAX);
  enum avow_error error = file_read(options->known_file, FILE_ANY, &file);
  if (error == AVOW_SYSTEM)
    screen_error("cannot read %s: %s.", options->known_file, strerror(errno));
  else if (error == AVOW_TOO_LONG)
    screen_error("%s is too long to be a list of known servers.", options->known_file);
  if (error == AVOW_OK) {
    error = known_servers_find(buf_view(&file), host_of(options), port, trust->key, &line);
    if (error == AVOW_OK)
      found(trust, "known_servers");
    else if (error != AVOW_NOT_FOUND)
      screen_error("%s:%u: %s. Mend that line.", options->known_file, line, avow_error_text(error));
  }
  buf_free(&file);
  return error == AVOW_NOT_FOUND ? AVOW_OK : error;
}

enum avow_error trust_find(const struct client_options *options, unsigned port, struct trust *ret) {
  *ret = (struct trust){0};
  if (options->server_key != NULL) {
    memcpy(ret->key, options->server_key, sizeof ret->key);
    found(ret, "--server-key");
    return AVOW_OK;
  }
  if (options->host == NULL) {
    enum avow_error error = port_file_key(options->port_file, ret->key, ret->name);
    if (error == AVOW_OK) {
      found(ret, "alice.pub beside the port file");
      return AVOW_OK;
    }
    if (error == AVOW_SYSTEM && errno == EPERM)
      screen_status("alice.pub beside the port file belongs to somebody else: not trusted unseen.");
    else if (error != AVOW_NOT_FOUND) {
      screen_error("cannot use alice.pub beside %s: %s.", options->port_file,
                   error == AVOW_SYSTEM ? strerror(errno) : avow_error_text(error));
      return error;
    }
  }
  return find_in_file(options, port, ret);
}

static bool person_says_yes(void) {
  char answer[4096 + 1]; /* more than a terminal gives as one line */
  struct pollfd terminal = {.fd = STDIN_FILENO, .events = POLLIN};
  sigset_t ending, before;
  sigemptyset(&ending);
  sigaddset(&ending, SIGINT);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGHUP);
  sigprocmask(SIG_BLOCK, &ending, &before);
  fputs("Do you trust it? Type yes or no: ", stderr);
  fflush(stderr);
  prompt_lend(true);
  /* The loop has made the terminal non-blocking; and a signal ends ppoll(), so Ctrl-C is a no, even
   * one that was faster than we are. */
  bool ready = ppoll(&terminal, 1, NULL, &before) == 1;
  ssize_t size = ready ? read(STDIN_FILENO, answer, sizeof answer - 1) : -1;
  sigprocmask(SIG_SETMASK, &before, NULL);
  prompt_lend(false);
  if (size <= 0)
    fputc('\n', stderr);
  answer[size > 0 ? size : 0] = '\0';
  return strcasecmp(answer, "yes\n") == 0;
}

static enum avow_error remember(const struct client_options *options, unsigned port,
                                const uint8_t key[ED25519_PUBLIC_SIZE]) {
  struct buf file;
  char folder[4096];
  buf_init(&file, AVOW_KEY_LIST_MAX + 1024);
  enum avow_error error = AVOW_OK;
  if (file_beside(options->known_file, ".", folder, sizeof folder))
    error = folder_make(folder);
  if (error == AVOW_OK)
    error = file_read(options->known_file, FILE_ANY, &file);
  if (error == AVOW_NOT_FOUND)
    error = AVOW_OK;
  struct view old = buf_view(&file);
  if (error == AVOW_OK && old.size > 0 && old.data[old.size - 1] != '\n')
    error = buf_text(&file, "\n");
  if (error == AVOW_OK)
    error = known_servers_line(host_of(options), port, key, &file);
  if (error == AVOW_OK)
    error = file_replace(options->known_file, 0600, buf_view(&file));
  if (error != AVOW_OK)
    screen_error("cannot write %s: %s.", options->known_file,
                 error == AVOW_SYSTEM ? strerror(errno) : avow_error_text(error));
  buf_free(&file);
  return error;
}

enum avow_error trust_ask(const struct client_options *options, unsigned port,
                          const uint8_t key[ED25519_PUBLIC_SIZE]) {
  char text[FINGERPRINT_SIZE], line[PUBLIC_KEY_TEXT_SIZE];
  public_key_encode(key, line);
  if (fingerprint(key, text) != AVOW_OK)
    return AVOW_KEY_UNKNOWN;
  screen_alarm("The server [%s]:%u is not known. Its key is", host_of(options), port);
  screen_alarm("  %s", text);
  if (isatty(STDIN_FILENO) != 1) {
    screen_error("there is no terminal to ask at. If the key is right, give it: "
                 "--server-key '%s'",
                 line);
    return AVOW_KEY_UNKNOWN;
  }
  screen_alarm("Compare it with what its owner tells you (ssh-keygen -lf alice.pub).");
  if (!person_says_yes()) {
    screen_error("not trusted.");
    return AVOW_KEY_UNKNOWN;
  }
  enum avow_error error = remember(options, port, key);
  if (error == AVOW_OK)
    screen_status("Remembered in %s.", options->known_file);
  return error;
}

void trust_changed(const struct client_options *options, unsigned port, const struct trust *trust,
                   const uint8_t key[ED25519_PUBLIC_SIZE]) {
  char expected[FINGERPRINT_SIZE] = "", shown[FINGERPRINT_SIZE] = "";
  (void)fingerprint(trust->key, expected);
  (void)fingerprint(key, shown);
  screen_alarm("THE SERVER'S KEY HAS CHANGED. Somebody may be posing as [%s]:%u.", host_of(options),
               port);
  screen_alarm("  expected %s (%s)", expected, trust->source);
  screen_alarm("  shown    %s", shown);
  if (options->server_key != NULL)
    screen_error("ask its owner for the key that --server-key must give.");
  else
    screen_error("if its owner tells you that the key is new, remove the old one "
                 "from %s and start again.",
                 options->host != NULL ? options->known_file : trust->source);
}
