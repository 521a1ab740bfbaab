// SPDX-License-Identifier: Apache-2.0
#include "io/client_state.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/random.h"
#include "io/clock.h"
#include "io/harden.h"
#include "io/journal.h"
#include "io/port_file.h"
#include "io/screen.h"

/* How long to wait before the next try, at most: it doubles. */
#define RETRY_MOST_MS 3000u

static void attempt(struct client *client);

static void timer_over(uv_timer_t *timer) {
  attempt(timer->data);
}

static void talk_over(void *owner) {
  struct client *client = owner;
  client->talk = NULL;
}

void client_finish(struct client *client, enum exit_code code) {
  if (client->over)
    return;
  if (client->talk != NULL && !client->talk_over) {
    talk_give_up(client->talk, code); /* talk_done comes at once */
    return;
  }
  client->over = true;
  client->code = code;
  uv_close((uv_handle_t *)&client->timer, NULL);
  uv_close((uv_handle_t *)&client->interrupt, NULL);
  uv_close((uv_handle_t *)&client->terminate, NULL);
  uv_close((uv_handle_t *)&client->hang_up, NULL);
  if (client->link != NULL)
    link_close(client->link);
  if (client->talk != NULL)
    talk_end(client->talk, talk_over, client);
}

static void talk_done(void *owner, enum exit_code code) {
  struct client *client = owner;
  client->talk_over = true;
  client_finish(client, code);
}

/* Between half of it and all of it, so that many bobs do not come at once. */
static uint64_t jittered(uint64_t wait_ms) {
  uint8_t random = 128;
  (void)random_bytes(&random, sizeof random); /* any value will do */
  return wait_ms / 2 + wait_ms * random / 512 + 1;
}

static void try_later(struct client *client) {
  uint64_t wait_for_us = client->options->wait_for_us;
  uint64_t waited_us = clock_now().mono_us - client->started_us;
  bool out_of_time = waited_us >= wait_for_us;
  /* What the server itself made us come again for is the same try. */
  if (out_of_time && !client->again) {
    if (wait_for_us == 0)
      screen_error("no server is there.");
    else
      screen_error("no server after %g second%s.", (double)wait_for_us / 1e6,
                   wait_for_us == 1000000 ? "" : "s");
    client_finish(client, CODE_UNREACHABLE);
    return;
  }
  client->again = false;
  uint64_t left_ms = out_of_time ? 0 : (wait_for_us - waited_us) / 1000 + 1;
  uint64_t wait_ms = jittered(client->retry_ms);
  if (wait_ms > left_ms)
    wait_ms = left_ms;
  uv_timer_start(&client->timer, timer_over, wait_ms, 0);
  client->retry_ms *= 2;
  if (client->retry_ms > RETRY_MOST_MS)
    client->retry_ms = RETRY_MOST_MS;
}

void client_drop_link(struct client *client) {
  uv_timer_stop(&client->timer); /* it watched the opening */
  opening_free(client->opening);
  client->opening = NULL;
  link_close(client->link);
}

static void opening_late(uv_timer_t *timer);

static void flush_opening(struct client *client) {
  size_t sent = link_send(client->link, opening_output(client->opening));
  opening_output_consume(client->opening, sent);
}

static void hand_to_talk(struct client *client) {
  struct opening *opening = client->opening;
  uv_timer_stop(&client->timer);
  client->opening = NULL;
  client->talking = true;
  client->spoilt = 0;
  client->mismatch_us = 0;
  if (talk_attach(client->talk, opening_session(opening), client->peer, &client->trust)) {
    struct view last = opening_output(opening); /* our signature: it is in our log now */
    opening_output_consume(opening, link_send(client->link, last));
    talk_go(client->talk, client->link, opening_rest(opening));
  }
  opening_free(opening);
}

/* The connection is gone; the talk goes on over the next one, if it wants to. */
static void lost(struct client *client) {
  client->talking = false;
  talk_gone(client->talk);
  if (client->over)
    return;
  screen_status("Waiting for server...");
  client->started_us = clock_now().mono_us;
  client->retry_ms = RETRY_FIRST_MS;
  client->next = NULL; /* look for the server anew: it may stand elsewhere now */
  link_close(client->link);
}

static void watch_opening(struct client *client) {
  uint64_t wait_ms = clock_wait_ms(opening_deadline(client->opening));
  uv_timer_start(&client->timer, opening_late, wait_ms, 0);
}

static void drive_opening(struct client *client) {
  struct opening *opening = client->opening;
  if (opening_state(opening) == OPENING_GRANTED) {
    if (!talk_may_attach(client->talk, opening_session(opening)))
      return;
    opening_agree(opening);
  }
  if (opening_state(opening) != OPENING_DONE) /* else its last output waits for our log */
    flush_opening(client);
  switch (opening_state(opening)) {
  case OPENING_FAILED: client_met_failure(client); break;
  case OPENING_DONE: hand_to_talk(client); break;
  default: watch_opening(client);
  }
}

static void opening_late(uv_timer_t *timer) {
  struct client *client = timer->data;
  opening_tick(client->opening, clock_now());
  drive_opening(client);
}

static void on_bytes(void *owner, struct view bytes) {
  struct client *client = owner;
  if (client->talking) {
    talk_bytes(client->talk, bytes);
  } else if (client->opening != NULL) {
    size_t taken = opening_input(client->opening, bytes, clock_now());
    drive_opening(client);
    if (taken < bytes.size)
      on_bytes(owner, view_of(bytes.data + taken, bytes.size - taken));
  }
}

static void on_gone(void *owner, int reason) {
  struct client *client = owner;
  if (client->over)
    return;
  if (client->talking) {
    screen_detail("%s: %s", client->peer, reason == 0 ? "closed" : uv_strerror(reason));
    lost(client);
  } else if (client->opening != NULL) {
    client_met_silence(client, reason == 0 ? avow_error_text(AVOW_CLOSED) : uv_strerror(reason));
  }
}

static void on_connected(void *owner, int error) {
  struct client *client = owner;
  if (client->over)
    return;
  if (error != 0) {
    screen_detail("%s: %s", client->peer, uv_strerror(error));
    link_close(client->link); /* link_over goes on with the next try */
    return;
  }
  struct open open;
  talk_ask(client->talk, &open);
  enum avow_error bad =
      opening_bob(&client->opening, client->tls, client->trust.known ? client->trust.key : NULL,
                  &open, clock_now());
  if (bad != AVOW_OK) {
    screen_error("cannot open a session: %s.", avow_error_text(bad));
    client_finish(client, CODE_FAILURE);
    return;
  }
  link_read(client->link, true);
  flush_opening(client);
  watch_opening(client);
}

static void connect_next(struct client *client);

static void link_over(void *owner) {
  struct client *client = owner;
  client->link = NULL;
  if (!client->over)
    connect_next(client);
}

/* Connect to the next address of this round, at once; later again, when there is none left. */
static void connect_next(struct client *client) {
  static const struct link_owner calls = {on_bytes, on_gone, link_over};
  if (client->next == NULL) {
    try_later(client);
    return;
  }
  const struct addrinfo *a = client->next;
  client->next = a->ai_next;
  address_text(a->ai_addr, client->peer, sizeof client->peer);
  if (client->tls == NULL && !address_is_loopback(a->ai_addr)) {
    screen_error("--handshake plain sends the key in the clear, so it works on this machine only, "
                 "and %s is not on it.",
                 client->peer);
    client_finish(client, CODE_USAGE);
    return;
  }
  if (link_connect(&client->link, &client->loop, a->ai_addr, on_connected, &calls, client) != 0)
    connect_next(client);
}

/* The port from the port file; false: it is not there, or finish has been called. */
static bool find_port(struct client *client) {
  const char *path = client->options->port_file;
  enum avow_error error = port_file_read(path, &client->port);
  if (error == AVOW_OK)
    return true;
  if (error == AVOW_NOT_FOUND) {
    try_later(client);
    return false;
  }
  const char *reason = error == AVOW_SYSTEM && errno == ELOOP    ? "it is a symbolic link"
                       : error == AVOW_SYSTEM && errno == EISDIR ? "it is not a file"
                       : error == AVOW_SYSTEM                    ? strerror(errno)
                                                                 : "it holds no port number";
  screen_error(
      "cannot use the port file %s: %s. Remove it: alice writes a new one when she starts.", path,
      reason);
  client_finish(client, CODE_FAILURE);
  return false;
}

/* One round: find out where and whom to expect there, then try the addresses one after the other.
 */
static void attempt(struct client *client) {
  const struct client_options *options = client->options;
  client->port = options->port;
  if (options->host == NULL && !find_port(client))
    return;
  if (client->tls != NULL && trust_find(options, client->port, &client->trust) != AVOW_OK) {
    client_finish(client, CODE_UNTRUSTED);
    return;
  }
  char port[8];
  snprintf(port, sizeof port, "%u", client->port);
  const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
  if (client->addresses != NULL)
    freeaddrinfo(client->addresses);
  client->addresses = NULL;
  /* No host is every loopback address, whatever the system calls localhost: alice may listen on
   * either family. */
  int unknown = getaddrinfo(options->host, port, &hints, &client->addresses);
  if (unknown == EAI_AGAIN) {
    try_later(client);
  } else if (unknown != 0) {
    screen_error("cannot find %s: %s.", options->host != NULL ? options->host : "this machine",
                 gai_strerror(unknown));
    client_finish(client, CODE_UNREACHABLE);
  } else {
    client->next = client->addresses;
    connect_next(client);
  }
}

static void on_signal(uv_signal_t *handle, int number) {
  (void)number;
  struct client *client = handle->data;
  talk_interrupt(client->talk);
  if (!client->over && !client->talking)
    client_finish(client, CODE_UNREACHABLE);
}

static enum exit_code set_up(struct client *client) {
  const struct client_options *options = client->options;
  if (options->handshake == HANDSHAKE_TLS &&
      tls_identity_new(&client->tls, options->identity->seed) != AVOW_OK) {
    screen_error("cannot use the identity: %s.", avow_error_text(AVOW_CRYPTO));
    return CODE_FAILURE;
  }
  if (store_open_said(&client->store, options->outbox, "--outbox") != AVOW_OK)
    return CODE_FAILURE;
  uv_timer_init(&client->loop, &client->timer);
  client->timer.data = client;
  signal_watch(&client->loop, &client->interrupt, SIGINT, on_signal, client);
  signal_watch(&client->loop, &client->terminate, SIGTERM, on_signal, client);
  signal_watch(&client->loop, &client->hang_up, SIGHUP, on_signal, client);
  return CODE_OK;
}

enum exit_code client_run(const struct client_options *options) {
  struct client *client = calloc(1, sizeof *client);
  if (client == NULL || uv_loop_init(&client->loop) != 0) {
    screen_error("%s.", avow_error_text(AVOW_NO_MEMORY));
    free(client);
    return CODE_FAILURE;
  }
  client->options = options;
  client->retry_ms = RETRY_FIRST_MS;
  client->started_us = clock_now().mono_us;
  enum exit_code code = set_up(client);
  if (code == CODE_OK) {
    struct talk_setting setting = {.loop = &client->loop,
                                   .options = options,
                                   .store = client->store,
                                   .client = client,
                                   .on_done = talk_done};
    screen_status("Client");
    code = talk_begin(&client->talk, &setting);
    if (code != CODE_OK) {
      client_finish(client, code);
    } else {
      screen_status("Waiting for server...");
      if (!client->over)
        attempt(client);
    }
    uv_run(&client->loop, UV_RUN_DEFAULT);
    code = client->code;
  }
  opening_free(client->opening);
  if (client->addresses != NULL)
    freeaddrinfo(client->addresses);
  uv_loop_close(&client->loop);
  tls_identity_free(client->tls);
  store_close(client->store);
  free(client);
  return code;
}
