// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_BIN_MALLORY_H
#define AVOW_BIN_MALLORY_H

#include <jansson.h>

#include "attack/relay.h"
#include "io/exit_codes.h"

/* Mallory's program.  The attacks on frames are in src/attack and know no key.  What one can do who
 * reads the key off a plain line, or answers with a key of her own, is here, and only here. */
struct mallory {
  struct plan plan;
  const char *port_file; /* alice's */
  bool all;              /* tell of the frames that pass as they are, too */
};

/** mallory_say(object, format, ...): Tell: a line "Mallory: ..." on stdout, or ${object} with
 * --json.  Takes ${object} over. */
void mallory_say(json_t *object, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** mallory_deaf(): Whether something could not be written to stdout. */
bool mallory_deaf(void);

/** mallory_tell(event): Tell of what happened on the line. */
void mallory_tell(const struct relay_event *event);

/** mind_begin, mind_event, mind_end: What mallory knows of one connection: see struct tap_options.
 * The owner is a struct mallory. */
void *mind_begin(void *owner, struct relay *relay, unsigned connection, enum attack_role role);
void mind_event(void *mind, struct relay *relay, const struct relay_event *event);
void mind_end(void *mind);

/** mallory_list(argc, argv): "mallory list [NAME]". */
enum exit_code mallory_list(int argc, char **argv);

/** mallory_matrix(argc, argv): "mallory matrix": every attack for real, and a table of it. */
enum exit_code mallory_matrix(int argc, char **argv);

/** mallory_log(argc, argv): "mallory log DEED LOG ...": a changed copy of a log. */
enum exit_code mallory_log(int argc, char **argv);

#endif
