// SPDX-License-Identifier: Apache-2.0
#include "io/outbox_log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "io/screen.h"

/* The last record of a finished log, and its head line, are shorter than this. */
#define TAIL_SIZE 1024u
#define NAMES_MAX (64u * 1024u * 1024u)

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
  struct outbox_log *log = core;
  if (!log->headed) {
    if (record->type != RECORD_QUEUED)
      return AVOW_MALFORMED;
    log->headed = true;
    snprintf(log->to, sizeof log->to, "%s", record->to);
    log->tls = record->tls;
    memcpy(log->bob_key, record->bob_key, sizeof log->bob_key);
  }
  return sender_restore(log->sender, record);
}

static void give_up(struct outbox_log *log, enum avow_error error) {
  log->damage = (struct damage){.error = error, .reason = errno};
  log->state = OUTBOX_UNREADABLE;
}

void outbox_log_read(struct outbox_log *ret, struct store *store, const char *folder,
                     const char *name, const struct sender_config *config) {
  bool finished;
  struct journal *journal = &ret->journal;
  *ret = (struct outbox_log){.folder = folder};
  snprintf(journal->name, sizeof journal->name, "%s", name);
  enum avow_error error = log_look(&journal->log, store, name);
  if (error == AVOW_OK)
    error = is_finished(journal->log, &finished);
  if (error == AVOW_OK && !finished)
    error = sender_new(&ret->sender, config);
  if (error != AVOW_OK) {
    give_up(ret, error);
    return;
  }
  if (finished)
    return;
  error = journal_read(journal, take_record, ret, &ret->damage);
  if (error == AVOW_MALFORMED)
    ret->state = OUTBOX_DAMAGED;
  else if (error != AVOW_OK)
    ret->state = OUTBOX_UNREADABLE;
  else if (ret->headed && !sender_past(ret->sender)->ended)
    ret->state = OUTBOX_OPEN;
}

enum avow_error outbox_log_claim(struct outbox_log *log, struct store *store,
                                 const struct sender_config *config) {
  struct head head;
  char name[WHEN_NAME_SIZE];
  snprintf(name, sizeof name, "%s", log->journal.name);
  outbox_log_drop(log);
  log->headed = false;
  enum avow_error error = journal_resume(&log->journal, store, name);
  if (error == AVOW_BUSY)
    screen_error("%s/%s.log is open in another bob: he is sending what waits in it. Let him "
                 "finish, or use another --outbox.",
                 log->folder, name);
  else if (error != AVOW_OK)
    journal_say_unopened(&log->journal, log->folder, error, errno);
  if (error != AVOW_OK)
    return error;
  error = sender_new(&log->sender, config);
  if (error == AVOW_OK)
    error = journal_replay(&log->journal, log->folder, take_record, log, &head);
  if (error == AVOW_OK)
    sender_restored(log->sender, head);
  return error;
}

void outbox_log_say(const struct outbox_log *log) {
  if (log->journal.log == NULL)
    journal_say_unopened(&log->journal, log->folder, log->damage.error, log->damage.reason);
  else
    journal_say_damage(&log->journal, log->folder, &log->damage);
}

void outbox_log_drop(struct outbox_log *log) {
  sender_free(log->sender);
  journal_end(&log->journal);
  log->sender = NULL;
}

enum avow_error outbox_names(const char *folder, struct store *store, struct buf *names) {
  buf_init(names, NAMES_MAX);
  enum avow_error error = store_names(store, names);
  if (error != AVOW_OK)
    screen_error("cannot list %s: %s.", folder,
                 error == AVOW_SYSTEM ? strerror(errno) : avow_error_text(error));
  return error;
}

bool outbox_next_name(struct view *names, char name[WHEN_NAME_SIZE + 1]) {
  const uint8_t *end = names->size > 0 ? memchr(names->data, '\n', names->size) : NULL;
  if (end == NULL)
    return false;
  snprintf(name, WHEN_NAME_SIZE + 1, "%.*s", (int)(end - names->data), (const char *)names->data);
  *names = view_of(end + 1, names->size - (size_t)(end + 1 - names->data));
  return true;
}
