// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_IO_LINK_H
#define AVOW_IO_LINK_H

#include <uv.h>

#include "base/bytes.h"

/* One TCP connection on the loop. */
struct link;

struct link_owner {
  /* Bytes came; empty when what link_send took has been written and there is room again. */
  void (*on_bytes)(void *owner, struct view bytes);
  /* The peer closed (reason 0) or the connection failed (a libuv error).  Not after link_close. */
  void (*on_gone)(void *owner, int reason);
  /* After link_close: the link is about to be freed; the owner may be freed in the call. */
  void (*on_closed)(void *owner);
};

/** link_accept(ret, listener, calls, owner): Take the next connection of ${listener}.  Returns 0 or
 * a libuv error. */
int link_accept(struct link **ret, uv_stream_t *listener, const struct link_owner *calls,
                void *owner);

/**
 * link_connect(ret, loop, address, on_connected, calls, owner):
 * Begin to connect; ${on_connected} gets 0 or a libuv error, and link_close is due either way.
 * Returns 0 or a libuv error, with nothing to close.
 */
int link_connect(struct link **ret, uv_loop_t *loop, const struct sockaddr *address,
                 void (*on_connected)(void *owner, int error), const struct link_owner *calls,
                 void *owner);

/** link_read(link, on): Start or stop to read.  A new link does not read. */
void link_read(struct link *link, bool on);

/** link_send(link, bytes): Send the first of ${bytes}; return how many were taken. */
size_t link_send(struct link *link, struct view bytes);

/** link_memory(link): Return the bytes that link_send took and the system has not. */
size_t link_memory(const struct link *link);

/** link_idle(link): Whether all that link_send took has gone to the system. */
bool link_idle(const struct link *link);

/** link_finish(link): Nothing more will be sent: the peer learns it once he has all.  What he still
 * sends is read. */
void link_finish(struct link *link);

/** link_close(link): Close; on_closed comes later.  A second call does nothing. */
void link_close(struct link *link);

/** link_peer(link, ret): The peer's address.  Returns 0 or a libuv error. */
int link_peer(const struct link *link, struct sockaddr_storage *ret);

/** address_text(address, text, size): Write it as "('127.0.0.1', 38464)". */
void address_text(const struct sockaddr *address, char *text, size_t size);

/** address_is_loopback(address): Whether it never leaves this machine. */
bool address_is_loopback(const struct sockaddr *address);

#endif
