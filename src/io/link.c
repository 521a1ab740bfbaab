// SPDX-License-Identifier: Apache-2.0
#include "io/link.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

struct link {
  uv_tcp_t tcp;
  uv_connect_t connect;
  uv_write_t write;
  uv_shutdown_t shutdown;
  uint8_t *writing; /* owned by the write under way, or NULL */
  size_t writing_size;
  bool closing;
  void (*on_connected)(void *owner, int error);
  const struct link_owner *calls;
  void *owner;
};

static struct link *link_new(uv_loop_t *loop, const struct link_owner *calls, void *owner) {
  struct link *link = calloc(1, sizeof *link);
  if (link == NULL)
    return NULL;
  uv_tcp_init(loop, &link->tcp);
  link->tcp.data = link;
  link->calls = calls;
  link->owner = owner;
  return link;
}

/* An option that cannot be set costs us time after a cut, and nothing else. */
static void set(int fd, int option, unsigned value) {
  int number = (int)value;
  (void)setsockopt(fd, IPPROTO_TCP, option, &number, sizeof number);
}

/* A line that was cut somewhere on the way says nothing.  Both sides notice within
 * AVOW_LINE_DEAD_MS and a little: while something is to be sent by the first option, else by the
 * others. */
static void settle(struct link *link) {
  uv_os_fd_t fd;
  uv_tcp_nodelay(&link->tcp, 1);
  uv_tcp_keepalive(&link->tcp, 1, AVOW_KEEPALIVE_S);
  if (uv_fileno((uv_handle_t *)&link->tcp, &fd) != 0)
    return;
  set(fd, TCP_USER_TIMEOUT, AVOW_LINE_DEAD_MS);
  set(fd, TCP_KEEPINTVL, AVOW_KEEPALIVE_AGAIN_S);
  set(fd, TCP_KEEPCNT, AVOW_LINE_DEAD_MS / 1000 / AVOW_KEEPALIVE_AGAIN_S);
}

static void free_silently(uv_handle_t *handle) {
  free(handle->data);
}

int link_accept(struct link **ret, uv_stream_t *listener, const struct link_owner *calls,
                void *owner) {
  struct link *link = link_new(listener->loop, calls, owner);
  if (link == NULL)
    return UV_ENOMEM;
  int error = uv_accept(listener, (uv_stream_t *)&link->tcp);
  if (error != 0) {
    uv_close((uv_handle_t *)&link->tcp, free_silently);
    return error;
  }
  settle(link);
  *ret = link;
  return 0;
}

/* Where nobody listens, TCP may open a line from a port of this machine to the same port (a
 * simultaneous open, RFC 9293, 3.5). */
static bool leads_to_itself(const struct link *link) {
  struct sockaddr_storage near = {0}, far = {0};
  int near_size = sizeof near, far_size = sizeof far;
  return uv_tcp_getsockname(&link->tcp, (struct sockaddr *)&near, &near_size) == 0 &&
         uv_tcp_getpeername(&link->tcp, (struct sockaddr *)&far, &far_size) == 0 &&
         near_size == far_size && memcmp(&near, &far, (size_t)near_size) == 0;
}

static void connected(uv_connect_t *request, int error) {
  struct link *link = request->handle->data;
  if (link->closing)
    return;
  if (error == 0 && leads_to_itself(link))
    error = UV_ECONNREFUSED;
  if (error == 0)
    settle(link);
  link->on_connected(link->owner, error);
}

int link_connect(struct link **ret, uv_loop_t *loop, const struct sockaddr *address,
                 void (*on_connected)(void *owner, int error), const struct link_owner *calls,
                 void *owner) {
  struct link *link = link_new(loop, calls, owner);
  if (link == NULL)
    return UV_ENOMEM;
  link->on_connected = on_connected;
  int error = uv_tcp_connect(&link->connect, &link->tcp, address, connected);
  if (error != 0)
    uv_close((uv_handle_t *)&link->tcp, free_silently);
  else
    *ret = link;
  return error;
}

/* One for all links: what was read is taken before anything else is. */
static void give_chunk(uv_handle_t *handle, size_t suggested, uv_buf_t *ret) {
  static char chunk[AVOW_READ_MAX];
  (void)handle, (void)suggested;
  *ret = uv_buf_init(chunk, sizeof chunk);
}

static void have_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *chunk) {
  struct link *link = stream->data;
  if (size > 0) {
    link->calls->on_bytes(link->owner, view_of(chunk->base, (size_t)size));
  } else if (size < 0) {
    uv_read_stop(stream);
    link->calls->on_gone(link->owner, size == UV_EOF ? 0 : (int)size);
  }
}

void link_read(struct link *link, bool on) {
  if (link->closing)
    return;
  if (on)
    uv_read_start((uv_stream_t *)&link->tcp, give_chunk, have_read);
  else
    uv_read_stop((uv_stream_t *)&link->tcp);
}

static void have_written(uv_write_t *request, int error) {
  struct link *link = request->handle->data;
  free(link->writing);
  link->writing = NULL;
  if (link->closing)
    return;
  if (error != 0)
    link->calls->on_gone(link->owner, error);
  else
    link->calls->on_bytes(link->owner, view_of("", 0));
}

/* Send at most this much at once; the rest of what the system does not take now waits in ${write}.
 */
static size_t send_part(struct link *link, struct view bytes) {
  size_t part = bytes.size < AVOW_WRITE_MAX ? bytes.size : AVOW_WRITE_MAX;
  uv_buf_t buf = uv_buf_init((char *)bytes.data, (unsigned)part);
  int sent = uv_try_write((uv_stream_t *)&link->tcp, &buf, 1);
  size_t taken = sent > 0 ? (size_t)sent : 0;
  if (taken == part)
    return taken;
  link->writing = malloc(part - taken);
  if (link->writing == NULL)
    return taken;
  link->writing_size = part - taken;
  memcpy(link->writing, bytes.data + taken, part - taken);
  buf = uv_buf_init((char *)link->writing, (unsigned)(part - taken));
  if (uv_write(&link->write, (uv_stream_t *)&link->tcp, &buf, 1, have_written) != 0) {
    free(link->writing); /* the connection is gone; reading will tell */
    link->writing = NULL;
  }
  return part;
}

size_t link_send(struct link *link, struct view bytes) {
  size_t taken = 0, part = 1;
  /* On until a write is under way: only its end tells the owner that there is room again. */
  while (!link->closing && link->writing == NULL && taken < bytes.size && part > 0) {
    part = send_part(link, view_of(bytes.data + taken, bytes.size - taken));
    taken += part;
  }
  return taken;
}

size_t link_memory(const struct link *link) {
  return link->writing == NULL ? 0 : link->writing_size;
}

bool link_idle(const struct link *link) {
  return link->writing == NULL;
}

void link_finish(struct link *link) {
  if (!link->closing && uv_is_writable((uv_stream_t *)&link->tcp))
    (void)uv_shutdown(&link->shutdown, (uv_stream_t *)&link->tcp, NULL); /* or it is gone already */
}

static void have_closed(uv_handle_t *handle) {
  struct link *link = handle->data;
  const struct link_owner *calls = link->calls;
  void *owner = link->owner;
  free(link->writing);
  free(link);
  calls->on_closed(owner);
}

void link_close(struct link *link) {
  if (link->closing)
    return;
  link->closing = true;
  uv_close((uv_handle_t *)&link->tcp, have_closed);
}

int link_peer(const struct link *link, struct sockaddr_storage *ret) {
  int size = sizeof *ret;
  return uv_tcp_getpeername(&link->tcp, (struct sockaddr *)ret, &size);
}

void address_text(const struct sockaddr *address, char *text, size_t size) {
  char host[INET6_ADDRSTRLEN] = "?";
  uv_ip_name(address, host, sizeof host);
  /* The port stands at the same place for both families. */
  snprintf(text, size, "('%s', %u)", host,
           (unsigned)ntohs(((const struct sockaddr_in *)(const void *)address)->sin_port));
}

bool address_is_loopback(const struct sockaddr *address) {
  if (address->sa_family == AF_INET) {
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
    return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
  }
  const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
  const struct in6_addr *a = &v6->sin6_addr;
  return IN6_IS_ADDR_LOOPBACK(a) || (IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr[12] == 127);
}
