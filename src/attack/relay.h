// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_ATTACK_RELAY_H
#define AVOW_ATTACK_RELAY_H

#include "attack/passing.h"
#include "attack/plan.h"

/* Mallory on one connection: bytes from either side and the time in; bytes for either side, what
 * happened, and the next deadline out.  She cuts the stream into frames, and does to each what her
 * plan says.  She holds no key.  Without I/O, like the cores. */
struct relay;

/* More than this for one side, and the other side is not read any more. */
#define RELAY_OUT_MAX AVOW_OUTPUT_MAX

enum relay_kind {
  RELAY_LINE,  /* between bob and alice */
  RELAY_ALONE, /* with one of them: her program answers each frame */
};

/**
 * relay_new(ret, plan, connection, kind):
 * Begin connection number ${connection}, from 1.  ${plan} outlives the relay and may have several.
 * Returns AVOW_NO_MEMORY.
 */
enum avow_error relay_new(struct relay **ret, struct plan *plan, unsigned connection,
                          enum relay_kind kind);

/** relay_free(relay): Wipe and free; NULL is fine. */
void relay_free(struct relay *relay);

/**
 * relay_input(relay, way, bytes):
 * Take bytes that are going ${way}.  relay_next is due, until it has no more; then relay_output.
 * At most AVOW_READ_MAX at once, and only while relay_wants says so.
 * Returns AVOW_FULL, AVOW_NO_MEMORY.
 */
enum avow_error relay_input(struct relay *relay, enum direction way, struct view bytes);

/** relay_wants(relay, way): Whether relay_input may be called with bytes that are going ${way}. */
bool relay_wants(const struct relay *relay, enum direction way);

/** relay_ended(relay, way): There will be no more bytes that are going ${way}. */
void relay_ended(struct relay *relay, enum direction way);

/**
 * relay_next(relay, mono_us, ret):
 * Go on by one step, and tell what happened; false if nothing is left to do now.
 */
bool relay_next(struct relay *relay, uint64_t mono_us, struct relay_event *ret);

/**
 * relay_answer(relay, on, back):
 * After ACT_ASKED, before the next relay_next: send ${on} in the frame's place, and ${back} to its
 * maker; either may be empty.  Without an answer the frame goes on as it came; in RELAY_ALONE
 * nothing does.  Errors of buf_append.
 */
enum avow_error relay_answer(struct relay *relay, struct view on, struct view back);

/** relay_say(relay, way, bytes): Send bytes of her own.  Errors of buf_append. */
enum avow_error relay_say(struct relay *relay, enum direction way, struct view bytes);

/** relay_cut(relay): The line is cut now. */
void relay_cut(struct relay *relay);

/** relay_output(relay, way): Return the bytes that go on ${way}; valid until the next call. */
struct view relay_output(const struct relay *relay, enum direction way);

/** relay_consume(relay, way, size): The first ${size} of them have been sent. */
void relay_consume(struct relay *relay, enum direction way, size_t size);

/** relay_finished(relay, way): Whether all that will ever go ${way} has been sent. */
bool relay_finished(const struct relay *relay, enum direction way);

/** relay_fate(relay): What is to become of the connection. */
enum relay_fate relay_fate(const struct relay *relay);

/** relay_deadline(relay): When relay_next has something to do again, monotonic, or WHEN_NEVER. */
uint64_t relay_deadline(const struct relay *relay);

#endif
