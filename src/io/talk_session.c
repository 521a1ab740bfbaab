// SPDX-License-Identifier: Apache-2.0
#include "io/talk_state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "crypto/random.h"
#include "crypto/secret.h"
#include "io/announce.h"
#include "io/clock.h"
#include "io/screen.h"

void talk_ask(const struct talk *talk, struct open *ret) {
  const struct sender_past *past = sender_past(talk->sender);
  *ret = (struct open){.offset_min = (int16_t)past->offset_min,
                       .resume = past->any,
                       .cover = talk->setting.options->cover};
  memcpy(ret->bob_head, sender_head(talk->sender), sizeof ret->bob_head);
  if (past->any) {
    memcpy(ret->session_id, past->session_id, sizeof ret->session_id);
    ret->opened_us = past->opened_us;
    ret->opened_offset_min = (int16_t)past->opened_offset_min;
  }
}

static void say_other_server(const struct talk *talk) {
  screen_error("the session in %s/%s.log is with a server of another key. Its "
               "messages are safe there; to begin a new session, use another --outbox.",
               talk->setting.options->outbox, talk->journal.name);
}

/* The server is another one than the session's, or its log or ours has been changed. */
static void attach_failed(struct talk *talk, enum avow_error error) {
  if (error == AVOW_OUT_OF_STEP)
    screen_error(
        "%s/%s.log and the server's log of this session do not fit each other: one of them "
        "was cut, or put back from a copy. Keep both; to begin a new "
        "session, use another --outbox.",
        talk->setting.options->outbox, talk->journal.name);
  else if (error == AVOW_KEY_CHANGED)
    say_other_server(talk);
  else if (error == AVOW_TOO_LONG)
    screen_error("a message waits in %s/%s.log that is longer than %zu bytes, the limit of this "
                 "--cover. It is safe there: give a larger size, or send it without --cover.",
                 talk->setting.options->outbox, talk->journal.name, sender_text_max(talk->sender));
  else
    screen_error("cannot go on: %s.", avow_error_text(error));
  talk_fail(talk);
}

static enum avow_error attach(struct talk *talk, const struct session *session, const char *peer,
                              const struct trust *trust) {
  const struct client_options *options = talk->setting.options;
  struct opened opened = session_opened(session, true);
  uint8_t seed[DRBG_SEED_SIZE];
  if (session->handshake == HANDSHAKE_TLS) {
    snprintf(opened.alice.name, sizeof opened.alice.name, "%s", trust->name);
    snprintf(opened.bob.name, sizeof opened.bob.name, "%s", options->identity->comment);
  }
  opened.peer = peer;
  enum avow_error error = talk_begin_log(talk);
  if (error == AVOW_OK)
    error = random_bytes(seed, sizeof seed);
  if (error == AVOW_OK)
    error = sender_attach(talk->sender, session, &opened, seed, clock_now());
  secret_wipe(seed, sizeof seed);
  return error;
}

bool talk_may_attach(struct talk *talk, const struct session *session) {
  enum avow_error error = sender_may_attach(talk->sender, session);
  if (error != AVOW_OK)
    attach_failed(talk, error);
  return error == AVOW_OK;
}

bool talk_attach(struct talk *talk, const struct session *session, const char *peer,
                 const struct trust *trust) {
  enum avow_error error = attach(talk, session, peer, trust);
  if (error != AVOW_OK) {
    attach_failed(talk, error);
    return false;
  }
  if (talk->journal.log == NULL && !talk_begin_journal(talk))
    return false;
  talk->met = true;
  announce_server(session, peer, trust, talk->journal.name, sender_unconfirmed(talk->sender),
                  talk->input.person);
  screen_detail("Logging messages in: %s/%s.log", talk->setting.options->outbox,
                talk->journal.name);
  talk_drive(talk, AVOW_OK); /* without a link nothing leaves yet */
  return !talk->done;
}

void talk_go(struct talk *talk, struct link *link, struct view rest) {
  talk->link = link;
  talk_bytes(talk, rest);
}

/* Messages of the session may be stored over there, and there is nobody to ask. */
static void say_stranded(const struct talk *talk) {
  unsigned long long count = sender_unconfirmed(talk->sender);
  const char *folder = talk->setting.options->outbox, *name = talk->journal.name;
  screen_error(
      "the server cannot go on with the session of %s/%s.log: its log of it is not there, "
      "or not in order; its owner sees why. %llu message%s of it %s not confirmed, and may "
      "be stored over there, or not. They are safe in our log: the last of it. If the "
      "owner cannot mend his, send them again in a new session, with another --outbox: "
      "sed -n 's/^Message text: //p' %s/%s.log | tail -n %llu | bob --outbox another",
      folder, name, count, PLURAL(count), count == 1 ? "is" : "are", folder, name, count);
}

/* The old session is over for us.  What is in its log stays there. */
static void close_old(struct talk *talk, struct sender *sender, struct journal *journal) {
  struct view record;
  enum avow_error error = sender_close(sender, clock_now());
  if (error == AVOW_OK)
    error = sender_record(sender, &record);
  if (error == AVOW_OK)
    error = journal_store(journal, record);
  if (error != AVOW_OK)
    screen_error("cannot write the end of %s/%s.log: %s.", talk->setting.options->outbox,
                 journal->name, error == AVOW_SYSTEM ? strerror(errno) : avow_error_text(error));
  sender_free(sender);
  journal_end(journal);
}

bool talk_renew(struct talk *talk, const uint8_t *server_key) {
  struct sender *old = talk->sender, *sender;
  const struct sender_past *past = sender_past(old);
  struct journal journal = talk->journal;
  struct sender_config config = talk_config(talk);
  if (past->tls && server_key != NULL &&
      !secret_equal(past->alice_key, server_key, sizeof past->alice_key)) {
    say_other_server(talk);
    return false;
  }
  if (sender_may_be_stored(old) > 0) {
    say_stranded(talk);
    return false;
  }
  enum avow_error error = sender_new(&sender, &config);
  if (error != AVOW_OK) {
    screen_error("cannot begin a new session: %s.", avow_error_text(error));
    return false;
  }
  screen_error("the server cannot go on with the session of %s/%s.log: its log of it is not there, "
               "or not in order; its owner sees why. All that was sent in it is confirmed. Keep "
               "that log; a new session begins.",
               talk->setting.options->outbox, journal.name);
  screen_json(json_pack("{s:s, s:s}", "event", "session lost", "log", journal.name));
  talk->sender = sender;
  talk->journal = (struct journal){0};
  talk->begun = talk->resumed = false;
  /* First what waits is durable in the new log; only then the old one is closed. */
  if (sender_unconfirmed(old) > 0)
    error = talk_begin_log(talk);
  if (error == AVOW_OK)
    error = sender_take_over(sender, old);
  if (error == AVOW_OK && talk->finishing)
    error = sender_finish(sender, clock_now());
  talk_drive(talk, error);
  if (talk->done) {
    sender_free(old);
    journal_end(&journal);
    return false;
  }
  close_old(talk, old, &journal);
  return true;
}
