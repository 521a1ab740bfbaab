// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_IO_TALK_H
#define AVOW_IO_TALK_H

#include <uv.h>

#include "core/session.h"
#include "io/client.h"
#include "io/link.h"
#include "io/trust.h"
#include "store/store.h"

/* Bob's session, over all its connections: what is typed or piped goes out, what happens is shown.
 */
struct talk;

struct talk_setting {
  uv_loop_t *loop;
  const struct client_options *options;
  struct store *store;
  void *client;
  void (*on_done)(void *client, enum exit_code code); /* talk_end is next */
};

/**
 * talk_begin(ret, setting):
 * Begin, without a connection yet: with the messages that wait in the outbox, or with none.  What
 * comes through a pipe is taken from now on; it waits too.  Returns an exit code; what went wrong
 * has been said.
 */
enum exit_code talk_begin(struct talk **ret, const struct talk_setting *setting);

/** talk_ask(talk, ret): What to ask the server for: the session to resume, or a new one. */
void talk_ask(const struct talk *talk, struct open *ret);

/**
 * talk_renew(talk, server_key):
 * The server, which has this key (NULL in plain mode), cannot resume the session.  If nothing of it
 * may be stored over there without our knowing, end it in our log, and go on with a new one: true,
 * another connection is wanted. Otherwise false; all has been said, and talk_give_up is next.
 */
bool talk_renew(struct talk *talk, const uint8_t *server_key);

/**
 * talk_may_attach(talk, session):
 * Whether to go on over it, that is, whether to sign its opening; false: why not has been said, and
 * the talk is done.
 */
bool talk_may_attach(struct talk *talk, const struct session *session);

/**
 * talk_attach(talk, session, peer, trust):
 * Record an opened session, durably; false if the talk is done, since that failed.  ${peer} is the
 * server's address, ${trust} whom it was expected to be.  Only then may the opening's last output
 * leave; talk_go is next.
 */
bool talk_attach(struct talk *talk, const struct session *session, const char *peer,
                 const struct trust *trust);

/** talk_go(talk, link, rest): Go on over it.  ${link} stays the client's; ${rest} came behind the
 * opening. */
void talk_go(struct talk *talk, struct link *link, struct view rest);

/** talk_bytes(talk, bytes): Bytes came, or (empty) there is room to send again. */
void talk_bytes(struct talk *talk, struct view bytes);

/** talk_gone(talk): The connection is gone, and with it the link.  If the talk is not done then,
 * another connection is wanted. */
void talk_gone(struct talk *talk);

/** talk_give_up(talk, code): There will be no other connection: be done, with this code unless all
 * is confirmed, or a server that was there is gone. */
void talk_give_up(struct talk *talk, enum exit_code code);

/** talk_interrupt(talk): Ctrl-C: the first time end in order, the second time at once. */
void talk_interrupt(struct talk *talk);

/** talk_end(talk, on_ended, owner): Free all; ${on_ended} comes when that is done. */
void talk_end(struct talk *talk, void (*on_ended)(void *owner), void *owner);

#endif
