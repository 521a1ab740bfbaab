// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_BIN_MALLORY_POSE_H
#define AVOW_BIN_MALLORY_POSE_H

#include "attack/relay.h"
#include "mallory_spy.h"

/* Mallory in the place of Alice, or of Bob: a real opening, with a key pair of her own that she
 * throws away afterwards. */
struct pose;

/** pose_new(ret, role, text): ROLE_ALICE or ROLE_BOB; ${text} is what she says as Bob.  Returns
 * AVOW_NO_MEMORY. */
enum avow_error pose_new(struct pose **ret, enum attack_role role, const char *text);

/** pose_free(pose): Wipe and free; NULL is fine. */
void pose_free(struct pose *pose);

/** pose_call(pose, relay, alice_port_file): As Bob: begin.  The handshake is tls if
 * ${alice_port_file} has a key of Alice's beside it, otherwise plain. */
void pose_call(struct pose *pose, struct relay *relay, const char *alice_port_file);

/** pose_event(pose, spy, relay, event): A frame came: answer it, and tell.  ${spy} gets the key of
 * the session that comes of it. */
void pose_event(struct pose *pose, struct spy *spy, struct relay *relay,
                const struct relay_event *event);

/** pose_ended(pose): The connection is over: tell if nothing came of it. */
void pose_ended(struct pose *pose);

#endif
