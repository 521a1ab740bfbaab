// SPDX-License-Identifier: Apache-2.0
#include "io/guest_log.h"

#include <errno.h>
#include <string.h>

#include "io/screen.h"

static struct receiver_config config_of(const struct server_options *options) {
  return (struct receiver_config){.freshness_us = options->freshness_us, .detail = options->detail};
}

enum avow_error guest_log_begin(const struct server_options *options, struct store *store,
                                struct grant *grant, struct journal *journal,
                                struct receiver **ret) {
  struct receiver_config config = config_of(options);
  enum avow_error error = journal_begin(journal, store, &grant->opened_us, grant->offset_min);
  return error == AVOW_OK ? receiver_new(ret, &config) : error;
}

static enum avow_error take_record(void *core, const struct record *record) {
  return receiver_restore(core, record);
}

/* Whether the log is of the session that is asked for, and of the client who asks. */
static bool fits(const struct receiver *receiver, const struct open *open, const uint8_t *bob_key) {
  const struct receiver_past *past = receiver_past(receiver);
  return past->any && past->tls == (bob_key != NULL) &&
         memcmp(past->session_id, open->session_id, SESSION_ID_SIZE) == 0 &&
         (bob_key == NULL || memcmp(past->bob_key, bob_key, ED25519_PUBLIC_SIZE) == 0);
}

static enum avow_error restore(const struct server_options *options, const struct open *open,
                               const uint8_t *bob_key, struct journal *journal,
                               struct receiver *receiver) {
  struct head head;
  enum avow_error error =
      journal_replay(journal, options->log_folder, take_record, receiver, &head);
  if (error != AVOW_OK)
    return error;
  if (receiver_restored(receiver, head) != AVOW_OK) {
    screen_error("%s/%s.log is damaged: it ends within an envelope.", options->log_folder,
                 journal->name);
    return AVOW_NO_SESSION;
  }
  const struct receiver_past *past = receiver_past(receiver);
  if (bob_key != NULL && past->tls &&
      memcmp(past->alice_key, options->identity->public, ED25519_PUBLIC_SIZE) != 0) {
    screen_error("a client asked to resume the session of %s/%s.log, and it is of another identity "
                 "than mine.",
                 options->log_folder, journal->name);
    return AVOW_NO_SESSION;
  }
  if (fits(receiver, open, bob_key))
    return AVOW_OK;
  screen_error("a client asked to resume the session of %s/%s.log, and it is not his.",
               options->log_folder, journal->name);
  return AVOW_NO_SESSION;
}

enum avow_error guest_log_resume(const struct server_options *options, struct store *store,
                                 const struct open *open, const uint8_t *bob_key,
                                 struct journal *journal, struct receiver **ret) {
  char name[WHEN_NAME_SIZE];
  struct receiver_config config = config_of(options);
  struct receiver *receiver;
  when_name(open->opened_us, open->opened_offset_min, name);
  enum avow_error error = journal_resume(journal, store, name);
  if (error != AVOW_OK) {
    int reason = errno;
    if (error == AVOW_BUSY)
      screen_error("%s/%s.log is open in another alice.", options->log_folder, name);
    else
      journal_say_unopened(journal, options->log_folder, error, reason);
    screen_error("a client asked to resume the session of %s/%s.log, and was refused.",
                 options->log_folder, name);
    return AVOW_NO_SESSION;
  }
  error = receiver_new(&receiver, &config);
  if (error == AVOW_OK) {
    error = restore(options, open, bob_key, journal, receiver);
    if (error != AVOW_OK)
      receiver_free(receiver);
  }
  if (error != AVOW_OK) {
    journal_end(journal);
    return AVOW_NO_SESSION;
  }
  *ret = receiver;
  return AVOW_OK;
}
