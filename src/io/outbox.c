// SPDX-License-Identifier: Apache-2.0
#include "io/outbox.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "io/clock.h"
#include "io/screen.h"

/* The last record of a finished log, and its head line, are shorter than this. */
#define TAIL_SIZE 1024u
#define NAMES_MAX (64u * 1024u * 1024u)

/* A log that is being looked at. */
struct candidate {
  const struct client_options *options;
  struct journal journal;
  struct sender *sender;
  bool headed; /* its first record has been read */
  char to[AVOW_NAME_SIZE];
  bool tls;
  uint8_t bob_key[ED25519_PUBLIC_SIZE];
};

/* How the server is named in the log. */
static void name_server(const struct client_options *options, char to[AVOW_NAME_SIZE]) {
  if (options->host == NULL)
    snprintf(to, AVOW_NAME_SIZE, "%s", options->port_file);
  else if (strchr(options->host, ':') != NULL)
    snprintf(to, AVOW_NAME_SIZE, "[%s]:%u", options->host, options->port);
  else
    snprintf(to, AVOW_NAME_SIZE, "%s:%u", options->host, options->port);
}

/* A finished log ends with the record of the end; that is cheap to see. */
static enum avow_error is_finished(struct log *log, bool *ret) {
  uint8_t tail[TAIL_SIZE + 1];
  uint64_t size = log_size(log);
  size_t got;
  enum avow_error error =
      log_read(log, size > TAIL_SIZE ? size - TAIL_SIZE : 0, tail, TAIL_SIZE, &got);
  if (error != AVOW_OK)
    return error;
  tail[got] = '\0';
  const char *end = strstr((const char *)tail, "\n\nMessages in all: ");
  const char *head = end == NULL ? NULL : strstr(end, "\n\n" HEAD_LINE);
  *ret = head != NULL && strlen(head) == sizeof "\n\n" HEAD_LINE - 1 + 2 * SHA256_SIZE + 1;
  return AVOW_OK;
}

static enum avow_error take_record(void *core, const struct record *record) {
  struct candidate *candidate = core;
  if (!candidate->headed) {
    candidate->headed = true;
    if (record->type != RECORD_QUEUED)
      return AVOW_MALFORMED;
    snprintf(candidate->to, sizeof candidate->to, "%s", record->to);
    candidate->tls = record->tls;
    memcpy(candidate->bob_key, record->bob_key, sizeof candidate->bob_key);
  }
  return sender_restore(candidate->sender, record);
}

static void drop(struct candidate *candidate) {
  sender_free(candidate->sender);
  journal_end(&candidate->journal);
  candidate->sender = NULL;
}

/* Restore a sender from an unfinished log; NULL if it is finished.  Errors are said. */
static enum avow_error read_log(struct candidate *candidate, struct store *store,
                                const struct sender_config *config, const char *name) {
  bool finished;
  struct journal *journal = &candidate->journal;
  snprintf(journal->name, sizeof journal->name, "%s", name);
  enum avow_error error = log_open(&journal->log, store, name);
  if (error == AVOW_OK)
    error = is_finished(journal->log, &finished);
  if (error != AVOW_OK) {
    screen_error("cannot read %s/%s.log: %s.", candidate->options->outbox, name,
                 error == AVOW_SYSTEM ? strerror(errno) : avow_error_text(error));
    journal_end(journal);
    return error;
  }
  if (!finished)
    error = sender_new(&candidate->sender, config);
  if (error == AVOW_OK && !finished)
    error = journal_replay(journal, candidate->options->outbox, take_record, candidate, NULL);
  if (error != AVOW_OK || finished || !candidate->headed || sender_past(candidate->sender)->ended)
    drop(candidate);
  return error;
}

/* The log is ours to go on with: keep others from it, and read it once more now that it stands. */
static enum avow_error claim(struct candidate *candidate, const struct sender_config *config) {
  struct head head;
  sender_free(candidate->sender);
  candidate->sender = NULL;
  candidate->headed = false;
  enum avow_error error = log_lock(candidate->journal.log);
  if (error != AVOW_OK) {
    screen_error(
        "%s/%s.log is open in another bob: he is sending what waits in it. Let him finish, "
        "or use another --outbox.",
        candidate->options->outbox, candidate->journal.name);
    return error;
  }
  error = sender_new(&candidate->sender, config);
  if (error == AVOW_OK)
    error = journal_replay(&candidate->journal, candidate->options->outbox, take_record, candidate,
                           &head);
  if (error == AVOW_OK)
    sender_restored(candidate->sender, head);
  return error;
}

static enum exit_code check_identity(const struct candidate *candidate) {
  const struct client_options *options = candidate->options;
  bool tls = options->handshake == HANDSHAKE_TLS;
  if (candidate->tls == tls && (!tls || memcmp(candidate->bob_key, options->identity->public,
                                               sizeof candidate->bob_key) == 0))
    return CODE_OK;
  screen_error("in %s/%s.log %llu messages for %s wait %s. They are safe there. Send them first, "
               "with the identity and --handshake of then, or use another --outbox.",
               options->outbox, candidate->journal.name,
               (unsigned long long)sender_unconfirmed(candidate->sender), candidate->to,
               candidate->tls != tls ? "from another --handshake" : "from another identity");
  return CODE_FAILURE;
}

/* The names of all logs; a copy that strtok_r may cut up. */
static enum avow_error all_names(const struct client_options *options, struct store *store,
                                 struct buf *names) {
  buf_init(names, NAMES_MAX);
  enum avow_error error = store_names(store, names);
  if (error == AVOW_OK)
    error = buf_u8(names, 0);
  if (error != AVOW_OK)
    screen_error("cannot list %s: %s.", options->outbox,
                 error == AVOW_SYSTEM ? strerror(errno) : avow_error_text(error));
  return error;
}

static bool next_name(struct view *names, char name[WHEN_NAME_SIZE + 1]) {
  const uint8_t *end = names->size > 1 ? memchr(names->data, '\n', names->size) : NULL;
  if (end == NULL)
    return false;
  snprintf(name, WHEN_NAME_SIZE + 1, "%.*s", (int)(end - names->data), (const char *)names->data);
  *names = view_of(end + 1, names->size - (size_t)(end + 1 - names->data));
  return true;
}

enum exit_code outbox_open(const struct client_options *options, struct store *store,
                           const struct sender_config *config, struct journal *journal,
                           struct sender **ret) {
  struct buf buf;
  char name[WHEN_NAME_SIZE + 1], to[AVOW_NAME_SIZE];
  struct candidate found = {.options = options};
  enum exit_code code = all_names(options, store, &buf) == AVOW_OK ? CODE_OK : CODE_FAILURE;
  name_server(options, to);
  for (struct view names = buf_view(&buf); code == CODE_OK && next_name(&names, name);) {
    if (read_log(&found, store, config, name) != AVOW_OK)
      code = CODE_FAILURE;
    else if (found.sender != NULL && strcmp(found.to, to) == 0)
      break;
    drop(&found);
    found = (struct candidate){.options = options};
  }
  buf_free(&buf);
  if (code == CODE_OK && found.sender != NULL) {
    code = check_identity(&found);
    if (code == CODE_OK && claim(&found, config) != AVOW_OK)
      code = CODE_FAILURE;
  } else if (code == CODE_OK && sender_new(&found.sender, config) != AVOW_OK) {
    code = CODE_FAILURE;
  }
  if (code == CODE_OK) {
    *journal = found.journal;
    *ret = found.sender;
  } else {
    drop(&found);
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

static void tell(const struct candidate *candidate) {
  uint64_t waiting = sender_unconfirmed(candidate->sender);
  uint64_t since_us = sender_waiting_since(candidate->sender);
  char since[WHEN_TEXT_SIZE] = "";
  if (waiting > 0)
    when_text(since_us, clock_offset_min(since_us), since);
  if (screen_json_on()) {
    json_t *object = json_pack("{s:s, s:s, s:s, s:I}", "event", "waiting", "to", candidate->to,
                               "log", candidate->journal.name, "messages", (json_int_t)waiting);
    if (waiting > 0)
      json_object_set_new(object, "since", screen_time_json(since_us));
    screen_json(object);
  } else if (waiting > 0) {
    printf("%llu messages wait for %s since %s (%s/%s.log)\n", (unsigned long long)waiting,
           candidate->to, since, candidate->options->outbox, candidate->journal.name);
  } else {
    printf("Nothing waits for %s; its session is open (%s/%s.log)\n", candidate->to,
           candidate->options->outbox, candidate->journal.name);
  }
}

enum exit_code outbox_status(const struct client_options *options) {
  static const struct sender_config config = {.envelope_messages_max = 1};
  struct store *store;
  struct buf buf;
  char name[WHEN_NAME_SIZE + 1];
  unsigned unfinished = 0;
  if (store_open_said(&store, options->outbox, "--outbox") != AVOW_OK)
    return CODE_FAILURE;
  enum exit_code code = all_names(options, store, &buf) == AVOW_OK ? CODE_OK : CODE_FAILURE;
  for (struct view names = buf_view(&buf); code == CODE_OK && next_name(&names, name);) {
    struct candidate candidate = {.options = options};
    if (read_log(&candidate, store, &config, name) != AVOW_OK) {
      code = CODE_FAILURE;
    } else if (candidate.sender != NULL) {
      unfinished++;
      tell(&candidate);
    }
    drop(&candidate);
  }
  if (code == CODE_OK && unfinished == 0 && !screen_json_on())
    puts("Nothing waits.");
  buf_free(&buf);
  store_close(store);
  return code;
}
