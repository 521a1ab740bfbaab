// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_IO_TALK_H
#define AVOW_IO_TALK_H

#include <uv.h>

#include "core/session.h"
#include "io/client.h"
#include "io/link.h"
#include "io/trust.h"
#include "store/store.h"

/* Bob's session: what is typed or piped goes out, what happens is shown. */
struct talk;

struct talk_setting {
  uv_loop_t *loop;
  const struct client_options *options;
  struct store *store;
  struct link *link;         /* stays the client's */
  const char *peer;          /* "('127.0.0.1', 1024)" */
  const struct trust *trust; /* whom we talk to; tls only */
  void *client;
  void (*on_done)(void *client, enum exit_code code); /* talk_end is next */
};

/**
 * talk_begin(ret, setting, session, rest):
 * Begin on an opened session; ${rest} came behind the opening.  Returns an exit code; what went
 * wrong has been said.
 */
enum exit_code talk_begin(struct talk **ret, const struct talk_setting *setting,
                          const struct session *session, struct view rest);

/** talk_bytes(talk, bytes): Bytes came, or (empty) there is room to send again. */
void talk_bytes(struct talk *talk, struct view bytes);

/** talk_gone(talk): The connection is gone. */
void talk_gone(struct talk *talk);

/** talk_interrupt(talk): Ctrl-C: the first time end in order, the second time at once. */
void talk_interrupt(struct talk *talk);

/** talk_end(talk, on_ended, owner): Free all; ${on_ended} comes when that is done. */
void talk_end(struct talk *talk, void (*on_ended)(void *owner), void *owner);

#endif
