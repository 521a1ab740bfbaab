// SPDX-License-Identifier: Apache-2.0
#include "io/server.h"

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "io/guest.h"
#include "io/harden.h"
#include "io/journal.h"
#include "io/link.h"
#include "io/port_file.h"
#include "io/screen.h"

#define LISTENERS_MAX 8
#define BACKLOG 128
#define FIRST_PORT 1024u

struct server {
  const struct server_options *options;
  uv_loop_t loop;
  uv_tcp_t listeners[LISTENERS_MAX];
  unsigned listeners_count;
  uv_signal_t interrupt, terminate, hang_up;
  unsigned port;
  struct host host;
  struct guest **guests; /* those who are here, in no order */
  size_t guests_count, guests_capacity;
  bool ending;
  bool reclaiming;
  enum exit_code code;
};

/* Stop in order: nobody new, everybody who is here is told. */
static void end_server(struct server *server) {
  if (server->ending)
    return;
  server->ending = true;
  for (unsigned i = 0; i < server->listeners_count; i++)
    uv_close((uv_handle_t *)&server->listeners[i], NULL);
  uv_close((uv_handle_t *)&server->interrupt, NULL);
  uv_close((uv_handle_t *)&server->terminate, NULL);
  uv_close((uv_handle_t *)&server->hang_up, NULL);
  for (size_t i = 0; i < server->guests_count; i++)
    guest_dismiss(server->guests[i]);
}

static void on_ended(void *owner, enum exit_code code) {
  struct server *server = owner;
  if (server->code == CODE_OK)
    server->code = code;
  if (!server->options->serve)
    end_server(server);
}

static void on_cut(void *owner) {
  struct server *server = owner;
  if (!server->ending && !server->options->serve)
    screen_status("Waiting for a client...");
}

static void on_resume(void *owner, const uint8_t *session_id, const uint8_t *bob_key) {
  struct server *server = owner;
  for (size_t i = 0; i < server->guests_count; i++)
    guest_replace(server->guests[i], session_id, bob_key);
}

/* First what nobody needs is given back; if that is not enough, who holds the most has to go.  Who
 * reads his confirmations and sends no faster than they come holds little. */
static void on_full(void *owner) {
  struct server *server = owner;
  if (server->reclaiming)
    return;
  server->reclaiming = true;
  for (size_t i = 0; i < server->guests_count; i++)
    guest_trim(server->guests[i]);
  while (server->host.memory > server->options->memory_max) {
    struct guest *most = server->guests[0];
    for (size_t i = 1; i < server->guests_count; i++)
      if (guest_memory(server->guests[i]) > guest_memory(most))
        most = server->guests[i];
    if (guest_memory(most) == 0)
      break; /* the rest is on its way out */
    guest_evict(most);
  }
  server->reclaiming = false;
}

static void on_left(void *owner, struct guest *guest) {
  struct server *server = owner;
  size_t i = 0;
  while (server->guests[i] != guest)
    i++;
  server->guests[i] = server->guests[--server->guests_count];
}

static void on_signal(uv_signal_t *handle, int number) {
  struct server *server = handle->data;
  screen_status("%sEnding.", number == SIGINT && screen_stdout_is_terminal() ? "\n" : "");
  end_server(server);
}

/* The host bounds how many stay; here is only the room to remember them. */
static bool room_for_one(struct server *server) {
  if (server->guests_count < server->guests_capacity)
    return true;
  size_t capacity = server->guests_capacity * 2 + 16;
  struct guest **guests = realloc(server->guests, capacity * sizeof(struct guest *));
  if (guests == NULL)
    return false;
  server->guests = guests;
  server->guests_capacity = capacity;
  return true;
}

/* Too many have no session yet.  An honest opening takes milliseconds, so whoever came first is the
 * one who holds up the others. */
static void dismiss_oldest(struct server *server) {
  struct guest *oldest = server->guests[0];
  for (size_t i = 1; i < server->guests_count; i++)
    if (guest_waits_as(server->guests[i]) < guest_waits_as(oldest))
      oldest = server->guests[i];
  if (guest_waits_as(oldest) != UINT64_MAX)
    guest_dismiss(oldest);
}

static void on_connection(uv_stream_t *listener, int error) {
  struct server *server = listener->data;
  struct guest *guest;
  if (error != 0 || server->ending || !room_for_one(server))
    return;
  if (guest_welcome(&guest, &server->host, listener) != 0)
    return;
  server->guests[server->guests_count++] = guest;
  if (server->host.pending > AVOW_PENDING_MAX)
    dismiss_oldest(server);
}

/* Bind one address; 0 or a libuv error. */
static int listen_at(struct server *server, const struct sockaddr *address, unsigned port) {
  struct sockaddr_storage place;
  memcpy(&place, address,
         address->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
  ((struct sockaddr_in *)&place)->sin_port = htons((uint16_t)port); /* the same place in IPv6 */
  unsigned i = server->listeners_count;
  uv_tcp_t *listener = &server->listeners[i];
  uv_tcp_init(&server->loop, listener);
  listener->data = server;
  unsigned only_v6 = address->sa_family == AF_INET6 ? UV_TCP_IPV6ONLY : 0;
  int error = uv_tcp_bind(listener, (const struct sockaddr *)&place, only_v6);
  if (error == 0)
    error = uv_listen((uv_stream_t *)listener, BACKLOG, on_connection);
  if (error != 0) {
    uv_close((uv_handle_t *)listener, NULL);
    uv_run(&server->loop, UV_RUN_NOWAIT); /* so that the handle can be used again */
    return error;
  }
  server->listeners_count++;
  return 0;
}

static void unlisten(struct server *server) {
  for (unsigned i = 0; i < server->listeners_count; i++)
    uv_close((uv_handle_t *)&server->listeners[i], NULL);
  server->listeners_count = 0;
  uv_run(&server->loop, UV_RUN_NOWAIT);
}

/* All addresses of the name, at one port; 0 or the first error. */
static int listen_on(struct server *server, const struct addrinfo *addresses, unsigned port) {
  for (const struct addrinfo *a = addresses; a != NULL; a = a->ai_next) {
    if (server->listeners_count == LISTENERS_MAX)
      break;
    int error = listen_at(server, a->ai_addr, port);
    if (error != 0) {
      unlisten(server);
      return error;
    }
  }
  return 0;
}

static bool find_port(struct server *server, const struct addrinfo *addresses) {
  unsigned wanted = server->options->port;
  unsigned last = wanted != 0 ? wanted : 65535;
  int error = 0;
  for (unsigned port = wanted != 0 ? wanted : FIRST_PORT; port <= last; port++) {
    error = listen_on(server, addresses, port);
    if (error == 0) {
      server->port = port;
      return true;
    }
    if (error != UV_EADDRINUSE && error != UV_EACCES)
      break;
  }
  if (wanted != 0 && error == UV_EADDRINUSE)
    screen_error("port %u is in use. Choose another one with --port, or leave the choice to me.",
                 wanted);
  else
    screen_error("cannot listen on %s: %s.", server->options->listen, uv_strerror(error));
  return false;
}

/* Off this machine we need to know whom to let in, and keys that are not sent in the clear. */
static enum exit_code check_reach(struct server *server, const struct addrinfo *addresses) {
  const struct server_options *options = server->options;
  server->host.loopback = true;
  for (const struct addrinfo *a = addresses; a != NULL; a = a->ai_next)
    server->host.loopback &= address_is_loopback(a->ai_addr);
  if (server->host.loopback)
    return CODE_OK;
  if (options->handshake == HANDSHAKE_PLAIN) {
    screen_error(
        "--handshake plain sends the key in the clear, so it listens on this machine only. "
        "Leave out --listen, or use --handshake tls.");
    return CODE_USAGE;
  }
  if (options->allowed_file == NULL && !options->accept_anyone) {
    screen_error("whom may I let in? Write the clients' keys to an allowed_signers file (see the "
                 "manual), or say --accept-anyone.");
    return CODE_USAGE;
  }
  return CODE_OK;
}

static enum exit_code open_door(struct server *server) {
  const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
  struct addrinfo *addresses;
  int unknown = getaddrinfo(server->options->listen, NULL, &hints, &addresses);
  if (unknown != 0) {
    screen_error("cannot listen on %s: %s.", server->options->listen, gai_strerror(unknown));
    return CODE_FAILURE;
  }
  enum exit_code code = check_reach(server, addresses);
  if (code == CODE_OK && !find_port(server, addresses))
    code = CODE_FAILURE;
  freeaddrinfo(addresses);
  return code;
}

static enum exit_code write_port(const struct server *server) {
  const struct server_options *options = server->options;
  const struct identity *identity = options->identity;
  enum avow_error error =
      options->handshake == HANDSHAKE_TLS
          ? port_file_write(options->port_file, server->port, identity->public, identity->comment)
          : port_file_write(options->port_file, server->port, NULL, "");
  if (error == AVOW_OK)
    return CODE_OK;
  const char *reason = errno == ELOOP    ? "it, or alice.pub beside it, is a symbolic link"
                       : errno == EISDIR ? "it, or alice.pub beside it, is not a file"
                                         : strerror(errno);
  screen_error("cannot write the port file %s: %s. Remove what is there, or choose another place "
               "with --port-file.",
               options->port_file, reason);
  return CODE_FAILURE;
}

static void watch_signals(struct server *server) {
  signal_watch(&server->loop, &server->interrupt, SIGINT, on_signal, server);
  signal_watch(&server->loop, &server->terminate, SIGTERM, on_signal, server);
  signal_watch(&server->loop, &server->hang_up, SIGHUP, on_signal, server);
}

static enum exit_code set_up(struct server *server) {
  const struct server_options *options = server->options;
  if (options->handshake == HANDSHAKE_TLS &&
      tls_identity_new(&server->host.tls, options->identity->seed) != AVOW_OK) {
    screen_error("cannot use the identity: %s.", avow_error_text(AVOW_CRYPTO));
    return CODE_FAILURE;
  }
  if (store_open_said(&server->host.store, options->log_folder, "--logs") != AVOW_OK)
    return CODE_FAILURE;
  enum exit_code code = open_door(server);
  if (code == CODE_OK)
    code = write_port(server);
  if (code != CODE_OK)
    unlisten(server);
  return code;
}

/* Beside those of sessions: openings, listeners, what the loop and the logs' folder take. */
#define OTHER_FILES (AVOW_PENDING_MAX + LISTENERS_MAX + 24u)

/* A session takes two files: its connection, and its log. */
static unsigned clients_max(const struct server_options *options) {
  unsigned long files = files_allowed();
  if (!options->serve)
    return 1;
  if (files / 2 >= options->clients_max + OTHER_FILES / 2)
    return options->clients_max;
  unsigned most = files > OTHER_FILES + 2 ? (unsigned)(files - OTHER_FILES) / 2 : 1;
  screen_error("only %u clients at once, since only %lu files may be open (ulimit -n).", most,
               files);
  return most;
}

enum exit_code server_run(const struct server_options *options) {
  struct server *server = calloc(1, sizeof *server);
  if (server == NULL || uv_loop_init(&server->loop) != 0) {
    screen_error("%s.", avow_error_text(AVOW_NO_MEMORY));
    free(server);
    return CODE_FAILURE;
  }
  server->options = options;
  server->host = (struct host){.options = options,
                               .sessions_max = clients_max(options),
                               .server = server,
                               .on_ended = on_ended,
                               .on_resume = on_resume,
                               .on_cut = on_cut,
                               .on_full = on_full,
                               .on_left = on_left};
  enum exit_code code = set_up(server);
  if (code == CODE_OK) {
    watch_signals(server);
    screen_status("Server");
    screen_status("Waiting for a client...");
    screen_detail("Listening on %s, port %u", options->listen, server->port);
    screen_json(json_pack("{s:s, s:i}", "event", "listening", "port", (int)server->port));
    uv_run(&server->loop, UV_RUN_DEFAULT);
    port_file_remove(options->port_file, server->port);
    code = server->code;
  }
  uv_loop_close(&server->loop);
  tls_identity_free(server->host.tls);
  store_close(server->host.store);
  free(server->guests);
  free(server);
  return code;
}
