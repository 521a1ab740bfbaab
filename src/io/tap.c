// SPDX-License-Identifier: Apache-2.0
#include "io/tap.h"

#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "io/clock.h"
#include "io/harden.h"
#include "io/link.h"
#include "io/port_file.h"
#include "io/screen.h"
#include "io/tap_place.h"

#define BACKLOG 128

struct wire;

/* One side of a connection.  Its bytes go ${way}. */
struct end {
  struct wire *wire;
  enum direction way;
  struct link *link; /* NULL: there is none */
  bool ready;        /* connected */
  bool told;         /* that nothing more will be sent to it */
};

/* One connection through mallory, or with her. */
struct wire {
  struct wire *next;
  struct tap *tap;
  unsigned number;
  enum attack_role role;
  struct end bob, alice;
  struct relay *relay;
  void *mind;
  uv_timer_t timer;
  bool over, timer_closed;
  struct addrinfo *addresses, *at;
};

struct tap {
  const struct tap_options *options;
  uv_loop_t loop;
  uv_tcp_t listener;
  uv_signal_t interrupt, terminate, hang_up;
  struct wire *wires;
  unsigned connections, port;
  bool ending;
};

static void drive(struct wire *wire);

static void free_when_closed(struct wire *wire) {
  if (wire->bob.link != NULL || wire->alice.link != NULL || !wire->timer_closed)
    return;
  struct wire **at = &wire->tap->wires;
  while (*at != wire)
    at = &(*at)->next;
  *at = wire->next;
  if (wire->addresses != NULL)
    freeaddrinfo(wire->addresses);
  relay_free(wire->relay);
  free(wire);
}

static void timer_over(uv_handle_t *timer) {
  struct wire *wire = timer->data;
  wire->timer_closed = true;
  free_when_closed(wire);
}

/* The connection ends here, on both sides. */
static void close_wire(struct wire *wire) {
  if (wire->over)
    return;
  wire->over = true;
  if (wire->bob.link != NULL)
    link_close(wire->bob.link);
  if (wire->alice.link != NULL)
    link_close(wire->alice.link);
  uv_close((uv_handle_t *)&wire->timer, timer_over);
  if (wire->mind != NULL)
    wire->tap->options->on_end(wire->mind);
}

static void on_bytes(void *owner, struct view bytes) {
  struct end *end = owner;
  struct wire *wire = end->wire;
  if (wire->over || wire->relay == NULL)
    return;
  if (bytes.size > 0 && relay_input(wire->relay, end->way, bytes) != AVOW_OK) {
    screen_error("%s.", avow_error_text(AVOW_NO_MEMORY));
    close_wire(wire);
    return;
  }
  drive(wire);
}

static void on_gone(void *owner, int reason) {
  struct end *end = owner;
  struct wire *wire = end->wire;
  if (wire->over)
    return;
  if (reason != 0 || wire->relay == NULL || wire->role != ROLE_LINE) {
    close_wire(wire);
    return;
  }
  relay_ended(wire->relay, end->way);
  drive(wire);
}

static void connect_next(struct wire *wire);

static void on_closed(void *owner) {
  struct end *end = owner;
  struct wire *wire = end->wire;
  end->link = NULL;
  end->ready = false;
  if (!wire->over && end == &wire->alice && wire->relay == NULL)
    connect_next(wire); /* that address did not answer */
  else if (wire->over)
    free_when_closed(wire);
}

static const struct link_owner CALLS = {on_bytes, on_gone, on_closed};

static void late(uv_timer_t *timer) {
  drive(timer->data);
}

/* Send to ${end} what goes there, which came from ${other}; read from ${other} if it may go on. */
static void flush(struct wire *wire, struct end *end, struct end *other) {
  enum direction way = other->way;
  if (end->ready) {
    size_t sent = link_send(end->link, relay_output(wire->relay, way));
    relay_consume(wire->relay, way, sent);
  }
  if (other->ready)
    link_read(other->link, relay_wants(wire->relay, way));
  if (end->ready && !end->told && wire->role == ROLE_LINE && link_idle(end->link) &&
      relay_finished(wire->relay, way)) {
    end->told = true;
    link_finish(end->link);
  }
}

static void drive(struct wire *wire) {
  struct relay_event event;
  uint64_t now_us = clock_now().mono_us;
  while (relay_next(wire->relay, now_us, &event))
    wire->tap->options->on_event(wire->mind, wire->relay, &event);
  flush(wire, &wire->bob, &wire->alice);
  flush(wire, &wire->alice, &wire->bob);
  enum relay_fate fate = relay_fate(wire->relay);
  if (fate == RELAY_CUT || (wire->bob.told && wire->alice.told)) {
    close_wire(wire);
    return;
  }
  if (fate == RELAY_HALF && wire->alice.link != NULL)
    link_close(wire->alice.link);
  uint64_t due_us = relay_deadline(wire->relay);
  if (due_us == WHEN_NEVER)
    uv_timer_stop(&wire->timer);
  else
    uv_timer_start(&wire->timer, late, due_us > now_us ? (due_us - now_us) / 1000 + 1 : 0, 0);
}

/* Both sides are there. */
static void begin(struct wire *wire) {
  const struct tap_options *options = wire->tap->options;
  wire->number = ++wire->tap->connections;
  if (relay_new(&wire->relay, options->plan, wire->number,
                wire->role == ROLE_LINE ? RELAY_LINE : RELAY_ALONE) != AVOW_OK) {
    screen_error("%s.", avow_error_text(AVOW_NO_MEMORY));
    close_wire(wire);
    return;
  }
  wire->mind = options->on_begin(options->owner, wire->relay, wire->number, wire->role);
  if (wire->mind == NULL)
    close_wire(wire);
  else
    drive(wire);
}

static void on_connected(void *owner, int error) {
  struct end *end = owner;
  struct wire *wire = end->wire;
  if (wire->over)
    return;
  if (error != 0) {
    link_close(end->link); /* the next address, if there is one */
    return;
  }
  end->ready = true;
  begin(wire);
}

static void connect_next(struct wire *wire) {
  while (wire->at != NULL) {
    const struct addrinfo *a = wire->at;
    wire->at = a->ai_next;
    if (link_connect(&wire->alice.link, &wire->tap->loop, a->ai_addr, on_connected, &CALLS,
                     &wire->alice) == 0)
      return;
  }
  screen_alarm("Alice does not answer%s. Start her; Bob will come again.",
               wire->role == ROLE_BOB ? "" : ", so Bob is cut off");
  close_wire(wire);
}

static struct wire *new_wire(struct tap *tap, enum attack_role role) {
  struct wire *wire = calloc(1, sizeof *wire);
  if (wire == NULL)
    return NULL;
  *wire = (struct wire){.tap = tap,
                        .role = role,
                        .bob = {.wire = wire, .way = TO_ALICE},
                        .alice = {.wire = wire, .way = TO_BOB},
                        .next = tap->wires};
  tap->wires = wire;
  uv_timer_init(&tap->loop, &wire->timer);
  wire->timer.data = wire;
  return wire;
}

static void call_alice(struct wire *wire) {
  if (tap_find_alice(wire->tap->options, wire->tap->port, &wire->addresses) != CODE_OK) {
    close_wire(wire);
    return;
  }
  wire->at = wire->addresses;
  connect_next(wire);
}

static void on_connection(uv_stream_t *listener, int error) {
  struct tap *tap = listener->data;
  if (error != 0 || tap->ending)
    return;
  bool posing = plan_find(tap->options->plan, ROLE_ALICE) != NULL;
  struct wire *wire = new_wire(tap, posing ? ROLE_ALICE : ROLE_LINE);
  if (wire == NULL)
    return;
  if (link_accept(&wire->bob.link, listener, &CALLS, &wire->bob) != 0) {
    close_wire(wire);
    return;
  }
  wire->bob.ready = true;
  if (posing)
    begin(wire);
  else
    call_alice(wire);
}

/* Mallory calls alice by herself, if that is what she has in mind. */
static void pose_as_bob(struct tap *tap) {
  struct attack *attack = plan_find(tap->options->plan, ROLE_BOB);
  struct wire *wire = attack != NULL ? new_wire(tap, ROLE_BOB) : NULL;
  if (wire == NULL)
    return;
  attack->done++;
  call_alice(wire);
}

static void end_tap(struct tap *tap) {
  if (tap->ending)
    return;
  tap->ending = true;
  uv_close((uv_handle_t *)&tap->listener, NULL);
  uv_close((uv_handle_t *)&tap->interrupt, NULL);
  uv_close((uv_handle_t *)&tap->terminate, NULL);
  uv_close((uv_handle_t *)&tap->hang_up, NULL);
  for (struct wire *wire = tap->wires, *next; wire != NULL; wire = next) {
    next = wire->next;
    close_wire(wire);
  }
}

static void on_signal(uv_signal_t *handle, int number) {
  (void)number;
  end_tap(handle->data);
}

static enum exit_code listen_for_bob(struct tap *tap) {
  const struct tap_options *options = tap->options;
  struct addrinfo *address;
  enum exit_code code = tap_listen_address(options, &address);
  if (code != CODE_OK)
    return code;
  uv_tcp_init(&tap->loop, &tap->listener);
  tap->listener.data = tap;
  int error = uv_tcp_bind(&tap->listener, address->ai_addr, 0);
  if (error == 0)
    error = uv_listen((uv_stream_t *)&tap->listener, BACKLOG, on_connection);
  freeaddrinfo(address);
  if (error == UV_EADDRINUSE)
    screen_error("port %u is in use. Choose another one with --listen, or leave the choice to me.",
                 options->listen_port);
  else if (error != 0)
    screen_error("cannot listen on %s: %s.", options->listen_host, uv_strerror(error));
  if (error == 0) {
    struct sockaddr_storage place;
    int size = sizeof place;
    uv_tcp_getsockname(&tap->listener, (struct sockaddr *)&place, &size);
    tap->port = ntohs(((struct sockaddr_in *)&place)->sin_port); /* the same place in IPv6 */
    code = tap_lay(options, tap->port);
  }
  if (error == 0 && code == CODE_OK)
    return CODE_OK;
  uv_close((uv_handle_t *)&tap->listener, NULL);
  uv_run(&tap->loop, UV_RUN_DEFAULT);
  return error != 0 ? CODE_FAILURE : code;
}

static void run(struct tap *tap) {
  const struct tap_options *options = tap->options;
  signal_watch(&tap->loop, &tap->interrupt, SIGINT, on_signal, tap);
  signal_watch(&tap->loop, &tap->terminate, SIGTERM, on_signal, tap);
  signal_watch(&tap->loop, &tap->hang_up, SIGHUP, on_signal, tap);
  if (options->lay != NULL)
    screen_status("On the line: bob --port-file %s comes to me (port %u), and I go to Alice.",
                  options->lay, tap->port);
  else
    screen_status("On the line: I listen on %s, port %u, and go to Alice.", options->listen_host,
                  tap->port);
  screen_status("Ctrl-C ends me.");
  pose_as_bob(tap);
  uv_run(&tap->loop, UV_RUN_DEFAULT);
  if (options->lay != NULL)
    port_file_remove(options->lay, tap->port);
}

enum exit_code tap_run(const struct tap_options *options) {
  struct tap tap = {.options = options};
  if (uv_loop_init(&tap.loop) != 0) {
    screen_error("%s.", avow_error_text(AVOW_NO_MEMORY));
    return CODE_FAILURE;
  }
  struct addrinfo *alice = NULL;
  enum exit_code code = tap_find_alice(options, 0, &alice);
  if (alice != NULL)
    freeaddrinfo(alice);
  if (code == CODE_OK)
    code = listen_for_bob(&tap);
  if (code == CODE_OK)
    run(&tap);
  uv_loop_close(&tap.loop);
  return code;
}
