// SPDX-License-Identifier: Apache-2.0
#include "io/outbox.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/clock.h"
#include "io/outbox_log.h"
#include "io/screen.h"

/* How the server is named in the log. */
static void name_server(const struct client_options *options, char to[AVOW_NAME_SIZE]) {
  if (options->host == NULL)
    snprintf(to, AVOW_NAME_SIZE, "%s", options->port_file);
  else if (strchr(options->host, ':') != NULL)
    snprintf(to, AVOW_NAME_SIZE, "[%s]:%u", options->host, options->port);
  else
    snprintf(to, AVOW_NAME_SIZE, "%s:%u", options->host, options->port);
}

/* The one way to write the path of a port file: its folder without links and dots, then its name.
 * The file itself comes and goes.  A folder that is not there is left as it is written. */
static void plain_path(const char *path, char plain[PATH_MAX]) {
  char folder[PATH_MAX], real[PATH_MAX];
  const char *slash = strrchr(path, '/');
  const char *name = slash == NULL ? path : slash + 1;
  snprintf(folder, sizeof folder, "%.*s", slash == NULL ? 1 : (int)(slash + 1 - path),
           slash == NULL ? "." : path);
  if (realpath(folder, real) == NULL ||
      snprintf(plain, PATH_MAX, "%s/%s", strcmp(real, "/") == 0 ? "" : real, name) >= PATH_MAX)
    snprintf(plain, PATH_MAX, "%s", path);
}

/* Whether a log is for the server that we are told to find.  The log keeps the path as it was
 * typed, so that it goes on to be right when the folder is moved with all that is in it. */
static bool same_server(const struct client_options *options, const char *to) {
  char ours[AVOW_NAME_SIZE], one[PATH_MAX], other[PATH_MAX];
  name_server(options, ours);
  if (strcmp(ours, to) == 0)
    return true;
  if (options->host != NULL)
    return false;
  plain_path(ours, one);
  plain_path(to, other);
  return strcmp(one, other) == 0;
}

static enum exit_code check_identity(const struct client_options *options,
                                     const struct outbox_log *log) {
  bool tls = options->handshake == HANDSHAKE_TLS;
  if (log->tls == tls &&
      (!tls || memcmp(log->bob_key, options->identity->public, sizeof log->bob_key) == 0))
    return CODE_OK;
  unsigned long long count = sender_unconfirmed(log->sender);
  screen_error("in %s/%s.log %llu message%s for %s wait%s %s. What waits is safe there. Send it "
               "first, with the identity and --handshake of then, or use another --outbox.",
               options->outbox, log->journal.name, count, PLURAL(count), log->to,
               count == 1 ? "s" : "",
               log->tls != tls ? "from another --handshake" : "from another identity");
  return CODE_FAILURE;
}

/* Look through the logs for the one that is open and for this server; NULL state: none.
 *
 * A log that cannot be read to its end holds us up if it is, or may be, for this server: what waits
 * in it goes before anything new, and in its own session.  If its first record is in order, and
 * says that it is for another server, it is passed by: nothing of what we are to do depends on it,
 * and who only writes to one server is not to be stopped by a log of another. */
static enum exit_code find_log(const struct client_options *options, struct store *store,
                               const struct sender_config *config, struct outbox_log *ret) {
  struct buf buf;
  char name[WHEN_NAME_SIZE + 1];
  enum exit_code code = CODE_OK;
  bool found = false;
  if (outbox_names(options->outbox, store, &buf) != AVOW_OK)
    code = CODE_FAILURE;
  for (struct view names = buf_view(&buf);
       code == CODE_OK && !found && outbox_next_name(&names, name);) {
    struct outbox_log log;
    outbox_log_read(&log, store, options->outbox, name, config);
    bool bad = log.state == OUTBOX_DAMAGED || log.state == OUTBOX_UNREADABLE;
    found = log.state == OUTBOX_OPEN && same_server(options, log.to);
    if (bad)
      outbox_log_say(&log);
    if (bad && log.headed && !same_server(options, log.to))
      screen_status("It is for %s, so we go on without it.", log.to);
    else if (bad)
      code = CODE_FAILURE;
    if (found)
      *ret = log;
    else
      outbox_log_drop(&log);
  }
  buf_free(&buf);
  return code;
}

enum exit_code outbox_open(const struct client_options *options, struct store *store,
                           const struct sender_config *config, struct journal *journal,
                           struct sender **ret) {
  struct outbox_log found = {.state = OUTBOX_FINISHED};
  enum exit_code code = find_log(options, store, config, &found);
  if (code == CODE_OK && found.state == OUTBOX_OPEN) {
    code = check_identity(options, &found);
    if (code == CODE_OK && outbox_log_claim(&found, store, config) != AVOW_OK)
      code = CODE_FAILURE;
  } else if (code == CODE_OK && sender_new(&found.sender, config) != AVOW_OK) {
    code = CODE_FAILURE;
  }
  if (code == CODE_OK) {
    *journal = found.journal;
    *ret = found.sender;
  } else {
    outbox_log_drop(&found);
  }
  return code;
}

enum avow_error outbox_begin(const struct client_options *options, struct sender *sender) {
  struct now now = clock_now();
  char to[AVOW_NAME_SIZE];
  name_server(options, to);
  struct queued queued = {.to = to,
                          .since_us = now.wall_us,
                          .offset_min = sender_past(sender)->offset_min,
                          .tls = options->handshake == HANDSHAKE_TLS};
  if (queued.tls) {
    memcpy(queued.bob.key, options->identity->public, sizeof queued.bob.key);
    snprintf(queued.bob.name, sizeof queued.bob.name, "%s", options->identity->comment);
  }
  return sender_begin(sender, &queued);
}
