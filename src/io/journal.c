// SPDX-License-Identifier: Apache-2.0
#include "io/journal.h"

#include <errno.h>
#include <string.h>

#include "base/limits.h"
#include "io/screen.h"

enum avow_error journal_begin(struct journal *journal, struct store *store, uint64_t *opened_us,
                              int offset_min) {
  enum avow_error error;
  do {
    when_name(*opened_us, offset_min, journal->name);
    error = log_create(&journal->log, store, journal->name);
  } while (error == AVOW_SYSTEM && errno == EEXIST && (*opened_us)++ < WHEN_MAX_US);
  return error;
}

enum avow_error journal_open_record(struct journal *journal, enum log_detail detail,
                                    const struct session *session, const char *peer,
                                    const struct party *alice, const struct party *bob) {
  struct opened opened = {.peer = peer,
                          .session_id = session->grant.session_id,
                          .opened_us = session->grant.opened_us,
                          .offset_min = session->grant.offset_min,
                          .tls = session->handshake == HANDSHAKE_TLS,
                          .group = session->group,
                          .key = session->grant.key};
  if (opened.tls) {
    opened.alice = *alice;
    opened.bob = *bob;
  }
  struct buf record;
  buf_init(&record, AVOW_KEY_FILE_MAX);
  enum avow_error error = record_opened(&record, detail, &opened);
  if (error == AVOW_OK)
    error = journal_store(journal, buf_view(&record));
  int reason = errno;
  buf_wipe_free(&record);
  errno = reason;
  return error;
}

enum avow_error journal_store(struct journal *journal, struct view record) {
  enum avow_error error = log_append(journal->log, record);
  return error == AVOW_OK ? log_sync(journal->log) : error;
}

void journal_end(struct journal *journal) {
  log_close(journal->log);
  journal->log = NULL;
}

enum avow_error store_open_said(struct store **ret, const char *folder, const char *option) {
  enum avow_error error = store_open(ret, folder);
  if (error == AVOW_OK)
    return AVOW_OK;
  if (errno == ELOOP || errno == ENOTDIR)
    screen_error("%s is not a folder, or is a link to one. Remove it, or name another with %s.",
                 folder, option);
  else if (errno == EPERM)
    screen_error("others may write in %s, so no log there would prove anything. It must be yours, "
                 "with mode 700; or name another with %s.",
                 folder, option);
  else
    screen_error("cannot keep logs in %s: %s. Name another folder with %s.", folder,
                 strerror(errno), option);
  return error;
}
